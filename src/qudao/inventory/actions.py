"""Every change of stock: reserve, release and move, in sorted lock order and in a number of statements that does not grow with the lines.

Whoever changes a reservation holds the lock of its stock row, so the stock lock is the only one that matters here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, part, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.inventory import queries, rules
from qudao.inventory.models import Place, Stock, SupplyPlace
from qudao.inventory.rules import Demand, Held, Key, MoveSpec
from qudao.inventory.states import LEAD_DAYS, MOST_LEAD_DAYS, STANDARD_PLACES, PlaceKind, Shows
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.period import month_of
from qudao.kernel.quantity import plain

__all__ = ["Demand", "MoveSpec", "OpeningLine"]

LOCK = """SELECT s.place_id, s.product_id, s.id, s.on_hand, s.reserved FROM inventory_stock s
    JOIN unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) USING (place_id, product_id)
    ORDER BY s.place_id, s.product_id FOR UPDATE OF s"""
RESERVE = "UPDATE inventory_stock s SET reserved = s.reserved + d.qty FROM unnest(%s::bigint[], %s::numeric[]) d(id, qty) WHERE s.id = d.id"
PROMISE = """INSERT INTO inventory_reservation
    (place_id, product_id, qty, taken, released, subject_kind, subject_id, number, ref_id, state, at)
    SELECT d.place_id, d.product_id, d.qty, 0, 0, d.kind, d.subject_id, d.number, d.ref_id, 'open', %s
    FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[], %s::bigint[], %s::text[], %s::bigint[], %s::text[])
        d(place_id, product_id, qty, ref_id, kind, subject_id, number)"""

# The stock row is locked before its reservation, as everywhere; the join re-reads a reservation that changed while we waited.
LOCK_PROMISED = """SELECT r.id, s.id, r.qty - r.taken - r.released FROM inventory_reservation r
    JOIN inventory_stock s USING (place_id, product_id)
    WHERE r.subject_kind = %s AND r.subject_id = %s AND r.state = 'open' AND (%s::bigint[] IS NULL OR r.ref_id = ANY(%s::bigint[]))
    ORDER BY r.place_id, r.product_id, r.id FOR UPDATE OF s, r"""
GIVE_BACK = """WITH given AS (
        UPDATE inventory_reservation SET released = qty - taken, state = 'closed' WHERE id = ANY(%s::bigint[])
    )
    UPDATE inventory_stock s SET reserved = s.reserved - d.qty FROM unnest(%s::bigint[], %s::numeric[]) d(id, qty) WHERE s.id = d.id"""

LOCK_PLACES = """WITH held AS (
        SELECT s.place_id, s.product_id, s.id, s.on_hand, s.reserved FROM inventory_stock s
        JOIN unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) USING (place_id, product_id)
        ORDER BY s.place_id, s.product_id FOR UPDATE OF s
    )
    SELECT p.id, p.kind, h.product_id, h.id, h.on_hand, h.reserved FROM inventory_place p LEFT JOIN held h ON h.place_id = p.id
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
FIRST = """INSERT INTO inventory_stock AS s (place_id, product_id, on_hand, reserved)
    SELECT d.place_id, d.product_id, d.qty, 0 FROM unnest(%s::bigint[], %s::bigint[], %s::numeric[]) d(place_id, product_id, qty)
    ORDER BY d.place_id, d.product_id
    ON CONFLICT (place_id, product_id) DO UPDATE SET on_hand = s.on_hand + excluded.on_hand"""


@dataclass(frozen=True, slots=True)
class OpeningLine:
    """Stock that was there before the books began: `qty` in base unit."""

    product_id: int
    qty: Decimal


@part
def reserve(demands: Sequence[Demand], subject: Subject, *, actor: Actor) -> None:
    """Promise stock to the lines of a document. Locks the stock rows; three statements for any number of demands.

    Demands of the same place and product are checked together and kept apart by `ref_id`. Raises Refused with a fault
    `inventory.short` (field "lines.<ref_id>") for every line that is short, and then reserves nothing.
    """
    if not demands:
        return
    rules.check_quantities((d.qty, d.ref_id) for d in demands)
    note_rank(Rank.STOCK)
    wanted = rules.totals(demands)
    held = _lock(list(wanted))
    raise_if_any(rules.shortages(demands, {key: h.free for key, h in held.items()}), Refused)
    run(RESERVE, ([held[key].id for key in wanted], list(wanted.values())))
    run(PROMISE, (clock.now(), *_columns([(d.place_id, d.product_id, d.qty, d.ref_id, *_named(subject)) for d in demands])))


