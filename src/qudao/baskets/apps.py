"""Django's registration of the module."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BasketsConfig(AppConfig):
    name = "qudao.baskets"
    verbose_name = _("Baskets")

    def ready(self) -> None:
        from qudao.baskets import policies  # noqa: F401 - policies register themselves
