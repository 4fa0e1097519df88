"""Facts about organisations that other modules may follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class OrganisationRegistered:
    """A new organisation stands in the tree."""

    version: ClassVar[int] = 1
    organisation_id: int
    kind: str


@dataclass(frozen=True)
class OrganisationMoved:
    """A branch hangs under another parent now; its paths have changed."""

    version: ClassVar[int] = 1
    organisation_id: int
    old_path: str
    path: str


@dataclass(frozen=True)
class OrganisationStateChanged:
    """An organisation was suspended, resumed or closed."""

    version: ClassVar[int] = 1
    organisation_id: int
    before: str
    after: str


@dataclass(frozen=True)
class AreaChanged:
    """An organisation lies in another area by its code."""

    version: ClassVar[int] = 1
    organisation_id: int
