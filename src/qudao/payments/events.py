"""Facts about payments."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True)
class PaymentAnnounced:
    """The buyer says that money is on its way."""

    version: ClassVar[int] = 1
    payment_id: int
    seller_id: int
    buyer_id: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class PaymentReceived:
    """The seller has the money; `applied` of it pays invoices already."""

    version: ClassVar[int] = 1
    payment_id: int
    seller_id: int
    buyer_id: int
    amount: Decimal
    applied: Decimal
    currency: str


@dataclass(frozen=True)
class PaymentWithdrawn:
    """Money that was recorded by mistake counts no more."""

    version: ClassVar[int] = 1
    payment_id: int
    seller_id: int
    buyer_id: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class CreditIssued:
    """A part of an invoice was taken back; `payment_id` is the credit note."""

    version: ClassVar[int] = 1
    payment_id: int
    invoice_id: int
    seller_id: int
    buyer_id: int
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class PaymentApplied:
    """More of a received payment pays invoices now."""

    version: ClassVar[int] = 1
    payment_id: int
    seller_id: int
    buyer_id: int
    applied: Decimal
    currency: str
