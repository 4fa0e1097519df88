"""The import of agreements: drafts, active ones, and what of it ends again."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.agreements.actions import activate_agreement
from qudao.agreements.models import Agreement, Authorisation
from qudao.agreements.tests.make import draft, make_agreement
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import, undoing_of
from qudao.base.models import ImportRun
from qudao.kernel.errors import Forbidden
from qudao.people.tests.make import cast as make_cast
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
FILE = "客户编码,开始日期,账期,含税,全部授权,激活\nd001,2026-01-01,45,是,是,是\nD002,2026-02-01,,否,,\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def people(db):
    return make_cast()


def begun(actor, text=FILE):
    return begin_import("agreements.terms", SimpleUploadedFile("agreements.csv", text.encode()), actor=actor)


def terms():
    return list(Agreement.unscoped.order_by("pk").values_list("code", "state", "payment_days", "tax_inclusive"))


def test_agreements_are_drafted_and_activated_and_end_again(people):
    actor = people.hq_admin
    run = run_import(begun(actor).pk, actor=actor)
    assert terms() == [("D001-2026-01-01", "active", 45, True), ("D002-2026-02-01", "draft", 30, False)]
    assert Authorisation.unscoped.get().agreement.code == "D001-2026-01-01"
    assert import_runs.look(begun(actor, FILE + "\n"), actor).count("same") == 2
    changed = run_import(begun(actor, FILE.replace("D002,2026-02-01,,", "D002,2026-02-01,10,")).pk, actor=actor)
    assert (changed.made, changed.changed) == (0, 1) and terms()[1] == ("D002-2026-02-01", "draft", 10, False)
    assert undo_import(changed.pk, actor=actor).state == ImportRun.State.UNDONE and terms()[1][2] == 30
    assert undo_import(run.pk, actor=actor).state == ImportRun.State.UNDONE
    assert [one[1] for one in terms()] == ["ended", "ended"]
    run_import(begun(actor, FILE + " \n").pk, actor=actor)
    assert terms()[2:] == [("D001-2026-01-01-2", "active", 45, True), ("D002-2026-02-01-2", "draft", 30, False)]


def test_a_draft_that_lives_meanwhile_stays(people):
    actor, known = people.hq_admin, draft(people.lh, people.d002, code="X")
    run = run_import(begun(actor, "buyer,code,from,days of payment\nD002,X,2026-01-01,9\n").pk, actor=actor)
    activate_agreement(known.pk, actor=actor)
    assert [fault.code for _one, fault in undoing_of(run, actor).kept] == ["agreements.only_draft"]


def test_each_row_is_judged(people):
    actor, known = people.hq_admin, make_agreement(people.lh, people.d001, code="OLD")
    rows = ["D001,,2026-01-01,,,yes", "D001,OLD,2026-01-01,7,,", "NOBODY,,2026-01-01,,,", "D002,,2026-01-01,9.5,2025-01-01,", "D002,,2026-01-01,,,yes",
            "D002,Y,2026-03-01,,,yes", "S001,,,,,", "D002,Z,2020-01-01,,2020-12-31,yes"]  # fmt: skip
    looked = import_runs.look(begun(actor, "buyer,code,from,days of payment,until,activate\n" + "\n".join(rows) + "\n"), actor)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "activate", "agreements.active_exists"), (3, "payment_days", "agreements.only_draft"), (4, "buyer", "agreements.member_unknown"),
        (5, "valid_to", "agreements.span_wrong"), (5, "payment_days", "agreements.payment_days_wrong"), (6, "buyer", "base.import_twice"),
        (7, "activate", "agreements.active_exists"), (8, "valid_from", "base.import_empty"), (9, "valid_to", "agreements.past"),
    }  # fmt: skip
    assert known.state == "active"


def test_a_dealer_drafts_for_itself_only(people):
    looked = import_runs.look(begun(people.dealer_admin, "seller,buyer,from\n,S001,2026-01-01\nLH,S001,2026-01-01\n"), people.dealer_admin)
    assert [(one.row, one.column, one.fault.code) for one in looked.wrong] == [(3, "seller", "agreements.member_unknown")]
    with pytest.raises(Forbidden):
        begun(people.dealer)


def test_the_list_leads_to_the_import(client, people):
    assert "/imports/new/agreements.terms/" in sign_in(client, people.hq_admin).get("/agreements/").content.decode()
    assert client.get("/imports/new/agreements.terms/").status_code == 200
