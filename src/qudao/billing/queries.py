"""Reads of invoices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from django.db.models import QuerySet

from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.billing.models import Invoice, InvoiceLine
from qudao.billing.rules import parts_to_bill, totals
from qudao.funds.rules import uses_credit
from qudao.kernel.money import RateSum, by_rate, split
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_trades


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


def unscoped_to_bill(order: Order) -> Decimal:
    """What is delivered of an order the actor was shown and not invoiced yet comes to, with tax. One statement."""
    (trade,) = unscoped_trades([order.pk])
    return totals(parts_to_bill(trade.lines)).gross


@uses_credit
def unscoped_owed_use(agreement_id: int, without: Sequence[int]) -> Iterator[tuple[int, Decimal]]:
    """What open invoices of an agreement use of its credit by product: what is open of each, shared by what its lines are after credit notes, to the
    cent by largest remainder. One statement. Order lines (`without`) do not matter: an invoice is not asked for again.
    """
    found: dict[int, tuple[Decimal, list[int], list[Decimal]]] = {}
    for pk, left, product_id, amount in rows(
        """SELECT i.id, i.gross - i.paid, l.product_id, l.gross - l.credited
           FROM agreements_agreement g JOIN billing_invoice i ON i.seller_id = g.seller_id AND i.buyer_id = g.buyer_id AND i.state <> 'paid'
           JOIN billing_invoiceline l ON l.invoice_id = i.id WHERE g.id = %s AND i.agreement_id = g.id ORDER BY i.id, l.no""",
        (agreement_id,),
    ):
        _left, products, amounts = found.setdefault(pk, (left, [], []))
        products.append(product_id)
        amounts.append(amount)
    for left, products, amounts in found.values():
        yield from zip(products, split(left, amounts if any(amounts) else [1] * len(amounts)), strict=True)
