"""Pure decisions about prices: which candidate is the price, and what a new price does to those before it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import MappingProxyType
from typing import Any

from qudao.kernel.errors import Fault, Refused
from qudao.kernel.quantity import plain
from qudao.pricing.states import RANK, Source, Verdict

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A price that is valid on the day asked for. `amount` per base unit; `min_qty` the break it needs; the larger `priority` goes first."""

    level: str
    id: int
    priority: int
    min_qty: Decimal
    amount: Decimal
    tax_inclusive: bool
    valid_from: date
    valid_to: date | None = None
    code: str = ""
    #: of a price in another currency: currency and amount of the list, rate and its day, as the explanation keeps them
    converted: dict[str, Any] | None = None
    #: the list, where its breaks count the quantities of all its products together; else 0
    mixes: int = 0


@dataclass(frozen=True, slots=True)
class Quote:
    """A price per base unit and its whole explanation. `source` is the level; `steps` hold every candidate with its verdict, best first."""

    amount: Decimal
    tax_inclusive: bool
    source: str
    steps: list[dict[str, Any]]
    #: whether other lines of the order may change it
    mixed: bool = False


NOTHING: Mapping[int, Decimal] = MappingProxyType({})


def _order(one: Candidate) -> tuple:
    """Level, priority of the list, largest break, latest start, latest row: the order of domain C6."""
    return (RANK[one.level], -one.priority, -one.min_qty, -one.valid_from.toordinal(), -one.id)  # type: ignore[index]


def _verdict(best: Candidate, one: Candidate) -> str:
    if one.level != best.level:
        return Verdict.LOWER_LEVEL
    if one.priority != best.priority:
        return Verdict.LOWER_PRIORITY
    return Verdict.SMALLER_BREAK if one.min_qty != best.min_qty else Verdict.OLDER


def _step(one: Candidate, verdict: str) -> dict[str, Any]:
    step: dict[str, Any] = {
        "level": str(one.level),
        "id": one.id,
        "min_qty": plain(one.min_qty),
        "amount": plain(one.amount),
        "tax_inclusive": one.tax_inclusive,
        "from": one.valid_from.isoformat(),
        "verdict": str(verdict),
    }
    if one.valid_to is not None:
        step["to"] = one.valid_to.isoformat()
    if one.code:
        step["code"] = one.code
    if one.converted:
        step |= one.converted
    return step


def _asked(one: Candidate, qty: Decimal, mixed: Mapping[int, Decimal]) -> Decimal:
    """The quantity that counts for the break of a candidate."""
    return max(qty, mixed.get(one.mixes, qty)) if one.mixes else qty


def choose(candidates: Iterable[Candidate], qty: Decimal, mixed: Mapping[int, Decimal] = NOTHING) -> Quote | None:
    """The price of `qty` base units among candidates valid on the day; None when there is none (never 0.00). `mixed`: by list whose breaks count all
    its products together, how much of them is asked for (domain C6: breaks are per line, or per mix group when flagged).

    First hit wins: special price, the agreement's own lists, those of its buyer's groups, those of its region and channel, the base list; within a
    level by priority, then the largest break ≤ qty, the latest start, the latest row. Breaks not reached stay in the explanation.
    """
    ranked = sorted(candidates, key=_order)
    reached = [one for one in ranked if one.min_qty <= _asked(one, qty, mixed)]
    if not reached:
        return None
    best = reached[0]
    steps = []
    for one in [best, *(one for one in ranked if one is not best)]:
        asked = _asked(one, qty, mixed)
        verdict = Verdict.CHOSEN if one is best else _verdict(best, one) if one.min_qty <= asked else Verdict.BREAK_NOT_REACHED
        steps.append(_step(one, verdict) | ({"together": plain(asked)} if one.mixes else {}))
    return Quote(best.amount, best.tax_inclusive, str(best.level), steps, any(one.mixes for one in ranked))


def next_break(candidates: Sequence[Candidate], qty: Decimal, mixed: Mapping[int, Decimal], now: Decimal) -> tuple[Decimal, Decimal] | None:
    """How much more of a line makes each cheaper than `now`, and what it costs then; None when nothing does. More of it counts in each list whose breaks
    count several products (`mixed`), what is there of other products only in theirs.
    """
    lists = {one.mixes for one in candidates} - {0}
    for more in sorted({one.min_qty - _asked(one, qty, mixed) for one in candidates}):
        then = choose(candidates, qty + more, {one: mixed.get(one, qty) + more for one in lists}) if more > 0 else None
        if then is not None and then.amount < now:
            return more, then.amount
    return None


