"""Invoices are found by any part of their number and by amount."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(
    table="billing_invoice",
    kind="billing.invoice",
    number="r.number",
    texts="(SELECT o.number FROM orders_order o WHERE o.id = r.order_id)",
    columns="number",
    amount="r.gross",
)


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("billing", "0001_create_invoice")]
    operations = [searchable(FOUND)]
