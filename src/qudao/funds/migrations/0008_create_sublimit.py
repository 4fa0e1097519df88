"""Limits for product lines."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0009_add_max_qty'),
        ('funds', '0007_require_states'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='lined',
            field=models.BooleanField(default=False, help_text='Whether product lines have limits of their own.'),
        ),
        migrations.CreateModel(
            name='SubLimit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('amount', models.DecimalField(decimal_places=2, max_digits=18)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sublimits', to='funds.account')),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='catalog.category')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'category'), name='funds_sublimit_line_unique', violation_error_message='The account already has a limit for this product line.'), models.CheckConstraint(condition=models.Q(('amount__gte', 0)), name='funds_sublimit_amount_not_negative', violation_error_message='A limit cannot be less than zero.')],
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
    ]

