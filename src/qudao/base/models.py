"""Tables of the toolkit. The action log and the outbox are leaves: nothing points at them, so they can be partitioned by month."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.db import Row, SubjectFields
from qudao.base.subject import Subject

ONE_VIEW = _("A list opens with one view.")


class ActionLog(Row, SubjectFields):
    """One line per thing somebody did; append-only. Timelines, cycle times and usage figures all read it."""

    at = models.DateTimeField()
    month = models.DateField()
    verb = models.CharField(max_length=60)
    channel = models.CharField(max_length=12)
    actor_kind = models.CharField(max_length=8)
    actor_user = models.BigIntegerField(null=True)
    actor_org = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=120, default="", blank=True)
    token = models.BigIntegerField(null=True)
    cause = models.BigIntegerField(null=True)
    before = models.CharField(max_length=24, default="", blank=True)
    after = models.CharField(max_length=24, default="", blank=True)
    reason = models.TextField(default="", blank=True)
    detail = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    stage_seconds = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "at"], name="base_actionlog_subject"),
            BrinIndex(fields=["at"], name="base_actionlog_at"),
            # For the log of one organisation among thousands; the brand's is most of the table and is walked from its end.
            models.Index(fields=["buyer_id", "id"], condition=models.Q(buyer_id__isnull=False), name="base_actionlog_buyer"),
            models.Index(fields=["seller_id", "id"], condition=models.Q(seller_id__isnull=False), name="base_actionlog_seller"),
            models.Index(fields=["actor_org", "id"], condition=models.Q(seller_id__isnull=True, buyer_id__isnull=True), name="base_actionlog_own"),
            # What one person did, of years: few lines among all.
            models.Index(fields=["actor_user", "id"], condition=models.Q(actor_user__isnull=False), name="base_actionlog_user"),
        ]


class Event(Row, SubjectFields):
    """A fact written in the transaction that made it true; the dispatcher hands it to the reactions of upper modules."""

    at = models.DateTimeField()
    month = models.DateField()
    name = models.CharField(max_length=80)
    version = models.SmallIntegerField()
    payload = models.JSONField(encoder=DjangoJSONEncoder)
    cause = models.BigIntegerField(null=True)
    leased_until = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(null=True)
    dispatched_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="base_event_open", condition=models.Q(dispatched_at__isnull=True)),
            models.Index(fields=["subject_kind", "subject_id"], name="base_event_subject"),
        ]

    @property
    def subject(self) -> Subject:
        return Subject(self.subject_kind, self.subject_id, self.seller_id, self.buyer_id, self.number)


class Delivery(Row):
    """That one handler is done with one event, or how it failed; a parked one waits for an administrator."""

    event_id = models.BigIntegerField()
    handler = models.CharField(max_length=120)
    done_at = models.DateTimeField(null=True)
    attempts = models.IntegerField(default=0)
    error = models.TextField(default="", blank=True)
    parked = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "handler"], name="base_delivery_event_handler_unique")]
        indexes = [models.Index(fields=["id"], name="base_delivery_parked", condition=models.Q(parked=True))]


class Series(Row):
    """The next number of a series of documents."""

    key = models.CharField(max_length=80, primary_key=True)
    next = models.BigIntegerField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(next__gte=1), name="base_series_next_positive")]


class Call(Row):
    """The first result of an action called with a client-made id, so that a retry returns it and does nothing."""

    verb = models.CharField(max_length=60)
    client_id = models.CharField(max_length=64)
    org_id = models.BigIntegerField()
    at = models.DateTimeField()
    label = models.CharField(max_length=60)
    pk_of_result = models.BigIntegerField(db_column="pk")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org_id", "verb", "client_id"], name="base_call_client_id_unique")]
        indexes = [BrinIndex(fields=["at"], name="base_call_at")]


class StoredAnswer(Row):
    """The first answer to an API request with an Idempotency-Key, replayed byte by byte for 30 days."""

    caller = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    request_hash = models.CharField(max_length=64)
    at = models.DateTimeField()
    status = models.SmallIntegerField(null=True)
    body = models.BinaryField(default=b"")
    location = models.CharField(max_length=200, default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="base_storedanswer_key_unique")]
        indexes = [BrinIndex(fields=["at"], name="base_storedanswer_at")]


class StoredFile(Row, SubjectFields):
    """A file of a document; its content lies in the media folder under its own hash, so the same content is kept once."""

    at = models.DateTimeField()
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=8)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    by_user = models.BigIntegerField(null=True)
    by_org = models.BigIntegerField(null=True)
    by_name = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject_kind", "subject_id", "sha256"], name="base_storedfile_content_unique"),
            models.CheckConstraint(condition=models.Q(size__gt=0), name="base_storedfile_size_positive"),
        ]


class Run(Row):
    """Work of one person on many rows, or a large export: what was asked, how far it is, what came of it. Only that person sees it."""

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("job", "Waiting")
        RUNNING = "running", pgettext_lazy("job", "Running")
        DONE = "done", pgettext_lazy("job", "Done")
        CANCELLED = "cancelled", pgettext_lazy("job", "Cancelled")
        FAILED = "failed", pgettext_lazy("job", "Failed")

    at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    user_id = models.BigIntegerField()
    membership_id = models.BigIntegerField()
    org_id = models.BigIntegerField()
    #: the list page's class, as "package.module.Name", and what is done with its rows: a bulk's name, xlsx, csv, or print:<kind of paper>
    page = models.CharField(max_length=160)
    doing = models.CharField(max_length=40)
    #: the list as it was looked at
    address = models.TextField()
    row_ids = models.JSONField(default=list)
    #: what was typed into the bulk's form
    given = models.JSONField(default=dict)
    #: left out before it began: [row, number of the reason]
    skipped = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    cancel_asked = models.BooleanField(default=False)
    total = models.IntegerField()
    #: rows tried so far: what a killed worker's successor goes on from
    position = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)
    file = models.CharField(max_length=120, default="", blank=True)
    file_name = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(failed__gte=0, position__gte=models.F("failed")),
                name="base_run_counts_in_order",
                violation_error_message=_("More rows failed than were tried."),
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "running"], ended_at__isnull=True)
                | models.Q(state__in=["done", "cancelled", "failed"], ended_at__isnull=False),
                name="base_run_ended_says_when",
                violation_error_message=_("Work that has ended says when."),
            ),
        ]
        indexes = [models.Index(fields=["user_id", "-id"], name="base_run_user")]

    @property
    def live(self) -> bool:
        """Whether something may still happen."""
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def succeeded(self) -> int:
        """Rows that were done."""
        return self.position - self.failed

    @property
    def is_export(self) -> bool:
        """Whether it makes a file."""
        return self.doing in ("xlsx", "csv") or bool(self.prints)

    @property
    def is_import(self) -> bool:
        """Whether it reads a file, in one transaction."""
        return self.doing == "import"

    @property
    def prints(self) -> str:
        """The kind of paper ("orders.confirmation") that it makes one PDF of; "" for other work."""
        return self.doing.removeprefix("print:") if self.doing.startswith("print:") else ""


class RunFault(Row):
    """A row that a run could not do (0: the whole run): the refusal's code and parameters, said when it is read."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="faults")
    row_id = models.BigIntegerField()
    code = models.CharField(max_length=80)
    params = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "row_id"], name="base_runfault_row_unique", violation_error_message=_("A row fails once in a run."))
        ]


