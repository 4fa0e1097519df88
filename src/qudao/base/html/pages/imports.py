"""The import centre: what may be imported, a file from its upload through mapping and dry run to the import, and the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_GET

from qudao.base import files, import_runs, runs, sheets
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages.door import Button, Page, client_id_of, door, get_row, go
from qudao.base.html.pages.forms import ActionPage
from qudao.base.html.pages.lists import ListPage
from qudao.base.html.tables import Column, Filter, Tab, Table
from qudao.base.import_runs import Told, kind_of
from qudao.base.import_sheets import Sheet, template
from qudao.base.importing import SAME, Kind, Looked, kinds, kinds_of
from qudao.base.models import ImportedRow, ImportRun, Run
from qudao.base.sentences import Said, say
from qudao.kernel.errors import DomainError, Fault, Forbidden
from qudao.kernel.quantity import plain

TONES: dict[str, str] = {"draft": "wait", "done": "done", "partly": "idle", "undone": "idle"}
#: rows named on a page; all faults are in the file of errors
NAMED = 100
SAMPLES = 3
STATE = ImportRun.State


def import_buttons(name: str, actor: Actor) -> list[Button]:
    """The door to the import from a list of such records; none for whoever may not import them."""
    able = actor.can("base.imports") and name in kinds_of(actor)
    return [Button(_("Import"), reverse("import_new", args=[name]), icon="upload")] if able else []


def _label(run: ImportRun) -> Any:
    kind = kinds().get(run.kind)
    return kind.label if kind else run.kind


class ImportTable(Table):
    """Imports, newest first."""

    columns = (
        Column("file_name", gettext_lazy("File"), cell="link"),
        Column("", pgettext_lazy("import", "What"), cell=_label, slug="what"),
        Column("state", gettext_lazy("State"), cell="state", tones=TONES),
        Column("made", gettext_lazy("New"), cell="number", num=True, hide_on_phone=True),
        Column("changed", gettext_lazy("Changed"), cell="number", num=True, hide_on_phone=True),
        Column("by_name", gettext_lazy("By"), dim=True),
        Column("at", gettext_lazy("When"), cell="moment", dim=True, sort="at"),
    )
    tabs = (
        Tab("all", gettext_lazy("All")),
        Tab("draft", STATE.DRAFT.label, Q(state=STATE.DRAFT)),
        Tab("done", STATE.DONE.label, Q(state=STATE.DONE)),
        Tab("undone", STATE.UNDONE.label, Q(state__in=(STATE.PARTLY, STATE.UNDONE))),
    )
    filters = (Filter("kind", pgettext_lazy("import", "What"), choices=lambda actor: [(name, kinds()[name].label) for name in kinds_of(actor)]),)
    search = ("file_name__icontains", "by_name__icontains")
    empty = gettext_lazy("Nothing was imported yet.")
    remedy = gettext_lazy("Choose above what your file holds: any heads will do, and nothing is written before you have seen what would happen.")


class ImportList(ListPage):
    """What this person may import, and what was imported in the organisation."""

    verb = "base.imports"
    query = import_runs.imports
    table = ImportTable
    title = gettext_lazy("Import")
    template = "imports.html"

    def more(self) -> dict[str, Any]:
        return {"kinds": [kinds()[name] for name in kinds_of(self.actor)]}

    def import_run(self, run: Run) -> None:
        """A long import, by the job: all of it or, when somebody asks to stop, nothing."""
        given = run.given
        try:
            with runs.telling(run.pk) as tell:
                import_runs.run_import(given["import"], Told(given["skip_wrong"], given["again"], tell), actor=self.actor)
        except runs.Stopped:
            runs.finish(run.pk, Run.State.CANCELLED, position=0)
        else:
            runs.finish(run.pk, Run.State.DONE, position=run.total)


class ImportNew(Page):
    """One kind: its columns, the template, and the place for a file."""

    verb = "base.imports"
    template = "import_new.html"

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        kind = kind_of(name, self.actor)
        ending = request.GET.get("template", "")
        if ending in ("xlsx", "csv"):
            return _file(template(kind.columns, ending), f"{kind.label}.{ending}")
        ending = request.GET.get("standing", "")
        if ending in ("xlsx", "csv") and kind.has_standing():
            return self._standing(kind, ending)
        return self._page(kind)

    def _standing(self, kind: Kind, ending: str) -> HttpResponse:
        """What is there now as a file that can be changed and brought back; logged and marked as every export."""
        if not self.actor.can("base.export"):
            raise Forbidden("base.forbidden", verb="base.export")
        lines, mark = list(kind.lines()), sheets.mark_for(self.actor)
        write = sheets.write_xlsx if ending == "xlsx" else sheets.write_csv
        body = write([column.label for column in kind.columns], lines, mark)
        sheets.log_export(str(kind.label), len(lines), mark, actor=self.actor)
        return _file(body, f"{mark.named(str(kind.label))}.{ending}")

    def post(self, request: HttpRequest, name: str) -> HttpResponse:
        kind, upload = kind_of(name, self.actor), request.FILES.get("file")
        if upload is None:
            return self._page(kind, [say(Fault("base.import_no_file", "file"))], 422)
        try:
            run = import_runs.begin_import(name, upload, actor=self.actor)
        except Forbidden:
            raise
        except DomainError as error:
            return self._page(kind, [say(fault) for fault in error.faults], error.status)
        return go(request, run.get_absolute_url())

    def _page(self, kind: Kind, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        self.title, self.above = _("Import: {what}").format(what=kind.label), "imports"
        has = kind.has_standing() and self.actor.can("base.export")
        return self.show(self.template, {"kind": kind, "faults": faults, "has_standing": has}, status)


class ImportDetail(Page):
    """A file on its way: how its heads are read and what a dry run says; afterwards what it did."""

    verb = "base.imports"
    template = "import.html"

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self.page(get_row(import_runs.imports(self.actor), pk))

    def page(self, run: ImportRun, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        kind = kind_of(run.kind, self.actor)
        self.title, self.above = run.file_name, "imports"
        said = list(faults)
        context = {"run": run, "kind": kind, "badge": (run.get_state_display(), TONES[run.state]), "faults": said, "list_url": reverse(kind.place)}
        context |= self._draft(run, kind, said) if run.state == STATE.DRAFT else self._done(run, kind)
        return self.show(self.template, {**context, "client_id": client_id_of(self.request)}, status)

    def _draft(self, run: ImportRun, kind: Kind, faults: list[Said]) -> dict[str, Any]:
        sheet, looked = import_runs.sheet_of(run, self.actor), None
        try:
            looked = import_runs.look(run, self.actor, sheet)
        except Forbidden:
            raise
        except DomainError as error:
            faults += [said for said in map(say, error.faults) if said not in faults]
        same = import_runs.same_file(run)
        return {
            "heads": _heads(run, sheet, kind), "looked": looked, "sure": run.mapped and looked is not None, "same_file": same,
            "needs_again": bool(same and kind.adds), "wrong": wrong_rows(looked, kind)[:NAMED] if looked else (),
            **(_counts(looked, kind) if looked else {}),
        }  # fmt: skip

    def _done(self, run: ImportRun, kind: Kind) -> dict[str, Any]:
        rows = ImportedRow.unscoped.filter(run=run).order_by("row")
        stayed = list(rows.exclude(kept="")[:NAMED]) if run.state == STATE.PARTLY else []
        shown = list(rows[:NAMED])
        return {
            "may_undo": import_runs.may_undo(run),
            "until": run.done_at and run.done_at + timedelta(hours=import_runs.UNDO_HOURS),
            "touched": [{"row": one.row, "label": one.label, "what": "new" if one.is_new else "changed", "changes": _told(one, kind)} for one in shown],
            "rest": run.made + run.changed - len(shown),
            "stayed": [{"row": one.row, "label": one.label, "said": say(Fault(one.kept, "", one.kept_params))} for one in stayed],
        }


def _heads(run: ImportRun, sheet: Sheet, kind: Kind) -> list[dict[str, Any]]:
    """Each head of the file with its first values, and as which column it is read."""
    found = []
    for n, head in enumerate(run.heads):
        values = list(dict.fromkeys(cells[n] for _no, cells in sheet.lines[:50] if n < len(cells) and cells[n]))[:SAMPLES]
        found.append({"head": head or _("Column {n}").format(n=n + 1), "values": values, "as": run.mapping[n] if n < len(run.mapping) else ""})
    return found


def _counts(looked: Looked, kind: Kind) -> dict[str, Any]:
    """The figures of a dry run, and its first rows in words."""
    labels = {column.name: column.label for column in kind.columns}
    counts = Counter(entry.what for entry in looked.entries)
    first = sorted(looked.entries, key=lambda entry: (entry.what == SAME, entry.row))[:NAMED]
    return {
        "made": counts["new"], "changed": counts["changed"], "same": counts["same"], "bad": looked.wrong_rows, "doing": counts["new"] + counts["changed"],
        "entries": [{"row": e.row, "label": e.label, "what": e.what, "changes": _changes(e.changes, labels)} for e in first],
        "rest": len(looked.entries) - len(first),
    }  # fmt: skip


def _changes(changes: Iterable[tuple[str, Any, Any]], labels: Mapping[str, Any]) -> list[tuple[Any, str, str]]:
    """(column, before, after) in words, as far as the file has such a column."""
    return [(labels[name], shown(was), shown(now)) for name, was, now in changes if name in labels]


def _told(one: ImportedRow, kind: Kind) -> list[tuple[Any, str, str]]:
    """What an import changed of a record, as far as it has a column."""
    labels = {column.name: column.label for column in kind.columns}
    return _changes(((name, was, one.after.get(name)) for name, was in one.before.items()), labels)


def shown(value: Any) -> str:
    """A value of a cell for people."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, date):
        return value.isoformat()
    return plain(value) if isinstance(value, Decimal) else str(value)


