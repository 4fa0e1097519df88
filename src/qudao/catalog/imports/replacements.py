"""What stands in for products, from a file: the successor of each from a day on, and its equivalents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched
from qudao.catalog import queries
from qudao.catalog.actions import join_equivalents, leave_equivalents, remove_successor, set_successor
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any

#: what stands in a cell to take a successor, or the equivalents, away
NONE = "/"


class Replacements(Kind):
    """Successors and equivalents of the products of the actor's organisation. Sets of equivalents grow together, so a file is not taken back."""

    name, label, icon, verb, place = "catalog.replacements", _("Replacements"), "arrow-right", "catalog.edit", "products"
    about = _("A row names what takes the place of a product from a day on, and what can stand in for it; an empty cell keeps what is there.")
    undoable = False
    columns = (
        Column("product", _("Product"), required=True, most=64, help=_("Its code."), example=SAMPLE, also=("SKU", "product code", "商品编码", "产品编码")),
        Column("successor", _("Successor"), most=64, help=_("Its code; / takes it off."), also=("replaced by", "替代新品", "替代商品")),
        Column("valid_from", pgettext_lazy("validity", "From"), "day", help=_("Its first day; empty: today."), also=("start", "生效日期", "开始日期")),
        Column(
            "equivalents", _("Equivalents"), most=2000, help=_("Their codes with commas; all of them then stand in for one another. / takes it out."),
            also=("equivalent", "等效商品", "互换商品"),
        ),
    )  # fmt: skip

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        queries.require_acting(self.actor, self.actor.org_id, self.verb)
        self.products = dict(queries.products(self.actor).filter(owner_id=self.actor.org_id).order_by().values_list("code", "pk"))
        self.after = {one.product_id: (one.successor_id, one.valid_from) for one in queries.successions(self.actor)}
        self.sets = _sets(self.actor)

    def key(self, row: Cells) -> Any:
        return row.text("product")

    def entry(self, row: Cells) -> Entry:
        code = row.text("product")
        product = self.products.get(code)
        others = [one.strip() for one in row.text("equivalents").replace("，", ",").split(",") if one.strip()]
        faults = [] if product else [Fault("catalog.product_unknown", "product")]
        if row.text("successor") not in ("", NONE) and row.text("successor") not in self.products:
            faults.append(Fault("catalog.product_unknown", "successor"))
        if others != [NONE] and any(one not in self.products for one in others):
            faults.append(Fault("catalog.product_unknown", "equivalents"))
        raise_if_any(faults, Invalid)
        assert product is not None
        after = self._after(row, product)
        alike = frozenset() if others == [NONE] else frozenset(self.products[one] for one in others) - {product}
        mine = self.sets.get(product, frozenset({product})) - {product}
        joins = bool(alike - mine)
        leaves = others == [NONE] and bool(mine)
        was = self.after.get(product)
        changes = ((("successor", self._code(was), self._code(after)),) if was != after else ()) + (
            (("equivalents", self._codes(mine), self._codes(frozenset() if leaves else mine | alike)),) if joins or leaves else ()
        )
        if not row.faults:
            self.after = {pk: one for pk, one in {**self.after, product: after}.items() if one}
        data = (product, after, was, tuple(alike) if joins else (), leaves)
        what = SAME if not changes else CHANGED if was or mine else NEW
        return Entry(row.no, code, what, data, changes)

    def _after(self, row: Cells, product: int) -> tuple[int, Any] | None:
        """The successor and its first day as the row leaves them. Raises Invalid where it would succeed itself, step by step."""
        named, was = row.text("successor"), self.after.get(product)
        if named == NONE:
            return None
        if not named:
            return (was[0], row.get("valid_from", was[1])) if was else None
        successor = self.products[named]
        step: tuple[int, Any] | None = (successor, None)
        seen = set()
        while step and step[0] not in seen:
            seen.add(step[0])
            step = self.after.get(step[0])
        if product in seen:
            raise Invalid(
                "catalog.successor_itself" if successor == product else "catalog.successor_loop", field="successor", product=named, before=row.text("product")
            )
        return successor, row.get("valid_from", was[1] if was and was[0] == successor else clock.today())

    def _code(self, after: tuple[int, Any] | None) -> str:
        return f"{self._codes(frozenset({after[0]}))} {after[1]}" if after else ""

    def _codes(self, ids: frozenset[int]) -> str:
        return ", ".join(sorted(code for code, pk in self.products.items() if pk in ids))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        for e in entries:
            product, after, was, alike, leaves = e.data
            if after and after != was:
                set_successor(product, after[0], after[1], actor=self.actor)
            elif was and not after:
                remove_successor(product, actor=self.actor)
            if alike:
                join_equivalents([product, *alike], actor=self.actor)
            elif leaves:
                leave_equivalents(product, actor=self.actor)
        return [Touched(e.row, e.data[0], e.label, e.what == NEW) for e in entries]

    def standing(self) -> Iterator[Mapping[str, Any]]:
        sets = _sets(self.actor)
        after = {one.product_id: one for one in queries.successions(self.actor)}
        own = queries.products(self.actor).filter(owner_id=self.actor.org_id, pk__in=[*sets, *after])
        codes = dict(own.values_list("pk", "code"))
        for pk, code in codes.items():
            one = after.get(pk)
            alike = ", ".join(sorted(codes[other] for other in sets.get(pk, ()) if other != pk and other in codes))
            yield {"product": code, "successor": one and one.successor.code, "valid_from": one and one.valid_from, "equivalents": alike}


def _sets(actor: Any) -> dict[int, frozenset[int]]:
    """product → all that stand in for one another with it, itself too. One statement."""
    found: dict[int, set[int]] = {}
    for one in queries.equivalents(actor).filter(product__owner_id=actor.org_id):
        found.setdefault(one.number, set()).add(one.product_id)
    return {pk: frozenset(some) for some in found.values() for pk in some}
