"""The import of organisations: a tree in one file, and what of it goes back."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.access import Actor, Scope, system_actor
from qudao.base.import_runs import Told, begin_import, run_import, undo_import, undoing_of
from qudao.base.models import Event, ImportRun
from qudao.base.tests.brought_back import brought_back, same_again
from qudao.kernel.errors import Invalid, NotFound, Refused
from qudao.network.actions import NewOrganisation, add_address, change_organisations, register_organisation, register_organisations, remove_organisations
from qudao.network.models import Address, FormerPlace, Organisation
from qudao.network.rules import AddressFacts, OrgFacts
from qudao.network.tests.make import make_network

pytestmark = pytest.mark.django_db
FILE = "经销商编码,类型,名称,上级,电话\nn1,大区,北方大区,LH,\nN101,经销商,北京电器,N1,010-1\nN102,outlet,朝阳店,N101,\n"


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def orgs(db):
    return make_network()


def person(org):
    verbs = frozenset({"base.imports", "network.view", "network.register", "network.change", "network.move", "network.address"})
    return Actor(1, 1, org.pk, org.path, org.kind, "Li Lei", verbs, Scope.BRANCH)


def begun(org, text=FILE):
    return begin_import("network.organisations", SimpleUploadedFile("dealers.csv", text.encode()), actor=person(org))


def done(org, text=FILE, **told):
    return run_import(begun(org, text).pk, Told(**told), actor=person(org))


def tree():
    return dict(Organisation.unscoped.filter(code__startswith="N").order_by("path").values_list("code", "tier"))


def test_a_tree_comes_in_one_file_and_goes_again(orgs, django_assert_max_num_queries):
    run = begun(orgs["LH"])
    with django_assert_max_num_queries(30):
        run_import(run.pk, actor=person(orgs["LH"]))
    assert tree() == {"N1": 0, "N101": 1, "N102": 2}
    shop = Organisation.unscoped.get(code="N102")
    assert shop.parent.code == "N101" and shop.path == f"{shop.parent.path}{shop.pk}/" and shop.pinyin
    assert Event.unscoped.filter(name="network.OrganisationRegistered", subject_id=shop.pk).exists()
    undone = undo_import(run.pk, actor=person(orgs["LH"]))
    assert undone.state == ImportRun.State.UNDONE and not tree()
    assert done(orgs["LH"]).made == 3


def test_kind_place_and_facts_are_judged_row_by_row(orgs):
    bad = "code,kind,name,under,tax_no\nA,planet,A,LH,\nB,dealer,B,NOBODY,\nC,dealer,C,A,\nD,region,D,D001,91330106MA2XXXXXXX\nD001,dealer,,,\nLH,hq,X,,\n"
    looked = import_runs.look(begun(orgs["D001"], bad), person(orgs["D001"]))
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "kind", "base.import_choice"), (2, "under", "network.unknown"), (3, "under", "network.unknown"), (4, "under", "network.unknown"),
        (5, "under", "network.parent_kind"), (5, "tax_no", "network.tax_no"), (7, "code", "network.code_taken"),
    }  # fmt: skip
    assert [(e.row, e.what) for e in looked.entries] == [(6, "same")]


def test_known_ones_get_the_facts_of_the_file_and_their_own_back(orgs):
    run = done(orgs["LH"], "code,name,phone\nD001,湖畔,0571-1\nD002,南京钟山电器,\n")
    assert (run.made, run.changed, run.same) == (0, 1, 1)
    org = Organisation.unscoped.get(code="D001")
    assert (org.name, org.phone, org.name_en) == ("湖畔", "0571-1", "Hangzhou Lakeside") and "HUPAN" in org.pinyin.upper()
    undo_import(run.pk, actor=person(orgs["LH"]))
    org.refresh_from_db()
    assert (org.name, org.phone) == ("杭州湖畔家电", "")


def test_below_whom_somebody_else_stands_stays_with_all_above_it(orgs):
    run = done(orgs["LH"], FILE + "N2,region,南方大区,LH,\n")
    below = Organisation.unscoped.get(code="N101")
    register_organisation("outlet", OrgFacts(code="S9", name="S9"), below.pk, actor=system_actor())
    undoing = undoing_of(run, person(orgs["LH"]))
    assert [t.label for t in undoing.free] == ["N102 朝阳店", "N2 南方大区"]
    assert {fault.code for _t, fault in undoing.kept} == {"base.import_built_on"}
    assert undo_import(run.pk, actor=person(orgs["LH"])).state == ImportRun.State.PARTLY and tree() == {"N1": 0, "N101": 1}


def test_a_file_of_another_branch_moves_and_sees_nobody(orgs):
    looked = import_runs.look(begun(orgs["D002"], "code,name\nS001,X\n"), person(orgs["D002"]))
    assert looked.wrong_rows == 1 and not looked.entries
    run = done(orgs["LH"])
    with pytest.raises(NotFound):
        undo_import(run.pk, actor=person(orgs["D001"]))


def test_many_are_registered_changed_or_removed_all_or_none(orgs):
    lh, d001 = person(orgs["LH"]), person(orgs["D001"])
    one = NewOrganisation("outlet", OrgFacts(code="s7", name="S7"), "D001")
    with pytest.raises(Invalid) as wrong:
        register_organisations([one, one, NewOrganisation("hq", OrgFacts(name="x"), "LH")], actor=lh)
    assert {fault.field for fault in wrong.value.faults} == {"rows.1.code", "rows.2.code", "rows.2.parent"}
    assert register_organisations([], actor=lh) == []
    (shop,) = register_organisations([one], actor=d001)
    with pytest.raises(Invalid):
        change_organisations({shop.pk: OrgFacts(code="S8", name="S7")}, actor=lh)
    with pytest.raises(NotFound):
        change_organisations({shop.pk: OrgFacts(code="S7", name="Y")}, actor=person(orgs["D002"]))
    assert change_organisations({shop.pk: OrgFacts(code="S7", name="Y")}, actor=lh) == {shop.pk: {"name": ["S7", "Y"]}}
    with pytest.raises(Refused):
        remove_organisations([orgs["D001"].pk], actor=lh)
    with pytest.raises(NotFound):
        remove_organisations([shop.pk], actor=person(orgs["D002"]))
    remove_organisations([shop.pk], actor=lh)
    assert not Organisation.unscoped.filter(code="S7").exists()


def test_the_branch_brought_back_changes_nothing(orgs):
    same_again("network.organisations", person(orgs["LH"]), Organisation.unscoped.exclude(code="LH").count())
    assert brought_back("network.organisations", person(orgs["D001"])).wrong == []


def test_a_file_hangs_organisations_elsewhere_and_back(orgs):
    under = {one.code: one.parent.code for one in Organisation.unscoped.select_related("parent") if one.parent}
    moved = next(code for code, above in under.items() if above == "D001")
    run = done(orgs["LH"], f"code,under,phone\n{moved},D002,1\nD001,LH,\n")
    org = Organisation.unscoped.get(code=moved)
    assert (run.changed, org.parent.code, org.phone, org.path) == (1, "D002", "1", f"{orgs['D002'].path}{org.pk}/")
    assert FormerPlace.unscoped.get(organisation=org).parent_id == orgs["D001"].pk
    undo_import(run.pk, actor=person(orgs["LH"]))
    org.refresh_from_db()
    assert (org.parent.code, org.phone) == ("D001", "")


def test_where_nobody_may_hang_is_told_at_the_cell(orgs):
    moved = next(one.code for one in Organisation.unscoped.select_related("parent") if one.parent_id == orgs["D001"].pk)
    looked = import_runs.look(begun(orgs["LH"], f"code,under\nD001,{moved}\nD002,NOBODY\n{moved},N9\nLH,D001\n"), person(orgs["LH"]))
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "under", "network.parent_below"), (3, "under", "network.unknown"), (4, "under", "network.unknown"), (5, "under", "network.own_organisation"),
    }  # fmt: skip


ADDRESSES = "组织,地址名称,收货人,手机,详细地址,默认\n"


def places(org):
    return {(one.label, one.phone, one.street, one.is_default) for one in Address.unscoped.filter(organisation=org, active=True)}


def test_addresses_come_from_a_file_and_go_back(orgs):
    d001, actor = orgs["D001"], person(orgs["LH"])
    add_address(d001.pk, AddressFacts("Li", "1", "1 Quay", "East"), actor=actor)
    same_again("network.addresses", actor, 1)
    content = f"{ADDRESSES}D001,East,Li,2,1 Quay,\nD001,West,Wang,3,9 Hill,是\nNO,X,X,1,X,\nD002,,,1,,\n"
    run = begin_import("network.addresses", SimpleUploadedFile("a.csv", content.encode()), actor=actor)
    assert {(one.row, one.column, one.fault.code) for one in import_runs.look(run, actor).wrong} == {
        (4, "organisation", "network.unknown"), (5, "recipient", "base.import_empty"), (5, "street", "base.import_empty"),
    }  # fmt: skip
    run = run_import(run.pk, Told(skip_wrong=True), actor=actor)
    assert (run.made, run.changed) == (1, 1)
    assert places(d001) == {("East", "2", "1 Quay", False), ("West", "3", "9 Hill", True)}
    same_again("network.addresses", actor, 2)
    undo_import(run.pk, actor=actor)
    assert places(d001) == {("East", "1", "1 Quay", True)}
