"""Limits for product lines: who sets them, what is refused, how they are read and tried."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from qudao.base.tests.page_text import text
from qudao.catalog.tests.make import make_category
from qudao.funds.actions import set_line_limits
from qudao.funds.models import Account, SubLimit
from qudao.funds.queries import unscoped_what_if
from qudao.funds.tests.make import assert_sound
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.people.tests.make import bearer, sign_in

D = Decimal
API = "/api/v1"
JSON = "application/json"


@pytest.fixture
def line(cast):
    return make_category(cast.lh, "COLD")


def test_the_sellers_finance_sets_changes_and_ends_them(cast, account, line):
    for amount in (D("300.00"), D("200.00"), D("200.00")):
        set_line_limits(account.pk, {line.pk: amount}, "new line", actor=cast.hq_finance)
    assert SubLimit.unscoped.get().amount == D("200.00") and Account.unscoped.get().lined
    assert_sound()
    set_line_limits(account.pk, {line.pk: None}, "over", actor=cast.hq_finance)
    assert not SubLimit.unscoped.exists() and not Account.unscoped.get().lined
    assert_sound()


def test_what_is_wrong_is_refused(cast, account, line):
    with pytest.raises(Invalid, match=r"funds\.amount"):
        set_line_limits(account.pk, {line.pk: D("-1")}, "x", actor=cast.hq_finance)
    with pytest.raises(Invalid, match=r"funds\.no_category"):
        set_line_limits(account.pk, {make_category(cast.d002, "X").pk: D(1)}, "x", actor=cast.hq_finance)
    with pytest.raises(Forbidden):
        set_line_limits(account.pk, {line.pk: D(1)}, "x", actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        set_line_limits(account.pk, {line.pk: D(1)}, "x", actor=cast.stranger_admin)
    set_line_limits(account.pk, {line.pk: D(1)}, "x", actor=cast.hq_finance)
    for sql, name in (
        ("UPDATE funds_sublimit SET amount = -1", "funds_sublimit_amount_not_negative"),
        ("INSERT INTO funds_sublimit (account_id, category_id, amount) SELECT account_id, category_id, 1 FROM funds_sublimit", "funds_sublimit_line_unique"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)


def test_an_account_without_lines_is_asked_nothing_more(agreement, account, django_assert_num_queries):
    with django_assert_num_queries(1):
        unscoped_what_if(agreement.pk, D(1), ((0, 1, D(1)) for _n in range(1)))


def test_both_sides_read_them_and_try_an_order(cast, agreement, account, line, client):
    sign_in(client, cast.hq_finance)
    asked = {"category_id": line.pk, "amount": "300.00", "reason": "new line"}
    assert client.post(reverse("fund_lines", args=[account.pk]), asked).status_code == 302
    url = reverse("fund", args=[account.pk])
    for actor in (cast.hq_finance, cast.dealer):
        sign_in(client, actor)
        answer = client.get(url)
        assert "limit 300.00, in use 0.00" in text(answer) and "funds/lines.html" in {template.name for template in answer.templates}
        assert "Such an order passes." in text(client.get(url, {"amount": "300", "line": str(line.pk)}))
        assert "The limit of ¥300.00 for COLD" in text(client.get(url, {"amount": "300.01", "line": str(line.pk)}))
        assert "The credit limit of ¥1,000.00 is exceeded" in text(client.get(url, {"amount": "1,000.01"}))
        assert "is not an amount of money" in text(client.get(url, {"amount": "much"}))
        headers = bearer(actor)
        trial = client.get(f"{API}/agreements/{agreement.pk}/credit/trial?amount=400.00&category_id={line.pk}", headers=headers).json()
        assert (trial["passes"], trial["reasons"][0]["code"]) == (False, "funds.line_limit")
        (one,) = client.get(f"{API}/funds/{account.pk}/lines", headers=headers).json()
        assert (one["category_id"], one["limit"], one["available"]) == (line.pk, "300.00", "300.00")
    put = f"{API}/funds/{account.pk}/lines/{line.pk}"
    body = {"amount": None, "reason": "over"}
    assert client.put(put, body, content_type=JSON, headers=bearer(cast.dealer_admin)).status_code == 403
    assert client.put(put, body, content_type=JSON, headers=bearer(cast.hq_finance)).json() == []
    assert client.get(f"{API}/funds/{account.pk}/lines", headers=bearer(cast.stranger)).status_code == 404
