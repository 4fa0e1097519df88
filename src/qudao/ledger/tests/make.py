"""Books for tests: invoices and payments as the upper modules post them, on both sides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from qudao.base.access import system_actor
from qudao.base.action import unit
from qudao.base.invariants import offending
from qudao.base.subject import Subject
from qudao.ledger import invariants
from qudao.ledger.actions import ItemSpec, open_items, post, settle_items
from qudao.ledger.rules import Posting
from qudao.ledger.states import Account

T = TypeVar("T")
TAX = Decimal("0.13")


def in_unit(body: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Call a part as an action of an upper module would, by the system."""
    return unit(lambda: body(*args, actor=system_actor(), **kwargs))


def invoice_subject(seller: int, buyer: int, n: int) -> Subject:
    return Subject("billing.invoice", n, seller, buyer, f"INV-{n}")


def invoice_postings(subject: Subject, gross: Decimal, on: date) -> list[Posting]:
    """Both books of an invoice: the seller's claim and revenue, the buyer's purchase and debt; 13 % tax inside."""
    net = (gross / (1 + TAX)).quantize(Decimal("0.01"))
    seller, buyer, tax = subject.seller_id, subject.buyer_id, gross - net
    assert seller is not None and buyer is not None
    key = f"invoice:{subject.id}"
    sale = [(Account.RECEIVABLE, buyer, gross), (Account.REVENUE, buyer, -net), (Account.OUTPUT_TAX, buyer, -tax)]
    purchase = [(Account.PURCHASES, seller, net), (Account.INPUT_TAX, seller, tax), (Account.PAYABLE, seller, -gross)]
    keep = [tuple(line for line in lines if line[2]) for lines in (sale, purchase)]  # a cent has no tax
    return [Posting(seller, on, "invoice", key, keep[0]), Posting(buyer, on, "invoice", key, keep[1])]


def make_invoice(subject: Subject, gross: Decimal, on: date, days: int = 30) -> None:
    """Post an invoice and open its item, due `days` after `on`."""

    def body() -> None:
        post(invoice_postings(subject, gross, on), subject, actor=system_actor())
        open_items([ItemSpec(subject, on, on + timedelta(days), gross)], actor=system_actor())

    unit(body)


def make_receipt(seller: int, buyer: int, n: int, amount: Decimal, on: date) -> None:
    """Money of the buyer arrives at the seller and is not applied yet."""
    subject = Subject("payments.payment", n, seller, buyer, f"PAY-{n}")
    key = f"payment:{n}"
    got = ((Account.BANK, buyer, amount), (Account.UNAPPLIED_IN, buyer, -amount))
    paid = ((Account.UNAPPLIED_OUT, seller, amount), (Account.BANK, seller, -amount))
    in_unit(post, [Posting(seller, on, "payment", key, got), Posting(buyer, on, "payment", key, paid)], subject)


def apply_cash(invoice: Subject, n: int, amount: Decimal, on: date) -> None:
    """Unapplied cash settles an invoice, in both books."""
    seller, buyer = invoice.seller_id, invoice.buyer_id
    assert seller is not None and buyer is not None
    subject = Subject("payments.application", n, seller, buyer)
    key = f"application:{n}"
    claim = ((Account.UNAPPLIED_IN, buyer, amount), (Account.RECEIVABLE, buyer, -amount))
    debt = ((Account.PAYABLE, seller, amount), (Account.UNAPPLIED_OUT, seller, -amount))

    def body() -> None:
        settle_items([(invoice.kind, invoice.id, amount)], actor=system_actor())
        post([Posting(seller, on, "application", key, claim), Posting(buyer, on, "application", key, debt)], subject, actor=system_actor())

    unit(body)


def assert_sound() -> None:
    """Every invariant of the books holds."""
    for check in invariants.CHECKS:
        assert offending(check) == (0, []), check.name
