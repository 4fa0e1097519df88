"""The unit of work: one transaction, retried as a whole when the database asks for it, with its log lines and events written last."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import IntegrityError, OperationalError, transaction

from qudao.base.db import insertion, run
from qudao.base.subject import SUBJECT_COLUMNS
from qudao.kernel.errors import Conflict, DomainError, Refused

if TYPE_CHECKING:
    from qudao.base.access import Actor

T = TypeVar("T")
log = logging.getLogger(__name__)

ATTEMPTS = 5
#: deadlock, serialization failure, lock time-out: the whole unit may simply run again
RETRYABLE = {"40P01", "40001", "55P03"}


@dataclass
class Work:
    """What one transaction gathers: log lines and events to write at its end, the verbs under way, the highest lock rank so far."""

    doing: list[tuple[str, Actor]] = field(default_factory=list)
    logs: list[Any] = field(default_factory=list)
    events: list[Any] = field(default_factory=list)
    notes: list[Callable[[], Any]] = field(default_factory=list)
    rank: int = 0

    @property
    def verb(self) -> str:
        return self.doing[-1][0] if self.doing else ""


#: the columns of the log and of the outbox, in the order in which `audit.record` and `outbox.emit` gather their rows
LOG = (
    *("at", "month", "verb", "channel", "actor_kind", "actor_user", "actor_org", "actor_name", "token", "cause", "before", "after", "reason"),
    *("detail", "stage_seconds", *SUBJECT_COLUMNS),
)
EVENT = ("at", "month", "name", "version", "payload", "cause", "dispatched_at", *SUBJECT_COLUMNS)


#: the types of columns that are no text, for many rows at once
TYPES = {
    **dict.fromkeys(("at", "dispatched_at"), "timestamptz"),
    **dict.fromkeys(("actor_user", "actor_org", "token", "cause", "subject_id", "seller_id", "buyer_id"), "bigint"),
    **dict.fromkeys(("detail", "payload"), "jsonb"),
    **dict.fromkeys(("stage_seconds", "version"), "int"),
    "month": "date",
}
#: from so many rows on they are sent by column: the text of the statement stays the same, so that the server has it prepared
MANY = 12


def _insertion(table: str, columns: Sequence[str], values: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    if len(values) < MANY:
        return insertion(table, columns, values)
    arrays = ", ".join(f"%s::{TYPES.get(name, 'text')}[]" for name in columns)
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT * FROM unnest({arrays})", [list(column) for column in zip(*values, strict=True)]


def _flush(work: Work) -> None:
    """Write the gathered log lines and facts, both in one statement."""
    told = [_insertion(*one) for one in (("base_actionlog", LOG, work.logs), ("base_event", EVENT, work.events)) if one[2]]
    if len(told) == 2:
        (first, values), (second, more) = told
        run(f"WITH logged AS ({first}) {second}", [*values, *more])
    elif told:
        run(*told[0])


class NoWork(RuntimeError):
    """A lock, log line or event was asked for outside an action."""


_work: ContextVar[Work | None] = ContextVar("work", default=None)


def current() -> Work:
    """The unit of work under way; raises NoWork outside one."""
    work = _work.get()
    if work is None:
        raise NoWork("this runs only inside an action")
    return work


def in_work() -> bool:
    return _work.get() is not None


def unit(body: Callable[[], T]) -> T:
    """Run `body` in one transaction; join the one under way if there is one.

    Retries the whole body after a deadlock, a lock time-out, a serialization failure or a client id used twice at once (≤ 5 times, jittered),
    then raises Conflict.
    A violated named constraint becomes Refused with the code "<module>.<constraint rest>".
    """
    if in_work():
        return body()
    for attempt in range(1, ATTEMPTS + 1):
        work = Work()
        token = _work.set(work)
        try:
            with transaction.atomic():
                result = body()
                _flush(work)
            return result
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in RETRYABLE:
                raise
            if attempt == ATTEMPTS:
                raise Conflict("base.busy") from error
        except IntegrityError as error:
            if _same_client_id(error) and attempt < ATTEMPTS:
                continue  # the same request got through a moment ago: run again, and the body finds its result
            raise _from_constraint(error) from error
        except DomainError:
            _tell(work)
            raise
        finally:
            _work.reset(token)
        time.sleep(random.uniform(0.005, 0.03) * attempt)
    raise AssertionError("unreachable")


def once_undone(note: Callable[[], Any]) -> None:
    """When the unit under way ends refused and all of it is undone, run `note` in a unit of its own; when it succeeds after all, forget it."""
    current().notes.append(note)


def _tell(work: Work) -> None:
    """What is to be known of a unit that was undone. That it could not be written down never hides why the unit was refused."""
    outside = _work.set(None)
    try:
        for note in work.notes:
            unit(note)
    except Exception:
        log.exception("what was refused could not be written down")
    finally:
        _work.reset(outside)


def _constraint_of(error: IntegrityError) -> str:
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or ""


def _same_client_id(error: IntegrityError) -> bool:
    """Whether two requests with one client-made id ran at the same time (constraints "<table>_client_unique")."""
    return _constraint_of(error).endswith("_client_unique")


def _from_constraint(error: IntegrityError) -> Exception:
    """A refusal for a violated constraint with a name of the house ("orders_line_qty_positive" → "orders.line_qty_positive")."""
    name = _constraint_of(error)
    module, _, rest = name.partition("_")
    if not rest or name.endswith(("_pkey", "_fk")) or "_fk_" in name:
        return error
    return Refused(f"{module}.{rest}")


def attempt(body: Callable[[], T]) -> T:
    """Run a part of the unit under way that may be refused: its rows, log lines, events and locks are then undone, and nothing else. Raises what it raises.

    PostgreSQL gives back the locks that were taken since a savepoint when it goes back to it.
    """
    work = current()
    logs, events, rank = len(work.logs), len(work.events), work.rank
    try:
        with transaction.atomic():
            return body()
    except BaseException:
        del work.logs[logs:], work.events[events:]
        work.rank = rank
        raise
