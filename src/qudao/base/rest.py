"""The API kit: tokens, idempotent writes, keyset pages, and refusals as problem+json (RFC 9457)."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI, Router
from ninja.errors import AuthenticationError, ValidationError
from ninja.errors import HttpError as NinjaHttpError
from ninja.security import APIKeyCookie, HttpBearer

from qudao.base import sheets
from qudao.base.access import Actor, Channel
from qudao.base.db import rows, run
from qudao.base.sentences import say
from qudao.base.work import unit
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, DomainError, Fault, Invalid, Waits

__all__ = ["Router", "idempotent", "make_api", "page_of", "reply"]

KEEP_ANSWERS = timedelta(days=30)
#: how the checker of shapes begins the name of a fault → what is wrong
SHAPES = {
    **dict.fromkeys(("decimal_parsing", "decimal_type", "int_", "float_"), _("it is no number")),
    **dict.fromkeys(("date_", "datetime_"), _("it is no day, as 2026-12-01")),
    "missing": _("it is missing"),
    "string_too_long": _("it has more than {max_length} characters"),
    "too_long": _("there are more than {max_length}"),
    "literal_error": _("it is none of {expected}"),
}
#: rows of one answer from which on it is an export
BULK = 50


class TokenAuth(HttpBearer):
    """`Authorization: Bearer qd_…`; the resolver is settings.ACTOR_OF_TOKEN and costs one statement."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor | None:
        actor = import_string(settings.ACTOR_OF_TOKEN)(token)
        if actor is not None:
            request.actor = actor.through(Channel.API)  # type: ignore[attr-defined]
        return actor


class _CsrfCheck(CsrfViewMiddleware):
    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:  # type: ignore[override]
        return HttpResponse(reason, status=403)


class SessionAuth(APIKeyCookie):
    """The browser's own session, with the CSRF check that cookies need."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self) -> None:
        super().__init__(csrf=False)

    def authenticate(self, request: HttpRequest, key: str | None) -> Actor | None:
        actor: Actor | None = getattr(request, "actor", None)
        if actor is None:
            return None
        check = _CsrfCheck(lambda r: HttpResponse())
        check.process_request(request)
        return None if check.process_view(request, lambda r: HttpResponse(), (), {}) else actor


def reply(data: Any, status: int = 200, *, location: str = "") -> HttpResponse:
    """A JSON answer with fixed bytes, so that it can be stored and replayed; Decimals are strings, dates ISO 8601."""
    if hasattr(data, "model_dump"):
        data = data.model_dump(mode="json")
    response = HttpResponse(json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False), status=status, content_type="application/json")
    found = data.get("items") if isinstance(data, dict) else data
    response.rows = len(found) if isinstance(found, list) else 0  # type: ignore[attr-defined]
    if location:
        response["Location"] = location
    return response


class ExportsMiddleware:
    """Rows that leave over the API in bulk are an export: who took how many of what is written down under a mark, which the answer names. A page of
    `BULK` rows is one, and every page after the first, so that small pages are no way round.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        number, actor = getattr(response, "rows", 0), getattr(request, "actor", None)
        if actor and request.method == "GET" and (number >= BULK or (number and request.GET.get("after"))):
            mark, route = sheets.mark_for(actor), request.resolver_match.route if request.resolver_match else request.path
            # Who may read it may take it this way, with or without the right to files of lists.
            sheets.log_export(f"GET /{route}", number, mark, actor=replace(actor, verbs=actor.verbs | {"base.export"}, channel=Channel.API))
            response["X-Export-Mark"] = mark.code
        return response


def problem(status: int, code: str, faults: list[dict[str, Any]], title: str) -> HttpResponse:
    """A problem document; `faults` lists everything that is wrong with code, field, sentence and remedy."""
    body = {"type": f"urn:qudao:{code}", "title": title, "status": status, "code": code, "faults": faults}
    return HttpResponse(json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False), status=status, content_type="application/problem+json")


def _faults(faults: tuple[Fault, ...]) -> list[dict[str, Any]]:
    told = ((f, say(f)) for f in faults)
    return [{"code": f.code, "field": f.field, "sentence": s.sentence, "remedy": s.remedy, "params": dict(f.params)} for f, s in told]


def _on_domain_error(request: HttpRequest, error: Any) -> HttpResponse:
    assert isinstance(error, DomainError)
    listed = _faults(error.faults)
    return problem(error.status, error.faults[0].code, listed, listed[0]["sentence"])


def _on_bad_shape(request: HttpRequest, error: Any) -> HttpResponse:
    assert isinstance(error, ValidationError)
    return _on_domain_error(request, Invalid.of(_shape_fault(one) for one in error.errors))


