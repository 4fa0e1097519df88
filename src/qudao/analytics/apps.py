"""The analytics module as a Django app."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    name = "qudao.analytics"
    label = "analytics"
