"""The conversation of a document: a region of its page, an address of its own without JavaScript, and the photos in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.base.access import Actor
from qudao.base.files import PHOTO, show
from qudao.base.html.pages import Panel, door
from qudao.base.html.pages.door import client_id_of, wanted
from qudao.base.html.tables import by_language
from qudao.base.sentences import Said, say
from qudao.base.subject import Subject
from qudao.kernel.errors import DomainError, Forbidden, NotFound
from qudao.messages import actions, queries
from qudao.messages.models import Message, Note, Task
from qudao.messages.rules import pieces
from qudao.messages.states import FILES_LIMIT, TEXT_LIMIT

#: the region's id: what htmx swaps after a message, and a pulse when the other side has written
REGION = "talk"
#: how many names the type-ahead shows
NAMES = 8


def noun_of(subject: Subject) -> str:
    """The noun of a document's kind, after which its addresses are named."""
    return subject.kind.rpartition(".")[2]


def page_of(subject: Subject) -> str:
    """The address of a document's page, at its conversation."""
    return f"{reverse(noun_of(subject), args=[subject.id])}#{REGION}"


def talk_panel(request: HttpRequest, obj: Any) -> Panel | None:
    """What both sides say about a document, the own side's notes and tasks, and a place to write; for people of the two sides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id not in (obj.seller_id, obj.buyer_id) or not actor.can("messages.view"):
        return None
    context = _context(actor, obj.subject)
    return Panel(_("Conversation"), "messages/talk.html", context, note=context["note"], aside=True)


def _context(actor: Actor, subject: Subject, text: str = "", faults: Sequence[Said] = (), internal: bool = False) -> dict[str, Any]:
    noun = noun_of(subject)
    said = [_entry(one, actor, noun, subject) for one in queries.said_about(actor, subject)]
    number = sum(not one["internal"] for one in said)
    return {
        "entries": said,
        "tasks": [_task(one, actor) for one in queries.tasks_about(actor, subject)],
        "note": ngettext("{n} message", "{n} messages", number).format(n=number) if number else "",
        "url": reverse(f"{noun}_messages", args=[subject.id]),
        "people_url": reverse(f"{noun}_people", args=[subject.id]),
        "task_url": reverse(f"{noun}_tasks", args=[subject.id]) if actor.can("messages.assign") else "",
        "may_write": actor.can("messages.write"),
        "text": text,
        "text_limit": TEXT_LIMIT,
        "files_limit": FILES_LIMIT,
        "internal": internal,
        "faults": faults,
    }


def _entry(one: Message | Note, actor: Actor, noun: str, subject: Subject) -> dict[str, Any]:
    internal = isinstance(one, Note)
    name = "note_file" if internal else "message_file"
    files = []
    for file in one.shown_files:  # type: ignore[union-attr]
        files.append({"name": file.name, "url": reverse(name, args=[one.pk, file.pk]), "photo": file.kind == PHOTO, "size": file.size})
    return {
        "id": one.pk,
        "who": one.name,
        "org": "" if one.org_id == actor.org_id else by_language(one.org.name, one.org.name_en),
        "at": one.at,
        "pieces": pieces(one.text, [mention[1] for mention in one.mentions]) if one.text else (),
        "photos": [file for file in files if file["photo"]],
        "files": [file for file in files if not file["photo"]],
        "internal": internal,
        "task": f"{reverse(f'{noun}_tasks', args=[subject.id])}?message={one.pk}" if not internal and actor.can("messages.assign") else "",
    }


def _task(one: Task, actor: Actor) -> dict[str, Any]:
    may = actor.can("messages.assign")
    return {
        "title": one.title,
        "person": one.assignee.name,
        "due_on": one.due_on,
        "late": one.late,
        "done": one.done_at,
        "url": reverse("task_reopening" if one.done_at else "task_completion", args=[one.pk]) if may else "",
    }


@door("messages.view")
def talk(request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """The conversation as a region or a page of its own; POST says something and comes back to it, with nothing lost on a refusal."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    _found, subject = queries.document(actor, kind, pk)
    if request.method != "POST":
        return _shown(request, subject, _context(actor, subject))
    text, internal = request.POST.get("text", ""), bool(request.POST.get("internal"))
    say_it = actions.note if internal else actions.write
    try:
        say_it(kind, pk, text, files=request.FILES.getlist("file"), actor=actor, client_id=client_id_of(request))  # type: ignore[call-arg]
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        return _shown(request, subject, _context(actor, subject, text, [say(fault) for fault in error.faults], internal), error.status)
    if wanted(request) == REGION:
        return _shown(request, subject, _context(actor, subject))
    return HttpResponseRedirect(page_of(subject))


def _shown(request: HttpRequest, subject: Subject, context: dict[str, Any], status: int = 200) -> HttpResponse:
    panel = Panel(_("Conversation"), "messages/talk.html", context, note=context["note"])
    if wanted(request) == REGION:
        return HttpResponse(render_to_string(panel.template, {"panel": panel, **context}, request), status=status)
    back = reverse(noun_of(subject), args=[subject.id])
    return render(request, "messages/talk_page.html", {"title": subject.number, "back": back, "html": panel.html(request)}, status=status)


@door("messages.write")
def people(request: HttpRequest, pk: int, kind: str) -> JsonResponse:
    """Whom one can name in this conversation, by a part of the name: people of the two sides who see the document."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    _found, subject = queries.document(actor, kind, pk)
    typed = request.GET.get("q", "").casefold().strip()
    found = [one for one in queries.unscoped_readers(subject) if typed in one.name.casefold() and one.user_id != actor.user_id]
    found.sort(key=lambda one: (one.org_id != actor.org_id, not one.name.casefold().startswith(typed), one.name))
    sides = {True: _("own side"), False: _("other side")}
    return JsonResponse({"results": [{"name": one.name, "note": sides[one.org_id == actor.org_id]} for one in found[:NAMES]]})


@door("messages.view")
def message_file(request: HttpRequest, pk: int, file_id: int) -> FileResponse:
    """A photo or file of a message; `?small` for the small photo."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return show(actor, queries.message(actor, pk).subject, file_id, small="small" in request.GET)


@door("messages.view")
def note_file(request: HttpRequest, pk: int, file_id: int) -> FileResponse:
    """A photo or file of an internal note, for the organisation that wrote it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return show(actor, queries.note(actor, pk).subject, file_id, small="small" in request.GET)


@door("messages.view")
def open_note(request: HttpRequest, pk: int) -> HttpResponse:
    """The way from a notice to the note: the document's page at its conversation."""
    found = queries.note(request.actor, pk)  # type: ignore[attr-defined]
    return HttpResponseRedirect(page_of(Subject(found.subject_kind, found.subject_id)))
