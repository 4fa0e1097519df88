"""Products from a file: new codes are registered, known ones described anew, what is the same stays untouched. So a file may come twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor
from qudao.base.action import unit
from qudao.base.sentences import Said, say
from qudao.catalog import queries, rules
from qudao.catalog.actions import change_product, register_products
from qudao.catalog.models import Product
from qudao.catalog.rules import ProductDraft
from qudao.kernel.errors import Fault


@dataclass(frozen=True)
class Entry:
    """A good row: the product it describes, None for a new one, and whether it changes anything."""

    product_id: int | None
    draft: ProductDraft
    changes: bool


class Products:
    """The catalogue of the actor's organisation. Empty cells take the usual value; `category` is a category's code."""

    columns: Sequence[tuple[str, Any, bool]] = (
        ("code", _("Code"), True),
        ("name", _("Name"), True),
        ("name_en", _("English name"), False),
        ("unit", _("Base unit"), False),
        ("tax_rate", _("Tax rate"), False),
        ("gtin", _("Barcode"), False),
        ("category", _("Category"), False),
        ("min_qty", _("Smallest quantity"), False),
        ("pack_multiple", _("Quantity step"), False),
    )

    @staticmethod
    def check(rows: Sequence[dict[str, str]], *, actor: Actor) -> tuple[list[Entry], list[tuple[int, str, Said]]]:
        """The good rows, and by row and column what is wrong with the others. Three statements for any number of rows; writes nothing."""
        queries.require_acting(actor, actor.org_id, "catalog.edit")
        groups = dict(queries.categories(actor).filter(owner_id=actor.org_id).values_list("code", "pk"))
        codes = {row["code"].strip() for row in rows}
        known = {one.code: one for one in queries.products(actor).filter(owner_id=actor.org_id, code__in=codes)}
        good, faults, seen = [], [], set()
        for n, row in enumerate(rows):
            line, code = int(row.get("row") or n + 2), row["code"].strip()
            draft, wrong = _draft(row, groups, known.get(code))
            if code in seen:
                wrong.append(Fault("catalog.code_twice", "code", {"code": code}))
            seen.add(code)
            faults += [(line, fault.field.removesuffix("_id"), say(fault)) for fault in wrong]
            if draft is not None and not wrong:
                product = known.get(code)
                good.append(Entry(product.pk if product else None, draft, product is None or _differs(product, draft)))
        return good, faults

    @staticmethod
    def perform(entries: Sequence[Entry], *, actor: Actor, client_id: UUID | None = None) -> int:
        """Write the good rows in one transaction, all or none; return how many products are new or changed."""

        def body() -> int:
            fresh = [entry.draft for entry in entries if entry.product_id is None]
            changed = [entry for entry in entries if entry.product_id is not None and entry.changes]
            register_products(actor.org_id, fresh, actor=actor)
            for entry in changed:
                change_product(entry.product_id, entry.draft, actor=actor)
            return len(fresh) + len(changed)

        return unit(body)


def _draft(row: dict[str, str], groups: dict[str, int], known: Product | None) -> tuple[ProductDraft | None, list[Fault]]:
    """A row as a draft; an empty cell keeps what a known product has."""
    usual = ProductDraft(**{one.name: getattr(known, one.name) for one in fields(ProductDraft)}) if known else ProductDraft("", "")
    wrong: list[Fault] = []

    def number(name: str, code: str) -> Decimal:
        text = row.get(name, "").strip()
        if not text:
            return Decimal(getattr(usual, name))
        try:
            value = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
            if value.is_finite():
                return value
        except InvalidOperation:
            pass
        wrong.append(Fault(code, name))
        return Decimal(1)

    category = row.get("category", "").strip()
    if category and category not in groups:
        wrong.append(Fault("catalog.category_unknown", "category"))
    draft = ProductDraft(
        code=row["code"].strip(),
        name=row["name"].strip(),
        name_en=row.get("name_en", "").strip() or usual.name_en,
        unit=row.get("unit", "").strip() or usual.unit,
        tax_rate=number("tax_rate", "catalog.tax_rate_wrong"),
        gtin=row.get("gtin", "").strip() or usual.gtin,
        category_id=groups.get(category, usual.category_id),
        min_qty=number("min_qty", "catalog.min_qty_wrong"),
        pack_multiple=number("pack_multiple", "catalog.multiple_wrong"),
    )
    return draft, wrong + rules.draft_faults(draft)


def _differs(product: Product, draft: ProductDraft) -> bool:
    now = {one.name: getattr(draft, one.name) for one in fields(ProductDraft)}
    now["gtin"] = rules.gtin14(draft.gtin) or ""
    return any(getattr(product, name) != value for name, value in now.items())


KINDS = {"catalog.products": Products}
