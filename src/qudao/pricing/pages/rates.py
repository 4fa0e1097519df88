"""Exchange rates: the list, a new one, and taking one back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html.pages import ActionPage, Button, FormPage, ListPage, import_buttons
from qudao.pricing import actions, queries
from qudao.pricing.forms import RateForm
from qudao.pricing.models import Rate
from qudao.pricing.rules import RateDraft
from qudao.pricing.tables import RateTable


class RateList(ListPage):
    """The exchange rates of the own organisation."""

    verb = "pricing.view"
    query = queries.rates
    table = RateTable
    title = gettext_lazy("Exchange rates")
    above = "price_lists"

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("pricing.rates", self.actor),
            Button(_("New rate"), reverse("rate_new"), icon="plus", primary=True, verb="pricing.rates", ask=True, key="n"),
        ]


class RateNew(FormPage):
    """A rate from a day on."""

    verb = "pricing.rates"
    form = RateForm
    title = submit = gettext_lazy("New rate")
    said = gettext_lazy("The rate is saved.")
    above = "rates"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        pair = {name: cleaned.pop(name).strip().upper() for name in ("from_currency", "to_currency")}
        return actions.set_rate(self.actor.org_id, RateDraft(**pair, **cleaned), actor=self.actor, client_id=client_id)


class RateRemoval(ActionPage):
    """Take a rate back that was entered by mistake."""

    verb = "pricing.rates"
    query = queries.rates
    title = submit = gettext_lazy("Remove rate")
    said = gettext_lazy("The rate is removed.")
    danger = True
    above = "rates"

    def says(self, obj: Rate) -> Any:
        return _("The rate before it counts again. What was ordered keeps its price.")

    def perform(self, obj: Rate, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.remove_rates([obj.pk], actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


routes = [
    path("exchange-rates/", RateList.as_view(), name="rates"),
    path("exchange-rates/new", RateNew.as_view(), name="rate_new"),
    path("exchange-rates/<int:pk>/removal", RateRemoval.as_view(), name="rate_removal"),
]
