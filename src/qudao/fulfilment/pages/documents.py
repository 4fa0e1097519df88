"""The lists of shipments of both sides, the list of differences, and the document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.base.access import Actor, get_visible, sees_prices
from qudao.base.files import show
from qudao.base.html import figures
from qudao.base.html.pages import Bulk, Button, DetailPage, Head, ListPage, Skip, Step, door
from qudao.fulfilment import actions, queries
from qudao.fulfilment.forms import BearForm, CarrierForm
from qudao.fulfilment.models import Difference, Shipment
from qudao.fulfilment.pages.panels import differences_panel, facts_panel, lines_panel, receipts_panel, timeline_panel
from qudao.fulfilment.pages.parcels import packs, parcels_panel
from qudao.fulfilment.pages.verbs import in_sight
from qudao.fulfilment.states import GONE, UNDER_WAY, DifferenceKind, DifferenceState, Outcome, State
from qudao.fulfilment.tables import ComingTable, DifferenceTable, ShipmentTable, badge_of, name_of
from qudao.messages.pages import talk_panel
from qudao.people.queries import unscoped_nobody_works_at


def sent(actor: Actor) -> QuerySet[Shipment]:
    """The shipments of the own organisation as seller."""
    return queries.shipments(actor, side="seller")


def coming(actor: Actor) -> QuerySet[Shipment]:
    """The shipments to the own organisation, from the moment they have left."""
    return queries.shipments(actor, side="buyer").filter(state__in=GONE)


class ShipmentList(ListPage):
    """Shipments in sight."""

    verb = "fulfilment.view"
    query = in_sight
    table = ShipmentTable
    title = gettext_lazy("Shipments")

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "pick", _("Start picking"), _pick, "fulfilment.pick", icon="package",
                skips=[Skip(~Q(state=State.CREATED), _("they do not wait to be picked"))],
                says=_("From now on their orders cannot be cancelled until picking stops."),
            ),
            Bulk(
                "dispatch", _("Dispatch"), actions.dispatch_shipment, "fulfilment.ship", icon="truck", primary=True, form=CarrierForm,
                skips=[Skip(~Q(state=State.PICKING), _("they are not being picked"))],
                says=_("Everything that was picked leaves; the buyers are told."),
            ),
            Bulk(
                "receive", _("Received in full"), actions.confirm_receipt, "fulfilment.receive", icon="package-import",
                skips=[Skip(~Q(state__in=UNDER_WAY), _("they are not on their way"))],
                says=_("Every line is booked as it was shipped. Shipments with differences are better received one by one."),
            ),
        ]  # fmt: skip


def _pick(shipment_id: int, *, actor: Actor) -> Shipment:
    """Pick what is open of the shipment's order."""
    shipment = get_visible(actor, Shipment, shipment_id)
    return actions.start_pick(shipment.order_id, place_id=shipment.from_place_id, actor=actor)


class SentList(ShipmentList):
    """What the own organisation ships."""

    query = sent


class ComingList(ShipmentList):
    """What the own organisation receives."""

    query = coming
    table = ComingTable
    title = gettext_lazy("Receipts")

    def bulk(self) -> Sequence[Button | Bulk]:
        return [one for one in super().bulk() if isinstance(one, Bulk) and one.name == "receive"]


def shipment_list(request: HttpRequest) -> HttpResponse:
    """The list of the side asked for in the address (`side=sell`, `side=buy`), else of everything in sight."""
    page = {"sell": SentList, "buy": ComingList}.get(request.GET.get("side", ""), ShipmentList)
    return page.as_view()(request)  # type: ignore[return-value]


