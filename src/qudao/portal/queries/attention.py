"""What is wrong or late by name: who owes, which product is short, which orders should have left, which money was announced.

Each is one statement over what is open only: from an index that holds what it sums, or over the oldest `LOOKED` where each row would be looked up.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from django.db.models import Count, Min, Q, Sum

from qudao.base.access import Actor, Scope, visible
from qudao.base.db import rows
from qudao.base.html.tables import by_language
from qudao.fulfilment.models import Difference, Shipment
from qudao.fulfilment.states import UNSETTLED
from qudao.fulfilment.states import State as Goods
from qudao.inventory.queries import FREE
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.ledger.queries import owing_most, reminded
from qudao.payments.models import Payment
from qudao.payments.states import State as Money

#: so many orders in review, those that wait longest, are compared with the stock
LOOKED = 100


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
    return [Owing(pk, by_language(name, name_en), n, total, oldest) for pk, name, name_en, n, total, oldest in owing_most(actor, clock.today(), limit)]


def to_remind(actor: Actor, payers: Sequence[Owing]) -> set[int]:
    """Whom of these the person may remind, and nobody has today. One statement, none without the right."""
    ids = {one.party_id for one in payers} if actor.can("ledger.remind") else set()
    return ids - reminded(actor, ids, clock.today()) if ids else ids


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
    #: where most is missing, and all places that serve the orders that ask
    place_id: int
    places: frozenset[int]


SHORT = f"""WITH waiting AS (
        SELECT id, place_id, more_places FROM orders_order WHERE seller_id = %(org)s AND status = 'in_review' ORDER BY id LIMIT %(looked)s
    ), asked AS (
        SELECT o.place_id, o.more_places, l.product_id, sum(l.qty) AS qty, count(DISTINCT o.id) AS orders
        FROM waiting o JOIN orders_line l ON l.order_id = o.id GROUP BY o.place_id, o.more_places, l.product_id
    )
    SELECT p.id, p.code, p.name, p.name_en, p.unit, m.missing, m.orders, m.stock_id, m.place_id, m.places FROM (
        SELECT a.product_id, sum(a.orders) AS orders, sum(a.qty - coalesce(s.free, 0)) AS missing, coalesce(max(s.id), 0) AS stock_id,
            (array_agg(a.place_id ORDER BY a.qty - coalesce(s.free, 0) DESC))[1] AS place_id,
            string_agg(concat_ws(',', a.place_id::text, nullif(a.more_places, '')), ',') AS places FROM asked a
        LEFT JOIN LATERAL (
            SELECT min(id) AS id, sum({FREE}) AS free FROM inventory_stock s WHERE product_id = a.product_id
                AND place_id = ANY(CASE WHEN a.more_places = '' THEN ARRAY[a.place_id] ELSE a.place_id || string_to_array(a.more_places, ',')::bigint[] END)
        ) s ON true
        WHERE a.qty > coalesce(s.free, 0) AND (%(only)s::bigint[] IS NULL OR a.product_id = ANY(%(only)s::bigint[]))
        GROUP BY a.product_id ORDER BY 2 DESC, 3 DESC LIMIT %(limit)s
    ) m JOIN catalog_product p ON p.id = m.product_id ORDER BY m.orders DESC, m.missing DESC"""


def short_products(actor: Actor, limit: int = 3, only: Collection[int] | None = None) -> list[Lack]:
    """The products of which the orders in review (those that wait longest) ask for more than is free, the most wanted first; `only`: among these.
    One statement.
    """
    if not (actor.can("orders.view") and actor.can("inventory.view")) or actor.scope == Scope.SELF:
        return []
    asked = {"org": actor.org_id, "looked": LOOKED, "limit": limit, "only": None if only is None else list(only), "today": clock.today()}
    return [
        Lack(pk, code, by_language(name, name_en), unit, missing, orders, stock, place, frozenset(map(int, places.split(","))))
        for pk, code, name, name_en, unit, missing, orders, stock, place, places in rows(SHORT, asked)
    ]


@dataclass(frozen=True)
class Waiting:
    """Some documents that wait: how many, their amount, since when, the first of them by name."""

    number: int = 0
    total: Decimal = ZERO
    oldest: datetime | date | None = None
    names: tuple[str, ...] = ()


# The late ones are summed from the index of what is open; only the first two are looked up.
PAST_WISH = """WITH late AS MATERIALIZED (
        SELECT id, gross, requested_on FROM orders_order
        WHERE seller_id = %s AND status IN ('confirmed', 'in_fulfilment') AND fulfilment IN ('none', 'picking') AND requested_on < %s
    )
    SELECT (SELECT count(*) FROM late), (SELECT sum(gross) FROM late), (SELECT min(requested_on) FROM late), b.name, b.name_en
    FROM (SELECT id, requested_on FROM late ORDER BY requested_on, id LIMIT 2) f
    JOIN orders_order o ON o.id = f.id JOIN network_organisation b ON b.id = o.buyer_id ORDER BY f.requested_on, f.id"""


def past_wish(actor: Actor) -> Waiting:
    """Confirmed sales orders whose wished date has passed while nothing has left."""
    if not actor.can("orders.view") or actor.scope == Scope.SELF:
        return Waiting()
    found = rows(PAST_WISH, (actor.org_id, clock.today()))
    if not found:
        return Waiting()
    number, total, oldest = found[0][:3]
    return Waiting(number, total, oldest, tuple(dict.fromkeys(by_language(name, name_en) for *_sums, name, name_en in found)))


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
    """Differences of the own trades that are not settled, by kind."""
    if not actor.can("fulfilment.view"):
        return {}
    mine = Q(seller_id=actor.org_id) if side == "sell" else Q(buyer_id=actor.org_id)
    found = visible(actor, Difference).filter(mine, state__in=UNSETTLED).order_by().values("kind").annotate(n=Count("pk"))
    return {row["kind"]: row["n"] for row in found}


@dataclass(frozen=True)
class Dock:
    """What stands at the own dock: shipments to pick, being picked, and of those the ones older than two days."""

    to_pick: int = 0
    picking: int = 0
    late: int = 0
    #: what left on each of the last seven days, the oldest first, and in the seven days before them up to this time of the day
    sent: Sequence[int] = ()
    sent_before: int = 0
    #: what left on each of these fourteen days, all of it
    days: Sequence[int] = ()


def dock(actor: Actor) -> Dock:
    """The open shipments of the own organisation."""
    if not actor.can("fulfilment.pick"):
        return Dock()
    rows_ = visible(actor, Shipment).filter(seller_id=actor.org_id, state__in=[Goods.CREATED, Goods.PICKING]).order_by()
    old = Q(created_at__lt=clock.now() - timedelta(days=2))
    found = rows_.aggregate(
        to_pick=Count("pk", filter=Q(state=Goods.CREATED)), picking=Count("pk", filter=Q(state=Goods.PICKING)), late=Count("pk", filter=old)
    )
    return Dock(found["to_pick"], found["picking"], found["late"], *_sent(actor))


def _sent(actor: Actor) -> tuple[list[int], int, list[int]]:
    """What left the own dock on each of the last seven days, in the seven before them up to this time of the day, and on each of all fourteen. One
    statement, by the day of leaving.
    """
    now, today = clock.now(), clock.today()
    ends = [clock.end_of(today - timedelta(days=n)) for n in range(14, -1, -1)]  # the ends of fifteen days: between them lie fourteen
    days = {f"d{n}": Count("pk", filter=Q(shipped_at__gte=since, shipped_at__lt=until)) for n, (since, until) in enumerate(pairwise(ends))}
    before = Count("pk", filter=Q(shipped_at__lt=now - timedelta(days=7)))
    found = visible(actor, Shipment).filter(seller_id=actor.org_id, shipped_at__gte=ends[0]).order_by().aggregate(**days, before=before)
    sent = [found[name] for name in days]
    return sent[7:], found["before"], sent
