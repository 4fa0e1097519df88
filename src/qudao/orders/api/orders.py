"""Orders over the API: the same actions as the pages, verbs as addresses. What changes a final order stands in `changes`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.base.access import Actor, sees_prices
from qudao.base.audit import timeline
from qudao.base.files import download, files_of
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.base.search import matching
from qudao.catalog.queries import unscoped_carried_by_code
from qudao.orders import actions
from qudao.orders.models import Order
from qudao.orders.queries import order_of, orders, unscoped_lines_of
from qudao.orders.rules import NewLine, Placing, hides_steps

routes = Router(tags=["orders"])

AMOUNTS = ("net", "tax", "gross", "invoiced", "paid")


class OrderLineIn(Schema):
    """A line: product by id, or by the seller's catalogue code; quantity in base units."""

    product_id: int | None = None
    product: str = Field("", max_length=64)
    qty: Decimal


class OrderIn(Schema):
    """An order to place. `client_id` is a UUID of the caller's own making; the same id again returns the first order."""

    client_id: UUID | None = None
    seller_id: int
    buyer_id: int
    lines: list[OrderLineIn]
    requested_on: date | None = None
    po_number: str = Field("", max_length=40)
    note: str = Field("", max_length=2000)
    #: one of the buyer's delivery addresses; without it its default
    address_id: int | None = None
    #: when only credit is missing: keep the order until there is some, instead of refusing it
    may_wait: bool = False
    #: when goods are short: refuse the order, deliver the rest later, deliver only what is there; without it as the agreement says
    short: Literal["", "refuse", "backorder", "cut"] = ""
    #: order although the same lines were ordered some minutes ago; without it such an order is refused with `orders.twin`
    twin_ok: bool = False
    #: samples cost nothing and need a note; an emergency has the surcharge of the agreement; an order to an outside seller is external by itself
    kind: Literal["regular", "sample", "emergency", "external"] = "regular"
    #: needed where the two have agreements in several currencies; else that of the only one
    currency: str = Field("", max_length=3)


class TransferIn(Schema):
    """Goods that one buyer of the caller's organisation passes on to another; products by id, or by the caller's codes. `client_id` as with orders."""

    client_id: UUID | None = None
    giver_id: int
    receiver_id: int
    lines: list[OrderLineIn]
    requested_on: date | None = None
    note: str = Field("", max_length=2000)
    #: one of the receiver's delivery addresses; without it its default
    address_id: int | None = None
    #: when the giver has too few: refuse (the default), deliver the rest later, deliver only what is there
    short: Literal["", "refuse", "backorder", "cut"] = ""
    #: in which currency the receiver pays; needed where it has agreements with the caller in several
    currency: str = Field("", max_length=3)


class OrdersAsked(Schema):
    """Which orders are asked for."""

    limit: int = 50
    after: int | None = None
    status: str = ""
    search: str = ""
    kind: str = ""


class Months(Schema):
    """Over how many months purchases count."""

    months: int = Field(12, ge=1, le=60)


class Reason(Schema):
    reason: str = Field("", max_length=500)


class Deciding(Reason):
    """`seen`: the id of the approval request that was looked at; nothing is signed when the order was changed since."""

    seen: int = 0


class Approving(Deciding):
    """`short`: what becomes of the order when goods are short, instead of what it was placed with; `may_wait` when only credit is missing."""

    may_wait: bool = False
    short: Literal["", "refuse", "backorder", "cut"] = ""


class LineOut(Schema):
    id: int
    no: int
    product_id: int
    product: str
    name: str
    unit: str
    qty: Decimal
    shipped: Decimal
    received: Decimal
    invoiced: Decimal
    given_up: Decimal
    backordered: Decimal
    asked: Decimal
    moved: Decimal
    promised_on: date | None
    unit_price: Decimal | None
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    price_source: str | None
    price_steps: list | None


class OrderOut(Schema):
    """An order; amounts are null where the caller may not see the prices of this trade."""

    id: int
    number: str | None
    client_id: UUID | None
    seller_id: int
    buyer_id: int
    side: str
    status: str
    approval: str
    credit: str
    allocation: str
    fulfilment: str
    billing: str
    payment: str
    currency: str
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    invoiced: Decimal | None
    paid: Decimal | None
    ordered_on: date
    requested_on: date | None
    promised_on: date | None
    po_number: str
    seller_number: str
    note: str
    ship_name: str
    ship_phone: str
    ship_address: str
    kind: str
    short: str
    waits_since: datetime | None
    reserved_until: date | None
    split_from_id: int | None
    line_count: int
    lines: list[LineOut] | None = None


class OrderPage(Schema):
    items: list[OrderOut]
    next_after: int | None


