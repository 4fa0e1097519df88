"""What may be picked, shipped and received, and how much credit goes with it: decided without a database.

Amounts follow quantities cumulatively: after q of a line of n, round(gross × q/n) has moved on, so that the parts of a line sum to its gross.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from qudao.fulfilment.rules.counts import (
    NOTHING,
    Count,
    Counted,
    Found,
    OrderLine,
    Sent,
    Tally,
    count_receipt,
    differences,
    from_parcels,
    gross_lost,
    gross_of,
    is_quantity,
    missing,
    more_to_come,
    tally,
    told,
    unseen,
    ways,
)
from qudao.fulfilment.states import MOST_PACKAGES, TRANSITIONS, TRAVEL_DAYS, WARN_DAYS, State
from qudao.inventory.rules import LotQty, fefo, keeps, lots_fault
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.gs1 import INTERNAL_PREFIX, SSCC_DIGITS, check_digit
from qudao.kernel.period import working_day
from qudao.kernel.quantity import plain

__all__ = [
    "NOTHING",
    "Count",
    "Counted",
    "Found",
    "OrderLine",
    "Sent",
    "Tally",
    "count_receipt",
    "differences",
    "from_parcels",
    "gross_lost",
    "gross_of",
    "is_quantity",
    "missing",
    "more_to_come",
    "tally",
    "told",
    "unseen",
    "ways",
]

#: longest remark on a difference
MAX_NOTE = 200


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


def is_weight(weight: Decimal) -> bool:
    """Kilograms: zero or more, below ten thousand tons, to the gram."""
    return weight.is_finite() and 0 <= weight < 10**7 and weight == weight.quantize(Decimal("0.001"))


def count_until(shipped_on: date, days: int, counted_on: date | None = None) -> date:
    """The last day on which goods that left on a day can be counted before they are received as sent: so many days after they should have arrived, or
    after a part of them did (`counted_on`).
    """
    until = working_day(shipped_on, TRAVEL_DAYS) + timedelta(days=days)
    return max(until, counted_on + timedelta(days=days)) if counted_on else until


def watch(today: date, until: date, warned_on: date | None) -> str:
    """What is due today of goods that nobody counts until a day: "warn" the buyer, "take" them as sent (never sooner than warned), or nothing yet."""
    if warned_on is None:
        return "warn" if today >= until - timedelta(days=WARN_DAYS) else ""
    return "take" if today > max(until, warned_on + timedelta(days=WARN_DAYS)) else ""


def there_on(receipts: Iterable[tuple[date, Decimal]], qty: Decimal) -> date | None:
    """The first day on which receipts (by day) sum to `qty`; None when they never do."""
    total = NOTHING
    for day, more in receipts:
        total += more
        if total >= qty:
            return day
    return None


def gross_leaving(line: OrderLine, qty: Decimal) -> Decimal:
    """The gross that moves on when `qty` more of a line is shipped; what is sent again and stays invoiced moves nothing."""
    return gross_of(line, max(line.shipped + qty, line.invoiced)) - gross_of(line, max(line.shipped, line.invoiced))
