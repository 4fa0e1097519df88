"""Deposits."""

import django.db.models.manager
from django.db import migrations, models

from qudao.base.db import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('agreements', '0005_add_prepaid'),
        ('funds', '0008_create_sublimit'),
        ('network', '0007_add_gs1_prefix'),
    ]

    operations = [
        migrations.CreateModel(
            name='DepositEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('day', models.DateField()),
                ('kind', models.CharField(choices=[('paid_in', 'Paid in'), ('refunded', 'Sent back'), ('deducted', 'Deducted for a debt')], max_length=8)),
                ('amount', models.DecimalField(decimal_places=2, max_digits=18)),
                ('held', models.DecimalField(decimal_places=2, help_text='What is held after it.', max_digits=18)),
                ('reference', models.CharField(blank=True, default='', max_length=200)),
                ('number', models.CharField(blank=True, default='', max_length=64)),
                ('who', models.CharField(blank=True, default='', max_length=200)),
            ],
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name='account',
            name='deposit_first',
            field=models.BooleanField(default=False, help_text='Orders pass only when the deposit is paid.'),
        ),
        migrations.AddField(
            model_name='account',
            name='deposit_held',
            field=models.DecimalField(decimal_places=2, default=0, max_digits=18),
        ),
        migrations.AddField(
            model_name='account',
            name='deposit_required',
            field=models.DecimalField(decimal_places=2, default=0, max_digits=18),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('deposit_held__gte', 0), ('deposit_required__gte', 0)), name='funds_account_deposit_not_negative', violation_error_message='More would leave the deposit than it holds.'),
        ),
        migrations.AddIndex(
            model_name='depositentry',
            index=models.Index(fields=['account_id', '-id'], name='funds_depositentry_account'),
        ),
        migrations.AddConstraint(
            model_name='depositentry',
            constraint=models.CheckConstraint(condition=models.Q(('amount__gt', 0), ('held__gte', 0), ('kind__in', ['paid_in', 'refunded', 'deducted'])), name='funds_depositentry_amount_positive', violation_error_message='The amount must be more than zero, with at most two decimals.'),
        ),
        append_only("funds_depositentry"),
    ]
