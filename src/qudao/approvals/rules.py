"""Pure decisions about approvals: what a flow asks of a document, who may sign, what a signature leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from qudao.approvals.states import ABSENCE_DAYS, Decision, Late, Mode, RequestState, Who
from qudao.kernel.errors import Fault


@dataclass(frozen=True)
class RuleDraft:
    """The simplest branch: documents of `kind` of at least `min_amount` need a signature by the role; smaller positions sign first."""

    kind: str
    role_id: int
    min_amount: Decimal = Decimal(0)
    position: int = 1
    remind_hours: int | None = None

    @property
    def branch(self) -> Branch:
        """The same as a branch of a flow."""
        return Branch("", When(self.min_amount), (Step(self.role_id, self.position, self.remind_hours),))


@dataclass(frozen=True)
class Case:
    """What a flow may ask about a document. `amount` is known at once; the others are None until somebody had a reason to read them.

    `discount` in percent of the list price; `credit` "pass" or "hold"; `first`: the buyer has bought nothing here before; `categories`: codes of
    the product lines of its goods and of all above them; `tier`: steps of selling from the brand to the buyer; `groups`: codes of its groups.
    """

    amount: Decimal
    type: str | None = None
    discount: Decimal | None = None
    credit: str | None = None
    first: bool | None = None
    categories: frozenset[str] | None = None
    tier: int | None = None
    groups: frozenset[str] | None = None


@dataclass(frozen=True)
class When:
    """When a branch is asked: all that is said must hold; what is left empty is not asked. `…_from` is included, `…_to` is not."""

    amount_from: Decimal = Decimal(0)
    amount_to: Decimal | None = None
    discount_from: Decimal | None = None
    types: tuple[str, ...] = ()
    credit: str = ""
    first: bool | None = None
    categories: tuple[str, ...] = ()
    tiers: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()

    def verdicts(self, case: Case) -> dict[str, bool | None]:
        """The answer to each condition that is asked, by the fact it needs; None = the fact is not known."""
        found: dict[str, bool | None] = {"amount": self.amount_from <= case.amount and (self.amount_to is None or case.amount < self.amount_to)}
        if self.discount_from is not None:
            found["discount"] = None if case.discount is None else case.discount >= self.discount_from
        if self.types:
            found["type"] = None if case.type is None else case.type in self.types
        if self.credit:
            found["credit"] = None if case.credit is None else case.credit == self.credit
        if self.first is not None:
            found["first"] = None if case.first is None else case.first is self.first
        if self.categories:
            found["categories"] = None if case.categories is None else not case.categories.isdisjoint(self.categories)
        if self.tiers:
            found["tier"] = None if case.tier is None else case.tier in self.tiers
        if self.groups:
            found["groups"] = None if case.groups is None else not case.groups.isdisjoint(self.groups)
        return found

    def holds(self, case: Case) -> bool | None:
        """Whether the branch is asked; None = it depends on a fact that is not known."""
        answers = self.verdicts(case).values()
        return False if False in answers else None if None in answers else True

    def missing(self, case: Case) -> set[str]:
        """The facts it takes to say whether the branch is asked."""
        return {name for name, answer in self.verdicts(case).items() if answer is None} if self.holds(case) is None else set()


@dataclass(frozen=True)
class Step:
    """What a branch asks for: signatures of `who`, by `mode` one of them or all. Smaller positions sign first; a reminder comes after `remind_hours`.

    `role_id` for a role; for the manager it is the role that signs where the submitter has none here. `people`, `department` as `who` says.
    After `late_hours` without a signature it becomes what `late_then` says: up to `late_role_id` (without it to the administrators), rejected, or
    passed if the document is below `late_below` (others go up).
    """

    role_id: int | None = None
    position: int = 1
    remind_hours: int | None = None
    who: str = Who.ROLE
    mode: str = Mode.ANY
    people: tuple[int, ...] = ()
    department: str = ""
    late_hours: int | None = None
    late_then: str = ""
    late_role_id: int | None = None
    late_below: Decimal | None = None

    @property
    def signature(self) -> Step:
        """Whose signature it is, whatever happens when it takes long."""
        return Step(self.role_id, self.position, None, self.who, self.mode, self.people, self.department)


@dataclass(frozen=True)
class Branch:
    """Conditions and the signatures they lead to."""

    name: str
    when: When
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class FlowDraft:
    """Everything a version of a flow says (`models.Version`)."""

    kind: str
    name: str
    branches: tuple[Branch, ...] = ()
    skip_signed: bool = True
    working_hours: bool = False


@dataclass(frozen=True)
class Asked:
    """A step that a document needs, and the branch that asks for it."""

    step: Step
    branch: str
    amount_from: Decimal


@dataclass(frozen=True)
class Needed:
    """The signatures a document needs, by which published version, and the facts this was decided on; false when it needs none."""

    version_id: int
    asked: tuple[Asked, ...]
    case: Case
    skip_signed: bool = False

    def __bool__(self) -> bool:
        return bool(self.asked)


#: reads the named facts of a document
More = Callable[[set[str]], Mapping[str, Any]]


@dataclass(frozen=True)
class Plan:
    """A published version as far as a document of some size may meet it."""

    version_id: int
    branches: tuple[Branch, ...] = ()
    skip_signed: bool = False

    def needed(self, case: Case, more: More | None = None) -> Needed:
        """What a document needs; `more` is called at most once, and only when a branch depends on a fact that nobody has read yet.

        A branch that depends on a fact which stays unknown is asked: somebody looks rather than nobody.
        """
        missing = {name for branch in self.branches for name in branch.when.missing(case)}
        if missing and more is not None:
            case = replace(case, **more(missing))
        return Needed(self.version_id, steps(branch for branch in self.branches if branch.when.holds(case) is not False), case, self.skip_signed)


def steps(branches: Iterable[Branch]) -> tuple[Asked, ...]:
    """The steps of the branches in the order of signing: by position, then as written; the same signature stands once in a position."""
    chosen: dict[Step, Asked] = {}
    for branch in branches:
        for step in branch.steps:
            chosen.setdefault(step.signature, Asked(step, branch.name, branch.when.amount_from))
    return tuple(sorted(chosen.values(), key=lambda one: one.step.position))


def stored(value: Any) -> Any:
    """Branches or facts as JSON keeps them: decimals as text, sets sorted."""
    if is_dataclass(value):
        return {name: stored(part) for name, part in vars(value).items() if part is not None}
    if isinstance(value, (list, tuple, frozenset)):
        return [stored(part) for part in (sorted(value) if isinstance(value, frozenset) else value)]
    return str(value) if isinstance(value, (Decimal, str)) else value


def _loaded(kind: type, told: Mapping[str, Any]) -> dict[str, Any]:
    hints = {one.name: str(one.type) for one in fields(kind)}
    made: dict[str, Any] = {}
    for name, value in told.items():
        if value is None or name not in hints:
            continue
        if hints[name].startswith("Decimal"):
            value = Decimal(str(value))
        elif hints[name].startswith("tuple"):
            value = tuple(value)
        elif hints[name].startswith("frozenset"):
            value = frozenset(value)
        made[name] = value
    return made


def branches_of(told: Iterable[Mapping[str, Any]]) -> tuple[Branch, ...]:
    """Branches as they were stored."""
    return tuple(
        Branch(one["name"], When(**_loaded(When, one["when"])), tuple(Step(**_loaded(Step, step)) for step in one["steps"])) for one in told
    )  # fmt: skip


def case_of(told: Mapping[str, Any]) -> Case:
    """The facts of a document as they were stored."""
    return Case(**_loaded(Case, told))


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


def flow_faults(draft: FlowDraft) -> list[Fault]:
    """Everything wrong with a version, each fault at its field."""
    faults = []
    if not draft.kind.strip():
        faults.append(Fault("approvals.kind_missing", "kind"))
    for branch in draft.branches:
        faults += branch_faults(branch)
    return faults


def branch_faults(branch: Branch) -> list[Fault]:
    """Everything wrong with a branch and its steps, each fault at its field."""
    when, faults = branch.when, []
    if when.amount_from < 0:
        faults.append(Fault("approvals.amount_wrong", "min_amount"))
    if when.amount_to is not None and when.amount_to <= when.amount_from:
        faults.append(Fault("approvals.amount_to_wrong", "amount_to"))
    if when.discount_from is not None and not 0 <= when.discount_from <= 100:
        faults.append(Fault("approvals.discount_wrong", "discount_from"))
    if when.credit not in ("", "pass", "hold"):
        faults.append(Fault("approvals.credit_wrong", "credit"))
    for step in branch.steps:
        if not {Who.ROLE: step.role_id, Who.PERSON: step.people, Who.DEPARTMENT: step.department.strip(), Who.MANAGER: True}.get(Who(step.who)):
            faults.append(Fault("approvals.who_missing", {Who.ROLE: "role_id", Who.PERSON: "people"}.get(Who(step.who), "department")))
        if step.who == Who.PERSON and step.mode == Mode.ANY and len(step.people) > 1:
            faults.append(Fault("approvals.mode_people", "mode"))
        if not 1 <= step.position <= 99:
            faults.append(Fault("approvals.position_wrong", "position"))
        if step.remind_hours is not None and not 1 <= step.remind_hours <= 720:
            faults.append(Fault("approvals.remind_hours_wrong", "remind_hours"))
        if step.late_hours is not None and not 1 <= step.late_hours <= 720:
            faults.append(Fault("approvals.late_hours_wrong", "late_hours"))
        if bool(step.late_hours) != bool(step.late_then):
            faults.append(Fault("approvals.late_then_missing", "late_then"))
        if step.late_then == Late.PASS and not step.late_below:
            faults.append(Fault("approvals.late_below_missing", "late_below"))
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


def late_decision(then: str, below: Decimal | None, amount: Decimal) -> str:
    """What the flow itself decides of a document of this amount when the time of a step is out; "" = a higher role decides."""
    if then == Late.REJECT:
        return Decision.REJECT
    return Decision.APPROVE if then == Late.PASS and below is not None and amount < below else ""


def outcome(decision: str, is_last: bool) -> str:
    """The state of the request after a signature: one rejection or return ends it, the last approval approves it."""
    if decision == Decision.REJECT:
        return RequestState.REJECTED
    if decision == Decision.RETURN:
        return RequestState.RETURNED
    return RequestState.APPROVED if is_last else RequestState.PENDING


@dataclass(frozen=True)
class Replay:
    """What branches would ask of documents that were submitted before: how many pass straight through, whom how many need, which come out otherwise.

    `unsure` depend on a fact that was not kept with them; they count as asked. `changed` holds the places of those that need other signatures now.
    """

    total: int
    unsure: int
    through: int
    asked: tuple[tuple[Step, int], ...]
    changed: tuple[int, ...]


def replay(draft: Plan, used: Plan, cases: Sequence[Case]) -> Replay:
    """Ask a draft of each case, and compare with what is in use."""
    counted: dict[Step, int] = {}
    unsure = through = 0
    changed = []
    for n, case in enumerate(cases):
        found, before = (signatures(plan.needed(case)) for plan in (draft, used))
        unsure += any(branch.when.holds(case) is None for branch in draft.branches)
        through += not found
        for step in dict.fromkeys(found):
            counted[step] = counted.get(step, 0) + 1
        if found != before:
            changed.append(n)
    return Replay(len(cases), unsure, through, tuple(sorted(counted.items(), key=lambda one: -one[1])), tuple(changed))


def signatures(needed: Needed) -> list[Step]:
    """Whose signatures these are, in their order; people who are named a second time are left out where the flow asks nobody twice."""
    found, named = [], set[int]()
    for one in needed.asked:
        step = one.step.signature
        if needed.skip_signed and step.who == Who.PERSON:
            step = replace(step, people=tuple(pk for pk in step.people if pk not in named))
            named.update(step.people)
            if not step.people:
                continue
        found.append(step)
    return found
