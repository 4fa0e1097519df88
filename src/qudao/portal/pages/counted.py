"""What the figures of a home count: the orders of some days one by one, each with the day it left and who had to touch it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.translation import gettext_lazy as _

from qudao.base.access import sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import ListPage
from qudao.base.html.pages.log import channels
from qudao.base.html.tables import Column, Filter, Table, address, by_language
from qudao.kernel import clock
from qudao.orders.states import Approval, Status
from qudao.portal.queries.counted import counted_purchases, counted_sales


def _left(row: Any) -> Any:
    """The day an order left; in red when a day was wished and that was earlier."""
    if not row.left_on:
        return figures.DASH
    late = row.requested_on and row.left_on > row.requested_on
    return figures.badge(figures.day(row.left_on), "wrong") if late else figures.day(row.left_on)


def _took(row: Any) -> Any:
    """From order to first dispatch."""
    return figures.age(max(row.left_at - row.placed_at, timedelta())) if row.left_at else figures.DASH


#: what people of the seller do with orders, as a figure
TOUCH_WORDS = {
    "typed": _("Typed in"),
    "signed": _("Signed or refused"),
    "returned": _("Sent back"),
    "released": _("Tried again for credit"),
    "changed": _("Changed, split or sent elsewhere"),
}
STRAIGHT = Q(hand_between=False) & ~Q(status__in=[Status.SUBMITTED, Status.IN_REVIEW])
#: what the figures count, by name
FIGURES = {
    "in_time": (_("Left in time"), Q(left_on__lte=F("requested_on"))),
    "late": (_("Left late"), Q(left_on__gt=F("requested_on"))),
    "left": (_("Have left"), Q(left_at__isnull=False)),
    "straight": (_("Without a person"), STRAIGHT),
    "touched": (_("Not without a person"), ~STRAIGHT),
    "handled": (_("Touched by a person"), Q(hands__gt=0)),
    **{name: (words, Q(**{f"hand_{name}": True})) for name, words in TOUCH_WORDS.items()},
}


class CountedTable(Table):
    """Orders with what the figures of time and of hands say of each."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("", _("Buyer"), cell=lambda row: by_language(row.buyer.name, row.buyer.name_en), width="clip", slug="buyer", by=("buyer_id",)),
        Column("ordered_on", _("Ordered"), cell="day", hide_on_phone=True),
        Column("requested_on", _("Requested"), cell="day", hide_on_phone=True),
        Column("", _("Left on"), cell=_left, num=True, slug="left"),
        Column("", _("From order to dispatch"), cell=_took, num=True, dim=True, hide_on_phone=True, slug="took"),
        Column("", _("Signature"), cell=lambda row: Approval(row.approval).label, dim=True, hide_on_phone=True, slug="approval", by=("approval",)),
        Column("hands", _("Touches"), cell="number", dim=True, hide_on_phone=True, total=True),
        Column("shown_gross", _("Amount (incl. tax)"), cell="amount", total=True, sum="gross"),
    )
    # Not tabs: each would count, for which every order's first dispatch is looked up.
    filters = (
        Filter("figure", _("Figure"), choices=[(name, label) for name, (label, _q) in FIGURES.items()], q=lambda raw: FIGURES.get(raw, ("", Q()))[1]),
        Filter("channel", _("Through"), choices=lambda actor: channels()),
        Filter("from", _("Ordered from"), lookup="ordered_on__gte", kind="day"),
        Filter("to", _("Ordered to"), lookup="ordered_on__lte", kind="day"),
    )
    kind, parties = "orders.order", True
    empty = _("No order of these days is counted here.")


class _Facing(CountedTable):
    """The same with the seller in front."""

    columns: Sequence[Column] = tuple(
        Column("", _("Seller"), cell=lambda row: by_language(row.seller.name, row.seller.name_en), width="clip", slug="seller", by=("seller_id",))
        if one.slug == "buyer"
        else one
        for one in CountedTable.columns
    )


class SoldList(ListPage):
    """The counted orders one sells."""

    verb = "orders.view"
    query = counted_sales
    table = CountedTable
    title = _("Counted orders")
    above = "insight"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Of the last thirty days where the address names none."""
        if not request.GET.get("from") and not request.GET.get("to"):
            since = clock.today() - timedelta(days=29)
            return HttpResponseRedirect(f"{request.path}{address(request.GET, **{'from': f'{since:%Y-%m-%d}'})}")
        return super().get(request, *args, **kwargs)

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.shown_gross = row.gross if sees_prices(self.actor, row.seller_id, row.buyer_id) else None
        return rows


class BoughtList(SoldList):
    """The counted orders one buys."""

    query = counted_purchases
    table = _Facing


def counted(request: HttpRequest) -> HttpResponseBase:
    """The side of the address: `side=buy`, else what is sold."""
    return (BoughtList if request.GET.get("side") == "buy" else SoldList).as_view()(request)


routes = [path("insight/orders/", counted, name="counted_orders")]
