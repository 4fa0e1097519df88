"""Requests for limits: one person asks, another one at the seller grants; what it does to orders, who may what, page, API, file."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from qudao.approvals.actions import separate_duties
from qudao.base.access import system_actor
from qudao.base.import_runs import begin_import, look, run_import, undo_import
from qudao.base.models import ActionLog
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.funds import queries
from qudao.funds.actions import ask_limit, decline_limit, grant_limit, hold, set_limit, set_limits, withdraw_limit
from qudao.funds.models import Account, LimitRequest
from qudao.funds.rules import LimitTerms, Wanted, gives_more
from qudao.funds.tests.make import assert_sound, in_unit, order
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.messages.models import Notice
from qudao.people.tests.make import bearer, sign_in

API, JSON = "/api/v1", "application/json"


def codes(refusal):
    return [fault.code for fault in refusal.value.faults]


def told(code):
    drain()
    return set(Notice.unscoped.filter(code=code).values_list("user_id", flat=True))


def test_sales_asks_finance_grants_and_orders_pass(cast, agreement, account):
    with pytest.raises(Refused, match=r"funds\.limit"):
        in_unit(hold, agreement.pk, D(1200), order(1))
    until = clock.today() + timedelta(days=5)
    asked = ask_limit(account.pk, Wanted(D("1000.00"), D("500.00"), until), "a large project", actor=cast.hq_clerk)
    assert cast.hq_finance.user_id in told("funds.limit_asked")
    assert Account.unscoped.get().temp_limit == 0, "asking gives nothing"
    grant_limit(asked.pk, answer="this once", actor=cast.hq_finance)
    assert told("funds.limit_granted") == {cast.hq_clerk.user_id}
    now = Account.unscoped.get()
    assert (now.limit_amount, now.temp_limit, now.temp_until) == (D(1000), D(500), until)
    in_unit(hold, agreement.pk, D(1200), order(1))
    asked.refresh_from_db()
    assert (asked.state, asked.was, asked.decided_name) == ("granted", D(1000), cast.hq_finance.name)
    assert ActionLog.unscoped.filter(subject_kind="funds.account", reason="this once").exists()
    assert_sound()


def test_the_buyer_asks_and_is_granted_less(cast, agreement, account):
    asked = ask_limit(account.pk, Wanted(D(9000)), "we grow", actor=cast.dealer)
    grant_limit(asked.pk, Wanted(D(3000)), "for now", actor=cast.hq_finance)
    assert queries.unscoped_card(agreement.pk).limit == D(3000)
    again = ask_limit(account.pk, Wanted(D(9000)), "we grew", actor=cast.dealer)
    decline_limit(again.pk, "wait for the year's end", actor=cast.hq_finance)
    assert told("funds.limit_declined") == {cast.dealer.user_id} and Account.unscoped.get().limit_amount == D(3000)
    third = ask_limit(account.pk, Wanted(D(4000)), "a mistake", actor=cast.dealer)
    withdraw_limit(third.pk, actor=cast.dealer)
    assert list(queries.requests(cast.dealer).values_list("state", flat=True)) == ["withdrawn", "declined", "granted"]
    for one, verb in ((asked, grant_limit), (again, grant_limit)):
        with pytest.raises(Refused, match=r"funds\.request_over"):
            verb(one.pk, actor=cast.hq_finance)
    with pytest.raises(Refused, match=r"funds\.request_over"):
        withdraw_limit(third.pk, actor=cast.dealer)
    assert_sound()


def test_who_asks_never_decides_and_strangers_see_nothing(cast, account):
    asked = ask_limit(account.pk, Wanted(D(2000)), "more", actor=cast.hq_finance)
    for decide in (grant_limit, lambda pk, actor: decline_limit(pk, "no", actor=actor)):
        with pytest.raises(Refused, match=r"funds\.request_own"):
            decide(asked.pk, actor=cast.hq_finance)
        with pytest.raises(Forbidden):
            decide(asked.pk, actor=cast.hq_clerk)
        with pytest.raises(Forbidden):
            decide(asked.pk, actor=cast.dealer_admin)
        with pytest.raises(NotFound):
            decide(asked.pk, actor=cast.stranger_admin)
    with pytest.raises(Forbidden):
        withdraw_limit(asked.pk, actor=cast.dealer)
    with pytest.raises(NotFound):
        ask_limit(account.pk, Wanted(D(2000)), "mine", actor=cast.stranger_admin)
    with pytest.raises(Forbidden):
        ask_limit(account.pk, Wanted(D(2000)), "mine", actor=cast.hq_warehouse)
    assert not queries.requests(cast.stranger_admin).exists()
    grant_limit(asked.pk, actor=cast.hq_admin)
    with pytest.raises(IntegrityError, match="funds_limitrequest_two_persons"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE funds_limitrequest SET decided_by = asked_by")


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        (Wanted(), "funds.request_empty"),
        (Wanted(D("-1")), "funds.amount"),
        (Wanted(D("1.005")), "funds.amount"),
        (Wanted(None, D(5)), "funds.temp_until_missing"),
    ],
)
def test_what_is_asked_for_must_make_sense(cast, account, wanted, code):
    with pytest.raises(Invalid) as refusal:
        ask_limit(account.pk, wanted, "x", actor=cast.hq_clerk)
    assert codes(refusal) == [code]
    with pytest.raises(Invalid, match=r"funds\.reason_missing"):
        ask_limit(account.pk, Wanted(D(1)), " ", actor=cast.hq_clerk)
    asked = ask_limit(account.pk, Wanted(D(1)), "x", actor=cast.hq_clerk)
    with pytest.raises(Refused, match=r"funds\.request_waits"):
        ask_limit(account.pk, Wanted(D(1)), "x", actor=cast.dealer)
    with pytest.raises(Invalid, match=r"funds\.reason_missing"):
        decline_limit(asked.pk, " ", actor=cast.hq_finance)


def test_where_duties_are_apart_more_credit_takes_two(cast, account):
    separate_duties(True, actor=cast.hq_admin)
    for more in (LimitTerms(D(1001)), LimitTerms(D(1000), D(1), clock.today())):
        with pytest.raises(Refused, match=r"funds\.duty_limit"):
            set_limit(account.pk, more, "more", actor=cast.hq_finance)
        with pytest.raises(Refused, match=r"funds\.duty_limit"):
            set_limits({account.pk: more}, "more", actor=cast.hq_finance)
    set_limit(account.pk, LimitTerms(D(900), grace_days=3), "less", actor=cast.hq_finance)
    set_limit(account.pk, LimitTerms(D(950)), "the system may", actor=system_actor())
    grant_limit(ask_limit(account.pk, Wanted(D(1500)), "more", actor=cast.hq_clerk).pk, actor=cast.hq_finance)
    assert Account.unscoped.get().limit_amount == D(1500)
    day = clock.today()
    assert gives_more(LimitTerms(D(1), D(1), day), LimitTerms(D(1), D(1), day + timedelta(days=1)))
    assert not gives_more(LimitTerms(D(2), D(1), day), LimitTerms(D(1)))


def test_asked_and_decided_by_page(cast, account, client):
    sign_in(client, cast.dealer)
    page = reverse("fund", args=[account.pk])
    assert reverse("limit_request", args=[account.pk]) in text(client.get(page))
    assert client.post(reverse("limit_request", args=[account.pk]), {"limit": "2500", "reason": "a new branch"}).status_code == 302
    asked = LimitRequest.unscoped.get()
    assert "a new branch" in text(client.get(page)) and reverse("limit_grant", args=[asked.pk]) not in text(client.get(page))
    assert client.post(reverse("limit_grant", args=[asked.pk]), {"limit": "2500"}).status_code == 403
    sign_in(client, cast.hq_finance)
    assert "a new branch" in text(client.get(reverse("limit_requests"))) and reverse("limit_grant", args=[asked.pk]) in text(client.get(page))
    assert "2500" in text(client.get(reverse("limit_grant", args=[asked.pk])))
    assert client.post(reverse("limit_grant", args=[asked.pk]), {"limit": "2000", "reason": "good payer"}).status_code == 302
    assert Account.unscoped.get().limit_amount == D(2000)
    sign_in(client, cast.hq_clerk)
    assert client.post(reverse("limit_request", args=[account.pk]), {"limit": "1", "reason": "oops"}).status_code == 302
    second = LimitRequest.unscoped.order_by("-pk")[0]
    assert client.post(reverse("limit_withdrawal", args=[second.pk]), {}).status_code == 302
    third = ask_limit(account.pk, Wanted(D(9999)), "once more", actor=cast.hq_clerk)
    sign_in(client, cast.hq_finance)
    assert client.post(reverse("limit_decline", args=[third.pk]), {"reason": "too much"}).status_code == 302
    assert list(LimitRequest.unscoped.order_by("pk").values_list("state", flat=True)) == ["granted", "withdrawn", "declined"]


def test_asked_and_decided_by_api(cast, account, client):
    tokens = {actor: bearer(actor) for actor in (cast.dealer, cast.dealer_admin, cast.hq_finance, cast.hq_clerk)}

    def post(actor, path, key, **body):
        return client.post(f"{API}/{path}", body, content_type=JSON, headers={**tokens[actor], "Idempotency-Key": key})

    asked = post(cast.dealer, f"funds/{account.pk}/limit-requests", "ask-0001", limit="2500.00", reason="a new branch")
    again = post(cast.dealer, f"funds/{account.pk}/limit-requests", "ask-0001", limit="2500.00", reason="a new branch")
    assert asked.status_code == 201 and again.json() == asked.json() and LimitRequest.unscoped.count() == 1
    pk = asked.json()["id"]
    assert post(cast.dealer_admin, f"limit-requests/{pk}/grant", "grant-0001").status_code == 403
    granted = post(cast.hq_finance, f"limit-requests/{pk}/grant", "grant-0002")
    assert granted.status_code == 200 and granted.json()["state"] == "granted" and granted.json()["granted_limit"] == "2500.00"
    second = post(cast.hq_clerk, f"funds/{account.pk}/limit-requests", "ask-0002", limit="1.00", reason="x").json()["id"]
    assert post(cast.hq_finance, f"limit-requests/{second}/decline", "decline-0001", answer="no").json()["answer"] == "no"
    third = post(cast.hq_clerk, f"funds/{account.pk}/limit-requests", "ask-0003", limit="1.00", reason="x").json()["id"]
    assert post(cast.hq_clerk, f"limit-requests/{third}/withdraw", "withdraw-0001").json()["state"] == "withdrawn"
    listed = client.get(f"{API}/limit-requests?state=granted", headers=tokens[cast.dealer]).json()["items"]
    assert [one["id"] for one in listed] == [pk] and not client.get(f"{API}/limit-requests", headers=bearer(cast.stranger_admin)).json()["items"]


def test_asked_by_file_and_taken_back(cast, account, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    def begun(rows):
        return begin_import("funds.requests", SimpleUploadedFile("ask.csv", f"buyer,limit,reason\n{rows}".encode()), actor=cast.hq_clerk)

    wrong = look(begun("D001,,nothing\nNONE,5,x\n"), cast.hq_clerk).wrong
    assert {(one.row, one.fault.code) for one in wrong} == {(2, "funds.request_empty"), (3, "funds.no_account")}
    run = begun("D001,2000,the season\n")
    run_import(run.pk, actor=cast.hq_clerk)
    asked = LimitRequest.unscoped.get()
    assert (asked.limit_amount, asked.reason, asked.asked_by) == (D(2000), "the season", cast.hq_clerk.user_id)
    assert [one.fault.code for one in look(begun("D001,3000,twice\n"), cast.hq_clerk).wrong] == ["funds.request_waits"]
    undo_import(run.pk, actor=cast.hq_clerk)
    asked.refresh_from_db()
    assert asked.state == "withdrawn"
