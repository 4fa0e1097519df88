"""A transfer: goods that one buyer of a seller has too many of go to another one. Their seller arranges it; who gives the goods sells them, who gets them
buys. From its acceptance on it is an order like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from qudao.agreements.actions import ensure_transfer_terms
from qudao.agreements.queries import Terms, unscoped_all_terms, unscoped_refused
from qudao.approvals.queries import Case, Needed
from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import insert_row
from qudao.base.notify import notify
from qudao.base.numbering import take
from qudao.base.work import attempt, unit
from qudao.catalog.queries import unscoped_cards
from qudao.funds.actions import ensure_account
from qudao.inventory.queries import Supply, unscoped_free, unscoped_supply
from qudao.inventory.rules import shortage
from qudao.inventory.states import Short
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.actions.confirm import at_lines
from qudao.orders.actions.place import Priced, new_order, write_lines
from qudao.orders.events import OrderPlaced
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_begin, unscoped_why_no_price
from qudao.orders.rules import Held, Placing, PricedLine
from qudao.orders.states import Approval, Kind, Status
from qudao.people.queries import unscoped_people_with
from qudao.pricing.queries import Item, unscoped_quote

#: packing and quantities per order are what the common seller asks of its own sales; what is over at a dealer is seldom a full pack
OWN_SALES = ("orders.below_minimum", "orders.not_multiple", "orders.above_maximum")


@action("orders.arrange")
def arrange_transfer(placing: Placing, *, actor: Actor, client_id: UUID | str | None = None) -> Order:
    """Arrange that `placing.seller_id` passes goods on to `placing.buyer_id`, both buyers of the actor's organisation; the giver is asked to accept.

    At the receiver's own prices of today with that organisation, in its currency, tax and days of payment. Makes the agreement for transfers between
    the two when there is none. The same `client_id` returns the first one. Locks the receiver's agreement, the number series. Emits OrderPlaced; tells
    both. Raises Invalid for bad input and Refused with all faults (sides, products, prices, goods unless `placing.short` lets them be short).
    """
    placing = replace(placing, kind=Kind.TRANSFER)
    begun = unscoped_begin([(placing, client_id)])[0]
    if begun.known:
        if begun.known.arranged_by_id != actor.org_id:
            raise Refused("orders.order_client_unique")
        return begun.known
    today = clock.today()
    faults = [*rules.shape_faults(placing, today), *([] if begun.ship else [Fault("orders.address_unknown", "address")])]
    if placing.short and placing.short not in Short.values:
        faults.append(Fault("orders.short_unknown", "short"))
    raise_if_any(faults, Invalid)
    giver, receiver = _sides(placing, actor)
    lines = _priced(placing, receiver)
    agreement_id = ensure_transfer_terms(placing.seller_id, receiver, actor=actor)
    supply = unscoped_supply(agreement_id)
    if (placing.short or Short.REFUSE) == Short.REFUSE:
        raise_if_any(_lacking(lines, supply))
    ensure_account(agreement_id, actor=actor)
    assert begun.ship is not None
    needed = Needed(0, (), Case(rules.totals(lines)[2], Kind.TRANSFER))
    terms = replace(receiver, agreement_id=agreement_id, seller=giver.buyer)
    order = new_order(placing, Priced(terms, lines, supply, needed, begun.ship, short=placing.short or Short.REFUSE), actor, client_id)
    order.pk, order.promised_on, order.reserved_until, order.arranged_by_id = begun.id, None, None, actor.org_id
    order.status, order.approval = rules.next_status(Status.SUBMITTED, "route"), Approval.PENDING
    write_lines(order, lines, supply)
    form = rules.number_form(giver.buyer.code, receiver.buyer.code, Kind.TRANSFER)
    order.number = take(f"transfer:{order.seller_id}:{order.buyer_id}", f"{form}-{{n:05d}}")
    insert_row(order)
    record(order.subject, before=Status.DRAFT, after=order.status)
    fact: dict[str, Any] = {"order_id": order.pk, "number": order.number, "seller_id": order.seller_id, "buyer_id": order.buyer_id}
    emit(OrderPlaced(**fact, gross=order.gross, currency=order.currency), order.subject)
    for kind, org_id, verb, other in (
        ("orders.transfer_asked", order.seller_id, "orders.approve", receiver.buyer),
        ("orders.transfer_arranged", order.buyer_id, "orders.view", giver.buyer),
    ):
        notify(kind, order.subject, org_id=org_id, verb=verb, number=order.number, name=other.name)
    return order


class _WouldGo(Exception):
    """A trial got to its end."""


def transfer_faults(placing: Placing, *, actor: Actor) -> Sequence[Fault]:
    """Why `arrange_transfer` would refuse this now; nothing when it would not. It is tried and undone, so that both always say the same."""

    def trial() -> None:
        arrange_transfer(placing, actor=actor)
        raise _WouldGo

    try:
        unit(lambda: attempt(trial))
    except _WouldGo:
        return ()
    except DomainError as error:
        return error.faults
    raise AssertionError("unreachable")


def _sides(placing: Placing, actor: Actor) -> tuple[Terms, Terms]:
    """The terms of the giver and of the receiver with the actor's organisation, which sells to both; somebody at the giver can answer. Two statements."""
    today = clock.today()
    found = unscoped_all_terms([(actor.org_id, placing.seller_id, ""), (actor.org_id, placing.buyer_id, placing.currency)], today)
    giver, receiver = found.get((actor.org_id, placing.seller_id, "")), found.get((actor.org_id, placing.buyer_id, placing.currency))
    if giver:  # it only has to be a buyer of the same seller, in whatever currency
        giver = replace(giver, choice=())
    faults = []
    for field, terms in (("seller", giver), ("buyer", receiver)):
        if terms is None:
            faults.append(Fault("orders.transfer_unknown", field))
        else:
            faults += [Fault(one.code, one.field if terms.choice else field, one.params) for one in rules.side_faults(terms, today)]
    if not faults and not unscoped_people_with(placing.seller_id, "orders.approve"):
        faults.append(Fault("orders.transfer_unanswered", "seller"))
    raise_if_any(faults)
    assert giver and receiver
    return giver, receiver


