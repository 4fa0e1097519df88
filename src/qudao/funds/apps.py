"""Django's registration of the module."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FundsConfig(AppConfig):
    name = "qudao.funds"
    verbose_name = _("Credit")

    def ready(self) -> None:
        from qudao.funds import policies  # noqa: F401 - policies register themselves
