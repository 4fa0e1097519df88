"""The chart of accounts and what goes where, from files: what is there stays as it is where the file says the same. So a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.base.import_sheets import Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Touched, differences, parted, touched_by
from qudao.base.importing import Kind as File
from qudao.catalog import queries as products
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.ledger import queries, rules
from qudao.ledger.actions import map_all, remove_chart_accounts, remove_homes, save_chart_accounts
from qudao.ledger.models import ChartAccount
from qudao.ledger.models import Mapping as Home
from qudao.ledger.rules import ChartFacts, HomeFacts
from qudao.ledger.states import Account, Kind

FIELDS = ("name", "name_en", "kind")


def _facts(one: ChartAccount) -> dict[str, Any]:
    return {name: getattr(one, name) for name in FIELDS}


class Chart(File):
    """The accounts of the own chart, by code."""

    name, label, icon, verb, place = "ledger.chart", _("Chart of accounts"), "list", "ledger.edit_chart", "chart"
    about = _("A row adds an account to your chart, or renames the one with its code; an empty cell keeps what is there.")
    model = ChartAccount
    columns = (
        Column("code", _("Code"), required=True, example="600101", also=("account", "account code", "科目编码", "科目代码"), most=20),
        Column("name", _("Name"), help=_("Needed for a new one."), example="主营业务收入－手机", also=("account name", "科目名称"), most=80),
        Column("name_en", _("English name"), also=("english", "英文名称"), most=80),
        Column("kind", _("Kind"), "choice", choices=Kind, help=_("Needed for a new one."), example=Kind.INCOME.label, also=("type", "科目类别", "类别")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        self.known = {one.code: one for one in queries.chart(self.actor).prefetch_related(None).filter(code__in={row.text("code") for row in rows})}

    def key(self, row: Cells) -> Any:
        return row.text("code")

    def entry(self, row: Cells) -> Entry:
        known = self.known.get(row.text("code"))
        usual = _facts(known) if known else {"name": "", "name_en": "", "kind": ""}
        facts = {name: row.get(name, usual[name]) for name in FIELDS}
        draft = ChartFacts(row.text("code"), **facts)
        raise_if_any(rules.chart_faults(draft), Invalid)
        label = f"{draft.code} {draft.name}"
        if known is None:
            return Entry(row.no, label, NEW, draft)
        changes = differences(usual, facts)
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, draft, usual), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = save_chart_accounts([e.data for e in new], actor=self.actor)
        save_chart_accounts([e.data[1] for e in old.values()], actor=self.actor)
        changed = {pk: {name: [before, after] for name, before, after in e.changes} for pk, e in old.items()}
        return touched_by(new, made, old, changed)

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: _facts(one) for one in queries.chart(self.actor).prefetch_related(None).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        rows = {one.pk: one for one in queries.chart(self.actor).prefetch_related(None).filter(pk__in=[t.key for t in touched if not t.is_new])}
        back = [ChartFacts(rows[t.key].code, **_facts(rows[t.key]) | dict(t.before)) for t in touched if not t.is_new]
        save_chart_accounts(back, actor=self.actor)
        remove_chart_accounts([t.key for t in touched if t.is_new], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.chart(self.actor).prefetch_related(None):
            yield {"code": one.code, **_facts(one)}


class Homes(File):
    """What goes where: for each kind of posting its account of the own chart, also by category and tax rate."""

    name, label, icon, verb, place = "ledger.homes", _("What goes where"), "arrows-sort", "ledger.edit_chart", "chart"
    about = _("A row says to which account of your chart a kind of posting goes, all of it or of a category or tax rate; the most exact row counts.")
    model = Home
    columns = (
        Column("posting", _("Kind of posting"), "choice", required=True, choices=Account, example=Account.REVENUE.label, also=("event", "业务", "过账类型")),
        Column("code", _("Code"), required=True, help=_("Of an account of your chart."), example="5001", also=("account", "科目编码", "科目代码"), most=20),
        Column("category", _("Category"), help=_("Its code; with all below it. Only for revenue and purchases."), also=("product line", "商品类别")),
        Column("tax_rate", _("Tax rate"), "share", help=_("13 % is written 0.13 or 13%."), also=("VAT", "tax", "税率")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        self.codes = set(queries.chart(self.actor).prefetch_related(None).values_list("code", flat=True))
        self.known = {_told_apart(one): one for one in queries.all_homes(self.actor)}
        named = {row.text("category") for row in rows if row.text("category")}
        self.categories = dict(products.categories(self.actor).filter(code__in=named).values_list("code", "pk")) if named else {}

    def key(self, row: Cells) -> Any:
        return row.text("posting"), row.text("category"), row.get("tax_rate")

    def entry(self, row: Cells) -> Entry:
        posting, code, category = row.get("posting"), row.text("code"), row.text("category")
        faults = [] if code in self.codes else [Fault("ledger.chart_account", "code", {"code": code})]
        faults += [Fault("ledger.category", "category", {"code": category})] if category and category not in self.categories else []
        if posting is None:  # the cell says what is wrong with it
            raise_if_any(faults, Invalid)
            return Entry(row.no, code, SAME)
        facts = HomeFacts(posting, code, self.categories.get(category), row.get("tax_rate"))
        raise_if_any(faults + rules.home_faults(facts), Invalid)
        known = self.known.get((posting, facts.category_id, facts.tax_rate))
        rate = "" if facts.tax_rate is None else f"{facts.tax_rate * 100:g}%"
        label = " ".join(str(word) for word in (Account(posting).label, category, rate, "→", code) if word)
        if known is None:
            return Entry(row.no, label, NEW, facts)
        same = known.chart.code == code
        return Entry(row.no, label, SAME if same else CHANGED, (known.pk, facts, known.chart.code), () if same else (("code", known.chart.code, code),))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = map_all([e.data for e in new], actor=self.actor)
        map_all([e.data[1] for e in old.values()], actor=self.actor)
        return touched_by(new, made, old, {pk: {"code": [e.data[2], e.data[1].code]} for pk, e in old.items()})

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: {"code": one.chart.code} for one in queries.all_homes(self.actor).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        rows = {one.pk: one for one in queries.all_homes(self.actor).filter(pk__in=[t.key for t in touched])}
        back = [(rows[t.key], t.before["code"]) for t in touched if not t.is_new]
        map_all([HomeFacts(one.account, code, one.category_id, one.tax_rate) for one, code in back], actor=self.actor)
        remove_homes([t.key for t in touched if t.is_new], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in sorted(queries.all_homes(self.actor), key=lambda one: list(Account).index(Account(one.account))):
            yield {"posting": one.account, "code": one.chart.code, "category": one.category.code if one.category else "", "tax_rate": one.tax_rate}


def _told_apart(one: Home) -> tuple[str, int | None, Any]:
    return one.account, one.category_id, one.tax_rate


KINDS = (Chart, Homes)
