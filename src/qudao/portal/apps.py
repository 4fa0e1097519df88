"""The portal as a Django app; it has no tables."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "qudao.portal"
    label = "portal"

    def ready(self) -> None:
        from qudao.portal.queries import passed  # noqa: F401 - the what-if of approvals asks it for orders that needed no signature
