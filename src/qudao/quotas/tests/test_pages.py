"""Pages, API and files of quotas, seen by their seller only."""

from datetime import timedelta
from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from qudao.agreements.tests.make import make_group
from qudao.base import import_runs
from qudao.base.import_runs import begin_import, run_import, undo_import, undoing_of
from qudao.base.tests.brought_back import same_again
from qudao.inventory.tests.make import make_shelf
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden
from qudao.people.tests.make import cast, sign_in
from qudao.quotas.actions import set_shares
from qudao.quotas.models import Quota, Share
from qudao.quotas.rules import Holder
from qudao.quotas.tests.make import make_quota

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def people(db):
    return cast()


@pytest.fixture
def product(people):
    return make_shelf(people.lh, [40]).products[0]


def test_a_clerk_declares_shares_out_changes_and_takes_away(people, product, client):
    client.cookies["qudao_language"] = "en"
    sign_in(client, people.hq_clerk)
    make_group(people.lh, "GOLD", people.d001)
    today, last = clock.today(), clock.today() + timedelta(days=30)
    facts = {"product": "NO", "valid_from": today, "valid_to": last, "total": "", "unused": "carried", "release_on": "", "client_id": str(uuid4())}
    assert client.post(reverse("quota_new"), facts).status_code == 422
    assert client.post(reverse("quota_new"), facts | {"product": product.code}).status_code in (302, 204)
    quota = Quota.unscoped.get()
    assert quota.total == 40
    shares = reverse("quota_shares", args=[quota.pk])
    assert "no group of buyers" in client.post(shares, {"added": "NO 5", "client_id": str(uuid4())}).content.decode()
    assert client.post(shares, {"added": "GOLD 30\nD002 5", "client_id": str(uuid4())}).status_code in (302, 204)
    page = client.get(quota.get_absolute_url()).content.decode()
    assert "GOLD" in page and "group, together" in page and "D002" in page
    own = Share.unscoped.get(buyer=people.d002)
    assert f'name="share_{own.pk}"' in client.get(shares).content.decode()
    assert product.code in client.get(reverse("quotas")).content.decode() and "GOLD" in client.get(reverse("quota_share_list")).content.decode()
    changed = {"valid_to": last, "total": "60", "unused": "released", "release_on": last, "client_id": str(uuid4())}
    assert client.post(reverse("quota_change", args=[quota.pk]), changed).status_code in (302, 204)
    assert client.post(reverse("quota_removal", args=[quota.pk]), {"client_id": str(uuid4())}).status_code in (302, 204)
    assert not Quota.unscoped.exists()


def test_the_api_does_the_same(people, product, client):
    sign_in(client, people.hq_clerk)
    today = clock.today()
    body = {"product_id": product.pk, "valid_from": str(today), "valid_to": str(today), "total": "10"}
    made = client.post("/api/v1/quotas", body, content_type="application/json")
    assert made.status_code == 201, made.content
    url = f"/api/v1/quotas/{made.json()['id']}"
    wrong = client.put(f"{url}/shares", {"shares": [{"holder": "NO", "qty": "1"}, {"holder": "D001", "qty": "1"}, {"holder": "D001", "qty": "2"}]},
                       content_type="application/json")  # fmt: skip
    assert wrong.status_code == 422 and "quotas.buyer_unknown" in wrong.content.decode() and "quotas.share_twice" in wrong.content.decode()
    shares = {"shares": [{"holder": "D001", "qty": "4"}]}
    assert client.put(f"{url}/shares", shares, content_type="application/json").json()["shares"][0]["buyer_id"] == people.d001.pk
    changed = client.put(f"{url}/change", {"valid_to": str(today), "total": "12"}, content_type="application/json")
    assert D(changed.json()["total"]) == 12 and client.get("/api/v1/quotas").json()[0]["id"] == made.json()["id"] == client.get(url).json()["id"]
    assert client.post(f"{url}/removal", {}, content_type="application/json").status_code == 204


