"""Django's registration of the module."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    name = "qudao.inventory"
    verbose_name = _("Stock")

    def ready(self) -> None:
        from qudao.inventory import policies  # noqa: F401 - policies register themselves
