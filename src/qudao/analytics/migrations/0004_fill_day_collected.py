"""Counts what was paid before there were figures by day."""

from django.db import migrations

FILL = """INSERT INTO analytics_day (org_id, day, currency, orders, amount, straight, shipped, ship_seconds, wished, on_time, collected)
    SELECT p.seller_id, p.paid_on, p.currency, 0, 0, 0, 0, 0, 0, 0, sum(p.amount) FROM payments_payment p
    WHERE p.state IN ('received', 'partially_applied', 'applied') GROUP BY p.seller_id, p.paid_on, p.currency
    ON CONFLICT (org_id, day, currency) DO UPDATE SET collected = excluded.collected"""


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_add_day_collected"), ("payments", "0003_add_payment_day")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
