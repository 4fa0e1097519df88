"""Pages of the kit itself: work on many rows with its preview and its report, and cells edited in place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.core.files.storage import default_storage
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from qudao.base import runs
from qudao.base.access import Actor
from qudao.base.html.bulk import Bulk, Weighed, thawed, told, weigh
from qudao.base.html.cells import save_cell
from qudao.base.html.forms import Form
from qudao.base.html.pages import ListPage, client_id_of, door, get_row, go, wanted
from qudao.base.html.pages.imports import routes as import_routes
from qudao.base.html.pages.log import routes as log_routes
from qudao.base.html.pages.prints import Origin, named, print_rows
from qudao.base.html.pages.system import routes as system_routes
from qudao.base.html.pages.views import local
from qudao.base.html.pages.views import routes as view_routes
from qudao.base.html.sums import bounded_sums
from qudao.base.html.tables import Column, Tab, Table
from qudao.base.models import Run
from qudao.base.printing import PDF
from qudao.base.sentences import say
from qudao.base.sheets import CSV, XLSX
from qudao.kernel.errors import DomainError, Fault, NotFound, Refused

TONES: dict[str, str] = {"waiting": "wait", "running": "move", "done": "done", "cancelled": "idle", "failed": "wrong"}
#: rows named in a preview or report
NAMED = 8
REPORTED = 200


def _list_of(request: HttpRequest) -> tuple[ListPage, Bulk, str]:
    """The list and the bulk that a form names, and the list's address."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page = ListPage.signed(request.POST.get("page", ""), actor)
    try:
        bulk = page.bulk_named(request.POST.get("do", ""))
    except LookupError as error:
        raise NotFound("base.not_found") from error
    query = request.POST.get("query", "").replace("\x00", "")
    return page, bulk, local(request.POST.get("from", "")) + (f"?{query}" if query else "")


def _names(page: ListPage, pks: Sequence[int]) -> dict[int, dict[str, Any]]:
    """pk → name and address of these rows, as far as the actor sees them."""
    table = page.table()
    return {row.pk: {"label": page.label(row), "url": table.url(row)} for row in page.prepare(list(type(page).query(page.actor).filter(pk__in=pks)))}


