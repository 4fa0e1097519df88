"""Orders as a Django app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "qudao.orders"
    label = "orders"
