"""The lists of orders of both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from qudao.approvals.queries import unscoped_open_requests
from qudao.base.access import Actor, sees_prices
from qudao.base.html.pages import Bulk, Button, ListPage, Skip, import_buttons
from qudao.orders import actions
from qudao.orders.forms import ReasonForm, RemarkForm
from qudao.orders.queries import orders, purchases, sales
from qudao.orders.states import Kind, Status
from qudao.orders.tables import OrderTable, PurchaseTable, SalesTable

#: before anybody began to pick
CANCELLABLE = (Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.CONFIRMED)


def versions(pks: Sequence[int]) -> dict[int, int]:
    """Which approval request waits for each of these orders: another one when it was changed. For bulk decisions."""
    return unscoped_open_requests("orders.order", pks)


class OrderList(ListPage):
    """Orders one sells, buys, or oversees."""

    verb = "orders.view"
    query: ClassVar[Callable[[Actor], QuerySet]] = orders
    table = OrderTable
    title = gettext_lazy("Orders")
    #: whether transfers between one's buyers are offered here
    arranges = True

    def buttons(self) -> Sequence[Button]:
        new = Button(_("New order"), reverse("order_new"), icon="plus", primary=True, verb="orders.place", key="n")
        arranges = Button(_("Arrange a transfer"), reverse("transfer_new"), icon="transfer", verb="orders.arrange")
        brings = [replace(one, label=_("Import transfers")) for one in import_buttons("orders.transfers", self.actor)]
        return [arranges, *brings, new] if self.arranges else [new]

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "approve", _("Approve"), actions.approve_order, "orders.approve", icon="check", primary=True, form=RemarkForm, versions=versions,
                skips=[Skip(~Q(status=Status.IN_REVIEW), _("they wait for no approval"))],
                says=_("After the last signature credit is held, stock is reserved and the order goes to the warehouse."),
            ),
            Bulk(
                "cancel", _("Cancel orders"), actions.cancel_order, "orders.cancel", icon="trash", danger=True, form=ReasonForm,
                skips=[Skip(~Q(status__in=CANCELLABLE), _("they are picked, shipped or ended already"))],
                says=_("Their credit and their stock are released at once. This cannot be undone."),
            ),
        ]  # fmt: skip

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.shown_gross = row.gross if sees_prices(self.actor, row.seller_id, row.buyer_id) else None
        return rows


class TransferList(OrderList):
    """What one buyer gives another."""

    title = pgettext_lazy("menu", "Transfers")

    def buttons(self) -> Sequence[Button]:
        arrange, *others = super().buttons()
        return [*(one for one in others if not one.primary), replace(arrange, icon="plus", primary=True, key="n")]


class SalesList(OrderList):
    """What the own organisation sells."""

    query = sales
    table = SalesTable
    title = gettext_lazy("Sales orders")


class PurchaseList(OrderList):
    """What the own organisation buys."""

    query = purchases
    table = PurchaseTable
    title = gettext_lazy("Purchase orders")
    arranges = False


def order_list(request: HttpRequest) -> HttpResponseBase:
    """The list of the side asked for in the address (`side=sell`, `side=buy`), else of everything in sight, transfers under their own name."""
    every = TransferList if request.GET.get("kind") == Kind.TRANSFER else OrderList
    page = {"sell": SalesList, "buy": PurchaseList}.get(request.GET.get("side", ""), every)
    return page.as_view()(request)
