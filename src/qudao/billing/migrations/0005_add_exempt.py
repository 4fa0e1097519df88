"""Lines of an invoice keep whether they are exempt from tax; those issued before are taxed at their rate."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("billing", "0004_add_credited"), ("catalog", "0008_add_tax_classes")]

    operations = [
        migrations.AddField("invoiceline", "exempt", models.BooleanField(db_default=False, default=False)),
        migrations.AddConstraint(
            "invoiceline",
            models.CheckConstraint(
                condition=Q(("exempt", False), Q(("tax", 0), ("tax_rate", 0)), _connector="OR"),
                name="billing_invoiceline_exempt_untaxed",
                violation_error_message="What is exempt has no tax.",
            ),
        ),
    ]
