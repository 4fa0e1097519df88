"""The inbox of approvals: the card with its facts, every decision, many at once, and the link of a mail."""

from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from qudao.approvals.actions import add_rule, delegate
from qudao.approvals.models import Link, Node, Request, Signature
from qudao.approvals.rules import RuleDraft
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.catalog.actions import join_equivalents
from qudao.funds.models import Account
from qudao.inventory.models import Stock
from qudao.kernel import clock
from qudao.messages.actions import choose_email, mail_notice
from qudao.messages.models import Notice
from qudao.orders.models import Order
from qudao.orders.states import Status
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.people.models import Membership, User
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import actor_of, make_member, sign_in
from qudao.portal.queries import case, inbox, pending

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    cache.clear()
    world = make_world((100, 100, 100))
    rule(world)
    return world


def rule(world, role="hq_clerk", amount="100", position=1):
    return add_rule(world.cast.lh.pk, RuleDraft("orders.order", unscoped_system_role(role), Decimal(amount), position), actor=world.cast.hq_admin)


@pytest.fixture
def clerk(client, world):
    return sign_in(client, world.cast.hq_clerk)


def status_of(order):
    return Order.unscoped.get(pk=order.pk).status


HTMX = {"HX-Request": "true", "HX-Target": "inbox"}


# --- the card ---


def test_the_card_says_what_is_needed_in_a_few_statements(clerk, world, django_assert_max_num_queries):
    order = place(world, 4, 5, 6, note="Please before Friday")
    Stock.unscoped.filter(product=world.products[2]).update(on_hand=5)
    clerk.get(reverse("approvals"))
    with django_assert_max_num_queries(15):
        page = text(clerk.get(reverse("approvals"), {"open": order.pk}, headers=HTMX))
    assert "<html" not in page
    for words in ("¥1,500.00", "Orders of ¥100 or more need a signature: Order clerk.", "1 line cannot be reserved now", "only 5", "Please before Friday"):
        assert words in page, words
    for words in ("The first order of this buyer.", "nothing due yet", "After you: credit is held", "Limit"):
        assert words in page, words


def test_what_is_not_as_usual_stands_first_then_the_oldest(world):
    usual, late, short = place(world, 1, 1), place(world, 2), place(world, 0, 0, 7)
    Stock.unscoped.filter(product=world.products[2]).update(on_hand=5)
    Node.unscoped.filter(request__subject_id=late.pk).update(entered_at=clock.now() - timedelta(days=2))
    tasks = pending(world.cast.hq_clerk)
    assert [task.number for task in tasks] == [short.number, late.number, usual.number]
    assert [(task.exceptional, task.stuck, task.late) for task in tasks] == [(True, True, False), (False, False, True), (False, False, False)]


def test_credit_beyond_the_limit_is_the_number_that_matters(clerk, world):
    order = place(world, 40)
    Account.unscoped.update(limit_amount=3000)
    page = text(clerk.get(reverse("approvals")))
    assert "¥1,000.00 beyond the limit" in page and "Beyond the limit" in page
    answer = clerk.post(reverse("approval_approve", args=[order.pk]), headers=HTMX)
    assert answer.status_code == 409 and "credit limit" in answer.content.decode() and status_of(order) == Status.IN_REVIEW


def test_what_lacks_only_credit_is_offered_to_be_kept_for_it(clerk, world):
    order = place(world, 40)
    Account.unscoped.update(limit_amount=3000)
    page = text(clerk.get(reverse("approvals"), {"open": order.pk}))
    assert "Approve, keep for credit" in page and "is kept and confirmed by itself when money arrives" in page
    said = clerk.post(reverse("approval_approve", args=[order.pk]), {"may_wait": "1"}, headers=HTMX)
    assert "it waits for credit" in said["HX-Trigger"] and status_of(order) == Status.SUBMITTED
    assert_sound()


def test_however_many_wait_longer_one_that_is_asked_for_is_decided(clerk, world, monkeypatch):
    older, newer = place(world, 4), place(world, 4)
    monkeypatch.setattr(inbox, "TASKS", 1)
    assert [task.subject_id for task in pending(world.cast.hq_clerk)] == [older.pk]
    assert newer.number in text(clerk.get(reverse("approvals"), {"open": newer.pk}))
    assert text(clerk.get(reverse("approvals"), {"open": "nonsense"}))
    clerk.post(reverse("approval_approve", args=[newer.pk]))
    assert (status_of(newer), status_of(older)) == (Status.CONFIRMED, Status.IN_REVIEW)


