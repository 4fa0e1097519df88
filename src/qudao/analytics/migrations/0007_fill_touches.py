"""Counts the days anew, each channel for itself, with what people of the seller did with their orders."""

from django.conf import settings
from django.db import migrations

ORDERS = f"""INSERT INTO analytics_day (org_id, day, currency, channel, orders, amount, straight, shipped, ship_seconds, wished, on_time, typed, signed, returned, released, changed, untouched, once, twice, collected)
    SELECT c.*, 0 FROM (SELECT o.seller_id, o.ordered_on, o.currency, o.channel, count(*) AS orders, sum(o.gross) AS amount,
        count(*) FILTER (WHERE h.straight) AS straight, count(s.first) AS shipped,
        coalesce(sum(greatest(extract(epoch FROM s.first - o.placed_at), 0))::bigint, 0) AS ship_seconds,
        count(*) FILTER (WHERE o.requested_on IS NOT NULL AND s.first IS NOT NULL) AS wished,
        count(*) FILTER (WHERE (s.first AT TIME ZONE '{settings.TIME_ZONE}')::date <= o.requested_on) AS on_time,
        sum(h.typed) AS typed, sum(h.signed) AS signed, sum(h.returned) AS returned, sum(h.released) AS released, sum(h.changed) AS changed,
        count(*) FILTER (WHERE h.hands = 0) AS untouched, count(*) FILTER (WHERE h.hands = 1) AS once, count(*) FILTER (WHERE h.hands = 2) AS twice
    FROM orders_order o
    LEFT JOIN LATERAL (SELECT min(x.shipped_at) AS first FROM fulfilment_shipment x WHERE x.order_id = o.id) s ON true
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE x.verb = 'orders.place' AND x.before = 'draft' AND NOT x.detail ? 'edited') AS typed, count(*) FILTER (WHERE x.verb = 'orders.approve') AS signed, count(*) FILTER (WHERE x.verb = 'orders.return') AS returned, count(*) FILTER (WHERE x.verb = 'orders.release') AS released, count(*) FILTER (WHERE (x.verb IN ('orders.amend', 'orders.split', 'orders.readdress') OR x.verb = 'orders.place' AND (x.before <> 'draft' OR x.detail ? 'edited'))) AS changed, count(*) AS hands,
            o.status NOT IN ('submitted', 'in_review') AND count(*) FILTER (WHERE x.before IN ('in_review', 'submitted')) = 0 AS straight
        FROM base_actionlog x WHERE x.subject_id = o.id AND x.actor_org = o.seller_id AND x.subject_kind = 'orders.order' AND x.actor_kind = 'person' AND ((x.verb = 'orders.place' AND x.before = 'draft' AND NOT x.detail ? 'edited') OR (x.verb = 'orders.approve') OR (x.verb = 'orders.return') OR (x.verb = 'orders.release') OR ((x.verb IN ('orders.amend', 'orders.split', 'orders.readdress') OR x.verb = 'orders.place' AND (x.before <> 'draft' OR x.detail ? 'edited'))))) h
    WHERE true AND o.status NOT IN ('draft', 'rejected', 'cancelled')
    GROUP BY o.seller_id, o.ordered_on, o.currency, o.channel) c"""
PAYMENTS = """INSERT INTO analytics_day (org_id, day, currency, channel, orders, amount, straight, shipped, ship_seconds, wished, on_time, collected)
    SELECT p.seller_id, p.paid_on, p.currency, '', 0, 0, 0, 0, 0, 0, 0, sum(p.amount) FROM payments_payment p
    WHERE p.state IN ('received', 'partially_applied', 'applied') AND p.method <> 'credit_note' GROUP BY p.seller_id, p.paid_on, p.currency"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0006_add_touches"), ("orders", "0024_add_refusal"), ("base", "0009_index_search_kinds")]

    operations = [
        migrations.RunSQL("DELETE FROM analytics_day", migrations.RunSQL.noop),
        migrations.RunSQL(ORDERS, migrations.RunSQL.noop),
        migrations.RunSQL(PAYMENTS, migrations.RunSQL.noop),
    ]
