"""Payments are found by any part of their number, by reference and by amount."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(
    table="payments_payment",
    kind="payments.payment",
    number="r.number",
    texts="nullif(r.reference, '')",
    columns="number, reference",
    amount="r.amount",
)


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("payments", "0003_add_payment_day")]
    operations = [searchable(FOUND)]
