"""Notices to people and how they want to get them; conversations of documents, internal notes, and tasks."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row, SubjectFields
from qudao.base.subject import Subject
from qudao.kernel import clock


class Notice(Row, SubjectFields):
    """One person is told one thing, once per event. `code` and `params` make the sentence in the language of the reader."""

    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    event_id = models.BigIntegerField()
    code = models.TextField()
    params = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    emailed_at = models.DateTimeField(null=True)
    digest = models.BooleanField(default=False, db_default=False, help_text=_("Waits for the mail of the day."))

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="messages_notice_user"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="messages_notice_unread"),
            models.Index(fields=["user", "created_at"], condition=Q(digest=True, emailed_at=None), name="messages_notice_digest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["event_id", "user"],
                name="messages_notice_event_user_unique",
                violation_error_message=_("The person has already been told."),
            ),
            models.CheckConstraint(
                condition=Q(read_at=None) | Q(read_at__gte=F("created_at")),
                name="messages_notice_read_after_created",
                violation_error_message=_("A notice is read after it is written."),
            ),
        ]

    def __str__(self) -> str:
        return self.number or str(self.pk)

    @property
    def subject(self) -> Subject:
        """The document it is about."""
        return Subject(self.subject_kind, self.subject_id, self.seller_id, self.buyer_id, self.number)


class Preference(Row):
    """How a person wants to be told; without a row of everything in the product, of nothing by e-mail.

    `quiet`: topics that do not count as unread; `unmailed`: topics left out of the e-mails; `daily`: e-mails are collected into one a day,
    except what waits for a signature.
    """

    user = models.OneToOneField("people.User", on_delete=models.PROTECT, related_name="+")
    by_email = models.BooleanField(default=False)
    daily = models.BooleanField(default=False)
    quiet = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    unmailed = ArrayField(models.CharField(max_length=20), default=list, blank=True)


class Wording(Row):
    """What an organisation tells its people instead of the standard text of a notice, in one language; without text the standard counts again.

    `subject`: the title of the e-mail; "" = the text itself.
    """

    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=60)
    language = models.CharField(max_length=10)
    subject = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "code", "language"],
                name="messages_wording_org_code_language_unique",
                violation_error_message=_("The organisation already has its own text of this notice."),
            ),
            models.CheckConstraint(
                condition=Q(subject="") | ~Q(text=""),
                name="messages_wording_subject_with_text",
                violation_error_message=_("A title stands only above an own text."),
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def log_subject(self) -> Subject:
        """What its log lines hang on."""
        return Subject("messages.wording", self.pk, self.org_id, None, f"{self.code} {self.language}")


class Thread(Row, SubjectFields):
    """The conversation of one document: what its two sides say to each other. Made by the first message, which counts in `count`."""

    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id"],
                name="messages_thread_subject_unique",
                violation_error_message=_("The document already has its conversation."),
            ),
            models.CheckConstraint(
                condition=Q(seller_id__isnull=False, buyer_id__isnull=False) & ~Q(seller_id=F("buyer_id")),
                name="messages_thread_two_sides",
                violation_error_message=_("A conversation has two sides."),
            ),
        ]

    def __str__(self) -> str:
        return self.number or str(self.pk)

    @property
    def subject(self) -> Subject:
        """The document it is about."""
        return Subject(self.subject_kind, self.subject_id, self.seller_id, self.buyer_id, self.number)


class Message(Row):
    """One thing said to both sides. Append-only. `mentions` = [user id, name] of each person named in it; files hang on its own subject."""

    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="messages", db_index=False)
    at = models.DateTimeField()
    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=120)
    text = models.TextField(blank=True, default="")
    mentions = models.JSONField(default=list)
    files = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["thread", "id"], name="messages_message_thread")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(text="") | Q(files__gt=0),
                name="messages_message_says_something",
                violation_error_message=_("Write something, or attach a file."),
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def subject(self) -> Subject:
        """What its files hang on: seen by the two sides of the document."""
        one = self.thread
        return Subject("messages.message", self.pk, one.seller_id, one.buyer_id, one.number)


class Note(Row, SubjectFields):
    """One thing said to the own organisation only. A table of its own, so that no reading of messages can ever meet it. Append-only."""

    at = models.DateTimeField()
    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    name = models.CharField(max_length=120)
    text = models.TextField(blank=True, default="")
    mentions = models.JSONField(default=list)
    files = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id", "org"], name="messages_note_subject")]
        constraints = [
            models.CheckConstraint(
                condition=Q(org=F("seller_id")) | Q(org=F("buyer_id")),
                name="messages_note_org_is_a_side",
                violation_error_message=_("Only the two sides of a document leave notes in it."),
            ),
            models.CheckConstraint(
                condition=~Q(text="") | Q(files__gt=0),
                name="messages_note_says_something",
                violation_error_message=_("Write something, or attach a file."),
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def subject(self) -> Subject:
        """What its files, its log line and its notices hang on: one side only, never the document."""
        return Subject("messages.note", self.pk, self.org_id, None, self.number)


class Task(Row, SubjectFields):
    """Something a person is asked to do about a document: of the own organisation, or of the other side, who then both see it."""

    title = models.CharField(max_length=200)
    due_on = models.DateField(null=True, blank=True)
    assignee = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    by_user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    by_org = models.ForeignKey("network.Organisation", on_delete=models.PROTECT, related_name="+", db_index=False)
    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True, db_index=False)
    #: of which its day was told: on the day, and once when it is over
    told = models.CharField(max_length=7, choices=[("due", "due"), ("overdue", "overdue")], blank=True, default="", db_default="")

    class Meta:
        indexes = [
            models.Index(fields=["due_on"], condition=Q(done_at=None, due_on__isnull=False) & ~Q(told="overdue"), name="messages_task_to_tell"),
            models.Index(fields=["assignee"], condition=Q(done_at=None), name="messages_task_open"),
            models.Index(fields=["org", "-id"], name="messages_task_org"),
            models.Index(fields=["by_org", "-id"], name="messages_task_by_org"),
            models.Index(fields=["subject_kind", "subject_id"], name="messages_task_subject"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(title=""), name="messages_task_title_given", violation_error_message=_("Say what is to be done.")),
            models.CheckConstraint(
                condition=(Q(org=F("seller_id")) | Q(org=F("buyer_id"))) & (Q(by_org=F("seller_id")) | Q(by_org=F("buyer_id"))),
                name="messages_task_orgs_are_sides",
                violation_error_message=_("A task stays between the two sides of its document."),
            ),
            models.CheckConstraint(
                condition=Q(done_at=None, done_by=None) | Q(done_at__isnull=False, done_by__isnull=False),
                name="messages_task_done_fits",
                violation_error_message=_("A task that is done says when and by whom."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def late(self) -> bool:
        """Whether it is open after its day."""
        return self.done_at is None and self.due_on is not None and self.due_on < clock.today()

    @property
    def subject(self) -> Subject:
        """What its log lines and notices hang on: those who see it, which is one side when nobody else is asked."""
        other = self.by_org_id if self.by_org_id != self.org_id else None
        return Subject("messages.task", self.pk, self.org_id, other, self.number)
