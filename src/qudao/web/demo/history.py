"""The plan played through the batch actions, day by day: production comes in, goods arrive, money is entered, orders are taken in, approved and sent.

A day is one transaction with the clock held at its hours, and its events are delivered in the evening before it is committed: a loading that is
killed has done whole days, nobody else ever sees half of one, and a day done again changes nothing.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as hour_of
from decimal import Decimal
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import OperationalError, transaction

from qudao.base.access import Actor, Channel, system_actor
from qudao.base.outbox import drain
from qudao.billing.queries import invoices
from qudao.fulfilment.actions import Arriving, Leaving, confirm_receipts, dispatch_shipment, ship_orders, start_pick
from qudao.fulfilment.queries import lines_of as shipment_lines
from qudao.fulfilment.queries import shipments
from qudao.fulfilment.rules import Count
from qudao.fulfilment.states import State
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Refused
from qudao.orders.actions import approve_order, cancel_order, close_order_short, place_orders, reject_order
from qudao.orders.queries import orders as orders_seen
from qudao.orders.queries import unscoped_lines_of
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import Status
from qudao.payments.actions import PaymentFacts, Received, record_payments
from qudao.web import masters
from qudao.web.demo.firms import known
from qudao.web.demo.network import SPACE, World, south
from qudao.web.demo.plan import Life, needs

#: orders, proofs of delivery and bank lines of the dealers come over the wire
WIRE = system_actor(channel=Channel.EDI)
SYSTEM = masters.SYSTEM
CARRIERS = ("顺丰速运", "京东物流", "德邦快递", "安能物流", "中通快运")
ATTEMPTS = 5


@dataclass
class Row:
    """An order as the day finds it."""

    id: int
    status: str
    seller_id: int
    buyer_id: int


@dataclass
class Stage:
    """What is played: the lives by day and step, for one world; `places` are the warehouses of the brand by region."""

    world: World
    lives: Sequence[Life]
    places: dict[str, int] = field(default_factory=dict)
    days: dict[date, dict[str, list[Life]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    def __post_init__(self) -> None:
        for life in self.lives:
            for day, step in life.steps:
                self.days[day][step].append(life)
        self.made = needs(self.lives) if self.places else {}
        for day in self.made:
            self.days[day]["produce"] = []


def warehouses(world: World) -> dict[str, int]:
    """The brand's warehouses by region."""
    return {"main": masters.main_place(world.orgs["lanhe"]), "south": south(world)}


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, hour_of(hour, minute), tzinfo=ZoneInfo(settings.TIME_ZONE))


def begun(lives: Sequence[Life]) -> date | None:
    """The last day of which an order of these lives is there: the day to go on with."""
    ids = [life.client_id for life in lives]
    return max(orders_seen(SYSTEM).filter(client_id__in=ids).values_list("ordered_on", flat=True), default=None)


def play(stage: Stage, told: Callable[[date, int], None], others: dict[date, list[Callable[[], object]]] | None = None) -> None:
    """Play all days that are not done. `told` hears of each day with the number of orders taken in; `others` are played on their days too."""
    others = others or {}
    resumed = begun(stage.lives)
    for day in sorted(stage.days.keys() | others.keys()):
        if resumed is None or day >= resumed:
            _day(stage, day, others.get(day, ()))
        told(day, len(stage.days[day]["place"]) if day in stage.days else 0)