def test_a_frozen_account_or_missing_stock_is_not_waited_for(clerk, world):
    frozen = place(world, 40)
    Account.unscoped.update(limit_amount=3000, by_hand="stop")
    assert "Cannot be approved now: the credit account is frozen" in text(clerk.get(reverse("approvals_bulk")))
    assert "keep for credit" not in text(clerk.get(reverse("approvals"), {"open": frozen.pk}))
    Account.unscoped.update(by_hand="", by_hand_reason="", by_hand_until=None)
    Stock.unscoped.filter(product=world.products[0]).update(on_hand=5)
    assert "Cannot be approved now: not enough stock to reserve" in text(clerk.get(reverse("approvals_bulk")))
    answer = clerk.post(reverse("approval_approve", args=[frozen.pk]), {"may_wait": "1"}, headers=HTMX)
    assert answer.status_code == 409 and status_of(frozen) == Status.IN_REVIEW


def test_the_approver_says_what_becomes_of_an_order_whose_goods_are_short(clerk, world):
    order = place(world, 40)
    assert 'name="short"' not in text(clerk.get(reverse("approvals"), {"open": order.pk})), "asked only when something is missing"
    Stock.unscoped.filter(product=world.products[0]).update(on_hand=5)
    page = text(clerk.get(reverse("approvals"), {"open": order.pk}))
    assert 'name="short"' in page and '<option value="refuse" selected>' in page
    answer = clerk.post(reverse("approval_approve", args=[order.pk]), {"short": "refuse"}, headers=HTMX)
    assert answer.status_code == 409 and status_of(order) == Status.IN_REVIEW
    clerk.post(reverse("approval_approve", args=[order.pk]), {"short": "backorder"}, headers=HTMX)
    order.refresh_from_db()
    assert (order.status, order.short, order.lines.get().backordered) == (Status.CONFIRMED, "backorder", 35)
    waits = place(world, 30, short="backorder")
    assert "Cannot be approved" not in text(clerk.get(reverse("approvals_bulk"))), "an order that waits for its goods can be approved"
    clerk.post(reverse("approval_approve", args=[waits.pk]), headers=HTMX)
    assert status_of(waits) == Status.CONFIRMED


def test_a_short_line_names_what_can_stand_in_and_is_sent_back_with_it(clerk, world):
    join_equivalents([p.pk for p in world.products[:2]], actor=world.cast.hq_admin)
    order = place(world, 40)
    assert "can stand in" not in text(clerk.get(reverse("approvals"), {"open": order.pk}))
    Stock.unscoped.filter(product=world.products[0]).update(on_hand=5)
    page = text(clerk.get(reverse("approvals"), {"open": order.pk}))
    assert "In stock and can stand in:" in page and "Send back with this" in page
    asked = text(clerk.get(reverse("approval_return", args=[order.pk]), {"reason": "P1 is short. In stock and can stand in: P2"}))
    assert "P1 is short. In stock and can stand in: P2</textarea>" in asked


def test_history_tells_of_orders_rejections_and_lines_beside_the_list(clerk, world):
    from qudao.pricing.tests.make import make_special

    make_special(world.agreement.pk, world.products[0].pk, "95")
    first, second = place(world, 4), place(world, 5)
    clerk.post(reverse("approval_reject", args=[first.pk]), {"quick": "no"})
    (task,) = pending(world.cast.hq_clerk)
    found = case(world.cast.hq_clerk, task)
    assert (found.history.orders, found.history.rejected, found.history.on_time) == (0, first.number, None)
    assert (found.lines[0].off, found.off_list) == (Decimal("-0.05"), 1)
    assert f"Last rejected: {first.number}" in text(clerk.get(reverse("approvals"))) and second.pk == task.subject_id


# --- decisions ---


def test_the_next_card_opens_by_itself_without_a_page_load(clerk, world):
    first, second, third = place(world, 4), place(world, 5), place(world, 6)
    answer = clerk.post(reverse("approval_approve", args=[second.pk]), headers=HTMX)
    page = text(answer)
    assert answer["HX-Push-Url"] == f"/approvals/?open={third.pk}" and f"{second.number} approved." in answer["HX-Trigger"]
    assert reverse("approval_approve", args=[third.pk]) in page and second.number not in page and "<html" not in page
    assert [status_of(one) for one in (first, second, third)] == [Status.IN_REVIEW, Status.CONFIRMED, Status.IN_REVIEW]
    answer = clerk.post(reverse("approval_reject", args=[third.pk]), {"quick": "The prices are not agreed."}, headers=HTMX)
    assert reverse("approval_approve", args=[first.pk]) in text(answer) and status_of(third) == Status.REJECTED
    assert 'value="The prices' not in text(answer).split('id="reason"')[1]
    answer = clerk.post(reverse("approval_approve", args=[first.pk]), headers=HTMX)
    assert "Nothing waits for your signature." in text(answer)


