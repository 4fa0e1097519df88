"""Pictures of products: drawn anew in two sizes, seen by whoever sees the product."""

import base64
import io
from random import Random

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.base.work import unit
from qudao.catalog import actions, queries, rules
from qudao.catalog.tests.make import make_product
from qudao.kernel.errors import Forbidden, Invalid, NotFound
from qudao.people.tests.make import sign_in


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def sent(width=1200, height=800, kind="JPEG", mode="RGB", noise=False, **options):
    """A picture as a person sends it."""
    image = Image.new(mode, (width, height), "teal")
    if noise:
        image.frombytes(Random(1).randbytes(width * height * 3))
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(content):
    return Image.open(io.BytesIO(content))


def test_a_picture_is_drawn_anew_in_two_sizes_without_what_was_hidden_in_it():
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "where it was taken"
    large, thumb = rules.drawn(sent(exif=exif))
    assert [opened(x).size for x in (large, thumb)] == [(320, 480), (107, 160)]
    assert opened(large).format == "WEBP" and not opened(large).getexif() and b"taken" not in large


def test_no_kept_picture_is_heavier_than_sixty_kilobytes():
    large, thumb = rules.drawn(sent(900, 900, noise=True, quality=95))
    assert 20_000 < len(large) <= rules.MOST_PICTURE_BYTES and len(thumb) < len(large)


@pytest.mark.parametrize(("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("BMP", "RGB"), ("WEBP", "RGBA"), ("JPEG", "CMYK")])
def test_every_common_kind_can_be_sent(kind, mode):
    assert opened(rules.drawn(sent(64, 48, kind, mode))[0]).size == (64, 48)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "catalog.picture_size"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "catalog.picture_unreadable"),
        (sent()[:900], "catalog.picture_unreadable"),
        (sent(8000, 8000, "PNG", "1"), "catalog.picture_pixels"),
        (sent(16000, 16000, "PNG", "1"), "catalog.picture_unreadable"),  # more than Pillow itself opens
    ],
)
def test_what_is_no_picture_is_refused(content, code):
    with pytest.raises(Invalid) as error:
        rules.drawn(content)
    assert [(f.code, f.field) for f in error.value.faults] == [(code, "picture")]


def test_a_picture_is_set_once_and_taken_away(cast):
    product = make_product(cast.lh, "A")
    made = actions.set_picture(product.pk, sent(), actor=cast.hq_admin)
    assert opened(queries.picture(cast.hq_clerk, product.pk, made.picture, 160)).size == (160, 107)
    assert actions.set_picture(product.pk, sent(), actor=cast.hq_admin).picture == made.picture
    assert [line.detail for line in timeline(actions.subject_of(product))][1:] == [{"picture": ["", made.picture]}]
    assert actions.remove_picture(product.pk, actor=cast.hq_admin).picture == ""
    with pytest.raises(NotFound):
        queries.picture(cast.hq_clerk, product.pk, made.picture, 160)


def test_only_who_keeps_the_product_sets_its_picture(cast):
    product = make_product(cast.lh, "A")
    for who, refusal in ((cast.hq_clerk, Forbidden), (cast.dealer_admin, NotFound)):
        with pytest.raises(refusal):
            actions.set_picture(product.pk, sent(), actor=who)
        with pytest.raises(refusal):
            actions.remove_picture(product.pk, actor=who)


def test_the_picture_is_sent_by_a_form_shown_on_the_card_and_kept_by_browsers(client, cast):
    product = make_product(cast.lh, "A")
    hq, url = sign_in(client, cast.hq_admin), reverse("product_picture", args=[product.pk])
    assert b"multipart/form-data" in hq.get(url).content
    refused = hq.post(url, {"picture": SimpleUploadedFile("a.jpg", b"no picture")})
    assert refused.status_code == 422 and "not a picture" in refused.content.decode()
    assert hq.post(url, {"picture": SimpleUploadedFile("a.jpg", sent())}).status_code == 302
    product.refresh_from_db()
    shown = reverse("product_picture_file", args=[product.pk, product.picture])
    assert shown in hq.get(product.get_absolute_url()).content.decode()
    answer = hq.get(f"{shown}?s=160")
    assert (answer["Content-Type"], opened(answer.content).size) == ("image/webp", (160, 107))
    assert "immutable" in answer["Cache-Control"] and "private" in answer["Cache-Control"]
    assert hq.get(f"{shown}?s=9999").status_code == 404
    assert sign_in(client, cast.stranger).get(shown).status_code == 404
    hq = sign_in(client, cast.hq_admin)
    assert hq.post(reverse("product_picture_removal", args=[product.pk])).status_code == 302
    assert hq.get(shown).status_code == 404


def test_the_picture_over_the_api(cast):
    product = make_product(cast.lh, "A")
    hq, at = Api(cast.hq_admin), f"/products/{product.pk}"
    status, made = hq("put", f"{at}/picture", {"content": "AAAA"})
    assert (status, made["faults"][0]["field"]) == (422, "picture")
    status, made = hq("put", f"{at}/picture", {"content": base64.b64encode(sent()).decode()})
    assert (status, made["picture"]) == (200, f"/products/{product.pk}/picture/{product_hash(product)}.webp")
    assert hq("get", at)[1]["picture"] == made["picture"]
    assert Api(cast.stranger)("delete", f"{at}/picture")[0] in (403, 404)
    assert hq("delete", f"{at}/picture")[1]["picture"] == ""
    assert hq("put", f"{at}/picture", {"content": "not base64!"})[0] == 422


def product_hash(product):
    product.refresh_from_db()
    return product.picture


def test_a_viewer_named_by_the_audience_sees_the_picture(cast):
    product = actions.set_picture(make_product(cast.lh, "A").pk, sent(), actor=cast.hq_admin)
    with pytest.raises(NotFound):
        queries.picture(cast.dealer, product.pk, product.picture, 480)
    unit(lambda: actions.set_audience([cast.d001.pk], [(cast.lh.pk, cast.d001.pk)], actor=system_actor()))
    assert queries.picture(cast.dealer, product.pk, product.picture, 480)
