"""Receiving: what arrived becomes the buyer's stock, what did not becomes a difference, and nothing stays in transit."""

from __future__ import annotations

from collections.abc import Sequence

from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import rows
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.fulfilment import rules
from qudao.fulfilment.events import ReceiptConfirmed
from qudao.fulfilment.models import Receipt
from qudao.fulfilment.policies import check_side
from qudao.fulfilment.queries import Arrival, unscoped_arrival, unscoped_order_of
from qudao.fulfilment.rules import Count, Counted, Found
from qudao.funds.actions import shift
from qudao.inventory.actions import MoveSpec, ensure_places, post_moves
from qudao.kernel import clock
from qudao.kernel.errors import Invalid
from qudao.kernel.money import ZERO
from qudao.orders.actions import lock_trades, record_received
from qudao.orders.queries import Trade

RECEIVE = """WITH shipment AS (
        UPDATE fulfilment_shipment SET state = 'received', state_since = %(now)s, received_at = %(now)s WHERE id = %(id)s
    ), receipt AS (
        INSERT INTO fulfilment_receipt (shipment_id, at, received_by, note) VALUES (%(id)s, %(now)s, %(by)s, %(note)s) RETURNING id
    ), line AS (
        INSERT INTO fulfilment_receiptline (receipt_id, shipment_line_id, received, damaged, short, over, note)
        SELECT receipt.id, d.* FROM receipt,
            unnest(%(lines)s::bigint[], %(received)s::numeric[], %(damaged)s::numeric[], %(short)s::numeric[], %(over)s::numeric[], %(notes)s::text[]) d
        RETURNING id, shipment_line_id
    ), difference AS (
        INSERT INTO fulfilment_difference (receipt_line_id, shipment_id, seller_id, buyer_id, kind, qty, amount, currency, state, at)
        SELECT line.id, %(id)s, %(seller)s, %(buyer)s, d.kind, d.qty, d.amount, %(currency)s, 'open', %(now)s
        FROM unnest(%(differ)s::bigint[], %(kinds)s::text[], %(quantities)s::numeric[], %(amounts)s::numeric[]) d(shipment_line_id, kind, qty, amount)
        JOIN line USING (shipment_line_id)
    )
    SELECT id FROM receipt"""


@action("fulfilment.receive")
def confirm_receipt(shipment_id: int, lines: Sequence[Count] = (), *, note: str = "", actor: Actor) -> Receipt:
    """Say what arrived of a shipment; a line that is not named arrived as shipped.

    Received goods go to the buyer's MAIN; damaged and missing ones to the seller's CLAIMS, whose they still are; what is too many comes from
    outside the books into the buyer's CLAIMS until it is settled. When the invoice follows the receipt, what is lost stops using credit now;
    when it follows the shipment, the invoice stands and the difference waits open with its amount.
    Locks order, shipment, funds, stock. Emits ReceiptConfirmed.
    """
    if len(note) > 500:
        raise Invalid("fulfilment.too_long", field="note", limit=500)
    (trade,) = lock_trades([unscoped_order_of(shipment_id)], actor=actor)
    check_side(actor, "fulfilment.receive", trade.buyer_id, shipment_id)
    note_rank(Rank.SHIPMENT)
    arrival = unscoped_arrival(shipment_id, trade.seller_id, trade.buyer_id)
    state = rules.next_state(arrival.state, "receive", arrival.number)
    counted = rules.count_receipt(arrival.lines, lines)
    by_id = {line.id: line for line in trade.lines}
    found = rules.differences(counted, by_id)
    lost = sum((rules.gross_lost(by_id[c.sent.line_id], c.received, c.lost) for c in counted), ZERO)
    subject = Subject("fulfilment.shipment", shipment_id, trade.seller_id, trade.buyer_id, arrival.number)
    receipt = _write(trade, counted, found, Receipt(shipment_id=shipment_id, at=clock.now(), received_by=actor.user_id, note=note.strip()))
    record_received(trade, {c.sent.line_id: (c.received, c.lost) for c in counted}, actor=actor)
    if trade.invoice_on == "receipt" and lost:
        # a cent may come back when receipts of one line interleave
        shift(trade.agreement_id, [("shipped", None, lost) if lost > 0 else (None, "shipped", -lost)], subject, actor=actor)
    _move(trade, arrival, counted, subject, actor)
    differing = sum(c.differs for c in counted)
    record(subject, before=arrival.state, after=state, reason=note.strip(), since=arrival.state_since, detail={"differences": differing})
    emit(ReceiptConfirmed(receipt.pk, shipment_id, trade.id, trade.seller_id, trade.buyer_id, differing), subject)
    code = "fulfilment.difference_reported" if differing else "fulfilment.shipment_received"
    notify(code, subject, org_id=trade.seller_id, verb="fulfilment.ship", except_user=actor.user_id, number=arrival.number, count=differing)
    return receipt


def _write(trade: Trade, counted: Sequence[Counted], found: Sequence[Found], receipt: Receipt) -> Receipt:
    """The receipt with its lines and differences, and the shipment's new state, in one statement."""
    params = {
        "now": receipt.at,
        "id": receipt.shipment_id,
        "by": receipt.received_by,
        "note": receipt.note,
        "lines": [c.sent.id for c in counted],
        "received": [c.received for c in counted],
        "damaged": [c.damaged for c in counted],
        "short": [c.short for c in counted],
        "over": [c.over for c in counted],
        "notes": [c.note for c in counted],
        "seller": trade.seller_id,
        "buyer": trade.buyer_id,
        "currency": trade.currency,
        "differ": [f.shipment_line_id for f in found],
        "kinds": [str(f.kind) for f in found],
        "quantities": [f.qty for f in found],
        "amounts": [f.amount for f in found],
    }
    ((receipt.pk,),) = rows(RECEIVE, params)
    return receipt


def _move(trade: Trade, arrival: Arrival, counted: Sequence[Counted], subject: Subject, actor: Actor) -> None:
    """Empty the transit place of this shipment."""
    seller, buyer = trade.seller_id, trade.buyer_id
    places = dict(arrival.places)
    for org in (seller, buyer):
        if any((org, code) not in places for code in ("MAIN", "TRANSIT", "CLAIMS", "OUTSIDE")):
            places |= {(org, code): pk for code, pk in ensure_places(org, actor=actor).items()}
    moves = []
    for c in counted:
        steps = (
            (c.received, (seller, "TRANSIT"), (buyer, "MAIN")),
            (c.lost, (seller, "TRANSIT"), (seller, "CLAIMS")),
            (c.over, (buyer, "OUTSIDE"), (buyer, "CLAIMS")),
        )
        moves += [MoveSpec(c.sent.product_id, qty, places[a], places[b], c.sent.line_id) for qty, a, b in steps if qty]
    post_moves(moves, subject, actor=actor)
