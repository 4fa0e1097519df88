"""Notices to people, and how they want to get them."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row, SubjectFields
from qudao.base.subject import Subject


class Notice(Row, SubjectFields):
    """One person is told one thing, once per event. `code` and `params` make the sentence in the language of the reader."""

    user = models.ForeignKey("people.User", on_delete=models.PROTECT, related_name="+", db_index=False)
    event_id = models.BigIntegerField()
    code = models.TextField()
    params = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    emailed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["user", "-id"], name="messages_notice_user"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="messages_notice_unread"),
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
    """How a person wants to be told; without a row only in the product, never by e-mail."""

    user = models.OneToOneField("people.User", on_delete=models.PROTECT, related_name="+")
    by_email = models.BooleanField(default=False)
