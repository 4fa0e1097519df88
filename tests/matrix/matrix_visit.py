"""Visiting an address as somebody: signed in through a session on pages, by a token on the API; each visit is rolled back."""

from __future__ import annotations

import html
import io
import json
import re
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import python_calamine
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.signals import got_request_exception
from django.db import connection, transaction
from django.shortcuts import resolve_url
from django.test import Client
from django.test.signals import template_rendered
from django.test.utils import CaptureQueriesContext
from matrix_routes import Route
from matrix_world import ROLES, World

from qudao.base.tests.pdf_text import pages_of
from qudao.people.queries import SESSION_MEMBERSHIP, SESSION_ROW

BACKEND = "django.contrib.auth.backends.ModelBackend"
WORK = re.compile(r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|LOCK)\b", re.IGNORECASE)
ANONYMOUS = "anonymous"


@dataclass(frozen=True)
class Answer:
    """What came back: `text` is the body as a reader would search it (files opened, entities resolved, thousands separators gone)."""

    status: int
    location: str
    text: str
    statements: list[str]
    markup: str = ""
    #: what went wrong inside, when the answer is a 500
    error: str = ""

    @property
    def to_sign_in(self) -> bool:
        return self.status == 302 and self.location.startswith(resolve_url(settings.LOGIN_URL))


class Visitor:
    """Everybody's browser and token, made once; `seen` collects the names of all templates that any visit rendered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: set[str] = set()
        self._browsers = {ANONYMOUS: Client(raise_request_exception=False), **{role: self._sign_in(role) for role in ROLES}}
        self._error = ""
        template_rendered.connect(self._note)
        got_request_exception.connect(self._note_error)

    def _note_error(self, **_more: Any) -> None:
        self._error = "".join(traceback.format_exc().splitlines(keepends=True)[-5:])

    def _note(self, template: Any = None, **_more: Any) -> None:
        if template is not None and template.name:
            self.seen.add(template.name)

    def _sign_in(self, role: str) -> Client:
        actor = self.world.actor(role)
        browser = Client(raise_request_exception=False)
        browser.force_login(get_user_model()._base_manager.get(pk=actor.user_id), backend=BACKEND)
        session = browser.session
        session[SESSION_ROW] = self.world.sessions[role].pk
        session[SESSION_MEMBERSHIP] = actor.membership_id
        session.save()
        browser.get("/me/")  # the device is noted once, at the first visit
        return browser

    def go(
        self, role: str, route: Route, method: str, values: Mapping[str, Any], *, body: Any = None, target: str = "", language: str = "en", count: bool = False
    ) -> Answer:
        """One request, rolled back. `values` fill the address, what begins with ? is its query; `target`: htmx asks for this region.

        With `count` the answer has the statements it took.
        """
        address = route.at(values) + values.get("?", "")
        headers: dict[str, str] = {"HX-Request": "true", "HX-Target": target} if target else {}
        if route.api:
            browser = self._browsers[ANONYMOUS]
            if role != ANONYMOUS:
                headers["Authorization"] = f"Bearer {self.world.tokens[role][1]}"
        else:
            browser = self._browsers[role]
        browser.cookies["qudao_language"] = language
        self._error = ""
        with transaction.atomic(), CaptureQueriesContext(connection) if count else nullcontext() as captured:
            if route.api:
                data = "" if body is None else json.dumps(body)
                response = browser.generic(method, address, data, content_type="application/json", headers=headers)
            elif method == "GET":
                response = browser.get(address, headers=headers)
            else:
                response = browser.post(address, body or {}, headers=headers)
            content = b"".join(response.streaming_content) if response.streaming else response.content
            transaction.set_rollback(True)
        kind = response.get("Content-Type", "")
        statements = [q["sql"] for q in captured.captured_queries if WORK.match(q["sql"])] if captured is not None else []
        markup = content.decode() if kind.startswith("text/html") else ""
        status, location = response.status_code, response.get("Location", "")
        if status == 200 and "HX-Redirect" in response:  # htmx's way of saying 302
            status, location = 302, response["HX-Redirect"]
        return Answer(status, location, readable(content, kind), statements, markup, self._error)


def readable(content: bytes, kind: str) -> str:
    """The body as text, without thousands separators and entities."""
    if "spreadsheetml" in kind:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        text = "\n".join("\t".join(str(cell) for cell in row) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python())
    elif kind == "application/pdf":
        text = "\n".join(pages_of(content))
    elif kind.startswith(("text/", "application/json", "application/problem+json")):
        text = content.decode("utf-8", "replace")
    else:
        return ""
    return re.sub(r"(?<=\d)[,\u00a0\u202f](?=\d{3})", "", html.unescape(text))
