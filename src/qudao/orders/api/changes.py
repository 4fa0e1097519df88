"""What changes an order over the API: before it is final, where it goes, other lines, parts of it, what an outside seller confirmed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import idempotent
from qudao.orders import actions
from qudao.orders.api.orders import OrderLineIn, OrderOut, asked_of, brief, routes
from qudao.orders.queries import order_of
from qudao.orders.rules import Placing

__all__ = ["routes"]


class AddressChoice(Schema):
    """One of the buyer's delivery addresses; null: its default."""

    address_id: int | None = None


class RevisionIn(Schema):
    """What an order that is not final shall be: all its lines and its head. Its two sides stay; without an address it goes where it went."""

    lines: list[OrderLineIn]
    requested_on: date | None = None
    po_number: str = Field("", max_length=40)
    note: str = Field("", max_length=2000)
    address_id: int | None = None
    may_wait: bool = False
    short: Literal["", "refuse", "backorder", "cut"] = ""
    kind: Literal["regular", "sample", "emergency", "external"] = "regular"
    reason: str = Field("", max_length=500)


class AmendedLine(Schema):
    """A line of the order, and how much of it is wanted in all; 0: none of it."""

    line_id: int
    qty: Decimal


class AmendIn(Schema):
    """What shall be different: quantities of lines, products to add. What is not named stays as it is."""

    lines: list[AmendedLine] = []
    add: list[OrderLineIn] = []
    reason: str = Field("", max_length=500)


class SplitIn(Schema):
    """What becomes an order of its own: how much of each line; its own wanted day and address, where they differ."""

    lines: list[AmendedLine]
    requested_on: date | None = None
    address_id: int | None = None
    reason: str = Field("", max_length=500)


class KeepIn(Schema):
    """The last day on which goods are kept for an order that nobody has begun to pick."""

    until: date
    reason: str = Field("", max_length=500)


class ConfirmedIn(Schema):
    """What an outside seller confirmed: the day on which its goods are here, and its own number of the order."""

    promised_on: date
    seller_number: str = Field("", max_length=40)
    note: str = Field("", max_length=500)


@routes.put("/orders/{int:order_id}/address", response=OrderOut, summary="Send it to another address")
@idempotent
def readdress(request: HttpRequest, order_id: int, body: AddressChoice) -> HttpResponse:
    """Until goods have left; both sides may."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.readdress_order(order_id, body.address_id, actor=actor), actor)


@routes.post("/orders/{int:order_id}/revision", response=OrderOut, summary="Change an order that is not final, and submit it")
@idempotent
def revise(request: HttpRequest, order_id: int, body: RevisionIn) -> HttpResponse:
    """A draft, or one that waits for signatures or credit: checked, priced and routed anew; who has signed is asked again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_of(actor, order_id)
    facts = (body.requested_on, body.po_number, body.note, body.address_id, body.may_wait, body.short)
    wanted = Placing(order.seller_id, order.buyer_id, asked_of(order.seller_id, body.lines), *facts, kind=body.kind)
    return brief(actions.edit_order(order_id, wanted, reason=body.reason, actor=actor), actor)


@routes.post("/orders/{int:order_id}/amendment", response=OrderOut, summary="Change what is ordered")
@idempotent
def amend(request: HttpRequest, order_id: int, body: AmendIn) -> HttpResponse:
    """Less of a line until it is picked; more, or other products, as new lines at today's terms, which may have to be approved."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    wanted = actions.Amendment({line.line_id: line.qty for line in body.lines}, asked_of(order_of(actor, order_id).seller_id, body.add))
    return brief(actions.amend_order(order_id, wanted, reason=body.reason, actor=actor), actor)


@routes.post("/orders/{int:order_id}/split", response=OrderOut, summary="Take lines out into an order of its own")
@idempotent
def split(request: HttpRequest, order_id: int, body: SplitIn) -> HttpResponse:
    """The new order: the same terms and prices, and what was held for the lines. Until picking begins; the seller also later, what waits for goods."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    wanted = actions.Splitting({line.line_id: line.qty for line in body.lines}, body.requested_on, body.address_id)
    return brief(actions.split_order(order_id, wanted, reason=body.reason, actor=actor), actor)


@routes.post("/orders/{int:order_id}/keeping", response=OrderOut, summary="Keep the goods of an order for longer")
@idempotent
def keep(request: HttpRequest, order_id: int, body: KeepIn) -> HttpResponse:
    """Of an order that nobody has begun to pick, for the seller; goods that went back are reserved again, as far as they are there."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.keep_goods(order_id, **body.dict(), actor=actor), actor)


@routes.post("/orders/{int:order_id}/confirmation", response=OrderOut, summary="Write down what an outside seller confirmed")
@idempotent
def confirmed(request: HttpRequest, order_id: int, body: ConfirmedIn) -> HttpResponse:
    """For the buyer's people, once the order is final; again when the seller names another day."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.confirm_purchase(order_id, **body.dict(), actor=actor), actor)