@dataclass(frozen=True)
class PriceDraft:
    """A price of a list: `amount` per base unit from `min_qty` base units on; `valid_to` None = until the next one. Both days included."""

    product_id: int
    amount: Decimal
    valid_from: date
    valid_to: date | None = None
    min_qty: Decimal = Decimal(0)


@dataclass(frozen=True)
class Wide:
    """Whose list it becomes: the buyers of a group, or (without one) those of a region with all below it, an area code's first digits, a channel."""

    group_id: int | None = None
    region_id: int | None = None
    area_code: str = ""
    channel: str = ""

    @property
    def clear(self) -> bool:
        """Whether it names a group or else something of a region."""
        return bool(self.group_id) != bool(self.region_id or self.area_code or self.channel)


@dataclass(frozen=True)
class RateDraft:
    """One `from_currency` is worth `rate` (six decimals) of `to_currency` from `day` on."""

    from_currency: str
    to_currency: str
    day: date
    rate: Decimal


def rate_faults(draft: RateDraft, at: str = "") -> list[Fault]:
    """Everything wrong with a rate, each fault at its field."""
    pair = {name: getattr(draft, name) for name in ("from_currency", "to_currency")}
    faults = [Fault("pricing.currency_wrong", f"{at}{name}") for name, value in pair.items() if not re.fullmatch("[A-Z]{3}", value)]
    if draft.from_currency == draft.to_currency:
        faults.append(Fault("pricing.rate_same", f"{at}to_currency"))
    if draft.rate <= 0 or draft.rate != round(draft.rate, 6):
        faults.append(Fault("pricing.rate_wrong", f"{at}rate"))
    return faults


@dataclass(frozen=True)
class SpecialDraft:
    """A price for one buyer only. `source` manual, import or deal; the subject is the document that granted it, if any."""

    agreement_id: int
    product_id: int
    amount: Decimal
    valid_from: date
    valid_to: date | None = None
    min_qty: Decimal = Decimal(0)
    source: str = Source.MANUAL
    subject_kind: str = ""
    subject_id: int | None = None
    reason: str = ""


def list_faults(code: str, name: str, currency: str) -> list[Fault]:
    """Everything wrong with a price list by itself, each fault at its field."""
    faults = []
    if not code:
        faults.append(Fault("pricing.code_missing", "code"))
    if not name:
        faults.append(Fault("pricing.name_missing", "name"))
    if not re.fullmatch(r"[A-Z]{3}", currency):
        faults.append(Fault("pricing.currency_wrong", "currency"))
    return faults


def price_faults(draft: PriceDraft | SpecialDraft, at: str = "") -> list[Fault]:
    """Everything wrong with a price, each fault at its field (`at` is the row of a file, "rows.3.")."""
    faults = []
    if draft.amount <= 0:
        faults.append(Fault("pricing.amount_wrong", f"{at}amount"))
    if draft.min_qty < 0:
        faults.append(Fault("pricing.min_qty_wrong", f"{at}min_qty"))
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        faults.append(Fault("pricing.span_wrong", f"{at}valid_to"))
    if isinstance(draft, SpecialDraft) and draft.source not in Source.values:
        faults.append(Fault("pricing.source_wrong", f"{at}source"))
    return faults


@dataclass(frozen=True)
class Standing:
    """A price already in a list, of the same product and break as the new one."""

    id: int
    amount: Decimal
    valid_from: date
    valid_to: date | None


#: the prices of one product and break in their order: (amount, first day, last day)
Spans = tuple[tuple[Decimal, date, date | None], ...]


def spans(standing: Iterable[Standing]) -> Spans:
    """Prices of one product and break as plain facts, in their order."""
    return tuple(sorted(((one.amount, one.valid_from, one.valid_to) for one in standing), key=lambda span: span[1]))


def spans_told(spans: Spans) -> list[list[str | None]]:
    """Spans as JSON keeps them."""
    return [[f"{amount:.6f}", first.isoformat(), last.isoformat() if last else None] for amount, first, last in spans]


