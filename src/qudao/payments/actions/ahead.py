"""Prepaid terms: the money that was frozen for an order pays its invoice by itself, the oldest payment first."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import rows
from qudao.base.lock import Rank, note_rank
from qudao.billing.actions import PaidInvoice, pay_all_invoices
from qudao.funds.actions import Change, shift_all
from qudao.funds.queries import SHARED
from qudao.kernel import clock
from qudao.kernel.errors import Conflict
from qudao.kernel.money import ZERO
from qudao.ledger.actions import Posting, post_all, settle_items
from qudao.ledger.states import Account
from qudao.orders.actions import lock_trades
from qudao.payments.events import PaymentApplied
from qudao.payments.models import Payment
from qudao.payments.rules import spread
from qudao.payments.states import UNAPPLIED, How

# Every agreement under the prepaid accounts of some, with its open orders: money paid under one of them pays what is invoiced under another.
ORDERS = f"""SELECT g.id, a.id, ARRAY(SELECT DISTINCT i.order_id FROM billing_invoice i WHERE i.agreement_id = g.id AND i.state <> 'paid')
    FROM {SHARED} WHERE a.prepaid AND a.id IN (SELECT a.id FROM {SHARED} WHERE g.id = ANY(%s))"""
# The orders are locked: what is open of their invoices is nobody else's.
OPEN = """SELECT id, gross - paid FROM billing_invoice WHERE order_id = ANY(%s) AND agreement_id = ANY(%s) AND state <> 'paid' ORDER BY due_on, id"""
APPLY = """WITH d AS (
        SELECT * FROM unnest(%(payments)s::bigint[], %(invoices)s::bigint[], %(amounts)s::numeric[]) WITH ORDINALITY d(payment_id, invoice_id, amount, n)
    ), payment AS (
        UPDATE payments_payment p SET applied = p.applied + s.amount, state_since = %(now)s,
            state = CASE WHEN p.applied + s.amount = p.amount THEN 'applied' ELSE 'partially_applied' END
        FROM (SELECT payment_id, sum(amount) AS amount FROM d GROUP BY 1) s WHERE p.id = s.payment_id
        RETURNING p.id, p.state
    ), application AS (
        INSERT INTO payments_application (payment_id, invoice_id, amount, how, at, by)
        SELECT payment_id, invoice_id, amount, %(how)s, %(now)s, %(by)s FROM d ORDER BY n
        RETURNING id, payment_id
    )
    SELECT payment.id, payment.state, min(application.id) FROM payment JOIN application ON application.payment_id = payment.id GROUP BY 1, 2"""


@action("payments.apply")
def apply_balances(agreement_ids: Iterable[int], *, actor: Actor) -> list[Payment]:
    """Pay what is open under prepaid agreements from what their buyers paid before; returns the payments that were used. Convergent.

    The balance covers every open invoice, which a constraint of the account says; credit notes count like money.
    Locks orders, invoices, payments, funds, ledger. Emits InvoiceSettled and PaymentApplied.
    """
    found = rows(ORDERS, (sorted(set(agreement_ids)),))
    uses, orders = {agreement: account for agreement, account, _open in found}, sorted({pk for *_who, open_ in found for pk in open_})
    if not orders:
        return []
    trades = lock_trades(orders, actor=actor)
    owed: dict[int, Decimal] = dict(rows(OPEN, (orders, list(uses))))
    invoices = pay_all_invoices(owed, trades, actor=actor)
    note_rank(Rank.PAYMENT)
    money = Payment.unscoped.select_for_update().filter(agreement_id__in=uses, state__in=UNAPPLIED).order_by("paid_on", "pk")
    payments = {one.pk: one for one in money}
    parts = [part for account in sorted(set(uses.values())) for part in _parts([a for a in uses if uses[a] == account], invoices, owed, payments.values())]
    if sum((amount for _payment, _invoice, amount in parts), ZERO) != sum(owed.values(), ZERO):
        raise Conflict("base.changed")
    if parts:
        _book(parts, payments, actor)
        settle_items([("billing.invoice", pk, amount) for pk, amount in owed.items()], actor=actor)
    return [payments[pk] for pk in sorted({payment for payment, _invoice, _amount in parts})]


def _parts(under: Collection[int], invoices: Iterable[PaidInvoice], owed: dict[int, Decimal], money: Collection[Payment]) -> list[tuple[int, int, Decimal]]:
    """Which money of the agreements under an account pays which of their invoices, those due first before the others."""
    own = {one.id for one in invoices if one.agreement_id in under}
    return spread([(pk, open_) for pk, open_ in owed.items() if pk in own], [(one.pk, one.left) for one in money if one.agreement_id in under])


def _book(parts: list[tuple[int, int, Decimal]], payments: dict[int, Payment], actor: Actor) -> None:
    """Applications, the accounts, both books; what was unapplied is taken for what was owed, so the credit in use stays as it is."""
    used: dict[int, Decimal] = {}
    for payment, _invoice, amount in parts:
        used[payment] = used.get(payment, ZERO) + amount
    columns = dict(zip(("payments", "invoices", "amounts"), map(list, zip(*parts, strict=True)), strict=True))
    now, today = clock.now(), clock.today()
    written = {pk: (state, first) for pk, state, first in rows(APPLY, {**columns, "how": str(How.BALANCE), "now": now, "by": actor.user_id})}
    moves = [Change(payments[pk].agreement_id, [("unapplied", None, total), ("invoiced", None, total)], payments[pk].subject) for pk, total in used.items()]
    shift_all(moves, actor=actor)
    postings = []
    for pk, total in used.items():
        one, (state, first) = payments[pk], written[pk]
        pairs = ((one.seller_id, Account.UNAPPLIED_IN, Account.RECEIVABLE, one.buyer_id), (one.buyer_id, Account.PAYABLE, Account.UNAPPLIED_OUT, one.seller_id))
        postings += [
            (Posting(org, today, "application", f"application:{first}", ((debit, other, total), (credit, other, -total)), one.currency), one.subject)
            for org, debit, credit, other in pairs
        ]
        record(one.subject, before=one.state, after=state, since=one.state_since, detail={"applied": str(total)})
        emit(PaymentApplied(one.pk, one.seller_id, one.buyer_id, total, one.currency), one.subject)
        one.applied, one.state, one.state_since = one.applied + total, state, now
    post_all(postings, actor=actor)
