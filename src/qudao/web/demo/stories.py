"""Forty-odd orders in every state of their life, played on the days of the last two months by the people whose work it is.

A step looks at what the order has become and does only what is missing, so a loading that was cut off goes on where it stopped.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.conf import settings

from qudao.base.access import Actor
from qudao.billing.queries import invoices
from qudao.fulfilment.actions import confirm_receipt, dispatch_shipment, start_pick
from qudao.fulfilment.queries import lines_of as shipment_lines
from qudao.fulfilment.queries import shipments
from qudao.fulfilment.rules import Count
from qudao.fulfilment.states import State
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.orders.actions import approve_order, cancel_order, place_order, reject_order
from qudao.orders.queries import orders as orders_seen
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import Status
from qudao.payments.actions import PaymentFacts, announce_payment, record_payment
from qudao.web.demo.goods import Good
from qudao.web.demo.network import SHARES, SPACE, World, firm, stocked
from qudao.web.masters import SYSTEM


class End(StrEnum):
    """What has become of a story's order when the loading is over."""

    REVIEW = "to approve"
    SECOND_REVIEW = "to approve by finance"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    CONFIRMED = "to ship"
    PICKING = "picking"
    SHIPPED = "in transit"
    DIFFERENCE = "received with a difference"
    INVOICED = "invoiced"
    ANNOUNCED = "payment announced"
    PART_PAID = "partly paid"
    PAID = "paid"


#: how far each end goes along place → pick → ship → receive → pay
REACH = {End.PICKING: 1, End.SHIPPED: 2, End.DIFFERENCE: 3, End.INVOICED: 3, End.ANNOUNCED: 4, End.PART_PAID: 4, End.PAID: 4}


@dataclass(frozen=True)
class Story:
    """`buyer` orders for about `worth` yuan, `ago` days before the last day of the demo, and it comes to `end`."""

    no: int
    buyer: str
    ago: int
    worth: int
    end: End

    @property
    def seller(self) -> str:
        return firm(self.buyer).seller

    @property
    def client_id(self) -> UUID:
        return uuid5(SPACE, f"order {self.no}")

    def moment(self, last: date, days: int, hour: int) -> datetime:
        """An hour of a day of the story, the same minute in every run."""
        at = time(hour, (self.no * 13) % 60)
        return datetime.combine(last - timedelta(days=self.ago - days), at, tzinfo=ZoneInfo(settings.TIME_ZONE))


#: buyer, days ago, worth, end. What is older than its payment days and not paid is overdue; such dealers order nothing afterwards.
TOLD: list[tuple[str, int, int, End]] = [
    ("hupan", 58, 42_000, End.PAID), ("zhongshan", 57, 31_000, End.PAID), ("pujiang", 55, 118_000, End.PAID),
    ("zhujiang", 54, 47_000, End.PAID), ("pengcheng", 52, 86_000, End.PAID), ("ludao", 51, 38_000, End.INVOICED),
    ("ludao", 48, 46_000, End.PART_PAID), ("hupan", 45, 64_000, End.PAID), ("nanhu", 44, 12_000, End.PAID),
    ("xixi", 42, 6_000, End.PAID), ("taihu", 41, 9_000, End.INVOICED), ("tianhe", 40, 7_500, End.PAID),
    ("fenjiang", 38, 11_000, End.PAID), ("zhongshan", 36, 44_000, End.PAID), ("songshan", 35, 10_000, End.INVOICED),
    ("pujiang", 33, 49_000, End.CANCELLED), ("zhujiang", 30, 72_000, End.PAID), ("pengcheng", 28, 39_000, End.DIFFERENCE),
    ("hupan", 26, 48_000, End.DIFFERENCE), ("xiaoshan", 24, 5_200, End.PAID), ("pujiang", 22, 156_000, End.INVOICED),
    ("zhongshan", 20, 58_000, End.REJECTED), ("nanhu", 18, 8_000, End.DIFFERENCE), ("zhujiang", 17, 35_000, End.ANNOUNCED),
    ("hupan", 15, 43_000, End.INVOICED), ("xixi", 13, 4_800, End.INVOICED), ("zumiao", 12, 4_000, End.SHIPPED),
    ("pengcheng", 11, 45_000, End.INVOICED), ("pujiang", 9, 46_000, End.SHIPPED), ("zhongshan", 8, 28_000, End.SHIPPED),
    ("hupan", 7, 96_000, End.SHIPPED), ("fenjiang", 7, 9_000, End.CONFIRMED), ("zhujiang", 6, 30_000, End.PICKING),
    ("pujiang", 5, 41_000, End.PICKING), ("nanhu", 5, 9_500, End.PICKING), ("pengcheng", 4, 33_000, End.CONFIRMED),
    ("hupan", 4, 18_000, End.CANCELLED), ("zhongshan", 3, 240_000, End.SECOND_REVIEW), ("pujiang", 3, 47_000, End.CONFIRMED),
    ("xixi", 2, 5_500, End.CONFIRMED), ("zhujiang", 2, 88_000, End.REVIEW), ("hupan", 2, 37_000, End.CONFIRMED),
    ("tianhe", 1, 6_500, End.CONFIRMED), ("pengcheng", 1, 310_000, End.REVIEW), ("xiaoshan", 5, 3_500, End.INVOICED),
    ("pujiang", 1, 62_000, End.CONFIRMED), ("hupan", 0, 132_000, End.REVIEW),
]  # fmt: skip

