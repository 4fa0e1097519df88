"""The Django app of the module."""

from django.apps import AppConfig


class NetworkConfig(AppConfig):
    """Organisations."""

    name = "qudao.network"
    label = "network"

    def ready(self) -> None:
        from qudao.network import policies  # noqa: F401  (registers the policies)
