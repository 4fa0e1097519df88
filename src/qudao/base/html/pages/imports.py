"""The import page: template, dry run with every error by row and column, then the import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from qudao.base import sheets
from qudao.base.html.pages.door import Page, client_id_of, go
from qudao.base.sentences import Said, say
from qudao.kernel.errors import DomainError


class ImportPage(Page):
    """A file of rows: template, dry run with every error by row and column, then the import. Hooks: `check`, `perform`, `done`.

    `columns` are (name, label, required); `check(rows)` returns (good rows, faults [(row number, column name, Said)]).
    """

    columns: ClassVar[Sequence[tuple[str, Any, bool]]] = ()
    template = "import.html"
    said: Any = ""

    def check(self, rows: list[dict[str, str]]) -> tuple[list[Any], list[tuple[int, str, Said]]]:
        """Hook: a dry run, writes nothing."""
        return list(rows), []

    def perform(self, rows: list[Any], client_id: UUID) -> Any:
        """Hook: the action for all good rows."""
        raise NotImplementedError

    def done(self, result: Any) -> str:
        """Hook: where to go after success."""
        return self.back or "/"

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.GET.get("template") in ("xlsx", "csv"):
            write, mime = (sheets.write_xlsx, sheets.XLSX) if request.GET["template"] == "xlsx" else (sheets.write_csv, sheets.CSV)
            name = f"{request.path.strip('/').replace('/', '-')}.{request.GET['template']}"
            body = write([label for _name, label, _required in self.columns], [])
            return HttpResponse(body, content_type=mime, headers={"Content-Disposition": f'attachment; filename="{name}"'})
        return self._page()

    def post(self, request: HttpRequest) -> HttpResponse:
        upload = request.FILES.get("file")
        if upload is None:
            return self._page(status=422, missing=True)
        try:
            rows, faults = self._read(upload.name or "", upload.read())
            good, found = self.check(rows)
        except DomainError as error:
            return self._page(status=error.status, faults=[(1, "", say(f)) for f in error.faults])
        faults += found
        if request.POST.get("errors") and faults:
            heads = [_("Row"), _("Column"), _("What is wrong"), _("What to do")]
            labels = {name: str(label) for name, label, _required in self.columns}
            body = sheets.write_xlsx(heads, [(no, labels.get(c, c), s.sentence, s.remedy) for no, c, s in faults])
            return HttpResponse(body, content_type=sheets.XLSX, headers={"Content-Disposition": 'attachment; filename="errors.xlsx"'})
        if faults or not request.POST.get("commit"):
            return self._page(status=422 if faults else 200, faults=faults, good=len(good), rows=len(rows), tried=True)
        return go(request, self.done(self.perform(good, client_id_of(request))), self.said)

    def _read(self, name: str, content: bytes) -> tuple[list[dict[str, str]], list[tuple[int, str, Said]]]:
        lines = sheets.read(name, content)
        heads = {cell.strip().lower(): i for i, cell in enumerate(next(lines, []))}
        places = {c: heads.get(str(label).lower(), heads.get(c)) for c, label, _required in self.columns}
        faults = [
            (1, c, Said("base.no_column", c, _("The file has no column “{label}”.").format(label=label), _("Use the template's heads.")))
            for c, label, required in self.columns
            if required and places[c] is None
        ]
        rows = []
        for number, cells in enumerate(lines, 2):
            row = {c: cells[p] if p is not None and p < len(cells) else "" for c, p in places.items()}
            if any(row.values()):
                rows.append({"row": str(number), **row})
        return rows, faults

    def _page(self, status: int = 200, **context: Any) -> HttpResponse:
        return self.show(self.template, {"client_id": client_id_of(self.request), "columns": self.columns, **context}, status)
