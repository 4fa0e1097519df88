"""What the stories add for whoever looks around: orders held for credit, a chain of orders that wait for the same goods, a dispute with its
conversation, a difference that is settled, a credit note, and a clerk's desk that is read up to the last days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from uuid import uuid5

from qudao.base.access import Channel
from qudao.billing.queries import invoices
from qudao.billing.queries import lines_of as invoice_lines
from qudao.fulfilment.actions import Settlement, settle_difference
from qudao.fulfilment.queries import differences
from qudao.fulfilment.states import DifferenceKind, DifferenceState, Liable, Outcome
from qudao.funds.actions import follow_states
from qudao.kernel import clock
from qudao.kernel.errors import Fault
from qudao.messages.actions import mark_read, write
from qudao.messages.queries import message_count, notices
from qudao.orders.actions import note_refused, place_order, withdraw_order
from qudao.orders.queries import Order
from qudao.orders.queries import orders as orders_seen
from qudao.orders.queries.refused import refusals
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import Status
from qudao.payments.actions import issue_credit
from qudao.payments.queries import credits_of_invoice
from qudao.payments.rules import CreditAsk
from qudao.payments.states import Reason
from qudao.web.demo.history import moment
from qudao.web.demo.network import PEOPLE, SPACE, World
from qudao.web.demo.stories import STORIES, End
from qudao.web.masters import SYSTEM


@dataclass(frozen=True)
class Wait:
    """An order above the clerk's limit that cannot be confirmed: product code → pieces."""

    no: int
    buyer: str
    ago: int
    lines: dict[str, int]
    note: str
    may_wait: bool = False


#: the first two wait for credit (overdue, limit), the others one after the other for a refrigerator of which there are six
WAITING = [
    Wait(1, "ludao", 2, {"WM-80F": 30, "TV-55U": 12}, "请尽快安排，国庆档补货。"),
    Wait(2, "zhujiang", 2, {"AC-50L": 60, "AC-72L": 36}, "夏季备货，分两批到也可以。"),
    Wait(3, "pujiang", 3, {"REF-650S": 12}, "样板间订单，等货。"),
    Wait(4, "pengcheng", 2, {"REF-650S": 14}, "等货，到货请先发我们。"),
    Wait(5, "zhongshan", 1, {"REF-650S": 10, "REF-450F": 6}, "等货。"),
]

#: below the clerk's limit, of a dealer who is overdue: it is kept and waits for credit by itself
HELD = Wait(91, "ludao", 1, {"WH-50E": 8, "KIT-GS2": 4}, "回款后请直接发货。", may_wait=True)

#: taken back by the dealer before anybody signed: a draft that can be placed again
WITHDRAWN = Wait(90, "zhongshan", 5, {"TV-75Q": 16, "REF-505X": 4}, "数量待确认，先撤回。")

#: so many notices at most begin unread, of one kind and of all
NEWS_OF_A_KIND, NEWS = 3, 12

#: the dispute over a delivery: (days after the receipt, who speaks, what is said)
TALK = [
    (0, "buyer", "今天到的货里有一台外箱破损，机身侧板凹陷；另有一款少一台。照片已让司机签字确认，请核实。"),
    (1, "warehouse", "已查出库复核记录：出库时 12 件全数扫码。凹陷的这台请先不要安装，我们安排承运商勘验。"),
    (2, "buyer", "可以。少的那台客户已经付款了，能否先补发？"),
    (3, "clerk", "补发可以走下周一的车。凹陷的按破损处理，定损后冲减货款，请保留外箱。"),
    (5, "buyer", "承运商今天来看过，说责任不在他们，请厂家给个说法。"),
]

#: submissions that were refused: (buyer, days ago, through what, lines, fault, lines at fault)
REFUSED = [
    ("hupan", 1, Channel.PAGE, {"AC-35G": 6, "WM-80F": 2}, "inventory.short", 1),
    ("hupan", 9, Channel.FILE, {"AC-35G": 4, "REF-505X": 2, "TV-55U": 3}, "orders.unknown_product", 2),
    ("hupan", 33, Channel.PHONE, {"KIT-GS2": 1}, "orders.below_minimum", 1),
    ("ludao", 2, Channel.PAGE, {"TV-55U": 40}, "funds.overdue", 0),
    ("zhujiang", 4, Channel.API, {"AC-50L": 7}, "orders.not_multiple", 1),
    ("zhujiang", 18, Channel.API, {"AC-72L": 5}, "orders.not_multiple", 1),
    ("pengcheng", 6, Channel.FILE, {"REF-650S": 2, "WH-50E": 8}, "orders.unknown_product", 1),
    ("pengcheng", 40, Channel.PAGE, {"REF-650S": 2}, "orders.not_offered", 1),
    ("zhongshan", 12, Channel.PHONE, {"REF-450F": 1}, "orders.below_amount", 0),
]