class OrderFile(Schema):
    """A file of an order; `sha256` of its content."""

    id: int
    name: str
    size: int
    sha256: str
    at: Any
    by: str


class Moment(Schema):
    at: Any
    verb: str
    channel: str
    actor: str
    before: str
    after: str
    reason: str
    stage_seconds: int | None


def sees_files(actor: Actor, order: Order) -> bool:
    """Files are for the two sides."""
    return actor.can("base.files") and (actor.kind == "system" or actor.org_id in (order.seller_id, order.buyer_id))


def _shown(order: Order, actor: Actor) -> dict[str, Any]:
    """An order as the actor may see it."""
    names = ("number", "client_id", "seller_id", "buyer_id", "status", "approval", "credit", "allocation", "fulfilment", "billing", "payment", "currency")
    more = ("ordered_on", "requested_on", "promised_on", "po_number", "seller_number", "note", "ship_name", "ship_phone", "ship_address", "line_count")
    kinds = ("kind", "short", "waits_since", "reserved_until", "split_from_id")
    clear = sees_prices(actor, order.seller_id, order.buyer_id)
    side = "seller" if actor.org_id == order.seller_id else "buyer" if actor.org_id == order.buyer_id else "above"
    return {
        "id": order.pk,
        "side": side,
        **{name: getattr(order, name) for name in (*names, *more, *kinds)},
        **{name: getattr(order, name) if clear else None for name in AMOUNTS},
    }


def _whole(order: Order, actor: Actor) -> dict[str, Any]:
    clear = sees_prices(actor, order.seller_id, order.buyer_id)
    why = clear and not hides_steps(order, actor.org_id)
    priced = ("unit_price", "net", "tax", "gross")
    counted = ("id", "no", "product_id", "unit", "qty", "shipped", "received", "invoiced", "given_up", "backordered", "asked", "moved", "promised_on")
    lines = [
        {
            **{name: getattr(line, name) for name in counted},
            "product": line.product.code,
            "name": line.product.name,
            **{name: getattr(line, name) if clear else None for name in priced},
            **{name: getattr(line, name) if why else None for name in ("price_source", "price_steps")},
        }
        for line in unscoped_lines_of(order)
    ]
    return {**_shown(order, actor), "lines": lines}


def brief(order: Order, actor: Actor, status: int = 200) -> HttpResponse:
    """The answer of an action on an order."""
    return reply(_shown(order, actor), status, location=f"/api/v1/orders/{order.pk}")


def asked_of(seller_id: int, lines: Sequence[OrderLineIn]) -> list[NewLine]:
    """Lines with the products their codes name; one statement for all codes."""
    codes = {line.product for line in lines if line.product_id is None}
    ids = unscoped_carried_by_code(seller_id, codes) if codes else {}
    return [NewLine(line.product_id if line.product_id is not None else ids.get(line.product), line.qty, line.product) for line in lines]


@routes.post("/orders", response={201: OrderOut}, summary="Place an order")
@idempotent
def place(request: HttpRequest, body: OrderIn) -> HttpResponse:
    """Check, price and place an order; it is confirmed at once unless an approval is needed. Refusals (409, 422) list every fault."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    lines = asked_of(body.seller_id, body.lines)
    facts = (body.requested_on, body.po_number, body.note, body.address_id, body.may_wait, body.short, not body.twin_ok, body.kind)
    placing = Placing(body.seller_id, body.buyer_id, lines, *facts, currency=body.currency)
    order = actions.place_order(placing, actor=actor, client_id=body.client_id)
    return brief(order, actor, 201)


@routes.post("/transfers", response={201: OrderOut}, summary="Arrange a transfer between two buyers")
@idempotent
def arrange(request: HttpRequest, body: TransferIn) -> HttpResponse:
    """For the seller of both: who gives the goods is asked to accept (`/orders/{id}/approval`); prices are the receiver's own of today."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    lines = asked_of(actor.org_id, body.lines)
    facts = {name: getattr(body, name) for name in ("requested_on", "note", "address_id", "short", "currency")}
    placing = Placing(body.giver_id, body.receiver_id, lines, **facts)
    return brief(actions.arrange_transfer(placing, actor=actor, client_id=body.client_id), actor, 201)


@routes.get("/orders", response=OrderPage, summary="Orders, newest first")
def index(request: HttpRequest, asked: OrdersAsked = Query(...)) -> HttpResponse:
    """One keyset page of the orders the caller may see, those of a type if asked for; `after` = the last id of the page before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = orders(actor).select_related(None)
    if asked.status:
        found = found.filter(status__in=asked.status.split(","))
    if asked.kind:
        found = found.filter(kind=asked.kind)
    wanted = matching("orders.order", asked.search)
    if wanted is not None:
        found = found.filter(pk__in=wanted)
    page, limit = page_of(found, limit=asked.limit, after=asked.after)
    items = [_shown(order, actor) for order in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/orders/{int:order_id}", response=OrderOut, summary="One order with its lines")
def one(request: HttpRequest, order_id: int) -> HttpResponse:
    """The order with its lines and how each price came about."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_whole(order_of(actor, order_id), actor))


