"""Telling both sides what became of their agreement."""

from __future__ import annotations

from typing import Any

from qudao.agreements import queries, rules
from qudao.agreements.models import Agreement
from qudao.agreements.states import EXPIRY_DAYS, AgreementState
from qudao.base.access import Actor
from qudao.base.action import action, part
from qudao.base.lock import Rank, lock_one
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.network import queries as network


def subject_of(agreement: Agreement) -> Subject:
    """The agreement as the subject of a log line, an event or a notice."""
    return Subject("agreements.agreement", agreement.pk, agreement.seller_id, agreement.buyer_id, agreement.code)


@part
def tell_sides(code: str, agreement: Agreement, *, actor: Actor, **more: Any) -> None:
    """Tell who sees agreements at the buyer, and who brings them into force at the seller; never who did it. One statement and the notices.

    Agreements of transfers are made by the system for two buyers: nobody is told.
    """
    if agreement.transfers:
        return
    cards = network.unscoped_cards([agreement.seller_id, agreement.buyer_id])
    said = {"seller": cards[agreement.seller_id].name, "buyer": cards[agreement.buyer_id].name, **more}
    for org_id, verb in ((agreement.buyer_id, "agreements.view"), (agreement.seller_id, "agreements.activate")):
        notify(f"agreements.{code}", subject_of(agreement), org_id=org_id, verb=verb, except_user=actor.user_id, **said)


@action("agreements.end")
def tell_expiring(*, actor: Actor) -> int:
    """Tell both sides 90, 60, 30 and 7 days before an agreement runs out, and on its last day, each once; returns how many were told. Convergent: what
    a missed night did not tell, the next one does. Locks each agreement.
    """
    today, told = clock.today(), 0
    for pk in queries.unscoped_expiring(today, EXPIRY_DAYS[0]):
        agreement = lock_one(Agreement, pk, rank=Rank.NETWORK)
        days = (agreement.valid_to - today).days if agreement.valid_to else EXPIRY_DAYS[0] + 1
        due = rules.expiry_due(days, agreement.expiry_told)
        if due is None or agreement.state != AgreementState.ACTIVE:
            continue
        agreement.expiry_told = due
        agreement.save(update_fields=["expiry_told"])
        tell_sides("expiring" if days else "last_day", agreement, last_day=str(agreement.valid_to), days=days, actor=actor)
        told += 1
    return told
