"""Small differences and refunds: applications that stand alone, their reversal, and the limit of each seller."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

MONEY = {"max_digits": 18, "decimal_places": 2}
HOW = [
    ("explicit", "Chosen by a person"), ("reference", "Named in the reference"), ("exact", "The only invoice over this amount"),
    ("oldest", "Oldest due date first"), ("balance", "From the prepaid balance"), ("credit_note", "Credit note for this invoice"),
    ("difference", "Small difference"), ("refund", "Refunded to the buyer"), ("none", "Not applied"),
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_add_balance"), ("billing", "0005_add_exempt"), ("network", "0001_create_organisation")]

    operations = [
        migrations.AddField("payment", "refunded", models.DecimalField(db_default=0, default=0, **MONEY)),
        migrations.AddConstraint(
            "payment",
            models.CheckConstraint(
                condition=Q(refunded__gte=0, refunded__lte=F("applied")),
                name="payments_payment_refunded_within_applied",
                violation_error_message="More would be sent back than was paid.",
            ),
        ),
        migrations.AlterField("application", "how", models.CharField(choices=HOW, max_length=12)),
        migrations.AlterField(
            "application",
            "payment",
            models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="applications", to="payments.payment"),
        ),
        migrations.AlterField(
            "application", "invoice", models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.invoice")
        ),
        migrations.AddField("application", "note", models.CharField(blank=True, db_default="", default="", max_length=200)),
        migrations.AddField(
            "application",
            "reverses",
            models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="reversal", to="payments.application"),
        ),
        migrations.RemoveConstraint("application", "payments_application_amount_positive"),
        migrations.AddConstraint(
            "application",
            models.CheckConstraint(
                condition=Q(amount__gt=0, reverses=None) | Q(amount__lt=0, how="difference", reverses__isnull=False),
                name="payments_application_amount_fits",
                violation_error_message="The amount must be more than zero, or less where a small difference is taken back.",
            ),
        ),
        migrations.AddConstraint(
            "application",
            models.CheckConstraint(
                condition=Q(payment__isnull=False, invoice__isnull=False)
                | Q(how__in=["difference", "refund"], payment__isnull=False)
                | Q(how="difference", invoice__isnull=False),
                name="payments_application_ends_fit",
                violation_error_message="A payment pays an invoice; only a small difference or a refund stands alone.",
            ),
        ),
        migrations.CreateModel(
            name="Tolerance",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.DecimalField(**MONEY)),
                ("seller", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="network.organisation")),
            ],
            managers=[("unscoped", models.Manager())],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("seller", "currency"), name="payments_tolerance_seller_unique", violation_error_message="The seller already has this limit."
                    ),
                    models.CheckConstraint(
                        condition=Q(amount__gte=0, amount__lte=100),
                        name="payments_tolerance_amount_range",
                        violation_error_message="The limit must be zero or more and stay small.",
                    ),
                ]
            },
        ),
    ]
