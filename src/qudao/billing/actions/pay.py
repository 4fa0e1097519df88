"""What payments and credit notes do to invoices of locked orders. The caller posts the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import emit, part, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.billing import rules
from qudao.billing.events import InvoiceSettled
from qudao.billing.models import Invoice, InvoiceLine
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders.actions import record_all_paid, record_paid, record_unpaid
from qudao.orders.queries import Trade

# The order is locked, so nobody else changes these rows; the guard is for amounts that were wrong from the start.
PAY = """UPDATE billing_invoice i SET paid = i.paid + d.amount,
        state = CASE WHEN i.paid + d.amount = i.gross THEN 'paid' ELSE 'partially_paid' END, state_since = %s
    FROM unnest(%s::bigint[], %s::numeric[]) d(id, amount)
    WHERE i.id = d.id AND i.seller_id = %s AND i.buyer_id = %s AND i.paid + d.amount <= i.gross
    RETURNING i.id, i.number, i.order_id, i.agreement_id, i.gross, i.paid, i.currency, d.amount"""
PAY_ALL = PAY.replace("i.seller_id = %s AND i.buyer_id = %s AND ", "")


@dataclass(frozen=True)
class PaidInvoice:
    """What a payment did to one invoice."""

    id: int
    number: str
    order_id: int
    agreement_id: int
    gross: Decimal
    paid: Decimal
    currency: str
    amount: Decimal

    @property
    def settled(self) -> bool:
        return self.paid == self.gross


@part
def pay_invoices(amounts: Mapping[int, Decimal], trades: Sequence[Trade], *, actor: Actor) -> list[PaidInvoice]:
    """Put amounts on invoices of locked orders (`trades`) of one seller and buyer, and tell the orders; the caller posts the books.

    One statement and one or two for each order. Emits InvoiceSettled. Raises Refused billing.more_than_open for every invoice that would be
    overpaid, and then changes nothing.
    """
    raise_if_any([Fault("billing.amount", f"applications.{pk}") for pk, amount in amounts.items() if not rules.is_amount(amount)], Invalid)
    note_rank(Rank.INVOICE)
    sides = (trades[0].seller_id, trades[0].buyer_id)
    found = [PaidInvoice(*row) for row in rows(PAY, (clock.now(), list(amounts), list(amounts.values()), *sides))]
    if len(found) != len(amounts):
        _refuse_missing(amounts, {p.id for p in found}, sides)
    by_order: dict[int, Decimal] = {}
    for p in found:
        by_order[p.order_id] = by_order.get(p.order_id, ZERO) + p.amount
        subject = Subject("billing.invoice", p.id, *sides, p.number)
        record(subject, after=rules.state_of(p.gross, p.paid), detail={"amount": str(p.amount)})
        if p.settled:
            emit(InvoiceSettled(p.id, p.number, p.order_id, *sides, p.gross, p.currency), subject)
    for trade in trades:
        if by_order.get(trade.id):
            record_paid(trade, by_order[trade.id], actor=actor)
    return sorted(found, key=lambda p: p.id)


@part
def pay_all_invoices(amounts: Mapping[int, Decimal], trades: Sequence[Trade], *, actor: Actor) -> list[PaidInvoice]:
    """`pay_invoices` for orders of any sides: three statements for all. The caller knows that the invoices are of these orders."""
    raise_if_any([Fault("billing.amount", f"applications.{pk}") for pk, amount in amounts.items() if not rules.is_amount(amount)], Invalid)
    if not amounts:
        return []
    note_rank(Rank.INVOICE)
    by_id = {trade.id: trade for trade in trades}
    found = [PaidInvoice(*row) for row in rows(PAY_ALL, (clock.now(), list(amounts), list(amounts.values())))]
    if len(found) != len(amounts):
        raise Conflict("base.changed")
    by_order: dict[int, Decimal] = {}
    for p in found:
        trade = by_id[p.order_id]
        by_order[p.order_id] = by_order.get(p.order_id, ZERO) + p.amount
        subject = Subject("billing.invoice", p.id, trade.seller_id, trade.buyer_id, p.number)
        record(subject, after=rules.state_of(p.gross, p.paid), detail={"amount": str(p.amount)})
        if p.settled:
            emit(InvoiceSettled(p.id, p.number, p.order_id, trade.seller_id, trade.buyer_id, p.gross, p.currency), subject)
    record_all_paid([(by_id[pk], amount) for pk, amount in sorted(by_order.items())], actor=actor)
    return sorted(found, key=lambda p: p.id)


@part
def unpay_invoice(invoice: Invoice, amount: Decimal, trade: Trade, *, actor: Actor) -> None:
    """Take back `amount` of what was put on a locked invoice of a locked order; the caller posts the books. Two statements."""
    before, since = invoice.state, invoice.state_since
    invoice.paid -= amount
    invoice.state, invoice.state_since = rules.state_of(invoice.gross, invoice.paid), clock.now()
    invoice.save(update_fields=["paid", "state", "state_since"])
    record(invoice.subject, before=before, after=invoice.state, since=since, detail={"amount": str(-amount)})
    record_unpaid(trade, amount, actor=actor)


@part
def lock_lines(invoice_id: int, *, actor: Actor) -> list[InvoiceLine]:
    """The lines of a locked invoice, locked with what is credited of them. One statement."""
    note_rank(Rank.INVOICE)
    return list(InvoiceLine.unscoped.select_for_update().filter(invoice_id=invoice_id).order_by("no"))


@part
def credit_lines(taken: Sequence[tuple[int, Decimal, Decimal, Decimal]], *, actor: Actor) -> None:
    """Keep with locked lines what a credit note takes back: (line id, quantity, net, gross). One statement."""
    columns = [list(column) for column in zip(*taken, strict=True)]
    run(
        """UPDATE billing_invoiceline l SET credited_qty = l.credited_qty + d.qty, credited_net = l.credited_net + d.net, credited = l.credited + d.gross
           FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[], %s::numeric[]) d(id, qty, net, gross) WHERE l.id = d.id""",
        columns,
    )


def _refuse_missing(amounts: Mapping[int, Decimal], paid: set[int], sides: tuple[int, int]) -> None:
    """Say of each invoice that could not take its amount why."""
    missing = [pk for pk in amounts if pk not in paid]
    known = {
        pk: (number, rest)
        for pk, number, rest in rows(
            "SELECT id, number, gross - paid FROM billing_invoice WHERE id = ANY(%s) AND seller_id = %s AND buyer_id = %s", (missing, *sides)
        )
    }
    faults = []
    for pk in missing:
        if pk in known:
            number, rest = known[pk]
            faults.append(Fault("billing.more_than_open", f"applications.{pk}", {"number": number, "open": str(rest)}))
        else:
            faults.append(Fault("billing.unknown_invoice", f"applications.{pk}"))
    raise Refused.of(faults)
