"""Goods that are blocked for quality: they stay where they are, are promised to nobody and picked for nobody until somebody releases them."""

from __future__ import annotations

from typing import TypeVar

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.inventory.actions.keep import own_warehouse
from qudao.inventory.actions.rows import lock
from qudao.inventory.events import GoodsFree
from qudao.inventory.models import Lot, Stock
from qudao.inventory.states import MOST_HELD
from qudao.kernel.errors import Invalid, Refused

VERB = "inventory.hold"
R = TypeVar("R", Lot, Stock)


@action(VERB)
def hold_lot(lot_id: int, reason: str, *, actor: Actor) -> Lot:
    """Block what lies of a lot in an own warehouse, also what comes there of it later. Saying it again changes the reason. Locks the stock row.

    What is reserved stays so and cannot leave. Tells the warehouse. Raises Invalid without a reason.
    """
    return _set(get_visible(actor, Lot, lot_id, VERB), _said(reason), reason, actor)


@action(VERB)
def free_lot(lot_id: int, reason: str, *, actor: Actor) -> Lot:
    """Release a blocked lot; who waits for it is served. Locks the stock row. Raises Refused inventory.not_held where it is not blocked."""
    return _set(get_visible(actor, Lot, lot_id, VERB), "", _said(reason), actor)


@action(VERB)
def hold_stock(stock_id: int, reason: str, *, actor: Actor) -> Stock:
    """The same of all that lies of a product in an own warehouse; of one tracked by lot its lots are blocked (Refused inventory.hold_by_lot)."""
    stock = get_visible(actor, Stock, stock_id, VERB)
    if stock.tracked:
        raise Refused("inventory.hold_by_lot")
    return _set(stock, _said(reason), reason, actor)


@action(VERB)
def free_stock(stock_id: int, reason: str, *, actor: Actor) -> Stock:
    """Release what is blocked of a product; who waits for it is served. Locks the stock row."""
    return _set(get_visible(actor, Stock, stock_id, VERB), "", _said(reason), actor)


def _said(reason: str) -> str:
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if len(reason.strip()) > MOST_HELD:
        raise Invalid("inventory.held_too_long", field="reason", limit=MOST_HELD)
    return reason.strip()


def _set(row: R, held: str, reason: str, actor: Actor) -> R:
    """Block a row (`held` says why) or release it, under the lock of its stock row; tell it, and those who wait."""
    place = own_warehouse(actor, row.place_id, VERB)
    note_rank(Rank.STOCK)
    stock = lock([(place.pk, row.product_id)]).get((place.pk, row.product_id))
    row.refresh_from_db(fields=["held"])
    before = row.held
    if not before and not held:
        raise Refused("inventory.not_held")
    row.held = held
    row.save(update_fields=["held"])
    lot = row.lot if isinstance(row, Lot) else ""
    number = " ".join(part for part in (row.product.code, lot) if part)
    subject = Subject(f"inventory.{row._meta.model_name}", row.pk, place.owner_id, None, number)
    record(subject, before="held" if before else "free", after="held" if held else "free", reason=reason.strip())
    if stock and stock.awaited and not held:
        emit(GoodsFree(place.pk, row.product_id), subject)
    code = "inventory.goods_held" if held else "inventory.goods_freed"
    notify(code, subject, org_id=place.owner_id, verb="inventory.move", except_user=actor.user_id, number=number, place=place.code, reason=reason.strip())
    return row
