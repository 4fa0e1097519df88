"""The bank's file: who paid and what for, what is doubtful, and no line twice."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.agreements.tests.make import make_agreement
from qudao.approvals.actions import separate_duties
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import, undoing_of
from qudao.base.tests.brought_back import same_again
from qudao.billing.models import Invoice
from qudao.fulfilment.tests.make import place, received
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Refused
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.orders.tests.make import assert_sound, make_credit
from qudao.payments.actions import PaymentFacts, PoolFacts, announce_payment, announce_pool, record_bank
from qudao.payments.models import Application, Payer, Payment, Pool
from qudao.payments.tests.test_batch import billed
from qudao.payments.tests.test_duties import both_sides
from qudao.payments.tests.test_pools import Branches, open_of
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
    with pytest.raises(Refused, match="withdraw_applied"):
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


def test_lines_that_pay_nothing_yet_are_withdrawn_together_and_the_others_stay_with_the_reason(world):
    (invoice,) = billed(world, (1,))  # 100
    cast, today = world.cast, clock.today()
    announced = announce_payment(PaymentFacts(cast.lh.pk, cast.d001.pk, D(70)), actor=world.dealer)
    lines = (f"{today},100,D001,{invoice.number},1", f"{today},70,D001,,2", f"{today},40,D001,early,3", f"{today},60,D001,early,4")
    run = run_import(begun(world, *lines).pk, actor=cast.hq_finance)
    undoing = undoing_of(run, cast.hq_finance)
    assert [(one.row, fault.code) for one, fault in undoing.kept] == [(2, "payments.withdraw_applied"), (3, "payments.confirmed_stays")]
    assert undo_import(run.pk, actor=cast.hq_finance).state == "partly"
    assert list(Payment.unscoped.order_by("note").values_list("amount", "state")) == [
        (D(70), "received"), (D(100), "applied"), (D(40), "withdrawn"), (D(60), "withdrawn"),
    ]  # fmt: skip
    assert unscoped_balance(cast.lh.pk, Account.BANK, cast.d001.pk) == D(170) == -unscoped_balance(cast.d001.pk, Account.BANK, cast.lh.pk)
    assert unscoped_card(announced.agreement_id).position.unapplied == D(70)
    assert_sound()
    assert not looked(world, *lines[2:]).wrong, "what was withdrawn may come in again"


def test_a_line_of_a_head_office_pays_the_invoices_of_its_branches(world):
    branches, cast, today = Branches(world), world.cast, clock.today()  # 300 of S001, due first, and 200 of S002
    lines = (f"{today},350,{cast.d001.name},,1", f"{today},150,,{branches.a.number} {branches.b.number},2")
    found = looked(world, *lines)
    assert not found.wrong and [entry.changes[0][2] for entry in found.entries] == [
        f"{branches.a.number} 300, {branches.b.number} 50", f"{branches.b.number} 150",
    ]  # fmt: skip
    run = run_import(begun(world, *lines).pk, actor=cast.hq_finance)
    assert open_of(branches.a, branches.b) == [D(0), D(0)] and [one.amount for one in Pool.unscoped.order_by("pk")] == [D(350), D(150)]
    assert [one.fault.code for one in looked(world, *lines).wrong] == ["payments.booked_before"] * 2
    with pytest.raises(Refused, match="withdraw_applied"):
        undo_import(run.pk, actor=cast.hq_finance)
    assert_sound()


def test_what_the_head_office_owes_itself_is_its_own_payment(world):
    branches, today = Branches(world), clock.today()
    (own,) = billed(world, (1,))  # 100 of D001 itself
    found = looked(world, f"{today},100,D001,,1", f"{today},100,D001,{branches.b.number},2", f"{today},50,D001,,3", f"{today},20,S002,,4")
    assert [entry.changes[0][2] for entry in found.entries] == [
        f"{own.number} 100",
        f"{branches.b.number} 100",
        f"{branches.a.number} 50",
        f"{branches.b.number} 20",
    ]


def test_an_announced_payment_for_branches_is_confirmed_and_an_early_one_withdrawn_whole(world):
    branches, cast, today = Branches(world), world.cast, clock.today()
    pool = announce_pool(branches.facts(500), actor=branches.head)
    run_import(begun(world, f"{today},500,D001,,").pk, actor=cast.hq_finance)
    pool.refresh_from_db()
    assert pool.state == "received" and open_of(branches.a, branches.b) == [D(0), D(0)]
    run = run_import(begun(world, f"{today},80,D001,,9").pk, actor=cast.hq_finance)
    assert undo_import(run.pk, actor=cast.hq_finance).state == "undone"
    early = Pool.unscoped.latest("pk")
    assert early.state == "withdrawn" and set(early.parts.values_list("state", flat=True)) == {"withdrawn"}
    assert_sound()


def test_the_file_is_booked_by_its_seller_only_and_announced_money_once(world):
    cast = world.cast
    waits = announce_payment(PaymentFacts(cast.lh.pk, cast.d001.pk, D(70)), actor=world.dealer)
    with pytest.raises(Forbidden):
        record_bank(cast.lh.pk, [waits], actor=cast.dealer_admin)
    with pytest.raises(Forbidden):
        record_bank(cast.lh.pk, [PaymentFacts(cast.d001.pk, cast.s001.pk, D(1))], actor=cast.hq_finance)
    with pytest.raises(Refused, match="no_agreement"):
        record_bank(cast.lh.pk, [PaymentFacts(cast.lh.pk, cast.d002.pk, D(1))], actor=cast.hq_finance)
    with pytest.raises(Refused, match="no_branches"):
        record_bank(cast.lh.pk, [PoolFacts(cast.lh.pk, cast.d001.pk, D(1))], actor=cast.hq_finance)
    (made,) = record_bank(cast.lh.pk, [waits], actor=cast.hq_finance)
    with pytest.raises(Refused, match="illegal"):
        record_bank(cast.lh.pk, [made], actor=cast.hq_finance)


def test_who_announced_does_not_confirm_by_file_where_duties_are_apart(world):
    dealer, brand = both_sides(world)
    separate_duties(True, actor=world.cast.hq_admin)
    waits = announce_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(70)), actor=dealer)
    line = f"{clock.today()},70,D001,,2"
    wrong = import_runs.look(begun(world, line, actor=brand), brand).wrong
    assert [(one.row, one.fault.code) for one in wrong] == [(2, "payments.duty_announced")]
    with pytest.raises(Refused, match="duty_announced"):
        record_bank(world.cast.lh.pk, [waits], actor=brand)
    assert not looked(world, line).wrong, "somebody else confirms it"


def payers(world, *lines, actor=None):
    text = "分店,付款方\n" + "".join(f"{line}\n" for line in lines)
    return begin_import("payments.payers", SimpleUploadedFile("payers.csv", text.encode()), actor=actor or world.cast.hq_finance)


def test_payers_come_from_a_file_and_go_back(world):
    Branches(world)
    actor = world.cast.hq_finance
    found = import_runs.look(payers(world, "S001,D001", "S002,D002", "D001,LH", "X9,D001"), actor)
    assert [entry.what for entry in found.entries] == ["same"]
    assert [(one.row, one.column, one.fault.code) for one in found.wrong] == [
        (3, "payer", "payments.payer_not_above"), (4, "payer", "payments.payer_not_above"), (5, "buyer", "agreements.none_with_buyer"),
    ]  # fmt: skip
    same_again("payments.payers", actor, 2)
    run = run_import(payers(world, "S001,S001").pk, actor=actor)
    assert list(Payer.unscoped.values_list("agreement__buyer__code", flat=True)) == ["S002"]
    undo_import(run.pk, actor=actor)
    assert Payer.unscoped.filter(payer__code="D001").count() == 2
    with pytest.raises(Forbidden):
        payers(world, "S001,D001", actor=world.cast.dealer)


def test_only_who_records_payments_may(client, world):
    with pytest.raises(Forbidden):
        begun(world, "2026-01-01,1,D001,,", actor=world.dealer)
    assert "/imports/new/payments.bank/" in sign_in(client, world.cast.hq_finance).get("/payments/").content.decode()
    assert client.get("/imports/new/payments.bank/").status_code == 200


def test_a_line_of_a_buyer_with_two_currencies_says_which(world):
    (first,) = billed(world, (3,))
    make_credit(make_agreement(world.cast.lh, world.cast.d001, currency="USD", code="A-USD"))
    today = clock.today()
    heads = HEADS.strip() + ",币种\n"
    rows = (
        f"{today},50,D001,,1,",
        f"{today},60,D001,,2,USD",
        f"{today},70,D001,货款 {first.number},3,",
        f"{today},80,D001,,4,人民币",
        f"{today},90,D001,,5,EUR",
    )

    def begin(lines):
        return begin_import("payments.bank", SimpleUploadedFile("bank.csv", (heads + "\n".join(lines)).encode()), actor=world.cast.hq_finance)

    found = import_runs.look(begin(rows), world.cast.hq_finance)
    assert [(one.row, one.fault.code, one.fault.field) for one in found.wrong] == [
        (2, "payments.currency_needed", "currency"),
        (6, "payments.no_agreement_in", "currency"),
    ]
    run_import(begin(rows[1:4]).pk, actor=world.cast.hq_finance)
    assert list(Payment.unscoped.order_by("pk").values_list("currency", "amount", "applied")) == [("USD", 60, 0), ("CNY", 70, 70), ("CNY", 80, 80)]
    assert [one.fault.code for one in import_runs.look(begin(rows[1:4]), world.cast.hq_finance).wrong] == ["payments.booked_before"] * 3
    same = f"{today},60,D001,,2,CNY"
    assert not import_runs.look(begin([same]), world.cast.hq_finance).wrong, "the same in another currency is another line"
    assert_sound()
