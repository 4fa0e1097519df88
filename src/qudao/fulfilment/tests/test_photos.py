"""Photos of what is wrong with a receipt: taken with the count, seen by both sides and nobody else."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from qudao.base.models import StoredFile
from qudao.fulfilment.actions import attach_photos
from qudao.fulfilment.models import Receipt, ReceiptLine
from qudao.fulfilment.tests.make import lines, make_world, place, received, shipped
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_world()


def photo(name="dent.jpg", colour="teal"):
    out = BytesIO()
    Image.new("RGB", (60, 40), colour).save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue())


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
