"""The lists of price lists and of prices."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.html import figures
from qudao.base.html.edits import day, described, number, renamed, text
from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language
from qudao.kernel import clock
from qudao.pricing import queries
from qudao.pricing.actions import ListDraft, change_list, end_price, set_price
from qudao.pricing.models import Price, PriceChange, Rate
from qudao.pricing.rules import PriceDraft
from qudao.pricing.states import STANDING, ChangeState


def name_of(row: Any) -> str:
    """The name in the reader's language."""
    return by_language(row.name, row.name_en)


def _valid(actor: Any) -> Q:
    today = clock.today()
    return Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gte=today))


def _standing(row: Price) -> bool:
    return row.valid_to is None or row.valid_to >= clock.today()


def _reprice(row: Price, value: Decimal, actor: Any) -> Price:
    """Another price from today on (from its first day, if that is still to come), as long as the present one was to last."""
    since = max(row.valid_from, clock.today())
    return set_price(row.list_id, PriceDraft(row.product_id, value, since, row.valid_to, row.min_qty), actor=actor)


_amount = Edit("pricing.edit", number(18, 6), _reprice, when=_standing)
_last_day = Edit("pricing.edit", day(), lambda row, value, actor: end_price(row.pk, value, actor=actor), when=_standing)
_list_name = Edit("pricing.edit", text(120), renamed(described(ListDraft, change_list)), now=name_of)


class ListTable(Table):
    """Price lists: the own ones and those the reader buys by."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Name"), cell=name_of, sort="name", slug="name", edit=_list_name),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, sort="owner__code", slug="owner"),
        Column("currency", _("Currency"), dim=True, hide_on_phone=True),
        Column("", _("Tax"), cell=lambda row: _("included") if row.tax_inclusive else _("not included"), dim=True, hide_on_phone=True, slug="tax"),
        Column("", _("Base list"), cell=lambda row: _("yes") if row.is_base else "", hide_on_phone=True, slug="base_list"),
    )
    search = ("code__icontains", "name__icontains", "name_en__icontains")
    order = ("owner_id", "-is_base", "code", "pk")
    empty = _("No price list stands here.")
    remedy = _("Make a list and mark it as the base list: buyers pay by it when nothing else says otherwise.")


class PriceTable(Table):
    """Prices of the lists the reader may see."""

    columns = (
        Column("product.code", _("Product"), cell="code", sort="product__code"),
        Column("", _("Name"), cell=lambda row: name_of(row.product), sort="product__name", slug="name"),
        Column("list.code", _("List"), cell="code", dim=True),
        Column("min_qty", _("From quantity"), cell="qty", sort="min_qty", hide_on_phone=True),
        Column("amount", _("Price"), cell="price", sort="amount", edit=_amount),
        Column("valid_from", pgettext_lazy("validity", "From"), cell="day", dim=True, hide_on_phone=True, sort="valid_from"),
        Column("valid_to", pgettext_lazy("validity", "To"), cell="day", dim=True, hide_on_phone=True, sort="valid_to", edit=_last_day),
    )
    tabs = (
        Tab("valid", _("In force"), _valid),
        Tab("planned", _("Planned"), lambda actor: Q(valid_from__gt=clock.today())),
        Tab("past", _("Past"), lambda actor: Q(valid_to__lt=clock.today())),
        Tab("all", _("All")),
    )
    filters = (Filter("list", _("Price list"), lookup="list_id", choices=lambda actor: [(x.pk, f"{x.code} {name_of(x)}") for x in queries.price_lists(actor)]),)
    kind, via = "catalog.product", "product"
    order = ("product__code", "list_id", "min_qty", "pk")
    empty = _("No price stands here.")

    def url(self, row: Price) -> str:
        return row.list.get_absolute_url()


class RateTable(Table):
    """Exchange rates, newest first."""

    columns = (
        Column("from_currency", _("From currency"), cell="link", sort="from_currency"),
        Column("to_currency", _("To currency"), cell="code", sort="to_currency"),
        Column("rate", _("Exchange rate"), cell="price", sort="rate"),
        Column("day", pgettext_lazy("validity", "From"), cell="day", sort="day"),
        Column("", _("Owner"), cell=lambda row: name_of(row.owner), dim=True, hide_on_phone=True, slug="owner"),
    )
    filters = (Filter("from", _("From currency"), kind="text", lookup="from_currency"), Filter("to", _("To currency"), kind="text", lookup="to_currency"))
    order = ("-day", "from_currency", "to_currency", "pk")
    empty = _("No exchange rate stands here.")
    remedy = _("Enter a rate: prices of lists in another currency are converted by it.")

    def url(self, row: Rate) -> str:
        return reverse("rate_removal", args=[row.pk])


CHANGE_TONES = {"draft": "wait", "waiting": "wait", "scheduled": "move", "effective": "done", "superseded": "idle", "dropped": "idle", "recalled": "idle"}


def _standing_badge(row: PriceChange) -> Any:
    standing = queries.standing_of(row)
    return figures.badge(STANDING[standing], CHANGE_TONES[standing])


class ChangeTable(Table):
    """Changes of prices, newest first."""

    columns = (
        Column("number", _("Number"), cell="link"),
        Column("title", _("What it is about"), width="clip"),
        Column("list.code", _("Price list"), cell="code", sort="list__code"),
        Column("", _("State"), cell=_standing_badge, slug="state"),
        Column("number_of", _("Prices"), cell="qty", hide_on_phone=True),
        Column("valid_from", pgettext_lazy("validity", "From"), cell="day", sort="valid_from"),
        Column("valid_to", pgettext_lazy("validity", "To"), cell="day", dim=True, hide_on_phone=True),
        Column("created_name", _("Drafted by"), dim=True, hide_on_phone=True),
    )
    tabs = (
        Tab("all", _("All")),
        Tab("draft", _("Drafts"), Q(state=ChangeState.DRAFT)),
        Tab("coming", pgettext_lazy("prices", "Coming"), lambda actor: Q(state=ChangeState.RELEASED, valid_from__gt=clock.today())),
        Tab("released", pgettext_lazy("prices", "Released"), Q(state=ChangeState.RELEASED)),
    )
    search = ("title__icontains", "list__code__icontains")
    order = ("-pk",)
    empty = _("No change of prices stands here.")
    remedy = _("Open a price list and draft a change: several prices that take effect together, after their signatures.")

    def url(self, row: PriceChange) -> str:
        return row.get_absolute_url()