def _groups(groups: Sequence[tuple[Any, list[int]]], names: dict[int, dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """What is left out, by reason: how many, the names of the first ones."""
    return [{"why": why, "n": len(pks), "rows": [names[pk] for pk in pks[:most] if pk in names], "more": max(0, len(pks) - most)} for why, pks in groups]


def _preview(request: HttpRequest, found_list: tuple[ListPage, Bulk, str], form: Form | None = None, faults: Sequence[Any] = ()) -> HttpResponse:
    """What the bulk would do with the chosen rows, and the question."""
    page, bulk, here = found_list
    actor: Actor = request.actor  # type: ignore[attr-defined]
    query = QueryDict(request.POST.get("query", "").replace("\x00", ""))
    if request.POST.get("rows"):
        rows = type(page).query(actor).filter(pk__in=thawed(request.POST["rows"]))
    elif request.POST.get("all"):
        rows = page.rows(query)
    else:
        chosen = [int(raw) for raw in request.POST.getlist("pick") if raw.isdecimal() and len(raw) < 19]
        rows = page.rows(query).filter(pk__in=chosen)
    found = weigh(bulk, rows, actor, told(request.POST.getlist("seen")))
    table, groups = page.table(), found.groups(bulk)
    columns = [c for c in table.shown_columns(actor) if c.total and c.sum]
    sums = bounded_sums(table, type(page).query(actor).filter(pk__in=found.ready), columns, actor) if columns and found.ready else {}
    odd = page.odd(found.ready)
    names = _names(page, [*odd[:NAMED], *found.ready[:NAMED], *(pk for _why, pks in groups for pk in pks[:NAMED])])
    context = {
        "title": bulk.label, "page": page, "bulk": bulk, "form": form or bulk.asking(None, actor), "faults": faults, "back": here,
        "ready": len(found.ready), "ready_names": [names[pk] for pk in found.ready[:NAMED] if pk in names], "more": max(0, len(found.ready) - NAMED),
        "skipped": _groups(groups, names, NAMED), "odd": len(odd), "odd_names": [names[pk] for pk in odd[:NAMED] if pk in names],
        "odd_more": max(0, len(odd) - NAMED),
        "sums": [(c.label, c.sum_shown((sums or {}).get(c.id, {}))) for c in columns if sums], "job": len(found.ready) > runs.AT_ONCE,
        "mark": request.POST.get("page"), "query": request.POST.get("query", ""), "origin": request.POST.get("from", ""),
        "rows": found.frozen(), "client_id": client_id_of(request),
    }  # fmt: skip
    status = 422 if form is not None or faults else 200
    return render(request, "parts/bulk_dialog.html" if wanted(request) == "ask" else "bulk.html", context, status=status)


@door("base.runs")
def preview(request: HttpRequest) -> HttpResponse:
    """What would happen to the chosen rows, and to which nothing, and why. Changes nothing."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    page, bulk, here = _list_of(request)
    if not (request.POST.get("all") or request.POST.getlist("pick") or request.POST.get("rows")):
        raise Refused("base.no_rows")
    return _preview(request, (page, bulk, here))


@door("base.runs")
def jobs(request: HttpRequest) -> HttpResponseBase:
    """One's own work on many rows; POST begins what a preview showed."""
    if request.method != "POST":
        return RunList.as_view()(request)
    page, bulk, here = _list_of(request)
    actor: Actor = request.actor  # type: ignore[attr-defined]
    form = bulk.asking(request.POST, actor)
    if not form.is_valid():
        return _preview(request, (page, bulk, here), form)
    chosen = thawed(request.POST.get("rows", ""))
    found = weigh(bulk, type(page).query(actor).filter(pk__in=chosen), actor, chosen)
    order = {pk: n for n, pk in enumerate(chosen)}
    if not found.ready:
        return _preview(request, (page, bulk, here), None, [say(Fault("base.no_rows"))])
    given = {name: request.POST.get(name, "") for name in form.fields} | found.seen
    task = runs.Task(page.path(), bulk.name, here, sorted(found.ready, key=order.__getitem__), given, found.skipped)
    return _begun(request, runs.start_run(task, actor=actor, client_id=client_id_of(request)))


def _begun(request: HttpRequest, run: Run) -> HttpResponse:
    """A few rows are done at once: all well → back to the list; else, and for many, the report."""
    if run.total <= runs.AT_ONCE:
        runs.work_off(run.pk)
        run.refresh_from_db()
    if run.state == Run.State.DONE and not run.failed and not run.skipped:
        said = ngettext("{n} row is done.", "{n} rows are done.", run.total).format(n=run.total)
        return go(request, run.address, said)
    return go(request, reverse("job", args=[run.pk]))


def _named(run: Run, actor: Actor) -> tuple[ListPage | None, Bulk | None]:
    """The list and the bulk of a run, None where the product or the person no longer has them."""
    try:
        page: ListPage = import_string(run.page).standing_for(actor)
        return page, None if run.is_export or run.is_import else page.bulk_named(run.doing)
    except (ImportError, LookupError, DomainError):
        return None, None


def _title(run: Run, page: ListPage | None, bulk: Bulk | None) -> Any:
    if run.prints:
        return _("Print: {document}").format(document=named(run.prints).label)
    if run.is_import:
        return _("Import: {what}").format(what=run.given.get("file", ""))
    if run.is_export:
        return _("Export: {list}").format(list=page.title if page else "")
    return f"{bulk.label}: {page.title}" if page and bulk else _("Work on many rows")


@door("base.runs")
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the work is, and its report: what was done, what was not and why."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    run: Run = get_row(runs.runs(actor), pk)
    page, bulk = _named(run, actor)
    faults = list(runs.faults(run)[:REPORTED]) if run.failed or run.state == Run.State.FAILED else []
    groups = Weighed([], run.skipped).groups(bulk) if bulk else []
    named = [f.row_id for f in faults] + [row_id for _why, pks in groups for row_id in pks[:REPORTED]]
    names = _names(page, named) if page and named else {}
    context = {
        "title": _title(run, page, bulk), "run": run, "badge": (run.get_state_display(), TONES[run.state]), "back": reverse("jobs"),
        "faults": [{"row": names.get(f.row_id), "said": say(Fault(f.code, "", f.params))} for f in faults],
        "skipped": _groups(groups, names, REPORTED), "skipped_n": len(run.skipped),
        "rest": max(0, run.failed - REPORTED), "left": run.total - run.position, "bulk": bulk, "seconds": _seconds(run),
        "rows_url": _rows_url(run, page) if page and bulk and page.shows_runs else "",
    }  # fmt: skip
    return render(request, "parts/job.html" if wanted(request) == "job" else "job.html", context)


def _rows_url(run: Run, page: ListPage) -> str:
    """The list with these rows only, on the side it was looked at from and in the tab that hides no row: the rows done have often left theirs."""
    where, _mark, query = run.address.partition("?")
    side = {"side": found} if (found := QueryDict(query).get("side")) else {}
    tab = next((t.name for t in page.table.tabs if t.name == "all"), "")
    return f"{where}?{urlencode({**side, 'tab': tab, 'run': run.pk})}"


def _seconds(run: Run) -> Any:
    """How long it took, from a minute on."""
    took = run.ended_at - run.at if run.ended_at else None
    return took if took and took.total_seconds() >= 60 else None


@door("base.runs")
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop before the next row."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    get_row(runs.runs(request.actor), pk)  # type: ignore[attr-defined]
    runs.cancel_run(pk, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("job", args=[pk]), _("It stops before the next row. What is done stays done."))


@door("base.runs")
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """The same again for the rows that failed, and for those that a stopped job did not come to."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actor: Actor = request.actor  # type: ignore[attr-defined]
    run: Run = get_row(runs.runs(actor), pk)
    page, bulk = _named(run, actor)
    if page is None or bulk is None or run.live:
        raise NotFound("base.not_found")
    failed = set(runs.faults(run).values_list("row_id", flat=True))
    wanted_rows = [row_id for n, row_id in enumerate(run.row_ids) if row_id in failed or n >= run.position]
    found = weigh(bulk, type(page).query(actor).filter(pk__in=wanted_rows), actor, {int(pk): seen for pk, seen in run.given.get("seen", {}).items()})
    task = runs.Task(run.page, run.doing, run.address, found.ready, run.given, found.skipped)
    return _begun(request, runs.start_run(task, actor=actor, client_id=client_id_of(request)))


@door("base.runs")
def job_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file an export made; only its owner may open it."""
    run: Run = get_row(runs.runs(request.actor), pk)  # type: ignore[attr-defined]
    if not run.file or not default_storage.exists(run.file):
        raise NotFound("base.not_found")
    kind = PDF if run.prints else XLSX if run.doing == "xlsx" else CSV
    return FileResponse(default_storage.open(run.file), as_attachment=not run.prints, filename=run.file_name, content_type=kind)


def _run_title(run: Run) -> Any:
    found = import_string(run.page)
    page = found()
    page.actor = run.reader  # type: ignore[attr-defined]
    bulk = next((b for b in page.bulk() if isinstance(b, Bulk) and b.name == run.doing), None)
    return _title(run, page, bulk)


class RunTable(Table):
    """One's own work on many rows, newest first."""

    columns = (
        Column("", gettext_lazy("What"), cell=_run_title, slug="what"),
        Column("state", gettext_lazy("State"), cell="state", tones=TONES, sort="state"),
        Column("total", gettext_lazy("Rows"), cell="number", num=True),
        Column("failed", pgettext_lazy("job", "Failed rows"), cell="number", num=True, dim=True),
        Column("at", gettext_lazy("Started"), cell="moment", dim=True, sort="at"),
    )
    tabs = (Tab("all", gettext_lazy("All")),)
    empty = gettext_lazy("You have not worked on many rows at once yet.")
    remedy = gettext_lazy("Tick rows of a list, or export a long one: progress and report stand here for 30 days.")

    def url(self, row: Run) -> str:
        return reverse("job", args=[row.pk])


class RunList(ListPage):
    """Progress and reports of one's own work."""

    verb = "base.runs"
    query = runs.runs
    table = RunTable
    title = gettext_lazy("My jobs")

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.reader = self.actor
        return rows


@door("base.print")
def print_chosen(request: HttpRequest, name: str) -> HttpResponse:
    """The chosen rows of a list on paper: the PDF at once, or a job that makes it."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    query = request.POST.get("query", "").replace("\x00", "")
    page = ListPage.signed(request.POST.get("page", ""), request.actor)  # type: ignore[attr-defined]
    rows = page.rows(QueryDict(query))
    if not request.POST.get("all"):
        rows = rows.filter(pk__in=[int(raw) for raw in request.POST.getlist("pick") if raw.isdecimal() and len(raw) < 19])
    here = local(request.POST.get("from", "")) + (f"?{query}" if query else "")
    return print_rows(request, named(name), rows, Origin(page.path(), here))


# --- cells ---


@door()
def cell(request: HttpRequest) -> HttpResponse:
    """GET: the field of one cell with its raw value. POST: the new value; answers with the cell, or (409) with both values when somebody was faster."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    asked = request.POST if request.method == "POST" else request.GET
    page = ListPage.signed(asked.get("page", ""), actor)
    answer = save_cell(page, asked, change=request.method == "POST")
    return render(request, "parts/cell.html", {"cell": answer}, status=answer.status)


routes = [
    path("jobs/", jobs, name="jobs"),
    path("jobs/new", preview, name="job_new"),
    path("jobs/<int:pk>/", job, name="job"),
    path("jobs/<int:pk>/cancellation", cancel, name="job_cancellation"),
    path("jobs/<int:pk>/retry", retry, name="job_retry"),
    path("jobs/<int:pk>/file", job_file, name="job_file"),
    path("prints/<str:name>", print_chosen, name="prints"),
    path("cells/", cell, name="cells"),
    *import_routes,
    *log_routes,
    *system_routes,
    *view_routes,
]
