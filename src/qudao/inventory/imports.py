"""Opening stock from a file: each row is received from outside into a warehouse of the own organisation."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, Entry, Kind, Touched
from qudao.catalog import queries as catalog
from qudao.inventory import queries, rules
from qudao.inventory.actions import OpeningLine, check_lots, receive_opening, return_opening
from qudao.inventory.models import Place, Stock
from qudao.inventory.states import PlaceKind
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.quantity import plain


class Opening(Kind):
    """Stock that was there before the books began. A row adds to what is there, so the same file twice would count twice."""

    name, label, icon, verb, place = "inventory.opening", _("Opening stock"), "package-import", "inventory.receive", "stock"
    about = _("A row adds a quantity to a warehouse; what lies there already stays.")
    adds = True
    columns = (
        Column("product", _("Product"), required=True, help=_("Its code."), example=SAMPLE, also=("SKU", "product code", "商品编码", "产品编码")),
        Column("qty", _("Quantity"), "number", required=True, help=_("In the base unit."), example="120", also=("on hand", "库存", "期初数量", "结存")),
        Column("place", _("Warehouse"), help=_("Its code; empty: MAIN."), example="MAIN", also=("place", "location", "仓库编码", "库位")),
        Column("lot", _("Lot"), help=_("Needed where the product is tracked by lot."), example="", also=("batch", "lot no", "批号", "批次")),
        Column("expires_on", _("Good until"), "day", help=_("The last day on which the lot is good."), example="", also=("expiry", "best before", "有效期至")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        mine = visible(self.actor, Place, self.verb).filter(owner_id=self.actor.org_id, kind=PlaceKind.STOCK)
        self.places = {code.upper(): pk for code, pk in mine.values_list("code", "pk")}
        codes = {row.text("product").upper() for row in rows} | {row.text("product") for row in rows}
        self.products = {code.upper(): pk for code, pk in catalog.products(self.actor).filter(code__in=codes).order_by().values_list("code", "pk")}
        self.tracked = queries.unscoped_known_products(self.products.values())
        stock = Stock.unscoped.filter(place_id__in=self.places.values(), product_id__in=self.products.values())
        self.held = {(place, product): qty for place, product, qty in stock.values_list("place_id", "product_id", "on_hand")}

    def key(self, row: Cells) -> Any:
        return None

    def entry(self, row: Cells) -> Entry:
        place = self.places.get(row.text("place", "MAIN").upper())
        product, qty = self.products.get(row.text("product").upper()), row.get("qty", Decimal(0))
        faults = [] if place else [Fault("inventory.place_unknown", "place")]
        if product is None:
            faults.append(Fault("inventory.no_product", "product"))
        if not rules.storable(qty):
            faults.append(Fault("inventory.quantity", "qty"))
        raise_if_any(faults, Invalid)
        assert place is not None and product is not None
        line = OpeningLine(product, qty, row.text("lot").strip(), row.get("expires_on"))
        check_lots([line], self.tracked)
        before = self.held.get((place, product), rules.ZERO)
        self.held[place, product] = before + qty
        label = f"{row.text('product')} · {row.text('place', 'MAIN').upper()}"
        return Entry(row.no, label, CHANGED if before else NEW, (place, line), (("qty", plain(before), plain(before + qty)),))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for place, some in _by_place(entries):
            receive_opening(place, [e.data[1] for e in some], _now("Import of a file"), actor=self.actor)
            touched += [Touched(e.row, place, e.label, e.what == NEW, {}, _kept(e.data[1])) for e in some]
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement. What is no longer free was sold, promised or moved: the books need it."""
        free = queries.unscoped_free({(t.key, t.after["product"]) for t in touched})
        found: dict[int, Fault] = {}
        for one in touched:
            at, qty = (one.key, one.after["product"]), Decimal(one.after["qty"])
            if free[at] < qty:
                found[one.row] = Fault("inventory.no_longer_free", "", {"qty": plain(qty), "free": plain(free[at])})
            else:
                free[at] -= qty
        return found

    def take_back(self, touched: Sequence[Touched]) -> None:
        for place, some in groupby(sorted(touched, key=lambda t: t.key), key=lambda t: t.key):
            lines = [OpeningLine(t.after["product"], Decimal(t.after["qty"]), t.after.get("lot", "")) for t in some]
            return_opening(place, lines, _now("Import undone"), actor=self.actor)


def _kept(line: OpeningLine) -> dict[str, Any]:
    """What an undo needs to know of a row."""
    return {"product": line.product_id, "qty": str(line.qty)} | ({"lot": line.lot} if line.lot else {})


def _by_place(entries: Sequence[Entry]) -> list[tuple[int, list[Entry]]]:
    """The rows of each warehouse."""
    return [(place, list(some)) for place, some in groupby(sorted(entries, key=lambda e: e.data[0]), key=lambda e: e.data[0])]


KINDS = (Opening,)
