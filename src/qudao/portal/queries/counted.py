"""The orders that figures of time and of hands count, one by one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import BooleanField, IntegerField, Min, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.db.models.functions import TruncDate

from qudao.analytics.queries import BETWEEN, TOUCHED, TOUCHES
from qudao.base.access import Actor
from qudao.fulfilment.models import Shipment
from qudao.orders.queries import Order, purchases, sales
from qudao.portal.queries.desk import UNDONE

LOG = f"FROM base_actionlog x WHERE x.subject_id = orders_order.id AND x.actor_org = orders_order.seller_id AND {TOUCHED}"


def _any(condition: str) -> RawSQL:
    return RawSQL(f"EXISTS (SELECT {LOG} AND {condition})", (), output_field=BooleanField())  # noqa: S611 - our own text


def _counted(found: QuerySet[Order]) -> QuerySet[Order]:
    """Those that figures count, each with the moment (`left_at`) and the day (`left_on`) of its first dispatch, and how often people of the seller
    touched it (`hands`); to filter by: what they did (`hand_…`), and whether they did it before the order was confirmed (`hand_between`).
    """
    first = Shipment.unscoped.filter(order_id=OuterRef("pk")).order_by().values("order_id").annotate(first=Min("shipped_at")).values("first")
    counted = found.exclude(status__in=UNDONE).annotate(left_at=Subquery(first))
    did = {f"hand_{name}": _any(condition) for name, condition in TOUCHES.items()}
    hands = RawSQL(f"(SELECT count(*) {LOG})", (), output_field=IntegerField())  # noqa: S611 - our own text
    counted = counted.alias(**did, hand_between=_any(BETWEEN)).annotate(hands=hands)
    return counted.annotate(left_on=TruncDate("left_at", tzinfo=ZoneInfo(settings.TIME_ZONE)))


def counted_sales(actor: Actor) -> QuerySet[Order]:
    """What the own organisation sells, as figures count it."""
    return _counted(sales(actor))


def counted_purchases(actor: Actor) -> QuerySet[Order]:
    """What the own organisation buys, as figures count it."""
    return _counted(purchases(actor))
