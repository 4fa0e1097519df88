"""What paying invoices in other currencies gained or lost in the own one, with the rates and days it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html import figures
from qudao.kernel.period import DateSpan
from qudao.ledger.pages import ReportPage, side_of, side_tabs
from qudao.payments import queries
from qudao.payments.tables import ExchangeTable


class ExchangeReport(ReportPage):
    """A row for each part of an invoice that was paid in these days."""

    table = ExchangeTable
    title = gettext_lazy("Exchange differences")
    empty = gettext_lazy("Nothing was paid in another currency in this time.")
    asks = ("side",)
    found: Sequence[queries.Exchange] = ()
    above = "accounts"

    def rows(self, span: DateSpan) -> Sequence[Any]:
        self.found = queries.exchanges(self.actor, side_of(self.request), span)
        return self.found

    def more(self) -> dict[str, Any]:
        words = _("No rate of {source} in {target} counts on {day}: enter one.")
        told = " ".join(words.format(source=one, target=other, day=figures.day(on)) for one, other, on in queries.lacking_rates(self.found))
        ways = [(reverse("rates"), _("Exchange rates"))] if self.actor.can("pricing.rates") else []
        return {"tabs": side_tabs(self.request, side_of(self.request)), "told": told, "ways": ways}
