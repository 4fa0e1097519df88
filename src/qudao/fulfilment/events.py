"""Facts about goods on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ShipmentDispatched:
    """Goods have left the seller; by the terms of some agreements they may be invoiced now."""

    version: ClassVar[int] = 1
    shipment_id: int
    order_id: int
    number: str
    seller_id: int
    buyer_id: int
    carrier: str
    tracking: str


@dataclass(frozen=True)
class ReceiptConfirmed:
    """The buyer counted the goods; what was received may be invoiced. `differences`: how many lines were not as shipped."""

    version: ClassVar[int] = 1
    receipt_id: int
    shipment_id: int
    order_id: int
    seller_id: int
    buyer_id: int
    differences: int


@dataclass(frozen=True)
class DifferenceSettled:
    """It is said what became of goods that were missing, damaged or too many."""

    version: ClassVar[int] = 1
    difference_id: int
    shipment_id: int
    seller_id: int
    buyer_id: int
    kind: str
    outcome: str
    remedy: str = ""
