"""Pages of deputies, and the panel on a document."""

from types import SimpleNamespace

from django.test import Client, RequestFactory
from django.urls import reverse

from qudao.approvals import pages
from qudao.approvals.actions import AbsenceDraft, add_signer, name_deputy
from qudao.approvals.models import Absence
from qudao.approvals.tests.make import document, make_rule, open_for, sign
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.people.tests.make import sign_in


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


def test_a_deputy_is_named_seen_and_ended(client, cast):
    clerk = sign_in(client, cast.hq_clerk)
    assert "You have named no deputy." in text(clerk.get(reverse("absences")))
    today = clock.today()
    form = {"deputy_id": cast.hq_admin.user_id, "first_day": today.isoformat(), "last_day": today.isoformat(), "note": "leave"}
    assert "hq_admin (Administrator)" in text(clerk.get(reverse("absence_new")))
    assert clerk.post(reverse("absence_new"), {**form, "last_day": "2020-01-01"}).status_code == 422
    assert clerk.post(reverse("absence_new"), {**form, "deputy_id": cast.hq_warehouse.user_id}).status_code == 422
    assert clerk.post(reverse("absence_new"), form).status_code == 302
    end = reverse("absence_end", args=[Absence.unscoped.get().pk])
    page = text(clerk.get(reverse("absences")))
    assert end in page and "Under way" in page and "hq_admin no longer signs what waits for hq_clerk." in text(clerk.get(end))
    assert sign_in(Client(), cast.hq_finance).get(end).status_code == 404
    assert clerk.post(end).status_code == 302 and clerk.post(end).status_code == 409
    assert "Over" in text(clerk.get(reverse("absences")))


def test_the_panel_says_who_handed_on_and_who_signed_for_whom(cast):
    make_rule(cast.lh, "hq_clerk")
    order, today = document(cast.lh, cast.d001), clock.today()
    name_deputy(AbsenceDraft(cast.hq_finance.user_id, today, today), actor=cast.hq_clerk)
    request = open_for(order, cast.dealer)
    add_signer(request.pk, cast.hq_admin.user_id, False, "and the price?", actor=cast.hq_clerk)
    sign(order, cast.hq_finance)
    asked = RequestFactory().get("/")
    asked.actor = cast.hq_clerk
    first, second = pages.course_panel(asked, SimpleNamespace(subject=order)).context["items"]
    assert first["facts"][0].startswith("hq_finance (for hq_clerk)")
    assert (second["label"], second["facts"][:2]) == ("hq_admin", ["asked by hq_clerk", "and the price?"])
