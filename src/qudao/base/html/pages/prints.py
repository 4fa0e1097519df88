"""Papers over HTTP: one document at its own address, chosen ones of a list as one PDF, the same for the API, and the buttons that lead there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.crypto import get_random_string
from django.utils.module_loading import import_string
from django.utils.translation import ngettext

from qudao.base import printing, runs
from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.html.pages.door import Button, Page, go
from qudao.base.models import Run
from qudao.base.printing import Document
from qudao.base.rest import Router
from qudao.base.sheets import Mark, mark_for
from qudao.base.subject import Subject
from qudao.kernel.errors import Fault, Forbidden, Invalid, NotFound, Refused

#: papers read at a time, in a few statements
CHUNK = 50
NAMES = {"zh-hans": "中文", "en": "English"}


@cache
def documents() -> dict[str, Document]:
    """Every kind of paper by name: the explicit list of `qudao.web.prints`."""
    names = import_string(getattr(settings, "PRINTS", "qudao.web.prints.PRINTS"))
    return {one.name: one for name in names for one in import_string(name)}


def documents_of(subject: str) -> list[Document]:
    """The kinds of paper about a kind of row."""
    return [one for one in documents().values() if one.subject == subject]


def named(name: str) -> Document:
    """A kind of paper; NotFound when there is none."""
    if name not in documents():
        raise NotFound("base.not_found")
    return documents()[name]


@action("base.print")
def log_print(document: str, ids: Sequence[int], language: str, mark: str = "", *, actor: Actor) -> None:
    """Write down that the actor printed rows, under the mark that the paper carries; locks nothing, emits nothing. A line of its own, not one of the
    document's life."""
    told = {"document": document, "rows": list(ids), "language": language}
    record(Subject("base.print", ids[0] if len(ids) == 1 and not mark else 0, number=mark or document), detail=told)


def mark_of(document: Document, number: int, language: str, actor: Actor) -> Mark | None:
    """The mark for so many papers, in the language of the paper; None for those that stay clean."""
    if not document.marked(number):
        return None
    with translation.override(language):
        return mark_for(actor, printed=True)


def printed(document: Document, ids: Sequence[int], request: HttpRequest, **options: str) -> HttpResponse:
    """The PDF of rows as an answer that a browser shows, in the language of the address (`lang=zh`, `lang=en`) or the reader's.

    Raises what the document does, Forbidden without the right to print, FontsMissing.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    language = printing.language_of(request.GET.get("lang", ""))
    mark = mark_of(document, len(ids), language, actor)
    body = printing.pdf_of(document, actor, ids, language=language, mark=mark.text if mark else "", **options)
    log_print(document.name, ids, language, mark.code if mark else "", actor=actor)
    name = f"{document.slug}-{ids[0]}" if len(ids) == 1 else document.slug
    found = answer(body, f"{name}-{mark.code}.pdf" if mark else f"{name}.pdf")
    if mark:
        found["X-Export-Mark"] = mark.code
    return found


def answer(body: bytes, name: str) -> HttpResponse:
    """A PDF to be looked at. It is nobody else's: no proxy keeps it."""
    headers = {"Content-Disposition": f'inline; filename="{name}"', "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store"}
    return HttpResponse(body, content_type=printing.PDF, headers=headers)


def one(document: Document, request: HttpRequest, pk: int) -> HttpResponse:
    """One row on paper, with what the address asks for."""
    return printed(document, [pk], request, **{name: request.GET.get(name, "") for name in document.options})


def pages() -> list[URLPattern]:
    """An address for each kind of paper ("orders/7/confirmation.pdf"); `web` adds them to the others."""
    return [path(f"{d.address}/<int:pk>/{d.slug}.pdf", PaperPage.as_view(document=d, verb=d.verb), name=address_name(d)) for d in documents().values()]


def address_name(document: Document) -> str:
    """The name of a paper's address: "orders_confirmation_pdf"."""
    return f"{document.name.replace('.', '_')}_pdf"


class PaperPage(Page):
    """One row on paper."""

    document: Document = None  # type: ignore[assignment]  # given by `as_view`

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return one(self.document, request, pk)


def router() -> Router:
    """The same addresses for the API, and one for many rows; `web` adds it to the others."""
    found = Router(tags=["prints"])
    for document in documents().values():
        _operation(found, document)

    @found.get("/prints/{name}", summary="Many rows as one PDF")
    def many(request: HttpRequest, name: str, ids: str, lang: str = "") -> HttpResponse:
        """`name`: orders.confirmation, fulfilment.pick_list …; `ids`: up to 500, separated by commas, in the order of the pages; `lang`: zh or en."""
        return printed(named(name), numbers(ids), request)

    return found


