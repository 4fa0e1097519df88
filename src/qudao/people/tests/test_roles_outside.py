"""Roles over the API and from a file: the same rights as the pages, nobody gives more than the own."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base.import_runs import begin_import, look, run_import, undo_import
from qudao.kernel.errors import Forbidden
from qudao.people.models import Membership, Role
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import bearer, cast

pytestmark = pytest.mark.django_db
BODY = {"code": "night", "name": "夜班", "name_en": "Night", "verbs": ["orders.view", "orders.place"], "scope": "org"}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def people(db):
    return cast()


def call(client, method, actor, path="", body=None):
    more = {"data": body, "content_type": "application/json"} if body is not None else {}
    return getattr(client, method)(f"/api/v1/roles{path}", headers=bearer(actor), **more)


def code(answer):
    return answer.json()["faults"][0]["code"]


def test_a_role_is_written_read_changed_and_retired(people, client):
    admin = people.dealer_admin
    made = call(client, "post", admin, body=BODY)
    assert made.status_code == 201 and made.json()["verbs"] == ["orders.place", "orders.view"]
    at = f"/{made.json()['id']}"
    assert call(client, "get", admin, at).json()["owner_id"] == people.d001.pk
    listed = call(client, "get", admin).json()["items"]
    assert listed[0]["code"] == "night" and any(one["owner_id"] is None for one in listed)
    changed = call(client, "put", admin, at, {**BODY, "verbs": ["orders.*", "!orders.approve"]})
    assert "orders.approve" not in changed.json()["verbs"] and "orders.cancel" in changed.json()["verbs"]
    assert code(call(client, "post", admin, body=BODY)) == "people.role_code_taken"
    assert call(client, "delete", admin, at).status_code == 204 and not Role.unscoped.filter(code="night").exists()


def test_who_may_and_what(people, client):
    admin = people.dealer_admin
    role = call(client, "post", admin, body=BODY).json()["id"]
    assert call(client, "get", people.dealer, f"/{role}").status_code == 403, "a buyer sees no people"
    assert call(client, "post", people.dealer, body=BODY).status_code == 403
    for foreign in (people.stranger_admin, people.sub_dealer):
        assert call(client, "get", foreign, f"/{role}").status_code == 404
        assert call(client, "put", foreign, f"/{role}", BODY).status_code in (403, 404)
        assert call(client, "delete", foreign, f"/{role}").status_code in (403, 404)
    system = f"/{unscoped_system_role('dealer_buyer')}"
    assert code(call(client, "put", admin, system, BODY)) == code(call(client, "delete", admin, system)) == "people.system_role"
    for wrong, expected in (
        ({"verbs": ["people.support"]}, "people.exceeds_verbs"),
        ({"scope": "all"}, "people.exceeds_scope"),
        ({"verbs": ["orders.fly"]}, "people.verb_unknown"),
        ({"fields": ["no.such"]}, "people.field_unknown"),
        ({"code": "Nacht!"}, "people.role_code"),
    ):
        assert code(call(client, "post", admin, body={**BODY, "code": "other", **wrong})) == expected
    Membership.unscoped.filter(user_id=people.dealer.user_id).update(role=role)
    assert code(call(client, "delete", admin, f"/{role}")) == "people.role_used"


FILE = 'code,name,scope,verbs\nnight,夜班,org,orders.view orders.place\nday,白班,,"orders.view, orders.cancel"\n'


def begun(actor, text=FILE):
    return begin_import("people.roles", SimpleUploadedFile("roles.csv", text.encode()), actor=actor)


def verbs(name):
    return Role.unscoped.filter(code=name).values_list("verbs", flat=True).first()


def test_a_file_writes_roles_changes_them_and_is_taken_back(people):
    admin = people.dealer_admin
    run = run_import(begun(admin).pk, actor=admin)
    assert run.made == 2 and verbs("night") == ["orders.place", "orders.view"] and verbs("day") == ["orders.cancel", "orders.view"]
    assert look(begun(admin, FILE + "\n"), admin).count("same") == 2
    changed = run_import(begun(admin, "code,verbs\nnight,orders.view\n").pk, actor=admin)
    assert changed.changed == 1 and verbs("night") == ["orders.view"]
    assert Role.unscoped.get(code="night").name == "夜班", "an empty cell keeps what is there"
    undo_import(changed.pk, actor=admin)
    assert verbs("night") == ["orders.place", "orders.view"]
    undo_import(run.pk, actor=admin)
    assert verbs("night") is None and verbs("day") is None


def test_a_file_gives_no_more_than_who_brings_it_has(people):
    bad = (
        "code,name,scope,verbs\naaa,A,org,people.support\nbbb,B,all,orders.view\nccc,C,org,orders.fly\nD!,D,org,orders.view\neee,,org,orders.view\nfff,F,org,\n"
    )
    looked = look(begun(people.dealer_admin, bad), people.dealer_admin)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "verbs", "people.exceeds_verbs"), (3, "scope", "people.exceeds_scope"), (4, "verbs", "people.verb_unknown"), (5, "code", "people.role_code"),
        (6, "name", "people.name_missing"), (7, "verbs", "base.import_empty"),
    }  # fmt: skip
    with pytest.raises(Forbidden):
        begun(people.dealer)
