"""Counts what was ordered before there were figures by day."""

from django.conf import settings
from django.db import migrations

FILL = f"""INSERT INTO analytics_day (org_id, day, currency, orders, amount, straight, shipped, ship_seconds, wished, on_time)
    SELECT o.seller_id, o.ordered_on, o.currency, count(*), sum(o.gross), count(*) FILTER (WHERE o.approval = 'none'), count(s.first),
        coalesce(sum(greatest(extract(epoch FROM s.first - o.placed_at), 0))::bigint, 0),
        count(*) FILTER (WHERE o.requested_on IS NOT NULL AND s.first IS NOT NULL),
        count(*) FILTER (WHERE (s.first AT TIME ZONE '{settings.TIME_ZONE}')::date <= o.requested_on)
    FROM orders_order o
    LEFT JOIN LATERAL (SELECT min(x.shipped_at) AS first FROM fulfilment_shipment x WHERE x.order_id = o.id) s ON true
    WHERE o.status NOT IN ('draft', 'rejected', 'cancelled')
    GROUP BY o.seller_id, o.ordered_on, o.currency"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_create_day"), ("orders", "0001_create_order"), ("fulfilment", "0001_create_shipment")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
