"""The lists of shipments of both sides, the list of differences, and the document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor, own, sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import Button, DetailPage, Head, ListPage, Step
from qudao.fulfilment import queries
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.pages.panels import differences_panel, facts_panel, lines_panel, timeline_panel
from qudao.fulfilment.pages.verbs import in_sight
from qudao.fulfilment.states import GONE, State
from qudao.fulfilment.tables import ComingTable, DifferenceTable, ShipmentTable, badge_of, name_of


def sent(actor: Actor) -> QuerySet[Shipment]:
    """The shipments of the own organisation as seller."""
    return queries.shipments(actor).filter(own(actor, "seller"))


def coming(actor: Actor) -> QuerySet[Shipment]:
    """The shipments to the own organisation, from the moment they have left."""
    return queries.shipments(actor).filter(own(actor, "buyer"), state__in=GONE)


class ShipmentList(ListPage):
    """Shipments in sight."""

    verb = "fulfilment.view"
    query = in_sight
    table = ShipmentTable
    title = gettext_lazy("Shipments")


class SentList(ShipmentList):
    """What the own organisation ships."""

    query = sent


class ComingList(ShipmentList):
    """What the own organisation receives."""

    query = coming
    table = ComingTable
    title = gettext_lazy("Receipts")


def shipment_list(request: HttpRequest) -> HttpResponse:
    """The list of the side asked for in the address (`side=sell`, `side=buy`), else of everything in sight."""
    page = {"sell": SentList, "buy": ComingList}.get(request.GET.get("side", ""), ShipmentList)
    return page.as_view()(request)  # type: ignore[return-value]


class DifferenceList(ListPage):
    """What did not arrive as it was shipped."""

    verb = "fulfilment.view"
    query = queries.differences
    table = DifferenceTable
    title = gettext_lazy("Differences")

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.shown_amount = row.amount if sees_prices(self.actor, row.seller_id, row.buyer_id) else None
        return rows


class ShipmentDetail(DetailPage):
    """One shipment: its lines, way and counts."""

    verb = "fulfilment.view"
    query = in_sight
    kind = "fulfilment.shipment"
    panels = (lines_panel, differences_panel, facts_panel, timeline_panel)

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("shipments")

    def head(self, obj: Shipment) -> Head:
        selling = self.actor.org_id == obj.seller_id
        return Head(obj.number, badge_of(obj), name_of(obj.buyer if selling else obj.seller), facts=[obj.order.number])

    def steps(self, obj: Shipment) -> Sequence[tuple[str, Step]]:
        """Planned, picked, shipped, received."""
        if obj.state == State.CANCELLED:
            return ()
        order = [State.CREATED, State.PICKING, State.SHIPPED, State.RECEIVED]
        labels = [_("Planned"), _("Picking"), _("Shipped"), _("Received")]
        times = [obj.created_at, None, obj.shipped_at, obj.received_at]
        at = order.index(State(obj.state))
        done = obj.state == State.RECEIVED
        css = ["past" if i < at or done else "now" if i == at else "" for i in range(len(order))]
        return [(css[i], Step(labels[i], facts=[figures.moment(times[i])] if times[i] else [])) for i in range(len(order))]

    def buttons(self, obj: Shipment) -> Sequence[Button]:
        sells, buys = self.actor.org_id == obj.seller_id, self.actor.org_id == obj.buyer_id
        found = []
        if sells and obj.state == State.CREATED:
            found += [
                Button(_("Start picking"), reverse("shipment_picking", args=[obj.pk]), "clipboard-list", primary=True, verb="fulfilment.pick", ask=True),
                Button(_("Ship everything now"), reverse("order_shipping", args=[obj.order_id]), "truck-delivery", verb="fulfilment.ship"),
            ]
        if sells and obj.state == State.PICKING:
            found += [
                Button(_("Dispatch"), reverse("shipment_dispatch", args=[obj.pk]), "truck", primary=True, verb="fulfilment.ship"),
                Button(_("Stop picking"), reverse("shipment_unpicking", args=[obj.pk]), "arrow-back-up", verb="fulfilment.pick", ask=True),
            ]
        if buys and obj.state == State.SHIPPED:
            found.append(Button(_("Receive"), reverse("shipment_receipt", args=[obj.pk]), "package-import", primary=True, verb="fulfilment.receive"))
        return found
