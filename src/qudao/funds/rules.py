"""Pure decisions about credit (domain C10): what is in use, what is free, does one more order pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from qudao.funds.states import WEIGHT, Bucket, State
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO

Shift = tuple[str | None, str | None, Decimal]
"""(from bucket or None, to bucket or None, amount): None stands for outside the account."""


@dataclass(frozen=True, slots=True)
class Patience:
    """From when an account is watched, held and stopped.

    Overdue amounts up to `tolerance` or younger than `grace_days` are forgiven; older ones let orders wait, and stop shipments when older than
    `stop_days` (None: at the same time). Watched from `watch_percent` of the limit on (None: not for that).
    """

    grace_days: int = 0
    tolerance: Decimal = ZERO
    stop_days: int | None = None
    watch_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """A limit shared with others, and what all of them use of it together."""

    limit: Decimal
    temp_limit: Decimal
    temp_until: date | None
    used: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """A credit account as it stands. `overdue` and `overdue_days`: open items past due and the age of the oldest, zero without any.

    `by_hand`: hold or stop, while a person wants it so; else "".
    """

    limit: Decimal
    temp_limit: Decimal
    temp_until: date | None
    ordered: Decimal
    shipped: Decimal
    invoiced: Decimal
    unapplied: Decimal
    by_hand: str = ""
    patience: Patience = Patience()
    overdue: Decimal = ZERO
    overdue_days: int = 0
    prepaid: bool = False
    deposit_short: Decimal = ZERO
    shared: Shared | None = None

    @property
    def frozen_funds(self) -> Decimal:
        """What orders and invoices hold of the buyer's money or credit."""
        return self.ordered + self.shipped + self.invoiced

    @property
    def exposure(self) -> Decimal:
        """What is in use; less than zero when more is paid than owed."""
        return self.ordered + self.shipped + self.invoiced - self.unapplied

    @property
    def counted(self) -> Decimal:
        """What counts against the limit: the own exposure, or what all use who share it."""
        return self.shared.used if self.shared else self.exposure

    def limit_on(self, day: date) -> Decimal:
        """The permanent limit and the temporary one while it is valid; the shared one where there is one."""
        of = self.shared or self
        valid = of.temp_until is not None and day <= of.temp_until
        return of.limit + (of.temp_limit if valid else ZERO)

    def available_on(self, day: date) -> Decimal:
        """What one more order may use; less than zero when the limit was cut below what is in use."""
        return self.limit_on(day) - self.counted

    def using(self, amount: Decimal) -> Position:
        """The same with an order of `amount` more."""
        shared = replace(self.shared, used=self.shared.used + amount) if self.shared else None
        return replace(self, ordered=self.ordered + amount, shared=shared)


#: the limit, and the tolerance, of an account that nobody limits: what an organisation owes a seller that has nobody here. A limit may be set later.
NO_LIMIT = Decimal("9999999999999999.99")


def may_hold(position: Position, amount: Decimal, day: date) -> list[Fault]:
    """Every reason why an order of `amount` does not pass: held, stopped, without its deposit, overdue beyond grace and tolerance, over the limit."""
    faults = _by_hand(position) + _deposit(position) + _overdue(position, position.patience.grace_days)
    available = position.available_on(day)
    if amount > available and position.prepaid:
        params = {"balance": position.unapplied, "frozen": position.frozen_funds, "available": available, "short": amount - available}
        faults.append(Fault("funds.prepaid", "", params))
    elif amount > available and position.shared:
        faults.append(shared_fault(position.limit_on(day), position.counted, amount - available))
    elif amount > available:
        params = {
            "limit": position.limit_on(day),
            "exposure": position.exposure,
            "available": max(available, ZERO),
            "short": amount - available,
        }
        faults.append(Fault("funds.limit", "", params))
    return faults


def shared_fault(limit: Decimal, used: Decimal, short: Decimal) -> Fault:
    """Why an order does not pass a shared limit of which `used` are in use and `short` are missing."""
    return Fault("funds.shared_limit", "", {"limit": limit, "used": used, "available": max(limit - used, ZERO), "short": short})


Part = tuple[int, int, Decimal]
"""(order line, product, amount): what a line of an order will use in all; the line itself does not count as used then. Line 0: no line yet."""

Row = tuple[int | None, Decimal | None, int, Decimal]
"""What a document uses of a product: (document, what is open of it, product, amount of the line); without a document the amount is what it uses."""


@dataclass(frozen=True)
class Uses:
    """What documents of an upper module use of an account, by product.

    `sql` selects `of, no, rest, product_id, amount` (rows come by `of` and `no`) with the parameters %(account)s and %(without)s: order lines that do not
    count. `share` makes products and amounts of the rows.
    """

    sql: str
    share: Callable[[Iterable[Row]], Iterable[tuple[int, Decimal]]]


