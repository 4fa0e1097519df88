"""Files of documents: kept once by their content, seen by whoever sees the document's sides, never executed by a browser.

A picture may be kept as a photo: drawn anew here, so that no place, no device and nothing hidden goes along. Only such a photo is shown inside a page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import partial
from io import BytesIO
from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse
from PIL import Image, ImageOps, UnidentifiedImageError

from qudao.base.access import Actor, visible
from qudao.base.action import part, record
from qudao.base.models import StoredFile
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, NotFound, raise_if_any

MOST_BYTES = 10_000_000
#: ending → what it is; anything else is refused, so that nothing a browser would run is ever kept
KINDS = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "txt": "text/plain",
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xls": "application/vnd.ms-excel",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
#: the kind of a picture that was drawn anew here; no upload can claim it, because it is no ending
PHOTO = "photo"
TYPES = KINDS | {PHOTO: "image/jpeg"}
#: endings that are kept as photos by those who ask for photos
PICTURES = ("png", "jpg", "jpeg", "webp")
FORMATS = ("PNG", "JPEG", "WEBP")
#: a picture with more points is refused before it is unpacked: it could fill the memory
MOST_POINTS = 40_000_000
#: the longer edge in points, and how large a photo may be in bytes; the small one stands in lists
EDGE, SMALL, PHOTO_BYTES = 1600, 240, 300_000
#: (edge, quality) tried in turn until a photo is small enough; the last is so for any picture
TRIES = ((EDGE, 82), (EDGE, 70), (EDGE, 55), (1200, 50), (700, 50))


@part
def keep(upload: UploadedFile, subject: Subject, *, actor: Actor) -> StoredFile:
    """Keep a file with a document; the same content again is the same file. Writes a line of the log. Raises Invalid for kind or size."""
    name, ending = _checked(upload, KINDS)
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    sha256 = digest.hexdigest()
    upload.seek(0)
    return _kept(StoredFile(name=name, kind=ending, size=upload.size, sha256=sha256), subject, [(_path(sha256), upload)], actor)


@part
def keep_photo(upload: UploadedFile, subject: Subject, *, actor: Actor) -> StoredFile:
    """Keep a picture with a document as a photo of ≤ 300 KB, drawn anew without anything it told about place or device.

    Writes a line of the log. Raises Invalid for what is no picture, or one with more than 40 million points.
    """
    name, _ending = _checked(upload, PICTURES)
    large, small = _drawn(upload)
    sha256 = hashlib.sha256(large).hexdigest()
    photo = StoredFile(name=f"{name.rpartition('.')[0]}.jpg"[-120:], kind=PHOTO, size=len(large), sha256=sha256)
    return _kept(photo, subject, [(_path(sha256), ContentFile(large)), (_path(sha256, small=True), ContentFile(small))], actor)


def is_picture(upload: UploadedFile) -> bool:
    """Whether a file says by its ending that it is a picture."""
    return (upload.name or "").rpartition(".")[2].lower() in PICTURES


def _checked(upload: UploadedFile, kinds: Iterable[str]) -> tuple[str, str]:
    """(name, ending) of an upload of one of these kinds; raises Invalid."""
    name = (upload.name or "").rpartition("/")[2][-120:]
    ending = name.rpartition(".")[2].lower()
    faults = []
    if ending not in kinds:
        faults.append(Fault("base.file_kind", "file", {"kinds": ", ".join(kinds)}))
    if not 0 < (upload.size or 0) <= MOST_BYTES:
        faults.append(Fault("base.file_size", "file", {"most": MOST_BYTES // 1_000_000}))
    raise_if_any(faults, Invalid)
    return name, ending


def _drawn(upload: UploadedFile) -> tuple[bytes, bytes]:
    """(the photo, the small one) of an uploaded picture."""
    try:
        with Image.open(upload, formats=FORMATS) as found:
            if found.width * found.height > MOST_POINTS:
                raise Invalid("base.photo_size", field="file", most=MOST_POINTS // 1_000_000)
            found.draft("RGB", (EDGE, EDGE))
            turned = ImageOps.exif_transpose(found).convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Invalid("base.photo_broken", field="file") from error
    turned.thumbnail((EDGE, EDGE))
    paper = Image.new("RGB", turned.size, "white")
    paper.paste(turned, mask=turned.getchannel("A"))
    large = b""
    for edge, quality in TRIES:
        paper.thumbnail((edge, edge))
        large = _jpeg(paper, quality)
        if len(large) <= PHOTO_BYTES:
            break
    paper.thumbnail((SMALL, SMALL))
    return large, _jpeg(paper, 75)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = BytesIO()
    picture.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _path(sha256: str, *, small: bool = False) -> str:
    return f"{sha256[:2]}/{sha256}{'-small' if small else ''}"


def _kept(file: StoredFile, subject: Subject, contents: list[tuple[str, UploadedFile | ContentFile]], actor: Actor) -> StoredFile:
    """The row of a file whose contents are on the disk; the known one when the document has this content already."""
    known = files_of(subject).filter(sha256=file.sha256).first()
    if known:
        return known
    for path, content in contents:  # before the row: a file without a row harms nobody, a row without its file does
        if not default_storage.exists(path):
            default_storage.save(path, content)
    file.at, file.by_user, file.by_org, file.by_name = clock.now(), actor.user_id, actor.org_id or None, actor.name
    for column, value in subject.columns().items():
        setattr(file, column, value)
    file.save(force_insert=True)
    record(subject, detail={"file": file.name, "sha256": file.sha256})
    return file


def files_of(subject: Subject) -> QuerySet[StoredFile]:
    """The files of one document, oldest first. The caller has shown that the actor sees the document itself."""
    return StoredFile.unscoped.filter(subject_kind=subject.kind, subject_id=subject.id).order_by("id")


def content(file: StoredFile) -> IO[bytes]:
    """What is in a kept file. The caller has shown that the actor sees its document."""
    return default_storage.open(_path(file.sha256))


def drop(kind: str, ids: Iterable[int]) -> None:
    """Forget the files of documents that are being removed; a content that no other document has leaves the disk. Inside an action."""
    gone = StoredFile.unscoped.filter(subject_kind=kind, subject_id__in=list(ids))
    contents = set(gone.values_list("sha256", flat=True))
    gone.delete()
    for sha256 in contents - set(StoredFile.unscoped.filter(sha256__in=contents).values_list("sha256", flat=True)):
        transaction.on_commit(partial(default_storage.delete, _path(sha256)))


def files_by_subject(actor: Actor, kind: str, ids: Iterable[int]) -> dict[int, list[StoredFile]]:
    """The files that an actor may see of many documents of one kind, by document, oldest first; nothing without the right. One statement."""
    found: dict[int, list[StoredFile]] = {}
    wanted = list(ids)
    if wanted and actor.can("base.files"):
        for one in visible(actor, StoredFile).filter(subject_kind=kind, subject_id__in=wanted).order_by("id"):
            found.setdefault(one.subject_id, []).append(one)
    return found


def opened(actor: Actor, subject: Subject, file_id: int, *, small: bool = False) -> tuple[StoredFile, IO[bytes]]:
    """A file of a document with its content (of a photo the small one); NotFound when the document has none such that the actor may see."""
    found = visible(actor, StoredFile).filter(subject_kind=subject.kind, subject_id=subject.id, pk=file_id).first()
    if found is None:
        raise NotFound("base.not_found")
    return found, default_storage.open(_path(found.sha256, small=small and found.kind == PHOTO))


def download(actor: Actor, subject: Subject, file_id: int) -> FileResponse:
    """The file as an answer that a browser saves and never shows as a page of ours."""
    found, content = opened(actor, subject, file_id)
    return FileResponse(content, as_attachment=True, filename=found.name, content_type=TYPES[found.kind], headers={"X-Content-Type-Options": "nosniff"})


def show(actor: Actor, subject: Subject, file_id: int, *, small: bool = False) -> FileResponse:
    """A photo as an answer that a page may show, large or small; any other file is downloaded. Its content never changes, so a browser keeps it."""
    found, content = opened(actor, subject, file_id, small=small)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=604800, immutable"}
    shown = found.kind == PHOTO
    return FileResponse(content, as_attachment=not shown, filename=found.name, content_type=TYPES[found.kind], headers=headers)
