"""Facts about credit that other modules may follow: held orders try again when there is room."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True)
class ExposureReduced:
    """The buyer uses less credit now: a payment, a cancellation or a release."""

    version: ClassVar[int] = 1
    agreement_id: int
    seller_id: int
    buyer_id: int
    amount: Decimal


@dataclass(frozen=True)
class BalanceDue:
    """An invoice stands under prepaid terms: the money that was frozen for it is to pay it."""

    version: ClassVar[int] = 1
    agreement_id: int
    seller_id: int
    buyer_id: int
    amount: Decimal


@dataclass(frozen=True)
class LimitChanged:
    """The account passes other orders than before: its limit, its rules, a hold or stop by hand, or its state was changed. `frozen`: stopped by hand."""

    version: ClassVar[int] = 2
    seller_id: int
    buyer_id: int
    limit: Decimal
    frozen: bool