def _shape_fault(error: dict[str, Any]) -> Fault:
    """A fault of the checker of shapes, in the words of the product as far as it has them."""
    at, kind = [str(part) for part in error.get("loc", ())], str(error.get("type", ""))
    words = next((words for begins, words in SHAPES.items() if kind.startswith(begins)), None)
    message = str(words).format(**error.get("ctx", {})) if words else error.get("msg", "")
    return Fault("base.invalid", ".".join(at[2:] or at), {"message": message})


def _on_no_actor(request: HttpRequest, error: Any) -> HttpResponse:
    response = problem(401, "base.unauthenticated", [], str(say(Fault("base.unauthenticated")).sentence))
    response["WWW-Authenticate"] = "Bearer"
    return response


def _on_http_error(request: HttpRequest, error: Any) -> HttpResponse:
    assert isinstance(error, NinjaHttpError)
    return problem(error.status_code, "base.http", [], str(error))


def make_api(**kwargs: Any) -> NinjaAPI:
    """The API object with our sign-in and error answers; `web` adds the routers."""
    api = NinjaAPI(auth=[TokenAuth(), SessionAuth()], **kwargs)
    api.add_exception_handler(DomainError, _on_domain_error)
    api.add_exception_handler(ValidationError, _on_bad_shape)
    api.add_exception_handler(AuthenticationError, _on_no_actor)
    api.add_exception_handler(NinjaHttpError, _on_http_error)
    return api


def idempotent(endpoint: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Honour `Idempotency-Key`: the first answer is replayed byte by byte for 30 days, another request under the key is 409,
    a refused request leaves nothing behind and is evaluated anew. The key and the action share one transaction. Endpoints return `reply(...)`.
    """

    @wraps(endpoint)
    def run_endpoint(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return endpoint(request, *args, **kwargs)
        if not (8 <= len(key) <= 200 and key.isprintable()):
            raise Invalid("base.bad_key", field="Idempotency-Key")
        return unit(lambda: _answer(request, key, lambda: endpoint(request, *args, **kwargs)))

    # the router reads annotations, and would look their names up in this module instead of the endpoint's
    run_endpoint.__signature__ = inspect.signature(endpoint, eval_str=True)  # type: ignore[attr-defined]
    return run_endpoint


def _answer(request: HttpRequest, key: str, body: Callable[[], HttpResponse]) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    caller = f"t{actor.token_id}" if actor.token_id else f"m{actor.membership_id}"
    digest = hashlib.sha256(b"\0".join([(request.method or "").encode(), request.get_full_path().encode(), request.body])).hexdigest()
    now = clock.now()
    claimed = rows(
        """INSERT INTO base_storedanswer (caller, key, request_hash, at, body, location) VALUES (%s, %s, %s, %s, '', '')
           ON CONFLICT (caller, key) DO UPDATE SET request_hash = excluded.request_hash, at = excluded.at
           WHERE base_storedanswer.at < %s RETURNING id""",
        (caller, key, digest, now, now - KEEP_ANSWERS),
    )
    if not claimed:
        ((known, status, stored, location),) = rows(
            "SELECT request_hash, status, body, location FROM base_storedanswer WHERE caller = %s AND key = %s", (caller, key)
        )
        if known != digest:
            raise Conflict("base.other_body", field="Idempotency-Key")
        response = HttpResponse(bytes(stored), status=status, content_type="application/json")
        response["Idempotent-Replay"] = "true"
        if location:
            response["Location"] = location
        return response
    try:
        response = body()
    except Waits as waits:  # kept with the key, so that it is asked for once
        response = _on_domain_error(request, waits)
    run(
        "UPDATE base_storedanswer SET status = %s, body = %s, location = %s WHERE id = %s",
        (response.status_code, response.content, response.get("Location", ""), claimed[0][0]),
    )
    return response


def forget_answers() -> int:
    """Delete stored answers and first results of client ids older than 30 days; returns how many rows went."""
    before = clock.now() - KEEP_ANSWERS
    return run("DELETE FROM base_storedanswer WHERE at < %s", (before,)) + run("DELETE FROM base_call WHERE at < %s", (before,))


def page_of(queryset: QuerySet, *, limit: int = 50, after: int | None = None) -> tuple[QuerySet, int]:
    """One keyset page, newest first: (rows with id below `after`, at most `limit` ≤ 500). The next page starts after the last id shown."""
    limit = max(1, min(limit, 500))
    if after is not None:
        queryset = queryset.filter(pk__lt=after)
    return queryset.order_by("-pk")[:limit], limit
