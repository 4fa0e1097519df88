"""Planning: at most one shipment of an order waits to be picked in each place, and it holds what is open there and nobody picks. Writing shipments is
here too.

A number is the order's with a count, given under the order's lock: no number series is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from qudao.base.access import Actor
from qudao.base.action import part, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.fulfilment import rules
from qudao.fulfilment.queries import SHIPPABLE, Parcel, unscoped_parcels
from qudao.fulfilment.states import OPEN, State
from qudao.inventory.queries import unscoped_reserved_at
from qudao.inventory.rules import LotQty
from qudao.kernel import clock
from qudao.orders.actions import lock_trades
from qudao.orders.queries import Trade, TradeLine

# Both end with the transit place of the seller, which a dispatch needs next.
CREATE = """WITH made AS (
        INSERT INTO fulfilment_shipment (order_id, seller_id, buyer_id, from_place_id, seq, number, state, state_since, created_at,
            carrier, tracking, shipped_at, shipped_by, line_count)
        SELECT d.order_id, d.seller_id, d.buyer_id, d.place_id, d.seq, d.number, %(state)s, %(now)s, %(now)s,
            %(carrier)s, %(tracking)s, %(shipped_at)s, %(shipped_by)s, d.line_count
        FROM unnest(%(orders)s::bigint[], %(sellers)s::bigint[], %(buyers)s::bigint[], %(places)s::bigint[], %(seqs)s::int[], %(numbers)s::text[],
            %(counts)s::int[]) d(order_id, seller_id, buyer_id, place_id, seq, number, line_count)
        RETURNING id, order_id
    )
    INSERT INTO fulfilment_shipmentline (shipment_id, line_id, product_id, qty)
    SELECT m.id, d.line_id, d.product_id, d.qty
    FROM unnest(%(line_orders)s::bigint[], %(lines)s::bigint[], %(products)s::bigint[], %(quantities)s::numeric[])
        WITH ORDINALITY d(order_id, line_id, product_id, qty, at)
    JOIN made m USING (order_id) ORDER BY d.at
    RETURNING shipment_id, line_id, id, (SELECT p.id FROM inventory_place p WHERE p.owner_id = %(seller)s AND p.code = 'TRANSIT')"""
CHANGE = """WITH changed AS (
        UPDATE fulfilment_shipment SET state = %(state)s, state_since = %(since)s, carrier = %(carrier)s, tracking = %(tracking)s,
            shipped_at = %(shipped_at)s, shipped_by = %(shipped_by)s, line_count = %(count)s
        WHERE id = %(id)s
    ), gone AS (
        DELETE FROM fulfilment_shipmentline WHERE shipment_id = %(id)s AND NOT line_id = ANY(%(lines)s::bigint[])
    )
    INSERT INTO fulfilment_shipmentline (shipment_id, line_id, product_id, qty)
    SELECT %(id)s, d.line_id, d.product_id, d.qty
    FROM unnest(%(lines)s::bigint[], %(products)s::bigint[], %(quantities)s::numeric[]) d(line_id, product_id, qty)
    ON CONFLICT (shipment_id, line_id) DO UPDATE SET qty = excluded.qty
    RETURNING shipment_id, line_id, id, (SELECT p.id FROM inventory_place p WHERE p.owner_id = %(seller)s AND p.code = 'TRANSIT')"""
VOID = "UPDATE fulfilment_shipment SET state = 'cancelled', state_since = %s WHERE id = ANY(%s)"


@dataclass(frozen=True)
class Stage:
    """What a written shipment becomes; `lots` by order line, where somebody chose them."""

    state: str
    now: datetime
    carrier: str = ""
    tracking: str = ""
    shipped_by: int | None = None
    lots: Mapping[int, tuple[LotQty, ...]] = field(default_factory=dict)

    def columns(self) -> dict[str, object]:
        left = self.state == State.SHIPPED
        return {
            "state": str(self.state),
            "now": self.now,
            "carrier": self.carrier,
            "tracking": self.tracking,
            "shipped_at": self.now if left else None,
            "shipped_by": self.shipped_by if left else None,
        }


Fresh = tuple["Load", int, Mapping[int, Decimal]]
"""A shipment to be: of which order, out of which place, what."""


@dataclass
class Load:
    """An order as locked with its shipments. `reserved`: by place and line what is reserved there, of an order that several places may serve."""

    trade: Trade
    parcels: list[Parcel]
    reserved: dict[int, dict[int, Decimal]] | None = None

    @cached_property
    def lines(self) -> dict[int, TradeLine]:
        """The order lines by id."""
        return {line.id: line for line in self.trade.lines}

    def plan_at(self, place_id: int) -> Parcel | None:
        """The shipment that waits to be picked in a place."""
        return next((p for p in self.parcels if p.state == State.CREATED and p.place_id == place_id), None)

    @property
    def picking(self) -> list[Parcel]:
        return [p for p in self.parcels if p.state == State.PICKING]

    @property
    def next_seq(self) -> int:
        return max((p.seq for p in self.parcels), default=0) + 1

    def free(self) -> dict[int, dict[int, Decimal]]:
        """By place, in the order of the places: order line id → what is open there and not being picked; nothing for an order that may not be shipped."""
        if self.trade.status not in SHIPPABLE:
            return {}
        busy: dict[int, dict[int, Decimal]] = {}
        for parcel in self.picking:
            at = busy.setdefault(parcel.place_id, {})
            for line_id, qty in parcel.lines.items():
                at[line_id] = at.get(line_id, rules.NOTHING) + qty
        if self.reserved is None:
            found = {self.trade.place_id: rules.left_to_plan(self.trade.lines, busy.get(self.trade.place_id, {}))}
        else:
            there = {place: self.reserved.get(place, {}) for place in dict.fromkeys((*self.trade.places, *self.reserved))}
            found = {place: rules.less(lines, busy.get(place, {})) for place, lines in there.items()}
        return {place: lines for place, lines in found.items() if lines}

    def took(self, parcel: Parcel, lines: Mapping[int, Decimal]) -> None:
        """Goods have left a place: they are no longer reserved there."""
        if self.reserved is not None:
            self.reserved[parcel.place_id] = rules.less(self.reserved.get(parcel.place_id, {}), lines)

    def subject(self, parcel: Parcel) -> Subject:
        return Subject("fulfilment.shipment", parcel.id, self.trade.seller_id, self.trade.buyer_id, parcel.number)


@part
def plan_shipments(order_ids: Iterable[int], *, actor: Actor) -> int:
    """Make the plans of orders fit what is open of them; return how many shipments were made, changed or voided.

    Convergent: reserved and not yet planned is planned, plans of cancelled orders are void. Locks orders and shipments; one statement
    makes all missing plans.
    """
    ids = sorted(set(order_ids))
    trades = lock_trades(ids, actor=actor)
    parcels = lock_parcels(ids)
    return sync(loads_of(trades, parcels))


def loads_of(trades: Sequence[Trade], parcels: Mapping[int, list[Parcel]]) -> list[Load]:
    """Locked orders with their locked shipments. No statement; one where several places may serve some of them."""
    many = [trade.id for trade in trades if trade.more_places]
    reserved = unscoped_reserved_at("orders.order", many) if many else {}
    return [Load(trade, parcels[trade.id], reserved.get(trade.id, {}) if trade.more_places else None) for trade in trades]


def lock_parcels(order_ids: Sequence[int]) -> dict[int, list[Parcel]]:
    """All shipments of locked orders, locked. One statement."""
    note_rank(Rank.SHIPMENT)
    return unscoped_parcels(order_ids)


def sync(loads: Sequence[Load]) -> int:
    """Make each order's plans, one for each place, hold exactly what is open there and not being picked."""
    now = clock.now()
    fresh: list[list[Fresh]] = []
    void: list[tuple[Load, Parcel]] = []
    touched = 0
    for load in loads:
        free, new = load.free(), 0
        dead = OPEN if load.trade.status not in SHIPPABLE else (State.CREATED,)
        void += [(load, p) for p in load.parcels if p.state in dead and p.place_id not in free]
        for place, lines in free.items():
            plan = load.plan_at(place)
            if plan is None:  # the nth new plan of each order is written together
                fresh += [[]] if new == len(fresh) else []
                fresh[new].append((load, place, lines))
                new += 1
            elif plan.lines != lines:
                change(load, plan, lines, Stage(State.CREATED, now))
                touched += 1
    for some in fresh:
        create(some, Stage(State.CREATED, now))
    drop(void, now)
    return touched + sum(len(some) for some in fresh) + len(void)


