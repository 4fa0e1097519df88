"""Django's registration of the module."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    name = "qudao.catalog"
    label = "catalog"
    verbose_name = _("Products")
