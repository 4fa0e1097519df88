"""Reads of the kept figures, and the one statement that says how they come about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet, Sum

from qudao.analytics.models import Day
from qudao.base.access import Actor, Scope, visible
from qudao.base.db import rows
from qudao.kernel.period import month_of, month_span
from qudao.orders.queries.refused import refused_by_day

#: what people of the seller may do with an order before it is on its way: figure → the condition on the line `x` of the log of actions
TOUCHES = {
    "typed": "x.verb = 'orders.place' AND x.before = 'draft' AND NOT x.detail ? 'edited'",
    "signed": "x.verb = 'orders.approve'",
    "returned": "x.verb = 'orders.return'",
    "released": "x.verb = 'orders.release'",
    "changed": "(x.verb IN ('orders.amend', 'orders.split', 'orders.readdress') OR x.verb = 'orders.place' AND (x.before <> 'draft' OR x.detail ? 'edited'))",
}
TOUCHED = f"""x.subject_kind = 'orders.order' AND x.actor_kind = 'person' AND ({" OR ".join(f"({one})" for one in TOUCHES.values())})"""
#: a touch between submission and confirmation: an order without one went straight through
BETWEEN = "x.before IN ('in_review', 'submitted')"
# The first dispatch of an order decides when it left; the day is that of the business.
ZONE = settings.TIME_ZONE
#: the columns that are counted from orders, in the order of `COUNTED`
FIGURES = (
    *("orders", "amount", "straight", "shipped", "ship_seconds", "wished", "on_time"),
    *TOUCHES,
    *("untouched", "once", "twice"),
)
COUNTED = f"""SELECT o.seller_id, o.ordered_on, o.currency, o.channel, count(*) AS orders, sum(o.gross) AS amount,
        count(*) FILTER (WHERE h.straight) AS straight, count(s.first) AS shipped,
        coalesce(sum(greatest(extract(epoch FROM s.first - o.placed_at), 0))::bigint, 0) AS ship_seconds,
        count(*) FILTER (WHERE o.requested_on IS NOT NULL AND s.first IS NOT NULL) AS wished,
        count(*) FILTER (WHERE (s.first AT TIME ZONE '{ZONE}')::date <= o.requested_on) AS on_time,
        {", ".join(f"sum(h.{name}) AS {name}" for name in TOUCHES)},
        count(*) FILTER (WHERE h.hands = 0) AS untouched, count(*) FILTER (WHERE h.hands = 1) AS once, count(*) FILTER (WHERE h.hands = 2) AS twice
    FROM orders_order o
    LEFT JOIN LATERAL (SELECT min(x.shipped_at) AS first FROM fulfilment_shipment x WHERE x.order_id = o.id) s ON true
    CROSS JOIN LATERAL (SELECT {", ".join(f"count(*) FILTER (WHERE {one}) AS {name}" for name, one in TOUCHES.items())}, count(*) AS hands,
            o.status NOT IN ('submitted', 'in_review') AND count(*) FILTER (WHERE {BETWEEN}) = 0 AS straight
        FROM base_actionlog x WHERE x.subject_id = o.id AND x.actor_org = o.seller_id AND {TOUCHED}) h
    WHERE {{where}} AND o.status NOT IN ('draft', 'rejected', 'cancelled')
    GROUP BY o.seller_id, o.ordered_on, o.currency, o.channel"""
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
    typed: int = 0
    signed: int = 0
    returned: int = 0
    released: int = 0
    changed: int = 0
    untouched: int = 0
    once: int = 0
    twice: int = 0

    def add(self, other: Day | Span) -> None:
        """Count other days in."""
        for name in Span.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def straight_share(self) -> Decimal | None:
        """Which part of the orders needed nobody; None without orders."""
        return Decimal(self.straight) / self.orders if self.orders else None

    @property
    def hands(self) -> int:
        """How often people of the seller touched the orders."""
        return sum(getattr(self, name) for name in TOUCHES)

    @property
    def middle(self) -> int | None:
        """How often the order in the middle was touched, 3 for three times and more; None without orders."""
        at, below = max(self.orders - 1, 0) // 2, 0
        for touches, number in enumerate((self.untouched, self.once, self.twice)):
            below += number
            if at < below:
                return touches
        return 3 if self.orders else None

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
    days: dict[date, Span] = field(default_factory=dict)

    def between(self, first: date, last: date) -> Span:
        """The figures from `first` to `last`, both included."""
        span = Span()
        found = (self.days.get(first + timedelta(days=n)) for n in range((last - first).days + 1))
        for row in filter(None, found):
            span.add(row)
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


def _kept(actor: Actor, since: date, currency: str) -> QuerySet[Day]:
    return visible(actor, Day).filter(org_id=actor.org_id, day__gte=since, currency=currency)


def calendar(actor: Actor, since: date, currency: str = "CNY") -> Calendar:
    """What the own organisation sold by day since a day, in one currency. One statement of at most as many rows as there are days."""
    sums = {f"all_{name}": Sum(name) for name in Span.__dataclass_fields__}
    found = _kept(actor, since, currency).order_by().values("day").annotate(**sums)
    return Calendar(currency, {day: Span(*summed) for day, *summed in found.values_list("day", *sums)})


@dataclass
class Quality:
    """How clean orders come in: those that were placed, and the submissions that were refused (`refused`; `wrong` of their lines were at fault)."""

    span: Span = field(default_factory=Span)
    refused: int = 0
    lines: int = 0
    wrong: int = 0

    @property
    def errors(self) -> Decimal | None:
        """Which part of all submissions was refused; None when there was none."""
        return Decimal(self.refused) / (self.refused + self.span.orders) if self.refused + self.span.orders else None

    def add(self, other: Quality) -> None:
        """Count others in."""
        self.span.add(other.span)
        self.refused, self.lines, self.wrong = self.refused + other.refused, self.lines + other.lines, self.wrong + other.wrong


def spans(by: str, last: date, number: int = 13) -> list[tuple[date, date]]:
    """The last `number` months, or weeks from Monday to Sunday, up to the one of `last`, oldest first."""
    found: list[tuple[date, date]] = []
    first = month_of(last) if by == "month" else last - timedelta(days=last.weekday())
    for _n in range(number):
        found.append((first, month_span(first).end or first) if by == "month" else (first, first + timedelta(days=6)))
        first = month_of(first - timedelta(days=1)) if by == "month" else first - timedelta(days=7)
    return found[::-1]


#: of a buyer, for whom no days are kept, so many of the newest orders are read
NEWEST = 5000


def _bought(actor: Actor, since: date) -> Iterable[tuple[date, str, Span]]:
    """What the own organisation ordered by day and channel, of its newest orders; nothing for who sees own work only. One statement."""
    if actor.scope == Scope.SELF or not actor.can("orders.view"):
        return
    newest = "o.id IN (SELECT x.id FROM orders_order x WHERE x.buyer_id = %s ORDER BY x.id DESC LIMIT %s) AND o.ordered_on >= %s"
    for row in rows(COUNTED.format(where=newest), (actor.org_id, NEWEST, since)):
        yield row[1], row[3], Span(**dict(zip(FIGURES, row[4:], strict=True)))


def quality(actor: Actor, side: str, since: date) -> dict[tuple[date, str], Quality]:
    """By day and channel since a day, of what the own organisation sells or ("buy") buys, in all currencies. Two statements."""
    found: dict[tuple[date, str], Quality] = {}
    kept = visible(actor, Day).filter(org_id=actor.org_id, day__gte=since, orders__gt=0).order_by()
    days = _bought(actor, since) if side == "buy" else ((row.day, row.channel, row) for row in kept)
    for day, channel, figures in days:
        found.setdefault((day, channel), Quality()).span.add(figures)
    for day, channel, refused, lines, wrong in refused_by_day(actor, side, since):
        found.setdefault((day, channel), Quality()).add(Quality(Span(), refused, lines, wrong))
    return found
