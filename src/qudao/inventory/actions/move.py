"""Goods go from place to place."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import emit, part
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.inventory import rules
from qudao.inventory.actions.lots import Moved, move_lots
from qudao.inventory.actions.rows import columns, named
from qudao.inventory.events import GoodsFree
from qudao.inventory.rules import Held, Key, MoveSpec
from qudao.inventory.states import PlaceKind
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.period import month_of
from qudao.kernel.quantity import plain

LOCK_PLACES = """WITH held AS (
        SELECT s.place_id, s.product_id, s.id, s.on_hand, s.reserved, s.awaited, s.tracked, 0 AS expired, s.held <> '' AS blocked FROM inventory_stock s
        JOIN unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) USING (place_id, product_id)
        ORDER BY s.place_id, s.product_id FOR UPDATE OF s
    )
    SELECT p.id, p.kind, CASE WHEN p.closed THEN p.code END,
        h.product_id, h.id, h.on_hand, h.reserved, h.awaited, h.tracked, h.expired, h.blocked FROM inventory_place p LEFT JOIN held h ON h.place_id = p.id
    WHERE p.id = ANY(%s::bigint[])"""
TAKE = """UPDATE inventory_reservation r
    SET taken = r.taken + d.qty, state = CASE WHEN r.taken + d.qty = r.qty - r.released THEN 'closed' ELSE 'open' END
    FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::numeric[])
        d(place_id, product_id, ref_id, subject_kind, subject_id, qty)
    WHERE r.place_id = d.place_id AND r.product_id = d.product_id AND r.ref_id = d.ref_id AND r.state = 'open'
      AND r.taken + d.qty <= r.qty - r.released
      AND (d.subject_kind IS NULL OR (r.subject_kind = d.subject_kind AND r.subject_id = d.subject_id))
    RETURNING r.place_id, r.product_id, r.ref_id"""
MOVE = """WITH changed AS (
        UPDATE inventory_stock s SET on_hand = d.on_hand, reserved = d.reserved
        FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) d(id, on_hand, reserved) WHERE s.id = d.id
    )
    INSERT INTO inventory_move (month, at, product_id, qty, from_place_id, to_place_id, subject_kind, subject_id, number, ref_id)
    SELECT %s, %s, d.product_id, d.qty, d.from_place_id, d.to_place_id, d.kind, d.subject_id, d.number, d.ref_id
    FROM unnest(%s::bigint[], %s::numeric[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[])
        d(product_id, qty, from_place_id, to_place_id, ref_id, kind, subject_id, number)"""
# Adds, because somebody else may have made the row since we looked.
FIRST = """INSERT INTO inventory_stock AS s (place_id, product_id, on_hand, reserved, tracked)
    SELECT d.place_id, d.product_id, d.qty, 0, EXISTS (SELECT FROM inventory_tracked t WHERE t.product_id = d.product_id)
    FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) d(place_id, product_id, qty)
    ORDER BY d.place_id, d.product_id
    ON CONFLICT (place_id, product_id) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand
    RETURNING s.place_id, s.product_id, s.awaited, s.tracked"""


@part
def post_moves(specs: Sequence[MoveSpec], subject: Subject, *, actor: Actor, reserved_for: Subject | None = None, agreement_id: int | None = None) -> None:
    """Move goods. Locks the stock rows of both ends; two statements, one more to take reservations, one more for a first receipt, and two or
    three more where products are tracked by lot. `agreement_id`: they are shipped under it, so what has expired or will too soon stays.

    `take_reserved` lines consume the open reservation of (from_place, product, ref_id); `reserved_for` narrows it to one document.
    Raises Refused with `inventory.short`, `inventory.not_reserved` or what is wrong with its lots for every line, NotFound for an unknown place.
    """
    _post([Moved(specs, subject, reserved_for, agreement_id)])


@part
def post_all_moves(groups: Sequence[Moved], *, actor: Actor) -> None:
    """`post_moves` for the documents of a batch, all or none, in as many statements as for one."""
    _post(groups)


def _post(groups: Sequence[Moved]) -> None:
    specs = [s for group in groups for s in group.specs]
    if not specs:
        return
    rules.check_quantities((s.qty, s.ref_id) for s in specs)
    raise_if_any([Fault("inventory.same_place", f"lines.{s.ref_id}") for s in specs if s.from_place_id == s.to_place_id], Invalid)
    note_rank(Rank.STOCK)
    held, kinds = _lock_places(specs)
    changes = rules.apply_moves(specs, held, frozenset(p for p, kind in kinds.items() if kind == PlaceKind.OUTSIDE))
    _take(groups)
    now = clock.now()
    moved = columns([(s.product_id, s.qty, s.from_place_id, s.to_place_id, s.ref_id, *named(g.subject)) for g in groups for s in g.specs])
    after = list(changes.rows.values())
    balances = (list(changes.rows), [a[0] for a in after], [a[1] for a in after])
    run(MOVE, (*balances, month_of(clock.date_of(now)), now, *moved))
    filled = {(s.to_place_id, s.product_id): g.subject for g in groups for s in g.specs}
    awaited = [key for key in filled if key in held and held[key].awaited]
    tracked = {product for (_place, product), row in held.items() if row.tracked}
    if changes.fresh:
        for place, product, waits, by_lot in rows(FIRST, columns([(*key, qty) for key, qty in changes.fresh.items()])):
            awaited += [(place, product)] if waits else []
            tracked |= {product} if by_lot else set()
    if tracked:
        move_lots(groups, tracked, kinds)
    for key in awaited:
        emit(GoodsFree(*key), filled[key])


def _lock_places(specs: Sequence[MoveSpec]) -> tuple[dict[Key, Held], dict[int, str]]:
    """Lock the stock rows at both ends; return them and the kinds of the places."""
    keys = sorted({(s.from_place_id, s.product_id) for s in specs} | {(s.to_place_id, s.product_id) for s in specs})
    places = sorted({k[0] for k in keys})
    held: dict[Key, Held] = {}
    kinds: dict[int, str] = {}
    closed: dict[int, str] = {}
    for place, kind, code, product, *row in rows(LOCK_PLACES, ([k[0] for k in keys], [k[1] for k in keys], places)):
        kinds[place] = kind
        if code is not None:
            closed[place] = code
        if product is not None:
            held[place, product] = Held(*row)
    if len(kinds) != len(places):
        raise NotFound("inventory.no_place")
    if closed:
        entering = [s for s in specs if s.to_place_id in closed]
        raise_if_any([Fault("inventory.place_closed", f"lines.{s.ref_id}", {"place": closed[s.to_place_id]}) for s in entering], Refused)
    return held, kinds


def _take(groups: Sequence[Moved]) -> None:
    """Consume open reservations; raises Refused `inventory.not_reserved` for each line whose reservation does not hold that much."""
    wanted: dict[tuple[int, int, int, str | None, int | None], Decimal] = {}
    for group in groups:
        of = (group.reserved_for.kind, group.reserved_for.id) if group.reserved_for else (None, None)
        for s in group.specs:
            if not s.take_reserved:
                continue
            if s.ref_id is None:
                raise Invalid("inventory.not_reserved", needed=plain(s.qty))
            key = (s.from_place_id, s.product_id, s.ref_id, *of)
            wanted[key] = wanted.get(key, rules.ZERO) + s.qty
    if not wanted:
        return
    done = rows(TAKE, columns([(*key, qty) for key, qty in wanted.items()]))
    found = {tuple(key) for key in done}
    missing = sorted(key for key in {k[:3] for k in wanted} if key not in found)
    needed = {k[:3]: plain(qty) for k, qty in wanted.items()}
    raise_if_any([Fault("inventory.not_reserved", f"lines.{k[2]}", {"needed": needed[k]}) for k in missing], Refused)
    if len(done) != len(wanted):  # two documents number their lines alike: the caller must say which one it means
        raise Conflict("inventory.ambiguous_reservation")