#: who says what uses credit by product: upper modules add theirs (`uses_credit`), asked only for accounts with limits for product lines, in one statement
USES: list[Uses] = []


def _whole(found: Iterable[Row]) -> Iterator[tuple[int, Decimal]]:
    return ((product_id, amount) for _of, _rest, product_id, amount in found)


def uses_credit(sql: str, share: Callable[[Iterable[Row]], Iterable[tuple[int, Decimal]]] = _whole) -> Uses:
    """Register a module's reading of what its documents use."""
    USES.append(Uses(sql, share))
    return USES[-1]


@dataclass(frozen=True, slots=True)
class LineUse:
    """A limit for a product line (a category and all below it), what uses it, and what an order asks of it."""

    category_id: int
    label: str
    limit: Decimal
    used: Decimal = ZERO
    asked: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        return self.limit - self.used


def line_faults(lines: Iterable[LineUse]) -> list[Fault]:
    """Every product line whose own limit an order does not pass."""
    return [
        Fault("funds.line_limit", "", {"line": x.label, "limit": x.limit, "used": x.used, "available": max(x.available, ZERO), "short": x.asked - x.available})
        for x in lines
        if x.asked > max(x.available, ZERO)
    ]


def may_ship(position: Position) -> list[Fault]:
    """Why goods that were confirmed may not leave: stopped by hand, or overdue for too long; the limit is not asked again (domain C10, ship release)."""
    patience = position.patience
    stop = _overdue(position, max(patience.grace_days, patience.stop_days or 0))
    return [fault for fault in _by_hand(position) if fault.code == "funds.frozen"] + stop


def _by_hand(position: Position) -> list[Fault]:
    codes = {State.STOP: "funds.frozen", State.HOLD: "funds.by_hand_hold"}
    return [Fault(codes[State(position.by_hand)])] if position.by_hand else []


def _deposit(position: Position) -> list[Fault]:
    """A deposit that is asked for before orders and is not paid."""
    return [Fault("funds.deposit", "", {"short": position.deposit_short})] if position.deposit_short > 0 else []


def _overdue(position: Position, days: int) -> list[Fault]:
    """What is overdue beyond the tolerance for more than `days`."""
    if position.overdue <= position.patience.tolerance or position.overdue_days <= days:
        return []
    return [Fault("funds.overdue", "", {"amount": position.overdue, "days": position.overdue_days, "grace_days": days})]


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of an account with every reason for it."""

    state: State
    reasons: Sequence[Fault] = ()


def standing_of(position: Position, day: date) -> Standing:
    """What an account lets pass on `day`, the worst first: stopped, held, watched, or good."""
    if stop := may_ship(position):
        return Standing(State.STOP, stop)
    hold = _by_hand(position) + _deposit(position) + _overdue(position, position.patience.grace_days)
    limit = position.limit_on(day)
    if not position.prepaid and position.counted > limit:
        hold.append(Fault("funds.over_limit", "", {"exposure": position.counted, "limit": limit, "over": position.counted - limit}))
    if hold:
        return Standing(State.HOLD, hold)
    watch, share = [], position.patience.watch_percent
    if share and limit and position.counted * 100 >= share * limit:
        watch.append(Fault("funds.near_limit", "", {"percent": int(position.counted * 100 / limit), "limit": limit}))
    if position.overdue:
        watch.append(Fault("funds.late", "", {"amount": position.overdue, "days": position.overdue_days}))
    return Standing(State.WATCH if watch else State.OK, watch)


def changes(shifts: Iterable[Shift]) -> dict[str, Decimal]:
    """The change of each bucket that changes; raises Invalid for an unknown bucket, a same pair or a bad amount."""
    found: dict[str, Decimal] = {}
    faults: list[Fault] = []
    for source, target, amount in shifts:
        faults += [Fault("funds.bucket", "", {"bucket": str(b)}) for b in (source, target) if b is not None and b not in WEIGHT]
        if source == target:
            faults.append(Fault("funds.same_bucket"))
        if not is_money(amount):
            faults.append(Fault("funds.amount", "", {"amount": str(amount)}))
            continue
        if source is not None:
            found[str(source)] = found.get(str(source), ZERO) - amount
        if target is not None:
            found[str(target)] = found.get(str(target), ZERO) + amount
    raise_if_any(faults, Invalid)
    return {bucket: found[bucket] for bucket in Bucket.values if found.get(bucket)}


def exposure_change(changed: dict[str, Decimal]) -> Decimal:
    """What changes of buckets do to the exposure."""
    return sum((WEIGHT[bucket] * amount for bucket, amount in changed.items()), ZERO)


def check_amount(amount: Decimal) -> None:
    """A credit amount is zero or more whole cents; raises Invalid."""
    if not is_money(amount):
        raise Invalid("funds.amount", field="amount", amount=str(amount))


def is_money(amount: Decimal) -> bool:
    """Zero or more whole cents."""
    return isinstance(amount, Decimal) and amount.is_finite() and amount >= 0 and amount == amount.quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """What finance sets on an account: its limits and its patience. A temporary limit counts up to and including `temp_until`."""

    limit: Decimal
    temp_limit: Decimal = ZERO
    temp_until: date | None = None
    grace_days: int = 0
    tolerance: Decimal = ZERO
    stop_days: int | None = None
    watch_percent: int | None = None

    @property
    def patience(self) -> Patience:
        return Patience(self.grace_days, self.tolerance, self.stop_days, self.watch_percent)


@dataclass(frozen=True, slots=True)
class SharedDraft:
    """A limit for a head office together with these buyers, itself or below it; the temporary one counts up to and including `temp_until`."""

    seller_id: int
    head_id: int
    currency: str
    buyer_ids: Sequence[int]
    limit: Decimal
    temp_limit: Decimal = ZERO
    temp_until: date | None = None

    @property
    def terms(self) -> LimitTerms:
        return LimitTerms(self.limit, self.temp_limit, self.temp_until)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Limits that somebody asks for, or grants: `limit` None: the permanent one stays; a temporary one counts up to and including `temp_until`."""

    limit: Decimal | None = None
    temp_limit: Decimal = ZERO
    temp_until: date | None = None

    def on(self, terms: LimitTerms, today: date) -> LimitTerms:
        """The terms of an account with it; what is not named stays, but for a temporary limit that is over."""
        living = terms.temp_until is not None and terms.temp_until >= today
        temp = (self.temp_limit, self.temp_until) if self.temp_limit else (terms.temp_limit, terms.temp_until) if living else (ZERO, None)
        return replace(terms, limit=terms.limit if self.limit is None else self.limit, temp_limit=temp[0], temp_until=temp[1])


