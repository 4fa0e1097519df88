"""One line of the table of addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    look: str = ""
    do: str = ""
    row: str = ""
    #: nobody needs to sign in
    public: bool = False
    #: what else is filled into the address, by name of the parameter
    more: Mapping[str, Any] | None = None
    #: what a foreign row may answer besides 404; always the same as an absent one
    hidden: frozenset[int] = frozenset({404})
    #: what else the thing itself may answer
    also: frozenset[int] = frozenset()
    #: not visited, because …
    skip: str = ""


def verb(view: str, do: str, row: str) -> dict[str, Rule]:  # at an address of its own: the page asks (GET), both do (POST)
    return {f"{row}/#/{view}": Rule(do, do, row)}
