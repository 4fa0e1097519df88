"""The lots of what moves: which ones leave, and what that makes of the lots of both ends. The stock rows of both ends are locked.

Only products tracked by lot come here, so that nothing else pays for them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from qudao.base.db import rows, run
from qudao.base.subject import Subject
from qudao.inventory import rules
from qudao.inventory.actions.rows import columns, named
from qudao.inventory.queries import unscoped_good_until, unscoped_lots
from qudao.inventory.rules import Key, LotQty, MoveSpec, lots_fault
from qudao.inventory.states import PlaceKind
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Refused, raise_if_any
from qudao.kernel.quantity import plain

BROUGHT = """SELECT m.subject_kind, m.subject_id, m.ref_id, m.to_place_id, m.from_place_id, m.product_id, m.lot, sum(m.qty)
    FROM inventory_lotmove m JOIN unnest(%s::text[], %s::bigint[]) d(subject_kind, subject_id) USING (subject_kind, subject_id) GROUP BY 1, 2, 3, 4, 5, 6, 7"""
WRITE = """WITH d AS (
        SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::date[], %s::numeric[]) d(place_id, product_id, lot, expires_on, qty)
    ), less AS (
        UPDATE inventory_lot l SET qty = l.qty + d.qty FROM d
        WHERE d.qty < 0 AND l.place_id = d.place_id AND l.product_id = d.product_id AND l.lot = d.lot
    ), more AS (
        INSERT INTO inventory_lot AS l (place_id, product_id, lot, expires_on, qty)
        SELECT d.place_id, d.product_id, d.lot, d.expires_on, d.qty FROM d WHERE d.qty > 0
        ON CONFLICT (place_id, product_id, lot) DO UPDATE SET qty = l.qty + excluded.qty, expires_on = coalesce(l.expires_on, excluded.expires_on)
    )
    INSERT INTO inventory_lotmove (at, product_id, lot, expires_on, qty, from_place_id, to_place_id, ref_id, subject_kind, subject_id, number)
    SELECT %s, m.* FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::numeric[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[],
        %s::text[]) m"""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one document moves; `reserved_for` and `agreement_id` as in `post_moves`."""

    specs: Sequence[MoveSpec]
    subject: Subject
    reserved_for: Subject | None = None
    agreement_id: int | None = None


@dataclass
class _Lots:
    """The lots of both ends while moves are allotted one after the other."""

    there: dict[Key, dict[str, LotQty]]
    brought: dict[tuple, dict[str, Decimal]]
    good_until: Mapping[tuple[int, int], date]
    outside: Collection[int]
    faults: list[Fault] = field(default_factory=list)
    changes: dict[tuple[int, int, str], LotQty] = field(default_factory=dict)

    def allot(self, group: Moved, spec: MoveSpec) -> list[LotQty]:
        """The lots of one move; faults are kept."""
        if spec.lots and (total := sum((x.qty for x in spec.lots), rules.ZERO)) != spec.qty:
            self.faults.append(lots_fault(spec.ref_id, "inventory.lots_differ", named=plain(total), needed=plain(spec.qty)))
            return []
        if spec.from_place_id in self.outside:
            return self._enter(spec)
        pool = self.there.get((spec.from_place_id, spec.product_id), {})
        if spec.to_place_id in self.outside:  # what is blocked may be written off
            pool = {lot: replace(one, held=False) for lot, one in pool.items()}
        good = self.good_until.get((group.agreement_id or 0, spec.product_id))
        return self._named(spec, pool, good) if spec.lots else self._chosen(group, spec, pool, good)

    def _enter(self, spec: MoveSpec) -> list[LotQty]:
        """Lots that come into the books keep the day that is known of them."""
        known = self.there.get((spec.to_place_id, spec.product_id), {})
        found = []
        for one in spec.lots or (LotQty("", None, spec.qty),):
            before = known.get(one.lot)
            if before and before.expires_on and one.expires_on not in (None, before.expires_on):
                self.faults.append(lots_fault(spec.ref_id, "inventory.lot_expiry", lot=one.lot, expires=before.expires_on.isoformat()))
            found.append(replace(one, expires_on=one.expires_on or (before.expires_on if before else None)))
        return found

    def _named(self, spec: MoveSpec, pool: Mapping[str, LotQty], good: date | None) -> list[LotQty]:
        """The lots that somebody chose, as far as they lie there and keep long enough."""
        found = []
        for one in spec.lots:
            have = pool.get(one.lot, LotQty(one.lot, None, rules.ZERO))
            if have.qty < one.qty:
                self.faults.append(lots_fault(spec.ref_id, "inventory.lot_short", lot=one.lot, available=plain(have.qty)))
            elif have.held:
                self.faults.append(lots_fault(spec.ref_id, "inventory.lot_held", lot=one.lot))
            elif not rules.keeps(have.expires_on, good):
                told = {"lot": one.lot, "until": str(have.expires_on), "needed": str(good)}
                self.faults.append(lots_fault(spec.ref_id, "inventory.lot_unsold", **told))
            found.append(replace(have, qty=one.qty))
        return found

    def _chosen(self, group: Moved, spec: MoveSpec, pool: Mapping[str, LotQty], good: date | None) -> list[LotQty]:
        """What the document brought there, then what expires first."""
        own = self.brought.get(_brought_key(group.subject, spec.ref_id, spec.from_place_id, spec.product_id), {})
        mine = [replace(pool[lot], qty=min(qty, pool[lot].qty)) for lot, qty in own.items() if qty > 0 and lot in pool]
        found, lacks = rules.fefo(mine, spec.qty, good)
        if lacks:
            taken = {one.lot: one.qty for one in found}
            rest = [replace(one, qty=one.qty - taken.get(one.lot, rules.ZERO)) for one in pool.values()]
            more, lacks = rules.fefo(rest, lacks, good)
            found += more
        if lacks:
            told = {"needed": plain(spec.qty), "available": plain(spec.qty - lacks)}
            self.faults.append(lots_fault(spec.ref_id, "inventory.lots_short", **told))
        return found

    def move(self, spec: MoveSpec, one: LotQty) -> None:
        """Take a lot from one end and put it to the other, as the next moves find it."""
        for place, qty in ((spec.from_place_id, -one.qty), (spec.to_place_id, one.qty)):
            if place not in self.outside:
                lots = self.there.setdefault((place, spec.product_id), {})
                lots[one.lot] = replace(lots.get(one.lot, one), qty=(lots[one.lot].qty if one.lot in lots else rules.ZERO) + qty)
                key = (place, spec.product_id, one.lot)
                self.changes[key] = replace(one, qty=(self.changes[key].qty if key in self.changes else rules.ZERO) + qty)


