"""Products from a file: new codes are registered, known ones described anew, what is the same stays untouched. So a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences, parted, touched_by
from qudao.catalog import queries, rules
from qudao.catalog.actions import change_products, register_products, remove_products
from qudao.catalog.models import Product
from qudao.catalog.rules import ProductDraft
from qudao.kernel.errors import Fault, Invalid, raise_if_any

FIELDS = tuple(one.name for one in fields(ProductDraft))


def _facts(product: Product) -> dict[str, Any]:
    return {name: getattr(product, name) for name in FIELDS}


class Products(Kind):
    """The catalogue of the actor's organisation. An empty cell takes the usual value, or keeps what a known product has."""

    name, label, icon, verb, place = "catalog.products", _("Products"), "packages", "catalog.edit", "products"
    about = _("A row with a new code registers a product, one with a known code describes it anew; an empty cell keeps what is there.")
    model = Product
    columns = (
        Column("code", _("Code"), required=True, example=SAMPLE, also=("product code", "item code", "SKU", "商品编码", "产品编码", "货号", "物料编码", "编号")),
        Column("name", _("Name"), help=_("Needed for a new product."), example=_("Standing fan"), also=("product name", "品名", "商品名称", "产品名称")),
        Column("name_en", _("English name"), also=("英文名", "英文品名")),
        Column("unit", _("Base unit"), help=_("Stock and prices are kept in it."), example=_("pcs"), also=("unit", "UOM", "单位", "计量单位")),
        Column("tax_rate", _("Tax rate"), "share", help=_("13 % is written 0.13 or 13%."), example="0.13", also=("VAT", "tax", "税率")),
        Column("tax_class", _("Tax class"), help=_("Code of a tax class; its rate is taken."), also=("tax class", "税收分类", "税类")),
        Column("gtin", _("Barcode"), help=_("GTIN with 8, 12, 13 or 14 digits."), example="6901234567892", also=("GTIN", "EAN", "条形码", "国际条码")),
        Column("category", _("Category"), help=_("Code or name of a category that exists."), also=("group", "分类", "类别", "品类")),
        Column("brand", _("Brand"), help=_("Code or name of a brand that exists."), also=("brand", "品牌")),
        Column("weight", _("Weight"), "number", help=_("Kilograms of one base unit."), also=("weight", "kg", "重量", "毛重")),
        Column("volume", _("Volume"), "number", help=_("Cubic metres of one base unit."), also=("volume", "m3", "体积")),
        Column("min_qty", _("Smallest quantity"), "number", example="1", also=("MOQ", "minimum", "起订量")),
        Column("pack_multiple", _("Quantity step"), "number", help=_("Ordered in whole multiples of it."), example="1", also=("step", "multiple", "倍数")),
        Column("max_qty", _("Largest quantity"), "number", help=_("Of one order; 0: as much as one likes."), also=("maximum", "max", "限购量", "最大订购量")),
        Column("lead_days", _("Lead time"), "number", help=_("Working days until it leaves; 0: as the terms say."), also=("lead days", "交期", "备货天数")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Five statements."""
        queries.require_acting(self.actor, self.actor.org_id, self.verb)
        own = queries.products(self.actor).filter(owner_id=self.actor.org_id).order_by()
        self.known = {one.code: one for one in own.filter(code__in={row.text("code") for row in rows})}
        self.barcodes = dict(own.filter(gtin__in={rules.gtin14(row.text("gtin")) or "-" for row in rows}).values_list("gtin", "code"))
        groups = list(queries.categories(self.actor).filter(owner_id=self.actor.org_id).values_list("pk", "code", "name"))
        self.groups = {name: pk for pk, _code, name in groups} | {code: pk for pk, code, _name in groups}
        marks = list(queries.brands(self.actor).filter(owner_id=self.actor.org_id).values_list("pk", "code", "name"))
        self.brands = {name: pk for pk, _code, name in marks} | {code: pk for pk, code, _name in marks}
        mine = queries.tax_classes(self.actor).filter(owner_id=self.actor.org_id, today__isnull=False)
        taxes = list(mine.values_list("code", "pk", "today"))
        self.taxes = {code: (pk, rate) for code, pk, rate in taxes}
        self.tax_names = {pk: code for code, pk, _rate in taxes}
        self.brand_names = {pk: name for pk, _code, name in marks}
        self.group_names = {pk: name for pk, _code, name in groups}

    def key(self, row: Cells) -> Any:
        return row.text("code")

    def entry(self, row: Cells) -> Entry:
        product = self.known.get(row.text("code"))
        usual = _facts(product) if product else asdict(ProductDraft("", ""))
        said = {name: row.get(name, usual[name]) for name in FIELDS if name not in ("code", "category_id", "brand_id", "tax_class_id")}
        days = said["lead_days"]
        said["lead_days"] = int(days) if days == int(days) else -1  # half a day is refused as any other that is none
        group, brand = row.text("category"), row.text("brand")
        said |= {"category_id": self.groups.get(group, usual["category_id"]), "brand_id": self.brands.get(brand, usual["brand_id"])}
        if tax := row.text("tax_class"):
            said |= dict(zip(("tax_class_id", "tax_rate"), self.taxes.get(tax, (None, said["tax_rate"])), strict=True))
        elif row.get("tax_rate") is None or said["tax_rate"] == usual["tax_rate"]:
            said["tax_class_id"] = usual["tax_class_id"]
        draft = ProductDraft(code=row.text("code"), **said)
        faults = rules.draft_faults(draft)
        if group and group not in self.groups:
            faults.append(Fault("catalog.category_unknown", "category"))
        if tax and tax not in self.taxes:
            faults.append(Fault("catalog.tax_class_unknown", "tax_class"))
        if brand and brand not in self.brands:
            faults.append(Fault("catalog.brand_unknown", "brand"))
        barcode = rules.gtin14(draft.gtin) or ""
        holder = self.barcodes.setdefault(barcode, draft.code) if barcode else draft.code
        if holder != draft.code:
            faults.append(Fault("catalog.gtin_taken", "gtin", {"code": holder}))
        raise_if_any(faults, Invalid)
        label = f"{draft.code} {draft.name}"
        if product is None:
            return Entry(row.no, label, NEW, draft)
        after = {name: getattr(draft, name) for name in FIELDS} | {"gtin": barcode}
        named = {"category_id": self.group_names, "brand_id": self.brand_names, "tax_class_id": self.tax_names}
        changes = tuple(
            (name.removesuffix("_id"), names.get(was, ""), names.get(now, "")) if (names := named.get(name)) else (name, was, now)
            for name, was, now in differences(usual, after)
        )
        return Entry(row.no, label, CHANGED if changes else SAME, (product.pk, draft), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = register_products(self.actor.org_id, [e.data for e in new], actor=self.actor)
        changed = change_products({pk: e.data[1] for pk, e in old.items()}, actor=self.actor)
        return touched_by(new, made, old, {pk: {name: pair for name, pair in pairs.items() if name in FIELDS} for pk, pairs in changed.items()})

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: _facts(one) for one in queries.products(self.actor).filter(pk__in=keys).order_by()}

    def take_back(self, touched: Sequence[Touched]) -> None:
        now = self.now([t.key for t in touched if not t.is_new])
        decimals = {one.name for one in fields(ProductDraft) if isinstance(one.default, Decimal)}
        back = {t.key: {name: Decimal(value) if name in decimals else value for name, value in t.before.items()} for t in touched if not t.is_new}
        change_products({pk: ProductDraft(**now[pk] | facts) for pk, facts in back.items()}, actor=self.actor)
        remove_products([t.key for t in touched if t.is_new], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        own = queries.products(self.actor).filter(owner_id=self.actor.org_id).select_related("category", "brand", "tax_class")
        for one in own.iterator(chunk_size=2000):
            named = {name: found.code for name in ("category", "brand", "tax_class") if (found := getattr(one, name))}
            yield {**_facts(one), **dict.fromkeys(("category", "brand", "tax_class")), **named}
