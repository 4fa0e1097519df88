"""The fulfilment module as a Django app."""

from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    name = "qudao.fulfilment"
    label = "fulfilment"
