"""Transfers from a file: the rows of the same two organisations are one, every fault stands at its row, what nobody has answered goes back."""

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from qudao.agreements.models import Agreement
from qudao.base import import_runs
from qudao.base.import_runs import Told, begin_import, run_import, undo_import, undoing_of
from qudao.base.models import ActionLog, Event
from qudao.base.tests.page_text import text
from qudao.inventory.tests.make import make_places, make_stock
from qudao.kernel.errors import Forbidden, Refused
from qudao.orders import actions
from qudao.orders.models import Line, Order
from qudao.orders.tests.make import assert_sound, make_world
from qudao.orders.tests.transfers import make_branch, make_passing
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def passing():
    world = make_world([100, 100])
    make_stock(make_places(world.cast.d001)["MAIN"], {world.products[1].pk: 5})
    return make_passing(world)


def begun(actor, *lines):
    body = "调出方,调入方,商品编码,数量,期望到货日,备注\n" + "".join(f"{line}\n" for line in lines)
    return begin_import("orders.transfers", SimpleUploadedFile("transfers.csv", body.encode()), actor=actor)


def looked(actor, *lines):
    found = import_runs.look(begun(actor, *lines), actor)
    return [entry.what for entry in found.entries], {(one.row, one.column, one.fault.code) for one in found.wrong}


def test_the_rows_of_the_same_two_are_one_transfer(passing):
    run = begun(passing.clerk, "D001,D002,P1,6,2030-01-07,urgent", "d001,d002,P2,2,,")
    found = import_runs.look(run, passing.clerk)
    assert not found.wrong and [entry.what for entry in found.entries] == ["new", "new"]
    assert not Order.unscoped.exists() and not Agreement.unscoped.filter(transfers=True).exists(), "a look writes nothing"
    assert not Event.unscoped.filter(name="orders.OrderPlaced").exists() and not ActionLog.unscoped.filter(verb="orders.arrange").exists()
    run_import(run.pk, actor=passing.clerk)
    order = Order.unscoped.get()
    assert (order.number, order.kind, order.status, order.gross, order.note) == ("TR-D002-00001", "transfer", "in_review", D(800), "urgent")
    assert str(order.requested_on) == "2030-01-07" and order.arranged_by_id == passing.clerk.org_id
    assert list(Line.unscoped.filter(order=order).order_by("no").values_list("product__code", "qty")) == [("P1", 6), ("P2", 2)]
    assert_sound()


def test_every_fault_stands_at_its_row(passing):
    for lines, wrong in (
        (("D001,D002,P1,21,,", "D001,D002,P2,2,,"), {(2, "qty", "inventory.short")}),
        (("D001,D001,P1,1,,",), {(2, "receiver", "orders.same_sides")}),
        (("D001,S001,P1,1,,",), {(2, "receiver", "orders.transfer_unknown")}),
        (("D001,D002,P1,0,,", "D001,D002,PX,1,,"), {(2, "qty", "orders.qty_not_positive"), (3, "product", "orders.unknown_product")}),
        (("D001,D002,P1,1,2020-01-01,",), {(2, "requested_on", "orders.date_passed")}),
        (("D001,D002,P1,1,,", "D001,D002,P1,2,,"), {(3, "giver", "base.import_twice")}),
    ):
        assert looked(passing.clerk, *lines)[1] == wrong, lines
    assert not Order.unscoped.exists()


def test_a_dealer_brings_a_file_for_its_branch_and_for_no_other():
    branch = make_branch(make_world([100]))
    cast = branch.world.cast
    assert looked(cast.dealer_admin, "S001,S002,P1,6,,") == (["new"], set())
    assert looked(cast.dealer_admin, "S001,D002,P1,6,,")[1] == {(2, "receiver", "orders.transfer_unknown")}
    assert looked(cast.dealer_admin, "S002,S001,P1,6,,")[1] == {(2, "giver", "orders.transfer_unanswered")}
    assert looked(cast.hq_admin, "S001,S002,P1,6,,")[1] == {(2, "giver", "orders.transfer_unknown"), (2, "receiver", "orders.transfer_unknown")}
    assert {code for _row, _column, code in looked(cast.stranger_admin, "S001,S002,P1,6,,")[1]} == {"orders.transfer_unknown", "orders.unknown_product"}
    with pytest.raises(Forbidden):
        begun(cast.dealer, "S001,S002,P1,6,,")
    run_import(begun(cast.dealer_admin, "S001,S002,P1,6,,").pk, actor=cast.dealer_admin)
    assert Order.unscoped.get().arranged_by_id == cast.d001.pk
    assert_sound()


def test_what_nobody_has_answered_goes_back_and_the_rest_stays(passing, client):
    lines = ("D001,D002,P1,6,,",)
    run = run_import(begun(passing.clerk, *lines).pk, actor=passing.clerk)
    again = begun(passing.clerk, *lines)
    with pytest.raises(Refused, match="import_again"):
        run_import(again.pk, actor=passing.clerk)
    run_import(again.pk, Told(again=True), actor=passing.clerk)
    first, second = Order.unscoped.order_by("pk")
    actions.approve_order(second.pk, actor=passing.giver)
    assert [fault.code for _one, fault in undoing_of(again, passing.clerk).kept] == ["orders.transfer_answered"]
    undo_import(run.pk, actor=passing.clerk)
    first.refresh_from_db()
    assert first.status == "cancelled"
    assert "/imports/new/orders.transfers/" in text(sign_in(client, passing.clerk).get(reverse("orders")))
    assert_sound()
