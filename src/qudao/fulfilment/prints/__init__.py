"""Shipments on paper: the list to pick by, the list in the box, the note that is signed, and the label on the pallet. None of them names a price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.base import printing
from qudao.base.access import Actor, visible
from qudao.base.barcodes import bars
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.printing import Column, Document, Paper
from qudao.fulfilment.models import Package, Shipment, ShipmentLine
from qudao.fulfilment.queries import packages, shipments, unscoped_packages, with_lots
from qudao.fulfilment.states import State
from qudao.inventory.queries import unscoped_by_lot
from qudao.kernel.errors import Forbidden
from qudao.kernel.gs1 import INTERNAL_PREFIX, SSCC_DIGITS, sscc
from qudao.kernel.quantity import plain

#: the number of a whole shipment ends in 00 before its check digit; those of its parcels (`actions/pack.py`) never do
PER_SHIPMENT = 100
#: lots named on the label of a parcel
LOTS_ON_LABEL = 3


def _found(actor: Actor, ids: Sequence[int]) -> list[tuple[Shipment, list[ShipmentLine]]]:
    """Shipments in sight with their lines, in the order of `ids`. Two statements, up to three more where lots are told. NotFound when one is not in sight."""
    found = printing.in_order(ids, shipments(actor).select_related("from_place").filter(pk__in=ids))
    lines: dict[int, list[ShipmentLine]] = {shipment.pk: [] for shipment in found}
    rows = visible(actor, ShipmentLine).filter(shipment_id__in=list(lines)).select_related("product", "line").annotate(by_lot=unscoped_by_lot())
    for line in rows.order_by("shipment_id", "line__no"):
        lines[line.shipment_id].append(line)
    both = [(shipment, lines[shipment.pk]) for shipment in found]
    with_lots(both)
    return both


def _day(shipment: Shipment) -> date:
    from_then = shipment.shipped_at or shipment.created_at
    return printing.business_day(from_then)


def _spaced(*facts: str) -> str:
    """Facts as plain text, which stands on paper too."""
    return " ".join(fact for fact in facts if fact)


def lots_text(lots: Sequence[Any]) -> str:
    """Lots as told on pages and papers: number, how much, until when; "" without any."""
    told = [_spaced(one.lot or _("without a number"), f"× {plain(one.qty)}", figures.day_long(one.expires_on) if one.expires_on else "") for one in lots]
    return _("Lot {lots}").format(lots=", ".join(told)) if told else ""


def _product(line: ShipmentLine) -> tuple[str, str]:
    """Name, and below it what machines and shelves know the product by, and its lots."""
    return by_language(line.product.name, line.product.name_en), _below(line, line.product.code)


def _below(line: Any, *codes: str) -> str:
    return " | ".join(one for one in (*codes, line.product.gtin, lots_text(line.lots)) if one)


def receiver(shipment: Shipment) -> printing.Party:
    """The buyer, at the address that the order goes to."""
    party, order = printing.party(shipment.buyer), shipment.order
    return replace(party, lines=order.ship_lines, line=f"{party.name} | {order.ship_address}") if order.ship_address else party


def _common(shipment: Shipment) -> dict[str, Any]:
    """What is the same on every paper of a shipment."""
    order = shipment.order
    return {
        "number": shipment.number,
        "on": _day(shipment),
        "sender": printing.party(shipment.seller),
        "receiver": receiver(shipment),
        "receiver_label": _("Deliver to"),
        "foot": printing.foot(shipment.seller),
        "facts": [
            (_("Order"), order.number or ""),
            (_("Your order number"), order.po_number),
            (_("Shipped"), printing.full_day(shipment.shipped_at)),
            (_("Requested"), printing.full_day(order.requested_on) if not shipment.shipped_at else ""),
            (_("Carrier"), shipment.carrier),
            (_("Tracking number"), shipment.tracking),
        ],
    }


# --- the list to pick by ---


def sends(actor: Actor, shipment: Any) -> bool:
    """Whether the actor's own warehouse picks it: nobody else reads where goods lie."""
    return actor.can("fulfilment.pick") and actor.org_id == shipment.seller_id


def picks(actor: Actor, shipment: Any) -> bool:
    """Whether there is something to pick."""
    return sends(actor, shipment) and shipment.state in (State.CREATED, State.PICKING)


