"""Pages and API of organisations: rows by scope, names only of the line above, every verb with its refusals.

This storey knows no sign-in, so the actor is put into the request by a stand-in for the resolver.
"""

from datetime import timedelta

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import RequestFactory
from django.urls import resolve, reverse
from django.utils import translation

from qudao.base.tests.edit_cell import edit
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, NotFound
from qudao.network import actions, api, pages
from qudao.network.models import FormerPlace, Organisation
from qudao.network.tests.make import make_org

pytestmark = pytest.mark.django_db


def call(actor, method, url, data=None):
    """The page at an address for an actor, without middleware beside messages."""
    request = getattr(RequestFactory(), method)(url, data or {})
    request.actor = actor
    request.user = None
    request._messages = CookieStorage(request)
    path, _mark, _query = url.partition("?")
    found = resolve(path)
    with translation.override("en"):
        return found.func(request, *found.args, **found.kwargs)


def test_the_list_shows_the_branch_and_of_the_seller_only_its_name(net, django_assert_max_num_queries):
    Organisation.unscoped.filter(code="LH").update(phone="400-100")
    Organisation.unscoped.filter(code="S001").update(phone="0571-8")
    with django_assert_max_num_queries(5):
        page = text(call(net.dealer, "get", reverse("organisations")))
    assert "S001" in page and "0571-8" in page and "LH" in page
    assert "400-100" not in page and "D002" not in page
    assert "400-100" in text(call(net.hq, "get", reverse("organisations")))


def test_the_card_of_the_seller_is_closed_to_its_dealers(net):
    Organisation.unscoped.filter(code="LH").update(phone="400-100")
    url = reverse("organisation", args=[net.lh.pk])
    above = text(call(net.dealer, "get", url))
    assert "400-100" not in above and "D001" in above and "D002" not in above
    assert "400-100" in text(call(net.hq, "get", url))
    assert call(net.dealer, "get", reverse("organisation", args=[net.d002.pk])).status_code == 404
    assert call(None, "get", url).status_code == 302


def test_an_organisation_is_registered_changed_moved_suspended_and_closed(net):
    card = {"code": "s077", "name": "七七店", "currency": "CNY"}
    assert call(net.dealer, "get", reverse("organisation_new")).status_code == 200
    assert call(net.dealer, "post", reverse("organisation_new"), {**card, "kind": "outlet", "parent": net.lh.pk}).status_code == 422
    bad = call(net.dealer, "post", reverse("organisation_new"), {**card, "kind": "outlet", "parent": net.d001.pk, "tax_no": "91110000600037342L"})
    assert "check character" in text(bad, 422)
    made = call(net.dealer, "post", reverse("organisation_new"), {**card, "kind": "outlet", "parent": net.d001.pk})
    org = Organisation.unscoped.get(code="S077")
    assert made.url == reverse("organisation", args=[org.pk])
    to = {name: reverse(f"organisation_{name}", args=[org.pk]) for name in ("change", "move", "suspension", "resumption", "closure")}
    assert call(net.dealer, "get", to["change"]).status_code == 200
    assert call(net.dealer, "post", to["change"], {**card, "phone": "1"}).status_code == 302
    assert call(net.dealer, "post", to["suspension"], {"reason": ""}).status_code == 422
    assert call(net.dealer, "post", to["suspension"], {"reason": "欠款"}).status_code == 302
    assert call(net.dealer, "post", to["suspension"], {"reason": "欠款"}).status_code == 409
    assert call(net.dealer, "post", to["resumption"]).status_code == 302
    assert call(net.hq, "get", to["move"]).status_code == 200
    assert call(net.hq, "post", to["move"], {"parent": net.d002.pk, "reason": "划转"}).status_code == 302
    assert call(net.dealer, "get", to["change"]).status_code == 404
    assert call(net.hq, "post", to["closure"], {"reason": "关店"}).status_code == 302
    org.refresh_from_db()
    assert (org.parent_id, org.state) == (net.d002.pk, "closed")


def test_the_api_gives_null_where_the_page_gives_nothing(net):
    full, named = api._shown(net.s001, net.dealer), api._shown(net.lh, net.dealer)
    assert full["state"] == "active" and full["parent_id"] == net.d001.pk
    assert named["code"] == "LH" and named["state"] is None and named["tax_no"] is None
    assert set(full) == set(named) == set(api.OrgOut.model_fields)


def test_a_list_of_many_costs_the_same(net, django_assert_max_num_queries):
    for n in range(12):
        make_org("outlet", f"X{n:03}", net.d001)
    with django_assert_max_num_queries(5):
        assert "X011" in text(call(net.dealer, "get", reverse("organisations") + "?tab=outlets&q=x"))


def test_the_card_shows_the_tree_as_it_stood_on_a_day(net):
    actions.move_organisation(net.s001.pk, net.d002.pk, "sold", actor=net.hq)
    url = reverse("organisation", args=[net.s001.pk])
    Organisation.unscoped.filter(pk=net.s001.pk).update(created_at=clock.now() - timedelta(days=9))
    FormerPlace.unscoped.update(since=clock.today() - timedelta(days=9))
    now, before = (text(call(net.hq, "get", f"{url}{query}")) for query in ("", f"?on={clock.today() - timedelta(days=3)}"))
    assert "stood under" in now and reverse("organisation", args=[net.d002.pk]) in now and reverse("organisation", args=[net.d001.pk]) not in now
    assert reverse("organisation", args=[net.d001.pk]) in before and reverse("organisation", args=[net.d002.pk]) not in before
    assert text(call(net.hq, "get", f"{url}?on=nonsense")) and text(call(net.hq, "get", f"{url}?on=2026-99-99"))
    seller = reverse("organisation", args=[net.lh.pk])
    assert "As it stood on" not in text(call(net.dealer, "get", f"{seller}?on={clock.today()}"))


def test_the_card_of_a_dealer_is_changed_in_the_list(net):
    with translation.override("zh-hans"):  # the name is changed in the language it is read in
        for column, value in (("name", "湖畔新名"), ("phone", "0571-2"), ("email", "shop@example.com"), ("address", "湖滨路 1 号")):
            assert edit(pages.OrgList, net.hq, net.d001, column, value).raw == value
    net.d001.refresh_from_db()
    assert (net.d001.name, net.d001.email) == ("湖畔新名", "shop@example.com")
    with pytest.raises((Forbidden, NotFound)):  # a dealer knows only the name of who stands above
        edit(pages.OrgList, net.dealer, net.lh, "phone", "1")
