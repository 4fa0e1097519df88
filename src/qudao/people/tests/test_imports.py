"""The import of people: invitations by mail, other roles, and what of it goes back."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import, undoing_of
from qudao.base.models import ImportRun
from qudao.kernel.errors import Forbidden, Refused
from qudao.people.actions import accept_invitation
from qudao.people.models import Membership
from qudao.people.tests.make import cast as make_cast
from qudao.people.tests.make import link_of, run_jobs, sign_in

pytestmark = pytest.mark.django_db
FILE = "姓名,邮箱,经销商编码,岗位\nHan Mei,han@example.com,D001,dealer_buyer\nLi Lei,LI@example.com,,订单员\n"
FILE += "Buyer,stranger@example.com,D002,Dealer administrator\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def cast(db):
    return make_cast()


def begun(actor, text=FILE):
    return begin_import("people.members", SimpleUploadedFile("people.csv", text.encode()), actor=actor)


def posts(email):
    return list(Membership.unscoped.filter(user__email=email).values_list("org__code", "role__code", "state"))


def test_new_people_are_invited_and_known_ones_get_their_role(cast):
    role = Membership.unscoped.get(user__email="stranger@example.com").role
    run = run_import(begun(cast.hq_admin).pk, actor=cast.hq_admin)
    assert (run.made, run.changed) == (2, 1)
    assert posts("han@example.com") == [("D001", "dealer_buyer", "invited")] and posts("li@example.com") == [("LH", "hq_clerk", "invited")]
    assert posts("stranger@example.com") == [("D002", "dealer_admin", "active")]
    run_jobs()
    assert sorted(one.to[0] for one in mail.outbox) == ["han@example.com", "li@example.com"]
    looked = import_runs.look(begun(cast.hq_admin, FILE + "\n"), cast.hq_admin)
    assert looked.count("same") == 3 and not looked.to_do
    undone = undo_import(run.pk, actor=cast.hq_admin)
    assert undone.state == ImportRun.State.UNDONE
    assert posts("han@example.com") == [("D001", "dealer_buyer", "ended")]
    assert posts("stranger@example.com") == [("D002", role.code, "active")]
    again = run_import(begun(cast.hq_admin, FILE + " \n").pk, actor=cast.hq_admin)
    assert again.made == 2 and posts("han@example.com")[0][2] == "invited", "an ended one is invited anew"


def test_who_has_answered_stays(cast):
    run = run_import(begun(cast.hq_admin).pk, actor=cast.hq_admin)
    run_jobs()
    message = next(one for one in mail.outbox if one.to == ["han@example.com"])
    accept_invitation(link_of(message), "Han Mei", "a-long-Password-7", actor=cast.hq_admin)
    assert [fault.code for _one, fault in undoing_of(run, cast.hq_admin).kept] == ["people.joined"]
    assert undo_import(run.pk, actor=cast.hq_admin).state == ImportRun.State.PARTLY
    assert posts("han@example.com") == [("D001", "dealer_buyer", "active")] and posts("li@example.com")[0][2] == "ended"


def test_each_row_is_judged_and_nobody_reaches_into_another_organisation(cast):
    bad = "email,name,org,role\nnobody,A,D001,dealer_buyer\nb@example.com,B,NONE,dealer_buyer\nc@example.com,C,D001,king\nd@example.com,,D001,dealer_buyer\n"
    bad += "hq_admin@example.com,E,,hq_clerk\n"
    looked = import_runs.look(begun(cast.hq_admin, bad), cast.hq_admin)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "email", "people.email"), (3, "org", "network.unknown"), (4, "role", "people.role_unknown"), (5, "name", "base.import_empty"),
        (6, "role", "people.own_membership"),
    }  # fmt: skip
    with pytest.raises(Refused):
        run_import(begun(cast.hq_admin, bad + "\n").pk, actor=cast.hq_admin)
    looked = import_runs.look(begun(cast.dealer_admin), cast.dealer_admin)
    assert [(one.row, one.column) for one in looked.wrong if one.column == "org"] == [(4, "org")], "D002 is not the dealer's"
    assert (3, "role", "people.role_unknown") in {(one.row, one.column, one.fault.code) for one in looked.wrong}, "nobody gives a role of the brand"
    with pytest.raises(Forbidden):
        begun(cast.dealer)


def test_the_list_of_people_leads_to_the_import(client, cast):
    page = sign_in(client, cast.hq_admin).get("/people/").content.decode()
    assert "/imports/new/people.members/" in page
    assert client.get("/imports/new/people.members/").status_code == 200