class ImportRun(Row):
    """A file of records that somebody of an organisation brought: how it was read, what it did, whether it was taken back. The file lies with it."""

    class State(models.TextChoices):
        DRAFT = "draft", pgettext_lazy("import", "Not imported yet")
        DONE = "done", pgettext_lazy("import", "Imported")
        PARTLY = "partly", pgettext_lazy("import", "Partly undone")
        UNDONE = "undone", pgettext_lazy("import", "Undone")

    at = models.DateTimeField()
    user_id = models.BigIntegerField(null=True)
    org_id = models.BigIntegerField()
    by_name = models.CharField(max_length=120, default="", blank=True)
    #: what the file holds, as in "catalog.products"
    kind = models.CharField(max_length=60)
    file_name = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    heads = models.JSONField(default=list)
    #: hash of the heads: the next file with the same ones is read the same way
    heads_key = models.CharField(max_length=64)
    #: for each head the column it is read as, "" for none
    mapping = models.JSONField(default=list)
    #: whether a person has said, or a file with these heads has shown, that the mapping is right
    mapped = models.BooleanField(default=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.DRAFT)
    rows = models.IntegerField(default=0)
    made = models.IntegerField(default=0)
    changed = models.IntegerField(default=0)
    same = models.IntegerField(default=0)
    wrong = models.IntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=120, default="", blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="draft", done_at__isnull=True)
                | models.Q(state="done", done_at__isnull=False, undone_at__isnull=True)
                | models.Q(state__in=["partly", "undone"], done_at__isnull=False, undone_at__isnull=False),
                name="base_importrun_state_says_when",
                violation_error_message=_("An import says when it was done and when it was undone."),
            ),
            models.CheckConstraint(
                condition=models.Q(rows__gte=0, made__gte=0, changed__gte=0, same__gte=0, wrong__gte=0),
                name="base_importrun_counts_not_negative",
                violation_error_message=_("An import counts no less than zero rows."),
            ),
        ]
        indexes = [models.Index(fields=["org_id", "-id"], name="base_importrun_org"), models.Index(fields=["org_id", "sha256"], name="base_importrun_file")]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return reverse("import", args=[self.pk])

    @property
    def subject(self) -> Subject:
        """The import in the log of actions, and the owner of its file."""
        return Subject("base.import", self.pk, self.org_id, None, self.kind)


