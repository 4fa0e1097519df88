"""Search everything: a full number, code or amount jumps, the rest is a list by kind. The palette (Ctrl K) asks the same address for its list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.module_loading import import_string
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from qudao.base.html.pages import door, wanted
from qudao.base.search import words_of
from qudao.kernel.pinyin import spelled
from qudao.portal.queries import Group, Hit, find, opened, order_hits

#: the region of the page that the palette asks for
PALETTE = "palette-list"


def _places(request: HttpRequest) -> Sequence[tuple[Any, Any, str, str]]:
    """(label, section, address, icon) of every place of the menu that is open to the reader; the menu stands above this module."""
    return import_string(getattr(settings, "PLACES", "qudao.web.navigation.places"))(request)


def _said(label: Any, section: Any) -> str:
    """Everything by which a place may be called: in both languages, in pinyin, by the first letters of its words."""
    found = []
    for language in {get_language() or "en", "en", "zh-hans"}:
        with override(language):
            found += [str(label), str(section), spelled(str(label)), "".join(word[:1] for word in str(label).split())]
    return " ".join(found).upper()


def _commands(request: HttpRequest, words: Sequence[str]) -> list[Hit]:
    """The places of the menu that were meant; all of them when nothing was typed."""
    fitting = [place for place in _places(request) if all(word in _said(place[0], place[1]) for word in words)]
    return [Hit(str(label), str(section), url, icon) for label, section, url, icon in fitting[: 8 if words else None]]


@door()
def search(request: HttpRequest) -> HttpResponse:
    """Everything that matches `q`; the only exact hit opens at once. For the palette also what was opened lately (`recent`) and the commands."""
    actor = request.actor  # type: ignore[attr-defined]
    typed = request.GET.get("q", "").replace("\x00", "").strip()[:80]
    words = words_of(typed)
    groups = find(actor, typed) if words else []
    exact = [hit for group in groups for hit in group.hits if hit.exact and hit.url]
    if wanted(request) != PALETTE:
        if len(exact) == 1:
            return HttpResponseRedirect(exact[0].url)
        return render(request, "portal/search.html", {"title": _("Search"), "words": typed, "groups": groups})
    rest = [replace(group, hits=[hit for hit in group.hits if not hit.exact]) for group in groups]
    ordering = order_hits(actor, typed, lambda pk: f"{reverse('order_new')}?agreement={pk}") if words else []
    recent = opened(actor, request.GET.get("recent", "").split(",")) if not words else []
    shown = [
        Group(_("Exactly this"), exact),
        Group(_("Opened lately"), recent),
        Group(_("Go to"), _commands(request, words)),
        Group(_("New order"), ordering),
        *rest,
    ]
    return render(request, "portal/search_palette.html", {"groups": [group for group in shown if group.hits], "words": typed})


routes = [path("search/", search, name="search")]
