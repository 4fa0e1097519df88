"""One order of locks for the whole product; whoever takes a lower rank after a higher one could deadlock, so tests refuse it."""

from __future__ import annotations

import enum
import logging
from collections.abc import Iterable
from typing import TypeVar

from django.conf import settings
from django.db.models import Model

from qudao.base.work import current
from qudao.kernel.errors import NotFound

log = logging.getLogger(__name__)
M = TypeVar("M", bound=Model)


class Rank(enum.IntEnum):
    """Documents, then money, then goods, then books, then numbers (house.md 4)."""

    PROPOSAL = 1  # what waits for signatures, before all that its last signature does
    NETWORK = 5
    ORDER = 10
    SHIPMENT = 20
    RECEIPT = 30
    RETURN = 40
    INVOICE = 50
    PAYMENT = 60
    APPROVAL = 70
    FUNDS = 80
    BUDGET = 90
    QUOTA = 95
    STOCK = 100
    LEDGER = 110
    SERIES = 120


class LockOrderError(RuntimeError):
    """A lower rank was locked after a higher one in the same transaction."""


def note_rank(rank: Rank) -> None:
    """Say that a lock of `rank` is being taken (for raw SQL that locks by itself)."""
    work = current()
    if rank < work.rank:
        message = f"{rank.name} locked after {Rank(work.rank).name}"
        if settings.STRICT_LOCKS:
            raise LockOrderError(message)
        log.error("lock order: %s", message)
    work.rank = max(work.rank, int(rank))


def lock_rows(model: type[M], ids: Iterable[int], *, rank: Rank) -> list[M]:
    """Lock rows in primary-key order and return them fresh; NotFound when one is missing. Refuses to run outside an action."""
    wanted = sorted(set(ids))
    note_rank(rank)
    found = list(model._default_manager.select_for_update(of=("self",)).filter(pk__in=wanted).order_by("pk"))
    if len(found) != len(wanted):
        raise NotFound("base.not_found")
    return found


def lock_one(model: type[M], pk: int, *, rank: Rank) -> M:
    """Lock one row and return it fresh; NotFound when it is missing."""
    return lock_rows(model, [pk], rank=rank)[0]
