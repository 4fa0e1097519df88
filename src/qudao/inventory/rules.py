"""Pure decisions about stock: does a set of demands fit, and what do moves make of the rows they touch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from qudao.inventory.states import LOW_BELOW, Band
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.quantity import plain

ZERO = Decimal(0)
PLACES = -4
"""Exponent of the smallest quantity that is stored."""

Key = tuple[int, int]
"""(place id, product id): what a stock row is about, and the order in which stock rows are locked."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Wanted: `qty` (base unit) of a product out of a place, for the caller's line `ref_id`.

    `more`: the places after it, in their order, where it has too little; with `splits` a line may come out of several of them, without all lines that
    are asked for together come out of one. What nobody has is lacking at the first.
    """

    place_id: int
    product_id: int
    qty: Decimal
    ref_id: int
    more: tuple[int, ...] = ()
    splits: bool = True

    @property
    def keys(self) -> list[Key]:
        """Where it may come from, in order."""
        return [(place, self.product_id) for place in (self.place_id, *self.more)]


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom a rule serves: one of them, or everybody when nothing is named."""

    buyer_id: int | None = None
    group_id: int | None = None
    region_id: int | None = None
    area_code: str = ""


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """What is written about a place: its names, where it is, and who answers there."""

    name: str = ""
    name_en: str = ""
    address: str = ""
    contact: str = ""
    phone: str = ""

    def clean(self) -> PlaceFacts:
        """Without blanks around its texts."""
        return PlaceFacts(self.name.strip(), self.name_en.strip(), self.address.strip(), self.contact.strip(), self.phone.strip())


@dataclass(frozen=True, slots=True)
class LotQty:
    """So much of a lot; `expires_on` is the last day on which it is good (None: it does not expire, or nobody knows)."""

    lot: str
    expires_on: date | None
    qty: Decimal
    #: it is blocked for quality, so it stays where it is
    held: bool = False


