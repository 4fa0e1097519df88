"""Search everything: a full number or code jumps, the rest is a list by kind."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from qudao.base.html.pages import door
from qudao.portal.queries import find


@door()
def search(request: HttpRequest) -> HttpResponse:
    """Everything that matches `q`; the only exact hit opens at once."""
    words = request.GET.get("q", "").replace("\x00", "").strip()[:80]
    groups = find(request.actor, words) if len(words) > 1 else []  # type: ignore[attr-defined]
    exact = [hit for group in groups for hit in group.hits if hit.label.lower() == words.lower() and hit.url]
    if len(exact) == 1:
        return HttpResponseRedirect(exact[0].url)
    return render(request, "portal/search.html", {"title": _("Search"), "words": words, "groups": groups})


routes = [path("search/", search, name="search")]
