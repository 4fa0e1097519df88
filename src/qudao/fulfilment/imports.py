"""Files of packing: a warehouse that packs elsewhere takes along what is to pack, and brings back what is in which parcel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import NEW, SAME, Entry, Kind, Touched, by_row
from qudao.fulfilment import queries, rules
from qudao.fulfilment.actions import Parcel, pack_parcels, remove_packages
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.states import PackageKind, State
from qudao.inventory.rules import LotQty
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.quantity import plain

#: what of a product is in a parcel: its id and the lot
Inside = tuple[int, str]


@dataclass
class _Open:
    """A shipment that is being picked: its lines by product, what of each is in no parcel, and its parcels by number, each with what is in it."""

    shipment: Shipment
    lines: dict[str, list[Any]] = field(default_factory=dict)
    left: dict[int, Decimal] = field(default_factory=dict)
    parcels: dict[str, dict[Inside, Decimal]] = field(default_factory=dict)
    packages: list[Any] = field(default_factory=list)

    def take(self, lines: Sequence[Any], qty: Decimal) -> list[tuple[int, Decimal]]:
        """So much off what is left of lines of one product. Raises Invalid where that is more than there is."""
        free = sum((self.left[line.pk] for line in lines), rules.NOTHING)
        if qty > free:
            raise Invalid("fulfilment.more_than_left", field="qty", left=plain(free))
        taken = []
        for line in lines:
            if part := min(qty, self.left[line.pk]):
                taken.append((line.pk, part))
                self.left[line.pk] -= part
                qty -= part
        return taken


@dataclass(frozen=True)
class _Row:
    """A good row: into which parcel of which shipment, what, and what the parcel is."""

    shipment: int
    parcel: str
    kind: str
    weight: Decimal | None
    inside: list[tuple[int, Decimal]]
    lot: str


class Packing(Kind):
    """What is in which parcel of the shipments that the actor's organisation is picking."""

    name, label, icon, verb, place = "fulfilment.parcels", _("Packing"), "package", "fulfilment.pack", "shipments"
    about = _("A row is so much of a product in a parcel of a shipment that is being picked; without a parcel it stays to pack.")
    columns = (
        Column("shipment", _("Shipment"), required=True, example=SAMPLE, also=("shipment number", "delivery", "发货单", "发货单号")),
        Column(
            "parcel", _("Parcel"), help=_("The number on it (SSCC, 18 digits), or 1, 2, 3: then it gets its number here."), example="1",
            also=("sscc", "carton", "box", "箱号", "包裹号"), most=40,
        ),
        Column("product", _("Product"), required=True, help=_("Its code."), example="REF-180D", also=("code", "sku", "商品编码")),
        Column("lot", _("Lot"), help=_("Empty: what expires first."), also=("batch", "批次"), most=40),
        Column("qty", _("Quantity"), "number", required=True, example="10", also=("units", "件数")),
        Column("kind", pgettext_lazy("parcel", "Kind"), "choice", choices=PackageKind, help=_("Empty: a carton.")),
        Column("weight", _("Gross weight (kg)"), "number", help=_("Of the whole parcel, in its first row."), also=("weight", "毛重")),
    )  # fmt: skip

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        self.known = self._known({row.text("shipment").upper() for row in rows})

    def _known(self, numbers: set[str] | None = None) -> dict[str, _Open]:
        """The shipments by number; all that are being picked without numbers."""
        found = queries.shipments(self.actor).filter(seller_id=self.actor.org_id, state=State.PICKING).order_by("number")
        opened = {one.pk: _Open(one) for one in (found if numbers is None else found.filter(number__in=numbers))}
        for line in queries.unscoped_lines_of_all(opened):
            of = opened[line.shipment_id]
            of.lines.setdefault(line.product.code.upper(), []).append(line)
            of.left[line.pk] = line.qty - line.packed
        for pk, packages in queries.unscoped_packages(opened).items():
            opened[pk].packages = packages
            for package in opened[pk].packages:
                inside = opened[pk].parcels.setdefault(package.sscc, {})
                opened[pk].parcels[str(package.no)] = inside
                for x in package.filled:
                    key = (x.line.product_id, x.lot)
                    inside[key] = inside.get(key, rules.NOTHING) + x.qty
        return {one.shipment.number.upper(): one for one in opened.values()}

    def key(self, row: Cells) -> Any:
        return tuple(row.text(name).upper() for name in ("shipment", "parcel", "product", "lot"))

    def entry(self, row: Cells) -> Entry:
        of = self.known.get(row.text("shipment").upper())
        if of is None:
            raise Invalid("fulfilment.not_picking", field="shipment", number=row.text("shipment"))
        lines, label = of.lines.get(row.text("product").upper(), []), f"{of.shipment.number} {row.text('product')}"
        parcel, lot, qty = _number(row.text("parcel")), row.text("lot"), row.get("qty", rules.NOTHING)
        faults = [] if lines else [Fault("fulfilment.not_in_shipment", "product", {"product": row.text("product"), "number": of.shipment.number})]
        if not rules.is_quantity(qty) or not qty:
            faults.append(Fault("fulfilment.quantity", "qty"))
        raise_if_any(faults, Invalid)
        if lot and not lines[0].by_lot:
            raise Invalid("inventory.lot_untracked", field="lot")
        if not parcel:
            return Entry(row.no, label, SAME)
        if parcel in of.parcels:
            there = of.parcels[parcel].get((lines[0].product_id, lot), rules.NOTHING)
            if there != qty:
                raise Invalid("fulfilment.parcel_there", field="parcel", parcel=parcel, qty=plain(there))
            return Entry(row.no, label, SAME)
        if len(parcel) >= rules.SSCC_DIGITS:
            found = rules.sscc_faults(parcel, of.shipment.seller.gs1_prefix)
            raise_if_any([Fault(one.code, "parcel", one.params) for one in found], Invalid)
        weight = row.get("weight")
        if weight is not None and not rules.is_weight(weight):
            raise Invalid("fulfilment.weight", field="weight")
        data = _Row(of.shipment.pk, parcel, row.text("kind", PackageKind.CARTON), weight, of.take(lines, qty), lot)
        return Entry(row.no, label, NEW, data, (("parcel", "", parcel),))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        """One action for all shipments."""
        by_shipment: dict[int, dict[str, list[Entry]]] = {}
        for entry in entries:
            by_shipment.setdefault(entry.data.shipment, {}).setdefault(entry.data.parcel, []).append(entry)
        wanted = {pk: [_parcel(name, some) for name, some in parcels.items()] for pk, parcels in by_shipment.items()}
        made = queries.unscoped_packages([one.pk for one in pack_parcels(wanted, actor=self.actor)])
        touched: list[Touched] = []
        for pk, parcels in by_shipment.items():
            for package, some in zip(made[pk][-len(parcels) :], parcels.values(), strict=True):
                touched += [Touched(one.row, package.pk, one.label, True) for one in some]
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Parcels that have left, or are taken apart. One statement."""
        there = dict(queries.packages(self.actor).filter(pk__in=[one.key for one in touched]).values_list("pk", "shipment__state"))

        def fault(one: Touched) -> Fault | None:
            if one.key not in there:
                return Fault("base.import_gone")
            return Fault("fulfilment.parcel_left") if there[one.key] != State.PICKING else None

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        remove_packages(sorted({one.key for one in touched}), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        """What is in each parcel, then what is to pack still, shipment by shipment. Four statements."""
        for of in self._known().values():
            for package in of.packages:
                facts = {"parcel": package.sscc, "kind": package.kind, "weight": package.weight}
                codes = {x.line.product_id: x.line.product.code for x in package.filled}
                for (product, lot), qty in of.parcels[package.sscc].items():
                    yield {"shipment": of.shipment.number, "product": codes[product], "lot": lot, "qty": qty, **facts}
            for lines in of.lines.values():
                if rest := sum((of.left[line.pk] for line in lines), rules.NOTHING):
                    yield {"shipment": of.shipment.number, "product": lines[0].product.code, "qty": rest}


def _number(text: str) -> str:
    """What a parcel is called, without the marks in which a scanner wraps its number."""
    return re.sub(r"^(\(00\)|00) ?(?=\d{18}$)", "", text.strip())


def _parcel(name: str, rows: Sequence[Entry]) -> Parcel:
    """One parcel of its rows."""
    parts: dict[int, list[LotQty]] = {}
    for row in (one.data for one in rows):
        for line_id, qty in row.inside:
            parts.setdefault(line_id, []).append(LotQty(row.lot, None, qty))
    inside = {line_id: lots if any(one.lot for one in lots) else rules.total(lots) for line_id, lots in parts.items()}
    weight = next((one.data.weight for one in rows if one.data.weight is not None), None)
    return Parcel(inside, rows[0].data.kind, weight, name if len(name) >= rules.SSCC_DIGITS else "")


KINDS = (Packing,)