class Shelves:
    """Stock rows locked together, for documents that ask for goods one after the other; what they get is written at once (`promise`)."""

    def __init__(self, held: dict[Key, Held]) -> None:
        self.held = held
        self.free = {key: row.free for key, row in held.items()}
        self.given: list[tuple[Demand, Subject]] = []

    def faults(self, demands: Sequence[Demand]) -> list[Fault]:
        """A fault for every line that is short now."""
        return rules.shortages(demands, self.free)

    def take(self, demands: Sequence[Demand], subject: Subject) -> None:
        """Promise goods; the caller has asked for the faults."""
        for d in demands:
            self.free[d.place_id, d.product_id] -= d.qty
            self.given.append((d, subject))


@part
def open_shelves(demands: Sequence[Demand], *, actor: Actor) -> Shelves:
    """Lock the stock that several documents ask for, to decide on each in turn. One statement."""
    rules.check_quantities((d.qty, d.ref_id) for d in demands)
    note_rank(Rank.STOCK)
    return Shelves(_lock(list(rules.totals(demands))))


@part
def promise(shelves: Shelves, *, actor: Actor) -> None:
    """Write what was given from the shelves. Two statements; the rows are locked since the shelves were opened."""
    if not shelves.given:
        return
    wanted = rules.totals([d for d, _subject in shelves.given])
    run(RESERVE, ([shelves.held[key].id for key in wanted], list(wanted.values())))
    run(PROMISE, (clock.now(), *_columns([(d.place_id, d.product_id, d.qty, d.ref_id, *_named(subject)) for d, subject in shelves.given])))


@part
def release(subject: Subject, *, actor: Actor, ref_ids: Iterable[int] | None = None) -> Decimal:
    """Give back what is still reserved for a document, or for some of its lines; return how much. Two statements; harmless when repeated."""
    note_rank(Rank.STOCK)
    refs = None if ref_ids is None else list(ref_ids)
    found = rows(LOCK_PROMISED, (subject.kind, subject.id, refs, refs))
    if not found:
        return rules.ZERO
    given: dict[int, Decimal] = {}
    for _reservation, stock, qty in found:
        given[stock] = given.get(stock, rules.ZERO) + qty
    run(GIVE_BACK, ([r[0] for r in found], list(given), list(given.values())))
    return sum(given.values(), rules.ZERO)


@part
def post_moves(specs: Sequence[MoveSpec], subject: Subject, *, actor: Actor, reserved_for: Subject | None = None) -> None:
    """Move goods. Locks the stock rows of both ends; two statements, one more to take reservations, one more for a first receipt.

    `take_reserved` lines consume the open reservation of (from_place, product, ref_id); `reserved_for` narrows it to one document.
    Raises Refused with `inventory.short` or `inventory.not_reserved` for every line concerned, NotFound for an unknown place.
    """
    _post([Moved(specs, subject, reserved_for)])


@dataclass(frozen=True, slots=True)
class Moved:
    """What one document moves; `reserved_for` as in `post_moves`."""

    specs: Sequence[MoveSpec]
    subject: Subject
    reserved_for: Subject | None = None


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
    held, outside = _lock_places(specs)
    changes = rules.apply_moves(specs, held, outside)
    _take(groups)
    now = clock.now()
    moved = _columns([(s.product_id, s.qty, s.from_place_id, s.to_place_id, s.ref_id, *_named(g.subject)) for g in groups for s in g.specs])
    after = list(changes.rows.values())
    balances = (list(changes.rows), [a[0] for a in after], [a[1] for a in after])
    run(MOVE, (*balances, month_of(clock.date_of(now)), now, *moved))
    if changes.fresh:
        run(FIRST, _columns([(*key, qty) for key, qty in changes.fresh.items()]))


