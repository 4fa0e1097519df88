"""Orders as a Django app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "qudao.orders"
    label = "orders"

    def ready(self) -> None:
        from qudao.orders import queries  # noqa: F401 - funds asks them what uses credit by product
