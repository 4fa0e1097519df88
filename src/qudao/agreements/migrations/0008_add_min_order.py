from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0007_add_transfers"),
    ]

    operations = [
        migrations.AddField(
            model_name="agreement",
            name="min_order",
            field=models.DecimalField(db_default=0, decimal_places=2, default=0, max_digits=14),
        ),
        migrations.AddConstraint(
            model_name="agreement",
            constraint=models.CheckConstraint(
                condition=models.Q(("min_order__gte", 0)),
                name="agreements_agreement_min_order_not_negative",
                violation_error_message="The smallest order is an amount of 0 or more.",
            ),
        ),
    ]
