"""Facts about invoices."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True)
class InvoiceIssued:
    version: ClassVar[int] = 1
    invoice_id: int
    number: str
    order_id: int
    seller_id: int
    buyer_id: int
    date: datetime.date
    due_on: datetime.date
    net: Decimal
    tax: Decimal
    gross: Decimal
    currency: str


@dataclass(frozen=True)
class InvoiceSettled:
    """The invoice is paid in full."""

    version: ClassVar[int] = 1
    invoice_id: int
    number: str
    order_id: int
    seller_id: int
    buyer_id: int
    gross: Decimal
    currency: str
