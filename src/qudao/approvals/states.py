"""States of a request and its nodes, the kinds of documents that may need approval, and the sentences of this module."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class RequestState(TextChoices):
    PENDING = "pending", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class NodeState(TextChoices):
    WAITING = "waiting", _("Not yet asked")
    CURRENT = "current", _("Waiting for a signature")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    SKIPPED = "skipped", _("No longer needed")


class Decision(TextChoices):
    APPROVE = "approve", _("Approve")
    REJECT = "reject", _("Reject")


#: Kinds of subjects a rule may be made for. Upper modules name their subject so; a kind that is missing here just has no label.
KINDS = {"orders.order": _("Order")}

SENTENCES = {
    "approvals.own_document": _("You submitted {number} yourself, so somebody else must decide."),
    "approvals.already_signed": _("You have already signed {number}."),
    "approvals.role_needed": _("{number} waits for a signature by “{role}” of {seller}."),
    "approvals.none": _("{number} does not wait for any approval."),
    "approvals.closed": _("The approval of {number} is already in state “{state}”."),
    "approvals.decided": _("Somebody has already signed {number}, so it cannot be taken back."),
    "approvals.reason_missing": _("Please give a reason for the rejection."),
    "approvals.pending_exists": _("{number} already waits for approval."),
    "approvals.kind_missing": _("Say for which kind of document the rule is."),
    "approvals.amount_wrong": _("The amount must not be negative."),
    "approvals.position_wrong": _("The position is a number from 1 to 99."),
    "approvals.role_unknown": _("There is no such role here."),
    "approvals.rule_exists": _("There is already such a rule."),
    "approvals.rule_retired": _("This rule is no longer in use."),
}

REMEDIES = {
    "approvals.own_document": _("Ask a colleague with the same role."),
    "approvals.role_needed": _("Ask somebody with this role to sign."),
    "approvals.decided": _("Ask the approver to reject it, or cancel it."),
    "approvals.closed": _("Open the document to see what happened."),
}

NOTICES = {
    "approvals.waiting": _("{number} over {amount} waits for your approval."),
}
