"""When goods are invoiced together, from a file, and the way back."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import
from qudao.base.outbox import drain
from qudao.base.tests.brought_back import same_again
from qudao.billing.actions import set_cycle
from qudao.billing.models import Cycle, Invoice
from qudao.fulfilment.tests.make import place, received
from qudao.kernel.errors import Forbidden, Refused
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def begun(world, *lines, actor=None):
    text = "经销商,开票周期,开票日\n" + "".join(f"{line}\n" for line in lines)
    return begin_import("billing.cycles", SimpleUploadedFile("cycles.csv", text.encode()), actor=actor or world.cast.hq_finance)


def cycles():
    return list(Cycle.unscoped.values_list("agreement__buyer__code", "every", "day"))


def test_a_row_says_when_and_an_undo_says_it_as_before(world):
    actor = world.cast.hq_finance
    run = run_import(begun(world, "D001,每月,25").pk, actor=actor)
    assert cycles() == [("D001", "month", 25)]
    same_again("billing.cycles", actor, 1)
    again = run_import(begun(world, "D001,week,5").pk, actor=actor)
    with pytest.raises(Refused, match="changed_since"):
        undo_import(run.pk, actor=actor)
    undo_import(again.pk, actor=actor)
    assert cycles() == [("D001", "month", 25)]
    undo_import(run.pk, actor=actor)
    assert cycles() == []


def test_what_waits_is_not_invoiced_by_a_file(world):
    actor = world.cast.hq_finance
    run = run_import(begun(world, "D001,half,").pk, actor=actor)
    received(world, place(world, 3))
    drain()
    assert [one.fault.code for one in import_runs.look(begun(world, "D001,each,"), actor).wrong] == ["billing.cycle_waits"]
    with pytest.raises(Refused, match="cycle_waits"):
        undo_import(run.pk, actor=actor)
    assert cycles() == [("D001", "half", 0)] and not Invoice.unscoped.exists()


def test_a_file_ends_it_where_nothing_waits(world):
    set_cycle(world.agreement.pk, "month", 25, actor=world.cast.hq_finance)
    run = run_import(begun(world, "D001,each,").pk, actor=world.cast.hq_finance)
    assert cycles() == []
    undo_import(run.pk, actor=world.cast.hq_finance)
    assert cycles() == [("D001", "month", 25)]


def test_every_row_is_judged_and_only_the_seller_may(client, world):
    found = import_runs.look(begun(world, "D001,week,8", "D009,month,1", "D001,sometimes,1"), world.cast.hq_finance)
    assert {(one.row, one.column, one.fault.code) for one in found.wrong} >= {
        (2, "day", "billing.day_wrong"), (3, "buyer", "agreements.none_with_buyer"), (4, "every", "base.import_choice"),
    }  # fmt: skip
    with pytest.raises(Forbidden):
        begun(world, "D001,month,1", actor=world.dealer)
    assert "/imports/new/billing.cycles/" in sign_in(client, world.cast.hq_finance).get("/collective-invoices/").content.decode()
