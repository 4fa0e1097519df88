"""Who paid is not who ordered, who confirmed is not who announced: asked only of somebody who did both, and only where the organisation keeps duties apart."""

from __future__ import annotations

from collections.abc import Iterable

from qudao.approvals.actions import check_other_hand
from qudao.base.access import Actor
from qudao.base.subject import Subject
from qudao.payments.models import Payment, Pool
from qudao.payments.queries import unscoped_orderers


def check_not_announced(payment: Payment | Pool, actor: Actor) -> None:
    """Refused payments.duty_announced when the actor announced the money itself."""
    check_other_hand(payment.subject, [payment.recorded_by], "payments.duty_announced", actor=actor)


def check_not_recorded(payment: Payment, actor: Actor) -> None:
    """Refused payments.duty_recorded when the actor recorded the money, or issued the credit note, that is to be sent back."""
    check_other_hand(payment.subject, [payment.recorded_by], "payments.duty_recorded", actor=actor)


def check_not_ordered(buyer_id: int, invoice_ids: Iterable[int], actor: Actor) -> None:
    """Refused payments.duty_ordered when the actor pays for the own organisation what it ordered or signed itself.

    Of a seller that takes money in, nothing is asked, and nothing read; one statement of a buyer.
    """
    if actor.org_id != buyer_id or actor.user_id is None:
        return
    for order_id, number, people in unscoped_orderers(invoice_ids):
        check_other_hand(Subject("orders.order", order_id, None, buyer_id, number), people, "payments.duty_ordered", actor=actor)