def create(fresh: Sequence[Fresh], stage: Stage) -> int | None:
    """Write new shipments, one for each order; return the transit place of the (first) seller. One statement."""
    heads, lines = [], []
    for load, place, wanted in fresh:
        t, seq = load.trade, load.next_seq
        number = f"SH-{t.number.removeprefix('SO-')}-{seq}"
        heads.append((t.id, t.seller_id, t.buyer_id, place, seq, number, len(wanted)))
        lines += [(t.id, line_id, load.lines[line_id].product_id, qty) for line_id, qty in wanted.items()]
    names = ("orders", "sellers", "buyers", "places", "seqs", "numbers", "counts")
    params = {**stage.columns(), **dict(zip(names, _columns(heads), strict=True)), "seller": heads[0][1]}
    params |= dict(zip(("line_orders", "lines", "products", "quantities"), _columns(lines), strict=True))
    found = rows(CREATE, params)
    written = {line_id: (shipment_id, pk) for shipment_id, line_id, pk, _place in found}
    for (load, place, wanted), head in zip(fresh, heads, strict=True):
        first = next(iter(wanted))
        parcel = Parcel(written[first][0], head[4], head[5], stage.state, stage.now, stage.now, place, dict(wanted))
        parcel.line_ids = {written[line_id][1]: line_id for line_id in wanted}
        load.parcels.append(parcel)
        record(load.subject(parcel), after=str(stage.state), detail={"order": load.trade.number, "lines": len(wanted)})
    return found[0][3]


