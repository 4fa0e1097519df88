"""Pages of approval rules, and the panel on a document."""

from types import SimpleNamespace

from django.test import RequestFactory
from django.urls import reverse

from qudao.approvals import pages
from qudao.approvals.models import Rule
from qudao.approvals.tests.make import document, make_rule, open_for, sign
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in


def text(answer):
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_a_rule_lives_through_the_forms(client, cast):
    hq = sign_in(client, cast.hq_admin)
    assert "Add rule" in text(hq.get(reverse("approval_rules")))
    form = {"kind": "orders.order", "min_amount": "100", "position": "1", "role_id": unscoped_system_role("hq_clerk")}
    assert "Order clerk" in text(hq.get(reverse("approval_rule_new")))
    assert hq.post(reverse("approval_rule_new"), form).status_code == 302
    assert hq.post(reverse("approval_rule_new"), form).status_code == 409
    rule = Rule.unscoped.get()
    at = reverse("approval_rule_change", args=[rule.pk])
    assert at in text(hq.get(reverse("approval_rules"))) and "100" in text(hq.get(at))
    assert hq.post(at, {**form, "min_amount": "250"}).status_code == 302
    end = reverse("approval_rule_retirement", args=[rule.pk])
    assert text(hq.get(end)) and hq.post(end).status_code == 302
    rule.refresh_from_db()
    assert (rule.min_amount, rule.active) == (250, False)


def test_others_do_not_come_in(client, cast):
    rule = make_rule(cast.lh, "hq_clerk")
    assert sign_in(client, cast.dealer).get(reverse("approval_rules")).status_code == 403
    admin = sign_in(client, cast.dealer_admin)
    assert admin.get(reverse("approval_rule_change", args=[rule.pk])).status_code == 404
    assert admin.post(reverse("approval_rule_retirement", args=[rule.pk])).status_code == 404


def test_the_panel_shows_the_course_to_the_seller_only(cast):
    make_rule(cast.lh, "hq_clerk")
    make_rule(cast.lh, "hq_finance", position=2)
    order = document(cast.lh, cast.d001)
    open_for(order, cast.dealer)
    sign(order, cast.hq_clerk, reason="fine")

    def panel(actor):
        request = RequestFactory().get("/")
        request.actor = actor
        return pages.course_panel(request, SimpleNamespace(subject=order))

    items = panel(cast.hq_clerk).context["items"]
    assert len(items) == 2 and "fine" in items[0]["facts"]
    assert panel(cast.dealer) is None
    assert "fine" in panel(cast.hq_clerk).html(RequestFactory().get("/"))