def test_a_decision_without_script_leads_to_the_next_page(clerk, world):
    first, second = place(world, 4), place(world, 5)
    answer = clerk.post(reverse("approval_reject", args=[first.pk]), {"reason": "too much"})
    assert (answer.status_code, answer["Location"]) == (302, f"/approvals/?open={second.pk}")
    assert clerk.post(reverse("approval_reject", args=[first.pk]), {"reason": "again"}).status_code == 302
    assert clerk.post(reverse("approval_reject", args=[second.pk]), {"reason": " "}).status_code == 422
    assert Signature.unscoped.count() == 1


def test_an_order_is_sent_back_from_the_inbox(clerk, world):
    order, other = place(world, 4), place(world, 5)
    at = reverse("approval_return", args=[order.pk])
    assert "What is to be changed" in text(clerk.get(at))
    assert clerk.post(at, {"reason": ""}).status_code == 422
    answer = clerk.post(at, {"reason": "other address"})
    assert answer["Location"].endswith(f"open={other.pk}") and status_of(order) == Status.DRAFT
    assert clerk.get(at).status_code == 404


def test_a_request_is_handed_on_and_a_signer_added(clerk, world):
    order = place(world, 4)
    colleague = actor_of(make_member("second@example.com", world.cast.lh, "hq_clerk", name="Second"))
    at = reverse("approval_signers", args=[order.pk])
    assert "Second (Order clerk)" in text(clerk.get(at)) and "hq_warehouse" not in text(clerk.get(at))
    assert clerk.post(at, {"user_id": world.cast.hq_finance.user_id, "when": "after", "reason": ""}).status_code == 302
    at = reverse("approval_delegation", args=[order.pk])
    assert clerk.post(at, {"user_id": world.cast.dealer.user_id, "reason": ""}).status_code == 422
    assert clerk.post(at, {"user_id": colleague.user_id, "reason": "yours"}).status_code == 302
    assert not pending(world.cast.hq_clerk)
    page = text(sign_in(Client(), colleague).get(reverse("approvals")))
    assert "hq_clerk handed this on to you." in page and "yours" in page and "After you: hq_finance" in page


def test_who_may_not_decide_does_not_come_in(client, world):
    order = place(world, 4)
    sign_in(client, world.cast.hq_warehouse)
    for name in ("approval_return", "approval_delegation", "approval_signers"):
        assert client.get(reverse(name, args=[order.pk])).status_code == 403
    sign_in(client, world.cast.hq_finance)  # may decide, but this waits for the clerk
    for name in ("approval_return", "approval_delegation", "approval_signers"):
        assert client.post(reverse(name, args=[order.pk]), {"reason": "x"}).status_code == 404
    assert client.get(reverse("approvals_bulk")).status_code == 200


# --- the link of a mail ---


@pytest.fixture
def anyone():
    return Client(headers={"accept-language": "en"})


def mailed_link(actor):
    """What the mail about the newest notice of a person says, and its link."""
    drain()
    mail_notice(Notice.unscoped.filter(user_id=actor.user_id, code="approvals.waiting").latest("pk").event_id, actor.user_id, actor=system_actor())
    body = mail.outbox[-1].body
    return body, urlsplit(next(line for line in body.splitlines() if "/a/" in line).strip()).path


@pytest.fixture
def sent(world):
    choose_email(True, actor=world.cast.hq_clerk)
    order = place(world, 4)
    body, link = mailed_link(world.cast.hq_clerk)
    assert link.startswith("/a/")
    return order, body, link


