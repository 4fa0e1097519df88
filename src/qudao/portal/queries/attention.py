"""What is wrong or late by name: who owes, which product is short, which orders should have left, which money was announced. Each one bounded statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Min, Q, Sum

from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.base.html.tables import by_language
from qudao.fulfilment.models import Difference, Shipment
from qudao.fulfilment.states import State as Goods
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.ledger.queries import open_items
from qudao.orders.queries import sales
from qudao.orders.states import Fulfilment, Status
from qudao.payments.models import Payment
from qudao.payments.states import State as Money


@dataclass(frozen=True)
class Owing:
    """One buyer's overdue documents."""

    party_id: int
    name: str
    number: int
    total: Decimal
    oldest: date


def late_payers(actor: Actor, limit: int = 5) -> list[Owing]:
    """The buyers that owe the own organisation most, past due."""
    if not actor.can("ledger.view"):
        return []
    late = open_items(actor, actor.org_id, side="receivable").order_by().filter(due_on__lt=clock.today())
    found = late.values("counterparty_id", "counterparty__name", "counterparty__name_en").annotate(
        n=Count("pk"), total=Sum("open_amount"), oldest=Min("due_on")
    )
    return [
        Owing(row["counterparty_id"], by_language(row["counterparty__name"], row["counterparty__name_en"]), row["n"], row["total"], row["oldest"])
        for row in found.order_by("-total")[:limit]
    ]


@dataclass(frozen=True)
class Lack:
    """A product that orders in review ask for and the supplying place does not have."""

    product_id: int
    code: str
    name: str
    unit: str
    missing: Decimal
    orders: int
    stock_id: int


SHORT = """WITH asked AS (
        SELECT o.place_id, l.product_id, sum(l.qty) AS qty, count(DISTINCT o.id) AS orders
        FROM orders_order o JOIN orders_line l ON l.order_id = o.id
        WHERE o.seller_id = %s AND o.status = 'in_review' GROUP BY o.place_id, l.product_id
    )
    SELECT p.id, p.code, p.name, p.name_en, p.unit, a.qty - coalesce(s.on_hand - s.reserved, 0), a.orders, coalesce(s.id, 0)
    FROM asked a JOIN catalog_product p ON p.id = a.product_id
    LEFT JOIN inventory_stock s ON s.place_id = a.place_id AND s.product_id = a.product_id
    WHERE a.qty > coalesce(s.on_hand - s.reserved, 0)
    ORDER BY a.orders DESC, 6 DESC LIMIT %s"""


def short_products(actor: Actor, limit: int = 3) -> list[Lack]:
    """The products of which the orders in review ask for more than is free, the most wanted first."""
    if not (actor.can("orders.view") and actor.can("inventory.view")):
        return []
    found = rows(SHORT, (actor.org_id, limit))
    return [Lack(pk, code, by_language(name, name_en), unit, missing, orders, stock) for pk, code, name, name_en, unit, missing, orders, stock in found]


@dataclass(frozen=True)
class Waiting:
    """Some documents that wait: how many, their amount, since when, the first of them by name."""

    number: int = 0
    total: Decimal = ZERO
    oldest: datetime | date | None = None
    names: tuple[str, ...] = ()


def past_wish(actor: Actor) -> Waiting:
    """Confirmed sales orders whose wished date has passed while nothing has left."""
    if not actor.can("orders.view"):
        return Waiting()
    late = sales(actor).filter(
        status__in=[Status.CONFIRMED, Status.IN_FULFILMENT], fulfilment__in=[Fulfilment.NONE, Fulfilment.PICKING], requested_on__lt=clock.today()
    )
    found = late.order_by().aggregate(n=Count("pk"), total=Sum("gross"), oldest=Min("requested_on"))
    if not found["n"]:
        return Waiting()
    first = [by_language(o.buyer.name, o.buyer.name_en) for o in late.order_by("requested_on", "id")[:2]]
    return Waiting(found["n"], found["total"] or ZERO, found["oldest"], tuple(dict.fromkeys(first)))


def announced(actor: Actor) -> Waiting:
    """Payments that buyers announced and nobody has confirmed yet."""
    if not actor.can("payments.record"):
        return Waiting()
    found = (
        visible(actor, Payment)
        .filter(seller_id=actor.org_id, state=Money.ANNOUNCED)
        .order_by()
        .aggregate(n=Count("pk"), total=Sum("amount"), oldest=Min("state_since"))
    )
    return Waiting(found["n"], found["total"] or ZERO, found["oldest"])


def differences_by_kind(actor: Actor, side: str) -> dict[str, int]:
    """Open differences of the own trades by kind: short, damaged, over."""
    if not actor.can("fulfilment.view"):
        return {}
    mine = Q(seller_id=actor.org_id) if side == "sell" else Q(buyer_id=actor.org_id)
    found = visible(actor, Difference).filter(mine, state="open").order_by().values("kind").annotate(n=Count("pk"))
    return {row["kind"]: row["n"] for row in found}


@dataclass(frozen=True)
class Dock:
    """What stands at the own dock: shipments to pick, being picked, and of those the ones older than two days."""

    to_pick: int = 0
    picking: int = 0
    late: int = 0


def dock(actor: Actor) -> Dock:
    """The open shipments of the own organisation."""
    if not actor.can("fulfilment.pick"):
        return Dock()
    rows_ = visible(actor, Shipment).filter(seller_id=actor.org_id, state__in=[Goods.CREATED, Goods.PICKING]).order_by()
    old = Q(created_at__lt=clock.now() - timedelta(days=2))
    found = rows_.aggregate(
        to_pick=Count("pk", filter=Q(state=Goods.CREATED)), picking=Count("pk", filter=Q(state=Goods.PICKING)), late=Count("pk", filter=old)
    )
    return Dock(found["to_pick"], found["picking"], found["late"])
