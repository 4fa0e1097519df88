"""Many decisions in one go: a preview that names what is not as usual, a report, the failed ones again; never what was changed since it was looked at."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from qudao.approvals.actions import add_rule
from qudao.approvals.models import Node, Request, Signature
from qudao.approvals.rules import RuleDraft
from qudao.approvals.tests.make import Api
from qudao.base import runs
from qudao.base.models import Run
from qudao.base.tests.page_text import text
from qudao.funds.models import Account
from qudao.inventory.models import Stock
from qudao.orders import actions
from qudao.orders.models import Order
from qudao.orders.pages.lists import OrderList
from qudao.orders.states import Status
from qudao.orders.tests.make import assert_sound, make_world, place, placing
from qudao.orders.tests.transfers import make_passing
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member, sign_in
from qudao.portal.pages.many import Many
from qudao.portal.queries import pending

pytestmark = pytest.mark.django_db
ASK = {"HX-Request": "true", "HX-Target": "ask"}


@pytest.fixture
def world():
    cache.clear()
    world = make_world((1000, 1000, 1000), limit=Decimal(1_000_000))
    add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role("hq_clerk"), Decimal(100), 1), actor=world.cast.hq_admin)
    return world


@pytest.fixture
def clerk(client, world):
    return sign_in(client, world.cast.hq_clerk)


def status_of(*orders):
    found = {one.pk: one.status for one in Order.unscoped.filter(pk__in=[one.pk for one in orders])}
    return [found[one.pk] for one in orders]


def seen_of(order):
    return Request.unscoped.filter(subject_id=order.pk).latest("pk").pk


def look(client, doing, orders, page=Many, **more):
    """The preview: (its dialog, what its form sends)."""
    data = {"page": page.signed_path(), "do": doing, "query": "", "from": "/approvals/", "pick": [one.pk for one in orders], **more}
    answer = client.post(reverse("job_new"), data, headers=ASK)
    assert answer.status_code == 200, answer.content.decode()
    return text(answer), {**data, "rows": answer.context["rows"], "client_id": str(uuid4())}


def decide(client, doing, orders, **typed):
    """The preview, then what it asks for; the run."""
    client.post(reverse("jobs"), {**look(client, doing, orders)[1], **typed})
    return Run.unscoped.latest("pk")


def change(world, order, qty):
    """The buyer changes an order that waits: it is asked for anew."""
    return actions.edit_order(order.pk, placing(world, qty), actor=world.dealer)


# --- the screen ---


def test_one_screen_shows_all_exceptions_first_and_offers_what_this_person_may(clerk, world):
    usual, short = place(world, 2), place(world, 0, 0, 7)
    Stock.unscoped.filter(product=world.products[2]).update(on_hand=5)
    page = text(clerk.get(reverse("approvals_bulk")))
    assert "2 wait for you" in page and "1 not as usual" in page and "Cannot be approved now: not enough stock to reserve" in page
    assert page.index(short.number) < page.index(usual.number) and page.count(" checked") == 1 and "1 chosen" in page
    for name in ("approve", "reject", "return", "hand_on"):
        assert f'value="{name}"' in page, name
    assert f'value="{usual.pk}.{seen_of(usual)}"' in page, "the version that is shown goes along"
    picked = text(clerk.get(reverse("approvals_bulk"), {"pick": [short.pk]}))
    assert picked.count(" checked") == 1 and "2 wait for you" in picked
    sign_in(clerk, world.cast.hq_finance)
    assert "Nothing waits for your signature." in text(clerk.get(reverse("approvals_bulk")))


# --- decisions ---


def test_many_are_approved_the_short_ones_left_out_and_each_refusal_is_reported(clerk, world):
    orders = [place(world, 2) for _n in range(8)]
    short = place(world, 0, 0, 7)
    Stock.unscoped.filter(product=world.products[2]).update(on_hand=5)
    dialog, _form = look(clerk, "approve", [short, *orders])
    assert "8 rows will be done" in dialog and "1 row is skipped:" in dialog and "not enough stock to reserve" in dialog
    run = decide(clerk, "approve", [short, *orders])
    assert (run.total, run.failed, run.skipped) == (8, 0, [[short.pk, 3]]) and set(status_of(*orders)) == {Status.CONFIRMED}
    report = text(clerk.get(reverse("job", args=[run.pk])))
    assert short.number in report and "not enough stock to reserve" in report
    nothing, _form = look(clerk, "approve", orders)
    assert "Nothing can be done with these rows." in nothing and "they do not wait for you any more" in nothing
    Stock.unscoped.filter(product=world.products[2]).update(on_hand=1000)  # as its moves say
    assert Signature.unscoped.count() == 8
    assert_sound()


def test_what_fails_is_named_and_tried_again(clerk, world):
    first, second = place(world, 600), place(world, 500)
    dialog, _form = look(clerk, "approve", [first, second])
    assert "2 rows will be done" in dialog, "each would do for itself"
    run = decide(clerk, "approve", [first, second])
    assert (run.total, run.failed) == (2, 1) and status_of(first, second) == [Status.CONFIRMED, Status.IN_REVIEW]
    report = text(clerk.get(reverse("job", args=[run.pk])))
    assert second.number in report and "Retry the failed ones" in report
    actions.cancel_order(first.pk, reason="no", actor=world.cast.hq_clerk)
    clerk.post(reverse("job_retry", args=[run.pk]))
    assert status_of(second) == [Status.CONFIRMED] and Run.unscoped.latest("pk").row_ids == [second.pk]
    assert_sound()


def test_what_lacks_only_credit_is_named_and_kept_if_one_says_so(clerk, world):
    orders = [place(world, 40), place(world, 40)]
    Account.unscoped.update(limit_amount=3000)
    dialog, _form = look(clerk, "approve", orders)
    assert "2 of them are not as usual:" in dialog and "¥1,000.00 beyond the limit" in dialog
    assert decide(clerk, "approve", orders).failed == 2 and status_of(*orders) == [Status.IN_REVIEW] * 2
    assert decide(clerk, "approve", orders, may_wait="on").failed == 0 and status_of(*orders) == [Status.SUBMITTED] * 2
    Account.unscoped.update(by_hand="stop")
    frozen = place(world, 40)
    assert "the credit account is frozen" in look(clerk, "approve", [frozen])[0]
    Account.unscoped.update(by_hand="", by_hand_reason="", by_hand_until=None, limit_amount=1_000_000)


def test_many_are_rejected_or_sent_back_with_a_reason(clerk, world):
    orders = [place(world, 2) for _n in range(4)]
    _dialog, form = look(clerk, "reject", orders[:2])
    assert clerk.post(reverse("jobs"), {**form, "reason": " "}).status_code == 422 and not Run.unscoped.exists()
    assert decide(clerk, "reject", orders[:2], reason="The prices are not agreed.").failed == 0
    assert decide(clerk, "return", orders[2:], reason="Other address").failed == 0
    assert status_of(*orders) == [Status.REJECTED, Status.REJECTED, Status.DRAFT, Status.DRAFT]
    assert {one.reason for one in Signature.unscoped.all()} == {"The prices are not agreed.", "Other address"}


def test_many_are_handed_on_and_who_cannot_sign_one_is_named(clerk, world):
    orders = [place(world, 2) for _n in range(3)]
    colleague = actor_of(make_member("second@example.com", world.cast.lh, "hq_clerk", name="Second"))
    assert "Second (Order clerk)" in look(clerk, "hand_on", orders)[0]
    run = decide(clerk, "hand_on", orders, user_id=colleague.user_id, reason="yours")
    assert (run.failed, run.total) == (0, 3) and not pending(world.cast.hq_clerk)
    assert set(Node.unscoped.values_list("signer_id", "note")) == {(colleague.user_id, "yours")} and len(pending(colleague)) == 3
    sign_in(clerk, colleague)
    _dialog, form = look(clerk, "hand_on", orders)
    wrong = clerk.post(reverse("jobs"), {**form, "user_id": world.cast.dealer.user_id, "reason": ""})
    assert wrong.status_code == 422, "nobody of another organisation"
    assert len(pending(colleague)) == 3


def test_transfers_are_answered_but_not_sent_back_or_handed_on(client):
    passing = make_passing(make_world([100, 100]))
    first, second = passing.arrange(6), passing.arrange(4)
    sign_in(client, passing.giver)
    assert "a transfer is accepted or declined" in look(client, "return", [first])[0]
    assert decide(client, "approve", [first]).failed == 0 and decide(client, "reject", [second], reason="We need them").failed == 0
    assert status_of(first, second) == [Status.CONFIRMED, Status.REJECTED]


def test_who_lacks_a_verb_has_no_such_button_and_no_way_round(client, world):
    order = place(world, 2)
    sign_in(client, world.cast.hq_warehouse)
    assert client.get(reverse("approvals_bulk")).status_code == 403
    data = {"page": Many.signed_path(), "do": "approve", "query": "", "from": "/", "pick": [order.pk]}
    assert client.post(reverse("job_new"), data).status_code == 403
    sign_in(client, world.cast.hq_finance)  # may decide, but this waits for the clerk
    assert "they do not wait for you any more" in look(client, "approve", [order])[0]


# --- the version that was looked at ---


def test_what_was_changed_after_it_was_shown_is_left_out_with_a_sentence(clerk, world):
    usual, changed = place(world, 2), place(world, 2)
    shown = {"seen": [f"{usual.pk}.{seen_of(usual)}", f"{changed.pk}.{seen_of(changed)}", "nonsense", "1.2.3"]}
    change(world, changed, 3)
    dialog, form = look(clerk, "approve", [usual, changed], **shown)
    assert "1 row will be done" in dialog and "They were changed after you looked at them" in dialog
    clerk.post(reverse("jobs"), form)
    assert status_of(usual, changed) == [Status.CONFIRMED, Status.IN_REVIEW]


@pytest.mark.parametrize("page", [Many, OrderList])
def test_what_is_changed_behind_a_preview_is_left_out_from_inbox_and_list(clerk, world, page):
    usual, changed = place(world, 2), place(world, 2)
    _dialog, form = look(clerk, "approve", [usual, changed], page)
    change(world, changed, 3)
    answer = clerk.post(reverse("jobs"), form)
    run = Run.unscoped.get()
    assert status_of(usual, changed) == [Status.CONFIRMED, Status.IN_REVIEW] and (run.failed, run.skipped) == (0, [[changed.pk, -1]])
    assert "They were changed after you looked at them" in text(clerk.get(answer["Location"]))


def test_a_job_that_comes_late_signs_nothing_that_was_changed_meanwhile(clerk, world):
    orders = [place(world, 1) for _n in range(runs.AT_ONCE + 1)]
    clerk.post(reverse("jobs"), look(clerk, "approve", orders)[1])
    run = Run.unscoped.get()
    assert run.position == 0 and run.given["seen"][str(orders[0].pk)] == seen_of(orders[0])
    change(world, orders[0], 2)
    runs.work_off(run.pk)
    run.refresh_from_db()
    assert (run.failed, list(runs.faults(run).values_list("row_id", "code"))) == (1, [(orders[0].pk, "approvals.changed")])
    assert clerk.post(reverse("job_retry", args=[run.pk])).status_code == 409, "trying again is no way round it"
    assert status_of(orders[0]) == [Status.IN_REVIEW] and set(status_of(*orders[1:])) == {Status.CONFIRMED}


@pytest.mark.parametrize(("name", "typed"), [("approval_return", {}), ("approval_delegation", {"user_id": 0}), ("approval_signers", {"when": "after"})])
def test_a_form_of_the_inbox_decides_only_what_it_showed(clerk, world, name, typed):
    colleague = make_member("second@example.com", world.cast.lh, "hq_clerk", name="Second")
    order = place(world, 4)
    at, seen = reverse(name, args=[order.pk]), seen_of(order)
    assert f'type="hidden" name="seen" value="{seen}"' in text(clerk.get(at))
    change(world, order, 9)
    body = {"reason": "x", "seen": seen, **typed, **({"user_id": colleague.user_id} if name != "approval_return" else {})}
    assert "was changed after you opened it" in text(clerk.post(at, body), 409)
    assert status_of(order) == [Status.IN_REVIEW] and len(pending(world.cast.hq_clerk)) == 1
    assert clerk.post(at, {**body, "seen": seen_of(order)}).status_code == 302


# --- cost ---


def test_a_preview_costs_the_same_for_few_and_for_many(clerk, world):
    orders = [place(world, 1) for _n in range(12)]
    counts = []
    for some in (orders[:2], orders):
        for doing in ("approve", "hand_on"):
            look(clerk, doing, some)
            with CaptureQueriesContext(connection) as asked:
                look(clerk, doing, some)
            counts.append(len(asked))
        with CaptureQueriesContext(connection) as asked:
            clerk.get(reverse("approvals_bulk"))
        counts.append(len(asked))
    assert counts[:3] == counts[3:] and max(counts) <= 20, counts


# --- over the API ---


def test_many_are_decided_over_the_api_each_for_itself(world):
    first, second, third = (place(world, 2) for _n in range(3))
    seen = seen_of(second)
    change(world, second, 3)
    hq = Api(world.cast.hq_clerk)
    body = {"decision": "approve", "orders": [{"order_id": first.pk}, {"order_id": second.pk, "seen": seen}, {"order_id": 99_999_999}]}
    status, told = hq("post", "/orders/decisions", body)
    assert (status, told["done"], told["failed"]) == (200, 1, 2)
    assert [(one["done"], one["status"], [fault["code"] for fault in one["faults"]]) for one in told["items"]] == [
        (True, "confirmed", []), (False, None, ["approvals.changed"]), (False, None, ["base.not_found"]),
    ]  # fmt: skip
    status, told = hq("post", "/orders/decisions", {"decision": "reject", "orders": [{"order_id": second.pk}], "reason": "no"})
    assert (told["done"], status_of(second)) == (1, [Status.REJECTED])
    colleague = make_member("second@example.com", world.cast.lh, "hq_clerk", name="Second")
    one = {"orders": [{"order_id": third.pk}], "reason": "yours"}
    assert hq("post", "/orders/decisions", {"decision": "hand_on", **one})[0] == 422
    assert hq("post", "/orders/decisions", {"decision": "hand_on", "user_id": colleague.user_id, **one})[1]["done"] == 1
    assert Api(actor_of(colleague))("post", "/orders/decisions", {"decision": "return", **one})[1]["done"] == 1 and status_of(third) == [Status.DRAFT]
    assert Api(world.cast.hq_warehouse)("post", "/orders/decisions", body)[0] == 403