def change(load: Load, parcel: Parcel, wanted: Mapping[int, Decimal], stage: Stage) -> int | None:
    """Write a shipment's new state and lines; return the transit place of the seller. One statement."""
    lines = _columns([(line_id, load.lines[line_id].product_id, qty) for line_id, qty in wanted.items()])
    since = stage.now if stage.state != parcel.state else parcel.state_since
    params = {**stage.columns(), "since": since, "id": parcel.id, "count": len(wanted), "seller": load.trade.seller_id}
    found = rows(CHANGE, params | dict(zip(("lines", "products", "quantities"), lines, strict=True)))
    if stage.state != parcel.state:
        record(load.subject(parcel), before=parcel.state, after=str(stage.state), since=parcel.state_since)
    parcel.state, parcel.state_since, parcel.lines = stage.state, since, dict(wanted)
    parcel.line_ids = {pk: line_id for _shipment, line_id, pk, _place in found}
    return found[0][3]


def drop(void: Sequence[tuple[Load, Parcel]], now: datetime) -> None:
    """Cancel shipments that hold nothing any more; their lines stay as a record of the plan. One statement, none without any."""
    if not void:
        return
    run(VOID, (now, [parcel.id for _load, parcel in void]))
    for load, parcel in void:
        after = rules.next_state(parcel.state, "void", parcel.number)
        record(load.subject(parcel), before=parcel.state, after=after, since=parcel.state_since)
        parcel.state, parcel.state_since, parcel.lines = after, now, {}


def _columns(lines: Sequence[tuple]) -> list[list]:
    """Rows as the arrays that unnest takes."""
    return [list(column) for column in zip(*lines, strict=True)]
