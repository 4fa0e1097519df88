"""The list of orders: the same table for both sides, with the words of the side one looks from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.access import Actor, priced
from qudao.base.html import figures
from qudao.base.html.edits import day
from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language, cell_pair
from qudao.kernel import clock
from qudao.orders.actions import confirm_purchase
from qudao.orders.models import Order
from qudao.orders.states import Allocation, Billing, Fulfilment, Kind, Payment, Status

#: what a reader sees of an order's state: (word, tone)
WORDS = {
    "draft": (pgettext_lazy("order", "Draft"), "idle"),
    "submitted": (pgettext_lazy("order", "Waits for credit"), "wrong"),
    "to_approve": (pgettext_lazy("order", "To approve"), "wait"),
    "to_accept": (pgettext_lazy("order", "Offered"), "wait"),
    "to_ship": (pgettext_lazy("order", "To ship"), "wait"),
    "to_confirm": (pgettext_lazy("order", "Not confirmed by the seller"), "wait"),
    "expected": (pgettext_lazy("order", "Expected"), "move"),
    "partly_received": (pgettext_lazy("order", "Partly received"), "move"),
    "backordered": (pgettext_lazy("order", "Waits for goods"), "wrong"),
    "lapsed": (pgettext_lazy("order", "No longer reserved"), "wrong"),
    "picking": (pgettext_lazy("order", "Picking"), "move"),
    "partly_shipped": (pgettext_lazy("order", "Partly shipped"), "move"),
    "in_transit": (pgettext_lazy("order", "To receive"), "move"),
    "to_invoice": (pgettext_lazy("order", "To invoice"), "wait"),
    "to_pay": (pgettext_lazy("order", "To pay"), "move"),
    "settled": (pgettext_lazy("order", "Settled"), "done"),
    "rejected": (pgettext_lazy("order", "Rejected"), "wrong"),
    "cancelled": (pgettext_lazy("order", "Cancelled"), "idle"),
    "closed_short": (pgettext_lazy("order", "Closed short"), "idle"),
}
#: where an order waits for somebody: which side, and whose work there
WAITS = {
    "draft": ("buyer", pgettext_lazy("job", "purchasing")),
    "submitted": ("buyer", pgettext_lazy("job", "payment")),
    "to_approve": ("seller", pgettext_lazy("job", "approval")),
    "to_accept": ("seller", pgettext_lazy("job", "answer")),
    "to_ship": ("seller", pgettext_lazy("job", "warehouse")),
    "backordered": ("seller", pgettext_lazy("job", "supply")),
    "lapsed": ("seller", pgettext_lazy("job", "supply")),
    "picking": ("seller", pgettext_lazy("job", "warehouse")),
    "partly_shipped": ("seller", pgettext_lazy("job", "warehouse")),
    "in_transit": ("buyer", pgettext_lazy("job", "receiving")),
    "to_invoice": ("seller", pgettext_lazy("job", "finance")),
    "to_pay": ("buyer", pgettext_lazy("job", "finance")),
}
#: the same of a purchase from outside, where the buyer does what the seller would
WAITS_OUTSIDE = {
    **{word: ("buyer", job) for word, (_side, job) in WAITS.items()},
    "to_confirm": ("seller", pgettext_lazy("job", "confirmation")),
    "expected": ("seller", pgettext_lazy("job", "delivery")),
    "partly_received": ("seller", pgettext_lazy("job", "delivery")),
}
#: where goods, or the last of them, have not left
UNSHIPPED = (Fulfilment.NONE, Fulfilment.PICKING, Fulfilment.PARTIAL)
_BY_STATUS = {
    Status.DRAFT: "draft",
    Status.SUBMITTED: "submitted",
    Status.IN_REVIEW: "to_approve",
    Status.CONFIRMED: "to_ship",
    Status.CLOSED: "settled",
    Status.REJECTED: "rejected",
    Status.CANCELLED: "cancelled",
    Status.CLOSED_SHORT: "closed_short",
}


def word_of(order: Order) -> str:
    """Which word of `WORDS` says where an order stands."""
    if order.kind == Kind.EXTERNAL and order.status in (Status.CONFIRMED, Status.IN_FULFILMENT):
        return "partly_received" if order.fulfilment == Fulfilment.PARTIAL else "expected" if order.promised_on else "to_confirm"
    if order.kind == Kind.TRANSFER and order.status == Status.IN_REVIEW:
        return "to_accept"
    if order.status == Status.CONFIRMED and order.allocation == Allocation.BACKORDER:
        return "backordered"
    if order.status == Status.CONFIRMED and order.allocation == Allocation.LAPSED:
        return "lapsed"
    if order.status in _BY_STATUS:
        return _BY_STATUS[Status(order.status)]
    if order.status == Status.DELIVERED:
        return "to_pay" if order.billing == Billing.FULL else "to_invoice"
    stage = {Fulfilment.SHIPPED: "in_transit", Fulfilment.PARTIAL: "partly_shipped", Fulfilment.PICKING: "picking"}
    return stage.get(Fulfilment(order.fulfilment), "to_ship")


def waits_for(order: Order) -> tuple[str, Any]:
    """For which side an order waits and whose work it is there; ("", "") when for nobody."""
    return (WAITS_OUTSIDE if order.kind == Kind.EXTERNAL else WAITS).get(word_of(order), ("", ""))


def _waits_by(order: Order) -> object:
    """What the answer of whom an order waits for depends on."""
    word, outside = word_of(order), order.kind == Kind.EXTERNAL
    side, _job = (WAITS_OUTSIDE if outside else WAITS).get(word, ("", ""))
    return side and (word, outside, getattr(order, f"{side}_id"))


def badge_of(order: Order) -> tuple[object, str]:
    """The state of an order as (word, tone)."""
    return WORDS[word_of(order)]


def name_of(org: object) -> str:
    """An organisation's name in the reader's language."""
    return by_language(org.name, org.name_en)  # type: ignore[attr-defined]


def _badge_cell(row: Order) -> object:
    return figures.badge(*badge_of(row))


def _waits_cell(row: Order) -> object:
    """Which side an order waits for, and whose work it is there."""
    side, job = waits_for(row)
    return cell_pair(job, name_of(getattr(row, side))) if side else ""


def _late(actor: Actor) -> Q:
    """Orders whose goods have not left on the day they were promised for."""
    return Q(promised_on__lt=clock.today(), status__in=[Status.CONFIRMED, Status.IN_FULFILMENT], fulfilment__in=UNSHIPPED)


def is_late(order: Order) -> bool:
    """Whether its goods should have left and have not."""
    under_way = order.status in (Status.CONFIRMED, Status.IN_FULFILMENT) and order.fulfilment in UNSHIPPED
    return bool(under_way and order.promised_on and order.promised_on < clock.today())


def _promised_cell(row: Order) -> object:
    """The day the goods are promised for, in red when it has passed and they have not left."""
    if not row.promised_on:
        return ""
    day = figures.day(row.promised_on)
    return format_html('<span class="t-wrong">{}</span>', day) if is_late(row) else day


#: what the word of an order's state depends on
_STATE = ("status", "allocation", "fulfilment", "billing", "kind", "promised_on")


_promise = Edit(
    "orders.confirm_purchase",
    day(),
    lambda row, value, actor: confirm_purchase(row.pk, value, actor=actor),
    now=lambda row: row.promised_on,
    when=lambda row: row.outside and row.status in (Status.CONFIRMED, Status.IN_FULFILMENT),
)


class OrderTable(Table):
    """Orders, newest first."""

    currency = "currency"
    sheet = (
        *(
            "number",
            "status",
            "allocation",
            "billing",
            "fulfilment",
            "payment",
            "gross",
            "currency",
            "line_count",
            "requested_on",
            "promised_on",
            "kind",
            "placed_at",
            "state_since",
        ),
        *("seller_id", "buyer_id", "buyer__name", "buyer__name_en", "seller__name", "seller__name_en"),
    )
    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", width="clip", slug="buyer", by=("buyer_id",)),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller", by=("seller_id",)),
        Column("", _("State"), cell=_badge_cell, slug="state", by=word_of),
        Column("", _("Waits for"), cell=_waits_cell, hide_on_phone=True, width="clip", slug="waits", by=_waits_by),
        Column("state_since", _("Waiting"), cell="age", dim=True, hide_on_phone=True, sort="state_since"),
        Column("line_count", _("Lines"), cell="number", num=True, dim=True, hide_on_phone=True),
        Column("shown_gross", _("Amount (incl. tax)"), cell="amount", sort="gross", total=True, sum="gross"),
        Column("requested_on", _("Requested"), cell="day", hide_on_phone=True, sort="requested_on"),
        Column("", _("Promised"), cell=_promised_cell, num=True, sort="promised_on", hide_on_phone=True, slug="promised", by=_STATE, edit=_promise),
        Column("placed_at", _("Ordered"), cell="moment", dim=True, hide_on_phone=True, sort="id"),
    )
    tabs: Sequence[Tab] = (
        Tab("all", _("All")),
        Tab("to_approve", _("To approve"), Q(status=Status.IN_REVIEW)),
        Tab("on_hold", pgettext_lazy("orders", "On hold"), Q(status=Status.SUBMITTED), wrong=True),
        Tab("to_ship", _("To ship"), Q(status=Status.CONFIRMED) | Q(status=Status.IN_FULFILMENT, fulfilment__in=[Fulfilment.NONE, Fulfilment.PICKING])),
        Tab("backordered", pgettext_lazy("orders", "Backordered"), Q(waits_since__isnull=False, status__in=[Status.CONFIRMED, Status.IN_FULFILMENT])),
        Tab("lapsed", pgettext_lazy("orders", "No longer reserved"), Q(status=Status.CONFIRMED, allocation=Allocation.LAPSED), wrong=True),
        Tab("late", pgettext_lazy("orders", "Late"), _late, wrong=True),
        Tab("partly_shipped", _("Partly shipped"), Q(status=Status.IN_FULFILMENT, fulfilment=Fulfilment.PARTIAL)),
        Tab("to_receive", _("To receive"), Q(status=Status.IN_FULFILMENT, fulfilment=Fulfilment.SHIPPED)),
        Tab("to_invoice", _("To invoice"), Q(status__in=[Status.DELIVERED, Status.CLOSED_SHORT], billing__in=[Billing.NONE, Billing.PARTIAL])),
        Tab("to_pay", _("To pay"), Q(status__in=[Status.DELIVERED, Status.CLOSED_SHORT], billing=Billing.FULL) & ~Q(payment=Payment.PAID)),
        Tab("closed", _("Settled"), Q(status=Status.CLOSED)),
        Tab("stopped", _("Stopped"), Q(status__in=[Status.REJECTED, Status.CANCELLED, Status.CLOSED_SHORT, Status.DRAFT])),
    )
    filters = (
        Filter("status", _("State"), choices=Status.choices),
        Filter("from", _("Ordered from"), lookup="ordered_on__gte", kind="day"),
        Filter("to", _("Ordered to"), lookup="ordered_on__lte", kind="day"),
        Filter("kind", _("Type"), choices=Kind.choices),
        Filter("billing", _("Invoicing"), choices=Billing.choices),
        Filter("payment", _("Payment"), choices=Payment.choices),
    )
    kind, parties = "orders.order", True
    empty = _("There are no orders here.")
    remedy = _("Orders appear as soon as they are placed.")

    def summed(self, actor: Actor) -> Q:
        return priced(actor)


def _facing(other: str) -> tuple[Column, ...]:
    """The columns with the `other` side in front; the own side is the same in every row and shown only when it is chosen."""
    own = {"buyer": "seller", "seller": "buyer"}[other]
    face: dict[str, dict[str, Any]] = {own: {"hidden": True}, other: {"dim": False, "hide_on_phone": False}}
    return tuple(replace(column, **face.get(column.slug, {})) for column in OrderTable.columns)


class SalesTable(OrderTable):
    """Orders the own organisation sells."""

    columns = _facing("buyer")


class PurchaseTable(OrderTable):
    """Orders the own organisation buys."""

    columns = _facing("seller")
    tabs = (OrderTable.tabs[0], Tab("outside", pgettext_lazy("orders", "From outside"), Q(kind=Kind.EXTERNAL)), *OrderTable.tabs[1:])
