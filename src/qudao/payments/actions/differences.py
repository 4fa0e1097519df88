"""What leaves a payment or closes an invoice without the other (domain C14): small differences, up to a limit of the seller, and money sent back.

Each is an application that stands alone, so that what is applied and what is paid stay the sums of their applications. A small difference is taken
back by an application of the opposite amount; a refund is money that went out and stays.
"""

from __future__ import annotations

from decimal import Decimal

from qudao.approvals.actions import signed
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.billing.actions import pay_invoices, unpay_invoice
from qudao.billing.queries import Invoice
from qudao.funds.actions import shift
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.kernel.money import ZERO
from qudao.ledger.actions import Posting, post, settle_items
from qudao.ledger.states import Account
from qudao.orders.actions import lock_trades
from qudao.payments import rules
from qudao.payments.actions import asked
from qudao.payments.actions.duties import check_not_recorded
from qudao.payments.actions.receive import tell
from qudao.payments.models import Application, Payment, Tolerance
from qudao.payments.queries import unscoped_tolerance
from qudao.payments.states import UNAPPLIED, How, State


@action("payments.set_tolerance")
def set_tolerance(currency: str, amount: Decimal, *, actor: Actor) -> Tolerance:
    """Up to how much the own organisation closes as a small difference in a currency. Raises Invalid."""
    rules.check_limit(currency, amount)
    kept, _made = Tolerance.unscoped.update_or_create(seller_id=actor.org_id, currency=currency, defaults={"amount": amount})
    return kept


@signed(asked.WRITE_OFF, asked.short_asks, asked.short_card)
@action("payments.write_off")
def close_short(invoice_id: int, note: str = "", *, actor: Actor) -> Application:
    """Close an invoice of the own organisation that is paid but for a small difference; both books bear it on an account of its own.

    Locks order, invoice, funds, ledger. Emits InvoiceSettled. Raises Refused when nothing is paid or open, or more than the limit is.
    """
    seen = get_visible(actor, Invoice, invoice_id, "payments.write_off")
    (trade,) = lock_trades([seen.order_id], actor=actor)
    invoice = lock_one(Invoice, invoice_id, rank=Rank.INVOICE)
    if not invoice.paid:
        raise Refused("payments.nothing_paid")
    amount = invoice.open
    rules.check_small(amount, unscoped_tolerance(invoice.seller_id, invoice.currency), invoice.currency)
    pay_invoices({invoice_id: amount}, [trade], actor=actor)
    note_rank(Rank.PAYMENT)
    kept = _keep(Application(how=How.DIFFERENCE, amount=amount, note=note, invoice=invoice), actor)
    _book_invoice(invoice, kept, actor)
    return kept


@signed(asked.WRITE_OFF, asked.over_asks, asked.over_card)
@action("payments.write_off")
def close_over(payment_id: int, note: str = "", *, actor: Actor) -> Payment:
    """Keep the small rest of a payment that is more than what was owed. Locks payment, funds, ledger. Raises Refused as `close_short`."""
    payment = _locked(payment_id, "payments.write_off", actor)
    amount = payment.left
    rules.check_small(amount, unscoped_tolerance(payment.seller_id, payment.currency), payment.currency)
    kept = _take(payment, Application(how=How.DIFFERENCE, amount=amount, note=note), actor)
    _book_payment(payment, kept, actor)
    return payment


@action("payments.write_off")
def undo_difference(application_id: int, *, actor: Actor) -> Application:
    """Take back a small difference that was closed: the invoice is open again, or the payment has its rest again. Once only.

    Locks order, invoice or payment, funds, ledger. Raises Refused for anything else and for the second time.
    """
    seen = get_visible(actor, Application, application_id, "payments.write_off")
    if seen.how != How.DIFFERENCE or seen.reverses_id or Application.unscoped.filter(reverses=seen).exists():
        raise Refused("payments.not_a_difference")
    if seen.invoice is None:
        assert seen.payment_id is not None
        payment = lock_one(Payment, seen.payment_id, rank=Rank.PAYMENT)
        _refuse_twice(seen)
        kept = _take(payment, Application(how=How.DIFFERENCE, amount=-seen.amount, reverses=seen), actor)
        _book_payment(payment, kept, actor)
        return kept
    (trade,) = lock_trades([seen.invoice.order_id], actor=actor)
    invoice = lock_one(Invoice, seen.invoice.pk, rank=Rank.INVOICE)
    _refuse_twice(seen)
    unpay_invoice(invoice, seen.amount, trade, actor=actor)
    note_rank(Rank.PAYMENT)
    kept = _keep(Application(how=How.DIFFERENCE, amount=-seen.amount, invoice=invoice, reverses=seen), actor)
    _book_invoice(invoice, kept, actor)
    return kept


