"""Pure decisions about approvals: who may sign, which nodes a set of rules makes, what a signature leads to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from qudao.approvals.states import ABSENCE_DAYS, Decision, RequestState
from qudao.kernel.errors import Fault


@dataclass(frozen=True)
class RuleDraft:
    """Documents of `kind` of at least `min_amount` need a signature by the role; smaller positions sign first."""

    kind: str
    role_id: int
    min_amount: Decimal = Decimal(0)
    position: int = 1
    remind_hours: int | None = None


@dataclass(frozen=True)
class RuleCard:
    """A rule that applies to a document, with the names of its role."""

    id: int
    position: int
    role_id: int
    role_code: str
    role_name: str
    role_name_en: str
    min_amount: Decimal


@dataclass(frozen=True)
class Facts:
    """What decides whether somebody may sign: the request's number and state, its seller, and the signer's relation to it.

    `person` names the one signer of a step that was handed on or added; `holds_right` is the own right or that of an absent colleague.
    """

    number: str
    state: str
    seller: str
    role: str
    is_submitter: bool
    has_signed: bool
    holds_right: bool
    person: str = ""


@dataclass(frozen=True)
class Colleague:
    """Somebody who is to be asked, and the relation to the document; `id` 0 = nobody who may decide it."""

    id: int
    name: str
    is_self: bool = False
    submitted: bool = False
    signed: bool = False
    asked: bool = False


def draft_faults(draft: RuleDraft) -> list[Fault]:
    """Everything wrong with a rule, each fault at its field."""
    faults = []
    if not draft.kind.strip():
        faults.append(Fault("approvals.kind_missing", "kind"))
    if draft.min_amount < 0:
        faults.append(Fault("approvals.amount_wrong", "min_amount"))
    if not 1 <= draft.position <= 99:
        faults.append(Fault("approvals.position_wrong", "position"))
    if draft.remind_hours is not None and not 1 <= draft.remind_hours <= 720:
        faults.append(Fault("approvals.remind_hours_wrong", "remind_hours"))
    return faults


def sign_faults(facts: Facts) -> list[Fault]:
    """Why somebody may not sign; the first reason is the one that helps most. Submitting and approving are never the same person."""
    number = {"number": facts.number}
    if facts.state != RequestState.PENDING:
        return [Fault("approvals.closed", "", {**number, "state": str(RequestState(facts.state).label)})]
    if facts.is_submitter:
        return [Fault("approvals.own_document", "", number)]
    if facts.has_signed:
        return [Fault("approvals.already_signed", "", number)]
    if not facts.holds_right:
        if facts.person:
            return [Fault("approvals.person_needed", "", {**number, "name": facts.person})]
        return [Fault("approvals.role_needed", "", {**number, "role": facts.role, "seller": facts.seller})]
    return []


def colleague_faults(one: Colleague, number: str, field: str = "user_id") -> list[Fault]:
    """Why somebody cannot be asked to sign: the separation of duties holds for whoever is handed a step, too."""
    told = {"name": one.name, "number": number}
    if one.is_self:
        return [Fault("approvals.colleague_self", field)]
    if one.submitted:
        return [Fault("approvals.colleague_submitted", field, told)]
    if one.signed:
        return [Fault("approvals.colleague_signed", field, told)]
    if one.asked:
        return [Fault("approvals.colleague_asked", field, told)]
    return [] if one.id else [Fault("approvals.colleague_unknown", field)]


def absence_faults(first_day: date, last_day: date, today: date) -> list[Fault]:
    """Whether the days of an absence make sense on `today`."""
    if last_day < first_day or last_day < today:
        return [Fault("approvals.days_wrong", "last_day")]
    if (last_day - first_day).days >= ABSENCE_DAYS:
        return [Fault("approvals.days_too_many", "last_day", {"most": ABSENCE_DAYS})]
    return []


def steps(cards: Iterable[RuleCard]) -> list[RuleCard]:
    """The nodes of a request in the order of signing: by position, then rule; one node per role and position."""
    chosen: dict[tuple[int, int], RuleCard] = {}
    for card in sorted(cards, key=lambda one: (one.position, one.id)):
        chosen.setdefault((card.position, card.role_id), card)
    return list(chosen.values())


def outcome(decision: str, is_last: bool) -> str:
    """The state of the request after a signature: one rejection or return ends it, the last approval approves it."""
    if decision == Decision.REJECT:
        return RequestState.REJECTED
    if decision == Decision.RETURN:
        return RequestState.RETURNED
    return RequestState.APPROVED if is_last else RequestState.PENDING