def spans_read(told: Sequence[Sequence[Any]]) -> Spans:
    """The other way."""
    return tuple((Decimal(amount), date.fromisoformat(first), date.fromisoformat(last) if last else None) for amount, first, last in told)


def eve(drafts: Iterable[PriceDraft]) -> date:
    """The day before the first of them begins."""
    return min(draft.valid_from for draft in drafts) - DAY


@dataclass(frozen=True)
class Restored:
    """One product and break whose prices go back: what they are `now`, as the caller thinks, and what they were `before`."""

    product_id: int
    min_qty: Decimal
    now: Spans
    before: Spans


@dataclass(frozen=True)
class Plan:
    """What a new price does: the row it ends (id, last day), the row it overwrites (id, new content), and the rows to insert."""

    ends: tuple[int, date] | None
    overwrites: tuple[int, PriceDraft] | None
    inserts: list[PriceDraft]


def plan_price(standing: Sequence[Standing], new: PriceDraft) -> Plan:
    """Fit a new price among the standing ones of its product and break, so that each day has one price and no day loses its price.

    The one in force ends the day before; if the new one is temporary, the old one goes on after it. One that starts the same day is
    overwritten (the action log keeps what it was). An open-ended new price reaches to the day before the next planned one.
    Raises Refused `pricing.planned_in_between` when another begins within an explicit span.
    """
    later = sorted(one.valid_from for one in standing if one.valid_from > new.valid_from)
    valid_to = new.valid_to
    if later and (valid_to is None or later[0] <= valid_to):
        if valid_to is not None:
            raise Refused("pricing.planned_in_between", field="valid_to", valid_from=later[0])
        valid_to = later[0] - DAY
    placed = PriceDraft(new.product_id, new.amount, new.valid_from, valid_to, new.min_qty)
    current = next((one for one in standing if one.valid_from <= new.valid_from and (one.valid_to is None or one.valid_to >= new.valid_from)), None)
    if current is None:
        return Plan(None, None, [placed])
    rest = []
    if valid_to is not None and (current.valid_to is None or current.valid_to > valid_to):
        rest = [PriceDraft(new.product_id, current.amount, valid_to + DAY, current.valid_to, new.min_qty)]
    if current.valid_from == new.valid_from:
        return Plan(None, (current.id, placed), rest)
    return Plan((current.id, new.valid_from - DAY), None, [placed, *rest])


@dataclass(frozen=True)
class NewPrice:
    """A price of a change: `amount` per base unit of a product from `min_qty` base units on."""

    product_id: int
    amount: Decimal
    min_qty: Decimal = Decimal(0)


@dataclass(frozen=True)
class Effect:
    """What a change does to its list: how many prices, how many of them are new, by what share (0.05 = 5 %) the others change on average, least and most;
    `most`: the most by which one price changes, a new one counting whole; `type` as flows ask (`approvals.states.KINDS`)."""

    number: int
    new: int
    average: Decimal | None
    least: Decimal | None
    largest: Decimal | None
    most: Decimal
    type: str


def effect_of(pairs: Sequence[tuple[Decimal | None, Decimal]]) -> Effect:
    """The effect of prices as (before, after); before None = there was none."""
    shares = [after / before - 1 for before, after in pairs if before]
    kind = "lower" if any(share < 0 for share in shares) else "higher" if any(share > 0 for share in shares) else "new"
    average = sum(shares, Decimal(0)) / len(shares) if shares else None
    most = max((abs(after - (before or 0)) for before, after in pairs), default=Decimal(0))
    return Effect(len(pairs), len(pairs) - len(shares), average, min(shares, default=None), max(shares, default=None), most, kind)


def moved(amount: Decimal, percent: Decimal, places: int) -> Decimal:
    """A price changed by some per cent and rounded, half up; never to nothing."""
    step = Decimal(1).scaleb(-places)
    return max((amount * (1 + percent / 100)).quantize(step, ROUND_HALF_UP), step)


def standing_on(standing: Iterable[Standing], day: date) -> Decimal | None:
    """The amount in force on a day; None without one."""
    return next((one.amount for one in standing if one.valid_from <= day and (one.valid_to is None or one.valid_to >= day)), None)
