"""Facts that the order publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import ClassVar


@dataclass(frozen=True)
class OrderPlaced:
    version: ClassVar[int] = 1
    order_id: int
    number: str
    seller_id: int
    buyer_id: int
    gross: Decimal
    currency: str


@dataclass(frozen=True)
class OrderConfirmed:
    """Credit is held and stock reserved: the warehouse may plan."""

    version: ClassVar[int] = 1
    order_id: int
    number: str
    seller_id: int
    buyer_id: int
    gross: Decimal
    currency: str


@dataclass(frozen=True)
class OrderRejected:
    version: ClassVar[int] = 1
    order_id: int
    reason: str


@dataclass(frozen=True)
class OrderTakenBack:
    """A submission counts no longer: the order is a draft again, or was submitted anew on another day. `ordered_on` is the day it had."""

    version: ClassVar[int] = 1
    order_id: int
    seller_id: int
    ordered_on: date


@dataclass(frozen=True)
class OrderCancelled:
    """Everything it held is released; open plans for it are void. `short`: only the rest was given up."""

    version: ClassVar[int] = 1
    order_id: int
    reason: str
    short: bool


@dataclass(frozen=True)
class OrderAmended:
    """A confirmed order asks for more or less than before: plans and figures follow."""

    version: ClassVar[int] = 1
    order_id: int


@dataclass(frozen=True)
class OrderRefilled:
    """Goods came in for what was backordered: they are reserved, and the warehouse may plan them."""

    version: ClassVar[int] = 1
    order_id: int


@dataclass(frozen=True)
class OrderLapsed:
    """Nobody began to pick it in time: its goods are free, and plans for them are void."""

    version: ClassVar[int] = 1
    order_id: int


@dataclass(frozen=True)
class OrderDelivered:
    version: ClassVar[int] = 1
    order_id: int


@dataclass(frozen=True)
class OrderClosed:
    version: ClassVar[int] = 1
    order_id: int
