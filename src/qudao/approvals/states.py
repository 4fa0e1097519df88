"""States of a request and its nodes, the kinds of documents that may need approval, and the sentences of this module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class VersionState(TextChoices):
    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", pgettext_lazy("flow", "In use")
    SUPERSEDED = "superseded", _("No longer in use")


class RequestState(TextChoices):
    PENDING = "pending", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    RETURNED = "returned", _("Sent back")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class NodeState(TextChoices):
    WAITING = "waiting", _("Not yet asked")
    CURRENT = "current", _("Waiting for a signature")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    RETURNED = "returned", _("Sent back")
    SKIPPED = "skipped", _("No longer needed")


class Who(TextChoices):
    ROLE = "role", _("Holders of a role")
    PERSON = "person", _("Named people")
    MANAGER = "manager", _("The manager of who submitted")
    DEPARTMENT = "department", _("A department")


class Mode(TextChoices):
    ANY = "any", _("Any one")
    ALL = "all", _("All of them, in any order")
    SEQUENCE = "sequence", _("All of them, one after another")


class Late(TextChoices):
    ESCALATE = "escalate", _("Goes to a higher role")
    PASS = "pass", _("Passes, if the amount is small")
    REJECT = "reject", _("Is rejected")


class Decision(TextChoices):
    APPROVE = "approve", _("Approve")
    REJECT = "reject", _("Reject")
    RETURN = "return", _("Send back")
    BACK = "back", _("Send back to an earlier signature")


class ProposalState(TextChoices):
    WAITING = "waiting", _("Waiting for a signature")
    DONE = "done", _("Approved and done")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


@dataclass(frozen=True)
class Kind:
    """A kind of documents a flow may be made for: its name, its types, what branches may ask besides amount and type (`rules.When`), and the verb with
    which it is decided: who is handed a step, or added, must hold it to come in at all.
    """

    label: Any
    types: Mapping[str, Any] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    verb: str = "approvals.sign"

    def __str__(self) -> str:
        return str(self.label)


#: Kinds of documents a flow may be made for, as upper modules name them. All but orders are proposals: an action that waits (`actions.signed`).
KINDS = {
    "orders.order": Kind(
        _("Order"),
        {"regular": _("Regular"), "sample": _("Sample"), "emergency": _("Emergency"), "transfer": _("Transfer"), "external": _("From an outside supplier")},
        ("discount_from", "credit", "first", "categories", "tiers", "groups"),
        "orders.approve",
    ),
    "agreements.terms": Kind(_("Agreement"), {"active": _("Comes into force"), "least": _("Least order amount")}),
    "pricing.change": Kind(
        _("Price change"), {"higher": _("Prices go up"), "lower": _("A price goes down"), "new": _("Only new prices"), "end": _("A price ends")}
    ),
    "funds.limit": Kind(_("Credit limit"), {"raise": _("Raised"), "lower": _("Lowered"), "lines": _("By product line")}),
    "payments.out": Kind(_("Money out"), {"refund": _("Refund to a buyer"), "deposit": _("Deposit given back"), "supplier": _("Payment to a supplier")}),
    "payments.write_off": Kind(_("Write-off of a small difference"), {"short": _("Invoice paid short"), "over": _("Payment with a rest")}),
    "fulfilment.claim": Kind(
        _("Settlement of a claim"), {"nothing": _("The buyer gets nothing more"), "again": _("Goods are sent again"), "credit": _("A credit note is issued")}
    ),
}
LABELS = {kind: one.label for kind, one in KINDS.items()}
#: what credit says of a document, and all types of all kinds
CREDITS = {"pass": _("Passes"), "hold": _("Holds")}
TYPES = {code: label for one in KINDS.values() for code, label in one.types.items()}
#: the kinds that are proposals
PROPOSED = frozenset(KINDS) - {"orders.order"}
DECIDED_BY = {kind: one.verb for kind, one in KINDS.items()}

#: the note of a step that went to the administrators because nobody else could sign
NOBODY = "nobody"
#: so often at most a document goes back to an earlier signature
MOST_ROUNDS = 10
#: the most steps of one request
MOST_STEPS = 20
#: the most holidays and extra working days that are named
MOST_DAYS = 400
#: how long the link of a mail lives
LINK_HOURS = 72
#: the longest absence that one deputy covers
ABSENCE_DAYS = 92

SENTENCES = {
    "approvals.own_document": _("You submitted {number} yourself, so somebody else must decide."),
    "approvals.already_signed": _("You have already signed {number}."),
    "approvals.role_needed": _("{number} waits for a signature by “{role}” of {seller}."),
    "approvals.none": _("{number} does not wait for any approval."),
    "approvals.closed": _("The approval of {number} is already in state “{state}”."),
    "approvals.decided": _("Somebody has already signed {number}, so it cannot be taken back."),
    "approvals.changed": _("{number} was changed after you opened it, so nothing is signed."),
    "approvals.reason_missing": _("Please give a reason for the rejection."),
    "approvals.pending_exists": _("{number} already waits for approval."),
    "approvals.kind_missing": _("Say for which kind of document the rule is."),
    "approvals.amount_wrong": _("The amount must not be negative."),
    "approvals.position_wrong": _("The position is a number from 1 to 99."),
    "approvals.role_unknown": _("There is no such role here."),
    "approvals.rule_exists": _("There is already such a rule."),
    "approvals.amount_to_wrong": _("The upper amount must be above the lower one."),
    "approvals.discount_wrong": _("A discount is a number from 0 to 100 per cent."),
    "approvals.credit_wrong": _("Credit either passes or holds."),
    "approvals.who_missing": _("Say who signs."),
    "approvals.condition_unknown": _("No document can be this: {codes}."),
    "approvals.mode_people": _("When people are named, all of them sign, or one after another; for any one, name one."),
    "approvals.people_unknown": _("Choose colleagues who may decide such documents."),
    "approvals.no_draft": _("This flow has no draft."),
    "approvals.flow_empty": _("The draft asks for no signature."),
    "approvals.flow_retired": _("This flow is not in use."),
    "approvals.branch_unknown": _("The draft has been changed meanwhile. Please look again."),
    "approvals.remind_hours_wrong": _("A reminder comes after 1 to 720 hours."),
    "approvals.late_hours_wrong": _("A time-out comes after 1 to 720 hours."),
    "approvals.late_then_missing": _("Say what happens when the time is out."),
    "approvals.late_below_missing": _("Say below which amount it passes by itself."),
    "approvals.person_needed": _("{number} waits for the signature of {name}."),
    "approvals.colleague_unknown": _("Choose a colleague who may decide this."),
    "approvals.colleague_submitted": _("{name} submitted {number}, so somebody else must decide."),
    "approvals.colleague_signed": _("{name} has already signed {number}."),
    "approvals.colleague_asked": _("{name} is already asked to sign {number}."),
    "approvals.colleague_self": _("This is yourself."),
    "approvals.too_many_steps": _("An approval has at most {most} steps."),
    "approvals.days_wrong": _("The last day lies before the first, or has passed."),
    "approvals.days_too_many": _("An absence lasts at most {most} days."),
    "approvals.absence_over": _("This absence is already over."),
    "approvals.step_unknown": _("Choose a signature that {number} has already got."),
    "approvals.too_many_rounds": _("{number} was sent back {most} times. Reject it, or send it back to who submitted it."),
    "approvals.hours_wrong": _("The working day must end after it begins."),
    "approvals.weekdays_missing": _("Choose at least one day of the week."),
    "approvals.too_many_days": _("At most {most} days can be named."),
    "approvals.link": _("This link is used up, expired or wrong."),
    "approvals.asked": _("{number} needs a signature first. It is kept and waits for it."),
    "approvals.asked_singly": _("{number} needs a signature first, so it cannot be done together with others."),
    "approvals.proposal_same_unique": _("The same already waits for a signature."),
    "approvals.asker_gone": _("Who asked for {number} may not do it any more, so it can only be rejected."),
    "approvals.proposal_over": _("{number} does not wait for a signature any more."),
    "approvals.not_yours": _("Only who asked for {number} can take it back."),
}

REMEDIES = {
    "approvals.own_document": _("Ask a colleague with the same role."),
    "approvals.role_needed": _("Ask somebody with this role to sign."),
    "approvals.decided": _("Ask the approver to reject it, or cancel it."),
    "approvals.closed": _("Open the document to see what happened."),
    "approvals.changed": _("Read what it says now, then decide."),
    "approvals.person_needed": _("Ask them to sign or to hand it on."),
    "approvals.colleague_unknown": _("Only people of your organisation with the right to approve can be chosen."),
    "approvals.asked_singly": _("Do it by itself: open it and say so there."),
    "approvals.link": _("Sign in to see what waits for you."),
    "approvals.flow_empty": _("Take the flow out of use if nobody must sign any more."),
}

#: notices whose mail carries the facts and a link that decides
LETTERS = ("approvals.waiting", "approvals.again", "approvals.reminder", "approvals.escalated")

NOTICES = {
    "approvals.done": _("{number}: what you asked for is approved and done."),
    "approvals.refused": _("{number}: what you asked for was rejected: {reason}"),
    "approvals.waiting": _("{number} over {amount} waits for your approval."),
    "approvals.again": _("{number} over {amount} came back for your signature: {reason}"),
    "approvals.deputy": _("{name} is away from {first_day} to {last_day} and has named you to sign meanwhile."),
    "approvals.escalated": _("{number} over {amount} waits for you now: nobody decided within {hours} hours."),
    "approvals.reminder": _("{number} over {amount} has waited for your approval for {hours} hours."),
}
