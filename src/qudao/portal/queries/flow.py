"""Where the work stands: the stages of the flow with count and oldest age, what came in, what is overdue. A few grouped statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Sum

from qudao.base.access import Actor, visible
from qudao.fulfilment.models import Shipment
from qudao.inventory.models import Stock
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.ledger.queries import open_items
from qudao.orders.models import Line, Order
from qudao.orders.queries import purchases, sales
from qudao.orders.states import OPEN, Billing, Fulfilment, Payment, Status

#: the flow of an order, in its order
STAGES = ("to_approve", "to_reserve", "to_ship", "to_receive", "to_invoice", "to_settle")
#: after how many days in a stage an order is late
PATIENCE = {"to_approve": 1, "to_reserve": 1, "to_ship": 2, "to_receive": 5, "to_invoice": 1, "to_settle": 400}


@dataclass
class Stage:
    """One stage: how many orders stand in it, their amount, since when the oldest, how many stand too long."""

    key: str
    number: int = 0
    total: Decimal = ZERO
    oldest: datetime | None = None
    late: int = 0

    def add(self, number: int, total: Decimal, oldest: datetime | None, late: int) -> None:
        """Count one group of orders in."""
        self.number += number
        self.total += total or ZERO
        self.late += late
        self.oldest = min(filter(None, (self.oldest, oldest)), default=None)


def _stage_of(status: str, fulfilment: str, billing: str) -> str:
    if status in (Status.SUBMITTED, Status.IN_REVIEW):
        return "to_approve"
    if status == Status.CONFIRMED or (status == Status.IN_FULFILMENT and fulfilment != Fulfilment.SHIPPED):
        return "to_ship"
    if status == Status.IN_FULFILMENT:
        return "to_receive"
    return "to_settle" if billing == Billing.FULL else "to_invoice"


def flow(actor: Actor, side: str) -> dict[str, Stage]:
    """The stages of what the own organisation sells (side "sell") or buys ("buy"). Two statements."""
    rows = (sales(actor) if side == "sell" else purchases(actor)).order_by()
    open_rows = rows.filter(Q(status__in=OPEN) | Q(status=Status.CLOSED_SHORT) & ~Q(payment=Payment.PAID)).exclude(status=Status.DRAFT)
    now = clock.now()
    late = {f"late_{days}": Count("pk", filter=Q(state_since__lt=now - timedelta(days=days))) for days in set(PATIENCE.values())}
    stages = {key: Stage(key) for key in STAGES}
    groups = open_rows.values("status", "fulfilment", "billing").annotate(number=Count("pk"), total=Sum("gross"), oldest=Min("state_since"), **late)
    row: dict[str, Any]
    for row in groups:  # type: ignore[assignment]
        key = _stage_of(row["status"], row["fulfilment"], row["billing"])
        stages[key].add(row["number"], row["total"], row["oldest"], row[f"late_{PATIENCE[key]}"])
    if side == "sell":
        _add_short(stages["to_reserve"], rows)
    return stages


def _add_short(stage: Stage, rows: QuerySet[Order]) -> None:
    """Orders in review for which the stock is short now: an approval alone would not confirm them."""
    free = Stock.unscoped.filter(place=OuterRef("order__place"), product=OuterRef("product"), on_hand__gte=F("reserved") + OuterRef("qty"))
    short = Line.unscoped.filter(order=OuterRef("pk")).filter(~Exists(free))
    found = rows.filter(Exists(short), status=Status.IN_REVIEW).aggregate(number=Count("pk"), total=Sum("gross"), oldest=Min("state_since"))
    stage.add(found["number"], found["total"], found["oldest"], 0)


def came(actor: Actor, side: str) -> tuple[int, int]:
    """How many orders came in today and yesterday. One statement over two days."""
    today = clock.today()
    rows = (sales(actor) if side == "sell" else purchases(actor)).order_by().filter(ordered_on__gte=today - timedelta(days=1))
    rows = rows.exclude(status__in=[Status.DRAFT, Status.REJECTED, Status.CANCELLED])
    found = rows.aggregate(today=Count("pk", filter=Q(ordered_on=today)), before=Count("pk", filter=Q(ordered_on__lt=today)))
    return found["today"], found["before"]


@dataclass(frozen=True)
class Overdue:
    """What is open and past due in the own books."""

    number: int
    total: Decimal
    oldest: date | None
    open: Decimal
    next_due: date | None


def overdue(actor: Actor, side: str) -> Overdue | None:
    """What others owe ("sell") or the own organisation owes ("buy"), open and overdue. One statement; None without the right."""
    if not actor.can("ledger.view"):
        return None
    today = clock.today()
    rows = open_items(actor, actor.org_id, side="receivable" if side == "sell" else "payable").order_by()
    late = Q(due_on__lt=today)
    found = rows.aggregate(
        n=Count("pk", filter=late), total=Sum("open_amount", filter=late), oldest=Min("due_on", filter=late), open=Sum("open_amount"),
        next=Min("due_on", filter=~late),
    )  # fmt: skip
    return Overdue(found["n"], found["total"] or ZERO, found["oldest"], found["open"] or ZERO, found["next"])


def last_order(actor: Actor) -> int | None:
    """The newest order the own organisation placed, to order the same again. One statement."""
    return purchases(actor).exclude(status=Status.DRAFT).values_list("pk", flat=True).first()


def arriving(actor: Actor, limit: int = 6) -> list[Shipment]:
    """Shipments on their way to the own organisation, oldest first. One statement."""
    if not actor.can("fulfilment.view"):
        return []
    rows = visible(actor, Shipment).filter(buyer_id=actor.org_id, state="shipped").select_related("order", "seller").order_by("shipped_at", "id")
    return list(rows[:limit])
