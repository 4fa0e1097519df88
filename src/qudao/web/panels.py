"""Which upper modules show a panel on a lower module's document: one explicit line each, by subject kind.

A panel is a function (request, obj) -> base.html.pages.Panel | None in the upper module's `pages.py`. `qudao panels` prints this list.
"""

from __future__ import annotations

PANELS: dict[str, tuple[str, ...]] = {}
