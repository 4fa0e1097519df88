"""The tax of invoices and credit notes by rate, sold or bought, of any days and with one partner or all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy

from qudao.kernel.period import DateSpan
from qudao.ledger.pages import ReportPage, side_of, side_tabs
from qudao.payments import queries
from qudao.payments.tables import TaxTable


class TaxReport(ReportPage):
    """A row for each currency and rate; what is exempt stands apart from the rate zero."""

    table = TaxTable
    title = gettext_lazy("Tax by rate")
    asks = ("side", "partner")
    above = "accounts"

    def rows(self, span: DateSpan) -> Sequence[Any]:
        partner = self.request.GET.get("partner", "")
        return queries.taxes(self.actor, side_of(self.request), span, int(partner) if partner.isdecimal() and len(partner) < 18 else None)

    def more(self) -> dict[str, Any]:
        return {"tabs": side_tabs(self.request, side_of(self.request))}