def steps(world: World, last: date) -> dict[date, list[Callable[[], object]]]:
    """The extra steps by day; each looks first, so that doing it again changes nothing."""
    found: dict[date, list[Callable[[], object]]] = {}
    for one in WAITING:
        found.setdefault(last - timedelta(days=one.ago), []).append(partial(_place, one, world, last))
    found.setdefault(last - timedelta(days=WITHDRAWN.ago), []).append(partial(_withdraw, WITHDRAWN, world, last))
    found.setdefault(last - timedelta(days=HELD.ago), []).append(partial(_place, HELD, world, last))
    for buyer, end, days, doing in (("pengcheng", End.DIFFERENCE, 7, _settle), ("hupan", End.PAID, 40, _credit)):
        of = next(one for one in STORIES if one.buyer == buyer and one.end is end)
        day = last - timedelta(days=of.ago - days)
        found.setdefault(day, []).append(partial(doing, of.client_id, day, world))
    for n, told in enumerate(REFUSED):
        found.setdefault(last - timedelta(days=told[1]), []).append(partial(_refuse, n, told, world, last))
    read = last - timedelta(days=4)
    found.setdefault(read, []).append(partial(_read_up, world, read))
    story = next(one for one in STORIES if one.buyer == "hupan" and one.end is End.DIFFERENCE)
    for n, (days, who, text) in enumerate(TALK):
        day = last - timedelta(days=story.ago - 4 - days)
        found.setdefault(day, []).append(partial(_say, n, (who, text), day, story.client_id, world))
    found.setdefault(last, []).append(partial(note_states, last))
    return found


def note_states(day: date) -> None:
    """What the night would say of every credit account."""
    with clock.freeze(moment(day, 19)):
        follow_states(actor=SYSTEM)


def _place(one: Wait, world: World, last: date) -> Order:
    with clock.freeze(moment(last - timedelta(days=one.ago), 10, min(10 + one.no, 50))):
        lines = [NewLine(world.products[code], Decimal(qty)) for code, qty in one.lines.items()]
        placing = Placing(
            world.orgs["lanhe"].id, world.orgs[one.buyer].id, lines, clock.today() + timedelta(days=8), f"PO-27{one.no:02d}", one.note, may_wait=one.may_wait
        )
        return place_order(placing, actor=world.boss(one.buyer), client_id=uuid5(SPACE, f"waiting {one.no}"))


def _refuse(no: int, told: tuple[str, int, Channel, dict[str, int], str, int], world: World, last: date) -> None:
    """A submission as its page, file or program refused it."""
    buyer, ago, channel, asked, code, wrong = told
    faults = [Fault(code, f"lines.{n}.qty") for n in range(1, wrong + 1)] or [Fault(code)]
    with clock.freeze(moment(last - timedelta(days=ago), 9, 20 + no)):
        lines = [NewLine(world.products[product], Decimal(qty)) for product, qty in asked.items()]
        if not refusals(SYSTEM).filter(buyer=world.orgs[buyer].id, day=clock.today()).exists():
            note_refused(Placing(world.orgs["lanhe"].id, world.orgs[buyer].id, lines), faults, actor=world.boss(buyer).through(channel))


def _withdraw(one: Wait, world: World, last: date) -> None:
    order = _place(one, world, last)
    if order.status == Status.IN_REVIEW:
        with clock.freeze(moment(last - timedelta(days=one.ago), 11, 20)):
            withdraw_order(order.pk, actor=world.boss(one.buyer))


def _settle(client_id: object, day: date, world: World) -> None:
    """What came damaged is written off at the carrier's cost; what was missing was found in the warehouse."""
    order = orders_seen(SYSTEM).get(client_id=client_id)
    with clock.freeze(moment(day, 14, 30)):
        for one in differences(SYSTEM).filter(shipment__order=order, state=DifferenceState.OPEN):
            damaged = one.kind == DifferenceKind.DAMAGED
            how = Settlement(Outcome.RESTOCKED, Liable.WAREHOUSE, note="盘点时在库内找到，当时漏装。")
            if damaged:
                how = Settlement(Outcome.WRITTEN_OFF, Liable.CARRIER, note="承运商已认赔。")
            settle_difference(one.pk, how, actor=world.staff("warehouse"))


def _credit(client_id: object, day: date, world: World) -> None:
    """The price of the first line was too high by a little: a credit note takes it back; as the invoice is paid, it stays as credit."""
    order = orders_seen(SYSTEM).get(client_id=client_id)
    with clock.freeze(moment(day, 15, 10)):
        for invoice in invoices(SYSTEM, order_id=order.pk):
            if not credits_of_invoice(SYSTEM, invoice.pk).exists():
                line = invoice_lines(invoice)[0]
                issue_credit(
                    invoice.pk, [CreditAsk(line.pk, amount=Decimal("360.00"))], Reason.PRICE, "促销价未及时生效，退差价。", actor=world.staff("finance")
                )


def _read_up(world: World, day: date) -> None:
    """Everybody a visitor signs in as has read what was told before."""
    with clock.freeze(moment(day, 18)):
        for _where, email, *_rest in PEOPLE.values():
            reader = world.people[email]
            told = list(notices(reader, unread=True).filter(created_at__lte=clock.now()).values_list("pk", flat=True))
            if told:
                mark_read(told, actor=reader)


def read_news(world: World, last: date) -> None:
    """What was loaded is no news: of each kind a visitor's person finds the newest few unread, a dozen in all."""
    with clock.freeze(moment(last, 23, 40)):
        for _where, email, *_rest in PEOPLE.values():
            reader, kept, told = world.people[email], Counter[str](), []
            for pk, code in notices(reader, unread=True).filter(created_at__lte=clock.now()).values_list("pk", "code"):
                if kept[code] < NEWS_OF_A_KIND and kept.total() < NEWS:
                    kept[code] += 1
                else:
                    told.append(pk)
            if told:
                mark_read(told, actor=reader)


def _say(n: int, said: tuple[str, str], day: date, client_id: object, world: World) -> None:
    who, text = said
    order = orders_seen(SYSTEM).get(client_id=client_id)
    if message_count(world.staff("clerk"), order.subject) <= n:
        with clock.freeze(moment(day, 16, 5 + n)):
            write("orders.order", order.pk, text, actor=world.staff(who))
