"""Facts for upper modules: written with the action, delivered after it, each to each handler exactly once.

An action calls `emit(fact, subject)`; the rows are inserted at the end of its transaction. The dispatcher claims events in batches
(`FOR UPDATE SKIP LOCKED` with a lease), and runs each handler in a transaction that also marks (event, handler) as done, so a crash at
any point repeats nothing and loses nothing. A failing event is retried with growing waits and parked after `MAX_ATTEMPTS`.
"""

from __future__ import annotations

import json
import logging
import threading
import traceback
import typing
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import close_old_connections, connection

from qudao.base.access import modules, system_actor
from qudao.base.db import rows, run
from qudao.base.subject import Subject
from qudao.base.work import current, unit
from qudao.kernel import clock
from qudao.kernel.period import month_of

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 8
BATCH = 300
LEASE_SECONDS = 120
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Event:
    """A delivered fact: `payload` is the publisher's frozen dataclass."""

    id: int
    name: str
    subject: Subject
    payload: Any
    at: datetime


@dataclass(frozen=True)
class Reaction:
    """One handler of one fact. `batch`: it takes many events in one transaction (set-wise work); otherwise one at a time."""

    name: str
    fact: type
    handle: Callable[..., Any]
    batch: bool


REACTIONS: dict[str, list[Reaction]] = {}


def name_of(fact: type) -> str:
    """The public name of a fact: "<module>.<Class>"."""
    return f"{fact.__module__.split('.')[1]}.{fact.__name__}"


