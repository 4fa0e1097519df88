"""Few transfers wait for an answer: who is asked counts them without reading all that are in review."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0022_add_transfer")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(condition=models.Q(("kind", "transfer"), ("status", "in_review")), fields=["seller"], name="orders_order_offered"),
        ),
    ]