STORIES = [Story(no, *told) for no, told in enumerate(TOLD, 1)]

Doing = Callable[[Story, int, World], int]


def complete() -> bool:
    """Whether a former loading came to its end: the last thing it does is the last story's order."""
    return orders_seen(SYSTEM).filter(client_id=STORIES[-1].client_id).exists()


def placed() -> dict[int, int]:
    """The orders of stories that are there already, by number of the story. One statement."""
    numbers = {story.client_id: story.no for story in STORIES}
    found = orders_seen(SYSTEM).filter(client_id__in=list(numbers)).order_by().values_list("client_id", "pk")
    return {numbers[client_id]: pk for client_id, pk in found if client_id}


def steps(world: World, last: date) -> dict[date, list[Callable[[], object]]]:
    """All steps by day, in the order of time; in the evening the day's events must be delivered, which plans shipments and issues invoices."""
    found: dict[date, list[Callable[[], object]]] = {}
    known = placed()  # a loading that goes on does not play the days before again
    played = [(at, one.no, doing, one) for one in STORIES for at, doing in _steps(one, last)]
    for at, _no, doing, story in sorted(played, key=lambda one: one[:2]):
        found.setdefault(at.date(), []).append(partial(_do, doing, story, at, known, world))
    return found


def _do(doing: Doing, story: Story, at: datetime, known: dict[int, int], world: World) -> None:
    with clock.freeze(at):
        known[story.no] = doing(story, known.get(story.no, 0), world)


def _steps(story: Story, last: date) -> Iterator[tuple[datetime, Doing]]:
    """The steps of a story with their moments; the last story's placing is the last step of all."""
    yield story.moment(last, 0, 17 if story is STORIES[-1] else 9), _place
    if story.end is End.CANCELLED:
        yield story.moment(last, 1, 10), _cancel
    elif story.end is End.REJECTED:
        yield story.moment(last, 1, 10), _reject
    elif story.end is End.SECOND_REVIEW:
        yield story.moment(last, 0, 14), _approve("clerk")
    elif story.end is not End.REVIEW:
        yield story.moment(last, 0, 13), _approve("clerk")
        yield story.moment(last, 0, 15), _approve("finance")
    reach = REACH.get(story.end, 0)
    pays = 15 + story.no % 8 if story.seller == "lanhe" else 10 + story.no % 4
    if story.end in (End.ANNOUNCED, End.PART_PAID):
        pays = story.ago - 2
    whole = [(1, 9, _pick), (1, 15, _ship), (4, 11, _receive), (pays, 10, _pay)]
    yield from ((story.moment(last, days, hour), doing) for days, hour, doing in whole[:reach])


