"""Collective invoices are found by any part of their number and by amount."""

from django.db import migrations

from qudao.base.search import Source, searchable

FOUND = Source(
    table="billing_collective",
    kind="billing.collective",
    number="r.number",
    texts="(SELECT a.code FROM agreements_agreement a WHERE a.id = r.agreement_id)",
    columns="number",
    amount="r.gross",
)


class Migration(migrations.Migration):
    dependencies = [("base", "0004_create_searchentry"), ("billing", "0006_add_collective")]
    operations = [searchable(FOUND)]
