"""Rules, requests, their nodes, and the signatures that stay."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.approvals.states import Decision, NodeState, RequestState
from qudao.base.db import Row, SubjectFields
from qudao.base.subject import Subject


class Rule(Row):
    """Documents of `kind` sold by `owner`, of at least `min_amount` in the document's currency, need a signature by `role`."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    kind = models.TextField()
    min_amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    position = models.SmallIntegerField(default=1)
    role = models.ForeignKey("people.Role", on_delete=models.PROTECT, related_name="+")
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "kind", "position", "role", "min_amount"],
                condition=Q(active=True),
                name="approvals_rule_owner_kind_position_role_amount_unique",
                violation_error_message=_("There is already such a rule."),
            ),
            models.CheckConstraint(
                condition=Q(min_amount__gte=0) & Q(position__gte=1) & Q(position__lte=99) & ~Q(kind=""),
                name="approvals_rule_kind_amount_position_range",
                violation_error_message=_("A rule needs a kind, an amount that is not negative, and a position from 1 to 99."),
            ),
        ]


class Request(Row, SubjectFields):
    """One document waits for, or got, its approval. `amount` is the one the rules were matched on."""

    amount = models.DecimalField(max_digits=18, decimal_places=2)
    submitted_by = models.ForeignKey("people.User", on_delete=models.PROTECT, null=True, related_name="+")
    state = models.TextField(choices=RequestState.choices, default=RequestState.PENDING)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject_id"], name="approvals_request_subject"),
            models.Index(fields=["seller_id"], condition=Q(state=RequestState.PENDING), name="approvals_request_pending"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id"],
                condition=Q(state=RequestState.PENDING),
                name="approvals_request_subject_one_pending",
                violation_error_message=_("The document already waits for approval."),
            ),
            models.CheckConstraint(
                condition=Q(state=RequestState.PENDING, closed_at=None) | (~Q(state=RequestState.PENDING) & Q(closed_at__isnull=False)),
                name="approvals_request_state_closed_at_match",
                violation_error_message=_("A request is closed exactly when it no longer waits."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values) & Q(amount__gte=0),
                name="approvals_request_state_amount_known",
                violation_error_message=_("The state or the amount of the request is wrong."),
            ),
        ]

    @property
    def subject(self) -> Subject:
        """The document it is about."""
        return Subject(self.subject_kind, self.subject_id, self.seller_id, self.buyer_id, self.number)


class Node(Row):
    """One step of a request: any one holder of `role` signs. Entered and left are kept for the figures on bottlenecks."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="nodes")
    position = models.SmallIntegerField()
    role = models.ForeignKey("people.Role", on_delete=models.PROTECT, related_name="+")
    state = models.TextField(choices=NodeState.choices, default=NodeState.WAITING)
    entered_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "position"],
                name="approvals_node_request_position_unique",
                violation_error_message=_("Two steps of a request have the same position."),
            ),
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(state=NodeState.CURRENT),
                name="approvals_node_request_one_current",
                violation_error_message=_("Only one step of a request waits at a time."),
            ),
            models.CheckConstraint(
                condition=Q(state=NodeState.WAITING, entered_at=None, left_at=None)
                | Q(state=NodeState.CURRENT, entered_at__isnull=False, left_at=None)
                | Q(state__in=[NodeState.APPROVED, NodeState.REJECTED], entered_at__isnull=False, left_at__isnull=False)
                | Q(state=NodeState.SKIPPED, left_at__isnull=False),
                name="approvals_node_state_times_match",
                violation_error_message=_("The state of a step and its times do not agree."),
            ),
        ]


class Signature(Row):
    """Who decided what, when and why. Append-only; nothing points at it."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="signatures")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="signatures", db_index=False)
    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+")
    decision = models.TextField(choices=Decision.choices)
    reason = models.TextField(default="", blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "user"],
                name="approvals_signature_request_user_unique",
                violation_error_message=_("You have already signed this document."),
            ),
            models.UniqueConstraint(
                fields=["node"],
                name="approvals_signature_node_unique",
                violation_error_message=_("Somebody else has just signed this step."),
            ),
            models.CheckConstraint(
                condition=Q(decision=Decision.APPROVE) | (Q(decision=Decision.REJECT) & ~Q(reason="")),
                name="approvals_signature_decision_reason_present",
                violation_error_message=_("A rejection needs a reason."),
            ),
        ]
