"""Who sees a shipment: its two sides and the scopes above either. The seller picks and ships, the buyer receives.

Where nobody works at the buyer (an outside customer, an outlet without people) the seller writes down what arrived.
"""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, acting, check_move, own, register, within
from qudao.fulfilment.models import Difference, Package, PackageLine, Receipt, ReceiptLine, Shipment, ShipmentLine
from qudao.orders.models import Order
from qudao.people.queries import unscoped_nobody_at, unscoped_nobody_works_at

VIEW = "fulfilment.view"
VERBS = {
    VIEW: _("See shipments, receipts and differences"),
    "fulfilment.pick": _("Pick orders of the own organisation"),
    "fulfilment.pack": _("Put what is picked into parcels"),
    "fulfilment.ship": _("Ship orders of the own organisation"),
    "fulfilment.receive": _("Receive shipments for the own organisation"),
    "fulfilment.take_as_sent": _("Take goods that nobody counted in time as received"),
    "fulfilment.settle": _("Settle differences of the own organisation's shipments"),
}
BUYER_ONLY = {"fulfilment.receive"}


class TradePolicy(Policy):
    """Rows with a seller and a buyer, `path` away. Own work: of whoever placed the order or shipped it, and who did the thing itself."""

    view_verb = VIEW
    path = ""

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == VIEW:
            return within(actor, f"{self.path}seller", f"{self.path}buyer")
        if verb not in BUYER_ONLY:
            return acting(actor, f"{self.path}seller")
        return own(actor, f"{self.path}buyer") | own(actor, f"{self.path}seller") & unscoped_nobody_at(f"{self.path}buyer_id")


@register
class ShipmentPolicy(TradePolicy):
    model = Shipment
    people = ("order__placed_by", "shipped_by")


@register
class ShipmentLinePolicy(TradePolicy):
    model = ShipmentLine
    path = "shipment__"
    people = ("shipment__order__placed_by", "shipment__shipped_by")


@register
class PackagePolicy(TradePolicy):
    model = Package
    path = "shipment__"
    people = ("shipment__order__placed_by", "shipment__shipped_by", "packed_by")


@register
class PackageLinePolicy(TradePolicy):
    model = PackageLine
    path = "package__shipment__"
    people = ("package__shipment__order__placed_by", "package__shipment__shipped_by", "package__packed_by")


@register
class ReceiptPolicy(TradePolicy):
    model = Receipt
    path = "shipment__"
    people = ("shipment__order__placed_by", "shipment__shipped_by", "received_by")


@register
class ReceiptLinePolicy(TradePolicy):
    model = ReceiptLine
    path = "receipt__shipment__"
    people = ("receipt__shipment__order__placed_by", "receipt__shipment__shipped_by", "receipt__received_by")


@register
class DifferencePolicy(TradePolicy):
    model = Difference
    people = ("shipment__order__placed_by", "shipment__shipped_by", "taken_by", "settled_by")


def check_order_side(actor: Actor, verb: str, seller_id: int, order_id: int) -> None:
    """Picking and shipping an order is its seller's move; else NotFound when the actor does not even see the order, Forbidden when it does.

    The good case, which every shipment passes, needs no statement.
    """
    check_move(actor, verb, actor.kind == "system" or actor.org_id == seller_id, (Order, order_id))


def check_order_buyer(actor: Actor, verb: str, buyer_id: int, order_id: int) -> None:
    """The same for a move of the buyer on an order."""
    check_move(actor, verb, actor.kind == "system" or actor.org_id == buyer_id, (Order, order_id))


def check_receiver(actor: Actor, seller_id: int, buyer_id: int, shipment_id: int) -> None:
    """Counting what arrived is the buyer's move; the seller's where nobody works at the buyer, which takes one statement to know."""
    mine = actor.kind == "system" or actor.org_id == buyer_id or (actor.org_id == seller_id and unscoped_nobody_works_at(buyer_id))
    check_move(actor, "fulfilment.receive", mine, (Shipment, shipment_id))


def check_side(actor: Actor, verb: str, side_id: int, shipment_id: int) -> None:
    """The same for a move on a shipment that belongs to `side_id`."""
    check_move(actor, verb, actor.kind == "system" or actor.org_id == side_id, (Shipment, shipment_id))
