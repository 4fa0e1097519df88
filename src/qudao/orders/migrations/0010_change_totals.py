"""An order's totals are what is ordered and was not given up; until now closing short left them as they were."""

from django.db import migrations

LOWER = """
    UPDATE orders_order o SET net = s.net, tax = s.gross - s.net, gross = s.gross
    FROM (SELECT l.order_id, sum(round(l.net * (l.qty - l.given_up) / l.qty, 2)) AS net, sum(round(l.gross * (l.qty - l.given_up) / l.qty, 2)) AS gross
          FROM orders_line l WHERE l.order_id IN (SELECT order_id FROM orders_line WHERE given_up > 0) GROUP BY l.order_id) s
    WHERE s.order_id = o.id
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0009_add_backorder")]
    operations = [migrations.RunSQL(LOWER, migrations.RunSQL.noop)]
