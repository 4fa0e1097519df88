"""Where the work stands: the stages of the flow with count and oldest age, what came in, what is overdue. A few grouped statements."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Case, Count, Min, Q, Sum, Value, When

from qudao.analytics.queries import Calendar, Span
from qudao.base.access import Actor, Scope, visible
from qudao.base.db import rows as read
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.states import UNDER_WAY
from qudao.inventory.queries import FREE
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.ledger.queries import open_items
from qudao.orders.queries import purchases, sales
from qudao.orders.states import Billing, Fulfilment, Payment, Status
from qudao.portal.queries.attention import LOOKED

#: the flow of an order, in its order
STAGES = ("to_approve", "to_reserve", "to_ship", "to_receive", "to_invoice", "to_settle")
#: after how many days in a stage an order is late
PATIENCE = {"to_approve": 1, "to_reserve": 1, "to_ship": 2, "to_receive": 5, "to_invoice": 1, "to_settle": 400}

#: a buyer's figures: weeks that are told, days in which what left in time counts, and how many of its newest orders are looked at
WEEKS, TIMELY, NEWEST = 13, 60, 3000


@dataclass
class Stage:
    """One stage: how many orders stand in it, their amount, since when the oldest, how many stand too long."""

    key: str
    number: int = 0
    total: Decimal = ZERO
    oldest: datetime | None = None
    late: int = 0
    #: "+" when only the oldest were looked at, so that the number may be larger
    more: str = ""

    def add(self, number: int, total: Decimal, oldest: datetime | None, late: int) -> None:
        """Count one group of orders in."""
        self.number += number
        self.total += total or ZERO
        self.late += late
        self.oldest = min(filter(None, (self.oldest, oldest)), default=None)


def _stage_of(status: str, fulfilment: str, billing: str, payment: str) -> str:
    """In which stage orders of such a state stand; "" in none."""
    if status in (Status.DRAFT, Status.REJECTED, Status.CANCELLED) or (status == Status.CLOSED_SHORT and payment == Payment.PAID):
        return ""
    if status in (Status.SUBMITTED, Status.IN_REVIEW):
        return "to_approve"
    if status == Status.CONFIRMED or (status == Status.IN_FULFILMENT and fulfilment != Fulfilment.SHIPPED):
        return "to_ship"
    if status == Status.IN_FULFILMENT:
        return "to_receive"
    return "to_settle" if billing == Billing.FULL else "to_invoice"


def _patient_since(now: datetime) -> Case:
    """Since when an order may stand where it does and not be late: `PATIENCE` of its `_stage_of`, as one expression."""
    since = {key: Value(now - timedelta(days=days)) for key, days in PATIENCE.items()}
    return Case(
        When(status__in=[Status.SUBMITTED, Status.IN_REVIEW], then=since["to_approve"]),
        When(status=Status.IN_FULFILMENT, fulfilment=Fulfilment.SHIPPED, then=since["to_receive"]),
        When(status__in=[Status.CONFIRMED, Status.IN_FULFILMENT], then=since["to_ship"]),
        When(billing=Billing.FULL, then=since["to_settle"]),
        default=since["to_invoice"],
    )


def flow(actor: Actor, side: str) -> dict[str, Stage]:
    """The stages of what the own organisation sells (side "sell") or buys ("buy"). Two statements."""
    rows = (sales(actor) if side == "sell" else purchases(actor)).order_by()
    stages = {key: Stage(key) for key in STAGES}
    # Read as the index `orders_order_open` keeps them, group after group; which state belongs to which stage is decided for the groups, not for every order.
    groups = rows.exclude(status=Status.CLOSED).values("status", "fulfilment", "billing", "payment")
    late = Count("pk", filter=Q(state_since__lt=_patient_since(clock.now())))
    row: dict[str, Any]
    for row in groups.annotate(number=Count("pk"), total=Sum("gross"), oldest=Min("state_since"), late=late):  # type: ignore[assignment]
        key = _stage_of(row["status"], row["fulfilment"], row["billing"], row["payment"])
        if key:
            stages[key].add(row["number"], row["total"], row["oldest"], row["late"])
    if side == "sell":
        _add_short(stages["to_reserve"], actor)
    return stages


# The lines of so many orders are looked up one by one in the stock, so only of those that wait longest.
SHORT = f"""WITH waiting AS (
        SELECT id, place_id, more_places, gross, state_since FROM orders_order WHERE seller_id = %(org)s AND status = 'in_review' ORDER BY id LIMIT %(looked)s
    ), short AS (
        SELECT o.gross, o.state_since FROM waiting o WHERE EXISTS (
            SELECT FROM orders_line l WHERE l.order_id = o.id AND l.qty > coalesce((
                SELECT sum({FREE}) FROM inventory_stock s WHERE s.product_id = l.product_id
                 AND s.place_id = ANY(CASE WHEN o.more_places = '' THEN ARRAY[o.place_id]
                   ELSE o.place_id || string_to_array(o.more_places, ',')::bigint[] END)), 0))
    )
    SELECT count(*), coalesce(sum(gross), 0), min(state_since), (SELECT count(*) FROM waiting) FROM short"""


def _add_short(stage: Stage, actor: Actor) -> None:
    """Orders in review for which the stock is short now: an approval alone would not confirm them. Of the own ones that wait longest; for who sees
    own work only, none.
    """
    if actor.scope == Scope.SELF:
        return
    ((number, total, oldest, looked),) = read(SHORT, {"org": actor.org_id, "looked": LOOKED, "today": clock.today()})
    stage.add(number, total, oldest, 0)
    stage.more = "+" if number and looked == LOOKED else ""


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
    """What others owe ("sell") or the own organisation owes ("buy"), open and overdue. One statement, from one index; None without the right."""
    if not actor.can("ledger.view"):
        return None
    today = clock.today()
    rows = open_items(actor, actor.org_id, side="receivable" if side == "sell" else "payable").order_by()
    late = Q(due_on__lt=today)
    found = rows.aggregate(
        n=Count("open_amount", filter=late), total=Sum("open_amount", filter=late), oldest=Min("due_on", filter=late), open=Sum("open_amount"),
        next=Min("due_on", filter=~late),
    )  # fmt: skip
    return Overdue(found["n"], found["total"] or ZERO, found["oldest"], found["open"] or ZERO, found["next"])


# The newest orders by index; of those since the day what was ordered, and what left by its wished date.
BOUGHT = f"""SELECT o.ordered_on, count(*), sum(o.gross),
        count(*) FILTER (WHERE o.requested_on IS NOT NULL AND s.first IS NOT NULL),
        count(*) FILTER (WHERE (s.first AT TIME ZONE '{settings.TIME_ZONE}')::date <= o.requested_on)
    FROM (SELECT id, ordered_on, gross, requested_on, status, currency FROM orders_order WHERE buyer_id = %s ORDER BY id DESC LIMIT {NEWEST}) o
    LEFT JOIN LATERAL (SELECT min(x.shipped_at) AS first FROM fulfilment_shipment x WHERE x.order_id = o.id AND o.requested_on >= %s) s ON true
    WHERE o.ordered_on >= %s AND o.status NOT IN ('draft', 'rejected', 'cancelled') AND o.currency = %s GROUP BY o.ordered_on"""


def bought(actor: Actor, currency: str = "CNY") -> Calendar:
    """What the own organisation ordered by day in the last weeks, of its newest `NEWEST` orders, and what of it left by its wished date. One statement;
    nothing for who sees own work only.
    """
    if actor.scope == Scope.SELF:
        return Calendar(currency, {})
    today = clock.today()
    found = read(BOUGHT, (actor.org_id, today - timedelta(days=TIMELY), today - timedelta(days=WEEKS * 7 - 1), currency))
    return Calendar(currency, {day: Span(orders=n, amount=amount, wished=wished, on_time=met) for day, n, amount, wished, met in found})


def last_order(actor: Actor) -> int | None:
    """The newest order the own organisation placed, to order the same again. One statement."""
    return purchases(actor).exclude(status=Status.DRAFT).values_list("pk", flat=True).first()


def has_sold(actor: Actor) -> bool:
    """Whether anybody ever ordered of the own organisation. One statement."""
    return sales(actor).exclude(status=Status.DRAFT).order_by().exists()


def arriving(actor: Actor, limit: int = 6) -> list[Shipment]:
    """Shipments on their way to the own organisation, oldest first. One statement."""
    if not actor.can("fulfilment.view"):
        return []
    rows = visible(actor, Shipment).filter(buyer_id=actor.org_id, state__in=UNDER_WAY).select_related("order", "seller").order_by("shipped_at", "id")
    return list(rows[:limit])
