"""Receiving: what arrived becomes the buyer's stock, what did not becomes a difference, and nothing stays in transit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.files.uploadedfile import UploadedFile

from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import rows
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.fulfilment import rules
from qudao.fulfilment.actions.photos import attach_photos
from qudao.fulfilment.events import ReceiptConfirmed
from qudao.fulfilment.models import Receipt, Shipment
from qudao.fulfilment.policies import check_receiver
from qudao.fulfilment.queries import (
    Arrival,
    unscoped_arrival,
    unscoped_count_until,
    unscoped_instead,
    unscoped_order_of,
    unscoped_parcels_come,
)
from qudao.fulfilment.rules import Count, Counted, Found
from qudao.fulfilment.states import State
from qudao.funds.actions import shift
from qudao.inventory.actions import MoveSpec, ensure_places, post_moves
from qudao.inventory.queries import unscoped_receiving
from qudao.kernel import clock
from qudao.kernel.errors import Invalid
from qudao.kernel.money import ZERO
from qudao.orders.actions import lock_trades, record_received
from qudao.orders.queries import Trade
from qudao.people.queries import unscoped_nobody_works_at

RECEIVE = """WITH shipment AS (
        UPDATE fulfilment_shipment SET state = %(state)s, state_since = %(now)s, received_at = CASE WHEN %(partial)s THEN NULL ELSE %(now)s END,
            warned_on = CASE WHEN %(partial)s THEN NULL ELSE warned_on END WHERE id = %(id)s
    ), receipt AS (
        INSERT INTO fulfilment_receipt (shipment_id, at, received_by, note, automatic, partial)
        VALUES (%(id)s, %(now)s, %(by)s, %(note)s, %(automatic)s, %(partial)s) RETURNING id
    ), come AS (
        UPDATE fulfilment_shipmentline l SET come = l.come + d.qty FROM unnest(%(lines)s::bigint[], %(taken)s::numeric[]) d(id, qty)
        WHERE %(partial)s AND l.id = d.id
    ), parcel AS (
        UPDATE fulfilment_package p SET receipt_id = receipt.id FROM receipt
        WHERE p.shipment_id = %(id)s AND p.receipt_id IS NULL AND (%(whole)s OR p.id = ANY(%(parcels)s))
    ), line AS (
        INSERT INTO fulfilment_receiptline (receipt_id, shipment_line_id, received, damaged, short, over, note, refused,
            wrong, wrong_product_id)
        SELECT receipt.id, d.* FROM receipt,
            unnest(%(lines)s::bigint[], %(received)s::numeric[], %(damaged)s::numeric[], %(short)s::numeric[], %(over)s::numeric[], %(notes)s::text[],
                %(refused)s::numeric[], %(wrong)s::numeric[], %(instead)s::bigint[]) d
        RETURNING id, shipment_line_id
    ), difference AS (
        INSERT INTO fulfilment_difference (receipt_line_id, shipment_id, seller_id, buyer_id, kind, qty, amount, product_id, currency, state, at)
        SELECT line.id, %(id)s, %(seller)s, %(buyer)s, d.kind, d.qty, d.amount, d.product_id, %(currency)s, 'open', %(now)s
        FROM unnest(%(differ)s::bigint[], %(kinds)s::text[], %(quantities)s::numeric[], %(amounts)s::numeric[], %(products)s::bigint[])
            d(shipment_line_id, kind, qty, amount, product_id)
        JOIN line USING (shipment_line_id)
    )
    SELECT id FROM receipt"""


@dataclass(frozen=True)
class Part:
    """What has come of a shipment: the counts of its lines, and the parcels (SSCC) that came; what is in these counts as received where its line is not
    counted. `more`: the rest is still under way; else nothing more comes, and what is not here is missing.
    """

    counts: Sequence[Count] = ()
    parcels: Sequence[str] = ()
    note: str = ""
    more: bool = True


@action("fulfilment.receive")
def confirm_receipt(
    shipment_id: int, lines: Sequence[Count] = (), *, note: str = "", photos: Mapping[int, Sequence[UploadedFile]] | None = None, actor: Actor
) -> Receipt:
    """Say what arrived of a shipment; a line that is not named arrived as shipped. `photos` by shipment line, from who stands before the goods: then what
    is damaged or wrong has one where the seller asks for it (Invalid fulfilment.photo_missing at its line); None: counted elsewhere.

    Received goods go to the buyer's MAIN; damaged, missing and refused ones to the seller's CLAIMS, whose they still are, and so does what was ordered
    where something wrong came; what is too many or wrong comes from outside the books into the buyer's CLAIMS until it is settled. When the invoice
    follows the receipt, what is lost stops using credit now; when it follows the shipment, the invoice stands and the difference waits open.
    Locks order, shipment, funds, stock. Emits ReceiptConfirmed.
    """
    trade, arrival = _arrival(shipment_id, "receive", note, actor)
    counted = rules.count_receipt(arrival.lines, lines, note, unscoped_instead(arrival.lines, lines))
    _check_photos(trade, counted, photos)
    receipt = receive(trade, arrival, counted, Receipt(shipment_id=shipment_id, note=note.strip()), actor)
    return attach_photos(receipt.pk, photos, actor=actor) if photos else receipt


@action("fulfilment.receive")
def receive_part(shipment_id: int, part: Part, *, photos: Mapping[int, Sequence[UploadedFile]] | None = None, actor: Actor) -> Receipt:
    """Say what has come of a shipment that arrives on several days, by line, by parcel, or both: stock of the receiver rises, an invoice that follows the
    receipt bills this much. What is damaged, wrong or refused is claimed with the count that found it; what is missing or too many only with the last.

    While `part.more`, the rest stays under way and a line that is not named did not come; a part after which nothing is left is the last one. The last
    one settles the rest: a line that is not named arrived as it was sent, or with parcels named did not. Locks, photos and facts as `confirm_receipt`.
    """
    trade, arrival = _arrival(shipment_id, "receive", part.note, actor)
    parcels, inside = unscoped_parcels_come(shipment_id, arrival.number, part.parcels)
    counts = rules.from_parcels(arrival.lines, inside, part.counts)
    if part.parcels and not part.more:
        counts += rules.missing(arrival.lines, counts)
    counted = rules.count_receipt(arrival.lines, counts, part.note, unscoped_instead(arrival.lines, counts), more=part.more)
    _check_photos(trade, counted, photos)
    receipt = Receipt(shipment_id=shipment_id, note=part.note.strip(), partial=part.more and rules.more_to_come(arrival.lines, counted))
    if receipt.partial:
        arrival = replace(arrival, after=rules.next_state(arrival.state, "receive_part", arrival.number))
    receipt = receive(trade, replace(arrival, parcels=parcels), counted, receipt, actor)
    return attach_photos(receipt.pk, photos, actor=actor) if photos else receipt


@action("fulfilment.receive")
def end_receipt(shipment_id: int, note: str = "", *, actor: Actor) -> Receipt:
    """Nothing more comes of a shipment that was received in part: the rest is missing, and its differences wait for the seller. As `confirm_receipt`."""
    trade, arrival = _arrival(shipment_id, "end", note, actor)
    counted = rules.count_receipt(arrival.lines, rules.missing(arrival.lines, []), note)
    return receive(trade, arrival, counted, Receipt(shipment_id=shipment_id, note=note.strip()), actor)


def _check_photos(trade: Trade, counted: Sequence[Counted], photos: Mapping[int, Sequence[UploadedFile]] | None) -> None:
    """Invalid for what is damaged or wrong without a photo, where the seller asks for one of who stands before the goods."""
    if photos is not None and (faults := rules.unseen(counted, photos)) and unscoped_receiving(trade.agreement_id).photos:
        raise Invalid.of(faults)


@action("fulfilment.take_as_sent")
def watch_receipt(shipment_id: int, *, actor: Actor) -> Shipment:
    """Warn the buyer of a shipment that nobody counts; when its days are over, receive it as it was sent. Convergent, by the job of the night.

    Never without a warning two days before, never when the agreement says so no longer. Locks, tells and emits as `confirm_receipt` does.
    """
    (trade,) = lock_trades([unscoped_order_of(shipment_id)], actor=actor)
    note_rank(Rank.SHIPMENT)
    arrival = unscoped_arrival(shipment_id, trade.seller_id, trade.buyer_id)
    shipment = Shipment.unscoped.get(pk=shipment_id)
    until, today = unscoped_count_until(shipment, trade.agreement_id), clock.today()
    doing = rules.watch(today, until, shipment.warned_on) if until else ""
    if not doing:
        return shipment
    if doing == "warn":
        shipment.warned_on = today
        shipment.save(update_fields=["warned_on"])
        _tell_receiver("fulfilment.receipt_due", trade, shipment, day=until.isoformat() if until else "")
    else:
        counted = rules.count_receipt(arrival.lines, [])
        receive(trade, replace(arrival, after=State.RECEIVED), counted, Receipt(shipment_id=shipment_id, automatic=True), actor)
        _tell_receiver("fulfilment.received_as_sent", trade, shipment)
        shipment.refresh_from_db()
    return shipment


def _tell_receiver(code: str, trade: Trade, shipment: Shipment, **said: Any) -> None:
    """The people who count: the buyer's, or the seller's where nobody works at the buyer."""
    to = trade.seller_id if unscoped_nobody_works_at(trade.buyer_id) else trade.buyer_id
    notify(code, shipment.subject, org_id=to, verb="fulfilment.receive", number=shipment.number, **said)


@action("fulfilment.receive")
def refuse_shipment(shipment_id: int, reason: str, *, actor: Actor) -> Receipt:
    """Take nothing of a shipment: its goods are on their way back, and each line is a difference until the seller has settled it.

    Nothing of it is invoiced when the invoice follows the receipt. Locks and emits as `confirm_receipt` does. Raises Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid("fulfilment.why_refused", field="reason")
    trade, arrival = _arrival(shipment_id, "refuse", reason, actor)
    counted = rules.count_receipt(arrival.lines, [Count(s.id, rules.NOTHING, refused=s.qty) for s in arrival.lines], reason)
    return receive(trade, arrival, counted, Receipt(shipment_id=shipment_id, note=reason.strip()), actor)


