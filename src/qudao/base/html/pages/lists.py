"""The list page: tabs with counts, search, filters, sort, columns, totals, saved views, bulk actions and export, all state in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.safestring import SafeString

from qudao.base import runs, saved, sheets
from qudao.base.access import Actor, visible
from qudao.base.html import exports, figures
from qudao.base.html.bulk import Bulk
from qudao.base.html.pages import prints
from qudao.base.html.pages.door import Button, Page, allowed, wanted
from qudao.base.html.sums import bounded_sums, tab_counts
from qudao.base.html.tables import LAST_PAGE, Papers, Tab, Table, address, bounded_counts, by_sorting, cap_of, walked
from qudao.base.models import Run
from qudao.base.search import first_numbers
from qudao.kernel.errors import Forbidden, NotFound

#: parameters that lead through a view and do not belong to it
KEPT = ("tab", "sort", "side", "columns", "view", "run")
#: so few rows of a filter are sorted after they are found: an index walked in order looks for rare ones through the whole history
PICKED = 1000


class ListPage(Page):
    """A list: tabs with counts, search, filters, sort and columns in the address, totals, views, export. Hooks: `buttons`, `bulk`, `prepare`, `more`."""

    #: query(actor) -> QuerySet of what the actor sees (made with base.access.visible)
    query: ClassVar[Callable[[Actor], QuerySet]]
    table: type[Table]
    template = "list.html"
    #: whether the page can show the rows of one bulk action (`run=`)
    shows_runs: ClassVar[bool] = True

    def buttons(self) -> Sequence[Button]:
        """Hook: the buttons of the head, the primary one last."""
        return ()

    def bulk(self) -> Sequence[Button | Bulk]:
        """Hook: what can be done with many rows: a `Bulk` (preview, report), or a POST Button that gets the chosen rows (field `pick`, many)."""
        return ()

    def papers(self, rows: Sequence[Any]) -> Papers:
        """Hook: row → (address, name) of the paper that its line offers, or of the one click that helps it; None for a list without."""
        kind = type(self).query(self.actor).model._meta.label_lower
        helps = {pk: (one.url, one.label, one.icon) for pk, one in offers_of(kind)(self.actor, rows).items()}
        return {**(prints.row_papers(kind, rows, self.actor) or {}), **helps} if helps else prints.row_papers(kind, rows, self.actor)

    def prepare(self, rows: list[Any]) -> list[Any]:
        """Hook: add to these rows what they show (one statement for all, never one a row)."""
        return rows

    def more(self) -> dict[str, Any]:
        """Hook: more context for an own template."""
        return {}

    def label(self, row: Any) -> Any:
        """Hook: what a row is called in the preview and the report of a bulk action."""
        return str(row)

    def odd(self, pks: Sequence[int]) -> list[int]:
        """Hook: which of these rows want a look before a bulk action, the worst first; its preview names them before the others."""
        return []

    # --- without a request: bulk actions and exports of this list ---

    @classmethod
    def path(cls) -> str:
        """The class as "package.module.Name", by which a job finds it again."""
        return f"{cls.__module__}.{cls.__qualname__}"

    @classmethod
    def standing_for(cls, actor: Actor) -> Self:
        """The page as this actor has it. Raises Forbidden when it is not open to them."""
        if cls.verb and not actor.can(cls.verb):
            raise Forbidden("base.forbidden", verb=cls.verb)
        page = cls()
        page.actor = actor
        return page

    @staticmethod
    def signed(mark: str, actor: Actor) -> ListPage:
        """The page a form of ours came from (`signed_path`). Raises NotFound for any other."""
        try:
            found: type[ListPage] = import_string(signing.loads(mark, salt="list"))
        except (signing.BadSignature, ImportError) as error:
            raise NotFound("base.not_found") from error
        return found.standing_for(actor)

    @classmethod
    def signed_path(cls) -> str:
        """What a form carries so that its answer comes back to this page."""
        return signing.dumps(cls.path(), salt="list")

    def bulk_named(self, name: str) -> Bulk:
        """The bulk of this name, as far as the actor has its verb; LookupError for any other."""
        for one in self.bulk():
            if isinstance(one, Bulk) and one.name == name and self.actor.can(one.verb):
                return one
        raise LookupError(name)

    def tab_of(self, table: Table, params: QueryDict) -> Tab | None:
        """The state tab of the address, the first one when it names none."""
        return next((t for t in table.tabs if t.name == params.get("tab")), table.tabs[0] if table.tabs else None)

    def base_rows(self, table: Table, params: QueryDict) -> QuerySet:
        """The rows of the search and the filters (of all tabs); with `run=` only those of one's own bulk action."""
        rows = type(self).query(self.actor)
        run = params.get("run", "")
        if run.isdecimal() and len(run) < 18 and self.actor.can("base.runs"):
            found = runs.runs(self.actor).filter(pk=int(run), page=self.path()).first()
            rows = rows.filter(pk__in=found.row_ids if found else [])
        return table.narrowed(rows, params)

    def rows(self, params: QueryDict) -> QuerySet:
        """All rows of an address, sorted."""
        table = self.table()
        base, tab = self.base_rows(table, params), self.tab_of(table, params)
        return (base.filter(tab.condition(self.actor)) if tab else base).order_by(*table.sorting(params)[2])

    def file_name(self, where: str) -> str:
        """A file's name without ending, after the address."""
        return urlsplit(where).path.strip("/").replace("/", "-") or "list"

    def export_run(self, run: Run) -> None:
        """A long export, by the job: the rows and columns of the run's address; or the chosen rows on paper."""
        if run.prints:
            prints.work_off(run, self.actor)
            return
        params = QueryDict(urlsplit(run.address).query)
        exports.work_off(self, run, self.rows(params), self.table().shown_columns(self.actor, params))

    # --- the page ---

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        table, params, actor = self.table(), request.GET, self.actor
        views = list(saved.views(actor, request.path)) if actor.can("base.views") and actor.user_id else []
        start = self._start(params, views)
        if start and not wanted(request):
            return HttpResponseRedirect(start)
        columns = table.shown_columns(actor, params)
        if params.get("export") in ("xlsx", "csv"):
            return self._export(params, params["export"])
        context = {**self._shown(table, params, columns, views), **self.more()}
        return self.show("parts/list.html" if wanted(request) == "list" else self.template, context)

    def _shown(self, table: Table, params: QueryDict, columns: Sequence[Any], views: Sequence[Any]) -> dict[str, Any]:
        """What the templates show: the tabs with their counts, the page's rows, sums, and what can be done."""
        actor, base, tab = self.actor, self.base_rows(table, params), self.tab_of(table, params)
        rows = self.rows(params)
        cap = cap_of(params)
        counts = self._counts(table, params, base, tab, cap)
        raw = params.get("page", "1")
        count = counts[tab.name if tab else ""]
        rows = self._sorted(rows, table, params, count)
        number = max(1, min(int(raw) if raw.isdecimal() and len(raw) < 9 else 1, LAST_PAGE))
        first = (number - 1) * table.per_page
        found = self.prepare(self._page_of(rows, params, count, slice(first, first + table.per_page + 1)))
        more, found = len(found) > table.per_page, found[: table.per_page]
        paged = more or number > 1
        whole = bounded_sums(table, rows, columns, actor) if paged and count <= cap else None
        bulk = self._offered(rows.model)
        edits, papers = self._edits(columns, found), self.papers(found)
        chips = table.chips(params, actor)
        words = [t.label for t in table.tabs[1:] if t is tab] + [c["value"] for c in chips]
        return {
            **_links(table, params, number, more),
            "table": table,
            "tabs": [
                {"label": t.label, "n": figures.count(counts[t.name], cap) if t.name in counts else "", "on": t is tab, "wrong": t.wrong and counts.get(t.name),
                 "url": address(params, tab=t.name, page=None)}
                for t in table.tabs
            ],
            "chips": chips,
            "fields": table.fields(params, actor),
            "heads": self._heads(table, columns, params, count),
            "body": table.body(found, columns, pick=bool(bulk), edits=edits, papers=papers),
            "papers": papers is not None,
            "printed": any(len(one) == 2 for one in (papers or {}).values()),
            "edits": any(edits.values()),
            "totals": table.totals(found, columns, whole),
            "of_all": bool(whole) or not paged,
            "shown": figures.count(len(found)),
            "count": figures.count(count, cap),
            "any": bool(found),
            # an empty tab of a list that has rows is no empty list
            "elsewhere": tab.label if tab and not count and any(n for name, n in counts.items() if name != tab.name) else "",
            "may_export": actor.can("base.export"),
            "choices": _choices(table.offered_columns(actor), columns),
            "views": _views(self.request, views, actor, words),
            "buttons": allowed(self.buttons(), actor),
            "bulk": [{"button": b, "preview": isinstance(b, Bulk)} for b in bulk],
            "mark": self.signed_path(),
            "all_count": figures.count(min(count, runs.MOST)) if bulk and paged else "",
        }  # fmt: skip

    def _counts(self, table: Table, params: QueryDict, base: QuerySet, tab: Tab | None, cap: int) -> dict[str, int]:
        """tab → its rows; "" when there are no tabs. A search is counted once, not once a tab."""
        tabs = {t.name: t.condition(self.actor) for t in table.tabs if t is tab or not params.get("q")} or {"": Q()}
        narrowed = tuple((k, v) for k, v in params.items() if k not in ("tab", "sort", "page", "columns", "view"))
        return tab_counts(base, tabs, cap, (self.path(), self.actor.org_id, self.actor.scope, narrowed), lambda name: table.along(name, params))

    def _page_of(self, rows: QuerySet, params: QueryDict, count: int, part: slice) -> list[Any]:
        """The rows of one page. What is searched for may be thousands: they are sorted by themselves, and only the page's are joined with what they show."""
        if not count:
            return []
        if not params.get("q") and not self._picked(params, count):
            return list(rows[part])
        ids = self._first_found(params, count, part) or list(rows.values_list("pk", flat=True)[part])
        by_id = {row.pk: row for row in type(self).query(self.actor).filter(pk__in=ids)} if ids else {}
        return [by_id[pk] for pk in ids if pk in by_id]

    def _first_found(self, params: QueryDict, count: int, part: slice) -> list[Any]:
        """The ids of one page of a search that found more than is counted, sorted where they were found; [] when most of those are not shown here."""
        if not self.table.numbered or params.get("sort") or count <= cap_of(params):
            return []
        first, unsearched = first_numbers(self.table.kind, params.get("q", ""), 2 * part.stop), params.copy()
        del unsearched["q"]
        shown = set(self.rows(unsearched).order_by().filter(pk__in=first).values_list("pk", flat=True))
        return [pk for pk in first if pk in shown][part] if len(shown) >= part.stop else []

    def _picked(self, params: QueryDict, count: int) -> bool:
        """Whether filters leave so few rows that they are found first and sorted then."""
        return count <= PICKED and any(params.get(f.name) for f in self.table.filters)

    def _sorted(self, rows: QuerySet, table: Table, params: QueryDict, count: int) -> QuerySet:
        """The rows in the order asked for. More than are counted come so only along an index; else as the list comes by itself."""
        name, _down, order = table.sorting(params)
        few = count <= cap_of(params)
        if not name or walked(rows.model, order[0]):
            return rows.order_by(*(by_sorting(order) if self._picked(params, count) or (name and few) else order))
        return rows.order_by(*(order if few else table.order))

    def _heads(self, table: Table, columns: Sequence[Any], params: QueryDict, count: int) -> list[dict[str, Any]]:
        """The heads; in a list longer than is counted only those sort along which an index walks."""
        heads, model = table.head(columns, params), type(self).query(self.actor).model
        for column, head in zip(columns, heads, strict=True):
            first = column.sort if isinstance(column.sort, str) else column.sort[0]
            if first and count > cap_of(params) and not walked(model, first):
                head.update(url="", aria="", down=False, up=False)
        return heads

    def _edits(self, columns: Sequence[Any], found: Sequence[Any]) -> dict[str, set[Any]]:
        """column → rows of this page whose cell the actor may edit: one statement a verb, none where no row's cell can be edited by anybody."""
        asked, reach = dict[str, set[Any]](), dict[str, set[Any]]()
        editable = {c.id: c.edit for c in columns if c.edit and self.actor.can(c.edit.verb)}
        for edit in editable.values():
            asked.setdefault(edit.verb, set()).update(row.pk for row in found if edit.when(row))
        for verb, pks in asked.items():
            reach[verb] = set(visible(self.actor, type(found[0]), verb).filter(pk__in=pks).values_list("pk", flat=True)) if pks else set()
        return {name: reach[edit.verb] for name, edit in editable.items()}

    def _offered(self, model: Any) -> list[Button | Bulk]:
        """What this actor may do with many rows, papers among it."""
        return [b for b in (*self.bulk(), *prints.bulk_buttons(model._meta.label_lower, self.actor)) if not b.verb or self.actor.can(b.verb)]

    def line(self, row: Any, params: QueryDict) -> SafeString:
        """One prepared row as the list of an address shows it."""
        table = self.table()
        columns = table.shown_columns(self.actor, params)
        return table.body([row], columns, pick=bool(self._offered(type(row))), edits=self._edits(columns, [row]), papers=self.papers([row]))

    def _start(self, params: QueryDict, views: Iterable[Any]) -> str:
        """Where an address goes on to: a bare one to the person's first view, `view=` alone to that view; "" when it says itself what it shows."""
        if "view" in params and set(params) == {"view"}:
            found = next((v for v in views if str(v.pk) == params["view"]), None)
        elif set(params) <= {"side"}:
            sides = (params.get("side", ""), "")
            found = next((v for v in views if v.first and QueryDict(v.query).get("side", "") in sides), None)
        else:
            return ""
        return f"?{found.query}&view={found.pk}".replace("?&", "?") if found else ""

    def _export(self, params: QueryDict, kind: str) -> HttpResponse:
        """Exactly the rows and columns shown, all pages of them, and a line in the log; more than can be waited for is a job."""
        if not self.actor.can("base.export"):
            raise Forbidden("base.forbidden", verb="base.export")
        rows, here = self.rows(params), f"{self.request.path}{address(params, export=None, page=None)}"
        number = bounded_counts({"": rows}, cap=sheets.AT_ONCE)[""]
        if number > sheets.AT_ONCE:
            mine = runs.runs(self.actor).filter(page=self.path(), doing=kind, address=here, ended_at=None)
            run = mine.first() or runs.start_run(runs.Task(self.path(), kind, here, total=rows.count()), actor=self.actor)
            return HttpResponseRedirect(reverse("job", args=[run.pk]))
        columns = self.table().shown_columns(self.actor, params)
        mark = sheets.mark_for(self.actor)
        body = exports.write(self, rows, columns, (kind, mark))
        sheets.log_export(str(self.title), number, mark, actor=self.actor)
        mime = sheets.XLSX if kind == "xlsx" else sheets.CSV
        return HttpResponse(body, content_type=mime, headers={"Content-Disposition": f'attachment; filename="{mark.named(self.file_name(here))}.{kind}"'})


