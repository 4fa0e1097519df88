"""Parcels and pallets of a shipment that is being picked. Each gets a number (SSCC) out of the series of its sender's GS1 prefix, once.

The label of a whole shipment has a number that ends in 00 before the check digit (`prints`); those of parcels never do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, lock_rows, note_rank
from qudao.base.numbering import take_all
from qudao.base.subject import Subject
from qudao.fulfilment import rules
from qudao.fulfilment.models import Package, PackageLine, Shipment, ShipmentLine
from qudao.fulfilment.policies import check_side
from qudao.fulfilment.queries import unscoped_box_sizes, unscoped_lot_pool, unscoped_packed_in
from qudao.fulfilment.states import MOST_PACKAGES, PackageKind, State
from qudao.inventory.queries import unscoped_by_lot
from qudao.inventory.rules import LotQty
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.gs1 import INTERNAL_PREFIX, SSCC_DIGITS, sscc

#: shipment line id → quantity, or the lots that make it
Content = Mapping[int, Decimal | Sequence[LotQty]]
Filled = dict[int, list[LotQty]]

#: of each hundred numbers the first belongs to the label of a shipment
PARCELS_OF_HUNDRED = 99
EXTENSIONS = 10

HOLD = """SELECT o.id FROM orders_order o WHERE o.id IN (SELECT s.order_id FROM fulfilment_shipment s WHERE s.id = ANY(%s))
    ORDER BY o.id FOR UPDATE"""
APART = """WITH line AS (
        DELETE FROM fulfilment_packageline l USING fulfilment_package p WHERE p.id = l.package_id AND p.shipment_id = %(id)s
    ), package AS (
        DELETE FROM fulfilment_package WHERE shipment_id = %(id)s
    ) UPDATE fulfilment_shipmentline SET packed = 0 WHERE shipment_id = %(id)s"""
COUNT = """UPDATE fulfilment_shipmentline l SET packed = coalesce((SELECT sum(p.qty) FROM fulfilment_packageline p WHERE p.line_id = l.id), 0)
    WHERE l.shipment_id = %s"""


@dataclass(frozen=True)
class Parcel:
    """A parcel as somebody packed it; `sscc`: the number it bears already, "" = it gets the next of the series."""

    lines: Content = field(default_factory=dict)
    kind: str = PackageKind.CARTON
    weight: Decimal | None = None
    sscc: str = ""


@action("fulfilment.pack")
def pack_rest(shipment_id: int, kind: str = PackageKind.CARTON, *, per: Decimal | None = None, by_packs: bool = False, actor: Actor) -> Shipment:
    """Put what is in no parcel yet into parcels: all into one; or `per` units of a line into each; or, `by_packs`, each full pack of a product is one.
    What is over of all lines goes into one more.

    Locks the shipment, takes numbers. Raises Refused when it is not being picked, or when everything is in parcels.
    """
    if per is not None and not (rules.is_quantity(per) and per > 0):
        raise Invalid("fulfilment.parcel_size", field="per")
    (shipment,) = _lock([shipment_id], actor)
    lines = _lines(shipment)
    left = {line.pk: line.qty - line.packed for line in lines}
    sizes = dict.fromkeys(left, per) if per else unscoped_box_sizes({line.pk: line.product_id for line in lines}) if by_packs else {}
    parcel = Parcel(kind=_kind(kind))
    return _add(shipment, [(parcel, filled) for filled in _with_lots(shipment, lines, rules.in_parcels(left, sizes))], actor)


@action("fulfilment.pack")
def pack_lines(shipment_id: int, lines: Content, kind: str = PackageKind.CARTON, weight: Decimal | None = None, *, actor: Actor) -> Shipment:
    """Put `lines` (shipment line id → quantity, or the lots that make it) into one new parcel; `weight`: gross, in kilograms. Of a product tracked by lot
    without lots what expires first.

    Locks the shipment, takes a number. Raises Refused when it is not being picked, or where more is named than is left.
    """
    return pack_parcels({shipment_id: [Parcel(lines, kind, weight)]}, actor=actor)[0]


@action("fulfilment.pack")
def pack_parcels(wanted: Mapping[int, Sequence[Parcel]], *, actor: Actor) -> list[Shipment]:
    """Make the parcels of shipments (by id), as somebody packed them elsewhere; one with a number (SSCC) keeps it, the others take the next of the series.

    Locks the shipments. Raises as pack_lines does, Invalid for a number that is none or is of the own series, Refused for one that another parcel has.
    """
    for one in (one for parcels in wanted.values() for one in parcels):
        _check_weight(one.weight)
        _kind(one.kind)
    return [_pack(shipment, wanted[shipment.pk], actor) for shipment in _lock(wanted, actor)]


def _pack(shipment: Shipment, parcels: Sequence[Parcel], actor: Actor) -> Shipment:
    """New parcels of one locked shipment."""
    raise_if_any([fault for one in parcels if one.sscc for fault in rules.sscc_faults(one.sscc, shipment.seller.gs1_prefix)], Invalid)
    lines = _lines(shipment)
    left = {line.pk: line.qty - line.packed for line in lines}
    contents = []
    for one in parcels:
        inside = rules.choose({pk: rules.total(what) for pk, what in one.lines.items()}, left, code="fulfilment.more_than_left", name="left")
        left |= {pk: left[pk] - qty for pk, qty in inside.items()}
        contents.append({pk: one.lines[pk] for pk in inside})
    return _add(shipment, list(zip(parcels, _with_lots(shipment, lines, contents), strict=True)), actor)


@action("fulfilment.pack")
def change_package(package_id: int, lines: Content, kind: str, weight: Decimal | None = None, *, actor: Actor) -> Shipment:
    """Say anew what is in a parcel, and what it is and weighs; it keeps its number. Locks the shipment. Raises Refused as pack_lines does."""
    _check_weight(weight)
    (shipment,) = _lock(unscoped_packed_in([package_id]), actor)
    package = _package(package_id)
    there = _lines(shipment)
    left = {line.pk: line.qty - line.packed for line in there}
    for one in package.lines.all():
        left[one.line_id] += one.qty
    chosen = rules.choose({pk: rules.total(what) for pk, what in lines.items()}, left, code="fulfilment.more_than_left", name="left")
    package.kind, package.weight = _kind(kind), weight
    package.save(update_fields=["kind", "weight"])
    PackageLine.unscoped.filter(package=package).delete()
    _fill([(package, _with_lots(shipment, there, [{pk: lines[pk] for pk in chosen}])[0])])
    return _done(shipment, "packed", {"changed": package.sscc})


@action("fulfilment.pack")
def remove_package(package_id: int, *, actor: Actor) -> Shipment:
    """Take a parcel apart; its number is never given again. Locks the shipment. Raises Refused when the shipment is not being picked."""
    return remove_packages([package_id], actor=actor)[0]


@action("fulfilment.pack")
def remove_packages(package_ids: Sequence[int], *, actor: Actor) -> list[Shipment]:
    """The same for parcels of any shipments; returns these. All or none."""
    shipments = {one.pk: one for one in _lock(unscoped_packed_in(package_ids), actor)}
    for package in [_package(pk) for pk in package_ids]:
        PackageLine.unscoped.filter(package=package).delete()
        package.delete()
        _done(shipments[package.shipment_id], "unpacked", {"parcel": package.sscc})
    return list(shipments.values())


@action("fulfilment.pack")
def unpack_shipment(shipment_id: int, *, actor: Actor) -> Shipment:
    """Take all parcels of a shipment apart; harmless when there are none. Locks the shipment. Raises Refused when it is not being picked."""
    (shipment,) = _lock([shipment_id], actor)
    take_apart(shipment.subject)
    return shipment


def take_apart(subject: Subject) -> None:
    """Take all parcels of a locked shipment apart. One statement."""
    run(APART, {"id": subject.id})
    record(subject, after="unpacked")


def _lock(shipment_ids: Iterable[int], actor: Actor) -> list[Shipment]:
    """The shipments, locked, whose goods the actor packs. Their orders are locked before, as by dispatch: that reads a shipment with its parcels in the
    statement that locks it, and would see those of before.
    """
    wanted = sorted(set(shipment_ids))
    note_rank(Rank.ORDER)
    rows(HOLD, (wanted,))
    shipments = lock_rows(Shipment, wanted, rank=Rank.SHIPMENT)
    for shipment in shipments:
        check_side(actor, "fulfilment.pack", shipment.seller_id, shipment.pk)
    for shipment in shipments:
        if shipment.state != State.PICKING:
            raise Refused("fulfilment.illegal", number=shipment.number, state=State(shipment.state).label)
    return shipments


def _lines(shipment: Shipment) -> list[Any]:
    """Its lines, each with `by_lot`."""
    return list(ShipmentLine.unscoped.filter(shipment=shipment).annotate(by_lot=unscoped_by_lot()).order_by("id"))


def _with_lots(shipment: Shipment, lines: Sequence[Any], contents: Sequence[Content]) -> list[Filled]:
    """What goes into each parcel with the lots of it. No statement where nothing of it is tracked by lot, else four. Raises Invalid, Refused."""
    by_id = {line.pk: line for line in lines}
    tracked = {pk: by_id[pk].product_id for content in contents for pk in content if by_id[pk].by_lot}
    named = [pk for content in contents for pk, what in content.items() if pk not in tracked and not isinstance(what, Decimal)]
    raise_if_any([Fault("inventory.lot_untracked", f"lines.{pk}.lots") for pk in named], Invalid)
    pool = unscoped_lot_pool(shipment, tracked.values()) if tracked else None
    made: list[Filled] = []
    for content in contents:
        filled: Filled = {}
        for pk, what in content.items():
            product = tracked.get(pk)
            if pool is None or product is None:
                filled[pk] = [LotQty("", None, rules.total(what))]
            else:
                filled[pk] = rules.take_lots(pk, what, pool.free[product], pool.good.get(product))
        made.append(filled)
    return made


def _package(package_id: int) -> Package:
    """The parcel, read again under the lock of its shipment: somebody may have taken it apart meanwhile."""
    package = Package.unscoped.filter(pk=package_id).first()
    if package is None:
        raise NotFound("base.not_found")
    return package


def _kind(kind: str) -> str:
    if kind not in PackageKind.values:
        raise Invalid("fulfilment.package_kind", field="kind")
    return kind


def _check_weight(weight: Decimal | None) -> None:
    if weight is not None and not rules.is_weight(weight):
        raise Invalid("fulfilment.weight", field="weight")


def _add(shipment: Shipment, contents: Sequence[tuple[Parcel, Filled]], actor: Actor) -> Shipment:
    """New parcels of a locked shipment, numbered after those that are there."""
    there = list(Package.unscoped.filter(shipment=shipment).order_by("-no").values_list("no", flat=True))
    if len(there) + len(contents) > MOST_PACKAGES:
        raise Refused("fulfilment.too_many_parcels", limit=MOST_PACKAGES)
    first, now = (there[0] if there else 0) + 1, clock.now()
    fresh = iter(_numbers(shipment, sum(not one.sscc for one, _inside in contents)))
    made = [
        Package(shipment=shipment, no=first + n, kind=one.kind, sscc=one.sscc or next(fresh), weight=one.weight, at=now, packed_by=actor.user_id)
        for n, (one, _inside) in enumerate(contents)
    ]
    Package.unscoped.bulk_create(made)
    _fill([(package, inside) for package, (_one, inside) in zip(made, contents, strict=True)])
    return _done(shipment, "packed", {"parcels": len(made), "first": made[0].sscc})


def _numbers(shipment: Shipment, count: int) -> list[str]:
    """The next numbers under the sender's GS1 prefix, else internal ones. The ten extension digits are ten series of one prefix."""
    prefix = shipment.seller.gs1_prefix or INTERNAL_PREFIX
    room = 10 ** (SSCC_DIGITS - 2 - len(prefix))
    found: list[str] = []
    if not count:
        return found
    for n in take_all([f"sscc:{prefix}"] * count):
        hundreds, rest = divmod(n - 1, PARCELS_OF_HUNDRED)
        serial = hundreds * 100 + rest + 1
        if serial >= room * EXTENSIONS:
            raise Refused("fulfilment.numbers_used_up", prefix=prefix)
        found.append(sscc(serial % room, prefix=prefix, extension=serial // room))
    return found


def _fill(contents: Sequence[tuple[Package, Filled]]) -> None:
    PackageLine.unscoped.bulk_create(
        PackageLine(package=package, line_id=line_id, lot=one.lot, expires_on=one.expires_on, qty=one.qty)
        for package, lines in contents
        for line_id, lots in lines.items()
        for one in lots
    )


def _done(shipment: Shipment, what: str, detail: dict[str, object]) -> Shipment:
    """Count what is in parcels, and write it down."""
    run(COUNT, (shipment.pk,))
    record(shipment.subject, after=what, detail=detail)
    return shipment
