"""Orders are found by any part of their number, by the buyer's number and by amount."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(
    table="orders_order",
    kind="orders.order",
    number="r.number",
    texts="nullif(r.po_number, '')",
    columns="number, po_number, gross",
    amount="r.gross",
)


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("orders", "0001_create_order")]
    operations = [searchable(FOUND)]
