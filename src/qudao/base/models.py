"""Tables of the toolkit. The action log and the outbox are leaves: nothing points at them, so they can be partitioned by month."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from qudao.base.db import Row, SubjectFields
from qudao.base.subject import Subject


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


class Heartbeat(Row):
    """When a background process last said that it lives."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    detail = models.JSONField(default=dict)
