"""Money that was recorded by mistake: withdrawn from both books and from credit, only while nothing of it is applied, only by its seller."""

from __future__ import annotations

import json
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.urls import reverse

from qudao.base.models import Event
from qudao.base.tests.page_text import text
from qudao.funds.queries import unscoped_card
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.queries import unscoped_balance
from qudao.ledger.states import Account
from qudao.orders.tests.make import assert_sound
from qudao.payments.actions import PaymentFacts, announce_payment, issue_credit, record_payment, record_pool, refund_payment, withdraw_payments
from qudao.payments.models import Payment
from qudao.payments.rules import CreditAsk
from qudao.payments.tests.test_batch import billed
from qudao.payments.tests.test_pools import Branches
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


def paid(world, amount, applications=()):
    return record_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(amount)), applications, actor=world.cast.hq_finance)


def test_a_payment_is_withdrawn_once_from_both_books_and_from_credit(world):
    cast, one, two = world.cast, paid(world, 500), paid(world, 20)
    withdraw_payments([one.pk, two.pk], "  wrong line ", actor=cast.hq_finance)
    assert set(Payment.unscoped.values_list("state", "applied")) == {("withdrawn", D(0))}
    for org, other, account in ((cast.lh, cast.d001, Account.UNAPPLIED_IN), (cast.d001, cast.lh, Account.UNAPPLIED_OUT)):
        assert unscoped_balance(org.pk, account, other.pk) == unscoped_balance(org.pk, Account.BANK, other.pk) == D(0)
    assert unscoped_card(one.agreement_id).position.unapplied == D(0)
    assert Event.unscoped.filter(name="payments.PaymentWithdrawn").count() == 2
    assert_sound()
    with pytest.raises(Refused, match=r"payments\.illegal"):
        withdraw_payments([one.pk], "again", actor=cast.hq_finance)


def test_what_pays_something_went_back_or_is_no_money_stays(world):
    (invoice,) = billed(world, (3,))
    actor = world.cast.hq_finance
    applied, back = paid(world, 100, None), refund_payment(paid(world, 50).pk, D(10), "", actor=actor)
    waits = announce_payment(PaymentFacts(world.cast.lh.pk, world.cast.d001.pk, D(9)), actor=world.dealer)
    free = paid(world, 5)
    with pytest.raises(Refused) as refusal:
        withdraw_payments([applied.pk, back.pk, waits.pk, free.pk], "x", actor=actor)
    assert [fault.code for fault in refusal.value.faults] == ["payments.withdraw_applied"] * 2 + ["payments.illegal"]
    free.refresh_from_db()
    assert free.state == "received", "all or none"
    credit = issue_credit(invoice.pk, [CreditAsk(invoice.lines.get().pk, D(1))], "price", actor=actor)
    with pytest.raises(Refused, match="withdraw_credit"):
        withdraw_payments([credit.pk], "x", actor=actor)
    with pytest.raises(Invalid):
        withdraw_payments([free.pk], "  ", actor=actor)


def test_only_the_seller_withdraws(world):
    payment = paid(world, 5)
    for actor, refusal in ((world.cast.dealer_admin, Forbidden), (world.cast.stranger, (NotFound, Forbidden))):
        with pytest.raises(refusal):
            withdraw_payments([payment.pk], "x", actor=actor)


def test_a_payment_for_branches_is_withdrawn_whole_or_not_at_all(world):
    branches = Branches(world)
    actor = branches.finance
    early = record_pool(branches.facts(80), (), actor=actor)
    part = early.parts.get()
    with pytest.raises(Refused, match="part_of_pool"):
        withdraw_payments([part.pk], "x", actor=actor)
    with pytest.raises(Forbidden):
        withdraw_payments([], "x", [early.pk], actor=branches.head)
    assert [one.state for one in withdraw_payments([], "x", [early.pk], actor=actor)] == ["withdrawn"]
    early.refresh_from_db()
    assert early.state == "withdrawn"
    pays = record_pool(branches.facts(350), actor=actor)
    with pytest.raises(Refused, match="withdraw_applied"):
        withdraw_payments([], "x", [pays.pk], actor=actor)
    assert_sound()


def test_pages_and_api_withdraw_and_the_buyer_reads_why(client, world):
    payment = paid(world, 500)
    page = sign_in(client, world.cast.hq_finance)
    url = reverse("payment_withdrawal", args=[payment.pk])
    assert url in page.get(payment.get_absolute_url()).content.decode()
    page.post(url, {"reason": "entered twice", "client_id": str(uuid4())})
    shown = text(page.get(payment.get_absolute_url()))
    assert "Withdrawn" in shown and "entered twice" in shown and url not in shown
    other = paid(world, 30)
    sent = {"content_type": "application/json", **bearer(world.cast.hq_finance), "HTTP_IDEMPOTENCY_KEY": str(uuid4())}
    answer = client.post(f"/api/v1/payments/{other.pk}/withdrawal", json.dumps({"reason": "twice"}), **sent)
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    early = record_pool(Branches(world).facts(80), (), actor=world.cast.hq_finance)
    assert reverse("pool_withdrawal", args=[early.pk]) in page.get(early.get_absolute_url()).content.decode()
    sent["HTTP_IDEMPOTENCY_KEY"] = str(uuid4())
    assert client.post(f"/api/v1/pooled-payments/{early.pk}/withdrawal", json.dumps({"reason": "twice"}), **sent).json()["state"] == "withdrawn"
    assert_sound()