@routes.get("/orders/{int:order_id}/timeline", response=list[Moment], summary="Who did what when")
def life(request: HttpRequest, order_id: int) -> HttpResponse:
    """Every action on the order, oldest first."""
    order = order_of(request.actor, order_id)  # type: ignore[attr-defined]
    names = ("at", "verb", "channel", "before", "after", "reason", "stage_seconds")
    return reply([{**{n: getattr(x, n) for n in names}, "actor": x.actor_name} for x in timeline(order.subject)])


@routes.get("/orders/{int:order_id}/files", response=list[OrderFile], summary="Files of an order")
def attached(request: HttpRequest, order_id: int) -> HttpResponse:
    """What either side attached, for the two sides; oldest first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_of(actor, order_id)
    found = files_of(order.subject) if sees_files(actor, order) else []
    return reply([{"id": x.pk, "name": x.name, "size": x.size, "sha256": x.sha256, "at": x.at, "by": x.by_name} for x in found])


@routes.get("/orders/{int:order_id}/files/{int:file_id}", summary="One file of an order")
def attachment(request: HttpRequest, order_id: int, file_id: int) -> FileResponse:
    """Its content, to be saved."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return download(actor, order_of(actor, order_id).subject, file_id)


@routes.post("/quotas/{int:quota_id}/purchases", response={204: None}, summary="Share a quota by purchases")
@idempotent
def share_by_purchases(request: HttpRequest, quota_id: int, body: Months) -> HttpResponse:
    """What groups do not have goes to buyers in proportion to what they bought in the last months, in whole packs."""
    actions.share_by_purchases(quota_id, body.months, actor=request.actor)  # type: ignore[attr-defined]
    return reply(None, 204)


@routes.post("/orders/{int:order_id}/submission", response=OrderOut, summary="Submit a draft again")
@idempotent
def submission(request: HttpRequest, order_id: int) -> HttpResponse:
    """Check and price an order anew that was withdrawn or sent back; `/orders/{id}/revision` changes it before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.submit_order(order_id, actor=actor), actor)


@routes.post("/orders/{int:order_id}/approval", response=OrderOut, summary="Approve")
@idempotent
def approve(request: HttpRequest, order_id: int, body: Approving) -> HttpResponse:
    """Sign the approval that waits; the last signature confirms the order."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.approve_order(order_id, **body.dict(), actor=actor), actor)


@routes.post("/orders/{int:order_id}/release", response=OrderOut, summary="Try an order again that waits for credit")
@idempotent
def release(request: HttpRequest, order_id: int) -> HttpResponse:
    """Confirm it if its credit passes now; it does so by itself when money arrives."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.release_order(order_id, actor=actor), actor)


@routes.post("/orders/{int:order_id}/rejection", response=OrderOut, summary="Reject")
@idempotent
def reject(request: HttpRequest, order_id: int, body: Deciding) -> HttpResponse:
    """Refuse an order in review; a reason is needed."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.reject_order(order_id, **body.dict(), actor=actor), actor)


@routes.post("/orders/{int:order_id}/return", response=OrderOut, summary="Send back for change")
@idempotent
def send_back(request: HttpRequest, order_id: int, body: Deciding) -> HttpResponse:
    """Make an order in review a draft again; a reason is needed, and the buyer is told."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.return_order(order_id, **body.dict(), actor=actor), actor)


@routes.post("/orders/{int:order_id}/withdrawal", response=OrderOut, summary="Withdraw from approval")
@idempotent
def withdraw(request: HttpRequest, order_id: int, body: Reason) -> HttpResponse:
    """Take an order back before anybody decided."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.withdraw_order(order_id, reason=body.reason, actor=actor), actor)


@routes.post("/orders/{int:order_id}/cancellation", response=OrderOut, summary="Cancel")
@idempotent
def cancel(request: HttpRequest, order_id: int, body: Reason) -> HttpResponse:
    """Cancel an order nobody has begun to pick; credit and stock are released."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.cancel_order(order_id, reason=body.reason, actor=actor), actor)


@routes.post("/orders/{int:order_id}/short-closing", response=OrderOut, summary="Give up the rest")
@idempotent
def close_short(request: HttpRequest, order_id: int, body: Reason) -> HttpResponse:
    """Close an order whose rest will not be shipped."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return brief(actions.close_order_short(order_id, reason=body.reason, actor=actor), actor)
