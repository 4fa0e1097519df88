"""The list of credit accounts."""

from __future__ import annotations

from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.html import figures
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language
from qudao.funds.models import Account
from qudao.funds.states import TONES, State


def name_of(org: object) -> str:
    """An organisation's name in the reader's language."""
    return by_language(org.name, org.name_en)  # type: ignore[attr-defined]


def state_of(row: Account) -> object:
    """Whether orders pass, as it was noted last, as a badge."""
    if row.state == State.OK and row.prepaid:
        return figures.badge(_("Prepaid"), "done")
    return figures.badge(State(row.state).label, TONES[State(row.state)])


class AccountTable(Table):
    """Credit given and taken."""

    currency = "currency"

    columns = (
        Column("buyer.code", _("Buyer"), cell="link", sort="buyer__code"),
        Column("", _("Name"), cell=lambda row: name_of(row.buyer), sort="buyer__name", width="clip", slug="name"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("limit_now", _("Limit or balance"), cell="amount", sort="limit_now", hide_on_phone=True, total=True, sum="limit_now"),
        Column("exposure", _("In use"), cell="amount", sort="exposure", hide_on_phone=True, total=True, sum="exposure"),
        Column("available", _("Available"), cell="amount", sort="available", total=True, sum="available"),
        Column("", _("State"), cell=state_of, slug="state"),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )
    tabs = (
        Tab("all", _("All")),
        Tab("given", _("We give"), lambda actor: Q(seller_id=actor.org_id)),
        Tab("taken", _("We use"), lambda actor: Q(buyer_id=actor.org_id)),
        Tab("prepaid", _("Prepaid"), Q(prepaid=True)),
        Tab("deposit", _("Deposit missing"), Q(deposit_required__gt=F("deposit_held")), wrong=True),
        Tab("over", _("Over the limit"), Q(beyond=True, exposure__gt=F("limit_now")), wrong=True),
        *(Tab(state.value, state.label, Q(state=state), wrong=state != State.WATCH) for state in State if state != State.OK),
    )
    filters = (Filter("currency", _("Currency"), kind="text"),)
    kind, via = "network.organisation", "buyer"
    order = ("pk",)
    empty = _("There is no credit account yet.")
    remedy = _("An account opens when an agreement becomes active.")

    def url(self, row: Account) -> str:
        return reverse("fund", args=[row.pk])
