"""The text of a PDF, page by page, as a reader copies it."""

from __future__ import annotations

from io import BytesIO

from pypdf import PdfReader


def pages_of(pdf: bytes) -> list[str]:
    """What a reader can copy from each page, without line breaks between pieces of one line."""
    return [page.extract_text().replace("\n", "").replace("\u00a0", " ") for page in PdfReader(BytesIO(pdf)).pages]