@door("fulfilment.view")
def receipt_photo(request: HttpRequest, pk: int, file_id: int) -> FileResponse:
    """A photo of a counted line, for the two sides; `?small` for the small one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    line = queries.receipt_line(actor, pk)
    return show(actor, queries.photo_subject(pk, line.receipt.shipment), file_id, small="small" in request.GET)


def _write_off(difference_id: int, *, liable: str, note: str = "", actor: Actor) -> Difference:
    """Settle a difference whose goods are gone."""
    return actions.settle_difference(difference_id, actions.Settlement(Outcome.WRITTEN_OFF, liable, note=note), actor=actor)


def _take(difference_id: int, *, actor: Actor) -> Difference:
    """Take a difference oneself."""
    return actions.investigate_difference(difference_id, actor=actor)


class DifferenceList(ListPage):
    """What did not arrive as it was shipped."""

    verb = "fulfilment.view"
    query = queries.differences
    table = DifferenceTable
    title = gettext_lazy("Differences")

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "write_off", _("Write off"), _write_off, "fulfilment.settle", icon="checks", form=BearForm,
                skips=[
                    Skip(Q(state=DifferenceState.SETTLED), _("they are settled already")),
                    Skip(Q(kind__in=[DifferenceKind.OVER, DifferenceKind.WRONG]), _("the buyer has goods that are not its own")),
                ],
                says=_("The goods are lost or beyond repair and leave the books; the buyers are told."),
            ),
            Bulk(
                "take", _("Take"), _take, "fulfilment.settle", icon="search",
                skips=[Skip(~Q(state=DifferenceState.OPEN), _("somebody has them already"))],
                says=_("You look into them; both sides see it."),
            ),
        ]  # fmt: skip

    def prepare(self, rows: list[Any]) -> list[Any]:
        photos = queries.photos_of(self.actor, [row.receipt_line_id for row in rows])
        for row in rows:
            row.shown_amount = row.amount if sees_prices(self.actor, row.seller_id, row.buyer_id) else None
            row.shown_photos = len(photos.get(row.receipt_line_id, ()))
        return rows


class ShipmentDetail(DetailPage):
    """One shipment: its lines, way and counts."""

    verb = "fulfilment.view"
    query = in_sight
    kind = "fulfilment.shipment"
    panels = (lines_panel, receipts_panel, parcels_panel, differences_panel, facts_panel, talk_panel, timeline_panel)
    above = "shipments"

    def head(self, obj: Shipment) -> Head:
        selling = self.actor.org_id == obj.seller_id
        return Head(obj.number, badge_of(obj), name_of(obj.buyer if selling else obj.seller), facts=[obj.order.number])

    def steps(self, obj: Shipment) -> Sequence[tuple[str, Step]]:
        """Planned, picked, shipped, received."""
        if obj.state == State.CANCELLED:
            return ()
        end = State.REFUSED if obj.state == State.REFUSED else State.RECEIVED
        order = [State.CREATED, State.PICKING, State.SHIPPED, end]
        labels = [_("Planned"), _("Picking"), _("Shipped"), end.label if end == State.REFUSED else _("Received")]
        times = [obj.created_at, None, obj.shipped_at, obj.received_at]
        if obj.state == State.PARTLY:  # between the two, and told only then
            order.insert(3, State.PARTLY)
            labels.insert(3, State.PARTLY.label)
            times.insert(3, obj.state_since)
        at = order.index(State(obj.state))
        done = obj.state == end
        css = ["past" if i < at or done else "now" if i == at else "" for i in range(len(order))]
        return [(css[i], Step(labels[i], facts=[figures.moment(times[i])] if times[i] else [])) for i in range(len(order))]

    def buttons(self, obj: Shipment) -> Sequence[Button]:
        sells, buys = self.actor.org_id == obj.seller_id, self.actor.org_id == obj.buyer_id
        buys = buys or (sells and obj.state in UNDER_WAY and unscoped_nobody_works_at(obj.buyer_id))
        found = []
        if sells and obj.state == State.CREATED:
            found += [
                Button(_("Start picking"), reverse("shipment_picking", args=[obj.pk]), "clipboard-list", primary=True, verb="fulfilment.pick", post=True),
                Button(_("Ship everything now"), reverse("order_shipping", args=[obj.order_id]), "truck-delivery", verb="fulfilment.ship"),
            ]
        if sells and obj.state == State.PICKING:
            packed = obj.packages.exists()  # what is packed is asked about: parcels do not come back
            found += [
                Button(_("Dispatch"), reverse("shipment_dispatch", args=[obj.pk]), "truck", primary=True, verb="fulfilment.ship"),
                *([Button(pgettext("parcel", "Pack"), reverse("shipment_packing", args=[obj.pk]), "package", ask=True)] if packs(self.actor, obj) else []),
                Button(_("Stop picking"), reverse("shipment_unpicking", args=[obj.pk]), "arrow-back-up", verb="fulfilment.pick", ask=packed, post=not packed),
            ]
        if buys and obj.state in UNDER_WAY:
            found.append(Button(_("Receive"), reverse("shipment_receipt", args=[obj.pk]), "package-import", primary=True, verb="fulfilment.receive"))
        if buys and obj.state == State.PARTLY:
            found.append(Button(_("Nothing more comes"), reverse("shipment_receipt_end", args=[obj.pk]), "x", verb="fulfilment.receive", ask=True))
        if buys and obj.state == State.SHIPPED:
            found.append(Button(_("Refuse the delivery"), reverse("shipment_refusal", args=[obj.pk]), "x", verb="fulfilment.receive", ask=True))
        return found
