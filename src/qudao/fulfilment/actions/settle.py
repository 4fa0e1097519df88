"""Differences to their end: somebody of the seller takes one and says until when; then the goods that were claimed get a place in the books again, and
it is said who bears it and what the buyer gets.

What follows the receipt was never invoiced; what was invoiced and did not arrive is sent again, or taken back by a credit note.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from qudao.approvals.actions import Asking, signed
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.html.tables import by_language
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.fulfilment.events import DifferenceSettled
from qudao.fulfilment.models import Difference
from qudao.fulfilment.rules import MAX_NOTE
from qudao.fulfilment.states import LOST, OUTCOMES, WAYS, DifferenceKind, DifferenceState, Liable, Outcome, Remedy
from qudao.inventory.actions import MoveSpec, ensure_places, post_moves
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.orders.actions import lock_trades, record_sent_again
from qudao.orders.queries import Trade
from qudao.people.queries import unscoped_people_with

VERB = "fulfilment.settle"


@dataclass(frozen=True)
class Settlement:
    """How a difference ends: what became of the goods, who bears it, what the buyer gets for it ("" = nothing)."""

    outcome: str
    liable: str
    remedy: str = ""
    note: str = ""


@action(VERB)
def investigate_difference(difference_id: int, owner_id: int | None = None, due_on: date | None = None, note: str = "", *, actor: Actor) -> Difference:
    """Take a difference, or give it to a colleague who may settle it (`owner_id`, a user), until a day; both sides read who has it, and the note.

    May be repeated. Locks the difference. Tells the colleague, and the buyer the first time. Raises Invalid at the field, Refused when it is settled.
    """
    seen = get_visible(actor, Difference, difference_id, VERB)
    owner = owner_id or actor.user_id or 0
    house = actor.org_id if seen.seller_id in actor.stands_for else seen.seller_id
    faults = [] if owner in unscoped_people_with(house, VERB) else [Fault("fulfilment.nobody", "owner")]
    faults += [Fault("fulfilment.due_past", "due_on")] if due_on and due_on < clock.today() else []
    faults += [Fault("fulfilment.too_long", "note", {"limit": MAX_NOTE})] if len(note) > MAX_NOTE else []
    raise_if_any(faults, Invalid)
    found = _locked(difference_id)
    subject, first, before = found.shipment.subject, found.state == DifferenceState.OPEN, found.taken_by_id
    found.state, found.taken_by_id, found.due_on, found.note = DifferenceState.INVESTIGATING, owner, due_on, note.strip()
    found.taken_at = found.taken_at or clock.now()
    found.save(update_fields=["state", "taken_by", "taken_at", "due_on", "note"])
    record(subject, after="investigating", reason=found.note, detail={"difference": found.kind, "due_on": str(due_on or "")})
    said: dict[str, Any] = {"number": found.shipment.number}
    if owner != before:
        notify("fulfilment.difference_yours", subject, user_ids=[owner], except_user=actor.user_id, **said)
    if first:
        who = Difference.unscoped.select_related("taken_by").get(pk=found.pk).taken_by
        notify("fulfilment.difference_taken", subject, org_id=found.buyer_id, verb="fulfilment.receive", **said, who=str(who))
    return found


def _asks(difference_id: int, how: Settlement, *, actor: Actor) -> Asking:
    """What the claim stands for."""
    seen = get_visible(actor, Difference, difference_id, VERB)
    return Asking(seen.shipment.subject, seen.amount, seen.currency, how.remedy if how.remedy in Remedy.values else "nothing")


def _card(difference_id: int, how: Settlement) -> list[tuple[Any, Any]]:
    """What was claimed, and how it would end."""
    seen = Difference.unscoped.select_related("buyer").get(pk=difference_id)
    told = [(_("Buyer"), by_language(seen.buyer.name, seen.buyer.name_en)), (_("Claim"), DifferenceKind(seen.kind).label)]
    told += [(_("Goods"), Outcome(how.outcome).label), (_("Borne by"), Liable(how.liable).label)]
    return [*told, *([(_("Remark"), how.note)] if how.note else [])]


@signed("fulfilment.claim", _asks, _card)
@action(VERB)
def settle_difference(difference_id: int, how: Settlement, *, actor: Actor) -> Difference:
    """Say what became of the goods of a difference, who bears it and what the buyer gets; both sides read it. It is not opened again.

    Goods that are sent again make their order line open once more. Locks the order in that case, the difference, funds and stock. Emits
    DifferenceSettled. Raises Invalid for what its kind cannot have, Refused when it is settled already, when goods that the buyer keeps are not on the
    seller's books, or when credit does not allow to send again.
    """
    seen = get_visible(actor, Difference, difference_id, VERB)
    trade = _trade(seen, how, actor)
    found = _locked(difference_id)
    shipment = found.shipment
    found.state, found.outcome, found.liable, found.remedy = DifferenceState.SETTLED, how.outcome, how.liable, how.remedy
    found.note, found.settled_at, found.settled_by = how.note.strip() or found.note, clock.now(), actor.user_id
    found.save(update_fields=["state", "outcome", "liable", "remedy", "note", "settled_at", "settled_by"])
    line = found.receipt_line.shipment_line
    if trade and how.remedy == Remedy.AGAIN:
        record_sent_again(trade, {line.line_id: found.qty}, actor=actor)
    _move(found, line.product_id, how.outcome, actor)
    told = {"difference": found.kind, "qty": str(found.qty), "outcome": how.outcome, "liable": how.liable, "remedy": how.remedy}
    record(shipment.subject, after="settled", reason=found.note, detail=told)
    emit(DifferenceSettled(found.pk, shipment.pk, found.seller_id, found.buyer_id, found.kind, how.outcome, how.remedy), shipment.subject)
    number, buyer = shipment.number, found.buyer_id
    notify("fulfilment.difference_settled", shipment.subject, org_id=buyer, verb="fulfilment.receive", except_user=actor.user_id, number=number)
    return found


def _trade(seen: Difference, how: Settlement, actor: Actor) -> Trade | None:
    """The order of a difference, locked, where it is asked for more; Invalid for a settlement that its kind cannot have."""
    faults = [] if how.outcome in OUTCOMES[seen.kind] else [Fault("fulfilment.outcome", "outcome")]
    faults += [] if how.liable in Liable.values else [Fault("fulfilment.liable", "liable")]
    faults += [Fault("fulfilment.too_long", "note", {"limit": MAX_NOTE})] if len(how.note) > MAX_NOTE else []
    if how.remedy and (how.remedy not in Remedy.values or seen.kind not in LOST):
        faults.append(Fault("fulfilment.remedy", "remedy"))
    if how.liable == Liable.BUYER:  # who bears it gets nothing for it
        faults += [Fault("fulfilment.buyer_bears", "remedy")] if how.remedy else []
        faults += [Fault("fulfilment.buyer_keeps", "liable")] if how.outcome == Outcome.KEPT else []
    raise_if_any(faults, Invalid)
    if not how.remedy:
        return None
    if how.remedy == Remedy.CREDIT and not actor.can("payments.credit"):  # whoever settles goods does not give money away without that right
        raise Refused("fulfilment.may_not_credit", field="remedy")
    (trade,) = lock_trades([seen.shipment.order_id], actor=actor)
    if how.remedy == Remedy.CREDIT and trade.invoice_on == "receipt":
        raise Refused("fulfilment.not_invoiced", field="remedy")
    return trade


def _locked(difference_id: int) -> Difference:
    """The difference, locked; Refused when it is settled."""
    found = lock_one(Difference, difference_id, rank=Rank.SHIPMENT)
    if found.state == DifferenceState.SETTLED:
        raise Refused("fulfilment.settled_already", number=found.shipment.number)
    return found


def _move(found: Difference, ordered: int, outcome: str, actor: Actor) -> None:
    """Give the goods of a settled difference their place: of wrong ones what came instead, while the right ones are back on the seller's shelf."""
    sides = {"seller": found.seller_id, "buyer": found.buyer_id}
    moves = [(side, found.product_id or ordered, a, b) for side, a, b in WAYS[outcome]]
    if found.kind == DifferenceKind.WRONG:
        moves.append(("seller", ordered, "CLAIMS", "MAIN"))
    places = {side: ensure_places(sides[side], actor=actor) for side in {move[0] for move in moves}}
    if "seller" in places:  # goods come back to where they were sent from
        places["seller"]["MAIN"] = found.shipment.from_place_id
    ways = [(product, places[side][a], places[side][b]) for side, product, a, b in moves]
    # what was sent from outside the books and goes back there has not moved
    post_moves([MoveSpec(product, found.qty, a, b) for product, a, b in ways if a != b], found.shipment.subject, actor=actor)
