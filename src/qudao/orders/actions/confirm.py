"""Confirming: credit held and stock reserved in the same transaction, all of it or none, and every refusal of both at once.

An order may ask for less than all: that what is missing is delivered later (backorder), or not at all (cut).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.action import emit, record
from qudao.base.db import rows, run
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.funds.actions import Desk, grant, hold, open_desk
from qudao.funds.rules import Part
from qudao.inventory.actions import Demand, Shelves, open_shelves, promise, reserve
from qudao.inventory.queries import Supply, unscoped_supply
from qudao.inventory.states import Short
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.events import OrderConfirmed
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_to_hold
from qudao.orders.rules import Held
from qudao.orders.states import Allocation, Approval, Credit
from qudao.quotas.actions import draw, give_back, open_ration
from qudao.quotas.rules import Ask, Ration


@dataclass(frozen=True)
class Claim:
    """What an order wants held: credit for `gross`, quota and stock for its lines; `short` says what becomes of it when there is not enough.

    `gives`: what its lines give back of quotas first (by line id). `more`: the places that serve after the first, `splits` as in `Demand`.
    `outside`: its goods are in no books before they come, so nothing is reserved and all of it waits.
    """

    subject: Subject
    agreement_id: int
    place_id: int
    gross: Decimal
    lines: Sequence[Held]
    short: str = Short.REFUSE
    gives: Mapping[int, Decimal] = field(default_factory=dict)
    more: tuple[int, ...] = ()
    splits: bool = True
    outside: bool = False

    @property
    def asks(self) -> list[Ask]:
        """What its lines ask of quotas; nothing where nothing is scarce."""
        return self.asks_for(self.lines)

    def asks_for(self, lines: Sequence[Held]) -> list[Ask]:
        seller, buyer = self.subject.seller_id or 0, self.subject.buyer_id or 0
        return [Ask(seller, buyer, x.product_id, x.id, x.no, x.wanted) for x in lines if x.scarce and x.wanted]

    def parts(self, lines: Sequence[Held] | None = None) -> Iterator[Part]:
        """What each line will use of the credit; made only for accounts with limits for product lines."""
        for line in self.lines if lines is None else lines:
            yield line.id, line.product_id, rules.kept(line)[2]

    @property
    def demands(self) -> list[Demand]:
        if self.outside:
            return []
        return [Demand(self.place_id, line.product_id, line.wanted, line.id, self.more, self.splits) for line in self.lines if line.wanted]


@dataclass(frozen=True)
class Got:
    """What an order got: by line id what waits for goods or was given up, and its lowered (net, tax, gross) when something was.

    `rationed`: whether it drew from a quota.
    """

    waits: Mapping[int, Decimal] = field(default_factory=dict)
    cut: Mapping[int, Decimal] = field(default_factory=dict)
    totals: tuple[Decimal, Decimal, Decimal] | None = None
    allocation: str = Allocation.FULL
    rationed: bool = False


def claim_of(order: Order, lines: Sequence[Held]) -> Claim:
    more: dict[str, Any] = {"more": order.serving, "splits": order.splits, "outside": order.outside}
    return Claim(order.subject, order.agreement_id, order.place_id, order.gross, lines, order.short, **more)


def hold_and_reserve(claim: Claim, *, actor: Actor) -> Got:
    """Hold credit, draw from quotas and reserve stock. Raises Refused with every fault of all."""
    if claim.short != Short.REFUSE or claim.outside:
        desk = open_desk([claim.agreement_id], actor=actor)
        ration = _open_ration(claim, actor)
        shelves = open_shelves(claim.demands, actor=actor)
        got = take_what_is_there(claim, desk, ration, shelves)
        grant(desk, actor=actor)
        draw(ration, actor=actor)
        promise(shelves, actor=actor)
        return got
    faults: list[Fault] = []
    try:
        hold(claim.agreement_id, claim.gross, claim.subject, claim.parts(), actor=actor)
    except Refused as refusal:
        faults += refusal.faults
    ration = _open_ration(claim, actor)
    faults += ration.faults(claim.asks)
    try:
        reserve(claim.demands, claim.subject, actor=actor)
    except Refused as refusal:
        faults += at_lines(refusal.faults, claim.lines)
    raise_if_any(faults)
    rationed = ration.take(claim.asks, claim.subject)
    draw(ration, actor=actor)
    return Got(rationed=rationed)


def _open_ration(claim: Claim, actor: Actor) -> Ration:
    """Lock the quotas of one order, what it gives back first. No statement where nothing is scarce."""
    if claim.gives:
        give_back(claim.subject, claim.gives, actor=actor)
    return open_ration(claim.asks, actor=actor)


def take_what_is_there(claim: Claim, desk: Desk, ration: Ration, shelves: Shelves) -> Got:
    """Give an order credit, quota and stock at an open desk and from open shelves; it writes nothing. Raises Refused with every fault of all.

    Credit is asked for all that is confirmed, whether it is there or comes later; what is cut needs none.
    """
    demands = claim.demands
    stock = shelves.faults(demands)
    lacks = shelves.lacking(demands) if claim.short != Short.REFUSE else {}
    cut = lacks if claim.short == Short.CUT else {}
    after = [replace_given_up(line, cut) for line in claim.lines]
    nothing = bool(cut) and not any(line.wanted for line in after)
    totals = rules.kept_totals(after) if cut else None
    gross = totals[2] if totals else claim.gross
    faults = list(desk.faults(claim.agreement_id, gross, claim.parts(after)))
    if claim.short == Short.REFUSE or nothing:
        faults += at_lines(stock, claim.lines)
    faults += ration.faults(claim.asks_for(after))
    raise_if_any(faults)
    rationed = ration.take(claim.asks_for(after), claim.subject)
    desk.take(claim.agreement_id, gross, claim.subject, claim.parts(after))
    shelves.serve(demands, claim.subject, wait=not cut)
    if claim.outside:
        return Got({line.id: line.wanted for line in claim.lines if line.wanted}, allocation=Allocation.OUTSIDE, rationed=rationed)
    waits = {} if cut else lacks
    open_qty = sum((line.wanted for line in after), ZERO)
    return Got(waits, cut, totals, rules.allocation_of(open_qty, sum(waits.values(), ZERO)), rationed)


def replace_given_up(line: Held, cut: Mapping[int, Decimal]) -> Held:
    return line._replace(given_up=line.given_up + cut[line.id]) if line.id in cut else line


SHORT = """UPDATE orders_line l SET backordered = d.waits, given_up = l.given_up + d.cut, promised_on = CASE WHEN d.waits > 0 THEN NULL ELSE l.promised_on END
    FROM unnest(%s::bigint[], %s::numeric[], %s::numeric[]) d(id, waits, cut) WHERE l.id = d.id"""


#: the day on which a line leaves, of its product `{0}` as `Supply.days` tells it
DAY = "coalesce((SELECT w.day FROM unnest(%s::bigint[], %s::date[]) w(product_id, day) WHERE w.product_id = {0}), %s::date)"
PROMISED = f"""WITH l AS (UPDATE orders_line l SET promised_on = {DAY.format("l.product_id")} WHERE l.order_id = %s RETURNING l.promised_on, l.product_id)
    SELECT max(promised_on), array_agg(product_id) FROM l"""


def take_over(got: Got, order: Order) -> None:
    """Make an order that is being confirmed say what it got; its lines at once (no statement when they got all), itself not yet in its table."""
    order.credit, order.allocation, order.rationed = Credit.PASS, got.allocation, order.rationed or got.rationed
    short = sorted({*got.waits, *got.cut})
    if short:
        run(SHORT, (short, [got.waits.get(pk, ZERO) for pk in short], [got.cut.get(pk, ZERO) for pk in short]))
    if got.waits:
        order.promised_on, order.waits_since = None, None if order.outside else clock.now()
    if got.allocation not in (Allocation.FULL, Allocation.PARTIAL):  # what holds nothing runs out of nothing
        order.reserved_until = None
    if got.totals:
        order.net, order.tax, order.gross = got.totals


def confirm_waiting(order: Order, *, reason: str = "", approved: bool = False, actor: Actor) -> None:
    """Confirm a locked order that was in review or on hold: credit held, stock reserved, promised and told. Raises Refused with every fault of both."""
    got = hold_and_reserve(claim_of(order, unscoped_to_hold([order.pk], clock.today())[order.pk]), actor=actor)
    tell_confirmed(order, unscoped_supply(order.agreement_id), got, reason=reason, approved=approved, actor=actor)


def tell_confirmed(order: Order, supply: Supply, got: Got, *, reason: str = "", approved: bool = False, actor: Actor) -> None:
    """Write and tell that a locked order is confirmed, whose credit is held and whose stock is reserved."""
    status = rules.next_status(order.status, "confirm")
    ((order.promised_on, products),) = rows(PROMISED, (*supply.days(order.requested_on), order.pk))
    order.reserved_until = supply.reserved_until(order.requested_on, products)
    take_over(got, order)
    before, since = order.status, order.state_since
    order.status, order.state_since = status, clock.now()
    if approved:
        order.approval = Approval.APPROVED
    totals = ["net", "tax", "gross"] if got.totals else []
    told = ["promised_on", "reserved_until", "short", "waits_since", "rationed", *totals]
    order.save(update_fields=["status", "approval", "credit", "allocation", "state_since", *told])
    record(order.subject, before=before, after=order.status, reason=reason, since=since, detail=detail_of(got))
    emit(OrderConfirmed(order.pk, order.number or "", order.seller_id, order.buyer_id, order.gross, order.currency), order.subject)
    notify_confirmed(order, got, actor=actor)


def detail_of(got: Got) -> dict[str, Any]:
    """What the log keeps of an order that did not get all: how many lines wait for goods, how many were cut."""
    if got.allocation == Allocation.OUTSIDE:
        return {}
    return {name: len(lines) for name, lines in (("backordered", got.waits), ("cut", got.cut)) if lines}


def notify_confirmed(order: Order, got: Got, *, actor: Actor) -> None:
    """Tell the buyer that an order is confirmed, and how much of it waits for goods."""
    kind = "orders.final" if order.outside else "orders.backordered" if got.waits else "orders.confirmed"
    said: dict[str, Any] = {"number": order.number, **({"lines": len(got.waits)} if got.waits and not order.outside else {})}
    notify(kind, order.subject, org_id=order.buyer_id, verb="orders.view", except_user=actor.user_id, **said)
    if order.arranged_by_id:
        notify("orders.transfer_accepted", order.subject, org_id=order.arranged_by_id, verb="orders.arrange", number=order.number)


def at_lines(faults: Sequence[Fault], lines: Sequence[Held]) -> list[Fault]:
    """Faults of stock carry the line's id; people count lines from 1."""
    number = {str(line.id): line.no for line in lines}
    placed = []
    for fault in faults:
        head, _, ref = fault.field.partition(".")
        ref, _, rest = ref.partition(".")
        at = f"lines.{number[ref]}.{rest or 'qty'}" if head == "lines" and ref in number else fault.field
        placed.append(Fault(fault.code, at, {**fault.params, "no": number.get(ref, 0)}))
    return placed
