"""The view with which a list opens for a role: said by an administrator, before it goes what a person chose, and nobody sees more by it."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.base import saved
from qudao.base.models import SavedView, ViewStart
from qudao.base.saved import ViewFacts, change_view, prefer_view, save_view, start_roles
from qudao.base.tests.page_text import text
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.people.models import Membership
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
PLACE = "/organisations/"


def role_of(actor):
    return Membership.unscoped.get(pk=actor.membership_id).role_id


@pytest.fixture
def view(cast):
    """The administrator's shared view of dealers."""
    return save_view(PLACE, "tab=dealers", ViewFacts("Dealers only", shared=True), actor=cast.hq_admin)


def test_a_list_opens_for_the_people_of_a_role_with_what_the_administrator_said(client, cast, view):
    admin = sign_in(client, cast.hq_admin)
    assert reverse("view_roles", args=[view.pk]) in text(admin.get(f"{PLACE}?view={view.pk}&tab=dealers"))
    form = admin.get(reverse("view_roles", args=[view.pk])).content.decode()
    assert f'value="{role_of(cast.hq_clerk)}"' in form and f'value="{role_of(cast.dealer)}"' not in form  # only roles that somebody here has
    assert admin.post(reverse("view_roles", args=[view.pk]), {"roles": [role_of(cast.hq_clerk)]}).status_code == 302
    assert admin.get(PLACE).status_code == 200  # another role
    clerk = sign_in(client, cast.hq_clerk)
    there = f"?tab=dealers&view={view.pk}"
    assert clerk.get(PLACE)["Location"] == there
    page = text(clerk.get(PLACE + there))
    assert "opens first for your role" in page and reverse("view_roles", args=[view.pk]) not in page
    own = save_view(PLACE, "tab=all", ViewFacts("Mine", first=True), actor=cast.hq_clerk)
    assert clerk.get(PLACE)["Location"] == f"?tab=all&view={own.pk}"  # what a person chose goes before it
    prefer_view(own.pk, False, actor=cast.hq_clerk)
    assert clerk.get(PLACE)["Location"] == there
    change_view(view.pk, ViewFacts("Dealers only"), actor=cast.hq_admin)  # no longer shared
    assert clerk.get(PLACE).status_code == 200 and not ViewStart.unscoped.exists()


def test_a_role_has_one_start_a_list_and_only_an_administrator_of_the_organisation_says_it(cast, view):
    other = save_view(PLACE, "tab=outlets", ViewFacts("Outlets", shared=True), actor=cast.hq_admin)
    clerks, finance = role_of(cast.hq_clerk), role_of(cast.hq_finance)
    start_roles(view.pk, [clerks, finance], actor=cast.hq_admin)
    start_roles(other.pk, [finance], actor=cast.hq_admin)
    assert (saved.started_roles(view, actor=cast.hq_admin), saved.started_roles(other, actor=cast.hq_admin)) == ([clerks], [finance])
    start_roles(view.pk, [], actor=cast.hq_admin)
    assert saved.started_roles(view, actor=cast.hq_admin) == []
    private = save_view(PLACE, "tab=all", ViewFacts("Private"), actor=cast.hq_admin)
    for refused, error in (
        (lambda: start_roles(view.pk, [clerks], actor=cast.hq_clerk), Forbidden),
        (lambda: start_roles(view.pk, [clerks], actor=cast.dealer_admin), NotFound),  # another organisation's
        (lambda: start_roles(private.pk, [clerks], actor=cast.hq_admin), NotFound),
        (lambda: start_roles(view.pk, [role_of(cast.dealer)], actor=cast.hq_admin), Invalid),
    ):
        with pytest.raises(error):
            refused()
    start = ViewStart.unscoped.get(view=other)
    with pytest.raises(IntegrityError, match="base_viewstart_role_unique"), transaction.atomic():
        ViewStart.unscoped.create(org_id=start.org_id, role_id=start.role_id, place=PLACE, view=view)
    saved.remove_view(other.pk, actor=cast.hq_admin)
    assert not ViewStart.unscoped.exists() and SavedView.unscoped.filter(pk=view.pk).exists()


def test_the_link_of_a_view_shows_a_colleague_what_the_colleague_may_see(client, cast):
    query = f"columns=code,name,phone&sort=-code&q={cast.d001.code}"
    view = save_view(PLACE, query, ViewFacts("Telephones", shared=True), actor=cast.hq_admin)
    found = sign_in(client, cast.dealer).get(f"{PLACE}?{query}&view={view.pk}")  # sent by mail to who has no such view
    assert found.status_code == 200 and cast.d001.code in text(found)
    stranger = sign_in(client, cast.stranger).get(f"{PLACE}?{query}&view={view.pk}")
    assert stranger.status_code == 200 and cast.d001.name not in text(stranger)
