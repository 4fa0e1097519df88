"""Facts about approvals, for figures on how long decisions take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class StepLate:
    """The time of a step is out, and its flow says what is decided then ("approve", "reject"); the document does it."""

    version: ClassVar[int] = 1
    subject_kind: str
    subject_id: int
    decision: str


@dataclass(frozen=True)
class RequestClosed:
    """A request was approved, rejected or withdrawn; `seconds` since it was opened."""

    version: ClassVar[int] = 1
    request_id: int
    state: str
    seconds: int
