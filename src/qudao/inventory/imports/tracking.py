"""Which own products are tracked by lot, and how long they keep, from a file. Tracking is for good, so nothing is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences
from qudao.catalog.queries import products
from qudao.inventory import queries
from qudao.inventory.actions import track_product
from qudao.inventory.states import MOST_KEEPS_DAYS
from qudao.kernel.errors import Fault, Invalid, raise_if_any


class Tracking(Kind):
    """A row tracks a product by lot from now on, or changes its shelf life."""

    name, label, icon, verb, place = "inventory.tracking", _("Products tracked by lot"), "list", "inventory.manage_places", "lots"
    about = _("A row has a product tracked by lot from now on, everywhere and for good; one that is tracked gets the shelf life of the row.")
    undoable = False
    columns = (
        Column("product", _("Product"), required=True, most=64, help=_("Its code."), example=SAMPLE, also=("SKU", "product code", "商品编码", "产品编码")),
        Column(
            "shelf_days", _("Shelf life in days"), "number", help=_("From the day it is made; empty: as it is."), example="365", also=("shelf life", "保质期")
        ),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements."""
        codes = {row.text("product") for row in rows}
        self.products = dict(products(self.actor).filter(owner_id=self.actor.org_id, code__in=codes).order_by().values_list("code", "pk"))
        self.days = {one.product_id: one.shelf_days for one in queries.all_tracked(self.actor).filter(product_id__in=self.products.values())}

    def key(self, row: Cells) -> Any:
        return row.text("product")

    def entry(self, row: Cells) -> Entry:
        product, days = self.products.get(row.text("product")), row.get("shelf_days")
        faults = [] if product else [Fault("inventory.no_product", "product")]
        if days is not None and (days != int(days) or not 0 < days <= MOST_KEEPS_DAYS):
            faults.append(Fault("inventory.shelf_days", "shelf_days", {"most": MOST_KEEPS_DAYS}))
        raise_if_any(faults, Invalid)
        known = self.days.get(product) if product else None
        after = known if days is None else int(days)
        changes = differences({"shelf_days": known}, {"shelf_days": after})
        what = NEW if product not in self.days else CHANGED if changes else SAME
        return Entry(row.no, row.text("product"), what, (product, after), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        for e in entries:
            track_product(*e.data, actor=self.actor)
        return [Touched(e.row, e.data[0], e.label, e.what == NEW, {}, {"shelf_days": e.data[1]}) for e in entries]

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.all_tracked(self.actor).filter(product__owner_id=self.actor.org_id):
            yield {"product": one.product.code, "shelf_days": one.shelf_days}