def _priced(placing: Placing, receiver: Terms) -> list[PricedLine]:
    """The lines at the receiver's own prices of today. Raises Refused for what it may not buy, and for every line without a price above zero."""
    today = clock.today()
    products = sorted({line.product_id for line in placing.lines if line.product_id})
    cards = unscoped_cards(products)
    refused = unscoped_refused(receiver.agreement_id, products, today)
    asked = [Item(no, line.product_id or 0, line.qty) for no, line in enumerate(placing.lines, 1)]
    quotes = {no: quote for no, quote in unscoped_quote(receiver.agreement_id, asked, today).items() if quote.amount > 0}
    faults = [fault for fault in rules.line_faults(placing.lines, cards, refused, quotes, today) if fault.code not in OWN_SALES]
    raise_if_any(unscoped_why_no_price(faults, receiver.agreement_id, today))
    return rules.price_order(placing.lines, cards, quotes)


def _lacking(lines: Sequence[PricedLine], supply: Supply) -> list[Fault]:
    """The lines of which the giver has too few goods free now; its acceptance reserves them. One statement."""
    places = (supply.place_id, *supply.more)
    free = unscoped_free([(place, line.product_id) for line in lines for place in places])
    left: dict[int, Decimal] = {line.product_id: sum((max(free[place, line.product_id], ZERO) for place in places), ZERO) for line in lines}
    faults = []
    for line in lines:
        if line.qty > left[line.product_id]:
            faults.append(shortage(line.no, line.product_id, line.qty, left[line.product_id]))
        left[line.product_id] = max(left[line.product_id] - line.qty, ZERO)
    return at_lines(faults, [Held(line.no, line.no, line.product_id, line.qty, line.net, line.gross) for line in lines])