@dataclass(frozen=True, slots=True)
class MoveSpec:
    """Goods to be moved: `qty` in base unit. `take_reserved`: they were reserved in `from_place` for the line `ref_id`.

    `lots` of a product tracked by lot: which ones, summing to `qty`; without, those that the document brought there, then what expires first.
    """

    product_id: int
    qty: Decimal
    from_place_id: int
    to_place_id: int
    ref_id: int | None = None
    take_reserved: bool = False
    lots: tuple[LotQty, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A stock row as locked: its id, what lies there, how much of it is promised, and how much lies in lots that have expired or
    are blocked for quality; `held`: all of it is blocked.
    """

    id: int
    on_hand: Decimal
    reserved: Decimal
    awaited: bool = False
    tracked: bool = False
    expired: Decimal = ZERO
    held: bool = False

    @property
    def free(self) -> Decimal:
        return ZERO if self.held else self.on_hand - self.reserved - self.expired

    @property
    def left(self) -> Decimal:
        """What somebody new can be promised: nothing while others wait for these goods, so that nobody overtakes them."""
        return ZERO if self.awaited else self.free


@dataclass(frozen=True, slots=True)
class Changes:
    """What moves do to stock: new (on_hand, reserved) by row id, and first quantities of rows that do not exist yet."""

    rows: dict[int, tuple[Decimal, Decimal]]
    fresh: dict[Key, Decimal]


def promise(available: tuple[date, Decimal], receipts: Sequence[tuple[date, Decimal]], qty: Decimal) -> list[tuple[date | None, Decimal]]:
    """When `qty` can leave: first what is there (the day it can leave, how much), then what is expected (by day); the rest has no day yet (None)."""
    found: list[tuple[date | None, Decimal]] = []
    for day, there in (available, *receipts):
        part = min(there, qty)
        if part > 0:
            found.append((day, part))
            qty -= part
    return [*found, (None, qty)] if qty > 0 else found


def reserved_until(today: date, leaves_on: date, days: int) -> date:
    """The last day of goods that are kept for `days` from today, or from the day on which they are to leave when that is later than they would be kept."""
    until = today + timedelta(days=days)
    return until if leaves_on <= until else leaves_on + timedelta(days=days)


def check_quantities(quantities: Iterable[tuple[Decimal, int | None]]) -> None:
    """Every (quantity, ref) is a positive decimal that can be stored; raises Invalid with one fault per bad line."""
    bad = [ref for qty, ref in quantities if not storable(qty)]
    raise_if_any([Fault("inventory.quantity", f"lines.{ref}") for ref in bad], Invalid)


def storable(qty: Decimal) -> bool:
    """Whether a quantity can be on the books: more than zero, at most four decimals."""
    if not isinstance(qty, Decimal) or not qty.is_finite() or qty <= 0:
        return False
    return int(qty.as_tuple().exponent) >= PLACES or qty == qty.quantize(Decimal(1).scaleb(PLACES))


def totals(demands: Iterable[Demand]) -> dict[Key, Decimal]:
    """The demands of the same place and product together, in lock order."""
    found: dict[Key, Decimal] = {}
    for d in demands:
        key = (d.place_id, d.product_id)
        found[key] = found.get(key, ZERO) + d.qty
    return dict(sorted(found.items()))


def keys_of(demands: Iterable[Demand]) -> list[Key]:
    """Every (place, product) that demands may be served from, in lock order."""
    return sorted({key for d in demands for key in d.keys})


def shortage(ref_id: int | None, product_id: int, needed: Decimal, available: Decimal) -> Fault:
    """One line that cannot be served; quantities as plain text in the base unit."""
    field = "" if ref_id is None else f"lines.{ref_id}"
    given = max(available, ZERO)
    params = {"product_id": product_id, "needed": plain(needed), "available": plain(given), "short": plain(needed - given)}
    return Fault("inventory.short", field, params)


def shortages(demands: Iterable[Demand], free: Mapping[Key, Decimal]) -> list[Fault]:
    """A fault per demand whose place and product cannot serve all demands together; a missing stock row holds zero.

    Lines are served in the given order, so that the fault says what is left for that line.
    """
    demands = list(demands)
    if any(d.more for d in demands):
        lacks = serve(demands, free)[1]
        return [shortage(d.ref_id, d.product_id, d.qty, d.qty - lacks[d.ref_id]) for d in demands if d.ref_id in lacks]
    faults, left = [], dict(free)
    for d in demands:
        key = (d.place_id, d.product_id)
        rest = left.get(key, ZERO)
        if d.qty > rest:
            faults.append(shortage(d.ref_id, d.product_id, d.qty, rest))
        left[key] = max(rest - d.qty, ZERO)
    return faults


def serve(demands: Iterable[Demand], free: Mapping[Key, Decimal]) -> tuple[list[Demand], dict[int, Decimal]]:
    """What each demand gets of what is free, in the given order (demands that get nothing are left out), and by ref_id what each lacks."""
    demands = list(demands)
    if any(d.more for d in demands):
        return _serve_from_many(demands, dict(free))
    given, lacks, left = list[Demand](), dict[int, Decimal](), dict(free)
    for d in demands:
        key = (d.place_id, d.product_id)
        got = min(d.qty, max(left.get(key, ZERO), ZERO))
        left[key] = left.get(key, ZERO) - got
        if got:
            given.append(replace(d, qty=got))
        if got < d.qty:
            lacks[d.ref_id] = d.qty - got
    return given, lacks


def _serve_from_many(demands: Sequence[Demand], left: dict[Key, Decimal]) -> tuple[list[Demand], dict[int, Decimal]]:
    """`serve` where goods may come out of several places: all of it out of the first that has all; else line by line, if that is allowed."""
    for n in range(max(len(d.keys) for d in demands)):
        one = [replace(d, place_id=d.keys[min(n, len(d.keys) - 1)][0], more=()) for d in demands]
        given, lacks = serve(one, left)
        if not lacks:
            return given, lacks
    if not all(d.splits for d in demands):
        return serve([replace(d, more=()) for d in demands], left)
    found, short = list[Demand](), dict[int, Decimal]()
    for d in demands:
        whole = [key for key in d.keys if left.get(key, ZERO) >= d.qty]
        rest = d.qty
        for key in whole[:1] or d.keys:
            if (part := min(rest, max(left.get(key, ZERO), ZERO))) > 0:
                left[key] -= part
                rest -= part
                found.append(replace(d, place_id=key[0], qty=part, more=()))
        if rest:
            short[d.ref_id] = short.get(d.ref_id, ZERO) + rest
    return found, short


def apply_moves(specs: Sequence[MoveSpec], held: Mapping[Key, Held], outside: frozenset[int]) -> Changes:
    """What the moves, all together, make of the stock rows; raises Refused with every shortage.

    What is not taken from a reservation may only use what nobody reserved; what is blocked leaves only out of the books.
    Places of the kind outside keep no rows.
    """
    on_hand: dict[Key, Decimal] = {}
    taken: dict[Key, Decimal] = {}
    leaving: dict[Key, MoveSpec] = {}
    for s in specs:
        if s.from_place_id not in outside:
            key = (s.from_place_id, s.product_id)
            leaving.setdefault(key, s)
            on_hand[key] = on_hand.get(key, ZERO) - s.qty
            if s.take_reserved:
                taken[key] = taken.get(key, ZERO) + s.qty
        if s.to_place_id not in outside:
            key = (s.to_place_id, s.product_id)
            on_hand[key] = on_hand.get(key, ZERO) + s.qty
    rows, fresh, faults = {}, {}, []
    for key in sorted(on_hand):
        before = held.get(key)
        if before and before.held and any(s.to_place_id not in outside for s in specs if (s.from_place_id, s.product_id) == key):
            faults.append(Fault("inventory.held", "" if leaving[key].ref_id is None else f"lines.{leaving[key].ref_id}"))
        if before is None:
            if on_hand[key] < 0:
                faults.append(shortage(leaving[key].ref_id, key[1], -on_hand[key], ZERO))
            fresh[key] = on_hand[key]
            continue
        after, reserved = before.on_hand + on_hand[key], before.reserved - taken.get(key, ZERO)
        if after < reserved or reserved < 0:
            own = taken.get(key, ZERO)
            faults.append(shortage(leaving[key].ref_id, key[1], -on_hand[key], before.free + min(own, before.reserved)))
        rows[before.id] = (after, reserved)
    raise_if_any(faults, Refused)
    return Changes(rows, fresh)


def band(free: Decimal) -> Band:
    """Availability without a figure: out at zero, low below LOW_BELOW."""
    if free <= 0:
        return Band.OUT
    return Band.LOW if free < LOW_BELOW else Band.IN_STOCK


def fefo(lots: Iterable[LotQty], qty: Decimal, good_on: date | None = None) -> tuple[list[LotQty], Decimal]:
    """What to take for `qty`: what expires first, of what is still good on `good_on` and not blocked; and how much is lacking."""
    found = list[LotQty]()
    for one in sorted(lots, key=lambda x: (x.expires_on or date.max, x.lot)):
        if not one.held and keeps(one.expires_on, good_on) and (part := min(one.qty, qty)) > 0:
            found.append(replace(one, qty=part))
            qty -= part
    return found, qty


def keeps(expires_on: date | None, good_on: date | None) -> bool:
    """Whether a lot is still good on a day (None: nobody asks)."""
    return expires_on is None or good_on is None or expires_on >= good_on


def good_until(today: date, days: int, percent: int, shelf_days: int | None) -> date:
    """Until when a lot that is shipped today must keep: `days`, or `percent` of the shelf life, whichever is more."""
    return today + timedelta(days=max(days, -(-(shelf_days or 0) * percent // 100)))


def lots_fault(ref_id: int | None, code: str, **params: object) -> Fault:
    """A fault about the lots of one line."""
    return Fault(code, "" if ref_id is None else f"lines.{ref_id}", params)
