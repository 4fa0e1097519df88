"""Tasks: the list with what else waits for the person, giving one, ticking it off and taking that back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.approvals.queries import waiting_number
from qudao.base.html.pages import ActionPage, Bulk, Button, FormPage, ListPage, Skip, door
from qudao.base.subject import Subject
from qudao.messages import actions, queries
from qudao.messages.forms import TaskForm
from qudao.messages.models import Task
from qudao.messages.pages.talk import page_of
from qudao.messages.rules import TaskDraft
from qudao.messages.tables import TaskTable


class TaskList(ListPage):
    """What a person has to do: tasks, and the ways to what else waits."""

    verb = "messages.view"
    query = queries.tasks
    table = TaskTable
    title = gettext_lazy("Tasks")

    def buttons(self) -> Sequence[Button]:
        waiting = waiting_number(self.actor)
        found = [Button(_("{n} to approve").format(n=waiting), _address("approvals"), icon="checks", verb="orders.approve")] if waiting else []
        arriving = _address("shipments")
        if arriving:
            found.append(Button(_("Arriving shipments"), f"{arriving}?side=buy", icon="package-import", verb="fulfilment.receive"))
        return [one for one in found if one.url]

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "done", _("Mark as done"), actions.finish_task, "messages.assign", icon="check", primary=True,
                skips=[Skip(Q(done_at__isnull=False), _("they are done already"))],
                says=_("The tasks are ticked off; who gave them is told."),
            )
        ]  # fmt: skip


def _address(name: str) -> str:
    """The address of a page of an upper module, "" when it is not installed."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


class Assign(FormPage):
    """Ask somebody of either side to do something about a document."""

    verb = "messages.assign"
    title = submit = gettext_lazy("Give a task")
    said = gettext_lazy("The task is given.")
    subject: Subject

    @property
    def back(self) -> str:
        return page_of(self.subject)

    def find(self, **kwargs: Any) -> Any:
        obj, self.subject = queries.document(self.actor, kwargs["kind"], kwargs["pk"])
        readers = queries.unscoped_readers(self.subject)
        readers.sort(key=lambda one: (one.org_id != self.actor.org_id, one.name))
        self.form = partial(TaskForm, readers=readers)  # type: ignore[assignment]
        return obj

    def initial(self, obj: Any) -> dict[str, Any]:
        asked = self.request.GET.get("message", "")
        if not asked.isdecimal() or len(asked) > 18:
            return {}
        message = queries.messages(self.actor, self.subject).filter(pk=int(asked)).first()
        return {"title": " ".join(message.text.split())[:200]} if message else {}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        draft = TaskDraft(cleaned["title"], int(cleaned["assignee"]), cleaned["due_on"], cleaned["message"])
        return actions.assign(self.subject.kind, self.subject.id, draft, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return page_of(self.subject)


class _Tick(ActionPage):
    """A verb on a task; comes back to the list it was ticked in, else to the document."""

    verb = "messages.assign"
    query = queries.tasks

    def done(self, result: Task) -> str:
        return reverse("tasks") if self.request.POST.get("from") == "tasks" else page_of(Subject(result.subject_kind, result.subject_id))

    def perform(self, obj: Task, cleaned: dict[str, Any], client_id: UUID) -> Any:
        action = type(self).action
        assert action is not None
        return action(obj.pk, actor=self.actor)


class Finish(_Tick):
    action = actions.finish_task
    title = submit = gettext_lazy("Mark as done")
    said = gettext_lazy("Done.")

    def undo(self, obj: Task, result: Task) -> Button:
        return Button(_("Undo"), reverse("task_reopening", args=[result.pk]), post=True, verb=self.verb)

    def says(self, obj: Task) -> Any:
        return obj.title


class Reopen(_Tick):
    action = actions.reopen_task
    title = submit = gettext_lazy("Reopen the task")
    said = gettext_lazy("The task is open again.")

    def undo(self, obj: Task, result: Task) -> Button:
        return Button(_("Undo"), reverse("task_completion", args=[result.pk]), post=True, verb=self.verb)

    def says(self, obj: Task) -> Any:
        return obj.title


@door("messages.view")
def open_task(request: HttpRequest, pk: int) -> HttpResponse:
    """The way from a notice to the task: the document's page at its conversation."""
    found = queries.task(request.actor, pk)  # type: ignore[attr-defined]
    return HttpResponseRedirect(page_of(Subject(found.subject_kind, found.subject_id)))
