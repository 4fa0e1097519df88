"""A late payer is reminded with one press: once a day, of all that is overdue, and only by whose claim it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base.models import ActionLog
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Forbidden, NotFound
from qudao.ledger import actions
from qudao.ledger.models import Reminder
from qudao.ledger.tests.make import invoice_subject, make_invoice
from qudao.messages.models import Notice
from qudao.messages.queries import sentence
from qudao.people.models import Membership
from qudao.people.tests.make import bearer, sign_in

D = Decimal
NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)


@pytest.fixture
def books(cast):
    """On 30 June D001 owes LH 339.00 overdue in two documents and 50.00 that is not due; D002 owes nothing that is due."""
    with clock.freeze(NOW):
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 1), D("113.00"), date(2026, 5, 1), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 2), D("226.00"), date(2026, 5, 15), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d001.pk, 3), D("50.00"), date(2026, 6, 15), days=30)
        make_invoice(invoice_subject(cast.lh.pk, cast.d002.pk, 4), D("777.00"), date(2026, 6, 15), days=30)
        yield cast


def codes(error):
    return [fault.code for fault in error.value.faults]


def test_the_buyers_people_read_what_is_overdue_and_it_is_logged(books):
    actions.remind_payer(books.d001.pk, actor=books.hq_finance)
    drain()
    told = {notice.user_id: sentence(notice) for notice in Notice.unscoped.filter(code="ledger.overdue")}
    assert books.dealer_admin.user_id in told and books.hq_finance.user_id not in told
    assert books.lh.name in told[books.dealer_admin.user_id]
    assert "339.00 CNY" in told[books.dealer_admin.user_id] and "INV-1" in told[books.dealer_admin.user_id]
    line = ActionLog.unscoped.get(verb="ledger.remind")
    assert (line.number, line.seller_id, line.buyer_id, line.actor_user) == ("INV-1", books.lh.pk, books.d001.pk, books.hq_finance.user_id)
    assert (line.detail["documents"], line.detail["told"]) == (2, len(told))


def test_once_a_day_for_each_buyer_whoever_presses(books):
    actions.remind_payer(books.d001.pk, actor=books.hq_finance)
    with pytest.raises(DomainError) as refusal:
        actions.remind_payer(books.d001.pk, actor=books.hq_admin)
    assert codes(refusal) == ["ledger.reminder_day_unique"] and ActionLog.unscoped.filter(verb="ledger.remind").count() == 1
    with clock.freeze(NOW + timedelta(days=1)):
        actions.remind_payer(books.d001.pk, actor=books.hq_finance)
    assert Reminder.unscoped.count() == 2


def test_nothing_is_said_without_a_claim_a_right_or_anybody_to_hear_it(books):
    for counterparty, raised, code in ((books.d002.pk, DomainError, "ledger.nothing_overdue"), (books.s001.pk, NotFound, "base.not_found")):
        with pytest.raises(raised) as refusal:
            actions.remind_payer(counterparty, actor=books.hq_finance)
        assert codes(refusal) == [code]
    with pytest.raises(Forbidden):
        actions.remind_payer(books.d001.pk, actor=books.hq_clerk)
    Membership.unscoped.filter(org=books.d001).update(state="ended")
    with pytest.raises(DomainError) as refusal:
        actions.remind_payer(books.d001.pk, actor=books.hq_finance)
    assert codes(refusal) == ["ledger.nobody_to_remind"] and not Reminder.unscoped.exists()


def test_the_rows_of_the_ageing_have_the_button_until_it_is_pressed(books, client, django_assert_max_num_queries):
    sign_in(client, books.hq_finance)
    at = reverse("account_reminder", args=[books.d001.pk])
    with django_assert_max_num_queries(15):
        page = text(client.get(reverse("ageing")))
    assert f'hx-post="{at}"' in page and reverse("account_reminder", args=[books.d002.pk]) not in page, "who is not late is not reminded"
    assert client.get(at).status_code == 405
    answer = client.post(at, {"back_to": reverse("ageing")}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == reverse("ageing")
    page = text(client.get(reverse("ageing")))
    assert "They are reminded of what is overdue." in page and "reminded today" in page and at not in page
    assert client.post(at).status_code == 409
    assert at not in text(client.get(reverse("ageing"), {"side": "payable"}))
    sign_in(client, books.hq_clerk)
    assert client.post(at).status_code == 403


def test_the_home_of_finance_reminds_with_one_press(books, client):
    sign_in(client, books.hq_finance)
    at = reverse("account_reminder", args=[books.d001.pk])
    assert f'action="{at}"' in text(client.get(reverse("home"), {"side": "sell"}))
    answer = client.post(at, {"back_to": reverse("home")})
    assert (answer.status_code, answer["Location"]) == (302, reverse("home"))
    page = text(client.get(reverse("home"), {"side": "sell"}))
    assert f'action="{at}"' not in page and "Open the account" in page


def test_the_api_reminds_once(books, client):
    asked = {"path": "/api/v1/ledger/reminders", "data": {"counterparty_id": books.d001.pk}, "content_type": "application/json"}
    answer = client.post(**asked, headers=bearer(books.hq_finance))
    assert answer.status_code == 201 and answer.json()["day"] == "2026-06-30"
    assert client.post(**asked, headers=bearer(books.hq_finance)).status_code == 409
    assert client.post(**asked, headers=bearer(books.hq_clerk)).status_code == 403


def test_nobody_reminds_himself(books):
    with pytest.raises(IntegrityError), transaction.atomic():
        Reminder.unscoped.create(org=books.lh, counterparty=books.lh, day=date(2026, 6, 30), at=NOW)
