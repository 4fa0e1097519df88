"""Stock promised to documents, and given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import emit, part
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.inventory import rules
from qudao.inventory.actions.rows import columns, lock, named
from qudao.inventory.events import GoodsFree
from qudao.inventory.rules import Demand, Held, Key
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Refused, raise_if_any

RESERVE = "UPDATE inventory_stock s SET reserved = s.reserved + d.qty FROM unnest(%s::bigint[], %s::numeric[]) d(id, qty) WHERE s.id = d.id"
PROMISE = """INSERT INTO inventory_reservation
    (place_id, product_id, qty, taken, released, subject_kind, subject_id, number, ref_id, state, at)
    SELECT d.place_id, d.product_id, d.qty, 0, 0, d.kind, d.subject_id, d.number, d.ref_id, 'open', %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::bigint[], %s::text[], %s::bigint[], %s::text[])
        d(place_id, product_id, qty, ref_id, kind, subject_id, number)"""

# More for a line that holds some already.
TOP_UP = (
    PROMISE
    + """
    ON CONFLICT (place_id, product_id, ref_id, subject_kind, subject_id) WHERE state = 'open'
    DO UPDATE SET qty = inventory_reservation.qty + excluded.qty"""
)
# Somebody waits for goods there may never have been: then the row is made, so that whoever brings some finds it marked.
AWAIT = """INSERT INTO inventory_stock AS s (place_id, product_id, on_hand, reserved, awaited, tracked)
    SELECT d.place_id, d.product_id, 0, 0, true, EXISTS (SELECT FROM inventory_tracked t WHERE t.product_id = d.product_id)
    FROM unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) ORDER BY 1, 2
    ON CONFLICT (place_id, product_id) DO UPDATE SET awaited = true
    RETURNING s.place_id, s.product_id, s.on_hand > s.reserved, (SELECT p.code FROM inventory_place p WHERE p.id = s.place_id AND p.closed)"""
ARRIVED = "UPDATE inventory_stock SET awaited = false WHERE id = ANY(%s)"

# The stock row is locked before its reservation, as everywhere; the join re-reads a reservation that changed while we waited.
LOCK_PROMISED = """SELECT r.id, s.id, r.qty - r.taken - r.released, s.place_id, s.product_id, s.awaited, r.ref_id FROM inventory_reservation r
    JOIN inventory_stock s USING (place_id, product_id)
    WHERE r.subject_kind = %s AND r.subject_id = %s AND r.state = 'open' AND (%s::bigint[] IS NULL OR r.ref_id = ANY(%s::bigint[]))
    ORDER BY r.place_id, r.product_id, r.id FOR UPDATE OF s, r"""
GIVE_PART = """WITH d AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) d(id, stock_id, qty)), given AS (
        UPDATE inventory_reservation r SET released = r.released + d.qty,
            state = CASE WHEN r.taken + r.released + d.qty = r.qty THEN 'closed' ELSE 'open' END
        FROM d WHERE r.id = d.id
    )
    UPDATE inventory_stock s SET reserved = s.reserved - g.qty FROM (SELECT stock_id, sum(qty) AS qty FROM d GROUP BY 1) g WHERE s.id = g.stock_id"""
HAND_OVER = """WITH given AS (
        UPDATE inventory_reservation r SET released = r.released + d.qty,
            state = CASE WHEN r.taken + r.released + d.qty = r.qty THEN 'closed' ELSE 'open' END
        FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) d(id, ref_id, qty) WHERE r.id = d.id
        RETURNING r.place_id, r.product_id, d.qty, d.ref_id, r.at
    )
    INSERT INTO inventory_reservation (place_id, product_id, qty, taken, released, subject_kind, subject_id, number, ref_id, state, at)
    SELECT place_id, product_id, qty, 0, 0, %s, %s, %s, ref_id, 'open', at FROM given"""
GIVE_BACK = """WITH given AS (
        UPDATE inventory_reservation SET released = qty - taken, state = 'closed' WHERE id = ANY(%s::bigint[])
    )
    UPDATE inventory_stock s SET reserved = s.reserved - d.qty FROM unnest(%s::bigint[], %s::numeric[]) d(id, qty) WHERE s.id = d.id"""


@part
def reserve(demands: Sequence[Demand], subject: Subject, *, actor: Actor) -> None:
    """Promise stock to the lines of a document. Locks the stock rows; three statements for any number of demands.

    Demands of the same place and product are checked together and kept apart by `ref_id`. Raises Refused with a fault
    `inventory.short` (field "lines.<ref_id>") for every line that is short, and then reserves nothing. Goods that others wait for are theirs.
    """
    if not demands:
        return
    rules.check_quantities((d.qty, d.ref_id) for d in demands)
    note_rank(Rank.STOCK)
    held = lock(rules.keys_of(demands))
    left = {key: h.left for key, h in held.items()}
    raise_if_any(rules.shortages(demands, left), Refused)
    demands = rules.serve(demands, left)[0] if any(d.more for d in demands) else demands
    wanted = rules.totals(demands)
    run(RESERVE, ([held[key].id for key in wanted], list(wanted.values())))
    run(PROMISE, (clock.now(), *columns([(d.place_id, d.product_id, d.qty, d.ref_id, *named(subject)) for d in demands])))


class Shelves:
    """Stock rows locked together, for documents that ask for goods one after the other; what they get is written at once (`promise`)."""

    def __init__(self, held: dict[Key, Held], *, waiting: bool = False) -> None:
        self.held = held
        self.free = {key: row.free if waiting else row.left for key, row in held.items()}
        self.given: list[tuple[Demand, Subject]] = []
        self.awaited: dict[Key, Subject] = {}

    def faults(self, demands: Sequence[Demand]) -> list[Fault]:
        """A fault for every line that is short now."""
        return rules.shortages(demands, self.free)

    def take(self, demands: Sequence[Demand], subject: Subject) -> None:
        """Promise goods; the caller has asked for the faults."""
        for d in demands:
            self.free[d.place_id, d.product_id] -= d.qty
            self.given.append((d, subject))

    def lacking(self, demands: Sequence[Demand]) -> dict[int, Decimal]:
        """By ref_id what each demand would lack now."""
        return rules.serve(demands, self.free)[1]

    def serve(self, demands: Sequence[Demand], subject: Subject, *, wait: bool) -> dict[int, Decimal]:
        """Promise what is there; by ref_id what each demand lacks. With `wait` the goods that are missing are awaited."""
        given, lacks = rules.serve(demands, self.free)
        self.take(given, subject)
        if wait:
            self.awaited |= {key: subject for d in demands if d.ref_id in lacks for key in d.keys}
        return lacks


@part
def open_shelves(demands: Sequence[Demand], *, actor: Actor, waiting: bool = False) -> Shelves:
    """Lock the stock that several documents ask for, to decide on each in turn. One statement.

    `waiting`: they are those who wait for the goods; everybody else finds nothing where somebody waits.
    """
    rules.check_quantities((d.qty, d.ref_id) for d in demands)
    note_rank(Rank.STOCK)
    return Shelves(lock(rules.keys_of(demands)), waiting=waiting)


@part
def promise(shelves: Shelves, *, actor: Actor, more: bool = False) -> None:
    """Write what was given from the shelves; `more`: on top of what the lines may hold. Two statements, one more where goods are awaited.

    The rows are locked since the shelves were opened.
    """
    if shelves.awaited:
        keys = sorted(shelves.awaited)
        for place, product, some, closed in rows(AWAIT, columns(keys)):
            if closed:  # it was chosen before it closed: nobody waits where nothing comes in
                raise Refused("inventory.place_closed", place=closed)
            if some and (place, product) not in shelves.held:  # they came in while nobody could lock a row that was not there
                emit(GoodsFree(place, product), shelves.awaited[place, product])
    if not shelves.given:
        return
    wanted = rules.totals([d for d, _subject in shelves.given])
    run(RESERVE, ([shelves.held[key].id for key in wanted], list(wanted.values())))
    run(TOP_UP if more else PROMISE, (clock.now(), *columns([(d.place_id, d.product_id, d.qty, d.ref_id, *named(subject)) for d, subject in shelves.given])))


@part
def shrink(quantities: Mapping[int, Decimal], subject: Subject, *, actor: Actor) -> None:
    """Give back a part of what is reserved for lines of a document (by ref_id). Locks the stock rows; two statements.

    Raises Refused `inventory.not_reserved` where a line holds less. Emits GoodsFree where somebody waits.
    """
    if not quantities:
        return
    note_rank(Rank.STOCK)
    refs = list(quantities)
    found = _taken_from(rows(LOCK_PROMISED, (subject.kind, subject.id, refs, refs)), quantities)
    run(GIVE_PART, columns([(row[0], row[1], qty) for row, qty in found]))
    for key in sorted({(row[3], row[4]) for row, _qty in found if row[5]}):
        emit(GoodsFree(*key), subject)


def _taken_from(found: Sequence[tuple], quantities: Mapping[int, Decimal]) -> list[tuple[tuple, Decimal]]:
    """Which locked reservations give `quantities` (by ref_id), those that were made last first. Raises Refused where a line holds less."""
    left, parts = dict(quantities), list[tuple[tuple, Decimal]]()
    for row in sorted(found, key=lambda row: -row[0]):
        if (qty := min(row[2], left[row[6]])) > 0:
            left[row[6]] -= qty
            parts.append((row, qty))
    raise_if_any([Fault("inventory.not_reserved", f"lines.{ref}") for ref, qty in left.items() if qty > 0], Refused)
    return parts


@part
def hand_over(parts: Sequence[tuple[int, int, Decimal]], subject: Subject, to: Subject, *, actor: Actor) -> None:
    """Let a part of what is reserved for lines of a document be reserved for another's: (line, the other's line, quantity). No goods become free.

    Locks the stock rows; two statements. Raises Refused `inventory.not_reserved` where a line holds less.
    """
    if not parts:
        return
    note_rank(Rank.STOCK)
    refs = [ref for ref, _other, _qty in parts]
    found = _taken_from(rows(LOCK_PROMISED, (subject.kind, subject.id, refs, refs)), {ref: qty for ref, _other, qty in parts})
    theirs = {ref: other for ref, other, _qty in parts}
    run(HAND_OVER, (*columns([(row[0], theirs[row[6]], qty) for row, qty in found]), *named(to)))


@part
def refill(shelves: Shelves, awaited: Iterable[Key], *, actor: Actor) -> None:
    """Write what those who waited were given, on top of what their lines hold; `awaited` = where somebody waits still. Three statements."""
    still = set(awaited)
    over = [row.id for key, row in shelves.held.items() if row.awaited and key not in still]
    if over:
        run(ARRIVED, (over,))
    if shelves.given:
        wanted = rules.totals([d for d, _subject in shelves.given])
        run(RESERVE, ([shelves.held[key].id for key in wanted], list(wanted.values())))
        run(TOP_UP, (clock.now(), *columns([(d.place_id, d.product_id, d.qty, d.ref_id, *named(subject)) for d, subject in shelves.given])))


@part
def stop_waiting(keys: Iterable[Key], subject: Subject, *, actor: Actor) -> None:
    """A document no longer waits for goods: those behind it may be next. Locks nothing; emits GoodsFree."""
    for key in sorted(set(keys)):
        emit(GoodsFree(*key), subject)


@part
def release(subject: Subject, *, actor: Actor, ref_ids: Iterable[int] | None = None) -> Decimal:
    """Give back what is still reserved for a document, or for some of its lines; return how much. Two statements; harmless when repeated."""
    note_rank(Rank.STOCK)
    refs = None if ref_ids is None else list(ref_ids)
    found = rows(LOCK_PROMISED, (subject.kind, subject.id, refs, refs))
    if not found:
        return rules.ZERO
    given: dict[int, Decimal] = {}
    awaited = set[Key]()
    for _reservation, stock, qty, place, product, waits, _ref in found:
        given[stock] = given.get(stock, rules.ZERO) + qty
        if waits:
            awaited.add((place, product))
    run(GIVE_BACK, ([r[0] for r in found], list(given), list(given.values())))
    for key in sorted(awaited):
        emit(GoodsFree(*key), subject)
    return sum(given.values(), rules.ZERO)