def _day(stage: Stage, day: date, others: Iterable[Callable[[], object]]) -> None:
    """One day in one transaction, tried again as a whole when somebody else's locks are in the way."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                if day in stage.days:
                    _steps(stage, day)
                for doing in others:
                    doing()
                evening(day)
            return
        except (OperationalError, Conflict):
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.2 * attempt)


def evening(day: date) -> None:
    with clock.freeze(moment(day, 23, 30)):
        drain()


def _steps(stage: Stage, day: date) -> None:
    """The work of a day, in the order of its hours."""
    todo = stage.days[day]
    world = stage.world
    brand = bool(stage.places)
    desk, warehouse, finance = (world.staff("desk"), world.staff("warehouse"), world.staff("finance")) if brand else (WIRE,) * 3
    if day in stage.made:
        with clock.freeze(moment(day, 7, 40)):
            _produce(stage, day)
    for hour, minute, step, act, actor in (
        (9, 12, "receive", _receive, WIRE),
        (9, 50, "give_up", _give_up, WIRE),
        (10, 24, "pay", _pay, finance),
        (11, 6, "place", _place, desk),
        (12, 31, "cancel", _cancel, desk),
        (15, 12, "part", _part, warehouse),
        (15, 38, "ship", _ship, warehouse),
    ):
        lives = todo.get(step)
        if lives:
            with clock.freeze(moment(day, hour, minute)):
                act(stage, lives, actor)
        if step == "cancel" and brand:
            _approve(stage, todo, day)


def _found(lives: Iterable[Life]) -> dict[Any, Row]:
    """The orders of lives by client id; one that was refused is missing. One statement."""
    ids = [life.client_id for life in lives]
    names = ("client_id", "pk", "status", "seller_id", "buyer_id")
    found = orders_seen(SYSTEM).filter(client_id__in=ids).select_related(None).order_by("pk").values_list(*names)
    return {client_id: Row(*row) for client_id, *row in found}


def _produce(stage: Stage, day: date) -> None:
    """What the orders of the next fortnight will want is made and comes into the warehouse of their region."""
    by_place: dict[int, dict[int, Decimal]] = defaultdict(dict)
    for (buyer, no), qty in stage.made[day].items():
        place = stage.places["south" if known(buyer, stage.world.size).parent == "south" else "main"]
        product = stage.world.by_no[no]
        by_place[place][product] = by_place[place].get(product, Decimal(0)) + qty
    for place, quantities in by_place.items():
        masters.opening(place, quantities, "成品入库", uuid5(SPACE, f"production {day.toordinal() - stage.world.last.toordinal()} {place}"))


def _place(stage: Stage, lives: Sequence[Life], actor: Actor) -> None:
    """Orders of the brand come by the desk's file, the others over the wire; what credit or stock refuses is not ordered."""
    orgs, products = stage.world.orgs, stage.world.by_no
    for own in (True, False):
        batch = [life for life in lives if (life.seller == "lanhe") == own]
        if not batch:
            continue
        wanted = clock.today() + timedelta(days=6)
        placings = []
        for life in batch:
            lines = [NewLine(products[no], Decimal(qty)) for no, qty in life.lines]
            placings.append((Placing(orgs[life.seller].id, orgs[life.buyer].id, lines, requested_on=wanted), life.client_id))
        place_orders(placings, actor=actor.through(Channel.FILE) if own else WIRE)


def _approve(stage: Stage, todo: dict[str, list[Life]], day: date) -> None:
    """The clerk signs what was taken in, finance after her what is very large; what credit refuses is rejected at once."""
    lives = [life for life in todo.get("place", ()) if life.seller == "lanhe" and life.twist != "cancel"]
    for hour, key in ((13, "clerk"), (14, "finance")):
        found = _found(lives) if lives else {}
        waiting = [(life, row) for life in lives if (row := found.get(life.client_id)) and row.status == Status.IN_REVIEW]
        for n, (life, row) in enumerate(waiting):
            with clock.freeze(moment(day, hour, min(5 + 3 * n, 59))):
                _sign(row.id, life, stage.world.staff(key))


def _sign(order_id: int, life: Life, actor: Actor) -> None:
    if life.twist == "reject":
        reject_order(order_id, reason="本月配额已满，请下月再订。", actor=actor)
        return
    try:
        approve_order(order_id, actor=actor)
    except Refused as refusal:
        code = refusal.faults[0].code
        if code.startswith(("funds.", "inventory.")):
            reject_order(order_id, reason="信用额度或库存不足，请调整后重新下单。", actor=actor)
        elif not code.startswith("approvals."):
            raise


