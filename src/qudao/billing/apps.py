"""The billing module as a Django app."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "qudao.billing"
    label = "billing"