def _lines(story: Story, world: World) -> list[NewLine]:
    """Products of the seller up to the worth of the story, the same in every run; few and in small numbers for a shop."""
    rng = random.Random(f"qudao demo {story.no}")
    kind = "outlet" if firm(story.buyer).kind == "outlet" else "dealer1" if story.seller == "lanhe" else "dealer2"
    shelf = [good for good in stocked(story.seller) if story.seller != "lanhe" or good.no not in (7, 8, 15, 29, 43)]
    rng.shuffle(shelf)
    lines: dict[Good, int] = {}
    left = Decimal(story.worth)
    for good in shelf[: 10 if kind == "dealer1" else 5]:
        price = good.price(SHARES[kind])
        most = 60 if kind == "dealer1" else 5
        qty = min(int(left / 2 // price), most)
        if kind == "dealer1" and good.small:
            qty -= qty % good.carton
        if qty > 0:
            lines[good] = qty
            left -= qty * price
    if not lines:
        lines[min(shelf, key=lambda one: one.retail)] = 1
    return [NewLine(world.products[good.code], Decimal(qty)) for good, qty in lines.items()]


def _seller_staff(story: Story, world: World, key: str) -> Actor:
    """The brand has a person for each work; a dealer's owner does it all."""
    return world.staff(key) if story.seller == "lanhe" else world.boss(story.seller)


def _buyer(story: Story, world: World) -> Actor:
    return world.staff("buyer") if story.buyer == "hupan" else world.boss(story.buyer)


def _status(pk: int) -> str:
    return str(orders_seen(SYSTEM).values_list("status", flat=True).get(pk=pk))


def _place(story: Story, _pk: int, world: World) -> int:
    wanted = clock.today() + timedelta(days=7)
    sides = (world.orgs[story.seller].id, world.orgs[story.buyer].id)
    placing = Placing(*sides, _lines(story, world), requested_on=wanted, po_number=f"PO-{2600 + story.no}")
    return int(place_order(placing, actor=_buyer(story, world), client_id=story.client_id).pk)


def _approve(key: str) -> Doing:
    """A signature by somebody of the brand; where another one is waited for, or this one was given before, nothing happens."""

    def approve(story: Story, pk: int, world: World) -> int:
        if _status(pk) == Status.IN_REVIEW:
            try:
                approve_order(pk, actor=world.staff(key))
            except Refused as refusal:
                if refusal.faults[0].code not in ("approvals.role_needed", "approvals.already_signed"):
                    raise
        return pk

    return approve


def _reject(story: Story, pk: int, world: World) -> int:
    if _status(pk) == Status.IN_REVIEW:
        reject_order(pk, reason="本月额度已用完，请减少数量后重新下单。", actor=world.staff("clerk"))
    return pk


def _cancel(story: Story, pk: int, world: World) -> int:
    if _status(pk) in (Status.IN_REVIEW, Status.CONFIRMED):
        cancel_order(pk, reason="门店活动取消。", actor=_buyer(story, world))
    return pk


def _pick(story: Story, pk: int, world: World) -> int:
    if _status(pk) == Status.CONFIRMED:
        start_pick(pk, actor=_seller_staff(story, world, "warehouse"))
    return pk


def _ship(story: Story, pk: int, world: World) -> int:
    carrier = ("顺丰速运", "京东物流", "德邦快递")[story.no % 3]
    for shipment in shipments(SYSTEM, order_id=pk).filter(state=State.PICKING):
        dispatch_shipment(shipment.pk, carrier=carrier, tracking=f"SF{26_000_000 + story.no * 137}", actor=_seller_staff(story, world, "warehouse"))
    return pk


def _receive(story: Story, pk: int, world: World) -> int:
    """All as shipped; with a difference the first line has one piece damaged, and the second one too few."""
    for shipment in shipments(SYSTEM, order_id=pk).filter(state=State.SHIPPED):
        counts = []
        if story.end is End.DIFFERENCE:
            for n, line in enumerate(shipment_lines(shipment)[:2]):
                kept = line.qty - 1
                counts.append(Count(line.pk, kept, damaged=Decimal(1 - n), short=Decimal(n), note=("外箱破损", "少一台")[n]))
        confirm_receipt(shipment.pk, counts, actor=_buyer(story, world))
    return pk


def _pay(story: Story, pk: int, world: World) -> int:
    """The order's invoices are paid by name; some only in part, some are only announced."""
    seller, buyer = world.orgs[story.seller].id, world.orgs[story.buyer].id
    due = [(one.pk, one.gross - one.paid) for one in invoices(SYSTEM, order_id=pk) if one.paid < one.gross]
    if not due:
        return pk
    if story.end is End.PART_PAID:
        due = [(invoice, (rest / 2).quantize(Decimal(100))) for invoice, rest in due]
    facts = PaymentFacts(seller, buyer, sum((amount for _id, amount in due), Decimal(0)), reference=f"PO-{2600 + story.no}")
    client_id = uuid5(SPACE, f"payment {story.no}")
    if story.end is End.ANNOUNCED:
        announce_payment(facts, actor=_payer(story, world), client_id=client_id)
    else:
        record_payment(facts, due, actor=_seller_staff(story, world, "finance"), client_id=client_id)
    return pk


def _payer(story: Story, world: World) -> Actor:
    """Whoever may announce a payment for the buyer."""
    return world.boss(story.buyer)
