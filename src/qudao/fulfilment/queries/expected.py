"""What an organisation expects, and when: goods on their way to it, those who wait for them, and shipments that nobody counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from qudao.base.db import rows
from qudao.fulfilment import rules
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.states import TRAVEL_DAYS, UNDER_WAY, WARN_DAYS, State
from qudao.inventory.queries import unscoped_receiving
from qudao.inventory.states import RECEIPT_DAYS
from qudao.kernel import clock
from qudao.kernel.period import working_day


@dataclass(frozen=True)
class Coming:
    """Goods that an organisation expects: on which day, how much, by which document."""

    on: date
    qty: Decimal
    number: str


# What has left, and what is promised for a day.
COMING = """SELECT l.product_id, s.shipped_at, NULL::date, l.qty - l.come, s.number, false
    FROM fulfilment_shipment s JOIN fulfilment_shipmentline l ON l.shipment_id = s.id
    WHERE s.buyer_id = %(org)s AND s.state IN ('shipped', 'partly') AND l.qty > l.come AND l.product_id = ANY(%(products)s)
    UNION ALL
    SELECT l.product_id, NULL, l.promised_on, l.qty - l.given_up - l.shipped, coalesce(o.number, ''), o.kind = 'external'
    FROM orders_order o JOIN orders_line l ON l.order_id = o.id
    WHERE o.buyer_id = %(org)s AND o.status IN ('confirmed', 'in_fulfilment') AND l.product_id = ANY(%(products)s)
      AND l.promised_on IS NOT NULL AND l.qty > l.given_up + l.shipped"""
WAITING = """SELECT l.product_id, l.backordered, l.id FROM orders_line l JOIN orders_order o ON o.id = l.order_id
    LEFT JOIN inventory_supplyplace s ON s.agreement_id = o.agreement_id
    WHERE o.seller_id = %s AND o.allocation <> 'lapsed' AND l.backordered > 0 AND l.product_id = ANY(%s)
    ORDER BY coalesce(s.priority, 0) DESC, o.waits_since, o.id, l.no"""


def unscoped_coming(org_id: int, product_ids: Iterable[int]) -> dict[int, list[Coming]]:
    """What an organisation expects of products from those it buys of, by day. One statement, none without products."""
    wanted = list(product_ids)
    found: dict[int, list[Coming]] = {pk: [] for pk in wanted}
    if wanted:
        today = clock.today()
        for product, left, leaves, qty, number, outside in rows(COMING, {"org": org_id, "products": wanted}):
            # an outside seller names the day on which its goods are here
            on = leaves if outside else working_day(clock.date_of(left) if left else max(leaves, today), TRAVEL_DAYS)
            found[product].append(Coming(max(on, today), qty, number))
    return {pk: sorted(some, key=lambda one: (one.on, one.number)) for pk, some in found.items()}


def unscoped_expected(org_id: int, lacking: Mapping[int, Decimal]) -> dict[int, date]:
    """On which day so much of products that are not in stock can be there, after all who wait already; what is not expected is missing. Two statements."""
    coming = {pk: some for pk, some in unscoped_coming(org_id, lacking).items() if some}
    if not coming:
        return {}
    ahead: dict[int, Decimal] = {}
    for product, qty, _line in rows(WAITING, (org_id, list(coming))):
        ahead[product] = ahead.get(product, rules.NOTHING) + qty
    days = {pk: rules.there_on([(x.on, x.qty) for x in some], ahead.get(pk, rules.NOTHING) + lacking[pk]) for pk, some in coming.items()}
    return {pk: day for pk, day in days.items() if day}


def unscoped_promised(org_id: int, product_ids: Iterable[int]) -> dict[int, date]:
    """By line that waits for goods of an organisation, the day on which those are expected, in turn. Two statements."""
    coming = {pk: some for pk, some in unscoped_coming(org_id, product_ids).items() if some}
    found: dict[int, date] = {}
    ahead: dict[int, Decimal] = {}
    for product, qty, line in rows(WAITING, (org_id, list(coming))) if coming else ():
        ahead[product] = ahead.get(product, rules.NOTHING) + qty
        if day := rules.there_on([(x.on, x.qty) for x in coming[product]], ahead[product]):
            found[line] = day
    return found


def unscoped_waits(org_id: int, product_id: int) -> Decimal:
    """How much of a product others wait for at an organisation. One statement."""
    return sum((qty for _product, qty, _line in rows(WAITING, (org_id, [product_id]))), rules.NOTHING)


# What nobody has counted for longer than the agreement lets it wait, less the days of the warning; working days make it later still.
UNCOUNTED = f"""SELECT s.id, s.shipped_at, coalesce(t.receipt_days, {RECEIPT_DAYS}), s.warned_on,
        CASE s.state WHEN 'partly' THEN s.state_since END FROM fulfilment_shipment s
    JOIN orders_order o ON o.id = s.order_id LEFT JOIN inventory_supplyplace t ON t.agreement_id = o.agreement_id
    WHERE s.state IN ('shipped', 'partly') AND coalesce(t.receipt_days, {RECEIPT_DAYS}) > 0
      AND s.shipped_at < %s - make_interval(days => coalesce(t.receipt_days, {RECEIPT_DAYS}) + {TRAVEL_DAYS - WARN_DAYS - 1}) ORDER BY s.id"""


def unscoped_uncounted(today: date) -> list[int]:
    """The shipments of whose receipt the buyer is to be warned today, or which are received as they were sent. One statement."""
    found = rows(UNCOUNTED, (clock.now(),))
    return [pk for pk, left, days, warned, came in found if rules.watch(today, _until(left, days, came), warned)]


def _until(left: datetime, days: int, came: datetime | None) -> date:
    """`rules.count_until` of moments; `came`: when the last part of it was counted."""
    return rules.count_until(clock.date_of(left), days, clock.date_of(came) if came else None)


def unscoped_count_until(shipment: Shipment, agreement_id: int) -> date | None:
    """The last day on which a shipment on its way can be counted before it is received as sent; None: nothing happens by itself. One statement."""
    if shipment.state not in UNDER_WAY or shipment.shipped_at is None:
        return None
    days = unscoped_receiving(agreement_id).days
    if not days:
        return None
    warned = shipment.warned_on
    until = _until(shipment.shipped_at, days, shipment.state_since if shipment.state == State.PARTLY else None)
    return max(until, (warned or clock.today()) + timedelta(days=WARN_DAYS))
