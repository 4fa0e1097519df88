"""What goods cost, from a file: a row is the cost of a product from a day on; one of the same day is overwritten. So a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences, kept
from qudao.catalog import queries
from qudao.catalog.actions import remove_costs, set_costs
from qudao.catalog.models import Cost
from qudao.catalog.rules import CostDraft
from qudao.kernel.errors import Invalid


class Costs(Kind):
    """What products cost the actor's organisation."""

    name, label, icon, verb, place = "catalog.costs", _("Costs"), "coins", "catalog.keep_costs", "costs"
    sight = "trade.cost"
    about = _("A row says what a base unit of a product costs from a day on, without tax; one of the same day is overwritten.")
    model = Cost
    columns = (
        Column("product", _("Product"), required=True, most=64, help=_("Its code."), example=SAMPLE, also=("SKU", "product code", "商品编码", "产品编码")),
        Column(
            "amount",
            _("Cost"),
            "number",
            required=True,
            help=_("Of one base unit, without tax."),
            example="812.50",
            also=("成本", "成本价", "单位成本"),
        ),
        Column("valid_from", pgettext_lazy("validity", "From"), "day", required=True, example="2026-01-01", also=("start", "生效日期", "开始日期")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements."""
        own = queries.products(self.actor).filter(code__in={row.text("product") for row in rows}).order_by("pk")
        #: of two products with a code, that of one's own catalogue
        self.products = {p.code: p.pk for p in sorted(own, key=lambda p: p.owner_id == self.actor.org_id)}
        self.known = {(c.product_id, c.valid_from): c for c in queries.costs(self.actor).filter(product_id__in=self.products.values())}

    def key(self, row: Cells) -> Any:
        return row.text("product"), row.get("valid_from")

    def entry(self, row: Cells) -> Entry:
        product = self.products.get(row.text("product"))
        if product is None:
            raise Invalid("catalog.product_unknown", field="product")
        amount: Decimal = row.get("amount")
        if amount is not None and amount < 0:
            raise Invalid("catalog.cost_negative", field="amount")
        draft = CostDraft(product, amount, row.get("valid_from"))
        was = self.known.get((product, draft.valid_from))
        changes = differences({"amount": was.amount}, {"amount": amount}) if was else ()
        label = f"{row.text('product')} · {draft.valid_from}"
        return Entry(row.no, label, NEW if was is None else CHANGED if changes else SAME, draft, changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        doing = [e for e in entries if e.what != SAME]
        made = {(c.product_id, c.valid_from): c for c in set_costs([e.data for e in doing], actor=self.actor)}
        touched = []
        for e in doing:
            was, now = ({name: kept(pair[n]) for name, *pair in e.changes} for n in (0, 1))
            touched.append(Touched(e.row, made[e.data.product_id, e.data.valid_from].pk, e.label, e.what == NEW, was, now))
        return touched

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        return {c.pk: {"amount": c.amount} for c in queries.costs(self.actor).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        standing = {c.pk: c for c in queries.costs(self.actor).filter(pk__in=[t.key for t in touched])}
        old = [(standing[t.key], Decimal(str(t.before["amount"]))) for t in touched if not t.is_new]
        set_costs([CostDraft(c.product_id, amount, c.valid_from) for c, amount in old], actor=self.actor)
        remove_costs([t.key for t in touched if t.is_new], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for c in queries.costs(self.actor).iterator(chunk_size=2000):
            yield {"product": c.product.code, "amount": c.amount, "valid_from": c.valid_from}