@signed(asked.OUT, asked.refund_asks, asked.refund_card)
@action("payments.refund")
def refund_payment(payment_id: int, amount: Decimal, note: str = "", *, actor: Actor) -> Payment:
    """Send back today what is left of a payment or credit note, or a part of it; `note` is what the bank is told. It cannot be taken back.

    Both books post bank against what was not applied; the credit it gave goes with it. Locks payment, funds, ledger. Raises Invalid, or Refused
    when less is left, or the money is held by orders under prepaid terms.
    """
    payment = _locked(payment_id, "payments.refund", actor)
    check_not_recorded(payment, actor)
    rules.check_refund(amount, payment.left, note)
    kept = _take(payment, Application(how=How.REFUND, amount=amount, note=note.strip()), actor)
    _book_payment(payment, kept, actor)
    said = {"number": payment.number, "amount": str(amount), "currency": payment.currency, "reference": kept.note}
    tell("payments.refunded", payment, payment.buyer_id, "payments.view", actor, **said)
    return payment


def _refuse_twice(seen: Application) -> None:
    """Under the lock, whoever was faster has written."""
    if Application.unscoped.filter(reverses=seen).exists():
        raise Refused("payments.not_a_difference")


def _locked(payment_id: int, verb: str, actor: Actor) -> Payment:
    """A payment of the own organisation with something left, locked."""
    get_visible(actor, Payment, payment_id, verb)
    payment = lock_one(Payment, payment_id, rank=Rank.PAYMENT)
    if payment.state not in UNAPPLIED:
        raise Refused("payments.illegal", number=payment.number, state=State(payment.state).label)
    return payment


def _keep(kept: Application, actor: Actor) -> Application:
    """Write the row that says what became of the amount."""
    kept.at, kept.by = clock.now(), actor.user_id
    kept.save(force_insert=True)
    return kept


def _take(payment: Payment, kept: Application, actor: Actor) -> Application:
    """Take an amount out of what is left of a locked payment, or give it back when it is less than zero."""
    before, since = payment.state, payment.state_since
    payment.applied += kept.amount
    payment.refunded += kept.amount if kept.how == How.REFUND else ZERO
    payment.state, payment.state_since = rules.state_of(payment.amount, payment.applied), clock.now()
    payment.save(update_fields=["applied", "refunded", "state", "state_since"])
    detail = {"amount": str(kept.amount), "how": str(kept.how)}
    record(payment.subject, before=before, after=payment.state, since=since, reason=kept.note, detail=detail)
    kept.payment = payment
    return _keep(kept, actor)


def _book_invoice(invoice: Invoice, kept: Application, actor: Actor) -> None:
    """Credit, both books and the open items of a difference of an invoice."""
    amount, seller, buyer = kept.amount, invoice.seller_id, invoice.buyer_id
    shift(invoice.agreement_id, [("invoiced", None, amount) if amount > 0 else (None, "invoiced", -amount)], invoice.subject, actor=actor)
    pairs = ((seller, Account.WRITE_OFF, Account.RECEIVABLE, buyer), (buyer, Account.PAYABLE, Account.WRITE_OFF, seller))
    post(_postings(kept, pairs, invoice.currency), invoice.subject, actor=actor)
    settle_items([("billing.invoice", invoice.pk, amount)], actor=actor)


def _book_payment(payment: Payment, kept: Application, actor: Actor) -> None:
    """Credit and both books of what left a payment."""
    amount, seller, buyer = kept.amount, payment.seller_id, payment.buyer_id
    shift(payment.agreement_id, [("unapplied", None, amount) if amount > 0 else (None, "unapplied", -amount)], payment.subject, actor=actor)
    other = Account.BANK if kept.how == How.REFUND else Account.WRITE_OFF
    pairs = ((seller, Account.UNAPPLIED_IN, other, buyer), (buyer, other, Account.UNAPPLIED_OUT, seller))
    post(_postings(kept, pairs, payment.currency), payment.subject, actor=actor)


def _postings(kept: Application, pairs: tuple[tuple[int, Account, Account, int], ...], currency: str) -> list[Posting]:
    """Debit and credit of an amount in both books; what is taken back has the signs the other way round."""
    kind = "refund" if kept.how == How.REFUND else "reversal" if kept.reverses_id else "write_off"
    key = f"{kind}:{kept.pk}"
    return [
        Posting(org, clock.date_of(kept.at), kind, key, ((debit, other, kept.amount), (credit, other, -kept.amount)), currency)
        for org, debit, credit, other in pairs
    ]
