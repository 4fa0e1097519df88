"""Who works at an outlet: its dealer's administrator takes people in there, chosen by name; a sub-dealer stays a company of its own."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from qudao.base.import_runs import Told, begin_import, look, run_import, sheet_of
from qudao.kernel.errors import Forbidden, NotFound, Refused
from qudao.network.tests.make import make_org
from qudao.people.actions import change_member, end_member, invite_person
from qudao.people.actions.members import PersonFacts, Post
from qudao.people.models import Membership, Role
from qudao.people.queries import people, places_of
from qudao.people.tests.make import actor_of, bearer, make_member, sign_in
from qudao.people.tests.make import cast as made_cast

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def cast():
    return made_cast()


@pytest.fixture
def shop(cast):
    return make_org("outlet", "SHOP", cast.d001, name="滨江旗舰店", name_en="Riverside Flagship")


def role(code):
    return Role.unscoped.get(code=code, owner=None)


def test_a_dealer_manages_the_people_of_its_outlets_and_of_nobody_else(cast, shop):
    deeper = make_org("outlet", "DEEP", cast.s001, name="深店")
    found = invite_person(PersonFacts("li@example.com", "Li"), Post(shop.pk, role("shop_owner").pk), actor=cast.dealer_admin)
    change_member(found.pk, role("dealer_buyer").pk, "org", actor=cast.dealer_admin)
    end_member(found.pk, "moved", actor=cast.dealer_admin)
    assert [one.code for one in places_of(cast.dealer_admin)] == ["D001", "SHOP"]
    for foreign in (cast.s001, deeper, cast.d002, cast.lh):
        with pytest.raises(NotFound):
            invite_person(PersonFacts("li@example.com", "Li"), Post(foreign.pk, role("dealer_buyer").pk), actor=cast.dealer_admin)
    with pytest.raises(NotFound):
        invite_person(PersonFacts("li@example.com", "Li"), Post(shop.pk, role("dealer_buyer").pk), actor=cast.stranger_admin)


def test_nobody_gives_more_there_than_is_held_and_who_sees_the_own_organisation_only_manages_no_outlet(cast, shop):
    with pytest.raises(Refused):
        invite_person(PersonFacts("li@example.com", "Li"), Post(shop.pk, role("dealer_buyer").pk, "all"), actor=cast.dealer_admin)
    narrow = actor_of(make_member("narrow@example.com", cast.d001, "dealer_admin", scope="org"))
    assert [one.code for one in places_of(narrow)] == ["D001"]
    with pytest.raises(NotFound):
        invite_person(PersonFacts("li@example.com", "Li"), Post(shop.pk, role("dealer_buyer").pk), actor=narrow)
    at_shop = make_member("boss@example.com", shop, "shop_owner")
    with pytest.raises((Forbidden, NotFound)):
        end_member(at_shop.pk, "x", actor=narrow)
    end_member(at_shop.pk, "closed", actor=cast.dealer_admin)


def test_who_invites_chooses_by_name(cast, shop):
    client = sign_in(Client(), cast.dealer_admin)
    field = client.get("/people/new").context["form"]["org"]
    assert [label for _pk, label in field.field.widget.choices if _pk] == ["D001 Hangzhou Lakeside", "SHOP Riverside Flagship"]
    assert field.value() == cast.d001.pk
    sent = {"email": "li@example.com", "name": "Li", "language": "en", "org": "SHOP", "role": role("dealer_buyer").pk, "scope": "org"}
    assert client.post("/people/new", sent).status_code == 302
    assert Membership.unscoped.get(user__email="li@example.com").org_id == shop.pk
    assert client.post("/people/new", sent | {"org": "D002"}).status_code == 422


def test_in_a_large_network_it_is_typed_and_found_by_code_name_and_pinyin(cast, shop):
    for n in range(12):
        make_org("outlet", f"X{n:02d}", cast.d001)
    client = sign_in(Client(), cast.hq_admin)
    assert 'value="LH Lanhe Appliances"' in client.get("/people/new").content.decode()
    for words in ("shop", "滨江", "bjqjd", "riverside"):
        found = client.get("/people/new", {"pick": "org", "q": words}).json()["results"]
        assert [(one["value"], one["note"]) for one in found] == [("SHOP", "Outlet")], words
    sent = {"email": "li@example.com", "name": "Li", "language": "en", "org": "SHOP 滨江旗舰店", "scope": "org"}
    assert client.post("/people/new", sent | {"role": role("dealer_buyer").pk}).status_code == 302
    assert Membership.unscoped.get(user__email="li@example.com").org_id == shop.pk
    stranger = sign_in(Client(), cast.stranger_admin)
    assert stranger.get("/people/new", {"pick": "org", "q": "SHOP"}).json()["results"] == []


def test_the_list_of_people_says_and_asks_where_somebody_works(cast, shop):
    make_member("boss@example.com", shop, "shop_owner")
    client = sign_in(Client(), cast.dealer_admin)
    assert client.get("/people/?org=SHOP").context["count"] == "1"
    assert client.get("/people/?kind=outlet").context["count"] == "1"
    assert client.get("/people/?org=D002").context["count"] in ("0", None, "")
    answer = Client().get(f"/api/v1/people?org_id={shop.pk}", headers=bearer(cast.dealer_admin)).json()
    assert [one["email"] for one in answer["items"]] == ["boss@example.com"]
    assert people(cast.stranger_admin).filter(org=shop).count() == 0


def test_a_file_names_an_outlet_by_its_name(cast, shop):
    text = "E-mail,Name,Organisation,Role\nli@example.com,Li,滨江旗舰店,dealer_buyer\nwu@example.com,Wu,S001,dealer_buyer\n"
    run = begin_import("people.members", SimpleUploadedFile("people.csv", text.encode()), actor=cast.dealer_admin)
    looked = look(run, cast.dealer_admin, sheet_of(run, cast.dealer_admin))
    assert [entry.label for entry in looked.entries] == ["Li · SHOP"]
    assert [(one.row, one.fault.code) for one in looked.wrong] == [(3, "network.unknown")]


def test_a_file_says_the_view_and_an_empty_cell_keeps_it(cast, shop):
    boss = make_member("boss@example.com", shop, "shop_owner")
    text = "E-mail,Name,Organisation,Role,View\nli@example.com,Li,SHOP,dealer_buyer,self\nboss@example.com,Boss,SHOP,shop_owner,self\n"
    run = begin_import("people.members", SimpleUploadedFile("people.csv", text.encode()), actor=cast.dealer_admin)
    assert [entry.what for entry in look(run, cast.dealer_admin).entries] == ["new", "changed"]
    run_import(run.pk, Told(), actor=cast.dealer_admin)
    boss.refresh_from_db()
    assert (boss.scope, Membership.unscoped.get(user__email="li@example.com").scope) == ("self", "self")
    again = text.replace("shop_owner,self", "shop_owner,").replace("dealer_buyer,self", "dealer_buyer,all")
    run = begin_import("people.members", SimpleUploadedFile("again.csv", again.encode()), actor=cast.dealer_admin)
    looked = look(run, cast.dealer_admin)
    assert ([entry.what for entry in looked.entries], [one.column for one in looked.wrong]) == (["same"], ["role"])
