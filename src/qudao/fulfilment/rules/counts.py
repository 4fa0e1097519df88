"""The count of a shipment: what came of it, what did not arrive as it was shipped, and what that is worth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol

from qudao.fulfilment.states import DifferenceKind
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO, cumulative, split
from qudao.kernel.quantity import plain

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
    """A line of a shipment that has left. `qty`: how much of it is still under way; `come`: how much earlier receipts counted."""

    id: int
    line_id: int
    product_id: int
    qty: Decimal
    come: Decimal = NOTHING


@dataclass(frozen=True)
class Counted:
    """A shipment line with its count; received + damaged + short + refused + wrong = what was under way, less where more is to come."""

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
    def taken(self) -> Decimal:
        """How much of what was under way this count has settled."""
        return self.received + self.lost

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


@dataclass
class Tally:
    """All counts of one shipment line together."""

    received: Decimal = NOTHING
    damaged: Decimal = NOTHING
    short: Decimal = NOTHING
    over: Decimal = NOTHING
    refused: Decimal = NOTHING
    wrong: Decimal = NOTHING


def tally(counts: Sequence[Any]) -> Tally | None:
    """The sums of receipt lines; None where nobody has counted."""
    return Tally(**{name: sum((getattr(one, name) for one in counts), NOTHING) for name in Tally.__dataclass_fields__}) if counts else None


def told(count: Count) -> Decimal:
    """How much a count says was sent: all of it that is not too many. Raises Invalid for what is no quantity."""
    parts = (count.received, count.damaged, count.short or NOTHING, count.refused, count.wrong)
    if not all(is_quantity(qty) for qty in parts):
        raise Invalid("fulfilment.quantity", field=f"lines.{count.shipment_line_id}.received")
    return sum(parts, NOTHING)


def is_quantity(qty: Decimal) -> bool:
    """Zero or more, at most four decimals."""
    return isinstance(qty, Decimal) and qty.is_finite() and qty >= 0 and qty == qty.quantize(Decimal("0.0001"))


def unseen(counted: Iterable[Counted], photographed: Mapping[int, object]) -> list[Fault]:
    """The counted lines of which a photo is missing: what is damaged or wrong is shown. `photographed`: by shipment line."""
    bare = [c for c in counted if (c.damaged or c.wrong) and not photographed.get(c.sent.id)]
    return [Fault("fulfilment.photo_missing", f"lines.{c.sent.id}.{'damaged' if c.damaged else 'wrong'}") for c in bare]


def gross_of(line: OrderLine, qty: Decimal) -> Decimal:
    """The gross of the first `qty` of an order line."""
    return cumulative(line.gross, qty, line.qty, ZERO)


def gross_lost(line: OrderLine, received: Decimal, lost: Decimal) -> Decimal:
    """The gross that will never be invoiced because `lost` arrives beside `received`.

    Together with what is invoiced for the received quantity it makes exactly what was shipped. Interleaved receipts can make a single step a
    cent less than zero.
    """
    before = gross_of(line, line.received + line.settled_short) - gross_of(line, line.received)
    got, gone = line.received + received, line.settled_short + lost
    return gross_of(line, got + gone) - gross_of(line, got) - before


def count_receipt(
    sent: Sequence[Sent], counts: Sequence[Count], note: str = "", instead: Mapping[int, int] = NAMED_NOTHING, *, more: bool = False
) -> list[Counted]:
    """Every line of which something is under way with its count; a line nobody counted arrived as shipped. `instead`: shipment line → the product that
    came instead. `more`: the rest is still under way, so that a line nobody counted did not come yet, and nothing is missing or too many.

    What is refused has a reason at its line or in `note`. Raises Invalid with a fault per line that does not add up (fields "lines.<shipment line id>.…"),
    Refused fulfilment.nothing_came where nothing is counted and more is to come.
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
            faults += _count_faults(known[count.shipment_line_id], count, at, more)
            faults += _said_faults(known[count.shipment_line_id], count, note, instead.get(count.shipment_line_id))
    raise_if_any(faults, Invalid)
    if more:
        found = [_counted(known[pk], replace(one, short=NOTHING), instead.get(pk)) for pk, one in by_line.items()]
        found = [one for one in found if one.taken]
        if not found:
            raise Refused("fulfilment.nothing_came")
        return found
    # of a line that has come in full there is nothing more to say, unless too many came
    return [one for one in (_counted(s, by_line.get(s.id), instead.get(s.id)) for s in sent) if one.sent.qty or one.over]


def more_to_come(sent: Sequence[Sent], counted: Sequence[Counted]) -> bool:
    """Whether a part of a shipment stays under way after a count that says so; all of it counted, it is the last one."""
    taken = {one.sent.id: one.taken for one in counted}
    return any(s.qty > taken.get(s.id, NOTHING) for s in sent)


def from_parcels(sent: Sequence[Sent], inside: Mapping[int, Decimal], counts: Sequence[Count]) -> list[Count]:
    """The counts of what came in some parcels: what is in them (shipment line id → quantity) as far as it is under way, save where it was counted."""
    named = {one.shipment_line_id for one in counts}
    return [*counts, *(Count(s.id, min(s.qty, inside[s.id])) for s in sent if s.id in inside and s.id not in named)]


def missing(sent: Sequence[Sent], counts: Sequence[Count]) -> list[Count]:
    """The counts that say of every line nobody counted that nothing of it came."""
    named = {one.shipment_line_id for one in counts}
    return [Count(s.id, NOTHING) for s in sent if s.id not in named]


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


def _count_faults(sent: Sent, count: Count, at: str, more: bool) -> list[Fault]:
    parts = {name: getattr(count, name) for name in ("received", "damaged", "short", "over", "refused", "wrong")}
    faults = [Fault("fulfilment.quantity", f"{at}.{name}") for name, qty in parts.items() if qty is not None and not is_quantity(qty)]
    if len(count.note) > 500:
        faults.append(Fault("fulfilment.too_long", f"{at}.note", {"limit": 500}))
    if more:
        faults += [Fault("fulfilment.not_yet", f"{at}.{name}") for name in ("short", "over") if parts[name]]
    if faults:
        return faults
    counted = count.received + count.damaged + count.refused + count.wrong + (count.short or NOTHING)
    if counted > sent.qty and (sent.come or more):
        return [Fault("fulfilment.more_than_under_way", f"{at}.received", {"open": plain(sent.qty)})]
    if counted > sent.qty or (count.short is not None and not more and counted != sent.qty):
        return [Fault("fulfilment.counts_differ", f"{at}.received", {"shipped": plain(sent.qty), "counted": plain(counted)})]
    return []


def _counted(sent: Sent, count: Count | None, instead: int | None) -> Counted:
    if count is None:
        return Counted(sent, sent.qty, NOTHING, NOTHING, NOTHING, "")
    short = sent.qty - count.received - count.damaged - count.refused - count.wrong if count.short is None else count.short
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
