"""Few orders wait for goods: they are found without reading all that are open."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0013_add_kind")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(condition=models.Q(("waits_since__isnull", False)), fields=["seller", "waits_since"], name="orders_order_backordered"),
        ),
    ]
