"""Opening stock from a file: each row is received from outside into a warehouse of the own organisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, differences
from qudao.catalog import queries as catalog
from qudao.inventory import queries, rules
from qudao.inventory.actions import OpeningLine, check_lots, drop_serving, receive_opening, return_opening, set_serving
from qudao.inventory.actions.serve import check_places, check_whom
from qudao.inventory.models import Place, ServingRule, Stock
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


class Serving(Kind):
    """Who is served out of which warehouses. A row replaces the rule of whom it names, so a file may come twice."""

    name, label, icon, verb, place = "inventory.serving", _("Who is served from where"), "list", "inventory.manage_places", "serving_rules"
    about = _("A row names one buyer, group, region or area (nothing: everybody) and the warehouses that serve them, in their order.")
    columns = (
        Column("buyer", _("Buyer"), help=_("The code of the organisation."), also=("dealer", "经销商", "客户编码")),
        Column("group", _("Group of buyers"), help=_("Its code."), also=("buyer group", "客户组")),
        Column("region", _("Region"), help=_("Its code."), also=("大区",)),
        Column("area_code", _("Area code"), help=_("The first digits are enough: 33 is all of Zhejiang."), example="33", also=("area", "行政区划")),
        Column("places", _("Warehouses in order"), required=True, help=_("Their codes, for example MAIN, NORTH."), example="MAIN, NORTH", also=("发货仓",)),
        Column("splits", _("Splits"), "flag", help=_("Whether a line may come out of several of them."), example="yes", also=("split", "可拆分")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        known = queries.serving_rules(self.actor).filter(owner_id=self.actor.org_id)
        self.rules = {(one.buyer_id, one.group_id, one.region_id, one.area_code): one for one in known}

    def key(self, row: Cells) -> Any:
        return tuple(row.text(name).upper() for name in ("buyer", "group", "region", "area_code"))

    def entry(self, row: Cells) -> Entry:
        whom = queries.whom_typed({name: row.text(name) for name in ("buyer", "group", "region", "area_code")}, self.actor)
        places = queries.places_typed(row.text("places"), self.actor)
        check_whom(whom, self.actor)
        check_places(places, self.actor)
        facts = {"places": ",".join(map(str, places)), "splits": row.get("splits", True)}
        known = self.rules.get((whom.buyer_id, whom.group_id, whom.region_id, whom.area_code))
        before = _rule(known) if known else {}
        changes = differences(before, facts) if known else ()
        what = NEW if known is None else CHANGED if changes else SAME
        return Entry(row.no, " ".join(part for part in self.key(row) if part) or "*", what, (whom, facts, before), changes)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        found = queries.serving_rules(self.actor).filter(owner_id=self.actor.org_id)
        codes = queries.places_named(self.actor, found)
        for one in found:
            named = {name: getattr(one, name).code for name in ("buyer", "group", "region") if getattr(one, name)}
            yield {**named, "area_code": one.area_code, "places": ", ".join(codes[pk] for pk in one.place_ids), "splits": one.splits}

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for one in entries:
            if one.what != SAME:
                whom, facts, before = one.data
                rule = set_serving(whom, _ids(facts["places"]), facts["splits"], actor=self.actor)
                touched.append(Touched(one.row, rule.pk, one.label, one.what == NEW, before, facts))
        return touched

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        found = queries.serving_rules(self.actor).filter(pk__in=keys)
        return {one.pk: _rule(one) for one in found}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement. Orders keep the places they were placed with, so nothing is built on a rule."""
        now = self.now([one.key for one in touched])
        return by_row(touched, lambda one: changed_since(one, now[one.key]) if one.key in now else Fault("base.import_gone"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        rules_now = {one.pk: one for one in queries.serving_rules(self.actor).filter(pk__in=[t.key for t in touched])}
        for one in touched:
            if one.is_new:
                drop_serving(one.key, actor=self.actor)
            else:
                rule = rules_now[one.key]
                whom = rules.Whom(rule.buyer_id, rule.group_id, rule.region_id, rule.area_code)
                set_serving(whom, _ids(one.before["places"]), one.before["splits"], actor=self.actor)


def _rule(rule: ServingRule) -> dict[str, Any]:
    """What a file changes of a rule."""
    return {"places": ",".join(map(str, rule.place_ids)), "splits": rule.splits}


def _ids(text: str) -> list[int]:
    return [int(pk) for pk in text.split(",")]
