"""The tree of categories: its pages, its API, its file, and what keeps it whole."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from qudao.approvals.tests.make import Api
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import
from qudao.base.tests.brought_back import same_again
from qudao.base.tests.page_text import text
from qudao.catalog import actions, queries
from qudao.catalog.actions import CategoryDraft
from qudao.catalog.models import Audience, Category
from qudao.catalog.tests.make import make_category, make_product
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def tree(cast):
    """HOME > AIR > FAN, and KITCHEN; a fan and a kettle."""
    home = make_category(cast.lh, "HOME")
    air = make_category(cast.lh, "AIR", home)
    fan = make_category(cast.lh, "FAN", air)
    make_category(cast.lh, "KITCHEN")
    make_product(cast.lh, "P-FAN", category_id=fan.pk)
    return {one.code: one for one in Category.unscoped.all()}


def shape():
    return {one.code: one.parent.code if one.parent else "" for one in Category.unscoped.select_related("parent")}


def test_a_category_is_renamed_moved_and_removed_on_its_pages(cast, client, tree):
    hq = sign_in(client, cast.hq_admin)
    assert reverse("categories") in text(hq.get(reverse("products")))
    page = text(hq.get(reverse("categories")))
    assert "FAN" in page and 'class="ps-2"' in page and "KITCHEN" in page
    shown = text(hq.get(tree["AIR"].get_absolute_url()))
    assert "1 product" in shown and "FAN" in shown and reverse("category_removal", args=[tree["AIR"].pk]) in shown
    url = reverse("category_change", args=[tree["AIR"].pk])
    assert "AIR" in text(hq.get(url))
    assert hq.post(url, {"code": "AIR2", "name": "空气", "name_en": "Air", "parent_id": tree["KITCHEN"].pk}).status_code == 302
    assert shape() == {"HOME": "", "AIR2": "KITCHEN", "FAN": "AIR2", "KITCHEN": ""}
    fan = Category.unscoped.get(code="FAN")
    assert fan.path == f"/{tree['KITCHEN'].pk}/{tree['AIR'].pk}/{fan.pk}/" and fan.depth == 2
    refused = hq.post(url, {"code": "HOME", "name": "空气", "parent_id": fan.pk})
    assert "Another category has the code HOME" in text(refused, 422)
    refused = hq.post(url, {"code": "AIR2", "name": "空气", "parent_id": fan.pk})
    assert "cannot lie inside itself" in text(refused, 422)
    assert "disappears" in text(hq.get(reverse("category_removal", args=[tree["HOME"].pk])))
    assert hq.post(reverse("category_removal", args=[tree["HOME"].pk])).status_code == 302
    used = hq.post(reverse("category_removal", args=[fan.pk]))
    assert "is not empty: Products" in text(used, 409)
    assert set(shape()) == {"AIR2", "FAN", "KITCHEN"}


def test_what_is_not_empty_stays(cast, tree):
    for code, where in (("HOME", "below"), ("FAN", "Products")):
        with pytest.raises(Refused) as refused:
            actions.remove_category(tree[code].pk, actor=cast.hq_admin)
        (fault,) = refused.value.faults
        assert fault.code == "catalog.category_used" and where in str(fault.params["where"])
    with pytest.raises(NotFound):
        actions.remove_category(tree["KITCHEN"].pk, actor=cast.stranger_admin)
    with pytest.raises(Forbidden):
        actions.remove_category(tree["KITCHEN"].pk, actor=cast.hq_clerk)
    with pytest.raises(Invalid) as unknown:
        actions.change_category(tree["AIR"].pk, CategoryDraft("AIR", "空气", parent_id=10**9), actor=cast.hq_admin)
    assert unknown.value.faults[0].field == "parent_id"


def test_a_buyer_looks_at_the_tree_and_counts_only_what_it_is_shown(cast, client, tree):
    Audience.unscoped.create(owner=cast.lh, viewer=cast.d001)
    dealer = sign_in(client, cast.dealer_admin)
    page = text(dealer.get(tree["FAN"].get_absolute_url()))
    assert "1 product" in page and "Change" not in page
    assert dealer.get(reverse("category_change", args=[tree["FAN"].pk])).status_code in (403, 404)
    assert sign_in(client, cast.stranger).get(tree["FAN"].get_absolute_url()).status_code == 404
    assert queries.category_counts(cast.hq_admin)[tree["HOME"].pk] == 1


def test_the_list_costs_few_statements(cast, client, tree, django_assert_max_num_queries):
    for n in range(20):
        make_product(cast.lh, f"Q{n}", category_id=make_category(cast.lh, f"C{n}", tree["AIR"]).pk)
    hq = sign_in(client, cast.hq_admin)
    with django_assert_max_num_queries(15):
        assert "C19" in text(hq.get(reverse("categories")))


def test_the_api_removes_what_is_empty(cast, tree):
    api = Api(cast.hq_admin)
    assert api("delete", f"/categories/{tree['FAN'].pk}")[0] == 409
    assert api("delete", f"/categories/{tree['KITCHEN'].pk}")[1]["code"] == "KITCHEN" and "KITCHEN" not in shape()
    assert Api(cast.stranger)("delete", f"/categories/{tree['FAN'].pk}")[0] in (403, 404)


def begun(cast, content):
    return begin_import("catalog.categories", SimpleUploadedFile("c.csv", content.encode()), actor=cast.hq_admin)


def test_the_file_of_the_tree_brought_back_changes_nothing(cast, tree, client):
    same_again("catalog.categories", cast.hq_admin, 4)
    same_again("catalog.products", cast.hq_admin, 1)
    hq = sign_in(client, cast.hq_admin)
    page = reverse("import_new", args=["catalog.categories"])
    assert "What is there now" in text(hq.get(page))
    answer = hq.get(page, {"standing": "csv"})
    assert answer["Content-Disposition"].startswith("attachment") and "HOME,类别 HOME" in answer.content.decode("utf-8-sig")
    assert hq.get(page, {"standing": "xlsx"}).content[:2] == b"PK"
    assert sign_in(client, cast.dealer).get(page, {"standing": "csv"}).status_code == 403


def test_a_file_makes_renames_moves_and_is_taken_back(cast, tree):
    before = shape()
    run = begun(cast, "Code,Name,Under\nAIR,空气,/\nNEW,新,AIR\nLOW,低,NEW\nKITCHEN,厨房,HOME\nHOME,,\n")
    run = run_import(run.pk, actor=cast.hq_admin)
    assert (run.made, run.changed, run.same) == (2, 2, 1)
    assert shape() == {"HOME": "", "AIR": "", "FAN": "AIR", "KITCHEN": "HOME", "NEW": "AIR", "LOW": "NEW"}
    undo_import(run.pk, actor=cast.hq_admin)
    assert shape() == before and Category.unscoped.get(code="KITCHEN").name == "类别 KITCHEN"


def test_every_fault_of_the_file_is_named_by_row_and_column(cast, tree):
    long = "x" * 121
    bad = f"Code,Name,Under\n,A,\nN1,,\nN2,B,NONE\nHOME,,FAN\nN3,{long},\nN4,C,N3\nN5,D,\nN5,E,\n"
    looked = import_runs.look(begun(cast, bad), cast.hq_admin)
    assert {(one.row, one.column, one.fault.code) for one in looked.wrong} == {
        (2, "code", "base.import_empty"), (3, "name", "catalog.name_missing"), (4, "under", "catalog.category_unknown"),
        (5, "under", "catalog.category_loop"), (6, "name", "base.import_long"), (6, "name", "base.import_long"),
        (7, "under", "catalog.category_unknown"), (9, "code", "base.import_twice"),
    }  # fmt: skip
