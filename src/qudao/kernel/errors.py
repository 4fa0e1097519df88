"""What may go wrong, as data: a fault is a code with parameters, its sentence is found at the edge (`base.sentences`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `code` ("orders.no_price"), the input field it stands at ("lines.3.qty", "" = the whole), and parameters."""

    code: str
    field: str = ""
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class DomainError(Exception):
    """A refusal in the words of the business; carries every fault found, not just the first. `status` is the HTTP answer."""

    status = 409

    def __init__(self, code: str, *, field: str = "", **params: Any) -> None:
        self.faults: tuple[Fault, ...] = (Fault(code, field, params),)
        super().__init__(code)

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> Self:
        """The same error with many faults; raises ValueError when there is none."""
        found = tuple(faults)
        if not found:
            raise ValueError("an error needs at least one fault")
        error = cls(found[0].code)
        error.faults = found
        return error

    def __str__(self) -> str:
        return "; ".join(f"{f.code}[{f.field}] {dict(f.params)}" if f.params or f.field else f.code for f in self.faults)


class Refused(DomainError):
    """A rule of the business says no (409): the state, a limit, a shortage."""


class Invalid(DomainError):
    """The input itself is wrong (422), each fault at its field."""

    status = 422


class Forbidden(DomainError):
    """The row is known to the actor, the verb is not granted (403)."""

    status = 403


class NotFound(DomainError):
    """No such row for this actor (404): absent and hidden look the same."""

    status = 404


class Waits(DomainError):
    """What was asked is kept and waits for somebody else (202): nothing failed, and nothing has happened yet. `address`: the page where it waits."""

    status = 202
    address = ""


class Conflict(DomainError):
    """Somebody changed it meanwhile, or it is busy (409): look again and retry."""


def raise_if_any(faults: Iterable[Fault], kind: type[DomainError] = Refused) -> None:
    """Raise `kind` with all faults when there is one."""
    found = tuple(faults)
    if found:
        raise kind.of(found)
