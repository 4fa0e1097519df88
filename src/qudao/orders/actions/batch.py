"""Many orders at once: a file of orders, the orders of a night. One transaction, one pass of locks; what cannot be placed hinders nobody else.

An order is judged as in `place_order`, in the turn of the batch: what those before it took of credit and stock is gone.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from typing import Any
from uuid import UUID

from qudao.agreements.queries import unscoped_all_refused, unscoped_all_terms
from qudao.approvals.actions import open_request
from qudao.approvals.queries import NO_PLAN, Case, unscoped_plans
from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import insert_rows, rows, run
from qudao.base.notify import notify
from qudao.base.numbering import take_all
from qudao.catalog.queries import unscoped_cards
from qudao.funds.actions import grant, open_desk
from qudao.inventory.actions import open_shelves, promise
from qudao.inventory.queries import Supply, unscoped_supplies
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused
from qudao.orders import rules
from qudao.orders.actions.confirm import Got, claim_of, detail_of, notify_confirmed, take_over, take_what_is_there
from qudao.orders.actions.place import KIND, Priced, may_place, new_order, quota_faults
from qudao.orders.actions.refused import keep_refusal
from qudao.orders.events import OrderConfirmed, OrderPlaced
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_begin, unscoped_facts, unscoped_why_no_price
from qudao.orders.rules import Destination, Held, Placing, PricedLine
from qudao.orders.states import Approval, Credit, Kind, Status
from qudao.pricing.queries import Item, unscoped_all_quotes, unscoped_lacking_rates
from qudao.quotas.actions import draw, open_ration
from qudao.quotas.queries import SCARCE

LINES = (
    """WITH made AS (INSERT INTO orders_line (order_id, no, product_id, unit, qty, unit_price, price_source, price_steps, tax_rate, net, tax, gross,
        promised_on, shipped, received, settled_short, given_up, invoiced)
    SELECT d.*, 0, 0, 0, 0, 0
    FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::text[], %s::numeric[], %s::numeric[], %s::text[], %s::jsonb[], %s::numeric[],
        %s::numeric[], %s::numeric[], %s::numeric[], %s::date[]) d
    RETURNING order_id, no, id, product_id)
    SELECT m.order_id, m.no, m.id, """
    + SCARCE.format("o.seller_id", "m.product_id", "%s")
    + """
    FROM made m JOIN unnest(%s::bigint[], %s::bigint[]) o(id, seller_id) ON o.id = m.order_id"""
)
MOST = 500


@dataclass
class Entered:
    """What became of one placing of a batch: the order, or every fault it was refused for."""

    placing: Placing
    client_id: UUID | None = None
    order: Order | None = None
    faults: Sequence[Fault] = ()
    priced: Priced | None = None
    known: bool = False
    ship: Destination | None = None
    got: Got | None = None


@action("orders.place")
def place_orders(placings: Sequence[tuple[Placing, UUID | None]], *, actor: Actor) -> list[Entered]:
    """Place each (placing, client id) that can be placed, and say of the others why not; a client id that is known returns its order.

    Locks funds, stock, the number series. Emits OrderPlaced and OrderConfirmed as `place_order` does. Raises Forbidden for a foreign trade.
    """
    if len(placings) > MOST:
        raise Invalid("orders.too_many_orders", field="rows", limit=MOST)
    found = [Entered(placing, client_id) for placing, client_id in placings]
    for one in found:
        one.placing = may_place(one.placing, actor)
    if not found:
        return []
    started = unscoped_begin([(one.placing, one.client_id) for one in found])
    for one, begun in zip(found, started, strict=True):
        one.order, one.known, one.ship = begun.known, begun.known is not None, begun.ship
    fresh = [(one, begun.id) for one, begun in zip(found, started, strict=True) if not one.known]
    _price([one for one, _new in fresh])
    todo = [(one, new) for one, new in fresh if one.priced is not None]
    for one, new in todo:
        assert one.priced is not None
        one.order = new_order(one.placing, one.priced, actor, one.client_id)
        one.order.pk = new
    lines = _write_lines([one for one, _new in todo])
    _confirm([one for one, _new in todo], lines, actor)
    _finish([one for one, _new in todo if one.order is not None], actor)
    for one in found:
        if one.faults:
            keep_refusal(one.placing, one.faults, actor)
    return found


def _sides(placing: Placing) -> tuple[int, int, str]:
    return placing.seller_id, placing.buyer_id, placing.currency


def _price(fresh: Sequence[Entered]) -> None:
    """Check and price all placings in six statements, one more for an agreement where a price is missing; what passes gets its `priced`, the others
    their faults.
    """
    today = clock.today()
    all_terms = unscoped_all_terms([_sides(one.placing) for one in fresh], today)
    asked: dict[int, list[Item]] = {}
    for i, one in enumerate(fresh):
        terms = all_terms.get(_sides(one.placing))
        one.faults = [*rules.shape_faults(one.placing, today), *rules.side_faults(terms, today, one.placing.currency)]
        if one.ship is None:
            one.faults = [*one.faults, Fault("orders.address_unknown", "address")]
        if terms is not None and not one.faults:
            lines = asked.setdefault(terms.agreement_id, [])
            lines += [Item((i, no), line.product_id or 0, line.qty) for no, line in enumerate(one.placing.lines, 1)]
    cards = unscoped_cards(sorted({item.product_id for items in asked.values() for item in items}))
    refused = unscoped_all_refused({pk: {item.product_id for item in items} for pk, items in asked.items()}, today)
    quotes = unscoped_all_quotes(asked, today)
    supplies = unscoped_supplies(asked, cards)
    houses = [one.placing.buyer_id if one.placing.kind == Kind.EXTERNAL else one.placing.seller_id for one in fresh]
    approvals = unscoped_plans(set(houses), KIND)
    rates = cache(unscoped_lacking_rates)
    for i, one in enumerate(fresh):
        if one.faults:
            continue
        terms = all_terms[_sides(one.placing)]
        own = {key[1]: quote for key, quote in quotes[terms.agreement_id].items() if key[0] == i}  # type: ignore[index]
        found = rules.line_faults(one.placing.lines, cards, refused[terms.agreement_id], own, today)
        one.faults = unscoped_why_no_price(found, terms.agreement_id, today, rates)
        if terms.agreement_id not in supplies:
            one.faults = [*one.faults, Fault("inventory.no_warehouse")]
        if not one.faults and one.ship:
            priced = rules.price_order(one.placing.lines, cards, own, one.placing.kind, supplies[terms.agreement_id].surcharge)
            net, _tax, gross = rules.totals(priced)
            one.faults = rules.minimum_faults(terms, one.placing.kind, net)
            if one.faults:
                continue
            case, trade = Case(gross, one.placing.kind, tier=terms.buyer.tier), (one.placing.seller_id, one.placing.buyer_id, terms.agreement_id)
            needed = approvals.get(houses[i], NO_PLAN).needed(case, partial(unscoped_facts, trade, priced))
            supply = supplies[terms.agreement_id]
            one.priced = Priced(terms, priced, supply, needed, one.ship, one.placing.may_wait, one.placing.short or supply.short)


def _promise(order: Order, supply: Supply, line: PricedLine) -> date | None:
    """The day on which a line leaves, of an order that is confirmed at once."""
    return supply.leaves_on(order.requested_on, line.product_id) if order.promised_on else None


def _write_lines(todo: Sequence[Entered]) -> dict[int, list[Held]]:
    """Insert the lines of all orders in one statement; they are taken out again of an order that is refused later."""
    flat: list[tuple[int, PricedLine]] = [(one.order.pk, x) for one in todo if one.order and one.priced for x in one.priced.lines]
    if not flat:
        return {}
    promises = {one.order.pk: partial(_promise, one.order, one.priced.supply) for one in todo if one.order and one.priced}
    columns = [
        *([pk for pk, _x in flat], [x.no for _pk, x in flat], [x.product_id for _pk, x in flat], [x.unit for _pk, x in flat]),
        *([x.qty for _pk, x in flat], [x.unit_price for _pk, x in flat], [x.price_source for _pk, x in flat], [json.dumps(x.steps) for _pk, x in flat]),
        *([x.tax_rate for _pk, x in flat], [x.net for _pk, x in flat], [x.tax for _pk, x in flat], [x.gross for _pk, x in flat]),
        [promises[pk](x) for pk, x in flat],
    ]
    made = [one.order for one in todo if one.order]
    found = rows(LINES, (*columns, clock.today(), [order.pk for order in made], [order.seller_id for order in made]))
    ids = {(order_id, no): (pk, scarce) for order_id, no, pk, scarce in found}
    lines: dict[int, list[Held]] = {}
    for order_id, x in flat:
        lines.setdefault(order_id, []).append(Held(ids[order_id, x.no][0], x.no, x.product_id, x.qty, x.net, x.gross, scarce=ids[order_id, x.no][1]))
    return lines


def _confirm(todo: Sequence[Entered], lines: dict[int, list[Held]], actor: Actor) -> None:
    """Decide on credit and stock of every order nobody must approve, in turn, and write what they got."""
    direct = [(one, one.order) for one in todo if one.order and one.priced and not one.priced.rules]
    claims = {order.pk: claim_of(order, lines[order.pk]) for _one, order in direct}
    desk = open_desk({order.agreement_id for _one, order in direct}, actor=actor)
    ration = open_ration([ask for claim in claims.values() for ask in claim.asks], actor=actor)
    shelves = open_shelves([demand for claim in claims.values() for demand in claim.demands], actor=actor)
    refused, held = [], []
    for one in todo:
        if one.order and one.priced and one.priced.rules and (faults := quota_faults(one.order, lines[one.order.pk])):
            refused.append(one.order.pk)
            one.order, one.faults = None, faults
    for one, order in direct:
        try:
            one.got = take_what_is_there(claims[order.pk], desk, ration, shelves)
        except Refused as refusal:
            if one.placing.may_wait and rules.lacks_credit(refusal.faults):
                order.credit, order.promised_on, order.reserved_until = Credit.HOLD, None, None
                held.append(order.pk)
            else:
                one.order, one.faults = None, refusal.faults
                refused.append(order.pk)
        else:
            take_over(one.got, order)
    if refused:
        run("DELETE FROM orders_line WHERE order_id = ANY(%s)", (refused,))
    if held:
        run("UPDATE orders_line SET promised_on = NULL WHERE order_id = ANY(%s)", (held,))
    grant(desk, actor=actor)
    draw(ration, actor=actor)
    promise(shelves, actor=actor)


def _finish(entered: Sequence[Entered], actor: Actor) -> None:
    """Number the orders, write them, ask for signatures, and say what happened."""
    placed = [(one.order, one.priced) for one in entered if one.order and one.priced]
    gots = {one.order.pk: one.got for one in entered if one.order and one.got}
    if not placed:
        return
    numbers = take_all([f"order:{order.seller_id}:{order.buyer_id}" for order, _priced in placed])
    for (order, priced), n in zip(placed, numbers, strict=True):
        order.number = f"{rules.number_form(priced.terms.seller.code, priced.terms.buyer.code, order.kind)}-{n:05d}"
        move = "route" if priced.rules else "hold" if order.credit == Credit.HOLD else "confirm"
        order.status = rules.next_status(Status.SUBMITTED, move)
        order.approval = Approval.PENDING if priced.rules else order.approval
    insert_rows([order for order, _priced in placed])
    for order, priced in placed:
        if priced.rules:
            open_request(order.asking, priced.rules, actor=actor)
        got = gots.get(order.pk)
        record(order.subject, before=Status.DRAFT, after=order.status, detail=detail_of(got) if got else None)
        fact: dict[str, Any] = {"order_id": order.pk, "number": order.number, "seller_id": order.seller_id, "buyer_id": order.buyer_id}
        emit(OrderPlaced(**fact, gross=order.gross, currency=order.currency), order.subject)
        if got:
            emit(OrderConfirmed(**fact, gross=order.gross, currency=order.currency), order.subject)
            notify_confirmed(order, got, actor=actor)
        elif order.status == Status.SUBMITTED:
            notify("orders.held", order.subject, org_id=order.seller_id, verb="orders.release", except_user=actor.user_id, number=order.number)
