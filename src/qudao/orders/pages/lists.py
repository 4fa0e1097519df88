"""The lists of orders of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import sees_prices
from qudao.base.html.pages import Button, ListPage
from qudao.orders.queries import orders, purchases, sales
from qudao.orders.tables import OrderTable


class OrderList(ListPage):
    """Orders one sells, buys, or oversees."""

    verb = "orders.view"
    query = orders
    table = OrderTable
    title = gettext_lazy("Orders")

    def buttons(self) -> Sequence[Button]:
        return [Button(_("New order"), reverse("order_new"), icon="plus", primary=True, verb="orders.place", key="n")]

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.shown_gross = row.gross if sees_prices(self.actor, row.seller_id, row.buyer_id) else None
        return rows


class SalesList(OrderList):
    """What the own organisation sells."""

    query = sales
    title = gettext_lazy("Sales orders")


class PurchaseList(OrderList):
    """What the own organisation buys."""

    query = purchases
    title = gettext_lazy("Purchase orders")


def order_list(request: HttpRequest) -> HttpResponseBase:
    """The list of the side asked for in the address (`side=sell`, `side=buy`), else of everything in sight."""
    page = {"sell": SalesList, "buy": PurchaseList}.get(request.GET.get("side", ""), OrderList)
    return page.as_view()(request)
