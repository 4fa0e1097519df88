"""Quantities: exact decimals in a unit; stock is kept in the base unit of the product."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Quantity:
    """An amount of goods with its unit; adding two units raises ValueError, a float raises TypeError."""

    amount: Decimal
    unit: str

    def __post_init__(self) -> None:
        if isinstance(self.amount, float):
            raise TypeError("a quantity is never a float")
        object.__setattr__(self, "amount", Decimal(self.amount))

    def __add__(self, other: Quantity) -> Quantity:
        if self.unit != other.unit:
            raise ValueError(f"{self.unit} and {other.unit} do not mix")
        return Quantity(self.amount + other.amount, self.unit)

    def __sub__(self, other: Quantity) -> Quantity:
        return self + Quantity(-other.amount, other.unit)

    def in_base(self, factor: Decimal | int, base_unit: str) -> Quantity:
        """The same goods in the base unit; `factor` = base units in one of this unit."""
        return Quantity(self.amount * factor, base_unit)


def plain(amount: Decimal) -> str:
    """A quantity as text without trailing zeros: 12.0000 → "12", 1.50 → "1.5"."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
