"""Who sees a shipment: its two sides and the scopes above either. The seller picks and ships, the buyer receives."""

from __future__ import annotations

from django.db.models import Model, Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, acting, get_visible, own, register, within
from qudao.fulfilment.models import Difference, Package, PackageLine, Receipt, ReceiptLine, Shipment, ShipmentLine
from qudao.kernel.errors import Forbidden
from qudao.orders.models import Order

VIEW = "fulfilment.view"
VERBS = {
    VIEW: _("See shipments, receipts and differences"),
    "fulfilment.pick": _("Pick orders of the own organisation"),
    "fulfilment.pack": _("Put what is picked into parcels"),
    "fulfilment.ship": _("Ship orders of the own organisation"),
    "fulfilment.receive": _("Receive shipments for the own organisation"),
    "fulfilment.settle": _("Settle differences of the own organisation's shipments"),
}
BUYER_ONLY = {"fulfilment.receive"}


class TradePolicy(Policy):
    """Rows with a seller and a buyer, `path` away."""

    view_verb = VIEW
    path = ""

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == VIEW:
            return within(actor, f"{self.path}seller", f"{self.path}buyer")
        return own(actor, f"{self.path}buyer") if verb in BUYER_ONLY else acting(actor, f"{self.path}seller")


@register
class ShipmentPolicy(TradePolicy):
    model = Shipment


@register
class ShipmentLinePolicy(TradePolicy):
    model = ShipmentLine
    path = "shipment__"


@register
class PackagePolicy(TradePolicy):
    model = Package
    path = "shipment__"


@register
class PackageLinePolicy(TradePolicy):
    model = PackageLine
    path = "package__shipment__"


@register
class ReceiptPolicy(TradePolicy):
    model = Receipt
    path = "shipment__"


@register
class ReceiptLinePolicy(TradePolicy):
    model = ReceiptLine
    path = "receipt__shipment__"


@register
class DifferencePolicy(TradePolicy):
    model = Difference


def check_order_side(actor: Actor, verb: str, seller_id: int, order_id: int) -> None:
    """Picking and shipping an order is its seller's move; else NotFound when the actor does not even see the order, Forbidden when it does.

    The good case, which every shipment passes, needs no statement.
    """
    _check(actor, verb, seller_id, Order, order_id)


def check_order_buyer(actor: Actor, verb: str, buyer_id: int, order_id: int) -> None:
    """The same for a move of the buyer on an order."""
    _check(actor, verb, buyer_id, Order, order_id)


def check_side(actor: Actor, verb: str, side_id: int, shipment_id: int) -> None:
    """The same for a move on a shipment that belongs to `side_id`."""
    _check(actor, verb, side_id, Shipment, shipment_id)


def _check(actor: Actor, verb: str, side_id: int, model: type[Model], pk: int) -> None:
    if actor.kind == "system" or actor.org_id == side_id:
        return
    get_visible(actor, model, pk)
    raise Forbidden("base.forbidden", verb=verb)
