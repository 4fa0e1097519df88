"""The Northwind files as typed rows. Every figure is a Decimal; nothing is rounded here."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

SPACE = UUID("8f3c1d2e-5a77-5b1a-9d1b-0c6d5e1f7a10")  # the names of this replay; never changes, or a second run would order again


class Unreadable(Exception):
    """A file is missing or not what it should be; the text is one sentence for the operator."""


@dataclass(frozen=True)
class Customer:
    code: str
    name: str
    person: str
    address: str
    phone: str


@dataclass(frozen=True)
class Product:
    """`key` is the number in the file; `discontinued` as the file says at its end."""

    key: str
    name: str
    category: str
    pack: str
    price: Decimal
    in_stock: Decimal
    discontinued: bool

    @property
    def code(self) -> str:
        return f"NW-{int(self.key):02d}"


@dataclass(frozen=True)
class Line:
    """`price` is the listed price, `discount` a fraction."""

    product: str
    price: Decimal
    qty: Decimal
    discount: Decimal

    @property
    def net_price(self) -> Decimal:
        """What was agreed for one piece; exact."""
        return self.price * (1 - self.discount)

    @property
    def exact(self) -> Decimal:
        """The amount of the line, not rounded."""
        return self.qty * self.net_price


@dataclass(frozen=True)
class Order:
    """`shipped_on` None: the file ends before the order was shipped."""

    key: str
    customer: str
    ordered_on: date
    required_on: date
    shipped_on: date | None
    carrier: str
    lines: list[Line] = field(default_factory=list)

    @property
    def client_id(self) -> UUID:
        return uuid5(SPACE, f"order {self.key}")

    @property
    def leaves_on(self) -> date:
        """The day of dispatch: the real one, else the day it was wanted for, when the file has none."""
        return self.shipped_on or max(self.required_on, self.ordered_on)

    @property
    def arrives_on(self) -> date:
        return self.leaves_on + timedelta(days=3)


@dataclass(frozen=True)
class Source:
    """All files of a folder: `orders` are those to play, `everything` all of them. `totals` are the control totals beside them, {} without any."""

    customers: list[Customer]
    categories: dict[str, str]
    products: list[Product]
    orders: list[Order]
    everything: list[Order]
    totals: dict[str, Any]

    @property
    def whole(self) -> bool:
        """Whether all orders are played, so that the control totals apply."""
        return len(self.orders) == len(self.everything)


def read(folder: Path, *, first: int | None = None) -> Source:
    """Read a folder; orders by day, then number. `first` keeps only so many. Raises Unreadable."""
    carriers = {row["ShipperID"]: row["CompanyName"] for row in _rows(folder, "Shippers")}
    lines: dict[str, list[Line]] = {}
    for row in _rows(folder, "Order_Details"):
        line = Line(row["ProductID"], _number(row, "UnitPrice"), _number(row, "Quantity"), _number(row, "Discount"))
        lines.setdefault(row["OrderID"], []).append(line)
    orders = [
        Order(
            row["OrderID"],
            row["CustomerID"].strip().upper(),
            _day(row, "OrderDate"),
            _day(row, "RequiredDate"),
            _day(row, "ShippedDate") if row["ShippedDate"] else None,
            carriers.get(row["ShipVia"], ""),
            lines.get(row["OrderID"], []),
        )
        for row in _rows(folder, "Orders")
    ]
    orders.sort(key=lambda order: (order.ordered_on, int(order.key)))
    totals = folder / "control_totals.json"
    return Source(
        customers=[_customer(row) for row in _rows(folder, "Customers")],
        categories={row["CategoryID"]: row["CategoryName"] for row in _rows(folder, "Categories")},
        products=[_product(row) for row in _rows(folder, "Products")],
        orders=orders[:first],
        everything=orders,
        totals=json.loads(totals.read_text()) if totals.exists() else {},
    )


def _customer(row: dict[str, str]) -> Customer:
    where = ", ".join(row[name].strip() for name in ("Address", "PostalCode", "City", "Region", "Country") if row[name].strip())
    name = row["CompanyName"].strip() or row["CustomerID"].strip()
    return Customer(row["CustomerID"].strip().upper(), name, row["ContactName"].strip() or name, where, row["Phone"].strip())


def _product(row: dict[str, str]) -> Product:
    price, stock = _number(row, "UnitPrice"), _number(row, "UnitsInStock")
    return Product(row["ProductID"], row["ProductName"].strip(), row["CategoryID"], row["QuantityPerUnit"].strip(), price, stock, row["Discontinued"] == "1")


def _rows(folder: Path, name: str) -> list[dict[str, str]]:
    path = folder / f"{name}.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}.") from error


def _number(row: dict[str, str], name: str) -> Decimal:
    try:
        return Decimal(row[name])
    except InvalidOperation:
        raise Unreadable(f"{row[name]!r} is not a number ({name}).") from None


def _day(row: dict[str, str], name: str) -> date:
    try:
        return datetime.fromisoformat(row[name]).date()
    except ValueError:
        raise Unreadable(f"{row[name]!r} is not a day ({name}).") from None
