"""What the order in the basket is for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("baskets", "0002_add_address")]

    operations = [
        migrations.AddField(
            "basket",
            "kind",
            models.CharField(
                choices=[("regular", "Regular"), ("sample", "Sample"), ("emergency", "Emergency")], db_default="regular", default="regular", max_length=9
            ),
        ),
    ]
