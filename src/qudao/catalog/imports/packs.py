"""Packs from a file: a known name changes that pack of the product, a new one adds it. So a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences, kept
from qudao.catalog import queries, rules
from qudao.catalog.actions import remove_packs, set_packs
from qudao.catalog.models import Pack
from qudao.catalog.rules import PackDraft
from qudao.kernel.errors import Fault, Invalid, raise_if_any

TOLD = ("name_en", "factor", "gtin")


def _facts(pack: Pack) -> dict[str, Any]:
    return {name: getattr(pack, name) for name in TOLD}


class Packs(Kind):
    """The larger units of the products of the actor's organisation."""

    name, label, icon, verb, place = "catalog.packs", _("Packs"), "packages", "catalog.edit", "products"
    about = _("A row gives a product a larger unit, or changes the one of this name; an empty cell keeps what is there.")
    model = Pack
    columns = (
        Column("product", _("Product"), required=True, most=64, help=_("Its code."), example=SAMPLE, also=("SKU", "product code", "商品编码", "产品编码")),
        Column("name", _("Name of the pack"), required=True, most=40, example=_("box"), also=("pack", "unit", "包装", "包装单位", "单位")),
        Column("name_en", _("English name"), most=40, also=("英文名",)),
        Column("factor", _("Base units in one"), "number", help=_("Needed for a new pack."), example="12", also=("factor", "quantity", "换算率", "装箱数")),
        Column("gtin", _("Barcode"), most=20, help=_("GTIN with 8, 12, 13 or 14 digits."), example="16901234567899", also=("GTIN", "EAN", "条形码")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        queries.require_acting(self.actor, self.actor.org_id, self.verb)
        own = queries.products(self.actor).filter(owner_id=self.actor.org_id).order_by()
        self.products = dict(own.filter(code__in={row.text("product") for row in rows}).values_list("code", "pk"))
        self.known = {(one.product_id, one.name): one for one in queries.all_packs(self.actor).filter(product_id__in=self.products.values())}
        wanted = {rules.gtin14(row.text("gtin")) or "" for row in rows} - {""}
        found = queries.unscoped_gtin_holders(self.actor.org_id, wanted) if wanted else []
        self.holders = {gtin: (code, pk, pack) for gtin, code, pk, pack in found}

    def key(self, row: Cells) -> Any:
        return row.text("product"), row.text("name")

    def entry(self, row: Cells) -> Entry:
        product, name = self.products.get(row.text("product")), row.text("name")
        if product is None:
            raise Invalid("catalog.product_unknown", field="product")
        known = self.known.get((product, name))
        before = _facts(known) if known else {"name_en": "", "factor": Decimal(0), "gtin": ""}
        if known is None and row.get("factor") is None:
            raise Invalid("base.import_empty", field="factor")
        draft = PackDraft(product, name, **{one: row.get(one, before[one]) for one in TOLD}).clean()
        faults, digits = rules.pack_faults(draft), rules.gtin14(draft.gtin) or ""
        code, pk, pack = self.holders.setdefault(digits, (row.text("product"), product, name)) if digits else ("", product, name)
        if (pk, pack) != (product, name):
            faults.append(Fault("catalog.gtin_taken", "gtin", {"code": code}))
        raise_if_any(faults, Invalid)
        changes = differences(before, {"name_en": draft.name_en, "factor": draft.factor, "gtin": digits}) if known else ()
        label = f"{row.text('product')} · {name}"
        return Entry(row.no, label, NEW if known is None else CHANGED if changes else SAME, draft, changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        doing = [e for e in entries if e.what != SAME]
        made = set_packs([e.data for e in doing], actor=self.actor)
        touched = []
        for e, one in zip(doing, made, strict=True):
            was, now = ({name: kept(pair[n]) for name, *pair in e.changes} for n in (0, 1))
            touched.append(Touched(e.row, one.pk, e.label, e.what == NEW, was, now))
        return touched

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        return {one.pk: _facts(one) for one in queries.all_packs(self.actor).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        standing = {one.pk: one for one in queries.all_packs(self.actor).filter(pk__in=[t.key for t in touched])}
        back = []
        for one in touched:
            if not one.is_new:
                pack = standing[one.key]
                facts = {**_facts(pack), **one.before}
                back.append(PackDraft(pack.product_id, pack.name, **facts | {"factor": Decimal(facts["factor"])}))
        set_packs(back, actor=self.actor)
        remove_packs([t.key for t in touched if t.is_new], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.all_packs(self.actor).filter(product__owner_id=self.actor.org_id).iterator(chunk_size=2000):
            yield {"product": one.product.code, "name": one.name, **_facts(one)}