def pick_lists(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """What to fetch, in the order of the shelves: by place, then by code. Two statements. Forbidden to everybody but the sender's warehouse."""
    found = _found(actor, ids)
    if not all(sends(actor, shipment) for shipment, _lines in found):
        raise Forbidden("base.forbidden", verb="fulfilment.pick")
    made = []
    for shipment, lines in found:
        common = _common(shipment)
        common["facts"] = [(_("Pick from"), shipment.from_place.label), *common["facts"]]
        columns = [
            Column(""),
            Column(_("Code")),
            Column(_("Product"), wide=True),
            Column(_("To pick"), "right"),
            Column(pgettext("quantity", "Picked"), "right"),
        ]
        rows = []
        for line in sorted(lines, key=lambda line: line.product.code):
            name, _codes = _product(line)
            rows.append(["[ ]", line.product.code, (name, _below(line)), figures.qty(line.qty, line.line.unit), "________"])
        signatures = [_("Picked by, time"), _("Checked by, time")]
        made.append(Paper(title=_("Pick list"), columns=columns, rows=rows, bars=shipment.number, signatures=signatures, **common))
    return made


# --- the list in the box, and the note that is signed ---


def packing_lists(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """What is in the box, with the codes to check it by, by parcel where there are some. Three statements, four with parcels. NotFound when one is not in
    sight.
    """
    made, found = [], _found(actor, ids)
    parcels = unscoped_packages([shipment.pk for shipment, _lines in found])
    for shipment, lines in found:
        columns = [
            Column("#", "right"),
            Column(_("Product"), wide=True),
            Column(pgettext("quantity", "Ordered"), "right"),
            Column(_("In this shipment"), "right"),
            Column(""),
        ]
        rows = [[str(line.line.no), _product(line), figures.qty(line.line.qty, line.line.unit), figures.qty(line.qty, line.line.unit), "[ ]"] for line in lines]
        if parcels.get(shipment.pk):
            columns, rows = _by_parcel(parcels[shipment.pk])
        made.append(Paper(title=_("Packing list"), columns=columns, rows=rows, bars=shipment.number, **_counted(lines), **_common(shipment)))
    return made


def _by_parcel(parcels: Sequence[Any]) -> tuple[list[Column], list[list[Any]]]:
    """What is in which parcel; a parcel is told at its first line."""
    columns = [Column(_("Parcel"), wide=True), Column(_("Product"), wide=True), Column(_("In this parcel"), "right"), Column("")]
    rows: list[list[Any]] = []
    for package in parcels:
        told: Any = (_told(package), package.sscc)
        for x in package.filled:
            product = x.line.product
            below = " | ".join(one for one in (product.code, product.gtin, lot_of(x)) if one)
            rows.append([told, (by_language(product.name, product.name_en), below), figures.qty(x.qty, x.line.line.unit), "[ ]"])
            told = ""
    return columns, rows


def lot_of(inside: Any) -> str:
    """The lot of what is in a parcel, with its last good day; "" where there is none."""
    told = _spaced(inside.lot, figures.day_long(inside.expires_on) if inside.expires_on else "")
    return _("Lot {lots}").format(lots=told) if inside.lot else ""


def _told(package: Package) -> str:
    weight = _("{weight} kg").format(weight=plain(package.weight)) if package.weight else ""
    return " | ".join(one for one in (str(package.no), package.get_kind_display(), weight) if one)


def delivery_notes(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """What is handed over, to be signed; the QR code leads to the page where the count is entered. Two statements. NotFound when one is not in sight."""
    made = []
    for shipment, lines in _found(actor, ids):
        columns = [Column("#", "right"), Column(_("Product"), wide=True), Column(_("Quantity"), "right"), Column(pgettext("quantity", "Received"), "right")]
        rows = [[str(line.line.no), _product(line), figures.qty(line.qty, line.line.unit), "________"] for line in lines]
        if any(line.come for line in lines):  # the paper that goes with the rest
            columns.insert(3, Column(_("Came before"), "right"))
            rows = [[*row[:3], figures.qty(line.come, line.line.unit), row[3]] for row, line in zip(rows, lines, strict=True)]
        note = Paper(
            title=_("Delivery note"),
            lead=_("Please count the goods on arrival and note every difference here."),
            columns=columns,
            rows=rows,
            signatures=[_("Handed over by, date"), _("Received in full and undamaged, except as noted: name, date, stamp")],
            qr=link_of(shipment),
            qr_caption=_("Scan to confirm the receipt"),
            **_counted(lines),
            **_common(shipment),
        )
        made.append(note)
    return made


def _counted(lines: Sequence[ShipmentLine]) -> dict[str, Any]:
    total = sum(line.qty for line in lines)
    return {"totals": [(pgettext("number", "Lines"), figures.count(len(lines)))], "total": (_("Units in all"), figures.qty(total))}


def link_of(shipment: Shipment) -> str:
    """Where a scan leads: the shipment's page, if the installation says its address; else its number, which the search finds."""
    return f"{settings.BASE_URL}{shipment.get_absolute_url()}" if settings.BASE_URL else shipment.number


# --- the label on the pallet ---


@dataclass(frozen=True)
class Label:
    """A label of 100 × 150 mm. `unit`: the SSCC, read by every scanner as (00)…"""

    number: str
    on: date
    author: str
    words: dict[str, str]
    sender: dict[str, Any]
    receiver: dict[str, Any]
    facts: list[tuple[str, str]]
    unit: str

    def drawn(self) -> dict[str, Any]:
        """As the template takes it: the bars hold FNC1, the application identifier 00, and the 18 digits."""
        given = {name: value for name, value in asdict(self).items() if name not in ("on", "author")}
        return given | {"facts": [fact for fact in self.facts if fact[1]], "bars": bars(f"00{self.unit}", gs1=True), "told": f"(00) {self.unit}"}


def labels(actor: Actor, ids: Sequence[int]) -> list[Label]:
    """A label for each parcel, for a shipment without parcels one. Three statements, four with parcels. NotFound when one is not in sight."""
    found = _found(actor, ids)
    parcels = unscoped_packages([shipment.pk for shipment, _lines in found])
    return [label for shipment, lines in found for label in _labels(shipment, lines, parcels.get(shipment.pk, []))]


def parcel_labels(actor: Actor, ids: Sequence[int]) -> list[Label]:
    """The labels of these parcels. Five statements. NotFound when one is not in sight."""
    found = printing.in_order(ids, packages(actor).filter(pk__in=ids))
    filled = {p.pk: p for some in unscoped_packages({p.shipment_id for p in found}).values() for p in some}
    return [_labels(one.shipment, [], [filled[one.pk]])[0] for one in found]


def _labels(shipment: Shipment, lines: Sequence[ShipmentLine], parcels: Sequence[Any]) -> list[Label]:
    """The label of a whole shipment, or those of its parcels."""
    made: list[Label] = []
    for package in parcels or [None]:
        inside = [(x.line, x.qty) for x in package.filled] if package else [(line, line.qty) for line in lines]
        facts = [
            (_("Shipment"), shipment.number),
            (_("Parcel"), _told(package) if package else ""),
            (_("Order"), " | ".join(one for one in (shipment.order.number, shipment.order.po_number) if one) if package else shipment.order.number or ""),
            (_("Your order number"), "" if package else shipment.order.po_number),
            (_("Carrier"), " ".join(one for one in (shipment.carrier, shipment.tracking) if one)),
            (pgettext("on a label", "Contents"), _contents(inside)),
            (_("Lot"), ", ".join([one.lot for one in package.filled if one.lot][:LOTS_ON_LABEL]) if package else ""),
            (_("Shipped"), printing.full_day(shipment.shipped_at)),
        ]
        sender, taker = printing.party(shipment.seller), receiver(shipment)
        made.append(
            Label(
                number=shipment.number,
                on=_day(shipment),
                author=sender.name,
                words={"from": pgettext("on paper", "From"), "to": pgettext("on paper", "To")},
                sender=asdict(sender),
                receiver=asdict(taker),
                facts=facts,
                unit=package.sscc if package else _unit(shipment),
            )
        )
    return made


def _unit(shipment: Shipment) -> str:
    """The number of its pallet: under the seller's GS1 prefix, whose room is used again when it is full (GS1: not within a year), else an internal one."""
    prefix = shipment.seller.gs1_prefix or INTERNAL_PREFIX
    room = 10 ** (SSCC_DIGITS - 2 - len(prefix))
    return sscc(shipment.pk * PER_SHIPMENT % room, prefix=prefix, extension=shipment.pk * PER_SHIPMENT // room % 10)


def _contents(inside: Sequence[tuple[ShipmentLine, Decimal]]) -> str:
    """What is on the pallet: its one product by name, or how much of how many."""
    told, (line, _qty) = {one.pk for one, _much in inside}, inside[0]
    units = sum((qty for _one, qty in inside), Decimal(0))
    if len(told) == 1:
        return f"{figures.qty(units, line.line.unit)} {by_language(line.product.name, line.product.name_en)}"
    return _("{lines}, {units} units").format(lines=figures.lines(len(told)), units=figures.qty(units))


def _live(actor: Actor, shipment: Any) -> bool:
    return shipment.state != State.CANCELLED


_OF = ("fulfilment.shipment", "fulfilment.view", "shipments")
PICK_LIST = Document("fulfilment.pick_list", gettext_lazy("Pick list"), "fulfilment.shipment", "fulfilment.pick", "shipments", pick_lists, fits=picks)
PACKING_LIST = Document("fulfilment.packing_list", gettext_lazy("Packing list"), *_OF, packing_lists, fits=_live)
DELIVERY_NOTE = Document("fulfilment.delivery_note", gettext_lazy("Delivery note"), *_OF, delivery_notes, fits=_live)
LABEL = Document("fulfilment.label", gettext_lazy("Pallet label (SSCC)"), *_OF, labels, template="/fulfilment/prints/label.typ", fits=_live)
PARCEL_LABEL = Document(
    "fulfilment.parcel_label", gettext_lazy("Parcel label (SSCC)"), "fulfilment.package", "fulfilment.view", "parcels", parcel_labels,
    template="/fulfilment/prints/label.typ",
)  # fmt: skip
DOCUMENTS = (PICK_LIST, DELIVERY_NOTE, PACKING_LIST, LABEL, PARCEL_LABEL)
