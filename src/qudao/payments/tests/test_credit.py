"""Credit notes on a real database: rules, both books, open items, credit, orders; what cannot be taken back; pages, API and paper."""

from decimal import Decimal as D

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from qudao.base import models as base
from qudao.base.outbox import drain
from qudao.base.printing import pdf_of
from qudao.base.tests.pdf_text import pages_of
from qudao.billing.models import Invoice, InvoiceLine
from qudao.fulfilment.tests.make import place
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.models import OpenItem
from qudao.ledger.states import Account
from qudao.orders.tests.make import assert_sound
from qudao.payments import actions, rules
from qudao.payments.models import CreditLine, CreditNote, Payment
from qudao.payments.prints import CREDIT
from qudao.payments.rules import CreditAsk
from qudao.payments.states import How
from qudao.payments.tests.test_actions import balance, billed, buckets, codes, pay
from qudao.people.tests.make import sign_in


class Piece:
    """An invoice line as the rules see it."""

    def __init__(self, qty, net, gross, credited_qty=0, credited_net=0, credited=0):
        self.id, self.product_id, self.tax_rate, self.qty, self.net, self.gross = 1, 1, D("0.13"), D(qty), D(net), D(gross)
        self.credited_qty, self.credited_net, self.credited = D(credited_qty), D(credited_net), D(credited)


def take(piece, **asked):
    (part,) = rules.credit_parts([CreditAsk(1, **asked)], [piece])
    piece.credited_qty += part.qty
    piece.credited_net += part.net
    piece.credited += part.gross
    return part


@given(
    qty=st.integers(1, 40), cents=st.integers(1, 10_000_000),
    steps=st.lists(st.one_of(st.integers(1, 10), st.decimals("0.01", "999.99", places=2)), max_size=8),
)  # fmt: skip
def test_parts_of_a_line_sum_to_it_to_the_cent(qty, cents, steps):
    gross = D(cents) / 100
    net = (gross / D("1.13")).quantize(D("0.01"))
    piece = Piece(qty, net, gross)
    for step in steps:
        try:
            part = take(piece, qty=D(step)) if isinstance(step, int) else take(piece, amount=step)
        except Refused:
            continue
        assert part.gross == part.net + part.tax and part.gross > 0 and part.tax >= 0
    left = piece.qty - piece.credited_qty
    if left and piece.credited < piece.gross:
        take(piece, qty=left)
    if piece.credited == piece.gross:
        assert piece.credited_net == piece.net
    assert piece.credited <= piece.gross and piece.credited_net <= piece.net


def test_everything_wrong_is_said_at_once_at_its_line():
    lines = [Piece(5, 100, 113, credited_qty=2, credited_net=40, credited="45.20")]
    with pytest.raises(Invalid) as wrong:
        rules.credit_parts([CreditAsk(1), CreditAsk(2, qty=D(1)), CreditAsk(1, qty=D(1))], lines)
    assert codes(wrong) == [("payments.amount", "lines.1.amount"), ("payments.unknown_line", "lines.2"), ("payments.twice", "lines.1")]
    for ask, code, field in (
        (CreditAsk(1, D(4)), "payments.credit_qty_left", "lines.1.qty"),
        (CreditAsk(1, None, D("67.81")), "payments.credit_amount_left", "lines.1.amount"),
    ):
        with pytest.raises(Refused) as over:
            rules.credit_parts([ask], lines)
        assert codes(over) == [(code, field)]
    for ask, code in ((CreditAsk(1, D(0)), "payments.credit_qty"), (CreditAsk(1, D(1), D(1)), "payments.credit_both")):
        with pytest.raises(Invalid) as wrong:
            rules.credit_parts([ask], lines)
        assert codes(wrong)[0][0] == code
    with pytest.raises(Invalid) as nothing:
        rules.credit_parts([], lines)
    assert codes(nothing) == [("payments.nothing_to_credit", "lines")]


def lines_of(invoice):
    return list(InvoiceLine.unscoped.filter(invoice=invoice).order_by("no"))


def credit(world, invoice, *asked, reason="missing", note="", actor=None):
    return actions.issue_credit(invoice.pk, asked, reason, note, actor=actor or world.cast.hq_finance)


