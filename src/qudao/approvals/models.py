"""Flows and their versions, requests, their nodes, the signatures that stay; who stands in for whom; and the links that decide from a mail."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import MD5, Cast, Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.approvals.states import Decision, Late, NodeState, ProposalState, RequestState, VersionState
from qudao.base.db import Row, SubjectFields
from qudao.base.subject import Subject


class Flow(Row):
    """Who must sign documents of `kind` sold by `owner`. What it says stands in its versions; without a published one nobody must."""

    owner = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    kind = models.TextField()
    name = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "kind"], name="approvals_flow_owner_kind_unique", violation_error_message=_("There is already a flow for such documents.")
            ),
            models.CheckConstraint(
                condition=~Q(kind=""), name="approvals_flow_kind_present", violation_error_message=_("Say for which kind of document the flow is.")
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.kind

    def get_absolute_url(self) -> str:
        """The page of the flow."""
        return reverse("approval_flow", args=[self.pk])


class Version(Row):
    """What a flow says from `published_at` on, until the next version or its end; a trigger keeps what was published as it was.

    `branches`: conditions and steps (`rules.Branch`); every branch whose conditions hold adds its steps. `min_amount` is the least amount that
    any of them asks for, so that smaller documents do not read the branches. `skip_signed`: who has signed an earlier step is not asked again where
    nobody else can sign. `working_hours`: reminders and time-outs count hours of the seller's calendar only.
    """

    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="versions", db_index=False)
    no = models.PositiveSmallIntegerField()
    state = models.TextField(choices=VersionState.choices, default=VersionState.DRAFT)
    branches = models.JSONField(default=list)
    min_amount = models.DecimalField(max_digits=18, decimal_places=2, default=0)
    skip_signed = models.BooleanField(default=True, db_default=False)
    working_hours = models.BooleanField(default=False, db_default=False)
    published_at = models.DateTimeField(null=True)
    published_by = models.ForeignKey("people.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["flow", "no"], name="approvals_version_flow_no_unique", violation_error_message=_("Versions are numbered.")),
            models.UniqueConstraint(
                fields=["flow"],
                condition=Q(state=VersionState.PUBLISHED),
                name="approvals_version_flow_one_published",
                violation_error_message=_("A flow has one version in use."),
            ),
            models.UniqueConstraint(
                fields=["flow"],
                condition=Q(state=VersionState.DRAFT),
                name="approvals_version_flow_one_draft",
                violation_error_message=_("Somebody else has just begun a draft of this flow."),
            ),
            models.CheckConstraint(
                condition=Q(state=VersionState.DRAFT, published_at=None, ended_at=None)
                | Q(state=VersionState.PUBLISHED, published_at__isnull=False, ended_at=None)
                | Q(state=VersionState.SUPERSEDED, published_at__isnull=False, ended_at__isnull=False),
                name="approvals_version_state_times_match",
                violation_error_message=_("The state of a version and its times do not agree."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.no}"


class Request(Row, SubjectFields):
    """One document waits for, or got, its approval by the `version` it was submitted under. `amount` and `facts` are what this was decided on."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, null=True, related_name="+")
    facts = models.JSONField(default=dict)
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

    @property
    def own_subject(self) -> Subject:
        """The request itself: what happens to it inside the seller is the seller's affair, so the buyer's log does not have it."""
        return Subject("approvals.request", self.pk, self.seller_id, None, self.number)


class Proposal(Row, SubjectFields):
    """An action about a document that waits for signatures: called as `member` when the last one is given. Its request has its kind and id, of `org`."""

    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+")
    kind = models.TextField()
    type = models.TextField(default="", blank=True)
    action = models.TextField()
    arguments = models.JSONField()
    amount = models.DecimalField(max_digits=18, decimal_places=2)
    currency = models.TextField(default="", blank=True)
    member = models.ForeignKey("people.Membership", on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_by = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    state = models.TextField(choices=ProposalState.choices, default=ProposalState.WAITING)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                F("subject_kind"), F("subject_id"), F("action"), MD5(Cast("arguments", models.TextField())), condition=Q(state=ProposalState.WAITING),
                name="approvals_proposal_same_unique", violation_error_message=_("The same already waits for a signature.")),
            models.CheckConstraint(
                condition=Q(state=ProposalState.WAITING, closed_at=None) | (~Q(state=ProposalState.WAITING) & Q(closed_at__isnull=False)),
                name="approvals_proposal_state_closed_at_match", violation_error_message=_("A request is closed exactly when it no longer waits.")),
        ]  # fmt: skip

    @property
    def asking(self) -> Subject:
        """What its request, and the notices about it, name."""
        return Subject(self.kind, self.pk, self.org_id, None, self.number)

    def get_absolute_url(self) -> str:
        """The page where it is signed."""
        return reverse("approval_proposal", args=[self.pk])