def test_the_mail_has_the_facts_and_the_link_decides_once(anyone, world, sent, django_assert_max_num_queries):
    order, body, link = sent
    for words in (order.number, world.cast.d001.name_en, "400.00", "dealer", "Order clerk", "72 hours"):
        assert words in body, words
    with django_assert_max_num_queries(16):
        page = text(anyone.get(link))
    for words in (order.number, "¥400.00", "Approve", "Reject", "This link is for hq_clerk only"):
        assert words in page, words
    assert "qudao_session" not in anyone.cookies and status_of(order) == Status.IN_REVIEW
    for _scanner in range(3):  # a mail scanner opens everything
        anyone.get(link)
        anyone.head(link)
    assert status_of(order) == Status.IN_REVIEW
    assert f"{order.number} is approved." in text(anyone.post(link, {"decision": "approve"}))
    assert status_of(order) == Status.CONFIRMED and timeline(order.subject).last().channel == "mail"
    assert f"{order.number} is approved." in text(anyone.post(link, {"decision": "reject", "quick": "no"}))  # replayed: what was decided stays
    assert f"{order.number} is approved." in text(anyone.get(link)) and Signature.unscoped.count() == 1
    answer = anyone.get(link)
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("no-referrer", "noindex") and "no-store" in answer["Cache-Control"]
    assert_sound()


def test_by_the_link_an_order_that_lacks_only_credit_is_kept_for_it(anyone, world, sent, monkeypatch):
    order, _body, link = sent
    monkeypatch.setattr(inbox, "TASKS", 0)  # the link is for its own step, however many wait longer
    assert "keep for credit" not in text(anyone.get(link))
    Account.unscoped.update(limit_amount=1)
    assert "Approve, keep for credit" in text(anyone.get(link))
    assert "Approve, keep for credit" in text(anyone.post(link, {"decision": "approve"}), 409)
    assert f"{order.number} is approved." in text(anyone.post(link, {"decision": "approve", "may_wait": "1"}))
    assert status_of(order) == Status.SUBMITTED
    assert_sound()


def test_a_rejection_by_the_link_needs_a_reason(anyone, sent):
    order, _body, link = sent
    assert "Say why." in text(anyone.post(link, {"decision": "reject"}), 422)
    assert status_of(order) == Status.IN_REVIEW
    assert "Approve" in text(anyone.post(link, {"decision": "delete everything"}))
    assert "is rejected." in text(anyone.post(link, {"decision": "reject", "quick": "The prices are not agreed."}))
    assert status_of(order) == Status.REJECTED


def _expire(world, order):
    Link.unscoped.update(created_at=clock.now() - timedelta(days=4), expires_at=clock.now() - timedelta(hours=1))


def _suspend(world, order):
    User.unscoped.filter(pk=world.cast.hq_clerk.user_id).update(is_active=False)


def _end(world, order):
    Membership.unscoped.filter(pk=world.cast.hq_clerk.membership_id).update(state="ended")


def _other_role(world, order):
    Membership.unscoped.filter(pk=world.cast.hq_clerk.membership_id).update(role_id=unscoped_system_role("hq_finance"))


def _no_right(world, order):
    Membership.unscoped.filter(pk=world.cast.hq_clerk.membership_id).update(role_id=unscoped_system_role("hq_warehouse"))


def _hand_on(world, order):
    colleague = make_member("second@example.com", world.cast.lh, "hq_clerk")
    delegate(Request.unscoped.get(subject_id=order.pk).pk, colleague.user_id, actor=world.cast.hq_clerk)


@pytest.mark.parametrize("change", [_expire, _suspend, _end, _other_role, _no_right, _hand_on])
def test_a_link_decides_nothing_when_its_time_person_role_or_step_is_gone(anyone, world, sent, change):
    order, _body, link = sent
    change(world, order)
    for answer in (anyone.get(link), anyone.post(link, {"decision": "approve"})):
        page = text(answer, 409)
        assert order.number not in page and "400.00" not in page
    assert status_of(order) == Status.IN_REVIEW and not Signature.unscoped.exists()


def test_a_link_is_for_its_document_and_its_step_only(anyone, world, sent):
    order, _body, link = sent
    other = place(world, 5)
    rule(world, "hq_finance", "100", 2)
    twice = place(world, 6)
    Link.unscoped.update(node=Node.unscoped.get(request__subject_id=twice.pk, position=2))  # a step that waits for somebody else
    assert anyone.post(link, {"decision": "approve"}).status_code == 409
    assert {status_of(one) for one in (order, other, twice)} == {Status.IN_REVIEW}
    for wrong in (link[:-3] + "xx/", "/a/no-such-token/", f"/a/{'x' * 300}/"):
        assert anyone.post(wrong, {"decision": "approve"}).status_code == 409


def test_many_tries_from_one_place_are_slowed_down(anyone, monkeypatch, world):
    monkeypatch.setattr("qudao.portal.pages.mailed.MOST", 3)
    assert [anyone.get("/a/no-such-token/").status_code for _n in range(4)] == [409, 409, 409, 429]
