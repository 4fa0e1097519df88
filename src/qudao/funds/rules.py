"""Pure decisions about credit (domain C10): what is in use, what is free, does one more order pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from qudao.funds.states import WEIGHT, Bucket
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO

Shift = tuple[str | None, str | None, Decimal]
"""(from bucket or None, to bucket or None, amount): None stands for outside the account."""


@dataclass(frozen=True, slots=True)
class Position:
    """A credit account as it stands. `overdue` and `overdue_days`: open items past due and the age of the oldest, zero without any."""

    limit: Decimal
    temp_limit: Decimal
    temp_until: date | None
    ordered: Decimal
    shipped: Decimal
    invoiced: Decimal
    unapplied: Decimal
    frozen: bool = False
    grace_days: int = 0
    tolerance: Decimal = ZERO
    overdue: Decimal = ZERO
    overdue_days: int = 0
    prepaid: bool = False

    @property
    def frozen_funds(self) -> Decimal:
        """What orders and invoices hold of the buyer's money or credit."""
        return self.ordered + self.shipped + self.invoiced

    @property
    def exposure(self) -> Decimal:
        """What is in use; less than zero when more is paid than owed."""
        return self.ordered + self.shipped + self.invoiced - self.unapplied

    def limit_on(self, day: date) -> Decimal:
        """The permanent limit and the temporary one while it is valid."""
        valid = self.temp_until is not None and day <= self.temp_until
        return self.limit + (self.temp_limit if valid else ZERO)

    def available_on(self, day: date) -> Decimal:
        """What one more order may use; less than zero when the limit was cut below the exposure."""
        return self.limit_on(day) - self.exposure


def may_hold(position: Position, amount: Decimal, day: date) -> list[Fault]:
    """Every reason why an order of `amount` does not pass: frozen, overdue beyond grace and tolerance, over the limit."""
    faults = may_ship(position)
    available = position.available_on(day)
    if amount > available and position.prepaid:
        params = {"balance": position.unapplied, "frozen": position.frozen_funds, "available": available, "short": amount - available}
        faults.append(Fault("funds.prepaid", "", params))
    elif amount > available:
        params = {
            "limit": position.limit_on(day),
            "exposure": position.exposure,
            "available": max(available, ZERO),
            "short": amount - available,
        }
        faults.append(Fault("funds.limit", "", params))
    return faults


def may_ship(position: Position) -> list[Fault]:
    """Why goods that were confirmed may not leave: frozen, or overdue; the limit is not asked again (domain C10, ship release)."""
    faults = []
    if position.frozen:
        faults.append(Fault("funds.frozen"))
    if position.overdue > position.tolerance and position.overdue_days > position.grace_days:
        params = {"amount": position.overdue, "days": position.overdue_days, "grace_days": position.grace_days}
        faults.append(Fault("funds.overdue", "", params))
    return faults


def changes(shifts: Iterable[Shift]) -> dict[str, Decimal]:
    """The change of each bucket that changes; raises Invalid for an unknown bucket, a same pair or a bad amount."""
    found: dict[str, Decimal] = {}
    faults: list[Fault] = []
    for source, target, amount in shifts:
        faults += [Fault("funds.bucket", "", {"bucket": str(b)}) for b in (source, target) if b is not None and b not in WEIGHT]
        if source == target:
            faults.append(Fault("funds.same_bucket"))
        if not _is_money(amount):
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
    if not _is_money(amount):
        raise Invalid("funds.amount", field="amount", amount=str(amount))


def _is_money(amount: Decimal) -> bool:
    return isinstance(amount, Decimal) and amount.is_finite() and amount >= 0 and amount == amount.quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class LimitTerms:
    """What finance sets on an account. A temporary limit counts up to and including `temp_until`."""

    limit: Decimal
    temp_limit: Decimal = ZERO
    temp_until: date | None = None
    grace_days: int = 0
    tolerance: Decimal = ZERO


def check_terms(terms: LimitTerms, today: date) -> None:
    """Raises Invalid with every fault of the terms at its field."""
    raise_if_any(term_faults(terms, today), Invalid)


def prepaid_faults(terms: LimitTerms) -> list[Fault]:
    """A prepaid account gets no credit, not even for a time."""
    return [Fault("funds.account_prepaid_no_credit", name) for name in ("limit", "temp_limit") if getattr(terms, name)]


def term_faults(terms: LimitTerms, today: date) -> list[Fault]:
    """Every fault of the terms at its field."""
    faults = [
        Fault("funds.amount", name, {"amount": str(getattr(terms, name))})
        for name in ("limit", "temp_limit", "tolerance")
        if not _is_money(getattr(terms, name))
    ]
    if terms.temp_limit and (terms.temp_until is None or terms.temp_until < today):
        faults.append(Fault("funds.temp_until_missing", "temp_until"))
    if not 0 <= terms.grace_days <= 365:
        faults.append(Fault("funds.grace_days", "grace_days"))
    return faults
