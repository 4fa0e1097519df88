"""The largest quantity of a product in one order."""

from decimal import Decimal

from django.db import migrations, models
from django.db.models import F, Q

CHECK = models.CheckConstraint(
    condition=Q(max_qty=0) | Q(max_qty__gt=0, max_qty__gte=F("min_qty")),
    name="catalog_product_max_qty_reaches_min",
    violation_error_message="The largest quantity must not be below the smallest one; 0 means there is none.",
)


class Migration(migrations.Migration):
    dependencies = [("catalog", "0008_add_tax_classes")]

    operations = [
        migrations.AddField("product", "max_qty", models.DecimalField(db_default=Decimal(0), decimal_places=4, default=Decimal(0), max_digits=18)),
        migrations.AddConstraint("product", CHECK),
    ]