class Node(Row):
    """One signature of a request: any one holder of `role` gives it, or anybody of `department`, or the one `signer` whom the flow names, to whom
    `given_by` handed it on or whom `given_by` added. Those of one `stage` wait together.

    `branch` and `amount_from` say why the step exists (None for an added one). When a named signer leaves, the holders of the role sign again.
    Entered and left are kept for the figures on bottlenecks. `late_at`: when its time was out (`rules.Step`). `covered_by`: skipped, because this
    person signed an earlier step. A document that is sent back to a step begins a `round`: the steps from there on are `void`, and asked anew.
    """

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="nodes")
    position = models.SmallIntegerField()
    stage = models.SmallIntegerField(default=1)
    role = models.ForeignKey("people.Role", on_delete=models.PROTECT, related_name="+")
    department = models.TextField(default="", blank=True)
    branch = models.TextField(default="", blank=True)
    amount_from = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    remind_hours = models.PositiveSmallIntegerField(null=True)
    signer = models.ForeignKey("people.User", on_delete=models.PROTECT, null=True, related_name="+")
    given_by = models.ForeignKey("people.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    added = models.BooleanField(default=False)
    note = models.TextField(default="", blank=True)
    state = models.TextField(choices=NodeState.choices, default=NodeState.WAITING)
    entered_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    late_hours = models.PositiveSmallIntegerField(null=True)
    late_then = models.TextField(choices=Late.choices, default="", blank=True, db_default="")
    late_role = models.ForeignKey("people.Role", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    late_below = models.DecimalField(max_digits=18, decimal_places=2, null=True)
    late_at = models.DateTimeField(null=True)
    covered_by = models.ForeignKey("people.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    round = models.PositiveSmallIntegerField(default=1, db_default=1)
    void = models.BooleanField(default=False, db_default=False)

    class Meta:
        indexes = [
            models.Index(fields=["entered_at", "id"], condition=Q(state=NodeState.CURRENT), name="approvals_node_waiting"),
            models.Index(fields=["entered_at"], condition=Q(state=NodeState.CURRENT, late_hours__isnull=False, late_at=None), name="approvals_node_timed"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(late_hours=None, late_then="", late_at=None) | (Q(late_hours__isnull=False) & ~Q(late_then="")),
                name="approvals_node_late_hours_then_match",
                violation_error_message=_("Say what happens when the time is out."),
            ),
            models.UniqueConstraint(
                fields=["request", "position"],
                name="approvals_node_request_position_unique",
                violation_error_message=_("Two steps of a request have the same position."),
            ),
            models.CheckConstraint(
                condition=Q(state=NodeState.WAITING, entered_at=None, left_at=None)
                | Q(state=NodeState.CURRENT, entered_at__isnull=False, left_at=None)
                | Q(state__in=[NodeState.APPROVED, NodeState.REJECTED, NodeState.RETURNED], entered_at__isnull=False, left_at__isnull=False)
                | Q(state=NodeState.SKIPPED, left_at__isnull=False),
                name="approvals_node_state_times_match",
                violation_error_message=_("The state of a step and its times do not agree."),
            ),
            models.CheckConstraint(
                condition=Q(given_by=None, added=False) | (Q(signer__isnull=False, given_by__isnull=False) & ~Q(signer=F("given_by"))),
                name="approvals_node_signer_given_by_another",
                violation_error_message=_("A step is handed on to somebody else, by somebody."),
            ),
            models.UniqueConstraint(
                fields=["request", "stage", "signer"],
                condition=Q(state__in=[NodeState.WAITING, NodeState.CURRENT]),
                name="approvals_node_request_signer_unique",
                violation_error_message=_("This person is already asked for a signature."),
            ),
            models.CheckConstraint(
                condition=Q(covered_by=None) | Q(state=NodeState.SKIPPED),
                name="approvals_node_covered_skipped",
                violation_error_message=_("Only a step that is skipped is covered by an earlier signature."),
            ),
            models.CheckConstraint(
                condition=Q(void=False) | ~Q(state__in=[NodeState.WAITING, NodeState.CURRENT]),
                name="approvals_node_void_closed",
                violation_error_message=_("A step that is asked anew waits no more itself."),
            ),
        ]


class Signature(Row):
    """Who decided what, when and why, with the own right or that of `on_behalf`, who is away. Append-only; nothing points at it.

    `round` as the step has it: a signature of a step that was sent back stays as it was given, and its signer may sign once more.
    """

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="signatures")
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="signatures", db_index=False)
    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+")
    on_behalf = models.ForeignKey("people.User", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    decision = models.TextField(choices=Decision.choices)
    reason = models.TextField(default="", blank=True)
    at = models.DateTimeField()
    round = models.PositiveSmallIntegerField(default=1, db_default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["request", "round", "user"],
                name="approvals_signature_request_user_unique",
                violation_error_message=_("You have already signed this document."),
            ),
            models.UniqueConstraint(
                fields=["node"],
                name="approvals_signature_node_unique",
                violation_error_message=_("Somebody else has just signed this step."),
            ),
            models.UniqueConstraint(
                F("request"),
                F("round"),
                Coalesce("on_behalf", "user"),
                name="approvals_signature_request_right_unique",
                violation_error_message=_("This person's right to sign is already used on this document."),
            ),
            models.CheckConstraint(
                condition=Q(decision=Decision.APPROVE) | (Q(decision__in=[Decision.REJECT, Decision.RETURN, Decision.BACK]) & ~Q(reason="")),
                name="approvals_signature_decision_reason_present",
                violation_error_message=_("A rejection needs a reason."),
            ),
            models.CheckConstraint(
                condition=Q(on_behalf=None) | ~Q(on_behalf=F("user")),
                name="approvals_signature_on_behalf_of_another",
                violation_error_message=_("Nobody signs on behalf of himself."),
            ),
        ]


class Separation(Row):
    """An organisation keeps duties apart: nobody pays, confirms or refunds what the same person ordered, signed, announced or recorded. Without a row it
    does not, and the exceptions are listed all the same.
    """

    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["org"], name="approvals_separation_org_unique", violation_error_message=_("Somebody else has just switched this.")),
        ]


