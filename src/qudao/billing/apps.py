"""The billing module as a Django app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "qudao.billing"
    label = "billing"

    def ready(self) -> None:
        from qudao.billing import queries  # noqa: F401 - funds asks them what uses credit by product