@cache
def offers_of(kind: str) -> Callable[[Actor, Sequence[Any]], Mapping[Any, Button]]:
    """What an upper module offers at the rows of a kind: the explicit list of `qudao.web.panels`."""
    found = import_string(getattr(settings, "ROW_OFFERS", "qudao.web.panels.ROWS")).get(kind)
    return import_string(found) if found else lambda actor, rows: {}


def _links(table: Table, params: QueryDict, number: int, more: bool) -> dict[str, Any]:
    """The addresses that lead on from this one, and what its forms carry along."""
    names = [f.name for f in table.filters]
    return {
        "narrowed": any(params.get(k) for k in ("q", "run", *names)),
        "keep": [(k, v) for k in KEPT for v in params.getlist(k)],
        "keep_filters": [(k, v) for k, values in params.lists() for v in values if k not in ("q", "page", "export")],
        "keep_columns": [(k, v) for k, values in params.lists() for v in values if k not in ("columns", "page", "export")],
        "usual_columns": address(params, columns=None, page=None) if params.get("columns") else "",
        "q": params.get("q", ""),
        "without_run": address(params, run=None, page=None) if params.get("run") else "",
        "previous": address(params, page=number - 1) if number > 1 else "",
        "next": address(params, page=number + 1) if more and number < LAST_PAGE else "",
        "xlsx": address(params, export="xlsx", page=None),
        "csv": address(params, export="csv", page=None),
        "clear": address(params, page=None, q=None, run=None, **dict.fromkeys(names)),
        "query": params.urlencode(),
    }


def _choices(offered: dict[str, Any], shown: Sequence[Any]) -> list[dict[str, Any]]:
    """The menu of columns: name, label, whether it is shown; columns without a head cannot be chosen."""
    return [{"name": name, "label": c.label, "on": any(c is one for one in shown)} for name, c in offered.items() if c.label]


def _views(request: HttpRequest, views: Sequence[Any], actor: Actor, words: Sequence[Any]) -> dict[str, Any]:
    """The menu of saved views: which one is on, whether the address differs from it, and a name to propose."""
    now = saved.tidy(request.GET.urlencode())
    on = next((v for v in views if str(v.pk) == request.GET.get("view")), None) or next((v for v in views if v.query == now), None)
    return {
        "starts": on is not None and on.shared and actor.can("base.start_views"),
        "able": actor.can("base.views") and bool(actor.user_id),
        "items": [{"view": v, "url": f"?{v.query}&view={v.pk}".replace("?&", "?"), "on": v is on, "own": v.user_id == actor.user_id} for v in views],
        "on": on,
        "own": on is not None and on.user_id == actor.user_id,
        "changed": on is not None and on.query != now,
        "query": now,
        "propose": " ".join(str(w) for w in words)[:60],
    }