def reacts(fact: type, *, batch: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `handle(events, *, actor)` for a fact of a lower module. It must be convergent: "make what is missing"."""

    def wrap(handle: Callable[..., Any]) -> Callable[..., Any]:
        name = f"{handle.__module__.split('.')[1]}.{handle.__name__}"
        known = REACTIONS.setdefault(name_of(fact), [])
        known[:] = [r for r in known if r.name != name] + [Reaction(name, fact, handle, batch)]
        return handle

    return wrap


def import_reactions() -> None:
    """Import every module's reactions.py so that they register (called when the app is ready)."""
    for module in modules():
        try:
            import_module(f"qudao.{module}.reactions")
        except ModuleNotFoundError as missing:
            if missing.name != f"qudao.{module}.reactions":
                raise


def emit(fact: Any, subject: Subject) -> None:
    """Publish a fact in the transaction under way; all facts of a transaction are inserted in one statement at its end."""
    work = current()
    at = clock.now()
    name = name_of(type(fact))
    cause = work.doing[-1][1].cause if work.doing else None
    payload = json.dumps(asdict(fact), cls=DjangoJSONEncoder)
    heard = None if REACTIONS.get(name) else at  # a fact nobody listens to is born delivered
    work.events.append((at, month_of(clock.date_of(at)), name, fact.version, payload, cause, heard, *subject.columns().values()))


@cache
def _hints(fact: type) -> dict[str, Any]:
    return typing.get_type_hints(fact)


def _revive(fact: type, payload: dict[str, Any]) -> Any:
    """The publisher's dataclass from its JSON; a field the stored version did not have takes its default."""
    hints = _hints(fact)
    values = {}
    for f in fields(fact):
        if f.name not in payload:
            continue
        value, hint = payload[f.name], str(hints[f.name])
        if isinstance(value, str):
            if "Decimal" in hint:
                value = Decimal(value)
            elif "datetime.datetime" in hint:
                value = datetime.fromisoformat(value)
            elif "datetime.date" in hint:
                value = date.fromisoformat(value)
            elif "UUID" in hint:
                value = UUID(value)
        values[f.name] = value
    return fact(**values)


def _claim(limit: int) -> list[tuple]:
    """Lease up to `limit` open events, oldest first; events of another dispatcher are skipped. One statement, committed at once.

    What happens later than this clock says is left alone: who replays history must not date by it what people do meanwhile.
    """
    now = clock.now()
    return rows(
        """UPDATE base_event e SET leased_until = %s FROM (
               SELECT id FROM base_event WHERE dispatched_at IS NULL
               AND (leased_until IS NULL OR leased_until < %s) AND (retry_at IS NULL OR retry_at <= %s) AND at <= %s
               ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) c
           WHERE e.id = c.id
           RETURNING e.id, e.name, e.subject_kind, e.subject_id, e.seller_id, e.buyer_id, e.number, e.payload, e.at""",
        (now + timedelta(seconds=LEASE_SECONDS), now, now, now, limit),
    )


def dispatch_once(limit: int = BATCH) -> int:
    """Deliver one batch of open events; returns how many were claimed. Safe to run in several processes."""
    claimed = sorted(_claim(limit))
    by_name: dict[str, list[tuple]] = {}
    for row in claimed:
        by_name.setdefault(row[1], []).append(row)
    failed: set[int] = set()
    for name, found in by_name.items():
        for reaction in REACTIONS.get(name, []):
            events = [Event(r[0], name, Subject(*r[2:7]), _revive(reaction.fact, r[7] if isinstance(r[7], dict) else json.loads(r[7])), r[8]) for r in found]
            failed |= _deliver(reaction, events)
    done = [r[0] for r in claimed if r[0] not in failed]
    if done:
        run("UPDATE base_event SET dispatched_at = %s, leased_until = NULL WHERE id = ANY(%s)", (clock.now(), done))
    return len(claimed)


def drain(rounds: int = 200) -> int:
    """Dispatch until nothing is open that may run now (tests, demo, replay); returns the number of events delivered."""
    total = 0
    for _round in range(rounds):
        count = dispatch_once()
        total += count
        if not count:
            break
    return total


def _deliver(reaction: Reaction, events: Sequence[Event]) -> set[int]:
    """Run one handler over events; returns the ids that failed. A failing batch is run again one by one."""
    groups = [list(events)] if reaction.batch else [[e] for e in events]
    failed: set[int] = set()
    while groups:
        group = groups.pop()
        try:
            unit(lambda group=group: _handle(reaction, group))  # type: ignore[misc]
        except Exception as error:  # noqa: BLE001  (the boundary of foreign code: whatever it raises is kept with the event)
            if len(group) > 1:
                groups += [[e] for e in group]
                continue
            failed |= _note_failure(reaction, group[0], error)
    return failed


def _handle(reaction: Reaction, group: list[Event]) -> None:
    """Mark (event, handler) as done and run the handler, in one transaction; events already done are left out."""
    fresh = rows(
        """INSERT INTO base_delivery (event_id, handler, done_at, attempts, error, parked)
           SELECT unnest(%s::bigint[]), %s, %s, 1, '', false
           ON CONFLICT (event_id, handler) DO UPDATE SET done_at = excluded.done_at, attempts = base_delivery.attempts + 1, parked = false
           WHERE base_delivery.done_at IS NULL RETURNING event_id""",
        ([e.id for e in group], reaction.name, clock.now()),
    )
    wanted = {r[0] for r in fresh}
    todo = [e for e in group if e.id in wanted]
    if not todo:
        return
    actor = system_actor(cause=todo[0].id)
    current().doing.append((f"react.{reaction.name}", actor))
    reaction.handle(todo, actor=actor)


def _note_failure(reaction: Reaction, event: Event, error: Exception) -> set[int]:
    """Keep the error with the delivery and set the time of the next try. Returns {id}, or nothing when it is parked for a person."""
    ((attempts,),) = rows(
        """INSERT INTO base_delivery (event_id, handler, attempts, error, parked) VALUES (%s, %s, 1, %s, false)
           ON CONFLICT (event_id, handler) DO UPDATE SET attempts = base_delivery.attempts + 1, error = excluded.error RETURNING attempts""",
        (event.id, reaction.name, "".join(traceback.format_exception(error))[-4000:]),
    )
    if attempts >= MAX_ATTEMPTS:
        log.error("event %s parked for %s: %s", event.id, reaction.name, error)
        run("UPDATE base_delivery SET parked = true WHERE event_id = %s AND handler = %s", (event.id, reaction.name))
        return set()
    log.warning("event %s failed in %s (attempt %s): %s", event.id, reaction.name, attempts, error)
    wait = timedelta(seconds=min(2**attempts, 600))
    run("UPDATE base_event SET leased_until = NULL, retry_at = %s WHERE id = %s", (clock.now() + wait, event.id))
    return {event.id}


def replay_parked(event_id: int, handler: str) -> None:
    """Give a parked delivery another life (an administrator's remedy)."""
    run("UPDATE base_delivery SET parked = false, attempts = 0 WHERE event_id = %s AND handler = %s AND done_at IS NULL", (event_id, handler))
    run("UPDATE base_event SET dispatched_at = NULL, retry_at = NULL, leased_until = NULL WHERE id = %s", (event_id,))


def oldest_open_seconds() -> float:
    """Age of the oldest event not yet delivered, in seconds; 0.0 when there is none."""
    ((at,),) = rows("SELECT min(at) FROM base_event WHERE dispatched_at IS NULL")
    return max(0.0, (clock.now() - at).total_seconds()) if at else 0.0


def beat(name: str, **detail: Any) -> None:
    """Say that a background process lives (read by /readyz)."""
    run(
        "INSERT INTO base_heartbeat (name, at, detail) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE SET at = excluded.at, detail = excluded.detail",
        (name, clock.now(), json.dumps(detail, cls=DjangoJSONEncoder)),
    )


def heard(name: str) -> dict[str, Any] | None:
    """What a background process last said of itself; None when it has never said anything. One statement."""
    found = rows("SELECT detail FROM base_heartbeat WHERE name = %s", (name,))
    if not found:
        return None
    detail = found[0][0]
    return dict(detail if isinstance(detail, dict) else json.loads(detail))


def run_dispatcher(stop: threading.Event) -> None:
    """Deliver events until `stop` is set; polls every 200 ms when idle, survives a lost database by reconnecting."""
    last_beat = clock.now() - timedelta(minutes=1)
    while not stop.is_set():
        count = 0
        try:
            count = dispatch_once()
            if clock.now() - last_beat > timedelta(seconds=5):
                beat("dispatcher")
                last_beat = clock.now()
        except Exception:  # a lost connection must not end the process: say it and try again
            log.exception("dispatcher")
            connection.close()
            stop.wait(1.0)
        if not count:
            close_old_connections()
            stop.wait(POLL_SECONDS)
