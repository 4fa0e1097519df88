"""The payments module as a Django app."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    name = "qudao.payments"
    label = "payments"
