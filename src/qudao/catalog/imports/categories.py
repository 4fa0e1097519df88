"""The tree of categories from a file: known codes are renamed or hung elsewhere, new ones made. `under` may name an earlier row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences
from qudao.catalog import queries
from qudao.catalog.actions import CategoryDraft, change_category, register_category, remove_category
from qudao.catalog.models import Category
from qudao.kernel.errors import Fault, Invalid, raise_if_any

#: what stands in the column `under` for the top of the tree; an empty cell keeps where a category stands
TOP = "/"


class Categories(Kind):
    """The tree of the actor's organisation."""

    name, label, icon, verb, place = "catalog.categories", _("Categories"), "sitemap", "catalog.edit", "categories"
    about = _("A row with a new code makes a category, one with a known code renames it or hangs it elsewhere; an empty cell keeps what is there.")
    model = Category
    columns = (
        Column("code", _("Code"), required=True, most=64, example=SAMPLE, also=("category code", "类别编码", "分类编码")),
        Column("name", _("Name"), most=120, help=_("Needed for a new category."), example=_("Fans"), also=("category", "类别", "分类", "类别名称")),
        Column("name_en", _("English name"), most=120, also=("英文名",)),
        Column(
            "under", pgettext_lazy("tree", "Under"), most=64, help=_("The code of the category above, also of an earlier row; / is the top."),
            also=("parent", "parent category", "上级", "上级类别", "上级分类"),
        ),
    )  # fmt: skip

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        queries.require_acting(self.actor, self.actor.org_id, self.verb)
        own = list(self._own())
        self.known = {one.code: one for one in own}
        codes = {one.pk: one.code for one in own}
        self.judged: set[str] = set()
        #: code → the code above, as the rows before have left it
        self.above = {one.code: codes.get(one.parent_id, "") for one in own}

    def _own(self) -> Any:
        return queries.categories(self.actor).filter(owner_id=self.actor.org_id)

    def key(self, row: Cells) -> Any:
        return row.text("code")

    def entry(self, row: Cells) -> Entry:
        code = row.text("code")
        known = self.known.get(code)
        before = {"name": known.name, "name_en": known.name_en, "under": self.above[code]} if known else {"name": "", "name_en": "", "under": ""}
        after = {name: row.text(name, before[name]) for name in before}
        after["under"] = "" if after["under"] == TOP else after["under"]
        faults = [] if after["name"].strip() else [Fault("catalog.name_missing", "name")]
        if after["under"] and after["under"] not in self.above:
            faults.append(Fault("catalog.category_unknown", "under"))
        elif code in self._line(after["under"]):
            faults.append(Fault("catalog.category_loop", "under"))
        raise_if_any(faults, Invalid)
        if not row.faults and code not in self.judged:  # what stands below a wrong row is wrong too
            self.judged.add(code)
            self.above[code] = after["under"]
        changes = differences(before, after) if known else ()
        what = NEW if known is None else CHANGED if changes else SAME
        return Entry(row.no, f"{code} {after['name']}", what, (known.pk if known else None, code, after), changes)

    def _line(self, code: str) -> list[str]:
        """A category and all above it, as the file would leave the tree."""
        line: list[str] = []
        while code:
            line.append(code)
            code = self.above[code]
        return line

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        ids, touched = dict(self._own().values_list("code", "pk")), []
        for e in entries:
            if e.what != SAME:
                pk, code, after = e.data
                draft = CategoryDraft(code, after["name"], after["name_en"], ids[after["under"]] if after["under"] else None)
                if pk is None:
                    ids[code] = register_category(self.actor.org_id, draft, actor=self.actor).pk
                else:
                    change_category(pk, draft, actor=self.actor)
                changed = {name: pair for name, *pair in e.changes}
                touched.append(
                    Touched(
                        e.row, ids[code], e.label, pk is None, {name: pair[0] for name, pair in changed.items()}, {n: pair[1] for n, pair in changed.items()}
                    )
                )
        return touched

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """One statement."""
        found = self._own().filter(pk__in=keys)
        return {one.pk: {"code": one.code, "name": one.name, "name_en": one.name_en, "under": one.parent.code if one.parent else ""} for one in found}

    def take_back(self, touched: Sequence[Touched]) -> None:
        now, ids = self.now([t.key for t in touched]), dict(self._own().values_list("code", "pk"))
        for one in touched:
            if not one.is_new:
                facts = {**now[one.key], **one.before}
                draft = CategoryDraft(facts["code"], facts["name"], facts["name_en"], ids.get(facts["under"]))
                change_category(one.key, draft, actor=self.actor)
        for one in reversed(touched):
            if one.is_new:
                remove_category(one.key, actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in self._own():
            yield {"code": one.code, "name": one.name, "name_en": one.name_en, "under": one.parent.code if one.parent else TOP}
