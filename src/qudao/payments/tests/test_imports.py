"""The bank's file: who paid and what for, what is doubtful, and no line twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.import_runs import begin_import, may_undo, run_import, undo_import
from qudao.billing.models import Invoice
from qudao.fulfilment.tests.make import place, received
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Refused
from qudao.orders.tests.make import assert_sound
from qudao.payments.actions import PaymentFacts, announce_payment
from qudao.payments.models import Application, Payment
from qudao.payments.tests.test_batch import billed
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
HEADS = "交易日期,到账金额,付款人,附言,流水号\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def begun(world, *lines, actor=None):
    text = HEADS + "".join(f"{line}\n" for line in lines)
    return begin_import("payments.bank", SimpleUploadedFile("bank.csv", text.encode()), actor=actor or world.cast.hq_finance)


def looked(world, *lines):
    return import_runs.look(begun(world, *lines), world.cast.hq_finance)


def test_lines_find_their_payer_and_pay_what_they_name(world):
    first, second, third = billed(world, (3,), (0, 2), (1, 1, 1))  # 300, 200, 300
    today = clock.today()
    lines = (f'{today},"200.00",{world.cast.d001.name},,', f"{today},300,,货款 {third.number},", f"{today},450,d001,余款,B-77")
    found = looked(world, *lines)
    assert not found.wrong and [entry.changes[0][2] for entry in found.entries] == [f"{second.number} 200", f"{third.number} 300", f"{first.number} 300"]
    run = run_import(begun(world, *lines, "").pk, actor=world.cast.hq_finance)
    assert run.made == 3 and not Invoice.unscoped.exclude(state="paid").exists()
    payments = list(Payment.unscoped.order_by("pk"))
    assert [(p.amount, p.applied, p.note) for p in payments] == [(D(200), D(200), ""), (D(300), D(300), ""), (D(450), D(300), "B-77")]
    assert list(Application.unscoped.order_by("pk").values_list("how", flat=True)) == ["exact", "reference", "oldest"]
    assert_sound()
    again = looked(world, *lines)
    assert [(one.row, one.fault.code) for one in again.wrong] == [(n, "payments.booked_before") for n in (2, 3, 4)]
    assert not looked(world, lines[2].replace("B-77", "B-78")).wrong, "another line of the bank"
    assert not may_undo(run)
    with pytest.raises(Refused):
        undo_import(run.pk, actor=world.cast.hq_finance)


def test_what_is_doubtful_is_told_with_what_it_could_be(world):
    (invoice,) = billed(world, (3,))
    today, cast = clock.today(), world.cast
    near = cast.d001.name[:-1]
    found = looked(
        world, f"{today},10,{near},,", f"{today},11,Zzz,,", f"{today},12,{cast.d002.code},{invoice.number},", f"{today},13,{cast.d002.code},,",
        f"{today + timedelta(days=1)},-5,d001,,", f"{today},14,D001,x,1", f"{today},14,D001,x,1",
    )  # fmt: skip
    assert [(one.row, one.column, one.fault.code) for one in found.wrong] == [
        (2, "payer", "payments.payer_like"), (3, "payer", "payments.payer_unknown"), (4, "payer", "payments.payer_differs"),
        (5, "payer", "payments.no_agreement"), (6, "amount", "payments.amount"), (6, "paid_on", "payments.future"), (8, "paid_on", "base.import_twice"),
    ]  # fmt: skip
    assert cast.d001.code in found.wrong[0].fault.params["codes"]


def test_money_that_was_announced_is_confirmed_and_not_booked_twice(world):
    order = place(world, 3)
    received(world, order)
    announced = announce_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(500), "advance"), actor=world.dealer)
    today = clock.today()
    run = run_import(begun(world, f"{today},500,D001,advance,").pk, actor=world.cast.hq_finance)
    announced.refresh_from_db()
    assert (run.made, run.changed) == (0, 1) and Payment.unscoped.count() == 1 and announced.state != "announced"
    for _n in range(2):
        announce_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(700)), actor=world.dealer)
    found = looked(world, f"{today},700,D001,,")
    assert [(one.column, one.fault.code) for one in found.wrong] == [("amount", "payments.announced_twice")]
    assert_sound()


def test_only_who_records_payments_may(client, world):
    with pytest.raises(Forbidden):
        begun(world, "2026-01-01,1,D001,,", actor=world.dealer)
    assert "/imports/new/payments.bank/" in sign_in(client, world.cast.hq_finance).get("/payments/").content.decode()
    assert client.get("/imports/new/payments.bank/").status_code == 200