def _operation(found: Router, document: Document) -> None:
    @found.get(f"/{document.address}/{{int:pk}}/{document.slug}.pdf", summary=f"{document.name} as PDF", operation_id=address_name(document))
    def show(request: HttpRequest, pk: int, lang: str = "") -> HttpResponse:
        """In the language asked for (zh, en), else the caller's."""
        actor: Actor = request.actor  # type: ignore[attr-defined]
        if not actor.can(document.verb):
            raise Forbidden("base.forbidden", verb=document.verb)
        return one(document, request, pk)


def numbers(text: str) -> list[int]:
    """Row ids of an address, separated by commas, each once. Invalid when something else stands there, or more than a PDF takes."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in parts):
        raise Invalid("base.invalid", field="ids", message=text[:40])
    found = list(dict.fromkeys(int(part) for part in parts))
    if len(found) > printing.MOST:
        raise Invalid.of([Fault("base.too_many_papers", "ids", {"most": printing.MOST})])
    return found


def print_buttons(subject: str, row: Any, actor: Actor) -> list[Button]:
    """The papers of a row: each in the reader's language, then in the other one. None for who may not print."""
    if not actor.can("base.print"):
        return []
    fitting = [d for d in documents_of(subject) if actor.can(d.verb) and d.fits(actor, row)]
    mine = printing.language_of("")
    other = next(code for code in NAMES if code != mine)
    here = [(d, reverse(address_name(d), args=[row.pk])) for d in fitting]
    return [Button(d.label, url, icon="printer") for d, url in here] + [
        Button(f"{d.label} ({NAMES[other]})", f"{url}?lang={other[:2]}", icon="language") for d, url in here
    ]


# --- a row of a list, and its chosen rows ---


def row_papers(subject: str, rows: Sequence[Any], actor: Actor) -> dict[Any, tuple[str, Any]] | None:
    """row → address and name of the first of its papers that fits; None where the actor prints no paper of such rows."""
    offered = [(d, address_name(d)) for d in documents_of(subject) if actor.can(d.verb)] if actor.can("base.print") else []
    if not offered:
        return None
    found = ((row, next(((d, name) for d, name in offered if d.fits(actor, row)), None)) for row in rows)
    return {row.pk: (reverse(first[1], args=[row.pk]), first[0].label) for row, first in found if first}


@dataclass(frozen=True)
class Origin:
    """Where rows were chosen: the list's class by its path, and its address."""

    page: str
    address: str


def bulk_buttons(subject: str, actor: Actor) -> list[Button]:
    """The papers that a list of such rows offers for the chosen ones."""
    if not actor.can("base.print"):
        return []
    return [Button(d.label, reverse("prints", args=[d.name]), icon="printer", verb=d.verb) for d in documents_of(subject)]


def print_rows(request: HttpRequest, document: Document, rows: QuerySet, origin: Origin) -> HttpResponse:
    """Rows on paper, in the order of the list: up to `printing.BESIDE` at once, more as a job. Rows that have no such paper are left out and counted.

    Raises Refused when none is left or more than one PDF takes.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can(document.verb):
        raise Forbidden("base.forbidden", verb=document.verb)
    chosen = list(rows[: printing.MOST + 1])
    if len(chosen) > printing.MOST:
        raise Refused("base.too_many_papers", most=printing.MOST)
    ids = [row.pk for row in chosen if document.fits(actor, row)]
    if not ids:
        raise Refused("base.nothing_to_print", document=str(document.label))
    if len(ids) < len(chosen):
        left = len(chosen) - len(ids)
        messages.warning(request, ngettext("{n} row has no such paper.", "{n} rows have no such paper.", left).format(n=left))
    if len(ids) <= printing.BESIDE or not actor.can("base.runs"):
        return printed(document, ids, request)
    given = {"language": printing.language_of(request.GET.get("lang", ""))}
    run = runs.start_run(runs.Task(origin.page, f"print:{document.name}", origin.address, ids, given), actor=actor)
    return go(request, reverse("job", args=[run.pk]))


def work_off(run: Run, actor: Actor) -> None:
    """Many papers as a job: reading them is the first half of the progress, setting them the second. A second try begins anew."""
    document, language = named(run.prints), run.given.get("language", "zh-hans")
    papers: list[Any] = []
    with translation.override(language):
        for start in range(0, len(run.row_ids), CHUNK):
            papers += document.make(actor, run.row_ids[start : start + CHUNK])
            if not runs.progress(run.pk, len(papers) // 2):
                runs.finish(run.pk, Run.State.CANCELLED)
                return
    mark = mark_of(document, len(papers), language, actor)
    body = printing.pdf_many(document, papers, language=language, mark=mark.text if mark else "")
    log_print(document.name, run.row_ids, language, mark.code if mark else "", actor=actor)
    path = default_storage.save(f"exports/{run.pk}-{get_random_string(24)}.pdf", ContentFile(body))
    runs.finish(run.pk, Run.State.DONE, position=run.total, file=path, file_name=f"{document.slug}-{mark.code}.pdf" if mark else f"{document.slug}.pdf")
