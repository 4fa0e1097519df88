"""The portal as a Django app; it has no tables."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "qudao.portal"
    label = "portal"
