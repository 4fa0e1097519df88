"""The orders that figures of time and of hands count, one by one."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import TruncDate

from qudao.base.access import Actor
from qudao.fulfilment.models import Shipment
from qudao.orders.queries import Order, purchases, sales
from qudao.portal.queries.desk import UNDONE


def _counted(found: QuerySet[Order]) -> QuerySet[Order]:
    """Those that figures count, each with the moment (`left_at`) and the day (`left_on`) of its first dispatch."""
    first = Shipment.unscoped.filter(order_id=OuterRef("pk")).order_by().values("order_id").annotate(first=Min("shipped_at")).values("first")
    counted = found.exclude(status__in=UNDONE).annotate(left_at=Subquery(first))
    return counted.annotate(left_on=TruncDate("left_at", tzinfo=ZoneInfo(settings.TIME_ZONE)))


def counted_sales(actor: Actor) -> QuerySet[Order]:
    """What the own organisation sells, as figures count it."""
    return _counted(sales(actor))


def counted_purchases(actor: Actor) -> QuerySet[Order]:
    """What the own organisation buys, as figures count it."""
    return _counted(purchases(actor))
