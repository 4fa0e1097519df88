"""Credit notes (domain C14): a part of an invoice is taken back without money.

A credit note is a payment that no bank knows: it pays its own invoice as far as that is open, and what is left stays unapplied for the next ones. So credit,
orders, open items and statements need no second way. Only the books differ: revenue and tax go back instead of money coming in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.db import rows
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.billing.actions import credit_lines, lock_lines, pay_invoices
from qudao.billing.queries import Invoice
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.ledger.actions import Posting, post
from qudao.ledger.rules import of_goods
from qudao.ledger.states import Account
from qudao.orders.actions import lock_trades
from qudao.payments import rules
from qudao.payments.actions.receive import Paid, settle, shift_paid, tell
from qudao.payments.events import CreditIssued
from qudao.payments.models import Payment
from qudao.payments.rules import Application, CreditAsk, CreditPart
from qudao.payments.states import How, Method

# The number is counted per seller without gaps, as invoices are, and taken with the row it numbers.
WRITE = """WITH series AS (
        INSERT INTO base_series (key, next) VALUES ('credit:' || %(seller_id)s, 2)
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1 AS n
    ), payment AS (
        INSERT INTO payments_payment (seller_id, buyer_id, agreement_id, number, amount, currency, applied, paid_on, reference, method, note, state,
            state_since, recorded_at, recorded_by)
        SELECT %(seller_id)s, %(buyer_id)s, %(agreement_id)s, 'CN-' || o.code || '-' || lpad(n::text, greatest(6, length(n::text)), '0'),
            %(amount)s, %(currency)s, %(applied)s, %(paid_on)s, %(reference)s, %(method)s, %(note)s, %(state)s, %(now)s, %(now)s, %(by)s
        FROM series, network_organisation o WHERE o.id = %(seller_id)s
        RETURNING id, number
    ), application AS (
        INSERT INTO payments_application (payment_id, invoice_id, amount, how, at, by)
        SELECT payment.id, %(invoice)s, %(applied)s, %(how)s, %(now)s, %(by)s FROM payment WHERE %(applied)s > 0
    ), credit AS (
        INSERT INTO payments_creditnote (payment_id, invoice_id, reason, net, tax, line_count)
        SELECT payment.id, %(invoice)s, %(reason)s, %(net)s, %(tax)s, %(count)s FROM payment
        RETURNING id
    ), line AS (
        INSERT INTO payments_creditline (credit_id, invoice_line_id, no, qty, net, tax, gross)
        SELECT credit.id, d.* FROM credit, unnest(%(lines)s::bigint[], %(nos)s::int[], %(quantities)s::numeric[], %(nets)s::numeric[], %(taxes)s::numeric[],
            %(grosses)s::numeric[]) d
    )
    SELECT id, number FROM payment"""


@action("payments.credit")
def issue_credit(invoice_id: int, asked: Sequence[CreditAsk], reason: str, note: str = "", *, actor: Actor) -> Payment:
    """Take back a part of an invoice of the own organisation: by quantity, or by amount. It cannot be taken back itself.

    Locks order, invoice and its lines, funds, ledger. Emits CreditIssued. Raises Invalid for bad input, Refused for every line of which less is left.
    """
    rules.check_credit(reason, note)
    seen = get_visible(actor, Invoice, invoice_id, "payments.credit")
    trades = lock_trades([seen.order_id], actor=actor)
    invoice = lock_one(Invoice, invoice_id, rank=Rank.INVOICE)
    parts = rules.credit_parts(asked, lock_lines(invoice_id, actor=actor))
    credit_lines([(part.line_id, part.qty, part.net, part.gross) for part in parts], actor=actor)
    gross = sum((part.gross for part in parts), ZERO)
    applied = min(gross, invoice.open)
    invoices = pay_invoices({invoice_id: applied}, trades, actor=actor) if applied else []
    paid = Paid([Application(invoice_id, applied, How.CREDIT)] if applied else [], invoices)
    payment = _write(invoice, parts, (reason, note.strip()), paid, actor)
    shift_paid(payment, paid, [(None, "unapplied", payment.left)], actor)
    post(_postings(payment, paid, parts), payment.subject, actor=actor)
    settle(paid, actor)
    record(payment.subject, after=payment.state, reason=note.strip(), detail={"amount": str(payment.amount), "invoice": invoice.number, "reason": reason})
    emit(CreditIssued(payment.pk, invoice.pk, payment.seller_id, payment.buyer_id, payment.amount, payment.currency), payment.subject)
    tell("payments.credit_issued", payment, payment.buyer_id, "payments.view", actor, invoice=invoice.number)
    return payment


def _write(invoice: Invoice, parts: Sequence[CreditPart], why: tuple[str, str], paid: Paid, actor: Actor) -> Payment:
    """The numbered credit note with its lines and its application, in one statement. `why`: reason and note."""
    note_rank(Rank.PAYMENT)
    now, (reason, note) = clock.now(), why
    amount = sum((part.gross for part in parts), ZERO)
    net = sum((part.net for part in parts), ZERO)
    head: dict[str, Any] = {
        "seller_id": invoice.seller_id, "buyer_id": invoice.buyer_id, "agreement_id": invoice.agreement_id, "amount": amount, "currency": invoice.currency,
        "applied": paid.total, "paid_on": clock.date_of(now), "reference": invoice.number, "method": str(Method.CREDIT_NOTE), "note": note,
        "state": str(rules.state_of(amount, paid.total)),
    }  # fmt: skip
    lines = {
        "lines": [part.line_id for part in parts], "nos": list(range(1, len(parts) + 1)), "quantities": [part.qty for part in parts],
        "nets": [part.net for part in parts], "taxes": [part.tax for part in parts], "grosses": [part.gross for part in parts],
    }  # fmt: skip
    about = {"invoice": invoice.pk, "reason": reason, "net": net, "tax": amount - net, "count": len(parts), "how": str(How.CREDIT)}
    ((pk, number),) = rows(WRITE, {**head, **lines, **about, "now": now, "by": actor.user_id})
    return Payment(id=pk, number=number, state_since=now, recorded_at=now, recorded_by=actor.user_id, **head)


def _postings(payment: Payment, paid: Paid, parts: Sequence[CreditPart]) -> list[Posting]:
    """The sale and its tax go back in both books, goods by product and tax rate as they were invoiced; a line of zero is left out."""
    seller, buyer, rest = payment.seller_id, payment.buyer_id, payment.left
    goods = [(part.product_id, part.tax_rate, part.net, part.tax) for part in parts]
    given = [
        *of_goods(Account.REVENUE, Account.OUTPUT_TAX, buyer, goods, 1), (Account.RECEIVABLE.value, buyer, -paid.total),
        (Account.UNAPPLIED_IN.value, buyer, -rest),
    ]  # fmt: skip
    got = [
        (Account.PAYABLE.value, seller, paid.total), (Account.UNAPPLIED_OUT.value, seller, rest),
        *of_goods(Account.PURCHASES, Account.INPUT_TAX, seller, goods, -1),
    ]  # fmt: skip
    key = f"credit_note:{payment.pk}"
    return [
        Posting(org, payment.paid_on, "credit_note", key, tuple(line for line in lines if line[2]), payment.currency)
        for org, lines in ((seller, given), (buyer, got))
    ]