@pytest.mark.django_db
def test_a_credit_note_lowers_an_open_invoice_in_both_books(world):
    invoice = billed(world, 3, 0, 5)  # 800.00, tax included
    first, second = lines_of(invoice)
    note = credit(world, invoice, CreditAsk(first.pk, D(1)), CreditAsk(second.pk, None, D("20.00")))
    assert (note.number, note.amount, note.state, note.method) == ("CN-LH-000001", D(120), "applied", "credit_note")
    invoice.refresh_from_db()
    assert (invoice.paid, invoice.state, invoice.open) == (D(120), "partially_paid", D(680))
    lh, d001 = world.cast.lh, world.cast.d001
    assert [balance(lh, a, d001) for a in (Account.RECEIVABLE, Account.BANK, Account.UNAPPLIED_IN)] == [D(680), 0, 0]
    assert balance(lh, Account.REVENUE, d001) + balance(lh, Account.OUTPUT_TAX, d001) == D(-680)
    assert balance(lh, Account.REVENUE, d001) == -(invoice.net - CreditNote.unscoped.get().net)
    assert [balance(d001, a, lh) for a in (Account.PAYABLE, Account.UNAPPLIED_OUT)] == [D(-680), 0]
    assert set(OpenItem.unscoped.values_list("open_amount", flat=True)) == {D(680)} and buckets(world) == (D(680), 0)
    assert [(a.amount, a.how) for a in note.applications.all()] == [(D(120), How.CREDIT)]
    assert [(x.qty, x.gross) for x in CreditLine.unscoped.order_by("no")] == [(D(1), D(100)), (D(0), D(20))]
    drain()
    assert base.Event.unscoped.filter(name="payments.CreditIssued").count() == 1
    pay(world, "680.00")
    invoice.order.refresh_from_db()
    assert (invoice.order.status, invoice.order.payment) == ("closed", "paid")
    assert_sound()


@pytest.mark.django_db
def test_what_was_paid_already_stays_as_credit_for_the_next_invoice(world):
    invoice = billed(world, 2)
    pay(world, "200.00")
    note = credit(world, invoice, CreditAsk(lines_of(invoice)[0].pk, D(1)), reason="returned")
    assert (note.applied, note.left, note.state) == (0, D(100), "received") and buckets(world) == (0, D(100))
    assert balance(world.cast.lh, Account.UNAPPLIED_IN, world.cast.d001) == D(-100)
    second = billed(world, 3)
    actions.apply_payment(note.pk, actor=world.cast.hq_finance)
    second.refresh_from_db()
    assert (second.open, buckets(world)) == (D(200), (D(200), 0))
    assert_sound()


@pytest.mark.django_db
def test_never_more_than_was_invoiced_and_only_by_the_seller(world):
    invoice = billed(world, 2)
    (line,) = lines_of(invoice)
    credit(world, invoice, CreditAsk(line.pk, D(2)))
    invoice.refresh_from_db()
    assert invoice.state == "paid", "nothing is left to pay"
    with pytest.raises(Refused) as more:
        credit(world, invoice, CreditAsk(line.pk, None, D("0.01")))
    assert codes(more) == [("payments.credit_amount_left", f"lines.{line.pk}.amount")]
    with pytest.raises(Invalid) as wrong:
        credit(world, invoice, CreditAsk(line.pk, D(1)), reason="because", note="x" * 201)
    assert [code for code, _field in codes(wrong)] == ["payments.reason", "payments.too_long"]
    for actor, error in ((world.dealer, Forbidden), (world.cast.stranger, Forbidden), (world.cast.hq_clerk, Forbidden)):
        with pytest.raises(error):
            credit(world, invoice, CreditAsk(line.pk, D(1)), actor=actor)
    with pytest.raises(Invalid):
        pay(world, 1, method="credit_note")  # nobody records a credit note as money
    assert Payment.unscoped.count() == 1
    assert_sound()


