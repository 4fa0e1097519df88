"""Shipments are found by any part of their number and by the carrier's number."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(
    table="fulfilment_shipment",
    kind="fulfilment.shipment",
    number="r.number",
    texts="nullif(r.tracking, ''), (SELECT o.number FROM orders_order o WHERE o.id = r.order_id)",
    columns="number, tracking",
)


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("fulfilment", "0001_create_shipment")]
    operations = [searchable(FOUND)]
