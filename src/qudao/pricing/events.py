"""Facts about prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar


@dataclass(frozen=True)
class PricesChanged:
    """Prices of a list begin or end; `valid_from` is the first day on which anything differs."""

    version: ClassVar[int] = 1
    list_id: int
    product_ids: list
    valid_from: date


@dataclass(frozen=True)
class SpecialPricesGranted:
    """One buyer got prices of its own."""

    version: ClassVar[int] = 1
    agreement_id: int
    product_ids: list
