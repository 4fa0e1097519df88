"""Photos: drawn anew, small, without what a camera tells; anything else stays a download."""

from __future__ import annotations

from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from qudao.base import files
from qudao.base.access import Actor, Scope
from qudao.base.action import action
from qudao.base.models import StoredFile
from qudao.base.subject import Subject
from qudao.kernel.errors import Invalid, NotFound

pytestmark = pytest.mark.django_db

SUBJECT = Subject("base.thing", 7, 1, 2, "T-1")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def person(org=1):
    return Actor(5, 6, org, f"/{org}/", "hq", "Li Lei", frozenset({"base.files"}), Scope.ALL)


@action("base.files")
def keep(upload, photo, *, actor):
    return (files.keep_photo if photo else files.keep)(upload, SUBJECT, actor=actor)


def picture(size=(2400, 1800), kind="JPEG", noise=False, **more):
    out = BytesIO()
    drawn = Image.effect_noise(size, 90).convert("RGB") if noise else Image.new("RGB", size, "teal")
    drawn.save(out, kind, **more)
    return SimpleUploadedFile(f"IMG 1.{kind.lower()}", out.getvalue())


def test_a_photo_is_small_and_tells_nothing_of_place_and_device(folder):
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825)[2] = (30.0, 16.0, 1.0)
    upload = picture(noise=True, exif=exif, quality=97)
    assert upload.size > 1_000_000 and b"SecretPhone" in upload.read()
    kept = keep(upload, True, actor=person())
    assert (kept.kind, kept.name) == ("photo", "IMG 1.jpg") and kept.size <= files.PHOTO_BYTES
    answer = files.show(person(), SUBJECT, kept.pk)
    content = b"".join(answer.streaming_content)
    assert b"SecretPhone" not in content and b"Exif" not in content
    with Image.open(BytesIO(content)) as shown:
        assert 700 <= max(shown.size) <= files.EDGE and not shown.getexif()
    assert answer.headers["Content-Disposition"].startswith("inline") and "immutable" in answer.headers["Cache-Control"]
    small = b"".join(files.show(person(), SUBJECT, kept.pk, small=True).streaming_content)
    assert len(small) < 30_000 and max(Image.open(BytesIO(small)).size) == files.SMALL


def test_a_turned_photo_stands_upright_and_a_clear_one_is_laid_on_white():
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = keep(picture((400, 100), exif=exif), True, actor=person())
    with files.opened(person(), SUBJECT, kept.pk)[1] as content, Image.open(content) as shown:
        assert shown.size == (100, 400)
    clear = BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(clear, "PNG")
    kept = keep(SimpleUploadedFile("x.png", clear.getvalue()), True, actor=person())
    with files.opened(person(), SUBJECT, kept.pk)[1] as content, Image.open(content) as shown:
        assert shown.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("upload", "code"),
    [
        (SimpleUploadedFile("x.jpg", b"<script>alert(1)</script>"), "base.photo_broken"),
        (SimpleUploadedFile("x.photo", b"1"), "base.file_kind"),
        (SimpleUploadedFile("x.pdf", b"%PDF"), "base.file_kind"),
        (picture((8000, 6000), "PNG"), "base.photo_size"),
    ],
)
def test_what_is_no_picture_or_far_too_large_is_refused(upload, code):
    with pytest.raises(Invalid) as caught:
        keep(upload, True, actor=person())
    assert caught.value.faults[0].code == code and not StoredFile.unscoped.exists()


def test_a_picture_kept_as_a_file_is_never_shown_and_photo_is_no_ending():
    kept = keep(picture((9, 9)), False, actor=person())
    answer = files.show(person(), SUBJECT, kept.pk)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    answer.file_to_stream.close()  # the answer itself would end a request, and with it the connection of this test
    with pytest.raises(Invalid):
        keep(SimpleUploadedFile("x.photo", b"1"), False, actor=person())
    with pytest.raises(NotFound):
        files.show(person(3), SUBJECT, kept.pk)
    assert files.files_by_subject(person(), "base.thing", [7, 8]) == {7: [kept]} and files.files_by_subject(person(3), "base.thing", [7]) == {}
