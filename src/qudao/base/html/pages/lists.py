"""The list page: tabs with counts, search, filters, sort, totals and export, all state in the address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from qudao.base import sheets
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages.door import Button, Page, allowed, wanted
from qudao.base.html.tables import CAP, LAST_PAGE, Table, address, bounded_counts


class ListPage(Page):
    """A list: tabs with counts, search, filters and sort in the address, totals, export. Hooks: `buttons`, `bulk`, `prepare`, `more`."""

    #: query(actor) -> QuerySet of what the actor sees (made with base.access.visible)
    query: ClassVar[Callable[[Actor], QuerySet]]
    table: type[Table]
    template = "list.html"

    def buttons(self) -> Sequence[Button]:
        """Hook: the buttons of the head, the primary one last."""
        return ()

    def bulk(self) -> Sequence[Button]:
        """Hook: POST actions on the chosen rows (field `pick`, many)."""
        return ()

    def prepare(self, rows: list[Any]) -> list[Any]:
        """Hook: add to the page's rows what they show (one statement for all, never one a row)."""
        return rows

    def more(self) -> dict[str, Any]:
        """Hook: more context for an own template."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        table, params, actor = self.table(), request.GET, self.actor
        base = table.narrowed(type(self).query(actor), params)
        tab = next((t for t in table.tabs if t.name == params.get("tab")), table.tabs[0] if table.tabs else None)
        rows = base.filter(tab.condition(actor)) if tab else base
        rows = rows.order_by(*table.sorting(params)[2])
        columns = table.shown_columns(actor)
        if params.get("export") in ("xlsx", "csv"):
            return self._export(rows, columns, params["export"])
        counted = [t for t in table.tabs if t is tab or not params.get("q")]  # a search is counted once, not once a tab
        counts = bounded_counts({t.name: base.filter(t.condition(actor)) for t in counted} if table.tabs else {"": base})
        number = int(params.get("page", "1")) if params.get("page", "1").isdigit() else 1
        number = max(1, min(number, LAST_PAGE))
        start = (number - 1) * table.per_page
        found = self.prepare(list(rows[start : start + table.per_page + 1]))
        more, found = len(found) > table.per_page, found[: table.per_page]
        count = counts[tab.name if tab else ""]
        bulk = allowed(self.bulk(), actor)
        context = {
            "table": table,
            "tabs": [
                {"label": t.label, "n": figures.count(counts[t.name], CAP) if t.name in counts else "", "on": t is tab, "wrong": t.wrong and counts.get(t.name),
                 "url": address(params, tab=t.name, page=None)}
                for t in table.tabs
            ],
            "chips": table.chips(params, actor),
            "fields": table.fields(params, actor),
            "heads": table.head(columns, params),
            "body": table.body(found, columns, pick=bool(bulk)),
            "totals": table.totals(found, columns),
            "shown": figures.count(len(found)),
            "count": figures.count(count, CAP),
            "any": bool(found),
            "narrowed": any(params.get(k) for k in ("q", *(f.name for f in table.filters))),
            "keep": [(k, v) for k, v in params.items() if k in ("tab", "sort", "side")],
            "keep_filters": [(k, v) for k, v in params.items() if k not in ("q", "page", "export")],
            "q": params.get("q", ""),
            "previous": address(params, page=number - 1) if number > 1 else "",
            "next": address(params, page=number + 1) if more and number < LAST_PAGE else "",
            "xlsx": address(params, export="xlsx", page=None) if actor.can("base.export") else "",
            "csv": address(params, export="csv", page=None),
            "clear": address(params, page=None, q=None, **{f.name: None for f in table.filters}),
            "buttons": allowed(self.buttons(), actor),
            "bulk": bulk,
            **self.more(),
        }  # fmt: skip
        return self.show("parts/list.html" if wanted(request) == "list" else self.template, context)

    def _export(self, rows: QuerySet, columns: Sequence[Any], kind: str) -> HttpResponse:
        """Exactly the rows and columns shown, all pages of them (at most `sheets.LIMIT`), and a line in the log."""
        found = self.prepare(list(rows[: sheets.LIMIT]))
        sheets.log_export(str(self.title), len(found), actor=self.actor)
        write, mime = (sheets.write_xlsx, sheets.XLSX) if kind == "xlsx" else (sheets.write_csv, sheets.CSV)
        body = write([c.label for c in columns], [[c.value(row) for c in columns] for row in found])
        name = f"{self.request.path.strip('/').replace('/', '-') or 'list'}.{kind}"
        return HttpResponse(body, content_type=mime, headers={"Content-Disposition": f'attachment; filename="{name}"'})