def _cancel(stage: Stage, lives: Sequence[Life], actor: Actor) -> None:
    for row in _found(lives).values():
        if row.status in (Status.IN_REVIEW, Status.CONFIRMED):
            cancel_order(row.id, reason="客户调整计划。", actor=actor)


def _part(stage: Stage, lives: Sequence[Life], actor: Actor) -> None:
    """Half of each line leaves; what stays is planned again."""
    for row in _found(lives).values():
        if row.status != Status.CONFIRMED:
            continue
        order = orders_seen(SYSTEM).get(pk=row.id)
        half = {line.pk: Decimal(int(line.qty) // 2) for line in unscoped_lines_of(order) if line.qty >= 2}
        if half:
            shipment = start_pick(row.id, half, actor=actor)
            dispatch_shipment(shipment.pk, carrier=CARRIERS[row.id % 5], tracking=f"YT{26_000_000 + row.id * 131}", actor=actor)


def _ship(stage: Stage, lives: Sequence[Life], actor: Actor) -> None:
    ready = [row for row in _found(lives).values() if row.status in (Status.CONFIRMED, Status.IN_FULFILMENT)]
    for own in (True, False):
        rows = [row for row in ready if (row.seller_id == stage.world.orgs["lanhe"].id) == own]
        if rows:
            leaving = [Leaving(row.id, CARRIERS[row.id % 5], f"YT{26_000_000 + row.id * 137}") for row in rows]
            ship_orders(leaving, actor=actor if own else WIRE)


def _receive(stage: Stage, lives: Sequence[Life], actor: Actor) -> None:
    """What is on its way arrives, by the carrier's proof of delivery; some of it short or damaged."""
    rows = {row.id: client_id for client_id, row in _found(lives).items()}
    twists = {life.client_id: life.twist for life in lives}
    on_way = shipments(SYSTEM).filter(order_id__in=list(rows), state=State.SHIPPED).select_related(None).order_by("-pk")
    first = {shipment.order_id: shipment for shipment in on_way}
    arriving = []
    for order_id, shipment in sorted(first.items()):
        twist = twists[rows[order_id]]
        arriving.append(Arriving(shipment.pk, _counts(shipment, twist) if twist in ("short", "damaged") else ()))
    confirm_receipts(arriving, actor=actor)


def _counts(shipment: Any, twist: str) -> list[Count]:
    line = shipment_lines(shipment)[0]
    one = Decimal(1)
    if twist == "damaged":
        return [Count(line.pk, line.qty - one, damaged=one, short=Decimal(0), note="外箱破损，机身凹陷")]
    return [Count(line.pk, line.qty - one, short=one, note="少一台，签收单已注明")]


def _give_up(stage: Stage, lives: Sequence[Life], actor: Actor) -> None:
    for row in _found(lives).values():
        if row.status == Status.IN_FULFILMENT:
            close_order_short(row.id, reason="余量停产，客户同意取消。", actor=actor)


def _pay(stage: Stage, lives: Sequence[Life], actor: Actor) -> None:
    """The invoices of these orders are paid by name; a few only in part."""
    rows = {row.id: client_id for client_id, row in _found(lives).items()}
    partly = {life.client_id for life in lives if life.twist == "part_paid"}
    received: dict[bool, list[Received]] = {True: [], False: []}
    for one in invoices(SYSTEM).filter(order_id__in=list(rows), paid=0, gross__gt=0).select_related(None).order_by("pk"):
        amount = (one.gross / 2).quantize(Decimal(1)) if rows[one.order_id] in partly else one.gross
        facts = PaymentFacts(one.seller_id, one.buyer_id, amount, reference=one.number)
        received[one.seller_id == stage.world.orgs["lanhe"].id].append(Received(facts, [(one.pk, amount)]))
    for own, batch in received.items():
        if batch:
            record_payments(batch, actor=actor if own else WIRE)
