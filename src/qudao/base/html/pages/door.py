"""The door of every page: who may come in, how a refusal looks, where one goes after a change."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, wraps
from types import FunctionType
from typing import Any, ClassVar
from uuid import UUID, uuid4

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from qudao.base.access import Actor, channel_of
from qudao.base.db import planned_anew
from qudao.base.rest import problem
from qudao.base.sentences import say
from qudao.kernel.errors import DomainError, Fault, Forbidden, NotFound

log = logging.getLogger(__name__)
#: refusals with a picture of their own
TEMPLATES = {403: "errors/403.html", 404: "errors/404.html"}


def wanted(request: HttpRequest) -> str:
    """The one place that decides about HTMX: the id of the region asked for, or "" when the whole page is."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request") == "true":
        return ""
    return "" if request.headers.get("HX-Boosted") == "true" else request.headers.get("HX-Target", "")


def go(request: HttpRequest, url: str, said: Any = "", undo: Button | None = None) -> HttpResponse:
    """Leave for `url` after a change, with a toast; htmx follows by HX-Redirect. `undo` posts the inverse, for 10 seconds."""
    here = request.POST.get("back_to", "")
    if here and url_has_allowed_host_and_scheme(here, allowed_hosts=None):
        url = here
    if said:
        button = {"url": undo.url, "fields": {name: str(value) for name, value in undo.fields.items()}} if undo and _may(request, undo) else None
        messages.success(request, said, extra_tags=json.dumps(button) if button else "")
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def _may(request: HttpRequest, button: Button) -> bool:
    return not button.verb or request.actor.can(button.verb)  # type: ignore[attr-defined]


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A refusal as a page in words (403, 404, 409, 422); as text for a region of a page."""
    said = say(error.faults[0])
    if wanted(request):
        return HttpResponse(
            render_to_string("parts/refusal.html", {"faults": [say(f) for f in error.faults]}, request), status=error.status,
            headers={"HX-Reswap": "none"} if error.status in (403, 404) else {},
        )  # fmt: skip
    context = {"title": "", "sentence": said.sentence, "remedy": said.remedy, "layout": _layout(request)}
    return render(request, TEMPLATES.get(error.status, "errors/page.html"), context, status=error.status)


def _layout(request: HttpRequest) -> str:
    return "frame.html" if getattr(request, "actor", None) else "bare.html"


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler404 of the root addresses; a program that asks for none of the API hears so in its own form."""
    if request.path.startswith("/api/"):
        return problem(404, "base.not_found", [], str(say(Fault("base.not_found")).sentence))
    return refusal(request, NotFound("base.not_found"))


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """handler403 of the root addresses."""
    return refusal(request, Forbidden("base.forbidden"))


def broken(request: HttpRequest) -> HttpResponse:
    """handler500 of the root addresses: a page that needs nothing, with a reference under which the log has the whole trace."""
    reference = uuid4().hex[:10]
    log.error("reference %s: %s %s", reference, request.method, request.path, exc_info=sys.exc_info())
    answer = HttpResponse(render_to_string("errors/500.html", {"reference": reference}), status=500)
    answer._has_been_logged = True  # type: ignore[attr-defined]  # once is enough
    return answer


def door(verb: str = "") -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Decorator for a plain view: no actor → sign-in, verb not granted → 403 in words, DomainError → its page."""

    def wrap(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            actor: Actor | None = getattr(request, "actor", None)
            if actor is None:
                url = request.get_full_path() if request.method == "GET" else "/"
                if request.headers.get("HX-Request") == "true":
                    return HttpResponse(status=401, headers={"HX-Redirect": settings.LOGIN_URL})
                return redirect_to_login(url)
            request.actor = actor.through(channel_of(request)) if actor.channel == "page" else actor  # type: ignore[attr-defined]
            try:
                if verb and not actor.can(verb):
                    raise Forbidden("base.forbidden", verb=verb)
                if request.method != "GET":
                    return view(request, *args, **kwargs)
                with planned_anew():
                    return view(request, *args, **kwargs)
            except DomainError as error:
                return refusal(request, error)
            except Http404:
                return not_found(request)

        return enter

    return wrap


@cache
def _stands_alone(name: str) -> bool:
    """Whether a page's address takes no argument."""
    try:
        reverse(name)
    except NoReverseMatch:
        return False
    return True


class Page(View):
    """What every page has: a verb, a title, a template, and the door."""

    #: the verb that opens the page; "" = every signed-in person
    verb: ClassVar[str] = ""
    title: Any = ""
    template: str = ""
    #: name of the page above this one: one without arguments, or that of the row which this page's address names, too
    above: str = ""
    actor: Actor

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in ("query", "action"):  # functions given as attributes; they never take the page
            found = cls.__dict__.get(name)
            if isinstance(found, FunctionType):
                setattr(cls, name, staticmethod(found))

    @property
    def back(self) -> str:
        """Address of the page above, where a phone's arrow and a form that was done go to; "" without one."""
        return "" if not self.above else reverse(self.above) if _stands_alone(self.above) else reverse(self.above, args=[self.kwargs["pk"]])

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        def inside(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            self.actor = request.actor  # type: ignore[attr-defined]
            return super(Page, self).dispatch(request, *args, **kwargs)

        return door(self.verb)(inside)(request, *args, **kwargs)

    def show(self, template: str, context: Mapping[str, Any], status: int = 200) -> HttpResponse:
        return render(self.request, template, {"title": self.title, "back": self.back, "page": self, **context}, status=status)


def get_row(rows: QuerySet, pk: Any) -> Any:
    """The row `pk` of what the actor sees; NotFound for an absent and for a foreign one alike."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise NotFound("base.not_found")
    return found


@dataclass(frozen=True)
class Button:
    """A way on: a link, or a POST. `primary` for the one next action; `verb` hides it without that right; `ask` opens the page in a dialog."""

    label: Any
    url: str
    icon: str = ""
    primary: bool = False
    post: bool = False
    verb: str = ""
    danger: bool = False
    ask: bool = False
    key: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def allowed(buttons: Sequence[Button], actor: Actor) -> list[Button]:
    """The buttons whose verb the actor has."""
    return [b for b in buttons if not b.verb or actor.can(b.verb)]


def client_id_of(request: HttpRequest) -> UUID:
    """The form's client-made id, kept when the page comes back with faults; a new one otherwise."""
    try:
        return UUID(request.POST.get("client_id", ""))
    except ValueError:
        return uuid4()
