"""Settling a difference: the goods that were claimed get a place in the books again, and it is said who bears it.

Money has its own way: what was invoiced and did not arrive is taken back by a credit note; what follows the receipt was never invoiced.
"""

from __future__ import annotations

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.fulfilment.events import DifferenceSettled
from qudao.fulfilment.models import Difference
from qudao.fulfilment.rules import MAX_NOTE
from qudao.fulfilment.states import OUTCOMES, WAYS, DifferenceState, Liable
from qudao.inventory.actions import MoveSpec, ensure_places, post_moves
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any


@action("fulfilment.settle")
def settle_difference(difference_id: int, outcome: str, liable: str, note: str = "", *, actor: Actor) -> Difference:
    """Say what became of the goods of a difference and who bears it; both sides read it. It is not opened again.

    Locks the difference and stock. Emits DifferenceSettled. Raises Invalid for an outcome its kind cannot have, Refused when it is settled already,
    or when goods that the buyer keeps are not on the seller's books.
    """
    seen = get_visible(actor, Difference, difference_id, "fulfilment.settle")
    faults = [] if outcome in OUTCOMES[seen.kind] else [Fault("fulfilment.outcome", "outcome")]
    faults += [] if liable in Liable.values else [Fault("fulfilment.liable", "liable")]
    faults += [Fault("fulfilment.too_long", "note", {"limit": MAX_NOTE})] if len(note) > MAX_NOTE else []
    raise_if_any(faults, Invalid)
    found = lock_one(Difference, difference_id, rank=Rank.SHIPMENT)
    shipment = found.shipment
    if found.state == DifferenceState.SETTLED:
        raise Refused("fulfilment.settled_already", number=shipment.number)
    found.state, found.outcome, found.liable, found.note = DifferenceState.SETTLED, outcome, liable, note.strip()
    found.settled_at, found.settled_by = clock.now(), actor.user_id
    found.save(update_fields=["state", "outcome", "liable", "note", "settled_at", "settled_by"])
    sides = {"seller": found.seller_id, "buyer": found.buyer_id}
    places = {side: ensure_places(sides[side], actor=actor) for side in {way[0] for way in WAYS[outcome]}}
    product = found.receipt_line.shipment_line.product_id
    post_moves([MoveSpec(product, found.qty, places[side][a], places[side][b]) for side, a, b in WAYS[outcome]], shipment.subject, actor=actor)
    record(shipment.subject, reason=found.note, detail={"difference": found.kind, "qty": str(found.qty), "outcome": outcome, "liable": liable})
    emit(DifferenceSettled(found.pk, shipment.pk, found.seller_id, found.buyer_id, found.kind, outcome), shipment.subject)
    number, buyer = shipment.number, found.buyer_id
    notify("fulfilment.difference_settled", shipment.subject, org_id=buyer, verb="fulfilment.receive", except_user=actor.user_id, number=number)
    return found
