"""Separation of duties: who did the one thing does not do the other, where an organisation says so."""

from __future__ import annotations

from collections.abc import Iterable

from qudao.approvals.models import Separation
from qudao.approvals.queries import unscoped_separates
from qudao.base.access import Actor
from qudao.base.action import action, part, record
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Refused


@action("approvals.edit_rules")
def separate_duties(apart: bool, *, actor: Actor) -> bool:
    """Keep duties apart in the own organisation from now on, or no longer; returns whether. What was done stays. Twice is as once."""
    found = Separation.unscoped.filter(org_id=actor.org_id).first()
    if apart == bool(found):
        return apart
    if found:
        found.delete()
    else:
        Separation.unscoped.create(org_id=actor.org_id, since=clock.now())
    record(Subject("approvals.separation", actor.org_id, actor.org_id, None, ""), detail={"apart": [not apart, apart]})
    return apart


@part
def check_other_hand(subject: Subject, hands: Iterable[int | None], code: str, *, actor: Actor) -> None:
    """Refused `code` when the actor is one of those who did the other duty (`hands`, ids of people) and its organisation keeps duties apart.

    Nobody else costs a statement.
    """
    if actor.user_id is not None and actor.user_id in set(hands) and unscoped_separates(actor.org_id):
        raise Refused(code, number=subject.number)
