"""Brands, and tax classes with their rates by day, from files. A file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences, parted, touched_by
from qudao.catalog import queries
from qudao.catalog.actions import change_brand, change_tax_class, register_brand, register_tax_class, remove_brand, set_tax_rate
from qudao.catalog.models import Brand
from qudao.catalog.rules import BrandDraft, TaxClassDraft
from qudao.kernel.errors import Fault, Invalid, raise_if_any

NAMES = ("code", "name", "name_en")


def _names(row: Any) -> dict[str, str]:
    return {name: getattr(row, name) for name in NAMES}


class Brands(Kind):
    """The brands of the actor's organisation."""

    name, label, icon, verb, place = "catalog.brands", _("Brands"), "star", "catalog.edit", "brands"
    about = _("A row with a new code makes a brand, one with a known code renames it; an empty cell keeps what is there.")
    model = Brand
    columns = (
        Column("code", _("Code"), required=True, most=64, example=SAMPLE, also=("brand code", "品牌编码")),
        Column("name", _("Name"), most=120, help=_("Needed for a new brand."), example=_("Lanhe"), also=("brand", "品牌", "品牌名称")),
        Column("name_en", _("English name"), most=120, also=("英文名",)),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        queries.require_acting(self.actor, self.actor.org_id, self.verb)
        self.known = {one.code: one for one in self._own()}

    def _own(self) -> Any:
        return queries.brands(self.actor).filter(owner_id=self.actor.org_id)

    def key(self, row: Cells) -> Any:
        return row.text("code")

    def entry(self, row: Cells) -> Entry:
        known = self.known.get(row.text("code"))
        before = _names(known) if known else dict.fromkeys(NAMES, "")
        draft = BrandDraft(row.text("code"), row.text("name", before["name"]), row.text("name_en", before["name_en"]))
        if not draft.name.strip():
            raise Invalid("catalog.brand_incomplete", field="name")
        label = f"{draft.code} {draft.name}"
        if known is None:
            return Entry(row.no, label, NEW, draft)
        changes = differences(before, _names(draft))
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, draft, before), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = [register_brand(self.actor.org_id, e.data, actor=self.actor) for e in new]
        changed = {}
        for pk, e in old.items():
            after = _names(change_brand(pk, e.data[1], actor=self.actor))
            changed[pk] = {name: pair for name, *pair in differences(e.data[2], after)}
        return touched_by(new, made, old, changed)

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        return {one.pk: _names(one) for one in self._own().filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        now = self.now([t.key for t in touched])
        for one in touched:
            if one.is_new:
                remove_brand(one.key, actor=self.actor)
            else:
                change_brand(one.key, BrandDraft(**{**now[one.key], **one.before}), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        return (_names(one) for one in self._own())


class TaxClasses(Kind):
    """The tax classes of the actor's organisation: a row for each rate and its first day. What was billed keeps its rate, so nothing is taken back."""

    name, label, icon, verb, place = "catalog.tax_classes", _("Tax classes"), "receipt-2", "catalog.edit", "tax_classes"
    about = _("A row is a rate of a tax class from a day on; a new code makes the class. A known class is renamed, and a rate of the same day replaced.")
    undoable = False
    columns = (
        Column("code", _("Code"), required=True, most=64, example=SAMPLE, also=("tax class", "税类编码", "税类")),
        Column("name", _("Name"), most=120, help=_("Needed for a new class."), example="VAT 13 %", also=("税类名称",)),
        Column("name_en", _("English name"), most=120, also=("英文名",)),
        Column("exempt", _("Exempt"), "flag", help=_("Of a new class; its rate is 0."), example=_("no"), also=("tax exempt", "免税")),
        Column("rate", _("Tax rate"), "share", required=True, help=_("13 % is written 0.13 or 13%."), example="0.13", also=("VAT", "tax", "税率")),
        Column("valid_from", pgettext_lazy("validity", "From"), "day", required=True, example="2026-01-01", also=("start", "生效日期", "开始日期")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements."""
        queries.require_acting(self.actor, self.actor.org_id, self.verb)
        self.known = {one.code: one for one in queries.tax_classes(self.actor).filter(owner_id=self.actor.org_id)}
        self.rates = {(one.tax_class.code, one.valid_from): one.rate for one in self._own()}
        #: what rows before have made of a class
        self.names = {code: _names(one) | {"exempt": one.exempt} for code, one in self.known.items()}

    def _own(self) -> Any:
        return queries.tax_rates(self.actor).filter(tax_class__owner_id=self.actor.org_id)

    def key(self, row: Cells) -> Any:
        return row.text("code"), row.get("valid_from")

    def entry(self, row: Cells) -> Entry:
        code, rate, since = row.text("code"), row.get("rate"), row.get("valid_from")
        known = self.names.get(code)
        before: dict[str, Any] = known or {**dict.fromkeys(NAMES, ""), "exempt": bool(row.get("exempt"))}
        after = {"code": code, "name": row.text("name", before["name"]), "name_en": row.text("name_en", before["name_en"]), "exempt": before["exempt"]}
        faults = [] if after["name"].strip() else [Fault("catalog.tax_class_incomplete", "name")]
        if known and row.get("exempt", known["exempt"]) != known["exempt"]:
            faults.append(Fault("catalog.tax_exempt_stays", "exempt"))
        if rate is not None and not 0 <= rate < 1:
            faults.append(Fault("catalog.tax_rate_wrong", "rate"))
        elif rate and after["exempt"]:
            faults.append(Fault("catalog.tax_exempt", "rate"))
        raise_if_any(faults, Invalid)
        if not row.faults:
            self.names[code] = after
        label, was = f"{code} {after['name']}", self.rates.get((code, since))
        if was is None:
            return Entry(row.no, label, NEW, (after, rate, since))
        changes = (*differences(before, after), *differences({"rate": was}, {"rate": rate}))
        return Entry(row.no, label, CHANGED if changes else SAME, (after, rate, since), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        own = {one.code: one for one in queries.tax_classes(self.actor).filter(owner_id=self.actor.org_id)}
        rates, touched = {(one.tax_class.code, one.valid_from): one.rate for one in self._own()}, []
        for e in entries:
            after, rate, since = e.data
            code, names = after["code"], {name: after[name] for name in NAMES}
            if code not in own:
                draft = TaxClassDraft(**names, rate=rate, valid_from=since, exempt=after["exempt"])
                own[code] = register_tax_class(self.actor.org_id, draft, actor=self.actor)
            else:
                if _names(own[code]) != names:
                    own[code] = change_tax_class(own[code].pk, BrandDraft(**names), actor=self.actor)
                if rates.get((code, since)) != rate:
                    set_tax_rate(own[code].pk, rate, since, actor=self.actor)
            touched.append(Touched(e.row, own[code].pk, e.label, e.what == NEW, {}, {"rate": str(rate), "valid_from": str(since)}))
        return touched

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in self._own():
            yield {**_names(one.tax_class), "exempt": one.tax_class.exempt, "rate": one.rate, "valid_from": one.valid_from}
