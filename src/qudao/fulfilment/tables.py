"""Lists of shipments and differences, the same for both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.access import Actor, priced
from qudao.base.html import figures
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language, join
from qudao.fulfilment.queries import unscoped_with_parcel
from qudao.fulfilment.states import COUNTED, UNDER_WAY, UNSETTLED, DifferenceKind, DifferenceState, State

TONES: dict[str, str] = {
    State.CREATED: "wait",
    State.PICKING: "move",
    State.SHIPPED: "move",
    State.PARTLY: "wait",
    State.RECEIVED: "done",
    State.REFUSED: "wrong",
    State.CANCELLED: "idle",
}
DIFFERENCE_TONES: dict[str, str] = {DifferenceState.OPEN: "wrong", DifferenceState.INVESTIGATING: "move", DifferenceState.SETTLED: "done"}


def badge_of(shipment: Any) -> tuple[Any, str]:
    """The state of a shipment as (word, tone); an open difference is said instead of "received"."""
    if shipment.state == State.RECEIVED and getattr(shipment, "differs", False):
        return pgettext_lazy("shipment", "Received with differences"), "wrong"
    return State(shipment.state).label, TONES[State(shipment.state)]


def name_of(row: Any) -> str:
    """A party's or product's name in the reader's language."""
    return by_language(row.name, row.name_en)


def told_of(obj: Any) -> str:
    """What a difference is about, in a line."""
    what = f"{DifferenceKind(obj.kind).label}: {figures.qty(obj.qty)} × {name_of(obj.receipt_line.shipment_line.product)}"
    return f"{what} → {name_of(obj.product)} {obj.product.code}" if obj.product else what


class ShipmentTable(Table):
    """Shipments, newest first."""

    columns: Sequence[Column] = (
        Column("number", _("Number"), cell="link", sort="number"),
        Column("order.number", _("Order"), cell="code", dim=True, hide_on_phone=True),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), sort="buyer__code", width="clip", slug="buyer"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("", _("State"), cell=lambda row: figures.badge(*badge_of(row)), slug="state"),
        Column("state_since", _("Waiting"), cell="age", dim=True, sort="state_since"),
        Column("", _("Carrier"), cell=lambda row: join(row.carrier, row.tracking), dim=True, hide_on_phone=True, width="clip", slug="carrier"),
        Column("line_count", _("Lines"), cell="number", num=True, dim=True, hide_on_phone=True),
        Column("shipped_at", _("Shipped"), cell="moment", dim=True, hide_on_phone=True, sort="shipped_at"),
    )
    tabs: Sequence[Tab] = (
        Tab("open", pgettext_lazy("shipments", "Under way"), Q(state__in=[State.CREATED, State.PICKING, *UNDER_WAY])),
        Tab("to_pick", _("To pick"), Q(state=State.CREATED)),
        Tab("picking", _("Picking"), Q(state=State.PICKING)),
        Tab("to_receive", _("To receive"), Q(state__in=UNDER_WAY)),
        Tab("differences", _("With differences"), Q(differs=True), wrong=True),
        Tab("received", _("Received"), Q(state__in=COUNTED)),
        Tab("all", _("All")),
    )
    filters = (
        Filter("state", _("State"), choices=State.choices),
        Filter("from", _("Shipped from"), lookup="shipped_at__date__gte", kind="day"),
        Filter("to", _("Shipped to"), lookup="shipped_at__date__lte", kind="day"),
    )
    kind, parties = "fulfilment.shipment", True

    def also(self, words: str) -> RawSQL | None:
        """A shipment is found by the number on one of its parcels."""
        return unscoped_with_parcel(words)

    empty = _("There are no shipments here.")
    remedy = _("A shipment waits here as soon as an order is confirmed.")

    def url(self, row: Any) -> str:
        return reverse("shipment", args=[row.pk])


class ComingTable(ShipmentTable):
    """The same as its receiver looks at it: from whom it comes, from the moment it has left."""

    columns: Sequence[Column] = (
        *ShipmentTable.columns[:2],
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), sort="seller__code", width="clip", slug="seller"),
        *ShipmentTable.columns[4:],
    )
    tabs: Sequence[Tab] = (
        Tab("to_receive", _("To receive"), Q(state__in=UNDER_WAY)),
        Tab("differences", _("With differences"), Q(differs=True), wrong=True),
        Tab("received", _("Received"), Q(state__in=COUNTED)),
        Tab("all", _("All")),
    )
    empty = _("Nothing is on its way to you.")
    remedy = _("A shipment appears here as soon as its seller has dispatched it.")


def _has(row: Any) -> str:
    """Who has a difference, and until when."""
    return join(str(row.taken_by or ""), figures.day(row.due_on) if row.due_on else "")


class DifferenceTable(Table):
    """What did not arrive as it was shipped."""

    currency = "currency"
    columns: Sequence[Column] = (
        Column("shipment.number", _("Shipment"), cell="link", sort="shipment__number"),
        Column("", _("Product"), cell=lambda row: name_of(row.receipt_line.shipment_line.product), width="clip", slug="product"),
        Column("", _("Buyer"), cell=lambda row: name_of(row.buyer), hide_on_phone=True, sort="buyer__code", width="clip", slug="buyer"),
        Column("", _("Seller"), cell=lambda row: name_of(row.seller), dim=True, hide_on_phone=True, width="clip", slug="seller"),
        Column("", _("What"), cell=lambda row: join(DifferenceKind(row.kind).label, row.product.code if row.product else ""), width="text-nowrap", slug="what"),
        Column("", _("Photos"), cell=lambda row: getattr(row, "shown_photos", 0) or "", num=True, dim=True, hide_on_phone=True, slug="photos"),
        Column("qty", _("Quantity"), cell="qty", sort="qty"),
        Column("shown_amount", _("Amount (incl. tax)"), cell="amount", hide_on_phone=True, total=True, sum="amount"),
        Column("state", _("State"), cell="state", tones=DIFFERENCE_TONES),
        Column("", _("Taken by"), cell=_has, dim=True, hide_on_phone=True, sort="due_on", width="text-nowrap", slug="taken_by"),
        Column("at", _("Waiting"), cell="age", dim=True, sort="at"),
    )
    tabs: Sequence[Tab] = (
        Tab("unsettled", pgettext_lazy("differences", "To settle"), Q(state__in=UNSETTLED), wrong=True),
        Tab("open", _("Open"), Q(state=DifferenceState.OPEN)),
        Tab("investigating", DifferenceState.INVESTIGATING.label, Q(state=DifferenceState.INVESTIGATING)),
        Tab("settled", _("Settled"), Q(state=DifferenceState.SETTLED)),
        Tab("all", _("All")),
    )
    filters = (Filter("kind", _("What"), choices=DifferenceKind.choices),)
    kind, via, parties = "fulfilment.shipment", "shipment", True
    empty = _("Everything arrived as it was shipped.")

    def url(self, row: Any) -> str:
        return reverse("shipment", args=[row.shipment_id])

    def summed(self, actor: Actor) -> Q:
        return priced(actor)
