"""Photos of what is wrong with a receipt: taken with the count, asked for by the seller, seen by both sides and nobody else."""

from __future__ import annotations

from decimal import Decimal as D

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from qudao.base.models import StoredFile
from qudao.fulfilment.actions import attach_photos, confirm_receipt
from qudao.fulfilment.models import Receipt, ReceiptLine
from qudao.fulfilment.tests.make import Count, encoded, lines, make_world, photo, place, received, shipped
from qudao.inventory.actions import set_receiving
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_world()


def test_the_receiver_counts_and_photographs_in_one_go(world, client):
    shipment = shipped(world, place(world, 5))
    (line,) = lines(shipment)
    at = reverse("shipment_receipt", args=[shipment.pk])
    sign_in(client, world.dealer)
    form = client.get(at).content.decode()
    assert f'name="photo-{line.pk}"' in form and 'enctype="multipart/form-data"' in form
    counted = {"lines-ref": line.pk, "lines-received": "4", "lines-damaged": "1", "lines-over": "", "lines-note": "dented", f"photo-{line.pk}": photo()}
    refused = client.post(at, {**counted, f"photo-{line.pk}": SimpleUploadedFile("x.jpg", b"no picture")})
    assert refused.status_code == 422 and not Receipt.unscoped.exists(), "a receipt whose photos are refused is not confirmed"
    assert client.post(at, counted).status_code == 302
    kept, counted_line = StoredFile.unscoped.get(), ReceiptLine.unscoped.get()
    for actor in (world.dealer, world.cast.hq_clerk):
        sign_in(client, actor)
        answer = client.get(reverse("shipment", args=[shipment.pk]))
        assert "fulfilment/photos.html" in {one.name for one in answer.templates}
        page = answer.content.decode()
        url = reverse("receipt_photo", args=[counted_line.pk, kept.pk])
        assert page.count(url) >= 2 and "dented" in page
        answer = client.get(url + "?small")
        assert answer.headers["Content-Type"] == "image/jpeg"
        b"".join(answer.streaming_content)
        assert "Photos" in client.get(reverse("differences")).content.decode()
    assert sign_in(client, world.cast.stranger).get(url).status_code == 404


def test_only_the_receiver_attaches_and_only_to_its_own_lines(world):
    receipt = received(world, place(world, 5), 1)
    (line,) = lines(receipt.shipment)
    other = lines(shipped(world, place(world, 1)))[0]
    attach_photos(receipt.pk, {line.pk: [photo(), photo("again.jpg")]}, actor=world.dealer)
    assert StoredFile.unscoped.get().name == "dent.jpg", "the same picture again is the same photo"
    for actor, photos, refusal in (
        (world.cast.stranger, {line.pk: [photo()]}, NotFound if "fulfilment.receive" in world.cast.stranger.verbs else Forbidden),
        (world.cast.hq_admin, {line.pk: [photo()]}, Forbidden),
        (world.dealer, {other.pk: [photo()]}, NotFound),
        (world.dealer, {line.pk: [photo() for _n in range(7)]}, Invalid),
        (world.dealer, {line.pk: [SimpleUploadedFile("x.pdf", b"%PDF")]}, Invalid),
    ):
        with pytest.raises(refusal):
            attach_photos(receipt.pk, photos, actor=actor)
    with pytest.raises(NotFound):
        attach_photos(0, {}, actor=world.dealer)


def test_damaged_and_wrong_goods_are_received_with_a_photo_and_nothing_typed_is_lost(world, client):
    shipment = shipped(world, place(world, 5, 5))
    first, second = lines(shipment)
    at = reverse("shipment_receipt", args=[shipment.pk])
    sign_in(client, world.dealer)
    assert "data-asks" in client.get(at).content.decode()
    typed = {"lines-ref": [first.pk, second.pk], "lines-received": ["4", "3"], "lines-damaged": ["1", ""], "lines-over": ["", ""], "note": "wet outside"}
    typed |= {"lines-wrong": ["", "2"], "lines-wrong_product": ["", world.products[0].code], "lines-note": ["dented", "mixed up"]}
    refused = client.post(at, {**typed, f"photo-{first.pk}": photo()})
    shown = refused.content.decode()
    assert refused.status_code == 422 and shown.count("Take at least one photo of it") == 2, "at its line, and for the page's own check"
    assert all(f'value="{said}"' in shown for said in ("dented", "mixed up", "wet outside", world.products[0].code)) and not Receipt.unscoped.exists()
    short = [Count(first.pk, D(3), note="two missing")]
    with pytest.raises(Invalid) as bare:
        confirm_receipt(shipment.pk, [Count(first.pk, D(4), D(1))], photos={second.pk: [photo()]}, actor=world.dealer)
    assert [(f.code, f.field) for f in bare.value.faults] == [("fulfilment.photo_missing", f"lines.{first.pk}.damaged")]
    assert client.post(at, {**typed, f"photo-{first.pk}": photo(), f"photo-{second.pk}": photo(colour="red")}).status_code == 302
    assert StoredFile.unscoped.count() == 2
    other = shipped(world, place(world, 5))
    confirm_receipt(other.pk, [Count(lines(other)[0].pk, short[0].received)], photos={}, actor=world.dealer)  # what is missing shows nothing


def test_a_seller_may_ask_for_none_and_files_of_other_systems_have_none(world, client):
    set_receiving(world.agreement.pk, 7, False, actor=world.cast.hq_warehouse)
    shipment = shipped(world, place(world, 5))
    (line,) = lines(shipment)
    at = reverse("shipment_receipt", args=[shipment.pk])
    assert "data-asks" not in sign_in(client, world.dealer).get(at).content.decode()
    confirm_receipt(shipment.pk, [Count(line.pk, D(4), D(1))], photos={}, actor=world.dealer)
    set_receiving(world.agreement.pk, 7, True, actor=world.cast.hq_warehouse)
    other = shipped(world, place(world, 5))
    confirm_receipt(other.pk, [Count(lines(other)[0].pk, D(4), D(1))], actor=world.dealer)
    assert ReceiptLine.unscoped.filter(damaged=1).count() == 2 and not StoredFile.unscoped.exists()


def test_programs_send_photos_as_text(world, client):
    shipment = shipped(world, place(world, 5))
    (line,) = lines(shipment)

    def ask(**more):
        body = {"lines": [{"line_id": line.pk, "received": "4", "damaged": "1", **more}]}
        return client.post(f"/api/v1/shipments/{shipment.pk}/receipt", body, content_type="application/json", headers=bearer(world.dealer))

    bare, broken, none = ask(), ask(photos=["no text of a file"]), ask(photos=["bm8gcGljdHVyZQ=="])
    assert [one.status_code for one in (bare, broken, none)] == [422, 422, 422]
    assert "fulfilment.photo_missing" in bare.content.decode() and "fulfilment.photo_unreadable" in broken.content.decode()
    assert not Receipt.unscoped.exists(), "all or nothing"
    assert ask(photos=[encoded()]).status_code == 201 and StoredFile.unscoped.get().subject_kind == "fulfilment.receiptline"
