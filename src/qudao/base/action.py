"""The action: every state change is one named function, one transaction, called the same way by page, API, job and import."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from django.apps import apps
from django.db.models import Model

from qudao.base.access import Actor
from qudao.base.audit import record
from qudao.base.db import rows, run
from qudao.base.outbox import emit
from qudao.base.work import current, unit
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden

__all__ = ["ACTIONS", "MissingActor", "action", "emit", "part", "record", "unit"]

R = TypeVar("R")

#: qualified name → verb, of every action of the product; the house tests walk it
ACTIONS: dict[str, str] = {}


class MissingActor(TypeError):
    """An action was called without saying who acts."""


def action(verb: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Make a function an action: refuses a missing actor and a verb not granted, runs it in a retried transaction, honours a client id.

    A function that takes `client_id` itself keeps it on its own row; for the others the toolkit remembers the first result and returns it again.
    """

    def wrap(function: Callable[..., R]) -> Callable[..., R]:
        own_client_id = "client_id" in inspect.signature(function).parameters
        ACTIONS[f"{function.__module__}.{function.__qualname__}"] = verb

        @wraps(function)
        def perform(*args: Any, actor: Actor, client_id: UUID | str | None = None, **kwargs: Any) -> R:
            if not isinstance(actor, Actor):
                raise MissingActor(f"{function.__qualname__} needs an actor")
            if not actor.can(verb):
                raise Forbidden("base.forbidden", verb=verb)
            if own_client_id:
                kwargs["client_id"] = client_id

            def body() -> R:
                doing = current().doing
                doing.append((verb, actor))
                try:
                    if client_id is None or own_client_id:
                        return function(*args, actor=actor, **kwargs)
                    return _once(verb, client_id, actor, lambda: function(*args, actor=actor, **kwargs))
                finally:
                    doing.pop()

            return unit(body)

        perform.verb = verb  # type: ignore[attr-defined]
        return perform

    return wrap


def part(function: Callable[..., R]) -> Callable[..., R]:
    """A step another module's action calls down: it needs an actor and a running action, but no verb of its own."""

    @wraps(function)
    def perform(*args: Any, actor: Actor, **kwargs: Any) -> R:
        if not isinstance(actor, Actor):
            raise MissingActor(f"{function.__qualname__} needs an actor")
        current()
        return function(*args, actor=actor, **kwargs)

    perform.is_part = True  # type: ignore[attr-defined]
    return perform


def _once(verb: str, client_id: UUID | str, actor: Actor, body: Callable[[], Any]) -> Any:
    """Run `body` unless this organisation already did `verb` with this client id; then return the row it made
    (None when it made none: a secret is shown once). Two at once: the second waits.
    """
    key = (verb, str(client_id), actor.org_id)
    claimed = run("INSERT INTO base_call (verb, client_id, org_id, at, label, pk) VALUES (%s, %s, %s, %s, '', 0) ON CONFLICT DO NOTHING", (*key, clock.now()))
    if not claimed:
        ((label, pk),) = rows("SELECT label, pk FROM base_call WHERE verb = %s AND client_id = %s AND org_id = %s", key)
        return apps.get_model(label)._default_manager.get(pk=pk) if label else None
    result = body()
    if isinstance(result, Model):
        run(
            "UPDATE base_call SET label = %s, pk = %s WHERE verb = %s AND client_id = %s AND org_id = %s",
            (result._meta.label, result.pk, *key),
        )
    return result
