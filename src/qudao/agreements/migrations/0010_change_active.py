"""One active agreement of a pair in each currency, no longer one in all."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
from django.db import migrations, models
from django.db.models.functions import Cast, Ord, Substr


def same(expression):
    return models.Func(expression, expression, models.Value("[]"), function="int8range")


def letters(name):
    first, second, third = (Cast(Ord(Substr(name, at, 1)), models.BigIntegerField()) for at in (1, 2, 3))
    return first * 65_536 + second * 256 + third


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0009_add_expiry_told"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="agreement",
            name="agreements_agreement_seller_buyer_one_active",
        ),
        migrations.AddConstraint(
            model_name="agreement",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                name="agreements_agreement_pair_currency_one_active",
                expressions=[
                    (same("seller"), "&&"),
                    (same("buyer"), "&&"),
                    (same(Cast(Cast("transfers", models.IntegerField()), models.BigIntegerField())), "&&"),
                    (same(letters("currency")), "&&"),
                    (
                        models.Func(
                            "valid_from",
                            "valid_to",
                            models.Value("[]"),
                            function="daterange",
                            output_field=django.contrib.postgres.fields.ranges.DateRangeField(),
                        ),
                        "&&",
                    ),
                ],
                condition=models.Q(("state", "active")),
                violation_error_message="The two organisations already have an active agreement in this currency in this time.",
            ),
        ),
    ]
