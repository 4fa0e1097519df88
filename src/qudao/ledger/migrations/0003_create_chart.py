"""The chart of accounts of an organisation, and what goes where in it."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

KIND = [("asset", "Asset"), ("liability", "Liability"), ("equity", "Equity"), ("income", "Income"), ("expense", "Expense")]
ACCOUNT = [
    ("receivable", "Receivable"), ("payable", "Payable"), ("revenue", "Revenue"), ("purchases", "Purchases"), ("output_tax", "Output tax"),
    ("input_tax", "Input tax"), ("bank", "Bank"), ("unapplied_in", "Payments received, not yet applied"),
    ("unapplied_out", "Payments made, not yet applied"), ("discount", "Cash discount"), ("write_off", "Small differences written off"),
    ("opening", "Opening balance"),
]  # fmt: skip
ORG = {"on_delete": django.db.models.deletion.PROTECT, "related_name": "+", "to": "network.organisation"}
ID = ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_guard_entries"), ("network", "0001_create_organisation")]

    operations = [
        migrations.CreateModel(
            name="ChartAccount",
            fields=[
                ID,
                ("code", models.CharField(max_length=20)),
                ("name", models.CharField(max_length=80)),
                ("name_en", models.CharField(blank=True, default="", max_length=80)),
                ("kind", models.CharField(choices=KIND, max_length=10)),
                ("org", models.ForeignKey(**ORG)),
            ],
            managers=[("unscoped", models.Manager())],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "code"), name="ledger_chartaccount_code_unique", violation_error_message="The chart already has this code."
                    ),
                    models.CheckConstraint(
                        condition=Q(("code", ""), _negated=True) & Q(("name", ""), _negated=True),
                        name="ledger_chartaccount_named",
                        violation_error_message="An account needs a code and a name.",
                    ),
                ]
            },
        ),
        migrations.CreateModel(
            name="Mapping",
            fields=[
                ID,
                ("account", models.CharField(choices=ACCOUNT, max_length=16)),
                ("org", models.ForeignKey(**ORG)),
                ("chart", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="mapped", to="ledger.chartaccount")),
            ],
            managers=[("unscoped", models.Manager())],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("org", "account"),
                        name="ledger_mapping_account_unique",
                        violation_error_message="This is already assigned to an account.",
                    )
                ]
            },
        ),
    ]
