"""Files of documents: kept once by their content, seen by whoever sees the document's sides, never executed by a browser."""

from __future__ import annotations

import hashlib
from typing import IO

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import FileResponse

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
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


@part
def keep(upload: UploadedFile, subject: Subject, *, actor: Actor) -> StoredFile:
    """Keep a file with a document; the same content again is the same file. Writes a line of the log. Raises Invalid for kind or size."""
    name = (upload.name or "").rpartition("/")[2][-120:]
    ending = name.rpartition(".")[2].lower()
    faults = []
    if ending not in KINDS:
        faults.append(Fault("base.file_kind", "file", {"kinds": ", ".join(KINDS)}))
    if not 0 < (upload.size or 0) <= MOST_BYTES:
        faults.append(Fault("base.file_size", "file", {"most": MOST_BYTES // 1_000_000}))
    raise_if_any(faults, Invalid)
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    sha256 = digest.hexdigest()
    known = files_of(subject).filter(sha256=sha256).first()
    if known:
        return known
    path = f"{sha256[:2]}/{sha256}"
    if not default_storage.exists(path):  # before the row: a file without a row harms nobody, a row without its file does
        upload.seek(0)
        default_storage.save(path, upload)
    who = {"by_user": actor.user_id, "by_org": actor.org_id or None, "by_name": actor.name}
    kept = StoredFile.unscoped.create(at=clock.now(), name=name, kind=ending, size=upload.size, sha256=sha256, **who, **subject.columns())
    record(subject, detail={"file": name, "sha256": sha256})
    return kept


def files_of(subject: Subject) -> QuerySet[StoredFile]:
    """The files of one document, oldest first. The caller has shown that the actor sees the document itself."""
    return StoredFile.unscoped.filter(subject_kind=subject.kind, subject_id=subject.id).order_by("id")


def opened(actor: Actor, subject: Subject, file_id: int) -> tuple[StoredFile, IO[bytes]]:
    """A file of a document with its content; NotFound when the document has none such that the actor may see."""
    found = visible(actor, StoredFile).filter(subject_kind=subject.kind, subject_id=subject.id, pk=file_id).first()
    if found is None:
        raise NotFound("base.not_found")
    return found, default_storage.open(f"{found.sha256[:2]}/{found.sha256}")


def download(actor: Actor, subject: Subject, file_id: int) -> FileResponse:
    """The file as an answer that a browser saves and never shows as a page of ours."""
    found, content = opened(actor, subject, file_id)
    return FileResponse(content, as_attachment=True, filename=found.name, content_type=KINDS[found.kind], headers={"X-Content-Type-Options": "nosniff"})