def move_lots(groups: Sequence[Moved], tracked: Collection[int], kinds: Mapping[int, str]) -> None:
    """Write which lots went with the moves of tracked products: two statements, one more for what an agreement asks, one for what a document brought.

    Raises Refused with a fault for every line whose lots are not there, do not keep long enough, or do not add up.
    """
    pairs = [(g, s) for g in groups for s in g.specs if s.product_id in tracked]
    outside = {p for p, kind in kinds.items() if kind == PlaceKind.OUTSIDE}
    keys = {(place, s.product_id) for _g, s in pairs for place in (s.from_place_id, s.to_place_id) if place not in outside}
    there: dict[Key, dict[str, LotQty]] = {key: {x.lot: x for x in lots} for key, lots in unscoped_lots(keys).items()}
    again = {(g.subject.kind, g.subject.id) for g, s in pairs if kinds[s.from_place_id] in (PlaceKind.TRANSIT, PlaceKind.CLAIMS)}
    good = unscoped_good_until({(g.agreement_id, s.product_id) for g, s in pairs if g.agreement_id})
    lots = _Lots(there, _brought(again), good, outside)
    moved = []
    for g, s in pairs:
        for one in lots.allot(g, s):
            lots.move(s, one)
            moved.append((s.product_id, one.lot, one.expires_on, one.qty, s.from_place_id, s.to_place_id, s.ref_id, *named(g.subject)))
    raise_if_any(lots.faults, Refused)
    changed = [(place, product, lot, one.expires_on, one.qty) for (place, product, lot), one in sorted(lots.changes.items()) if one.qty]
    run(WRITE, (*(columns(changed) or [[]] * 5), clock.now(), *columns(moved)))


def _brought_key(subject: Subject, ref_id: int | None, place: int, product: int) -> tuple:
    return subject.kind, subject.id, ref_id, place, product


def _brought(subjects: Iterable[tuple[str, int]]) -> dict[tuple, dict[str, Decimal]]:
    """What documents brought to places and did not take away, by their line, and under None of all their lines. No statement without documents."""
    asked = sorted(subjects)
    found: dict[tuple, dict[str, Decimal]] = {}
    if not asked:
        return found
    for kind, pk, ref, to, from_, product, lot, qty in rows(BROUGHT, columns(asked)):
        for place, change in ((to, qty), (from_, -qty)):
            for line in {ref, None}:
                lots = found.setdefault((kind, pk, line, place, product), {})
                lots[lot] = lots.get(lot, rules.ZERO) + change
    return found
