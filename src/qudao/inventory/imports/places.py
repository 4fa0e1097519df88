"""Warehouses, and goods moved between them, from files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, differences, parted, touched_by
from qudao.catalog import queries as catalog
from qudao.inventory import queries, rules
from qudao.inventory.actions import OpeningLine, change_place, move_between_places, register_place, remove_places
from qudao.inventory.actions.places import check_shift, used_places
from qudao.inventory.models import Place
from qudao.inventory.rules import PlaceFacts
from qudao.inventory.states import PlaceKind
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.quantity import plain

FACTS = tuple(one.name for one in fields(PlaceFacts))


def _facts(place: Place) -> dict[str, Any]:
    return {name: getattr(place, name) for name in FACTS}


class Places(Kind):
    """The warehouses of the actor's organisation."""

    name, label, icon, verb, place = "inventory.places", _("Warehouses"), "building-warehouse", "inventory.manage_places", "places"
    about = _("A row with a new code opens a warehouse, one with a known code describes it anew; an empty cell keeps what is there. Nothing is closed.")
    columns = (
        Column("code", _("Code"), required=True, most=32, example=SAMPLE, also=("warehouse", "仓库编码", "仓库")),
        Column("name", _("Name"), most=120, example=_("East"), also=("warehouse name", "仓库名称")),
        Column("name_en", _("English name"), most=120, also=("英文名",)),
        Column("address", _("Address"), most=240, also=("street", "详细地址")),
        Column("contact", _("Contact"), most=80, also=("联系人",)),
        Column("phone", _("Phone"), most=40, also=("telephone", "mobile", "手机", "联系电话")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        self.known = {one.code: one for one in self._own()}

    def _own(self) -> Any:
        return visible(self.actor, Place, self.verb).filter(owner_id=self.actor.org_id, kind=PlaceKind.STOCK).order_by("code")

    def entry(self, row: Cells) -> Entry:
        code = row.text("code").upper()
        known = self.known.get(code)
        before = _facts(known) if known else asdict(PlaceFacts())
        facts = PlaceFacts(**{name: row.text(name, before[name]) for name in FACTS}).clean()
        label = f"{code} {facts.name}".strip()
        if known is None:
            return Entry(row.no, label, NEW, (code, facts))
        changes = differences(before, asdict(facts))
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, facts, before), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = [register_place(e.data[0], facts=e.data[1], actor=self.actor) for e in new]
        changed = {}
        for pk, e in old.items():
            after = _facts(change_place(pk, e.data[1], actor=self.actor))
            changed[pk] = {name: pair for name, *pair in differences(e.data[2], after)}
        return touched_by(new, made, old, changed)

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """A warehouse that something points at stays."""
        used = used_places(t.key for t in touched if t.is_new)
        now = {one.pk: _facts(one) for one in self._own().filter(pk__in=[t.key for t in touched])}

        def fault(one: Touched) -> Fault | None:
            if one.key not in now:
                return Fault("base.import_gone")
            if one.key in used:
                return Fault("base.import_built_on", "", {"where": used[one.key]})
            return changed_since(one, now[one.key])

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        remove_places([t.key for t in touched if t.is_new], actor=self.actor)
        now = {one.pk: _facts(one) for one in self._own().filter(pk__in=[t.key for t in touched])}
        for one in touched:
            if not one.is_new:
                change_place(one.key, PlaceFacts(**{**now[one.key], **one.before}), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        return ({"code": one.code, **_facts(one)} for one in self._own())


class Shifts(Kind):
    """Goods moved between own warehouses. A row moves a quantity, so the same file twice would move twice."""

    name, label, icon, verb, place = "inventory.shifts", _("Goods between warehouses"), "arrow-right", "inventory.move", "moves"
    about = _("A row moves a quantity from one own warehouse into another; what is reserved there stays.")
    adds = True
    columns = (
        Column("product", _("Product"), required=True, help=_("Its code."), example=SAMPLE, also=("SKU", "product code", "商品编码", "产品编码")),
        Column("qty", _("Quantity"), "number", required=True, help=_("In the base unit."), example="12", also=("数量", "调拨数量")),
        Column("from_place", _("From warehouse"), required=True, help=_("Its code."), example="MAIN", also=("from", "调出仓", "调出仓库")),
        Column("to_place", _("To warehouse"), required=True, help=_("Its code."), example="EAST", also=("to", "调入仓", "调入仓库")),
        Column("lot", _("Lot"), help=_("Empty: what expires first."), also=("batch", "lot no", "批号", "批次")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        mine = visible(self.actor, Place, self.verb).filter(owner_id=self.actor.org_id, kind=PlaceKind.STOCK, closed=False)
        self.places = dict(mine.values_list("code", "pk"))
        codes = {row.text("product") for row in rows}
        self.products = dict(catalog.products(self.actor).filter(code__in=codes).order_by().values_list("code", "pk"))
        self.tracked = queries.unscoped_known_products(self.products.values())
        self.free = queries.unscoped_held({(place, product) for place in self.places.values() for product in self.products.values()})

    def key(self, row: Cells) -> Any:
        return None

    def entry(self, row: Cells) -> Entry:
        ends = {name: self.places.get(row.text(name).upper()) for name in ("from_place", "to_place")}
        product, qty = self.products.get(row.text("product")), row.get("qty", Decimal(0))
        faults = [Fault("inventory.place_unknown", name) for name, found in ends.items() if found is None]
        if product is None:
            faults.append(Fault("inventory.no_product", "product"))
        if not rules.storable(qty):
            faults.append(Fault("inventory.quantity", "qty"))
        if not faults and ends["from_place"] == ends["to_place"]:
            faults.append(Fault("inventory.same_place", "to_place"))
        raise_if_any(faults, Invalid)
        assert product is not None and ends["from_place"] and ends["to_place"]
        line = OpeningLine(product, qty, row.text("lot").strip())
        try:
            check_shift([line], self.tracked)
        except Invalid as wrong:
            raise Invalid.of([Fault(one.code, "lot", one.params) for one in wrong.faults]) from wrong
        left = self.free.get((ends["from_place"], product), rules.ZERO)
        if left < qty:
            told = {"needed": plain(qty), "available": plain(left), "short": plain(qty - left)}
            raise Invalid.of([Fault("inventory.short", "qty", told)])
        if not row.faults:
            self.free[ends["from_place"], product] = left - qty
        label = f"{row.text('product')} · {row.text('from_place').upper()} → {row.text('to_place').upper()}"
        return Entry(row.no, label, NEW, (ends["from_place"], ends["to_place"], line))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        return self._move([(e.data, (e.row, e.label)) for e in entries], _now("Import of a file"))

    def _move(self, doing: Sequence[tuple[tuple[int, int, OpeningLine], tuple[int, str]]], reason: str) -> list[Touched]:
        """The lines of each pair of warehouses together."""
        touched = []
        for (source, target), group in groupby(sorted(doing, key=lambda one: one[0][:2]), key=lambda one: one[0][:2]):
            some = list(group)
            move_between_places(source, target, [data[2] for data, _row in some], reason, actor=self.actor)
            for (_source, _target, line), (row, label) in some:
                of = {"to": target, "product": line.product_id, "qty": str(line.qty), "lot": line.lot}
                touched.append(Touched(row, source, label, True, {}, of))
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement. What is no longer free where it was brought stays there."""
        free = queries.unscoped_held({(t.after["to"], t.after["product"]) for t in touched})
        found: dict[int, Fault] = {}
        for one in touched:
            at, qty = (one.after["to"], one.after["product"]), Decimal(one.after["qty"])
            left = free.get(at, rules.ZERO)
            if left < qty:
                found[one.row] = Fault("inventory.no_longer_free", "", {"qty": plain(qty), "free": plain(left)})
            else:
                free[at] = left - qty
        return found

    def take_back(self, touched: Sequence[Touched]) -> None:
        back = [((t.after["to"], t.key, OpeningLine(t.after["product"], Decimal(t.after["qty"]), t.after["lot"])), (t.row, t.label)) for t in touched]
        self._move(back, _now("Import undone"))