def wrong_rows(looked: Looked, kind: Kind) -> list[tuple[int, Any, str, Said]]:
    """Everything wrong: row, column, what it says, the reason with its remedy."""
    labels = {column.name: column.label for column in kind.columns}
    return [(one.row, labels.get(one.column, ""), one.text, say(one.fault)) for one in looked.wrong]


def _file(body: bytes, name: str) -> HttpResponse:
    mime = sheets.CSV if name.endswith(".csv") else sheets.XLSX
    return HttpResponse(body, content_type=mime, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"})


def _run(request: HttpRequest, pk: int) -> ImportRun:
    found: ImportRun = get_row(import_runs.imports(request.actor), pk)  # type: ignore[attr-defined]
    return found


def _again(request: HttpRequest, run: ImportRun, error: DomainError) -> HttpResponse:
    """The page of an import with why something was refused."""
    page = ImportDetail()
    page.setup(request, pk=run.pk)
    page.actor = request.actor  # type: ignore[attr-defined]
    return page.page(run, [say(fault) for fault in error.faults], error.status)


@door("base.imports")
def mapping(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which head of the file is which column."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    run = _run(request, pk)
    chosen = [request.POST.get(f"head-{n}", "") for n in range(len(run.heads))]
    try:
        import_runs.map_import(pk, chosen, actor=request.actor)  # type: ignore[attr-defined]
    except Forbidden:
        raise
    except DomainError as error:
        run.mapping, run.mapped = chosen, False
        return _again(request, run, error)
    return go(request, run.get_absolute_url())


@door("base.imports")
def commit(request: HttpRequest, pk: int) -> HttpResponse:
    """Import the file as the dry run showed."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actor: Actor = request.actor  # type: ignore[attr-defined]
    run, told = _run(request, pk), Told(bool(request.POST.get("skip_wrong")), bool(request.POST.get("again")))
    try:
        rows = len(import_runs.sheet_of(run, actor).lines)
        if run.state == STATE.DRAFT and rows > kind_of(run.kind, actor).most_at_once:
            given = {"import": pk, "file": run.file_name, "skip_wrong": told.skip_wrong, "again": told.again}
            task = runs.Task(ImportList.path(), "import", run.get_absolute_url(), given=given, total=rows)
            return go(request, reverse("job", args=[runs.start_run(task, actor=actor, client_id=client_id_of(request)).pk]))
        done = import_runs.run_import(pk, told, actor=actor)
    except Forbidden:
        raise
    except DomainError as error:
        return _again(request, run, error)
    number = done.made + done.changed
    said = ngettext("{n} row is imported.", "{n} rows are imported.", number).format(n=figures.count(number))
    return go(request, done.get_absolute_url(), said)


@door("base.imports")
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a file that was not imported."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    import_runs.discard_import(pk, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("imports"), _("The file is forgotten; nothing was imported."))


@require_GET
@door("base.imports")
def errors(request: HttpRequest, pk: int) -> HttpResponse:
    """Every fault of a file as a sheet: row, column, what it says, why, what to do."""
    run, actor = _run(request, pk), request.actor  # type: ignore[attr-defined]
    kind = kind_of(run.kind, actor)
    heads = [_("Row"), _("Column"), _("What it says"), _("Why"), _("What to do")]
    lines = [(row, column, text, said.sentence, said.remedy) for row, column, text, said in wrong_rows(import_runs.look(run, actor), kind)]
    return _file(sheets.write_xlsx(heads, lines), _("errors of {file}").format(file=run.file_name.rpartition(".")[0]) + ".xlsx")


@require_GET
@door("base.imports")
def source(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file itself, as it was brought."""
    run, actor = _run(request, pk), request.actor  # type: ignore[attr-defined]
    kept = files.files_of(run.subject).first()
    return files.download(actor, run.subject, kept.pk if kept else 0)


class ImportUndo(ActionPage):
    """Take an import back: first what would happen, then it happens."""

    verb = "base.imports"
    title = submit = gettext_lazy("Undo the import")
    said = gettext_lazy("The import is undone.")
    query = import_runs.imports
    template = "import_undo.html"
    danger = True
    above = "import"

    def says(self, obj: ImportRun) -> Any:
        self.free, self.kept = 0, list[Any]()
        if not import_runs.may_undo(obj):
            return say(Fault("base.import_too_late", "", {"hours": import_runs.UNDO_HOURS})).sentence
        found = import_runs.undoing_of(obj, self.actor)
        self.free, self.kept = len(found.free), [(one, say(fault)) for one, fault in found.kept]
        return ngettext(
            "{n} record goes back to what it was before the import of {file}.", "{n} records go back to what they were before the import of {file}.", self.free
        ).format(n=figures.count(self.free), file=obj.file_name)

    def perform(self, obj: ImportRun, cleaned: dict[str, Any], client_id: Any) -> Any:
        return import_runs.undo_import(obj.pk, actor=self.actor)


routes = [
    path("imports/", ImportList.as_view(), name="imports"),
    path("imports/new/<str:name>/", ImportNew.as_view(), name="import_new"),
    path("imports/<int:pk>/", ImportDetail.as_view(), name="import"),
    path("imports/<int:pk>/mapping", mapping, name="import_mapping"),
    path("imports/<int:pk>/commit", commit, name="import_commit"),
    path("imports/<int:pk>/undo", ImportUndo.as_view(), name="import_undo"),
    path("imports/<int:pk>/removal", discard, name="import_removal"),
    path("imports/<int:pk>/errors.xlsx", errors, name="import_errors"),
    path("imports/<int:pk>/file", source, name="import_file"),
]
