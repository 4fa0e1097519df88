"""The states of an account: by rule and by hand, noted with its history, told to both sides, and followed by orders that wait."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from qudao.base.access import system_actor
from qudao.base.models import Event
from qudao.base.outbox import drain
from qudao.base.subject import Subject
from qudao.base.tests.page_text import text
from qudao.funds import queries
from qudao.funds.actions import LimitTerms, ensure_account, follow_states, freeze, hold, recheck, set_limit, set_rules, unfreeze
from qudao.funds.models import Account, House, StateChange
from qudao.funds.rules import Patience
from qudao.funds.tests.make import assert_sound, fill, in_unit, make_account, make_agreement, order
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.ledger.actions import ItemSpec, open_items, settle_items
from qudao.people.tests.make import bearer, sign_in

D = Decimal
API = "/api/v1"
JSON = "application/json"
CHANGE = "INSERT INTO funds_statechange (account_id, at, before, after, reasons, who, note)"


def owe(cast, n, days, amount="100.00"):
    """An invoice that is so many days past due."""
    invoice = Subject("billing.invoice", n, cast.lh.pk, cast.d001.pk, f"INV-{n}")
    due = clock.today() - timedelta(days=days)
    in_unit(open_items, [ItemSpec(invoice, due - timedelta(days=30), due, D(amount))])


def walked(account):
    """The states it went through."""
    account.refresh_from_db()
    changes = list(StateChange.unscoped.filter(account_id=account.pk).order_by("id"))
    assert account.state == (changes[-1].after if changes else "ok")
    return [change.after for change in changes]


def told(org):
    codes = [e.payload["code"] for e in Event.unscoped.filter(name="base.NoticeAsked").order_by("id") if e.payload["org_id"] == org.pk]
    return [code for code in codes if code.startswith("funds.")]


def night():
    return follow_states(actor=system_actor())


def test_the_state_follows_the_age_of_what_is_overdue_each_night(cast, agreement):
    account = make_account(agreement, LimitTerms(D("1000.00"), grace_days=5, stop_days=10))
    owe(cast, 1, 3)
    assert (night(), night()) == (1, 0)
    assert walked(account) == ["watch"]
    in_unit(hold, agreement.pk, D("1.00"), order(1))
    with clock.freeze(clock.now() + timedelta(days=3)):
        night()
        with pytest.raises(Refused, match=r"funds\.overdue"):
            in_unit(hold, agreement.pk, D("1.00"), order(2))
        in_unit(recheck, agreement.pk)
    with clock.freeze(clock.now() + timedelta(days=8)):
        night()
        with pytest.raises(Refused, match=r"funds\.overdue"):
            in_unit(recheck, agreement.pk)
        in_unit(settle_items, [("billing.invoice", 1, D("100.00"))])
        drain()
        night()
    assert walked(account) == ["watch", "hold", "stop", "ok"]
    last = StateChange.unscoped.order_by("-id")[1]
    assert last.reasons == [["funds.overdue", {"amount": "100.00", "days": 11, "grace_days": 10}]]
    assert told(cast.lh) == told(cast.d001) == ["funds.watch", "funds.hold", "funds.stop", "funds.ok"]
    assert_sound()


def test_limits_and_money_change_it_at_once(cast, agreement):
    account = make_account(agreement, LimitTerms(D("1000.00"), watch_percent=80))
    fill(agreement, invoiced="900.00")
    set_limit(account.pk, LimitTerms(D("1100.00"), watch_percent=80), "more", actor=cast.hq_finance)
    assert walked(account) == ["watch"]
    set_limit(account.pk, LimitTerms(D("800.00"), watch_percent=80), "less", actor=cast.hq_finance)
    assert walked(account) == ["watch", "hold"]
    fill(agreement, unapplied="500.00")
    drain()
    assert walked(account) == ["watch", "hold", "ok"]
    assert night() == 0
    assert_sound()


def test_a_hold_by_hand_lets_orders_wait_ships_on_and_ends_with_its_day(cast, agreement, account):
    until = clock.today() + timedelta(days=2)
    freeze(account.pk, "stock count of the dealer", state="hold", until=until, actor=cast.hq_finance)
    with pytest.raises(Refused, match=r"funds\.by_hand_hold"):
        in_unit(hold, agreement.pk, D("1.00"), order(1))
    in_unit(recheck, agreement.pk)
    with pytest.raises(Refused, match=r"funds\.already_frozen"):
        freeze(account.pk, "again", state="hold", until=until, actor=cast.hq_finance)
    freeze(account.pk, "worse", state="stop", until=until, actor=cast.hq_finance)
    with pytest.raises(Refused, match=r"funds\.frozen"):
        in_unit(recheck, agreement.pk)
    assert walked(account) == ["hold", "stop"]
    drain()
    before = Event.unscoped.filter(name="funds.LimitChanged").count()
    with clock.freeze(clock.now() + timedelta(days=3)):
        in_unit(hold, agreement.pk, D("1.00"), order(1))
        assert night() == 1
    assert walked(account) == ["hold", "stop", "ok"] and account.by_hand == ""
    assert Event.unscoped.filter(name="funds.LimitChanged").count() == before + 1, "orders that wait are tried again"
    history = list(StateChange.unscoped.order_by("id").values_list("who", "note"))
    assert history == [(cast.hq_finance.name, "stock count of the dealer"), (cast.hq_finance.name, "worse"), ("", "")]
    assert_sound()


def test_what_is_wrong_by_hand_is_refused(cast, account):
    with pytest.raises(Invalid, match=r"funds\.by_hand_state"):
        freeze(account.pk, "x", state="watch", actor=cast.hq_finance)
    with pytest.raises(Invalid, match=r"funds\.until_past"):
        freeze(account.pk, "x", until=clock.today() - timedelta(days=1), actor=cast.hq_finance)
    with pytest.raises(Invalid, match=r"funds\.reason_missing"):
        freeze(account.pk, " ", actor=cast.hq_finance)
    with pytest.raises(Forbidden):
        freeze(account.pk, "x", actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        unfreeze(account.pk, "x", actor=cast.stranger_admin)
    assert walked(account) == []


def test_the_rules_of_a_seller_are_taken_over_and_followed_by_those_that_have_no_others(cast, agreement):
    follows = make_account(agreement)
    own = make_account(make_agreement(cast.lh, cast.d002), LimitTerms(D(1000), grace_days=7))
    others = make_account(make_agreement(cast.d001, cast.s001))
    set_rules(Patience(10, D("5.00"), 30, 80), actor=cast.hq_finance)
    set_rules(Patience(12, D("5.00"), 30, 80), actor=cast.hq_finance)
    for account, grace in ((follows, 12), (own, 7), (others, 0)):
        account.refresh_from_db()
        assert account.grace_days == grace
    assert (follows.tolerance, follows.stop_days, follows.watch_percent) == (D("5.00"), 30, 80)
    later = in_unit(ensure_account, make_agreement(cast.lh, cast.s001).pk)
    assert (later.grace_days, later.stop_days, later.watch_percent) == (12, 30, 80)
    assert House.unscoped.count() == 1
    with pytest.raises(Invalid, match=r"funds\.stop_days"):
        set_rules(Patience(12, D(0), 11), actor=cast.hq_finance)
    with pytest.raises(Forbidden):
        set_rules(Patience(), actor=cast.hq_warehouse)
    assert_sound()


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("INSERT INTO funds_house (seller_id, grace_days, tolerance) SELECT seller_id, 0, 0 FROM funds_account", "funds_house_seller_unique"),
        ("UPDATE funds_house SET watch_percent = 0", "funds_house_values_fit"),
        (f"{CHANGE} VALUES (1, now(), 'ok', 'ok', '[]', '', '')", "funds_statechange_differs"),
    ],
)  # fmt: skip
def test_constraints_hold_against_any_sql(cast, account, sql, name):
    set_rules(Patience(1), actor=cast.hq_finance)
    with pytest.raises(IntegrityError, match=name), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_history_stays_as_it_was_written(cast, account):
    freeze(account.pk, "x", actor=cast.hq_finance)
    with pytest.raises(Exception, match="append"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE funds_statechange SET after = 'ok'")


def test_following_reads_once_and_writes_only_what_changed(cast, agreement, account, django_assert_num_queries):
    with django_assert_num_queries(3):  # with the savepoint of the test's own transaction
        follow_states([(agreement.seller_id, agreement.buyer_id)], actor=system_actor())


# --- pages and API ---


def test_both_sides_see_the_state_its_reason_and_what_clears_it(cast, agreement, client):
    account = make_account(agreement, LimitTerms(D("1000.00"), grace_days=5, stop_days=90))
    owe(cast, 1, 20)
    night()
    for actor in (cast.hq_finance, cast.dealer):
        sign_in(client, actor)
        shown = text(client.get(reverse("fund", args=[account.pk])))
        assert "are overdue, the oldest for 20 days" in shown and "Pay the overdue invoices first." in shown and "INV-1" in shown
        assert "New orders wait or are refused" in shown
        answer = client.get(f"{API}/agreements/{agreement.pk}/credit", headers=bearer(actor)).json()
        assert answer["state"] == "hold" and answer["reasons"][0]["code"] == "funds.overdue"
        (change,) = client.get(f"{API}/funds/{account.pk}/states", headers=bearer(actor)).json()["items"]
        assert (change["before"], change["after"], change["reasons"][0][0]) == ("ok", "hold", "funds.overdue")
    sign_in(client, cast.hq_finance)
    here = f'href="{reverse("fund", args=[account.pk])}"'
    assert here in text(client.get(reverse("funds"), {"tab": "hold"}))
    assert here not in text(client.get(reverse("funds"), {"tab": "watch"}))
    assert [a["id"] for a in client.get(f"{API}/funds?state=hold", headers=bearer(cast.hq_finance)).json()["items"]] == [account.pk]
    assert client.get(f"{API}/funds?state=stop", headers=bearer(cast.hq_finance)).json()["items"] == []
    assert client.get(f"{API}/funds/{account.pk}/states", headers=bearer(cast.stranger)).status_code == 404


def test_rules_and_holds_over_page_and_api(cast, agreement, account, client):
    sign_in(client, cast.hq_finance)
    rules = {"grace_days": "10", "tolerance": "", "stop_days": "30", "watch_percent": "80"}
    assert client.post(reverse("fund_rules"), {**rules, "stop_days": "5"}).status_code == 422
    assert client.post(reverse("fund_rules"), rules).status_code == 302
    assert 'value="80"' in client.get(reverse("fund_rules")).content.decode()
    headers = bearer(cast.hq_finance)
    expected = {"grace_days": 10, "tolerance": "0.00", "stop_days": 30, "watch_percent": 80}
    assert client.get(f"{API}/funds/rules", headers=headers).json() == expected
    assert client.put(f"{API}/funds/rules", {**expected, "watch_percent": None}, content_type=JSON, headers=headers).json()["watch_percent"] is None
    assert client.put(f"{API}/funds/rules", expected, content_type=JSON, headers=bearer(cast.dealer)).status_code == 403
    answer = client.put(f"{API}/funds/{account.pk}/limit", {"limit": "2000.00", "reason": "x"}, content_type=JSON, headers=headers).json()
    assert (answer["grace_days"], answer["stop_days"]) == (10, 30), "what is left out stays"
    body = {"state": "hold", "until": str(clock.today()), "reason": "stock count"}
    answer = client.post(f"{API}/funds/{account.pk}/freeze", body, content_type=JSON, headers=headers).json()
    assert (answer["state"], answer["by_hand"], answer["by_hand_until"]) == ("hold", "hold", str(clock.today()))
    assert queries.unscoped_card(agreement.pk).standing.state == "hold"
    assert "stock count" in text(client.get(reverse("fund", args=[account.pk])))
    assert Account.unscoped.get(pk=account.pk).state == "hold"
