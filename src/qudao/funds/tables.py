"""The list of credit accounts."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.html import figures
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language
from qudao.funds.models import Account, LimitRequest, SharedLimit
from qudao.funds.states import REQUEST_TONES, TONES, RequestState, State


def name_of(org: object) -> str:
    """An organisation's name in the reader's language."""
    return by_language(org.name, org.name_en)  # type: ignore[attr-defined]


def state_of(row: Account) -> object:
    """Whether orders pass, as it was noted last, as a badge."""
    if row.state == State.OK and row.prepaid:
        return figures.badge(_("Prepaid"), "done")
    return figures.badge(State(row.state).label, TONES[State(row.state)])


class SharedTable(Table):
    """Limits that head offices share with those below them."""

    currency = "currency"

    columns = (
        Column("head.code", _("Head office"), cell="link", sort="head__code"),
        Column("", _("Name"), cell=lambda row: name_of(row.head), sort="head__name", width="clip", slug="name"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("members", _("Who shares it"), cell="qty", sort="members", hide_on_phone=True),
        Column("limit_now", _("Limit"), cell="amount", sort="limit_now", total=True, sum="limit_now", hide_on_phone=True),
        Column("used", _("In use"), cell="amount", sort="used", total=True, sum="used"),
        Column("available", _("Available"), cell="amount", sort="available", total=True, sum="available"),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
    )
    tabs = (Tab("all", _("All")), Tab("over", _("Over the limit"), Q(used__gt=F("limit_now")), wrong=True))
    search = ("head__code__icontains", "head__name__icontains")
    order = ("pk",)
    empty = _("No limit is shared.")
    remedy = _("A head office and its branches can share one limit.")

    def url(self, row: SharedLimit) -> str:
        return reverse("shared_limit", args=[row.pk])


def wanted_cell(row: LimitRequest) -> object:
    """What was asked for."""
    return wanted_words(row.limit_amount, row.temp_limit, row.temp_until, row.account.currency)


def granted_cell(row: LimitRequest) -> object:
    """What it was granted with, or why it was not."""
    if row.state != RequestState.GRANTED:
        return row.answer
    return wanted_words(row.granted_limit, row.granted_temp, row.granted_until, row.account.currency)


def wanted_words(limit: Decimal | None, temp: Decimal, until: date | None, currency: str) -> str:
    """Limits in words: the permanent one, the temporary one with its last day."""
    said = [] if limit is None else [str(figures.money(limit, currency))]
    said += [_("{amount} more until {day}").format(amount=figures.money(temp, currency), day=figures.day(until))] if temp else []
    return ", ".join(said)


class RequestTable(Table):
    """Requests for limits."""

    columns = (
        Column("account.buyer.code", _("Buyer"), cell="link", sort="account__buyer__code"),
        Column("", _("Name"), cell=lambda row: name_of(row.account.buyer), width="clip", slug="name", hide_on_phone=True),
        Column("", _("Asked for"), cell=wanted_cell, slug="wanted"),
        Column("", _("State"), cell=lambda row: figures.badge(row.get_state_display(), REQUEST_TONES[RequestState(row.state)]), slug="state", sort="state"),
        Column("reason", _("Reason"), width="clip", hide_on_phone=True),
        Column("", _("Granted or answered"), cell=granted_cell, width="clip", slug="granted", hide_on_phone=True),
        Column("asked_name", _("Asked by"), sort="asked_name", hide_on_phone=True),
        Column("asked_at", _("Asked"), cell="age", dim=True, sort="asked_at"),
    )
    tabs = (Tab("open", RequestState.REQUESTED.label, Q(state=RequestState.REQUESTED)), Tab("all", _("All")))
    search = ("account__buyer__code__icontains", "account__buyer__name__icontains", "asked_name__icontains")
    order = ("-pk",)
    empty = _("Nobody asks for credit.")
    remedy = _("Ask on the page of a credit account.")

    def url(self, row: LimitRequest) -> str:
        return reverse("fund", args=[row.account_id])


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
        Tab("over", _("Over the limit"), Q(beyond=True, exposure__gt=F("limit_now")) | Q(shared__used__gt=F("shared__limit_amount")), wrong=True),
        Tab("shared", _("Shared limit"), Q(shared__isnull=False)),
        *(Tab(state.value, state.label, Q(state=state), wrong=state != State.WATCH) for state in State if state != State.OK),
    )
    filters = (Filter("currency", _("Currency"), kind="text"),)
    kind, via = "network.organisation", "buyer"
    order = ("pk",)
    empty = _("There is no credit account yet.")
    remedy = _("An account opens when an agreement becomes active.")

    def url(self, row: Account) -> str:
        return reverse("fund", args=[row.pk])
