"""Reads of invoices."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from qudao.base.access import Actor, visible
from qudao.billing.models import Invoice, InvoiceLine
from qudao.kernel.money import RateSum, by_rate
from qudao.orders.models import Order


def invoices(actor: Actor, *, order_id: int | None = None, side: str = "") -> QuerySet[Invoice]:
    """The invoices the actor may see, newest first, with order and sides; `side` as in `visible`."""
    found = visible(actor, Invoice, side=side).select_related("order", "seller", "buyer")
    if order_id is not None:
        found = found.filter(order_id=order_id)
    return found.order_by("-id")


def lines_of(invoice: Invoice) -> QuerySet[InvoiceLine]:
    """The lines of an invoice the actor was shown, with their products."""
    return invoice.lines.select_related("product").order_by("no")


def taxes_of(lines: Iterable[InvoiceLine]) -> list[RateSum]:
    """The lines of an invoice summed up by tax rate; what is exempt stands apart from the rate zero."""
    return by_rate((line.taxed_at, line.net, line.tax) for line in lines)


def orders_in_sight(actor: Actor) -> QuerySet[Order]:
    """The orders an actor may see, for the page that bills them."""
    return visible(actor, Order)
