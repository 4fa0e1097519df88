"""What is blocked is found by an index of nothing else; it is made while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("inventory", "0013_add_holds")]

    operations = [
        AddIndexConcurrently(
            model_name="stock",
            index=models.Index(condition=models.Q(("held", ""), _negated=True), fields=["place"], name="inventory_stock_held"),
        ),
        AddIndexConcurrently(
            model_name="lot",
            index=models.Index(condition=models.Q(("held", ""), _negated=True), fields=["place"], name="inventory_lot_held"),
        ),
    ]
