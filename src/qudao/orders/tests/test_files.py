"""Files of an order: for its two sides, kept once, of harmless kinds only."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError
from django.urls import reverse

from qudao.base.audit import timeline
from qudao.base.models import StoredFile
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.orders.actions import attach_file, place_order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_downstream, make_world, place
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_world()


def paper(name="terms.pdf", content=b"%PDF-1.7 delivery at gate 3"):
    return SimpleUploadedFile(name, content)


def test_both_sides_see_an_attached_file_and_nobody_else_does(world, client):
    order, cast = place(world, 1), world.cast
    attach_file(order.pk, paper(), actor=world.dealer)
    (line,) = [x for x in timeline(order.subject) if x.verb == "orders.attach"]
    assert line.detail["file"] == "terms.pdf" and line.actor_org == cast.d001.pk
    at = f"/api/v1/orders/{order.pk}/files"
    for actor in (world.dealer, cast.hq_clerk):
        (told,) = sign_in(client, actor).get(at).json()
        answer = client.get(f"{at}/{told['id']}")
        assert b"".join(answer.streaming_content) == b"%PDF-1.7 delivery at gate 3"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="terms.pdf"' and answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "terms.pdf" in client.get(reverse("order", args=[order.pk])).content.decode()
    assert sign_in(client, cast.stranger).get(at).status_code == 404
    with pytest.raises(NotFound):
        attach_file(order.pk, paper(), actor=cast.stranger)
    with pytest.raises(Forbidden):
        attach_file(order.pk, paper(), actor=cast.hq_warehouse)


def test_files_of_a_trade_below_are_not_shown_above(world, client):
    make_downstream(world)
    people = world.cast
    order = place_order(Placing(people.d001.pk, people.s001.pk, [NewLine(world.products[0].pk, D(1))]), actor=people.sub_dealer)
    attach_file(order.pk, paper(), actor=people.sub_dealer)
    assert sign_in(client, people.hq_clerk).get(f"/api/v1/orders/{order.pk}/files").json() == []
    kept = StoredFile.unscoped.get()
    assert client.get(f"/api/v1/orders/{order.pk}/files/{kept.pk}").status_code == 404


def test_the_same_content_again_is_the_same_file(world):
    order = place(world, 1)
    for name in ("a.pdf", "b.pdf"):
        attach_file(order.pk, paper(name), actor=world.dealer)
    kept = StoredFile.unscoped.get()
    assert (kept.name, kept.size) == ("a.pdf", 27)
    with pytest.raises(IntegrityError):
        StoredFile.unscoped.filter(pk=kept.pk).update(size=0)


@pytest.mark.parametrize(
    ("name", "content", "code"), [("x.html", b"<script>", "base.file_kind"), ("x.pdf", b"", "base.file_size"), ("x", b"1", "base.file_kind")]
)
def test_what_a_browser_would_run_or_is_empty_is_refused(world, name, content, code):
    order = place(world, 1)
    with pytest.raises(Invalid) as caught:
        attach_file(order.pk, paper(name, content), actor=world.dealer)
    assert [(f.code, f.field) for f in caught.value.faults] == [(code, "file")] and not StoredFile.unscoped.exists()


def test_the_page_takes_a_file_and_says_what_is_wrong(world, client):
    order = place(world, 1)
    page = reverse("order_files", args=[order.pk])
    sign_in(client, world.dealer)
    assert 'enctype="multipart/form-data"' in client.get(page).content.decode()
    assert client.post(page, {"file": paper("x.exe", b"MZ")}).status_code == 422
    assert client.post(page, {}).status_code == 422
    assert client.post(page, {"file": paper()}).status_code == 302 and StoredFile.unscoped.count() == 1