def _named(subject: Subject) -> tuple[str, int, str]:
    return subject.kind, subject.id, subject.number


@part
def ensure_places(org_id: int, *, actor: Actor) -> dict[str, int]:
    """Make the standard places of an organisation where they are missing; return code → place id ({} when the organisation is gone). Two statements."""
    codes = list(STANDARD_PLACES)
    run(
        """INSERT INTO inventory_place (owner_id, code, name, kind)
           SELECT o.id, d.code, '', d.kind FROM network_organisation o, unnest(%s::text[], %s::text[]) d(code, kind) WHERE o.id = %s
           ON CONFLICT (owner_id, code) DO NOTHING""",
        (codes, [str(STANDARD_PLACES[code]) for code in codes], org_id),
    )
    return dict(rows("SELECT code, id FROM inventory_place WHERE owner_id = %s AND code = ANY(%s)", (org_id, codes)))


@action("inventory.receive")
def receive_opening(place_id: int, lines: Sequence[OpeningLine], reason: str, *, actor: Actor) -> Place:
    """Enter stock that was there before the books began, from outside into a warehouse of the own organisation. Locks the stock rows."""
    place = _own_warehouse(actor, place_id, "inventory.receive")
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if not lines:
        raise Invalid("inventory.no_lines", field="lines")
    rules.check_quantities((line.qty, n) for n, line in enumerate(lines))
    _products_exist([line.product_id for line in lines])
    outside = ensure_places(place.owner_id, actor=actor)["OUTSIDE"]
    subject = _subject(place)
    post_moves([MoveSpec(line.product_id, line.qty, outside, place.pk) for line in lines], subject, actor=actor)
    record(subject, after="received", reason=reason, detail={"lines": len(lines), "total": plain(sum((x.qty for x in lines), rules.ZERO))})
    return place


@action("inventory.receive")
def return_opening(place_id: int, lines: Sequence[OpeningLine], reason: str, *, actor: Actor) -> Place:
    """Take opening stock back that was entered by mistake, by moves from the warehouse to outside. Locks the stock rows.

    Raises Refused `inventory.short` for every product of which that much is no longer free.
    """
    place = _own_warehouse(actor, place_id, "inventory.receive")
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    outside = ensure_places(place.owner_id, actor=actor)["OUTSIDE"]
    subject = _subject(place)
    post_moves([MoveSpec(line.product_id, line.qty, place.pk, outside) for line in lines], subject, actor=actor)
    record(subject, after="returned", reason=reason, detail={"lines": len(lines), "total": plain(sum((x.qty for x in lines), rules.ZERO))})
    return place


@action("inventory.adjust")
def adjust_stock(place_id: int, product_id: int, counted: Decimal, reason: str, *, actor: Actor) -> Stock:
    """Set the stock of one product to what was counted, by a move from or to outside. Locks the stock row.

    Raises Refused when more is reserved than was counted, or when nothing differs.
    """
    place = _own_warehouse(actor, place_id, "inventory.adjust")
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if counted:
        rules.check_quantities([(counted, None)])
    _products_exist([product_id])
    outside = ensure_places(place.owner_id, actor=actor)["OUTSIDE"]
    note_rank(Rank.STOCK)
    held = _lock([(place.pk, product_id)]).get((place.pk, product_id), Held(0, rules.ZERO, rules.ZERO))
    difference = counted - held.on_hand
    if not difference:
        raise Refused("inventory.no_difference", field="counted")
    if counted < held.reserved:
        raise Refused("inventory.reserved_more", field="counted", reserved=plain(held.reserved), counted=plain(counted))
    ends = (outside, place.pk) if difference > 0 else (place.pk, outside)
    subject = _subject(place)
    post_moves([MoveSpec(product_id, abs(difference), *ends)], subject, actor=actor)
    before, detail = plain(held.on_hand), {"product_id": product_id}
    record(subject, before=before, after=plain(counted), reason=reason, detail=detail)
    return Stock.unscoped.get(place=place, product_id=product_id)


@action("inventory.manage_places")
def register_place(code: str, name: str = "", *, actor: Actor) -> Place:
    """Open another warehouse of the own organisation. A taken code is refused by the constraint."""
    if not code.strip():
        raise Invalid("inventory.place_code_missing", field="code")
    place = Place.unscoped.create(owner_id=actor.org_id, code=code.strip().upper(), name=name.strip(), kind=PlaceKind.STOCK)
    record(_subject(place), after="registered", detail={"code": place.code})
    return place


