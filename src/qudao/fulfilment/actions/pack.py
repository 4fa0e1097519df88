"""Parcels and pallets of a shipment that is being picked. Each gets a number (SSCC) out of the series of its sender's GS1 prefix, once.

The label of a whole shipment has a number that ends in 00 before the check digit (`prints`); those of parcels never do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.barcodes import INTERNAL_PREFIX, SSCC_DIGITS, sscc
from qudao.base.db import run
from qudao.base.lock import Rank, lock_one
from qudao.base.numbering import take_all
from qudao.base.subject import Subject
from qudao.fulfilment import rules
from qudao.fulfilment.models import Package, PackageLine, Shipment, ShipmentLine
from qudao.fulfilment.policies import check_side
from qudao.fulfilment.queries import unscoped_box_sizes, unscoped_packed_in
from qudao.fulfilment.states import MOST_PACKAGES, PackageKind, State
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound, Refused

#: of each hundred numbers the first belongs to the label of a shipment
PARCELS_OF_HUNDRED = 99
EXTENSIONS = 10

APART = """WITH line AS (
        DELETE FROM fulfilment_packageline l USING fulfilment_package p WHERE p.id = l.package_id AND p.shipment_id = %(id)s
    ), package AS (
        DELETE FROM fulfilment_package WHERE shipment_id = %(id)s
    ) UPDATE fulfilment_shipmentline SET packed = 0 WHERE shipment_id = %(id)s"""
COUNT = """UPDATE fulfilment_shipmentline l SET packed = coalesce((SELECT sum(p.qty) FROM fulfilment_packageline p WHERE p.line_id = l.id), 0)
    WHERE l.shipment_id = %s"""


@action("fulfilment.pack")
def pack_rest(shipment_id: int, kind: str = PackageKind.CARTON, *, per: Decimal | None = None, by_packs: bool = False, actor: Actor) -> Shipment:
    """Put what is in no parcel yet into parcels: all into one; or `per` units of a line into each; or, `by_packs`, each full pack of a product is one.
    What is over of all lines goes into one more.

    Locks the shipment, takes numbers. Raises Refused when it is not being picked, or when everything is in parcels.
    """
    if per is not None and not (rules.is_quantity(per) and per > 0):
        raise Invalid("fulfilment.parcel_size", field="per")
    shipment = _lock(shipment_id, actor)
    lines = _lines(shipment)
    left = {line.pk: line.qty - line.packed for line in lines}
    sizes = dict.fromkeys(left, per) if per else unscoped_box_sizes({line.pk: line.product_id for line in lines}) if by_packs else {}
    return _add(shipment, rules.in_parcels(left, sizes), _kind(kind), None, actor)


@action("fulfilment.pack")
def pack_lines(shipment_id: int, lines: Mapping[int, Decimal], kind: str = PackageKind.CARTON, weight: Decimal | None = None, *, actor: Actor) -> Shipment:
    """Put `lines` (shipment line id → quantity) into one new parcel; `weight`: gross, in kilograms.

    Locks the shipment, takes a number. Raises Refused when it is not being picked, or where more is named than is left.
    """
    _check_weight(weight)
    shipment = _lock(shipment_id, actor)
    left = {line.pk: line.qty - line.packed for line in _lines(shipment)}
    return _add(shipment, [rules.choose(lines, left, code="fulfilment.more_than_left", name="left")], _kind(kind), weight, actor)


@action("fulfilment.pack")
def change_package(package_id: int, lines: Mapping[int, Decimal], kind: str, weight: Decimal | None = None, *, actor: Actor) -> Shipment:
    """Say anew what is in a parcel, and what it is and weighs; it keeps its number. Locks the shipment. Raises Refused as pack_lines does."""
    _check_weight(weight)
    shipment = _lock(unscoped_packed_in(package_id), actor)
    package = _package(package_id)
    own = {line.line_id: line.qty for line in package.lines.all()}
    left = {line.pk: line.qty - line.packed + own.get(line.pk, rules.NOTHING) for line in _lines(shipment)}
    chosen = rules.choose(lines, left, code="fulfilment.more_than_left", name="left")
    package.kind, package.weight = _kind(kind), weight
    package.save(update_fields=["kind", "weight"])
    PackageLine.unscoped.filter(package=package).delete()
    _fill([(package, chosen)])
    return _done(shipment, "packed", {"changed": package.sscc})


@action("fulfilment.pack")
def remove_package(package_id: int, *, actor: Actor) -> Shipment:
    """Take a parcel apart; its number is never given again. Locks the shipment. Raises Refused when the shipment is not being picked."""
    shipment = _lock(unscoped_packed_in(package_id), actor)
    package = _package(package_id)
    PackageLine.unscoped.filter(package=package).delete()
    package.delete()
    return _done(shipment, "unpacked", {"parcel": package.sscc})


@action("fulfilment.pack")
def unpack_shipment(shipment_id: int, *, actor: Actor) -> Shipment:
    """Take all parcels of a shipment apart; harmless when there are none. Locks the shipment. Raises Refused when it is not being picked."""
    shipment = _lock(shipment_id, actor)
    take_apart(shipment.subject)
    return shipment


def take_apart(subject: Subject) -> None:
    """Take all parcels of a locked shipment apart. One statement."""
    run(APART, {"id": subject.id})
    record(subject, after="unpacked")


def _lock(shipment_id: int, actor: Actor) -> Shipment:
    """The shipment, locked, whose goods the actor packs; dispatch waits for it and the other way round."""
    shipment = lock_one(Shipment, shipment_id, rank=Rank.SHIPMENT)
    check_side(actor, "fulfilment.pack", shipment.seller_id, shipment_id)
    if shipment.state != State.PICKING:
        raise Refused("fulfilment.illegal", number=shipment.number, state=State(shipment.state).label)
    return shipment


def _lines(shipment: Shipment) -> list[ShipmentLine]:
    return list(ShipmentLine.unscoped.filter(shipment=shipment).order_by("id"))


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
    if weight is not None and not (weight.is_finite() and 0 <= weight < 10**7 and weight == weight.quantize(Decimal("0.001"))):
        raise Invalid("fulfilment.weight", field="weight")


def _add(shipment: Shipment, contents: Sequence[Mapping[int, Decimal]], kind: str, weight: Decimal | None, actor: Actor) -> Shipment:
    """New parcels of a locked shipment, numbered after those that are there."""
    there = list(Package.unscoped.filter(shipment=shipment).order_by("-no").values_list("no", flat=True))
    if len(there) + len(contents) > MOST_PACKAGES:
        raise Refused("fulfilment.too_many_parcels", limit=MOST_PACKAGES)
    first, now = (there[0] if there else 0) + 1, clock.now()
    made = [
        Package(shipment=shipment, no=first + n, kind=kind, sscc=number, weight=weight, at=now, packed_by=actor.user_id)
        for n, number in enumerate(_numbers(shipment, len(contents)))
    ]
    Package.unscoped.bulk_create(made)
    _fill(list(zip(made, contents, strict=True)))
    return _done(shipment, "packed", {"parcels": len(made), "first": made[0].sscc})


def _numbers(shipment: Shipment, count: int) -> list[str]:
    """The next numbers under the sender's GS1 prefix, else internal ones. The ten extension digits are ten series of one prefix."""
    prefix = shipment.seller.gs1_prefix or INTERNAL_PREFIX
    room = 10 ** (SSCC_DIGITS - 2 - len(prefix))
    found = []
    for n in take_all([f"sscc:{prefix}"] * count):
        hundreds, rest = divmod(n - 1, PARCELS_OF_HUNDRED)
        serial = hundreds * 100 + rest + 1
        if serial >= room * EXTENSIONS:
            raise Refused("fulfilment.numbers_used_up", prefix=prefix)
        found.append(sscc(serial % room, prefix=prefix, extension=serial // room))
    return found


def _fill(contents: Sequence[tuple[Package, Mapping[int, Decimal]]]) -> None:
    PackageLine.unscoped.bulk_create([PackageLine(package=package, line_id=line_id, qty=qty) for package, lines in contents for line_id, qty in lines.items()])


def _done(shipment: Shipment, what: str, detail: dict[str, object]) -> Shipment:
    """Count what is in parcels, and write it down."""
    run(COUNT, (shipment.pk,))
    record(shipment.subject, after=what, detail=detail)
    return shipment