def test_shares_come_from_a_file_and_go_back(people, product):
    make_quota(people.lh, product.pk, 10, {people.d002: 4})
    text = f"product,holder,qty\n{product.code},D001,5\n{product.code},D002,3\n{product.code},S009,1\nNO,D001,1\n"
    run = begin_import("quotas.shares", SimpleUploadedFile("shares.csv", text.encode()), actor=people.hq_admin)
    looked = import_runs.look(run, people.hq_admin)
    assert [one.what for one in looked.entries] == ["new", "changed"]
    assert {(one.row, one.fault.code) for one in looked.wrong} == {(4, "quotas.buyer_unknown"), (5, "quotas.none_on_day")}
    good = text.replace(f"{product.code},S009,1\nNO,D001,1\n", "")
    run = begin_import("quotas.shares", SimpleUploadedFile("good.csv", good.encode()), actor=people.hq_admin)
    run_import(run.pk, actor=people.hq_admin)
    assert dict(Share.unscoped.values_list("buyer__code", "qty")) == {"D001": 5, "D002": 3}
    undo_import(run.pk, actor=people.hq_admin)
    assert dict(Share.unscoped.values_list("buyer__code", "qty")) == {"D002": 4}


def quotas_from(people, product, *lines, actor=None):
    text = "商品编码,开始日期,结束日期,数量\n" + "".join(f"{product.code},{line}\n" for line in lines)
    return begin_import("quotas.quotas", SimpleUploadedFile("quotas.csv", text.encode()), actor=actor or people.hq_admin)


def test_quotas_come_from_a_file_change_and_go_back(people, product):
    actor, today, last = people.hq_admin, clock.today(), clock.today() + timedelta(days=9)
    later, end = last + timedelta(days=1), last + timedelta(days=30)
    run = run_import(quotas_from(people, product, f"{today},{last},100", f"{later},{end},50").pk, actor=actor)
    assert list(Quota.unscoped.order_by("valid_from").values_list("valid_from", "valid_to", "total")) == [(today, last, 100), (later, end, 50)]
    same_again("quotas.quotas", actor, 2)
    again = run_import(quotas_from(people, product, f"{today},,120").pk, actor=actor)
    first = Quota.unscoped.get(valid_from=today)
    assert first.total == 120
    undo_import(again.pk, actor=actor)
    assert Quota.unscoped.get(valid_from=today).total == 100
    set_shares(first.pk, {Holder(buyer_id=people.d001.pk): D(40)}, actor=actor)
    assert [fault.code for _row, fault in undoing_of(run, actor).kept] == ["base.import_built_on"]
    undo_import(run.pk, actor=actor)
    assert list(Quota.unscoped.values_list("valid_from", flat=True)) == [today], "what has shares stays"


def test_each_row_of_quotas_is_judged_and_only_who_keeps_them_may(people, product):
    today, last = clock.today(), clock.today() + timedelta(days=9)
    make_quota(people.lh, product.pk, 10, {people.d001: 4})
    rows = (f"{last},{last},5", f"{today + timedelta(days=20)},,5", f"{today + timedelta(days=40)},{today},5", f"{today},{last},-1")
    found = import_runs.look(quotas_from(people, product, *rows), people.hq_admin)
    assert {(one.row, one.column, one.fault.code) for one in found.wrong} == {
        (2, "valid_from", "quotas.quota_no_overlap"), (3, "valid_to", "base.import_empty"), (4, "valid_to", "quotas.span_wrong"),
        (5, "total", "quotas.total_wrong"),
    }  # fmt: skip
    with pytest.raises(Forbidden):
        quotas_from(people, product, f"{today},{last},5", actor=people.dealer)


def test_a_buyer_sees_no_quota(people, product, client):
    quota = make_quota(people.lh, product.pk, 10, {people.d001: 4})
    sign_in(client, people.dealer)
    assert client.get(quota.get_absolute_url()).status_code in (403, 404) and client.get(f"/api/v1/quotas/{quota.pk}").status_code in (403, 404)