class ImportedRow(Row):
    """A record that an import made or changed: what it was and what it became, so that it can be taken back."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="touched")
    #: the row of the file
    row = models.IntegerField()
    #: the record's primary key in the table of its kind
    key = models.BigIntegerField()
    label = models.CharField(max_length=200)
    is_new = models.BooleanField()
    before = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    after = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    #: why it stayed when the import was undone: the code of a refusal and its parameters
    kept = models.CharField(max_length=80, default="", blank=True)
    kept_params = models.JSONField(default=dict, encoder=DjangoJSONEncoder)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "row"], name="base_importedrow_row_unique", violation_error_message=_("A row of a file makes or changes one record.")
            )
        ]


class SavedView(Row):
    """A list's address under a name: for its owner, or shared with the organisation. It says where to look, never what one may see."""

    place = models.CharField(max_length=120)
    name = models.CharField(max_length=60)
    query = models.TextField()
    user_id = models.BigIntegerField()
    org_id = models.BigIntegerField()
    shared = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user_id", "org_id", "place", "name"],
                name="base_savedview_name_unique",
                violation_error_message=_("You have a view of this name already."),
            ),
            models.CheckConstraint(condition=~models.Q(name=""), name="base_savedview_has_name", violation_error_message=_("A view needs a name.")),
        ]
        indexes = [models.Index(fields=["org_id", "place"], name="base_savedview_place")]

    def __str__(self) -> str:
        return self.name


class ViewChoice(Row):
    """Which view of a list opens for a person when nothing else is asked for."""

    user_id = models.BigIntegerField()
    org_id = models.BigIntegerField()
    place = models.CharField(max_length=120)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "org_id", "place"], name="base_viewchoice_place_unique", violation_error_message=ONE_VIEW)]


class ViewStart(Row):
    """With which shared view a list opens for the people of a role in an organisation, unless they chose another one."""

    org_id = models.BigIntegerField()
    role_id = models.BigIntegerField()
    place = models.CharField(max_length=120)
    view = models.ForeignKey(SavedView, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["org_id", "place", "role_id"], name="base_viewstart_role_unique", violation_error_message=ONE_VIEW)]


class Heartbeat(Row):
    """When a background process last said that it lives."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)


class SearchEntry(Row, SubjectFields):
    """What one row is found by: `text` in capitals (number, names, pinyin), `number` alone, `amount`. Kept by triggers (`base/search.py`)."""

    number = models.TextField()
    text = models.TextField()
    amount = models.DecimalField(max_digits=18, decimal_places=2, null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject_kind", "subject_id"], name="base_searchentry_subject_unique")]
        indexes = [
            GinIndex(models.Func("subject_kind", "text", function="base_grams"), name="base_searchentry_grams"),
            models.Index(fields=["number"], name="base_searchentry_number"),
            models.Index(fields=["amount"], name="base_searchentry_amount", condition=models.Q(amount__isnull=False)),
            models.Index(fields=["seller_id", "subject_kind", "subject_id"], name="base_searchentry_seller_kind"),
            models.Index(fields=["buyer_id", "subject_kind", "subject_id"], name="base_searchentry_buyer_kind"),
        ]
