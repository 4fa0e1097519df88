"""Reads of the kept figures, and the one statement that says how they come about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from qudao.analytics.models import Day
from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.kernel.period import month_of, month_span

# The first dispatch of an order decides when it left; the day is that of the business.
ZONE = settings.TIME_ZONE
COUNTED = f"""SELECT o.seller_id, o.ordered_on, o.currency, count(*) AS orders, sum(o.gross) AS amount,
        count(*) FILTER (WHERE o.approval = 'none') AS straight, count(s.first) AS shipped,
        coalesce(sum(greatest(extract(epoch FROM s.first - o.placed_at), 0))::bigint, 0) AS ship_seconds,
        count(*) FILTER (WHERE o.requested_on IS NOT NULL AND s.first IS NOT NULL) AS wished,
        count(*) FILTER (WHERE (s.first AT TIME ZONE '{ZONE}')::date <= o.requested_on) AS on_time
    FROM orders_order o
    LEFT JOIN LATERAL (SELECT min(x.shipped_at) AS first FROM fulfilment_shipment x WHERE x.order_id = o.id) s ON true
    WHERE {{where}} AND o.status NOT IN ('draft', 'rejected', 'cancelled')
    GROUP BY o.seller_id, o.ordered_on, o.currency"""
COLLECTED = """SELECT p.seller_id, p.paid_on, p.currency, sum(p.amount) AS collected FROM payments_payment p
    WHERE {where} AND p.state IN ('received', 'partially_applied', 'applied') AND p.method <> 'credit_note' GROUP BY p.seller_id, p.paid_on, p.currency"""


def unscoped_days_of(order_ids: Iterable[int]) -> list[tuple[int, date]]:
    """The (seller, day) of orders, for the reactions that count those days anew. One statement."""
    return [(r[0], r[1]) for r in rows("SELECT DISTINCT seller_id, ordered_on FROM orders_order WHERE id = ANY(%s)", (sorted(set(order_ids)),))]


def unscoped_days_of_outside(order_ids: Iterable[int]) -> list[tuple[int, date]]:
    """As `unscoped_days_of`, of those orders alone whose seller ships nothing here. One statement."""
    found = rows("SELECT DISTINCT seller_id, ordered_on FROM orders_order WHERE id = ANY(%s) AND kind = 'external'", (sorted(set(order_ids)),))
    return [(r[0], r[1]) for r in found]


def unscoped_days_of_payments(payment_ids: Iterable[int]) -> list[tuple[int, date]]:
    """The (seller, day) of payments. One statement."""
    return [(r[0], r[1]) for r in rows("SELECT DISTINCT seller_id, paid_on FROM payments_payment WHERE id = ANY(%s)", (sorted(set(payment_ids)),))]


@dataclass
class Span:
    """The figures of some days together."""

    orders: int = 0
    amount: Decimal = Decimal(0)
    straight: int = 0
    shipped: int = 0
    ship_seconds: int = 0
    wished: int = 0
    on_time: int = 0
    collected: Decimal = Decimal(0)

    @property
    def straight_share(self) -> Decimal | None:
        """Which part of the orders needed nobody; None without orders."""
        return Decimal(self.straight) / self.orders if self.orders else None

    @property
    def on_time_share(self) -> Decimal | None:
        """Which part of what was wished by a date and has left, left by that date; None when there was none."""
        return Decimal(self.on_time) / self.wished if self.wished else None

    @property
    def ship_hours(self) -> Decimal | None:
        """Hours from order to first dispatch, on average; None when nothing has left."""
        return Decimal(self.ship_seconds) / 3600 / self.shipped if self.shipped else None


@dataclass
class Calendar:
    """The days of one seller in one currency."""

    currency: str = "CNY"
    days: dict[date, Day | Span] = field(default_factory=dict)

    def between(self, first: date, last: date) -> Span:
        """The figures from `first` to `last`, both included."""
        span = Span()
        found = (self.days.get(first + timedelta(days=n)) for n in range((last - first).days + 1))
        for row in filter(None, found):
            for name in Span.__dataclass_fields__:
                setattr(span, name, getattr(span, name) + getattr(row, name))
        return span

    def month(self, day: date) -> Span:
        """The figures of the whole month in which `day` lies."""
        month = month_span(day)
        return self.between(month.start, month.end or day)

    def weeks(self, last: date, number: int = 13) -> list[Span]:
        """The figures of the last `number` times seven days, oldest first."""
        return [self.between(last - timedelta(days=7 * n + 6), last - timedelta(days=7 * n)) for n in range(number - 1, -1, -1)]

    def months(self, last: date, number: int = 13) -> list[tuple[date, Span]]:
        """(first of the month, its figures) of the last `number` months, oldest first."""
        found = []
        month = month_of(last)
        for _n in range(number):
            found.append((month, self.month(month)))
            month = month_of(month - timedelta(days=1))
        return found[::-1]


def calendar(actor: Actor, since: date, currency: str = "CNY") -> Calendar:
    """What the own organisation sold by day since a day, in one currency. One statement of at most as many rows as there are days."""
    found = visible(actor, Day).filter(org_id=actor.org_id, day__gte=since, currency=currency)
    return Calendar(currency, {row.day: row for row in found})
