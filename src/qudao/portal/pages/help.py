"""The handbook inside the product: the page for where one is, in the reader's language, without a network; it prints as it stands."""

from __future__ import annotations

import mimetypes
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt

from qudao.base.html.figures import chinese
from qudao.base.html.pages import door
from qudao.kernel.errors import NotFound

#: the topics in the handbook's order
TOPICS = (
    "start", "home", "ordering", "desk", "approvals", "orders", "shipments", "money", "lists", "search", "conversations", "printing", "prices", "network",
    "importing", "administration",
)  # fmt: skip
#: first part of an address → the topic that explains the page
BY_ADDRESS = {
    "": "home", "insight": "home", "shop": "ordering", "basket": "ordering", "approvals": "approvals", "approval-flows": "approvals", "orders": "orders",
    "shipments": "shipments", "differences": "shipments", "scan": "shipments", "stock": "shipments", "moves": "shipments", "places": "shipments",
    "invoices": "money", "payments": "money", "accounts": "money", "ageing": "money", "funds": "money", "periods": "money", "search": "search",
    "jobs": "lists", "imports": "importing", "tasks": "conversations", "notices": "conversations", "price-lists": "prices", "prices": "prices",
    "products": "prices", "agreements": "network", "organisations": "network", "people": "administration", "roles": "administration", "me": "administration",
    "system": "administration", "log": "administration", "favourites": "ordering", "baskets": "ordering", "templates": "ordering", "quotas": "ordering",
    "quota-shares": "ordering", "taxes": "money", "small-differences": "money", "branch-invoices": "money", "pooled-payments": "money",
    "collective-invoices": "money", "chart": "money", "trial-balance": "money", "entries": "money", "parcels": "shipments", "receipt-lines": "shipments",
    "lots": "shipments", "serving-rules": "shipments", "list-assignments": "prices", "special-prices": "prices", "wide-assignments": "prices",
    "exchange-differences": "money", "limit-requests": "money", "shared-limits": "money", "costs": "prices",
    "exchange-rates": "prices", "packs": "prices", "categories": "prices", "brands": "prices", "tax-classes": "prices", "authorisations": "network",
    "buyer-groups": "network", "group-members": "network", "assortment-rules": "network", "assortments": "network", "addresses": "network",
    "notice-texts": "administration", "price-changes": "prices", "absences": "approvals", "approval-requests": "approvals",
    "messages": "conversations", "notes": "conversations", "prints": "printing", "views": "lists", "cells": "lists",
}  # fmt: skip


def topic_of(address: str) -> str:
    """The topic that explains the page at an address."""
    if address.startswith("/orders/new"):
        return "desk"
    return BY_ADDRESS.get(address.strip("/").partition("/")[0], "start")


def _file(topic: str) -> Path:
    return settings.HANDBOOK / ("zh" if chinese() else "en") / f"{topic}.md"


@cache
def _read(file: Path, _changed: float) -> tuple[str, SafeString]:
    """(title, the page as HTML) of a file of the handbook; raw HTML in it is shown as text. Links between its files become addresses of this page."""
    text = file.read_text(encoding="utf-8")
    made = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = made.parse(text.partition("\n")[2])
    for token in [inner for outer in tokens for inner in (outer, *(outer.children or ()))]:
        if token.type == "link_open" and str(token.attrs["href"]).endswith(".md"):
            token.attrs |= {"href": f"/help/{str(token.attrs['href']).removesuffix('.md')}/", "class": "text-decoration-underline"}
        elif token.type == "image":
            name = str(token.attrs["src"]).rpartition("/")[2]
            token.attrs |= {"src": f"/help/pictures/{name}", "loading": "lazy", "class": "img-fluid border rounded"}
        elif token.type == "table_open":
            token.attrs["class"] = "table"
    html = made.renderer.render(tokens, made.options, {})
    return text.partition("\n")[0].lstrip("# ").strip(), mark_safe(html)  # noqa: S308 - our own text, HTML in it switched off


def _load(topic: str) -> tuple[str, SafeString]:
    file = _file(topic)
    if topic not in TOPICS or not file.is_file():
        raise NotFound("base.not_found")
    return _read(file, file.stat().st_mtime)


@door()
def help_start(request: HttpRequest) -> HttpResponse:
    """The topic for the page one comes from (`?at=`), else the first one."""
    topic = topic_of(request.GET.get("at", ""))
    return _page(request, topic if request.GET.get("at") and _file(topic).is_file() else "start")


@door()
def help_topic(request: HttpRequest, topic: str) -> HttpResponse:
    """One topic of the handbook, with the list of all."""
    return _page(request, topic)


def _page(request: HttpRequest, topic: str) -> HttpResponse:
    title, body = _load(topic)
    topics = [(one, _load(one)[0], one == topic) for one in TOPICS if _file(one).is_file()]
    return render(request, "portal/help.html", {"title": title, "body": body, "topics": topics, "section": _("Help")})


@door()
def help_picture(request: HttpRequest, name: str) -> FileResponse:
    """A picture of the handbook."""
    file = settings.HANDBOOK.parent / "pictures" / name
    if not name.replace("-", "").replace(".", "").isalnum() or ".." in name or not file.is_file():
        raise NotFound("base.not_found")
    return FileResponse(file.open("rb"), content_type=mimetypes.guess_type(name)[0] or "image/png")


routes = [
    path("help/", help_start, name="help"),
    path("help/<slug:topic>/", help_topic, name="help_topic"),
    path("help/pictures/<str:name>", help_picture, name="help_picture"),
]
