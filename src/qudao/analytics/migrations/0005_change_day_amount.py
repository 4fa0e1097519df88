"""The totals of orders that were closed short were lowered to what was kept; their days say the same."""

from django.db import migrations

LOWER = """
    UPDATE analytics_day d SET amount = s.amount
    FROM (SELECT seller_id, ordered_on, currency, sum(gross) AS amount FROM orders_order
          WHERE status NOT IN ('draft', 'rejected', 'cancelled') GROUP BY 1, 2, 3) s
    WHERE s.seller_id = d.org_id AND s.ordered_on = d.day AND s.currency = d.currency AND s.amount <> d.amount
"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0004_fill_day_collected"), ("orders", "0010_change_totals")]

    operations = [migrations.RunSQL(LOWER, migrations.RunSQL.noop)]