def _arrival(shipment_id: int, event: str, note: str, actor: Actor) -> tuple[Trade, Arrival]:
    """The order of a shipment and the shipment as its receiver finds it, locked, with the state that `event` brings it into."""
    if len(note) > 500:
        raise Invalid("fulfilment.too_long", field="note", limit=500)
    (trade,) = lock_trades([unscoped_order_of(shipment_id)], actor=actor)
    check_receiver(actor, trade.seller_id, trade.buyer_id, shipment_id)
    note_rank(Rank.SHIPMENT)
    arrival = unscoped_arrival(shipment_id, trade.seller_id, trade.buyer_id)
    return trade, replace(arrival, after=rules.next_state(arrival.state, event, arrival.number))


def receive(trade: Trade, arrival: Arrival, counted: list[Counted], receipt: Receipt, actor: Actor) -> Receipt:
    """Write the count of a locked shipment, then tell order, credit and stock, in the order of locks."""
    receipt.at, receipt.received_by = clock.now(), actor.user_id
    by_id = {line.id: line for line in trade.lines}
    found = rules.differences(counted, by_id)
    lost = sum((rules.gross_lost(by_id[c.sent.line_id], c.received, c.lost) for c in counted), ZERO)
    subject = Subject("fulfilment.shipment", receipt.shipment_id, trade.seller_id, trade.buyer_id, arrival.number)
    _write(trade, arrival, counted, found, receipt)
    record_received(trade, {c.sent.line_id: (c.received, c.lost) for c in counted}, actor=actor)
    moved = list(arrival.shifts)
    if trade.invoice_on == "receipt" and lost:
        # a cent may come back when receipts of one line interleave
        moved.append(("shipped", None, lost) if lost > 0 else (None, "shipped", -lost))
    if moved:
        shift(trade.agreement_id, moved, subject, actor=actor)
    _move(trade, arrival, counted, subject, actor)
    differing = sum(c.differs for c in counted)
    record(subject, before=arrival.state, after=arrival.after, reason=receipt.note, since=arrival.state_since, detail={"differences": differing})
    emit(ReceiptConfirmed(receipt.pk, receipt.shipment_id, trade.id, trade.seller_id, trade.buyer_id, differing), subject)
    code = "fulfilment.difference_reported" if differing else "fulfilment.shipment_received"
    said: dict[str, Any] = {"number": arrival.number, "count": differing}
    if receipt.automatic:
        code = "fulfilment.received_as_sent"
    elif receipt.partial and not differing:
        code = "fulfilment.part_received"
    elif arrival.after == State.REFUSED:
        code, said = "fulfilment.shipment_refused", {"number": arrival.number, "reason": receipt.note}
    notify(code, subject, org_id=trade.seller_id, verb="fulfilment.ship", except_user=actor.user_id, **said)
    return receipt


