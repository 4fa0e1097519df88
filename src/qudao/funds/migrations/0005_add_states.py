"""States of accounts: the rules, what a person wants, what was noted last, and the history."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

from qudao.base.db import append_only


class Migration(migrations.Migration):

    dependencies = [
        ('agreements', '0005_add_prepaid'),
        ('funds', '0004_add_prepaid'),
        ('network', '0007_add_gs1_prefix'),
    ]

    operations = [
        migrations.CreateModel(
            name='House',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grace_days', models.PositiveSmallIntegerField(default=0)),
                ('tolerance', models.DecimalField(decimal_places=2, default=0, max_digits=18)),
                ('stop_days', models.PositiveSmallIntegerField(blank=True, null=True)),
                ('watch_percent', models.PositiveSmallIntegerField(blank=True, null=True)),
            ],
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='StateChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('before', models.CharField(choices=[('ok', 'Good'), ('watch', 'Watch'), ('hold', 'Orders wait'), ('stop', 'Stopped')], max_length=5)),
                ('after', models.CharField(choices=[('ok', 'Good'), ('watch', 'Watch'), ('hold', 'Orders wait'), ('stop', 'Stopped')], max_length=5)),
                ('reasons', models.JSONField(default=list)),
                ('who', models.CharField(blank=True, default='', max_length=200)),
                ('note', models.CharField(blank=True, default='', max_length=200)),
            ],
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name='account',
            name='by_hand',
            field=models.CharField(blank=True, choices=[('ok', 'Good'), ('watch', 'Watch'), ('hold', 'Orders wait'), ('stop', 'Stopped')], default='', max_length=5),
        ),
        migrations.AddField(
            model_name='account',
            name='by_hand_reason',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
        migrations.AddField(
            model_name='account',
            name='by_hand_until',
            field=models.DateField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='account',
            name='state',
            field=models.CharField(choices=[('ok', 'Good'), ('watch', 'Watch'), ('hold', 'Orders wait'), ('stop', 'Stopped')], default='ok', max_length=5),
        ),
        migrations.AddField(
            model_name='account',
            name='stop_days',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='account',
            name='watch_percent',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='account',
            name='state_since',
            field=models.DateTimeField(),
        ),
        migrations.AddField(
            model_name='house',
            name='seller',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.organisation'),
        ),
        migrations.AddIndex(
            model_name='statechange',
            index=models.Index(fields=['account_id', '-id'], name='funds_statechange_account'),
        ),
        migrations.AddConstraint(
            model_name='statechange',
            constraint=models.CheckConstraint(condition=models.Q(('before', models.F('after')), _negated=True), name='funds_statechange_differs', violation_error_message='A change leads to another state.'),
        ),
        migrations.AddConstraint(
            model_name='house',
            constraint=models.UniqueConstraint(fields=('seller',), name='funds_house_seller_unique', violation_error_message='The seller has these rules already.'),
        ),
        migrations.AddConstraint(
            model_name='house',
            constraint=models.CheckConstraint(condition=models.Q(('tolerance__gte', 0), models.Q(('stop_days', None), models.Q(('stop_days__gte', models.F('grace_days')), ('stop_days__lte', 3650)), _connector='OR'), models.Q(('watch_percent', None), models.Q(('watch_percent__gte', 1), ('watch_percent__lte', 100)), _connector='OR')), name='funds_house_values_fit', violation_error_message='Grace, tolerance and shares lie within their bounds.'),
        ),
        append_only("funds_statechange"),
    ]
