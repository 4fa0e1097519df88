"""Ways from page to page, of which not every installation has all."""

from __future__ import annotations

from django.urls import NoReverseMatch, reverse


def link(name: str, query: str = "", *args: object) -> str:
    """The address of a page with its query; "" when no installed module has it."""
    try:
        return reverse(name, args=args) + (f"?{query}" if query else "")
    except NoReverseMatch:
        return ""
