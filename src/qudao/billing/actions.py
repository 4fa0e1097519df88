"""Issuing invoices and telling them that they are paid. The order is locked first, so nothing of it is billed or paid twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.action import action, emit, part, record
from qudao.base.db import rows
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.billing import rules
from qudao.billing.events import InvoiceIssued, InvoiceSettled
from qudao.billing.models import Invoice
from qudao.billing.policies import check_issuer
from qudao.billing.rules import Part
from qudao.funds.actions import shift
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.ledger.actions import ItemSpec, Posting, open_items, post
from qudao.ledger.states import Account
from qudao.orders.actions import lock_trades, record_invoiced, record_paid
from qudao.orders.queries import Trade

# The number is taken with the row it numbers and before the books, which carry it: no gap, because it rolls back with the invoice.
ISSUE = """WITH series AS (
        INSERT INTO base_series (key, next) VALUES ('invoice:' || %(seller)s, 2)
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1 AS n
    ), invoice AS (
        INSERT INTO billing_invoice (seller_id, buyer_id, order_id, agreement_id, number, date, due_on, currency, net, tax, gross, paid, state,
            state_since, issued_at, issued_by, line_count)
        SELECT %(seller)s, %(buyer)s, %(order)s, %(agreement)s, 'INV-' || o.code || '-' || lpad(n::text, greatest(6, length(n::text)), '0'),
            %(date)s, %(due_on)s, %(currency)s, %(net)s, %(tax)s, %(gross)s, 0, %(state)s, %(now)s, %(now)s, %(by)s, %(count)s
        FROM series, network_organisation o WHERE o.id = %(seller)s
        RETURNING id, number
    ), line AS (
        INSERT INTO billing_invoiceline (invoice_id, line_id, product_id, no, unit, qty, unit_price, tax_rate, net, tax, gross)
        SELECT invoice.id, d.* FROM invoice, unnest(%(lines)s::bigint[], %(products)s::bigint[], %(nos)s::int[], %(units)s::text[],
            %(quantities)s::numeric[], %(prices)s::numeric[], %(rates)s::numeric[], %(nets)s::numeric[], %(taxes)s::numeric[], %(grosses)s::numeric[]) d
    )
    SELECT id, number FROM invoice"""
# The order is locked, so nobody else changes these rows; the guard is for amounts that were wrong from the start.
PAY = """UPDATE billing_invoice i SET paid = i.paid + d.amount,
        state = CASE WHEN i.paid + d.amount = i.gross THEN 'paid' ELSE 'partially_paid' END, state_since = %s
    FROM unnest(%s::bigint[], %s::numeric[]) d(id, amount)
    WHERE i.id = d.id AND i.seller_id = %s AND i.buyer_id = %s AND i.paid + d.amount <= i.gross
    RETURNING i.id, i.number, i.order_id, i.agreement_id, i.gross, i.paid, i.currency, d.amount"""


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


@action("billing.issue")
def issue_invoices(order_id: int, *, on: date | None = None, actor: Actor) -> list[Invoice]:
    """Bill what was received (or shipped, by the terms) of an order and is not billed yet; nothing to bill gives [].

    Convergent. Both books, both open items and the credit account move in the same transaction. Locks order, number series, funds, ledger.
    Emits InvoiceIssued.
    """
    (trade,) = lock_trades([order_id], actor=actor)
    check_issuer(actor, trade.seller_id, trade.id)
    parts = rules.parts_to_bill(trade.lines)
    if not parts:
        return []
    # before the invoice is numbered, because the series keeps all invoicing of the seller waiting until the end
    record_invoiced(trade, {p.line.id: p.qty for p in parts}, rules.totals(parts).gross, actor=actor)
    invoice = _write(trade, parts, on or clock.today(), actor)
    if invoice.gross:
        shift(trade.agreement_id, [("shipped", "invoiced", invoice.gross)], invoice.subject, actor=actor)
        post(_postings(invoice), invoice.subject, actor=actor)
        open_items([ItemSpec(invoice.subject, invoice.date, invoice.due_on, invoice.gross, invoice.currency)], actor=actor)
    else:  # goods given for nothing: there is nothing to wait for
        record_paid(trade, ZERO, actor=actor)
    _tell(invoice, actor)
    return [invoice]


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


def _write(trade: Trade, parts: Sequence[Part], day: date, actor: Actor) -> Invoice:
    """The numbered invoice with its lines, in one statement."""
    note_rank(Rank.INVOICE)
    sums, now, due_on = rules.totals(parts), clock.now(), day + timedelta(days=trade.payment_days)
    head = {"state": str(rules.state_of(sums.gross, ZERO)), "net": sums.net, "tax": sums.tax, "gross": sums.gross}
    params = {
        "seller": trade.seller_id,
        "buyer": trade.buyer_id,
        "order": trade.id,
        "agreement": trade.agreement_id,
        "date": day,
        "due_on": due_on,
        "currency": trade.currency,
        "now": now,
        "by": actor.user_id,
        "count": len(parts),
        "lines": [p.line.id for p in parts],
        "products": [p.line.product_id for p in parts],
        "nos": [p.line.no for p in parts],
        "units": [p.line.unit for p in parts],
        "quantities": [p.qty for p in parts],
        "prices": [p.line.unit_price for p in parts],
        "rates": [p.line.tax_rate for p in parts],
        "nets": [p.net for p in parts],
        "taxes": [p.tax for p in parts],
        "grosses": [p.gross for p in parts],
    }
    ((pk, number),) = rows(ISSUE, params | head)
    return Invoice(
        id=pk, seller_id=trade.seller_id, buyer_id=trade.buyer_id, order_id=trade.id, agreement_id=trade.agreement_id, number=number, date=day,
        due_on=due_on, currency=trade.currency, paid=ZERO, state_since=now, issued_at=now, issued_by=actor.user_id, line_count=len(parts), **head,
    )  # fmt: skip


def _postings(invoice: Invoice) -> list[Posting]:
    """The same sale in both books; a line of zero is left out."""
    seller, buyer = invoice.seller_id, invoice.buyer_id
    sale = ((Account.RECEIVABLE, buyer, invoice.gross), (Account.REVENUE, buyer, -invoice.net), (Account.OUTPUT_TAX, buyer, -invoice.tax))
    purchase = ((Account.PURCHASES, seller, invoice.net), (Account.INPUT_TAX, seller, invoice.tax), (Account.PAYABLE, seller, -invoice.gross))
    key = f"invoice:{invoice.pk}"
    return [
        Posting(org, invoice.date, "invoice", key, tuple(line for line in lines if line[2]), invoice.currency)
        for org, lines in ((seller, sale), (buyer, purchase))
    ]


def _tell(invoice: Invoice, actor: Actor) -> None:
    subject = invoice.subject
    record(subject, after=invoice.state, detail={"order": invoice.order_id, "gross": str(invoice.gross)})
    emit(
        InvoiceIssued(
            invoice.pk, invoice.number, invoice.order_id, invoice.seller_id, invoice.buyer_id, invoice.date, invoice.due_on, invoice.net,
            invoice.tax, invoice.gross, invoice.currency,
        ),
        subject,
    )  # fmt: skip
    said: dict[str, Any] = {"number": invoice.number, "gross": str(invoice.gross), "currency": invoice.currency, "due_on": invoice.due_on.isoformat()}
    notify("billing.invoice_issued", subject, org_id=invoice.buyer_id, verb="billing.view", except_user=actor.user_id, **said)


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
