"""Money: exact decimals, rounded once per line, split without losing a cent (domain C0)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def round_to(amount: Decimal, places: int = 2) -> Decimal:
    """Round half up to `places` decimals. The only rounding of amounts in the product; raises TypeError for a float."""
    if isinstance(amount, float):
        raise TypeError("money is never a float")
    return Decimal(amount).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def split(total: Decimal, weights: Sequence[Decimal | int]) -> list[Decimal]:
    """Split `total` over `weights` by largest remainder: floor to the cent, leftover cents to the largest fractions, ties to the lowest index.

    The parts sum to `total` exactly, also for negative totals. Raises ValueError when the weights sum to zero or one is negative.
    """
    whole = sum((Decimal(w) for w in weights), Decimal(0))
    if whole <= 0 or any(w < 0 for w in weights):
        raise ValueError("weights must be non-negative and sum to more than zero")
    sign = -1 if total < 0 else 1
    exact = [abs(total) * Decimal(w) / whole for w in weights]
    parts = [e.quantize(CENT, rounding=ROUND_FLOOR) for e in exact]
    left = int(((abs(total) - sum(parts, Decimal(0))) / CENT).to_integral_value())
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[:left]:
        parts[i] += CENT
    return [sign * p for p in parts]


def cumulative(total: Decimal, done: Decimal, whole: Decimal, already: Decimal) -> Decimal:
    """The next part of `total` when `done` of `whole` is reached and `already` was taken: round(total × done/whole) − already.

    Parts taken so sum to `total` exactly once `done == whole` (domain C0). Raises ValueError when `whole` is not positive.
    """
    if whole <= 0:
        raise ValueError("whole must be positive")
    return round_to(total * done / whole) - already


def net_and_tax(amount: Decimal, rate: Decimal, *, inclusive: bool) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of a line amount, each rounded once. Inclusive: net = gross/(1+rate), tax = gross − net (domain C6)."""
    amount = round_to(amount)
    if inclusive:
        net = round_to(amount / (1 + rate))
        return net, amount - net, amount
    tax = round_to(amount * rate)
    return amount, tax, amount + tax


@dataclass(frozen=True)
class RateSum:
    """What stands under one tax rate on a document; the rate None is exempt from tax, which is not the rate zero."""

    rate: Decimal | None
    net: Decimal
    tax: Decimal

    @property
    def gross(self) -> Decimal:
        """With the tax."""
        return self.net + self.tax


def by_rate(lines: Iterable[tuple[Decimal | None, Decimal, Decimal]]) -> list[RateSum]:
    """(rate, net, tax) of lines as sums of their rates, smallest rate first, what is exempt last."""
    sums: dict[Decimal | None, tuple[Decimal, Decimal]] = {}
    for rate, net, tax in lines:
        key = None if rate is None else rate.normalize()
        before = sums.get(key, (ZERO, ZERO))
        sums[key] = (before[0] + net, before[1] + tax)
    return [RateSum(rate, *sums[rate]) for rate in sorted(sums, key=lambda one: (one is None, one or ZERO))]


@dataclass(frozen=True)
class Money:
    """An amount with its currency (ISO 4217); adding or comparing two currencies raises ValueError, a float raises TypeError."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if isinstance(self.amount, float):
            raise TypeError("money is never a float")
        object.__setattr__(self, "amount", Decimal(self.amount))

    def _same(self, other: Money) -> Decimal:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.amount

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        if isinstance(factor, float):
            raise TypeError("money is never a float")
        return Money(self.amount * factor, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def rounded(self) -> Money:
        return Money(round_to(self.amount), self.currency)

    def __str__(self) -> str:
        return f"{self.currency} {self.amount}"