class Calendar(Row):
    """When an organisation works: reminders and time-outs of flows that say so count these hours only. Without one: Monday to Friday, 9 to 18.

    Monday is 0. `holidays` are free whatever the weekday, `workdays` are worked whatever the weekday.
    """

    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    weekdays = ArrayField(models.PositiveSmallIntegerField())
    begins = models.TimeField()
    ends = models.TimeField()
    holidays = ArrayField(models.DateField(), default=list)
    workdays = ArrayField(models.DateField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org"], name="approvals_calendar_org_unique", violation_error_message=_("Somebody else has just saved the working hours.")
            ),
            models.CheckConstraint(
                condition=Q(ends__gt=F("begins")),
                name="approvals_calendar_hours_ordered",
                violation_error_message=_("The working day must end after it begins."),
            ),
            models.CheckConstraint(
                condition=Q(weekdays__len__gte=1) & Q(weekdays__contained_by=list(range(7))),
                name="approvals_calendar_weekdays_present",
                violation_error_message=_("Choose at least one day of the week."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}–{self.ends:%H:%M}"


class Absence(Row):
    """While `user` is away (both days included), `deputy` may sign for `org` what the user may sign; the user still may, too."""

    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+")
    deputy = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+")
    first_day = models.DateField()
    last_day = models.DateField()
    note = models.TextField(default="", blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="approvals_absence_days_ordered",
                violation_error_message=_("The last day is not before the first."),
            ),
            models.CheckConstraint(
                condition=~Q(user=F("deputy")),
                name="approvals_absence_deputy_another",
                violation_error_message=_("Nobody stands in for himself."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day} {self.last_day}"


class Link(Row):
    """A secret address from a mail with which one person may decide one step, once, without signing in. Only its SHA-256 is kept.

    It is dead (`ended_at`) as soon as the step moves in any way.
    """

    sha256 = models.CharField(max_length=64, editable=False)
    node = models.ForeignKey(Node, on_delete=models.PROTECT, related_name="links")
    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="approvals_link_sha256_unique", violation_error_message=_("This link exists already.")),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")),
                name="approvals_link_expires_later",
                violation_error_message=_("A link expires after it is made."),
            ),
        ]
