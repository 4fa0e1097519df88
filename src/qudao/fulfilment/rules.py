"""What may be picked, shipped and received, and how much credit goes with it: decided without a database.

Amounts follow quantities cumulatively: after q of a line of n, round(gross × q/n) has moved on, so that the parts of a line sum to its gross.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from qudao.fulfilment.states import MOST_PACKAGES, TRANSITIONS, TRAVEL_DAYS, WARN_DAYS, DifferenceKind, State
from qudao.inventory.rules import LotQty, fefo, keeps, lots_fault
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.gs1 import INTERNAL_PREFIX, SSCC_DIGITS, check_digit
from qudao.kernel.money import ZERO, cumulative, split
from qudao.kernel.period import working_day
from qudao.kernel.quantity import plain

#: longest remark on a difference
MAX_NOTE = 200
NOTHING = Decimal(0)
NAMED_NOTHING: Mapping[int, int] = {}


class OrderLine(Protocol):
    """What the rules need of an order line; counters in base units."""

    id: int
    no: int
    qty: Decimal
    gross: Decimal
    shipped: Decimal
    received: Decimal
    settled_short: Decimal
    invoiced: Decimal

    @property
    def ready(self) -> Decimal: ...


@dataclass(frozen=True)
class Count:
    """What a buyer counted of one shipment line, in base units. `short` None = what is missing to the shipped quantity. `over` = beyond it.
    Instead of `wrong` came as many of `wrong_product` (a code); `refused` was not taken.
    """

    shipment_line_id: int
    received: Decimal
    damaged: Decimal = NOTHING
    short: Decimal | None = None
    over: Decimal = NOTHING
    note: str = ""
    refused: Decimal = NOTHING
    wrong: Decimal = NOTHING
    wrong_product: str = ""


@dataclass(frozen=True)
class Sent:
    """A line of a shipment that has left."""

    id: int
    line_id: int
    product_id: int
    qty: Decimal


@dataclass(frozen=True)
class Counted:
    """A shipment line with its count; received + damaged + short + refused + wrong = what was shipped."""

    sent: Sent
    received: Decimal
    damaged: Decimal
    short: Decimal
    over: Decimal
    note: str
    refused: Decimal = NOTHING
    wrong: Decimal = NOTHING
    wrong_product_id: int | None = None

    @property
    def lost(self) -> Decimal:
        """What the buyer will not keep of what was shipped."""
        return self.damaged + self.short + self.refused + self.wrong

    @property
    def differs(self) -> bool:
        return bool(self.lost or self.over)


@dataclass(frozen=True)
class Found:
    """One difference of one line, with its amount (gross, in the currency of the order); `product_id`: what came instead."""

    shipment_line_id: int
    kind: str
    qty: Decimal
    amount: Decimal
    product_id: int | None = None


def next_state(state: str, event: str, number: str) -> str:
    """The state after `event`; Refused fulfilment.illegal when the table has no such arrow."""
    try:
        return TRANSITIONS[(State(state), event)]
    except KeyError:
        raise Refused("fulfilment.illegal", number=number, state=State(state).label) from None


def left_to_plan(lines: Iterable[OrderLine], picking: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """Line id → what is reserved and not being picked; lines with nothing left are left out."""
    rest = {line.id: line.ready - picking.get(line.id, NOTHING) for line in lines}
    return {line_id: qty for line_id, qty in rest.items() if qty > 0}


def less(there: Mapping[int, Decimal], busy: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """What is there of each line and not busy; lines with nothing left are left out."""
    rest = {line_id: qty - busy.get(line_id, NOTHING) for line_id, qty in there.items()}
    return {line_id: qty for line_id, qty in rest.items() if qty > 0}


def choose(wanted: Mapping[int, Decimal], free: Mapping[int, Decimal], *, code: str, name: str) -> dict[int, Decimal]:
    """The asked quantities by line, zeros left out. Invalid for a bad line or quantity, Refused `code` where more is asked than is free."""
    faults: list[Fault] = []
    over: list[Fault] = []
    for line_id, qty in wanted.items():
        field = f"lines.{line_id}.qty"
        if line_id not in free:
            faults.append(Fault("fulfilment.unknown_line", f"lines.{line_id}"))
        elif not is_quantity(qty):
            faults.append(Fault("fulfilment.quantity", field))
        elif qty > free[line_id]:
            over.append(Fault(code, field, {name: plain(free[line_id])}))
    raise_if_any(faults, Invalid)
    raise_if_any(over, Refused)
    chosen = {line_id: qty for line_id, qty in wanted.items() if qty > 0}
    if not chosen:
        raise Invalid("fulfilment.no_lines", field="lines")
    return chosen


def in_parcels(left: Mapping[int, Decimal], sizes: Mapping[int, Decimal]) -> list[dict[int, Decimal]]:
    """What is left of lines, as parcels: a line with a size fills one parcel after another with so much; what is over of all lines goes into one.

    Raises Refused when there is nothing, or too many parcels would be made.
    """
    made: list[dict[int, Decimal]] = []
    loose: dict[int, Decimal] = {}
    for line_id, qty in left.items():
        size = sizes.get(line_id)
        full = int(qty // size) if size else 0
        if full > MOST_PACKAGES:
            raise Refused("fulfilment.too_many_parcels", limit=MOST_PACKAGES)
        made += [{line_id: size} for _n in range(full) if size]
        rest = qty - full * size if size else qty
        loose |= {line_id: rest} if rest > 0 else {}
    made += [loose] if loose else []
    if not made:
        raise Refused("fulfilment.nothing_to_pack")
    return made


def total(what: Decimal | Sequence[LotQty]) -> Decimal:
    """How much a quantity, or some of lots, comes to."""
    return what if isinstance(what, Decimal) else sum((one.qty for one in what), NOTHING)


def take_lots(line_id: int, what: Decimal | Sequence[LotQty], there: list[LotQty], good: date | None) -> list[LotQty]:
    """The lots that go into a parcel, taken off what is `there`: those somebody named, else what expires first of what is good until then.

    Raises Refused where a lot has less, does not keep long enough, or where all of them have too little.
    """
    if isinstance(what, Decimal):
        taken, lacks = fefo(there, what, good)
        if lacks:
            raise_if_any([lots_fault(line_id, "inventory.lots_short", needed=plain(what), available=plain(what - lacks))], Refused)
    else:
        known, faults, taken = {one.lot: one for one in there}, [], []
        for one in what:
            have = known.get(one.lot, LotQty(one.lot, None, NOTHING))
            if have.qty < one.qty:
                faults.append(lots_fault(line_id, "inventory.lot_short", lot=one.lot, available=plain(max(have.qty, NOTHING))))
            elif have.held:
                faults.append(lots_fault(line_id, "inventory.lot_held", lot=one.lot))
            elif not keeps(have.expires_on, good):
                faults.append(lots_fault(line_id, "inventory.lot_unsold", lot=one.lot, until=str(have.expires_on), needed=str(good)))
            taken.append(replace(have, qty=one.qty))
        raise_if_any(faults, Refused)
    gone = {one.lot: one.qty for one in taken}
    there[:] = [replace(one, qty=one.qty - gone.get(one.lot, NOTHING)) for one in there]
    return taken


def sscc_faults(number: str, prefix: str) -> list[Fault]:
    """What is wrong with the number a parcel bears already. Those of the own series are given here only, so that none is given twice."""
    if len(number) != SSCC_DIGITS or not (number.isascii() and number.isdigit()) or check_digit(number[:-1]) != number[-1]:
        return [Fault("fulfilment.sscc", "sscc", {"number": number})]
    own = any(number[1:].startswith(one) for one in (prefix, INTERNAL_PREFIX) if one)
    return [Fault("fulfilment.sscc_own", "sscc", {"number": number})] if own else []


def packed_faults(leaving: Mapping[int, Decimal], packed: Mapping[int, Decimal], number: str) -> list[Fault]:
    """What hinders a shipment from leaving: where it has parcels, exactly what is in them leaves. By order line."""
    return [Fault("fulfilment.not_packed", "", {"number": number})] if packed and packed != leaving else []


def other_lots(named: Mapping[int, Sequence[LotQty]], inside: Mapping[int, Sequence[LotQty]]) -> list[Fault]:
    """Where lots are named for dispatch that are not those in the parcels. By order line."""

    def sums(lots: Sequence[LotQty]) -> dict[str, Decimal]:
        return {one.lot: total([x for x in lots if x.lot == one.lot]) for one in lots}

    return [Fault("fulfilment.lots_packed") for line_id, lots in named.items() if line_id in inside and sums(lots) != sums(inside[line_id])][:1]


def told(count: Count) -> Decimal:
    """How much a count says was sent: all of it that is not too many. Raises Invalid for what is no quantity."""
    parts = (count.received, count.damaged, count.short or NOTHING, count.refused, count.wrong)
    if not all(is_quantity(qty) for qty in parts):
        raise Invalid("fulfilment.quantity", field=f"lines.{count.shipment_line_id}.received")
    return sum(parts, NOTHING)


def is_quantity(qty: Decimal) -> bool:
    """Zero or more, at most four decimals."""
    return isinstance(qty, Decimal) and qty.is_finite() and qty >= 0 and qty == qty.quantize(Decimal("0.0001"))


def is_weight(weight: Decimal) -> bool:
    """Kilograms: zero or more, below ten thousand tons, to the gram."""
    return weight.is_finite() and 0 <= weight < 10**7 and weight == weight.quantize(Decimal("0.001"))


def count_until(shipped_on: date, days: int) -> date:
    """The last day on which goods that left on a day can be counted before they are received as sent: so many days after they should have arrived."""
    return working_day(shipped_on, TRAVEL_DAYS) + timedelta(days=days)


def watch(today: date, until: date, warned_on: date | None) -> str:
    """What is due today of goods that nobody counts until a day: "warn" the buyer, "take" them as sent (never sooner than warned), or nothing yet."""
    if warned_on is None:
        return "warn" if today >= until - timedelta(days=WARN_DAYS) else ""
    return "take" if today > max(until, warned_on + timedelta(days=WARN_DAYS)) else ""


def unseen(counted: Iterable[Counted], photographed: Mapping[int, object]) -> list[Fault]:
    """The counted lines of which a photo is missing: what is damaged or wrong is shown. `photographed`: by shipment line."""
    bare = [c for c in counted if (c.damaged or c.wrong) and not photographed.get(c.sent.id)]
    return [Fault("fulfilment.photo_missing", f"lines.{c.sent.id}.{'damaged' if c.damaged else 'wrong'}") for c in bare]


def there_on(receipts: Iterable[tuple[date, Decimal]], qty: Decimal) -> date | None:
    """The first day on which receipts (by day) sum to `qty`; None when they never do."""
    total = NOTHING
    for day, more in receipts:
        total += more
        if total >= qty:
            return day
    return None


def gross_of(line: OrderLine, qty: Decimal) -> Decimal:
    """The gross of the first `qty` of an order line."""
    return cumulative(line.gross, qty, line.qty, ZERO)


def gross_leaving(line: OrderLine, qty: Decimal) -> Decimal:
    """The gross that moves on when `qty` more of a line is shipped; what is sent again and stays invoiced moves nothing."""
    return gross_of(line, max(line.shipped + qty, line.invoiced)) - gross_of(line, max(line.shipped, line.invoiced))


def gross_lost(line: OrderLine, received: Decimal, lost: Decimal) -> Decimal:
    """The gross that will never be invoiced because `lost` arrives beside `received`.

    Together with what is invoiced for the received quantity it makes exactly what was shipped. Interleaved receipts can make a single step a
    cent less than zero.
    """
    before = gross_of(line, line.received + line.settled_short) - gross_of(line, line.received)
    got, gone = line.received + received, line.settled_short + lost
    return gross_of(line, got + gone) - gross_of(line, got) - before


def count_receipt(sent: Sequence[Sent], counts: Sequence[Count], note: str = "", instead: Mapping[int, int] = NAMED_NOTHING) -> list[Counted]:
    """Every line of the shipment with its count; a line nobody counted arrived as shipped. `instead`: shipment line → the product that came instead.

    What is refused has a reason at its line or in `note`. Raises Invalid with a fault per line that does not add up (fields "lines.<shipment line id>.…").
    """
    known = {s.id: s for s in sent}
    by_line: dict[int, Count] = {}
    faults: list[Fault] = []
    for count in counts:
        at = f"lines.{count.shipment_line_id}"
        if count.shipment_line_id not in known:
            faults.append(Fault("fulfilment.unknown_line", at))
        elif count.shipment_line_id in by_line:
            faults.append(Fault("fulfilment.twice", at))
        else:
            by_line[count.shipment_line_id] = count
            faults += _count_faults(known[count.shipment_line_id], count, at)
            faults += _said_faults(known[count.shipment_line_id], count, note, instead.get(count.shipment_line_id))
    raise_if_any(faults, Invalid)
    return [_counted(s, by_line.get(s.id), instead.get(s.id)) for s in sent]


def _said_faults(sent: Sent, count: Count, note: str, instead: int | None) -> list[Fault]:
    """What a count must say in words: why goods are refused, and which product came instead of the right one."""
    faults, at = [], f"lines.{sent.id}"
    if count.refused and not (count.note.strip() or note.strip()):
        faults.append(Fault("fulfilment.why_refused", f"{at}.note"))
    if bool(count.wrong) != bool(count.wrong_product):
        faults.append(Fault("fulfilment.wrong_unnamed", f"{at}.wrong_product"))
    elif count.wrong and instead in (None, sent.product_id):
        faults.append(Fault("fulfilment.wrong_product", f"{at}.wrong_product"))
    return faults


def _count_faults(sent: Sent, count: Count, at: str) -> list[Fault]:
    parts = {name: getattr(count, name) for name in ("received", "damaged", "short", "over", "refused", "wrong")}
    faults = [Fault("fulfilment.quantity", f"{at}.{name}") for name, qty in parts.items() if qty is not None and not is_quantity(qty)]
    if len(count.note) > 500:
        faults.append(Fault("fulfilment.too_long", f"{at}.note", {"limit": 500}))
    if faults:
        return faults
    counted = count.received + count.damaged + count.refused + count.wrong + (count.short or NOTHING)
    if counted > sent.qty or (count.short is not None and counted != sent.qty):
        return [Fault("fulfilment.counts_differ", f"{at}.received", {"shipped": plain(sent.qty), "counted": plain(counted)})]
    return []


def _counted(sent: Sent, count: Count | None, instead: int | None) -> Counted:
    if count is None:
        return Counted(sent, sent.qty, NOTHING, NOTHING, NOTHING, "")
    short = sent.qty - count.received - count.damaged - count.refused - count.wrong
    return Counted(sent, count.received, count.damaged, short, count.over, count.note, count.refused, count.wrong, instead)


def ways(c: Counted, seller: int, buyer: int) -> list[tuple[int, Decimal, tuple[int, str], tuple[int, str]]]:
    """Where the goods of a counted line go: (product, quantity, from, to), each end as (organisation, place).

    What the buyer does not keep is the seller's still; what it has and did not order lies with it until that is settled.
    """
    product = c.sent.product_id
    steps = (
        (product, c.received, (seller, "TRANSIT"), (buyer, "MAIN")),
        (product, c.lost, (seller, "TRANSIT"), (seller, "CLAIMS")),
        (product, c.over, (buyer, "OUTSIDE"), (buyer, "CLAIMS")),
        (c.wrong_product_id or product, c.wrong, (buyer, "OUTSIDE"), (buyer, "CLAIMS")),
    )
    return [step for step in steps if step[1]]


def differences(counted: Sequence[Counted], lines: Mapping[int, OrderLine]) -> list[Found]:
    """A difference per line and kind, priced at the gross of the order line (counters as they were before this receipt).

    What is lost in one way or another shares the lost gross by quantity; what is too many is priced like the first of its line.
    """
    found: list[Found] = []
    for c in counted:
        line = lines[c.sent.line_id]
        if c.lost:
            amount = max(gross_lost(line, c.received, c.lost), ZERO)
            ways = {
                DifferenceKind.DAMAGED: c.damaged,
                DifferenceKind.SHORT: c.short,
                DifferenceKind.REFUSED: c.refused,
                DifferenceKind.WRONG: c.wrong,
            }
            parts = zip(ways.items(), split(amount, list(ways.values())), strict=True)
            instead = {DifferenceKind.WRONG: c.wrong_product_id}
            found += [Found(c.sent.id, kind, qty, part, instead.get(kind)) for (kind, qty), part in parts if qty]
        if c.over:
            found.append(Found(c.sent.id, DifferenceKind.OVER, c.over, gross_of(line, c.over)))
    return found
