"""Giving somebody something to do about a document, and ticking it off."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.notify import notify
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.messages import queries
from qudao.messages.models import Task
from qudao.messages.rules import TaskDraft
from qudao.messages.states import TITLE_LIMIT


@action("messages.assign")
def assign(kind: str, pk: int, draft: TaskDraft, *, actor: Actor) -> Task:
    """Ask a person of either side who may see the document to do something about it.

    Raises Invalid at the field. Tells the person. A task for a colleague stays inside; one for the other side is seen by both.
    """
    _found, subject = queries.document(actor, kind, pk)
    if actor.user_id is None:
        raise Refused("messages.no_person")
    title = " ".join(draft.title.split())
    readers = {one.user_id: one for one in queries.unscoped_readers(subject)}
    faults = []
    if not title:
        faults.append(Fault("messages.title_missing", "title"))
    if len(title) > TITLE_LIMIT:
        faults.append(Fault("messages.too_long", "title", {"limit": TITLE_LIMIT}))
    if draft.assignee_id not in readers:
        faults.append(Fault("messages.nobody", "assignee"))
    if draft.message_id is not None and not queries.messages(actor, subject).filter(pk=draft.message_id).exists():
        faults.append(Fault("messages.other_document", "message"))
    raise_if_any(faults, Invalid)
    person = readers[draft.assignee_id]
    task = Task.unscoped.create(
        title=title,
        due_on=draft.due_on,
        assignee_id=draft.assignee_id,
        org_id=person.org_id,
        by_user_id=actor.user_id,
        by_org_id=actor.org_id,
        message_id=draft.message_id,
        created_at=clock.now(),
        **subject.columns(),
    )
    record(task.subject, after="open", reason=title)
    notify("messages.assigned", task.subject, user_ids=[draft.assignee_id], except_user=actor.user_id, who=actor.name, text=title)
    return task


@action("messages.assign")
def finish_task(task_id: int, *, actor: Actor) -> Task:
    """Tick a task off; tells who gave it. Locks the task. Refused when it is done already."""
    task = _locked(task_id, actor)
    if task.done_at is not None:
        raise Refused("messages.task_done")
    task.done_at, task.done_by_id = clock.now(), actor.user_id
    task.save(update_fields=["done_at", "done_by"])
    record(task.subject, before="open", after="done", since=task.created_at)
    notify("messages.finished", task.subject, user_ids=[task.by_user_id], except_user=actor.user_id, who=actor.name, text=task.title)
    return task


@action("messages.assign")
def reopen_task(task_id: int, *, actor: Actor) -> Task:
    """Undo the ticking off. Locks the task. Refused when it is open already."""
    task = _locked(task_id, actor)
    if task.done_at is None:
        raise Refused("messages.task_open")
    task.done_at, task.done_by_id = None, None
    task.save(update_fields=["done_at", "done_by"])
    record(task.subject, before="done", after="open")
    return task


@action("messages.assign")
def tell_due_tasks(*, actor: Actor) -> int:
    """Tell who was asked on the day a task is due, and both when it is over and nothing happened; each once. Returns how many tasks. Convergent; for
    the daily job. Locks the tasks; those that somebody works on just now wait for the next day.
    """
    today = clock.today()
    due = Q(due_on=today, told="") | Q(due_on__lt=today)
    found = list(Task.unscoped.select_for_update(skip_locked=True, of=("self",)).filter(due, done_at=None).exclude(told="overdue").select_related("assignee"))
    for task in found:
        task.told = "overdue" if task.late else "due"
        said: dict[str, Any] = {"text": task.title, "due_on": str(task.due_on)}
        people = {task.assignee_id, task.by_user_id} if task.late else {task.assignee_id}
        notify(f"messages.task_{task.told}", task.subject, user_ids=sorted(people), who=task.assignee.name, **said)
    Task.unscoped.bulk_update(found, ["told"], batch_size=1000)
    return len(found)


def _locked(task_id: int, actor: Actor) -> Task:
    """A task of the own side, locked; NotFound when hidden."""
    get_visible(actor, Task, task_id)
    if actor.user_id is None:
        raise Refused("messages.no_person")
    found = Task.unscoped.select_for_update().filter(pk=task_id).first()
    if found is None:
        raise NotFound("base.not_found")
    return found
