"""Django's registration of the module."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    name = "qudao.ledger"
    verbose_name = _("Ledger")

    def ready(self) -> None:
        from qudao.ledger import policies  # noqa: F401 - policies register themselves
