"""What stays invoiced may be shipped once more."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0015_add_split")]

    operations = [
        migrations.RemoveConstraint(model_name="line", name="orders_line_invoiced_within_shipped"),
        migrations.AddConstraint(
            model_name="line",
            constraint=models.CheckConstraint(
                condition=models.Q(("invoiced__gte", 0), ("invoiced__lte", models.F("qty") - models.F("given_up"))),
                name="orders_line_invoiced_within_ordered",
            ),
        ),
    ]
