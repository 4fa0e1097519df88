"""Shared limits by page, API and file; who sees them, and what each way of asking says."""

import json
from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from qudao.agreements.models import Agreement
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import
from qudao.base.tests.page_text import text
from qudao.funds.actions import SharedDraft, share_limit
from qudao.funds.models import Account, SharedLimit
from qudao.orders.tests.make import World, assert_sound, make_world, place
from qudao.payments.tests.branches import outlets
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client, settings, tmp_path) -> World:
    settings.MEDIA_ROOT = tmp_path
    client.cookies["qudao_language"] = "en"
    made = make_world()
    outlets(made, payment_days=30)
    return made


def call(client, actor, method, path, body=None):
    data = json.dumps(body) if body is not None else None
    answer = getattr(client, method)("/api/v1" + path, data, content_type="application/json", headers=bearer(actor))
    return answer.status_code, answer.json() if answer.content else None


def test_finance_shares_a_limit_on_the_page_and_both_ends_read_it(client, world):
    sign_in(client, world.cast.hq_finance)
    assert client.get(reverse("shared_limit_new")).status_code == 200
    wrong = client.post(reverse("shared_limit_new"), {"head": "NOBODY", "currency": "CNY", "limit": "1", "reason": "x"})
    assert "is not known here" in text(wrong, 422)
    made = client.post(reverse("shared_limit_new"), {"head": "d001", "currency": "CNY", "limit": "1000", "reason": "one for all"})
    shared = SharedLimit.unscoped.get()
    assert made.status_code == 302 and Account.unscoped.filter(shared=shared).count() == 3
    page = text(client.get(reverse("shared_limit", args=[shared.pk])))
    assert "S002" in page and "1,000.00" in page and "0.0% of the limit" in page
    assert "one for all" in page and "set the limit to" in page  # who set it, when and why
    assert 'aria-current="page" href="/funds/"' in page  # it has no place of its own in the menu and stands under another one
    account = Account.unscoped.get(buyer=world.cast.s001)
    assert "Shared credit" in text(client.get(reverse("fund", args=[account.pk]), {"amount": "2000"}))
    assert "The shared limit of" in text(client.get(reverse("fund", args=[account.pk]), {"amount": "2000"}))
    terms = {"limit": "2000", "reason": "more", "buyers": [world.cast.s001.pk]}
    assert client.post(reverse("shared_limit_terms", args=[shared.pk]), terms).status_code == 302
    assert list(Account.unscoped.filter(shared=shared).values_list("buyer__code", flat=True)) == ["S001"]
    for actor, status in ((world.cast.dealer_admin, 200), (world.cast.sub_dealer, 404), (world.cast.stranger, 404)):
        sign_in(client, actor)
        answer = client.get(reverse("shared_limit", args=[shared.pk]))
        assert answer.status_code == status and "one for all" not in answer.content.decode()  # the seller's reasons are its own
    assert client.post(reverse("shared_limit_end", args=[shared.pk]), {"reason": "no"}).status_code in (403, 404)
    sign_in(client, world.cast.hq_finance)
    assert client.post(reverse("shared_limit_end", args=[shared.pk]), {"reason": "each for itself"}).status_code == 302
    assert not SharedLimit.unscoped.exists()
    assert_sound()


def test_the_api_shares_reads_and_ends(client, world):
    finance, cast = world.cast.hq_finance, world.cast
    body = {"head_id": cast.d001.pk, "buyer_ids": [cast.d001.pk, cast.s001.pk], "limit": "1000.00", "reason": "one for all"}
    status, made = call(client, finance, "put", "/shared-limits", body)
    assert (status, made["limit"], made["used"], [m["buyer_id"] for m in made["members"]]) == (200, "1000.00", "0.00", [cast.d001.pk, cast.s001.pk])
    assert call(client, cast.dealer, "put", "/shared-limits", body)[0] == 403
    assert [one["id"] for one in call(client, cast.dealer_admin, "get", "/shared-limits")[1]["items"]] == [made["id"]]
    assert call(client, cast.sub_dealer, "get", f"/shared-limits/{made['id']}")[0] == 404
    credit = call(client, cast.sub_dealer, "get", f"/agreements/{_agreement(cast)}/credit")[1]
    assert (credit["shared_id"], credit["limit"], credit["available"]) == (made["id"], "1000.00", "1000.00")
    tried = call(client, cast.sub_dealer, "get", f"/agreements/{_agreement(cast)}/credit/trial?amount=1500")[1]
    assert (tried["passes"], [one["code"] for one in tried["reasons"]]) == (False, ["funds.shared_limit"])
    assert call(client, finance, "put", "/shared-limits", {**body, "buyer_ids": [cast.d002.pk]})[0] == 422
    assert call(client, finance, "post", f"/shared-limits/{made['id']}/end", {"reason": "over"})[0] == 204
    assert call(client, finance, "get", f"/shared-limits/{made['id']}")[0] == 404


def _agreement(cast):
    return Agreement.unscoped.get(seller=cast.lh, buyer=cast.s001).pk


def test_a_file_shares_adds_and_is_undone(world):
    finance = world.cast.hq_finance

    def begin(*rows):
        lines = "\n".join(("总部,分店,共享额度", *rows))
        return begin_import("funds.shared", SimpleUploadedFile("shared.csv", lines.encode()), actor=finance)

    found = import_runs.look(begin("D001,S001,1000", "D001,D002,", "NONE,S001,", "D001,S001,-5"), finance)
    assert [(one.row, one.fault.code) for one in found.wrong][:2] == [(3, "funds.shared_below"), (4, "funds.shared_head")] and found.wrong[2].row == 5
    first = run_import(begin("D001,S001,1000", "D001,S002,").pk, actor=finance)
    shared = SharedLimit.unscoped.get()
    assert first.made == 2 and shared.limit_amount == D(1000) and Account.unscoped.filter(shared=shared).count() == 2
    again = import_runs.look(begin("D001,S001,1000"), finance)
    assert [entry.what for entry in again.entries] == ["same"]
    second = run_import(begin("D001,D001,1500").pk, actor=finance)
    assert SharedLimit.unscoped.get().limit_amount == D(1500) and Account.unscoped.filter(shared=shared).count() == 3
    undo_import(second.pk, actor=finance)
    assert SharedLimit.unscoped.get().limit_amount == D(1000) and Account.unscoped.filter(shared=shared).count() == 2
    undo_import(first.pk, actor=finance)
    assert not SharedLimit.unscoped.exists()
    assert_sound()


def test_each_constraint_holds(world):
    lh, d001 = world.cast.lh, world.cast.d001
    shared = SharedLimit.unscoped.create(seller=lh, head=d001, currency="CNY")
    for name, broken in (
        ("funds_sharedlimit_head_unique", lambda: SharedLimit.unscoped.create(seller=lh, head=d001, currency="CNY")),
        ("funds_sharedlimit_limits_fit", lambda: SharedLimit.unscoped.create(seller=lh, head=d001, currency="USD", temp_limit=1)),
        ("funds_account_shares_credit", lambda: Account.unscoped.filter(buyer=d001).update(shared=shared, transfers=True)),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            broken()


def test_an_order_that_shares_a_limit_takes_no_statement_more(world):
    place(world, 1)
    counts = []
    for _turn in range(2):
        with CaptureQueriesContext(connection) as found:
            place(world, 1)
        counts.append(len(found))
        share_limit(SharedDraft(world.cast.lh.pk, world.cast.d001.pk, "CNY", [world.cast.d001.pk], D(10000)), "one", actor=world.cast.hq_finance)
    assert counts[0] == counts[1] <= 26
