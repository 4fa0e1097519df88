"""The lists of notices and of tasks."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language, join
from qudao.messages import queries
from qudao.messages.models import Notice, Task
from qudao.messages.states import TOPIC_LABELS, TOPICS


def said(row: Notice) -> Any:
    """The sentence, leading to what it is about; what was read is dim."""
    return format_html('<a href="{}" class="{}">{}</a>', reverse("notice", args=[row.pk]), "dim" if row.read_at else "", queries.sentence(row))


def _of_topic(topic: str) -> Q:
    """The notices of a topic, by their code."""
    if topic in TOPICS:
        return Q(code__startswith=f"{topic}.")
    known = Q()
    for one in TOPICS:
        known |= Q(code__startswith=f"{one}.")
    return ~known


class NoticeTable(Table):
    """The own notices, newest first."""

    columns = (
        Column("", _("What happened"), cell=said, slug="what_happened"),
        Column("created_at", _("When"), cell="age", dim=True, sort="created_at"),
    )
    tabs = (Tab("unread", _("Unread"), Q(read_at=None)), Tab("all", _("All")))
    filters = (Filter("topic", _("About"), choices=list(TOPIC_LABELS.items()), q=_of_topic),)
    search = ("number__icontains",)
    order = ("-pk",)
    empty = _("Nothing new.")

    def url(self, row: Notice) -> str:
        return reverse("notice", args=[row.pk])


def _due(row: Task) -> Any:
    if row.due_on is None:
        return ""
    return figures.badge(figures.day(row.due_on), "wrong") if row.late else figures.day(row.due_on)


def _state(row: Task) -> Any:
    return figures.badge(pgettext_lazy("task", "Done"), "done") if row.done_at else figures.badge(pgettext_lazy("task", "To do"), "wait")


def _mine(actor: Actor) -> Q:
    return Q(assignee_id=actor.user_id, org_id=actor.org_id, done_at=None)


class TaskTable(Table):
    """Tasks, newest first."""

    columns = (
        Column("title", _("What is to be done"), cell="link", width="clip"),
        Column("number", _("Document"), cell="code", sort="number"),
        Column("", _("State"), cell=_state, slug="state"),
        Column("", _("Until"), cell=_due, sort="due_on", slug="until"),
        Column("", _("Who"), cell=lambda row: join(row.assignee.name, by_language(row.org.name, row.org.name_en)), hide_on_phone=True, slug="who"),
        Column(
            "",
            _("Given by"),
            cell=lambda row: join(row.by_user.name, by_language(row.by_org.name, row.by_org.name_en)),
            dim=True,
            hide_on_phone=True,
            slug="given_by",
        ),
        Column("created_at", _("Age"), cell="age", dim=True, hide_on_phone=True, sort="id"),
    )
    tabs = (
        Tab("mine", _("For me"), _mine),
        Tab("given", _("Given by me"), lambda actor: Q(by_user_id=actor.user_id, done_at=None)),
        Tab("open", pgettext_lazy("tasks", "All open"), Q(done_at=None)),
        Tab("done", pgettext_lazy("tasks", "Done"), Q(done_at__isnull=False)),
    )
    search = ("title__icontains", "number__icontains", "assignee__name__icontains")
    empty = _("Nothing to do here.")
    remedy = _("Give a task from the conversation of any document.")

    def url(self, row: Task) -> str:
        return reverse("task", args=[row.pk])