def wanted_faults(wanted: Wanted, today: date) -> list[Fault]:
    """Every fault of what somebody asks for, at its field."""
    empty = [Fault("funds.request_empty", "limit")] if wanted.limit is None and not wanted.temp_limit else []
    return empty + term_faults(LimitTerms(ZERO if wanted.limit is None else wanted.limit, wanted.temp_limit, wanted.temp_until), today)


def gives_more(before: LimitTerms, after: LimitTerms) -> bool:
    """Whether terms give more credit, or a temporary one for longer, than others."""
    longer = after.temp_limit > 0 and before.temp_until is not None and after.temp_until is not None and after.temp_until > before.temp_until
    return after.limit > before.limit or after.temp_limit > before.temp_limit or longer


def check_terms(terms: LimitTerms, today: date) -> None:
    """Raises Invalid with every fault of the terms at its field."""
    raise_if_any(term_faults(terms, today), Invalid)


def prepaid_faults(terms: LimitTerms) -> list[Fault]:
    """A prepaid account gets no credit, not even for a time."""
    return [Fault("funds.account_prepaid_no_credit", name) for name in ("limit", "temp_limit") if getattr(terms, name)]


def term_faults(terms: LimitTerms, today: date) -> list[Fault]:
    """Every fault of the terms at its field."""
    faults = [Fault("funds.amount", name, {"amount": str(getattr(terms, name))}) for name in ("limit", "temp_limit") if not is_money(getattr(terms, name))]
    if terms.temp_limit and (terms.temp_until is None or terms.temp_until < today):
        faults.append(Fault("funds.temp_until_missing", "temp_until"))
    return faults + patience_faults(terms.patience)


def patience_faults(patience: Patience) -> list[Fault]:
    """Every fault of rules of patience at its field."""
    faults = [] if is_money(patience.tolerance) else [Fault("funds.amount", "tolerance", {"amount": str(patience.tolerance)})]
    if not 0 <= patience.grace_days <= 365:
        faults.append(Fault("funds.grace_days", "grace_days"))
    if patience.stop_days is not None and not patience.grace_days <= patience.stop_days <= 3650:
        faults.append(Fault("funds.stop_days", "stop_days", {"grace_days": patience.grace_days}))
    if patience.watch_percent is not None and not 0 < patience.watch_percent <= 100:
        faults.append(Fault("funds.watch_percent", "watch_percent"))
    return faults
