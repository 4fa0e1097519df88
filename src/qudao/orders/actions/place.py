"""Placing an order: everything that is wrong said at once, then priced, routed to an approval or confirmed on the spot.

The order's own row is written last, with its number and its final state: one write instead of two on the hottest path. Its id is drawn from
the sequence before, and the foreign keys of its lines are deferred to the commit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from uuid import UUID

from qudao.agreements.queries import unscoped_refused, unscoped_terms
from qudao.approvals.actions import open_request
from qudao.approvals.queries import Case, Needed, unscoped_rules_for
from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import insert_row, rows, run, update_row
from qudao.base.notify import notify
from qudao.base.numbering import take
from qudao.base.subject import Subject
from qudao.base.work import attempt
from qudao.catalog.queries import unscoped_cards
from qudao.inventory.queries import Supply, unscoped_supply
from qudao.inventory.states import Short
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Forbidden, Invalid, Refused, raise_if_any
from qudao.orders import rules
from qudao.orders.actions.confirm import Claim, Got, claim_of, detail_of, hold_and_reserve, notify_confirmed, take_over
from qudao.orders.actions.refused import counted, keep_refusal
from qudao.orders.events import OrderConfirmed, OrderPlaced
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_begin, unscoped_facts, unscoped_twin, unscoped_why_no_price
from qudao.orders.rules import Destination, Held, NewLine, Placing, PricedLine
from qudao.orders.states import Approval, Credit, Kind, Status
from qudao.pricing.queries import Item, unscoped_quote
from qudao.quotas.queries import SCARCE, unscoped_ration

KIND = "orders.order"
#: what submitting an order again decides anew
RESUBMITTED = (
    *("agreement_id", "place_id", "more_places", "splits", "requested_on", "po_number", "note", "kind", "ship_name", "ship_phone", "ship_address"),
    *("currency", "net", "tax", "gross", "ordered_on", "placed_at", "payment_days", "invoice_on", "line_count", "promised_on", "reserved_until"),
    "short",
)
REWRITTEN = (*RESUBMITTED, "status", "approval", "credit", "allocation", "state_since", "waits_since", "rationed")


@dataclass(frozen=True)
class Priced:
    """A placing that passed every check: terms, amounts, what supplies it, the approvals it needs, where it goes."""

    terms: Any
    lines: list[PricedLine]
    supply: Supply
    rules: Needed
    ship: Destination
    may_wait: bool = False
    short: str = Short.REFUSE


@action("orders.place")
def place_order(placing: Placing, *, actor: Actor, client_id: UUID | str | None = None) -> Order:
    """Place an order and confirm it at once when no approval is needed; the same `client_id` of a buyer returns the first order.

    Locks funds, stock, the number series. Emits OrderPlaced, and OrderConfirmed when confirmed. Raises Invalid for bad input and Refused with
    all faults (agreement, product, price, credit, stock), leaving nothing behind; orders.twin when a guarded one asks for what was ordered just now.
    """
    placing = may_place(placing, actor)
    begun = unscoped_begin([(placing, client_id)])[0]
    if begun.known:
        return begun.known
    with counted(placing, actor):
        priced = price_placing(placing, begun.ship, actor)
        if placing.guarded and (twin := unscoped_twin(placing)):
            raise Refused("orders.twin", number=twin, minutes=rules.TWIN_MINUTES)
        order = new_order(placing, priced, actor, client_id)
        order.pk = begun.id
        lines = write_lines(order, priced.lines, priced.supply)
        return route(order, priced, lines, actor=actor)


@action("orders.place")
def note_refused(placing: Placing, faults: Sequence[Fault], *, actor: Actor) -> None:
    """Count what a page or a file refused before it came to placing: a quantity nobody can read, a code that names no product. Locks nothing."""
    keep_refusal(may_place(placing, actor), faults, actor)


def may_place(placing: Placing, actor: Actor) -> Placing:
    """A buyer orders for itself; the seller's own people enter orders for a buyer when they hold that verb. Returns it with the type it has between
    the two: a purchase from an outside seller is one by itself.
    """
    if actor.kind == "system":
        return placing
    if actor.org_id != placing.buyer_id and (actor.org_id != placing.seller_id or not actor.can("orders.place_for")):
        raise Forbidden("orders.not_your_trade", field="buyer")
    kind = rules.kind_between(placing, placing.seller_id in actor.stands_for)
    return placing if kind == placing.kind else replace(placing, kind=kind)


def _sells(placing: Placing, actor: Actor) -> bool:
    """Whether who enters an order is of its seller."""
    return actor.kind == "system" or actor.org_id == placing.seller_id


def price_placing(placing: Placing, ship: Destination | None, actor: Actor) -> Priced:
    """Check and price a placing: seven statements whatever the number of lines. Raises everything that is wrong at once, Invalid before Refused."""
    today = clock.today()
    faults = [*rules.shape_faults(placing, today), *([] if ship else [Fault("orders.address_unknown", "address")])]
    if not 0 < len(placing.lines) <= rules.MAX_LINES:
        raise Invalid.of(faults)
    terms = unscoped_terms(placing.seller_id, placing.buyer_id, today, placing.currency)
    kind = Invalid if faults or (terms and terms.choice) else Refused
    faults += rules.side_faults(terms, today, placing.currency)
    if placing.short and placing.short not in Short.values:
        raise Invalid("orders.short_unknown", field="short")
    if terms is None or terms.choice:
        raise kind.of(faults)
    told = {fault.field for fault in faults}
    readable = {no: line for no, line in enumerate(placing.lines, 1) if line.product_id and f"lines.{no}.qty" not in told}
    products = sorted({line.product_id for line in placing.lines if line.product_id})
    cards = unscoped_cards(products)
    refused = unscoped_refused(terms.agreement_id, products, today)
    quotes = unscoped_quote(terms.agreement_id, [Item(no, line.product_id or 0, line.qty) for no, line in readable.items()], today)
    found = [f for f in rules.line_faults(placing.lines, cards, refused, quotes, today) if _line_of(f) in readable]
    faults += unscoped_why_no_price(found, terms.agreement_id, today)
    try:
        supply = unscoped_supply(terms.agreement_id, products)
    except Refused as lacking:  # a seller without a warehouse: said beside what else is wrong
        raise kind.of([*faults, *lacking.faults]) from None
    kinds = (placing.kind, supply.surcharge)
    hurt = {_line_of(fault) for fault in faults}
    good = {no: line for no, line in readable.items() if no not in hurt}
    lines = [replace(x, no=no) for x, no in zip(rules.price_order(list(good.values()), cards, _in_order(quotes, good), *kinds), good, strict=True)]
    net, _tax, gross = rules.totals(lines)
    faults += [] if faults else rules.minimum_faults(terms, placing.kind, net)
    more = partial(unscoped_facts, (placing.seller_id, placing.buyer_id, terms.agreement_id), lines)
    house = placing.buyer_id if placing.kind == Kind.EXTERNAL else placing.seller_id
    needed = unscoped_rules_for(house, KIND, Case(gross, placing.kind, tier=terms.buyer.tier), more)
    if placing.kind == Kind.SAMPLE and not needed and not _sells(placing, actor):
        faults.append(Fault("orders.sample_unsigned", "kind"))
    if faults:
        if lines and not needed:
            faults += _short(placing, supply, lines, actor)
        raise kind.of(faults)
    assert ship is not None
    return Priced(terms, lines, supply, needed, ship, placing.may_wait, placing.short or supply.short)


def _line_of(fault: Fault) -> int:
    """The number of the line a fault stands at; 0 when it stands at none."""
    return int(fault.field.split(".")[1]) if fault.field.startswith("lines.") else 0


def _in_order(quotes: Mapping[Any, Any], good: Mapping[int, NewLine]) -> dict[int, Any]:
    """The quotes of the good lines, numbered as if there were no others."""
    return {n: quotes[no] for n, no in enumerate(good, 1)}


def _short(placing: Placing, supply: Supply, lines: list[PricedLine], actor: Actor) -> list[Fault]:
    """What credit, quotas and stock would say of the lines that are all right, so that nobody is refused in two rounds. The refusal undoes the try."""
    trial = Subject(KIND, 0, placing.seller_id, placing.buyer_id)
    held = [Held(x.no, x.no, x.product_id, x.qty, x.net, x.gross, scarce=True) for x in lines]  # not known before they are written: asked of each
    try:
        gross, short = rules.totals(lines)[2], placing.short or supply.short
        outside = placing.kind == Kind.EXTERNAL
        claim = Claim(trial, supply.agreement_id, supply.place_id, gross, held, short, more=supply.more, splits=supply.splits, outside=outside)
        hold_and_reserve(claim, actor=actor)
    except Refused as refusal:
        return list(refusal.faults)
    return []


def new_order(placing: Placing, priced: Priced, actor: Actor, client_id: UUID | str | None) -> Order:
    now = clock.now()
    terms, supply = priced.terms, priced.supply
    net, tax, gross = rules.totals(priced.lines)
    products = [x.product_id for x in priced.lines]
    return Order(
        client_id=client_id,
        seller_id=placing.seller_id,
        buyer_id=placing.buyer_id,
        agreement_id=terms.agreement_id,
        place_id=supply.place_id,
        more_places=",".join(str(pk) for pk in supply.more),
        splits=supply.splits,
        currency=terms.currency,
        net=net,
        tax=tax,
        gross=gross,
        status=Status.SUBMITTED,
        requested_on=placing.requested_on,
        # Confirmed at once, all of it is in stock, or it is not confirmed.
        promised_on=None if priced.rules else supply.last_on(placing.requested_on, products),
        reserved_until=None if priced.rules else supply.reserved_until(placing.requested_on, products),
        ordered_on=clock.date_of(now),
        placed_at=now,
        state_since=now,
        po_number=placing.po_number,
        note=placing.note,
        placed_by=actor.user_id,
        channel=actor.channel,
        payment_days=terms.payment_days,
        invoice_on=terms.invoice_on,
        ship_name=priced.ship.name,
        ship_phone=priced.ship.phone,
        ship_address=priced.ship.address,
        line_count=len(priced.lines),
        short=priced.short,
        kind=placing.kind,
    )


LINES = """INSERT INTO orders_line (order_id, no, product_id, unit, qty, unit_price, price_source, price_steps, tax_rate, net, tax, gross,
        promised_on, shipped, received, settled_short, given_up, invoiced)
    SELECT %s, d.no, d.product_id, d.unit, d.qty, d.unit_price, d.price_source, %s::jsonb -> (d.at - 1)::int, d.tax_rate, d.net, d.tax, d.gross,
        d.day, 0, 0, 0, 0, 0
    FROM unnest(%s::int[], %s::bigint[], %s::text[], %s::numeric[], %s::numeric[], %s::text[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[],
        %s::date[]) WITH ORDINALITY d(no, product_id, unit, qty, unit_price, price_source, tax_rate, net, tax, gross, day, at)
    RETURNING no, id, """ + SCARCE.format("%s", "orders_line.product_id", "%s")


def write_lines(order: Order, priced: Sequence[PricedLine], supply: Supply) -> list[Held]:
    """Insert the lines in one statement, without a model instance a line: this is the hot path of the product.

    Without an approval the goods are reserved in the same transaction, all or nothing, so the lines carry their promise from the beginning,
    each its own where its product takes longer.
    """
    columns = [
        *([x.no for x in priced], [x.product_id for x in priced], [x.unit for x in priced], [x.qty for x in priced], [x.unit_price for x in priced]),
        *([x.price_source for x in priced], [x.tax_rate for x in priced]),
        *([x.net for x in priced], [x.tax for x in priced], [x.gross for x in priced]),
        [supply.leaves_on(order.requested_on, x.product_id) if order.promised_on else None for x in priced],
    ]
    steps = json.dumps([x.steps for x in priced])  # in one piece: an array of texts is searched for what must be quoted, step by step
    ids = {no: (pk, scarce) for no, pk, scarce in rows(LINES, (order.pk, steps, *columns, order.seller_id, order.ordered_on))}
    return [Held(ids[x.no][0], x.no, x.product_id, x.qty, x.net, x.gross, scarce=ids[x.no][1]) for x in priced]


def route(order: Order, priced: Priced, lines: list[Held], said: Mapping[str, Any] | None = None, *, actor: Actor) -> Order:
    """Send a submitted order to its approvers, or confirm it; then number it (the last lock) and say what happened.

    `said`: what the log tells of one that is submitted again: the state before and since when, the reason, what is different.
    """
    got: Got | None = None
    if priced.rules:
        raise_if_any(quota_faults(order, lines))
        order.status = rules.next_status(Status.SUBMITTED, "route")
        order.approval = Approval.PENDING
    elif got := _confirms(order, priced, lines, actor):
        order.status = rules.next_status(Status.SUBMITTED, "confirm")
        take_over(got, order)
    else:
        order.status = rules.next_status(Status.SUBMITTED, "hold")
        order.credit, order.promised_on, order.reserved_until = Credit.HOLD, None, None
        run("UPDATE orders_line SET promised_on = NULL WHERE order_id = %s", (order.pk,))
    if not order.number:
        form = rules.number_form(priced.terms.seller.code, priced.terms.buyer.code, order.kind)
        order.number = take(f"order:{order.seller_id}:{order.buyer_id}", f"{form}-{{n:05d}}")
    order.state_since = clock.now()
    if order._state.adding:
        insert_row(order)
    else:
        update_row(order, REWRITTEN)
    if priced.rules:
        open_request(order.asking, priced.rules, actor=actor)
    told = dict(said or {"before": Status.DRAFT})
    detail = {**told.pop("detail", {}), **(detail_of(got) if got else {})}
    record(order.subject, after=order.status, detail=detail, **told)
    fact: dict[str, Any] = {"order_id": order.pk, "number": order.number, "seller_id": order.seller_id, "buyer_id": order.buyer_id}
    emit(OrderPlaced(**fact, gross=order.gross, currency=order.currency), order.subject)
    if got:
        emit(OrderConfirmed(**fact, gross=order.gross, currency=order.currency), order.subject)
        notify_confirmed(order, got, actor=actor)
    elif order.status == Status.SUBMITTED:
        notify("orders.held", order.subject, org_id=order.seller_id, verb="orders.release", except_user=actor.user_id, number=order.number)
    return order


def quota_faults(order: Order, lines: Sequence[Held]) -> list[Fault]:
    """What an order that waits for a signature would be refused of quotas now. One statement where something is scarce, else none."""
    asks = claim_of(order, lines).asks
    return unscoped_ration(asks, clock.today()).faults(asks) if asks else []


def _confirms(order: Order, priced: Priced, lines: list[Held], actor: Actor) -> Got | None:
    """Hold credit and reserve stock now. None when only credit is missing and the order may wait for it; raises Refused otherwise."""
    claim = claim_of(order, lines)
    if not priced.may_wait:
        return hold_and_reserve(claim, actor=actor)
    try:
        return attempt(lambda: hold_and_reserve(claim, actor=actor))
    except Refused as refusal:
        if rules.lacks_credit(refusal.faults):
            return None
        raise