@action("inventory.manage_places")
def set_supply_place(agreement_id: int, place_id: int, shows: str = Shows.BANDED, lead_days: int = LEAD_DAYS, *, actor: Actor) -> SupplyPlace:
    """Say out of which warehouse of the seller an agreement is supplied, how much of its stock the buyer is told, and after how many working
    days goods leave: that is the day an order is promised for.
    """
    if not 0 <= lead_days <= MOST_LEAD_DAYS:
        raise Invalid("inventory.lead_days", field="lead_days", most=MOST_LEAD_DAYS)
    place = _own_warehouse(actor, place_id, "inventory.manage_places")
    sides = rows("SELECT seller_id, buyer_id FROM agreements_agreement WHERE id = %s", (agreement_id,))
    if not sides:
        raise NotFound("inventory.no_agreement")
    if sides[0][0] != place.owner_id:
        raise Refused("inventory.foreign_place", field="place")
    supply, _made = SupplyPlace.unscoped.update_or_create(agreement_id=agreement_id, defaults={"place": place, "shows": shows, "lead_days": lead_days})
    subject = Subject("agreements.agreement", agreement_id, sides[0][0], sides[0][1])
    record(subject, after=place.code, detail={"shows": str(shows), "lead_days": lead_days})
    return supply


def _lock(keys: list[Key]) -> dict[Key, Held]:
    """Lock the stock rows that exist, in key order."""
    found = rows(LOCK, ([k[0] for k in keys], [k[1] for k in keys]))
    return {(r[0], r[1]): Held(*r[2:]) for r in found}


def _lock_places(specs: Sequence[MoveSpec]) -> tuple[dict[Key, Held], frozenset[int]]:
    """Lock the stock rows at both ends; return them and which of the places are outside."""
    keys = sorted({(s.from_place_id, s.product_id) for s in specs} | {(s.to_place_id, s.product_id) for s in specs})
    places = sorted({k[0] for k in keys})
    held: dict[Key, Held] = {}
    kinds: dict[int, str] = {}
    for place, kind, product, *row in rows(LOCK_PLACES, ([k[0] for k in keys], [k[1] for k in keys], places)):
        kinds[place] = kind
        if product is not None:
            held[place, product] = Held(*row)
    if len(kinds) != len(places):
        raise NotFound("inventory.no_place")
    return held, frozenset(p for p, kind in kinds.items() if kind == PlaceKind.OUTSIDE)


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
    done = rows(TAKE, _columns([(*key, qty) for key, qty in wanted.items()]))
    found = {tuple(key) for key in done}
    missing = sorted(key for key in {k[:3] for k in wanted} if key not in found)
    needed = {k[:3]: plain(qty) for k, qty in wanted.items()}
    raise_if_any([Fault("inventory.not_reserved", f"lines.{k[2]}", {"needed": needed[k]}) for k in missing], Refused)
    if len(done) != len(wanted):  # two documents number their lines alike: the caller must say which one it means
        raise Conflict("inventory.ambiguous_reservation")


def _columns(lines: Sequence[tuple]) -> list[list]:
    """Rows as the arrays that unnest takes."""
    return [list(column) for column in zip(*lines, strict=True)]


def _own_warehouse(actor: Actor, place_id: int, verb: str) -> Place:
    place = get_visible(actor, Place, place_id, verb)
    if place.kind != PlaceKind.STOCK:
        raise Refused("inventory.place_kind", field="place", place=place.code, kind=PlaceKind(place.kind).label)
    return place


def _products_exist(product_ids: Sequence[int]) -> None:
    """Moves have no foreign key check of their own, so what people type in is looked up."""
    known = set(queries.unscoped_known_products(product_ids))
    raise_if_any([Fault("inventory.no_product", f"lines.{n}") for n, pk in enumerate(product_ids) if pk not in known], Invalid)


def _subject(place: Place) -> Subject:
    return Subject("inventory.place", place.pk, place.owner_id, None, place.code)
