"""Agreements share the account of the two in their currency (decision 0013)."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('funds', '0011_fill_shared'),
        ('network', '0009_index_suppliers'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='account',
            name='agreement',
        ),
        migrations.AlterField(
            model_name='account',
            name='seller',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.organisation'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.UniqueConstraint(fields=('seller', 'buyer', 'currency', 'prepaid', 'transfers'), name='funds_account_pair_unique', violation_error_message='The two have a credit account in this currency already.'),
        ),
    ]
