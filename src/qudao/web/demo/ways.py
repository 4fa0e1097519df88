"""The other ways an order goes: bought outside, passed on between dealers, invoiced once a month, paid by a head office, kept for a while, packed in
parcels with lots; and what only some dealers are shown. Who does it stands in `network.BESIDE`.

Each step looks first, so that doing it again changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID, uuid5

from qudao.base.access import Actor
from qudao.billing.actions import Paper, issue_collective, record_invoice, set_cycle
from qudao.billing.queries import collectives, invoices
from qudao.fulfilment.actions import Part, confirm_receipt, dispatch_shipment, pack_rest, receive_part, receive_purchase, start_pick
from qudao.fulfilment.queries import shipments, unscoped_packages
from qudao.fulfilment.rules import Count
from qudao.fulfilment.states import State
from qudao.inventory.actions import set_reserve_days
from qudao.inventory.queries import supply_of
from qudao.kernel import clock
from qudao.orders.actions import approve_order, arrange_transfer, confirm_purchase, place_order, watch_reserved
from qudao.orders.queries import Order, unscoped_lines_of, unscoped_overdue
from qudao.orders.queries import orders as orders_seen
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import Kind, Status
from qudao.payments.actions import PaymentFacts, PoolFacts, announce_pool, confirm_pool, record_payment, refund_payment, set_payer
from qudao.payments.queries import payer_of, payments, pools
from qudao.web.demo import terms
from qudao.web.demo.history import CARRIERS, moment
from qudao.web.demo.network import SPACE, World, agree, firm
from qudao.web.masters import SYSTEM

Doing = Callable[[World], object]


@dataclass(frozen=True)
class Purchase:
    """What a supplier is asked for. Days count from the order: on which it promises the goods (0: it has not answered), on which how much of what
    is open comes, on which its invoice comes and is paid.
    """

    no: int
    supplier: str
    ago: int
    lines: dict[str, int]
    promised: int = 0
    comes: tuple[tuple[int, str], ...] = ()
    paper: int = 0
    paid: int = 0


PURCHASES = [
    Purchase(1, "yongjiang", 62, {"FIT-BR1": 200, "FIT-HS2": 300}, 9, ((9, "1"),), 11, 35),
    Purchase(2, "yongjiang", 31, {"FIT-PL3": 240, "FIT-CB4": 160}, 8, ((8, "0.6"), (14, "1")), 16),
    Purchase(3, "yongjiang", 16, {"FIT-BR1": 120, "FIT-VB5": 400}, 19, ((9, "0.5"),)),
    Purchase(4, "yongjiang", 6, {"FIT-HS2": 260, "FIT-PL3": 100}, 11),
    Purchase(5, "yongjiang", 1, {"FIT-CB4": 300}),
    Purchase(6, "qiantang", 20, {"AUX-TP1": 80, "AUX-SL2": 60}, 5, ((5, "1"),), 7),
    Purchase(7, "qiantang", 3, {"AUX-TP1": 120}, 7),
]


@dataclass(frozen=True)
class Trade:
    """An order of the brand that shows one thing. `reach`: 0 confirmed, 1 picked and packed, 2 shipped, 3 received."""

    no: int
    buyer: str
    ago: int
    lines: dict[str, int]
    reach: int = 3


TRADES = [
    # one invoice a month: two deliveries on the last one, two wait for the next
    Trade(1, "shengjing", 48, {"REF-265T": 6, "WH-60E": 12}),
    Trade(2, "shengjing", 38, {"TV-55U": 8, "SDA-KT17": 40}),
    Trade(3, "shengjing", 19, {"WM-100F": 6, "WH-50E": 10}),
    Trade(4, "shengjing", 11, {"AC-35G": 9}),
    # nobody picks them: the goods of the first are free again, those of the others are kept some days more
    Trade(5, "shengjing", 9, {"KIT-HD3": 5}, 0),
    Trade(6, "shengjing", 5, {"KIT-GS2": 10, "KIT-HD2": 6}, 0),
    Trade(7, "shengjing", 4, {"REF-336F": 8}, 0),
    # branches of one head office
    Trade(8, "binjiang", 52, {"TV-65U": 6, "SDA-AF5": 20}),
    Trade(9, "yuhang", 49, {"WM-80F": 5}),
    Trade(10, "binjiang", 18, {"REF-450F": 5}),
    Trade(11, "yuhang", 15, {"AC-26G": 8, "SDA-RC4": 20}),
    # lots, parcels and what is scarce
    Trade(12, "hupan", 12, {"CLN-FL1": 60, "CLN-WD30": 4}),
    Trade(13, "hupan", 6, {"CLN-FL1": 70, "SDA-KT17": 20, "PRO-IM50": 4}, 1),
    Trade(14, "pengcheng", 3, {"CLN-FL1": 40, "PRO-IM50": 3, "PRO-FZ300": 4}, 2),
    # of two lorries one has come
    Trade(15, "hupan", 5, {"CLN-WD30": 12, "KIT-HD2": 10, "SDA-KT17": 40}, 2),
]

#: giver, receiver, days before the last day, goods, whether it is done or only asked for
TRANSFERS = [
    (1, "zhongshan", "hupan", 27, {"SDA-BL1": 20, "SDA-HU5": 12}, True),
    (2, "hupan", "pujiang", 1, {"SDA-RC5I": 12, "SDA-BL1": 8}, False),
]

#: goods are kept so long for the dealer of the north
KEPT_DAYS = 7
#: the day on which the dealer of the north is invoiced: that many days before the last one
INVOICED = 25
#: a dealer paid something twice, and finance sent back what it had itself recorded: days before the last one, amount, reference
PAID_TWICE, TWICE, TWICE_NOTE = 14, Decimal("6480.00"), "08-117 重复付款"
#: the payments of the head office: days before the last one, reference, whether the brand has seen the money
POOLS = ((22, "湖畔门店 第一期", True), (1, "湖畔门店 第二期", False))


def steps(world: World, last: date) -> dict[date, list[Callable[[], object]]]:
    """The steps by day, in the order of the hours."""
    found: dict[date, list[Callable[[], object]]] = {}
    told = [*_purchases(), *_trades(), *_transfers(), *_money(last)]
    for no, (ago, hour, doing) in sorted(enumerate(told), key=lambda one: (-one[1][0], one[1][1], one[0])):
        at = moment(last - timedelta(days=ago), hour, no * 7 % 50)
        found.setdefault(at.date(), []).append(partial(_at, at, doing, world))
    return found


def _at(at: object, doing: Doing, world: World) -> None:
    with clock.freeze(at):  # type: ignore[arg-type]
        doing(world)


def _money(last: date) -> Iterator[tuple[int, int, Doing]]:
    """Terms first, then what follows from them."""
    yield 70, 8, terms.settle
    yield 70, 9, _payers
    yield 2 * INVOICED, 8, partial(_monthly, day=(last - timedelta(days=INVOICED)).day)
    yield INVOICED, 18, _collect
    for ago in (2, 1, 0):
        yield ago, 7, _watch
    yield 10, 8, partial(terms.ration, until=last + timedelta(days=30))
    yield 12, 9, terms.share
    yield 9, 10, terms.plan_prices
    yield 8, 10, terms.sign_prices
    yield 1, 11, terms.ask_prices
    yield PAID_TWICE, 11, _paid_twice
    yield PAID_TWICE - 2, 11, _sent_back
    for ago, reference, seen in POOLS:
        yield ago, 14, partial(_pool, reference=reference)
        if seen:
            yield ago - 1, 10, partial(_seen, reference=reference)


def _who(world: World, key: str, work: str) -> Actor:
    """The brand has a person for each work, the dealer by the lake a buyer; elsewhere the owner does it all."""
    if key == "lanhe":
        return world.staff(work)
    return world.staff("buyer") if key == "hupan" and work in ("clerk", "warehouse") else world.boss(key)


def _known(client_id: UUID) -> Order | None:
    return orders_seen(SYSTEM).filter(client_id=client_id).first()


def _placing(world: World, sides: tuple[str, str], lines: dict[str, int], number: str, note: str = "") -> Placing:
    """Of `sides`, seller and buyer, so many of these products."""
    seller, buyer = sides
    wanted = [NewLine(world.products[code], Decimal(qty)) for code, qty in lines.items()]
    return Placing(world.orgs[seller].id, world.orgs[buyer].id, wanted, po_number=number, note=note)


# bought outside


def _purchases() -> Iterator[tuple[int, int, Doing]]:
    for one in PURCHASES:
        yield one.ago, 9, partial(_buy, one)
        if one.promised:
            yield one.ago - 1, 11, partial(_promised, one)
        for days, share in one.comes:
            yield one.ago - days, 10, partial(_come, one, days, share)
        if one.paper:
            yield one.ago - one.paper, 15, partial(_paper, one)
        if one.paid:
            yield one.ago - one.paid, 16, partial(_paid, one)


def _bought(one: Purchase) -> Order:
    return orders_seen(SYSTEM).get(client_id=uuid5(SPACE, f"purchase {one.no}"))


def _buy(one: Purchase, world: World) -> None:
    keeper = firm(one.supplier).parent
    placing = _placing(world, (one.supplier, keeper), one.lines, f"CG-{2600 + one.no}")
    place_order(placing, actor=_who(world, keeper, "clerk"), client_id=uuid5(SPACE, f"purchase {one.no}"))


def _promised(one: Purchase, world: World) -> None:
    order = _bought(one)
    if order.promised_on is None:
        day = order.ordered_on + timedelta(days=one.promised)
        confirm_purchase(order.pk, day, f"SO-{84_000 + one.no * 37}", actor=_who(world, firm(one.supplier).parent, "clerk"))


def _come(one: Purchase, days: int, share: str, world: World) -> None:
    """The share of what is open, the last part with two pieces of its first line broken."""
    order, note = _bought(one), f"SH-{one.no}{days:02d}"
    if shipments(SYSTEM, order_id=order.pk).filter(tracking=note).exists():
        return
    broken = Decimal(2) if days > one.promised else Decimal(0)
    counts = []
    for n, line in enumerate(unscoped_lines_of(order)):
        come = ((line.qty - line.shipped) * Decimal(share)).quantize(Decimal(1))
        bad = broken if n == 0 else Decimal(0)
        counts.append(Count(line.pk, come - bad, damaged=bad, note="外箱压坏" if bad else ""))
    receive_purchase(order.pk, counts, delivery_note=note, actor=_who(world, firm(one.supplier).parent, "warehouse"))


def _paper(one: Purchase, world: World) -> None:
    order = _bought(one)
    if not invoices(SYSTEM, order_id=order.pk).exists():
        record_invoice(order.pk, Paper(f"FP-{31_080 + one.no * 113}", clock.today()), actor=_who(world, firm(one.supplier).parent, "finance"))


def _paid(one: Purchase, world: World) -> None:
    keeper = firm(one.supplier).parent
    for invoice in invoices(SYSTEM, order_id=_bought(one).pk):
        facts = PaymentFacts(world.orgs[one.supplier].id, world.orgs[keeper].id, invoice.gross, invoice.number)
        record_payment(facts, actor=_who(world, keeper, "finance"), client_id=uuid5(SPACE, f"purchase paid {one.no}"))


# orders of the brand


def _trades() -> Iterator[tuple[int, int, Doing]]:
    for one in TRADES:
        yield one.ago, 9, partial(_order, one)
        whole = ((1, 10, _pick), (1, 16, _ship), (4, 11, _receive))
        yield from ((one.ago - days, hour, partial(doing, one)) for days, hour, doing in whole[: one.reach])
    yield 2, 11, partial(_receive_half, TRADES[-1])


def _order(one: Trade, world: World) -> None:
    placing = _placing(world, ("lanhe", one.buyer), one.lines, f"PO-28{one.no:02d}")
    place_order(placing, actor=_who(world, one.buyer, "clerk"), client_id=uuid5(SPACE, f"way {one.no}"))


def _sold(one: Trade) -> Order:
    return orders_seen(SYSTEM).get(client_id=uuid5(SPACE, f"way {one.no}"))


def _pick(one: Trade, world: World) -> None:
    """Picked; the newest ones are in parcels, each full pack in one of its own."""
    order = _sold(one)
    if order.status == Status.CONFIRMED:
        shipment = start_pick(order.pk, actor=world.staff("warehouse"))
        if one.ago < 15:
            pack_rest(shipment.pk, by_packs=True, actor=world.staff("warehouse"))


def _ship(one: Trade, world: World) -> None:
    for shipment in shipments(SYSTEM, order_id=_sold(one).pk).filter(state=State.PICKING):
        dispatch_shipment(shipment.pk, carrier=CARRIERS[one.no % 5], tracking=f"DP{51_000_000 + one.no * 977}", actor=world.staff("warehouse"))


def _receive(one: Trade, world: World) -> None:
    for shipment in shipments(SYSTEM, order_id=_sold(one).pk).filter(state=State.SHIPPED):
        confirm_receipt(shipment.pk, [], actor=_who(world, one.buyer, "warehouse"))


def _receive_half(one: Trade, world: World) -> None:
    """The first lorry is unloaded: half of the parcels; the others are on their way still."""
    for shipment in shipments(SYSTEM, order_id=_sold(one).pk).filter(state=State.SHIPPED):
        parcels = [parcel.sscc for parcel in unscoped_packages([shipment.pk])[shipment.pk]]
        receive_part(shipment.pk, Part(parcels=parcels[: len(parcels) // 2], note="先到一车，余下两天后到。"), actor=_who(world, one.buyer, "warehouse"))


# passed on between dealers


def _transfers() -> Iterator[tuple[int, int, Doing]]:
    for no, giver, receiver, ago, lines, done in TRANSFERS:
        yield ago, 10, partial(_arrange, no, (giver, receiver), lines)
        if done:
            for days, hour, doing in ((0, 14, _accept), (1, 15, _pass_on), (4, 11, _take), (20, 10, _settle)):
                yield ago - days, hour, partial(doing, no, giver, receiver)


def _arrange(no: int, sides: tuple[str, str], lines: dict[str, int], world: World) -> None:
    placing = _placing(world, sides, lines, f"DB-{2600 + no}", "门店断货，请从贵司余货调拨。")
    if _known(uuid5(SPACE, f"transfer {no}")) is None:
        arrange_transfer(placing, actor=world.staff("clerk"), client_id=uuid5(SPACE, f"transfer {no}"))


def _passed(no: int) -> Order:
    return orders_seen(SYSTEM).get(client_id=uuid5(SPACE, f"transfer {no}"), kind=Kind.TRANSFER)


def _accept(no: int, giver: str, _receiver: str, world: World) -> None:
    if _passed(no).status == Status.IN_REVIEW:
        approve_order(_passed(no).pk, reason="可以调拨，今日备货。", actor=world.boss(giver))


def _pass_on(no: int, giver: str, _receiver: str, world: World) -> None:
    if _passed(no).status == Status.CONFIRMED:
        shipment = start_pick(_passed(no).pk, actor=world.boss(giver))
        dispatch_shipment(shipment.pk, carrier=CARRIERS[no], tracking=f"AN{62_000_000 + no * 977}", actor=world.boss(giver))


def _take(no: int, _giver: str, receiver: str, world: World) -> None:
    for shipment in shipments(SYSTEM, order_id=_passed(no).pk).filter(state=State.SHIPPED):
        confirm_receipt(shipment.pk, [], actor=_who(world, receiver, "warehouse"))


def _settle(no: int, giver: str, receiver: str, world: World) -> None:
    for invoice in invoices(SYSTEM, order_id=_passed(no).pk):
        facts = PaymentFacts(world.orgs[giver].id, world.orgs[receiver].id, invoice.gross, invoice.number)
        record_payment(facts, actor=world.boss(giver), client_id=uuid5(SPACE, f"transfer paid {no}"))


# money and days


def _agreement(world: World, key: str) -> int:
    return agree(world, firm(key), ())


def _payers(world: World) -> None:
    """The head office by the lake pays what the brand invoices its two branches."""
    for key in ("binjiang", "yuhang"):
        if payer_of(world.staff("finance"), _agreement(world, key)) is None:
            set_payer(_agreement(world, key), world.orgs["hupan"].id, actor=world.staff("finance"))


def _monthly(world: World, *, day: int) -> None:
    """The dealer of the north is invoiced once a month, and goods are kept a week for it."""
    agreement_id = _agreement(world, "shengjing")
    set_cycle(agreement_id, "month", day, actor=world.staff("finance"))
    supply = supply_of(world.staff("warehouse"), agreement_id)
    if supply is None or supply.reserve_days != KEPT_DAYS:
        set_reserve_days(agreement_id, KEPT_DAYS, actor=world.staff("warehouse"))


def _collect(world: World) -> None:
    agreement_id = _agreement(world, "shengjing")
    if not collectives(SYSTEM).filter(agreement_id=agreement_id).exists():
        issue_collective(agreement_id, actor=SYSTEM)


def _watch(_world: World) -> None:
    """What the night says of goods that nobody picks."""
    for order_id in unscoped_overdue(clock.today()):
        watch_reserved(order_id, actor=SYSTEM)


def _paid_twice(world: World) -> None:
    facts = PaymentFacts(world.orgs["lanhe"].id, world.orgs["pujiang"].id, TWICE, TWICE_NOTE)
    record_payment(facts, [], actor=world.staff("finance"), client_id=uuid5(SPACE, "paid twice"))


def _sent_back(world: World) -> None:
    """By the same clerk who recorded it: nobody forbids it here, and the auditor finds it."""
    for payment in payments(SYSTEM).filter(reference=TWICE_NOTE):
        if payment.left:
            refund_payment(payment.pk, payment.left, "重复付款退回", actor=world.staff("finance"))


def _pool(world: World, *, reference: str) -> None:
    """The head office pays all that its branches owe."""
    if pools(SYSTEM).filter(reference=reference).exists():
        return
    branches = [world.orgs[key].id for key in ("binjiang", "yuhang")]
    owed = sum((one.gross - one.paid for one in invoices(SYSTEM).filter(buyer_id__in=branches)), Decimal(0))
    announce_pool(PoolFacts(world.orgs["lanhe"].id, world.orgs["hupan"].id, owed, reference), actor=world.boss("hupan"))


def _seen(world: World, *, reference: str) -> None:
    for pool in pools(SYSTEM).filter(reference=reference, state="announced"):
        confirm_pool(pool.pk, actor=world.staff("finance"))