def columns_of(counted: Sequence[Counted]) -> dict[str, list[Any]]:
    """Counted lines as the arrays that the statement of a receipt takes."""
    return {
        "lines": [c.sent.id for c in counted],
        "received": [c.received for c in counted],
        "damaged": [c.damaged for c in counted],
        "short": [c.short for c in counted],
        "over": [c.over for c in counted],
        "notes": [c.note for c in counted],
        "refused": [c.refused for c in counted],
        "wrong": [c.wrong for c in counted],
        "instead": [c.wrong_product_id for c in counted],
    }


def found_columns_of(found: Sequence[Found]) -> dict[str, list[Any]]:
    """Differences as the arrays that the statement of a receipt takes."""
    return {
        "differ": [f.shipment_line_id for f in found],
        "kinds": [str(f.kind) for f in found],
        "quantities": [f.qty for f in found],
        "amounts": [f.amount for f in found],
        "products": [f.product_id for f in found],
    }


def whole(counted: Sequence[Counted]) -> bool:
    """Whether all parcels are here that nobody said came before: nothing that was under way is missing."""
    return not any(c.short for c in counted)


def _write(trade: Trade, arrival: Arrival, counted: Sequence[Counted], found: Sequence[Found], receipt: Receipt) -> None:
    """The receipt with its lines and differences, the parcels that came, and the shipment's new state, in one statement."""
    params = {
        "now": receipt.at,
        "id": receipt.shipment_id,
        "by": receipt.received_by,
        "note": receipt.note,
        "automatic": receipt.automatic,
        "partial": receipt.partial,
        "whole": whole(counted) and not receipt.partial,
        "parcels": list(arrival.parcels),
        "taken": [c.taken for c in counted],
        "state": arrival.after,
        "seller": trade.seller_id,
        "buyer": trade.buyer_id,
        "currency": trade.currency,
        **columns_of(counted),
        **found_columns_of(found),
    }
    ((receipt.pk,),) = rows(RECEIVE, params)


def _move(trade: Trade, arrival: Arrival, counted: Sequence[Counted], subject: Subject, actor: Actor) -> None:
    """Empty the transit place of this shipment."""
    seller, buyer = trade.seller_id, trade.buyer_id
    places = dict(arrival.places)
    for org in (seller, buyer):
        if any((org, code) not in places for code in ("MAIN", "TRANSIT", "CLAIMS", "OUTSIDE")):
            places |= {(org, code): pk for code, pk in ensure_places(org, actor=actor).items()}
    moves = [MoveSpec(product, qty, places[a], places[b], c.sent.line_id) for c in counted for product, qty, a, b in rules.ways(c, seller, buyer)]
    post_moves([*arrival.moves, *moves], subject, actor=actor)