BROKEN = {
    "payments_creditnote_amounts_not_negative": (CreditNote, {"net": D(-1)}),
    "payments_creditnote_reason_known": (CreditNote, {"reason": "x"}),
    "payments_creditline_line_unique": (CreditLine, {}),
    "payments_creditline_amounts_fit": (CreditLine, {"gross": D(7)}),
    "billing_invoiceline_credited_within_line": (InvoiceLine, {"credited": D(999)}),
}


@pytest.mark.django_db
@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(world, name):
    invoice = billed(world, 2)
    payment = credit(world, invoice, CreditAsk(lines_of(invoice)[0].pk, D(1)))
    model, change = BROKEN[name]
    row = model.unscoped.order_by("pk").first()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        if model is InvoiceLine:
            model.unscoped.filter(pk=row.pk).update(**change)
        else:
            values = {f.attname: getattr(row, f.attname) for f in model._meta.concrete_fields if not f.primary_key}
            if model is CreditNote:
                values["payment_id"] = pay(world, 1).pk
            model.unscoped.create(**{**values, **change})
    assert payment.pk


@pytest.mark.django_db
def test_what_was_issued_is_never_changed(world):
    invoice = billed(world, 2)
    credit(world, invoice, CreditAsk(lines_of(invoice)[0].pk, D(1)))
    for model in (CreditNote, CreditLine):
        with pytest.raises(IntegrityError, match="append_only"), transaction.atomic():
            model.unscoped.update(net=D(1))


@pytest.mark.django_db
def test_the_page_asks_for_each_line_and_keeps_what_was_typed(client, world):
    invoice = billed(world, 3)
    (line,) = lines_of(invoice)
    finance = sign_in(client, world.cast.hq_finance)
    assert reverse("invoice_credit", args=[invoice.pk]) in finance.get(reverse("invoice", args=[invoice.pk])).content.decode()
    url = reverse("invoice_credit", args=[invoice.pk])
    typed = {"reason": "missing", "note": "one box", "lines-ref": [str(line.pk)], "lines-qty": ["9"], "lines-amount": [""]}
    refused = finance.post(url, typed)
    assert refused.status_code == 409 and 'value="9"' in refused.content.decode()
    done = finance.post(url, {**typed, "lines-qty": ["1"], "client_id": "0d0c1a3e-8b37-4d8a-a5fb-5d7a4f6e0001"})
    again = finance.post(url, {**typed, "lines-qty": ["1"], "client_id": "0d0c1a3e-8b37-4d8a-a5fb-5d7a4f6e0001"})
    note = Payment.unscoped.get()
    assert done.url == again.url == reverse("payment", args=[note.pk]), "sent twice, issued once"
    shown = finance.get(done.url).content.decode()
    assert note.number in shown and invoice.number in shown and "one box" in shown


@pytest.mark.django_db
def test_the_buyer_sees_and_prints_it_and_issues_none(client, world):
    invoice = billed(world, 3)
    note = credit(world, invoice, CreditAsk(lines_of(invoice)[0].pk, D(1)), note="one box")
    buyer = sign_in(client, world.dealer)
    page = buyer.get(reverse("invoice", args=[invoice.pk])).content.decode()
    assert note.number in page and reverse("invoice_credit", args=[invoice.pk]) not in page
    assert buyer.get(reverse("invoice_credit", args=[invoice.pk])).status_code == 403
    for language, title in (("en", f"Credit note {note.number}"), ("zh-hans", f"红字发票 {note.number}")):
        text = "\n".join(pages_of(pdf_of(CREDIT, world.dealer, [note.pk], language=language)))
        assert title in text and invoice.number in text and "¥100.00" in text
    money = pay(world, 10)
    with pytest.raises(NotFound):
        pdf_of(CREDIT, world.dealer, [money.pk], language="en")
    with pytest.raises(NotFound):
        pdf_of(CREDIT, world.cast.stranger, [note.pk], language="en")
    assert CREDIT.fits(world.dealer, note) and not CREDIT.fits(world.dealer, money)


@pytest.mark.django_db
def test_programs_issue_credit_notes_once(client, world, django_assert_max_num_queries):
    invoice = billed(world, 3)
    assert Invoice.unscoped.count() == 1 and place(world, 1)
    with django_assert_max_num_queries(30):
        credit(world, invoice, CreditAsk(lines_of(invoice)[0].pk, D(1)))
