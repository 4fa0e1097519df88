"""Reads of invoices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum

from qudao.agreements.models import Agreement
from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.billing import rules
from qudao.billing.models import Collective, Cycle, Invoice, InvoiceLine
from qudao.funds.queries import SHARED
from qudao.funds.rules import Row, uses_credit
from qudao.kernel.money import RateSum, by_rate, split
from qudao.orders.models import Order
from qudao.orders.queries import Trade, unscoped_trades

#: whether the goods of the order `o` are invoiced together with others
COLLECTED = "EXISTS (SELECT FROM billing_cycle c WHERE c.agreement_id = o.agreement_id)"


def invoices(actor: Actor, *, order_id: int | None = None, side: str = "") -> QuerySet[Invoice]:
    """The invoices the actor may see, newest first, with order and sides; `side` as in `visible`."""
    found = visible(actor, Invoice, side=side).select_related("order", "seller", "buyer", "collective")
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


def collectives(actor: Actor, *, side: str = "") -> QuerySet[Collective]:
    """The collective invoices the actor may see, newest first, with their sides and what is still to be paid of them (`rest`)."""
    found = visible(actor, Collective, side=side).select_related("seller", "buyer", "agreement")
    paid = Invoice.unscoped.filter(collective=OuterRef("pk")).values("collective").annotate(rest=Sum(F("gross") - F("paid"))).values("rest")
    return found.annotate(rest=Subquery(paid)).order_by("-id")


def parts_of(collective: Collective) -> QuerySet[Invoice]:
    """The parts of a collective invoice the actor was shown, in their order, each with its order."""
    return collective.parts.select_related("order").order_by("id")


def unscoped_lines_of_parts(collective: Collective) -> QuerySet[InvoiceLine]:
    """The lines of all parts of a collective invoice the actor was shown."""
    return InvoiceLine.unscoped.filter(invoice__collective=collective).select_related("product", "invoice__order").order_by("invoice_id", "no")


def cycle_of(actor: Actor, agreement_id: int) -> Cycle | None:
    """When goods under an agreement are invoiced together; None when each delivery is invoiced at once. One statement."""
    return visible(actor, Cycle).filter(agreement_id=agreement_id).first()


def cycles_of(actor: Actor, agreement_ids: Iterable[int]) -> dict[int, tuple[str, int]]:
    """How often and on which day goods under these agreements are invoiced together; those not so are missing. One statement."""
    found = visible(actor, Cycle).filter(agreement_id__in=list(agreement_ids)).values_list("agreement_id", "every", "day")
    return {agreement_id: (every, day) for agreement_id, every, day in found}


def own_cycles(actor: Actor) -> QuerySet[Cycle]:
    """The agreements of the own organisation, the seller, under which goods are invoiced together."""
    mine = visible(actor, Cycle).filter(agreement__seller_id=actor.org_id).exclude(agreement__state="ended")
    return mine.select_related("agreement__buyer").order_by("agreement__buyer__code", "id")


def unscoped_waiting(agreement_ids: Iterable[int]) -> set[int]:
    """Under which of these agreements something is delivered and not invoiced. One statement, on an index of nothing else."""
    found = rows(
        """SELECT DISTINCT o.agreement_id FROM orders_order o WHERE o.agreement_id = ANY(%s) AND o.billing <> 'full' AND o.kind <> 'external'
              AND o.status NOT IN ('draft', 'submitted', 'in_review', 'rejected', 'cancelled')
              AND EXISTS (SELECT FROM orders_line l WHERE l.order_id = o.id
                             AND CASE WHEN o.invoice_on = 'receipt' THEN l.received ELSE l.shipped END > l.invoiced)""",
        (list(agreement_ids),),
    )
    return {pk for (pk,) in found}


def unscoped_due_cycles(day: date) -> list[int]:
    """The agreements whose day has come. One statement."""
    return list(Cycle.unscoped.filter(next_on__lte=day).order_by("agreement_id").values_list("agreement_id", flat=True))


def unscoped_unbilled(agreement_id: int, currency: str) -> list[int]:
    """The orders under an agreement that may have something to invoice now, by id. One statement, on an index of nothing else."""
    found = rows(
        """SELECT o.id FROM orders_order o WHERE o.agreement_id = %s AND o.currency = %s AND o.billing <> 'full' AND o.kind <> 'external'
              AND o.status NOT IN ('draft', 'submitted', 'in_review', 'rejected', 'cancelled')
              AND EXISTS (SELECT FROM orders_line l WHERE l.order_id = o.id
                             AND CASE WHEN o.invoice_on = 'receipt' THEN l.received ELSE l.shipped END > l.invoiced) ORDER BY 1""",
        (agreement_id, currency),
    )
    return [pk for (pk,) in found]


def unscoped_upcoming(agreement: Agreement) -> list[tuple[Trade, Decimal]]:
    """What the next collective invoice of an agreement the actor was shown would take now: each order with its amount, tax included. Two statements."""
    ids = unscoped_unbilled(agreement.pk, agreement.currency)
    return [(trade, rules.totals(rules.parts_to_bill(trade.lines)).gross) for trade in unscoped_trades(ids)] if ids else []


def unscoped_to_bill(order: Order) -> Decimal:
    """What is delivered of an order the actor was shown and not invoiced yet comes to, with tax. One statement."""
    (trade,) = unscoped_trades([order.pk])
    return rules.totals(rules.parts_to_bill(trade.lines)).gross


def _shared(lines: Iterable[Row]) -> Iterator[tuple[int, Decimal]]:
    """What is open of each invoice, shared by what its lines are after credit notes, to the cent by largest remainder."""
    for _invoice, group in groupby(lines, key=itemgetter(0)):
        _of, rests, products, amounts = zip(*group, strict=True)
        yield from zip(products, split(rests[0], amounts if any(amounts) else [1] * len(amounts)), strict=True)


#: what open invoices use of an account by product. Order lines that do not count make no difference: an invoice is not asked for again
OWED_USE = uses_credit(
    f"""SELECT i.id, l.no, i.gross - i.paid, l.product_id, l.gross - l.credited
        FROM {SHARED} JOIN billing_invoice i ON i.seller_id = g.seller_id AND i.buyer_id = g.buyer_id AND i.state <> 'paid' AND i.agreement_id = g.id
        JOIN billing_invoiceline l ON l.invoice_id = i.id WHERE a.id = %(account)s""",
    _shared,
)
