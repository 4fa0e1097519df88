"""Requests for limits."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('funds', '0012_require_shared'),
        ('network', '0009_index_suppliers'),
    ]

    operations = [
        migrations.CreateModel(
            name='LimitRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('limit_amount', models.DecimalField(blank=True, decimal_places=2, max_digits=18, null=True)),
                ('temp_limit', models.DecimalField(decimal_places=2, default=0, max_digits=18)),
                ('temp_until', models.DateField(blank=True, null=True)),
                ('reason', models.CharField(max_length=500)),
                ('asked_by', models.BigIntegerField(null=True)),
                ('asked_name', models.CharField(blank=True, default='', max_length=200)),
                ('asked_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('requested', 'Waits for a decision'), ('granted', 'Granted'), ('declined', 'Declined'), ('withdrawn', 'Withdrawn')], default='requested', max_length=10)),
                ('was', models.DecimalField(decimal_places=2, default=0, max_digits=18)),
                ('granted_limit', models.DecimalField(blank=True, decimal_places=2, max_digits=18, null=True)),
                ('granted_temp', models.DecimalField(decimal_places=2, default=0, max_digits=18)),
                ('granted_until', models.DateField(blank=True, null=True)),
                ('decided_by', models.BigIntegerField(null=True)),
                ('decided_name', models.CharField(blank=True, default='', max_length=200)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('answer', models.CharField(blank=True, default='', max_length=500)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='funds.account')),
                ('org', models.ForeignKey(help_text='Whose people ask.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.organisation')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'requested')), fields=['-id'], name='funds_limitrequest_open')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'requested')), fields=('account',), name='funds_limitrequest_one_open', violation_error_message='A request for this account waits for a decision already.'), models.CheckConstraint(condition=models.Q(('state__in', ['requested', 'withdrawn']), ('asked_by', None), ('decided_by', None), models.Q(('asked_by', models.F('decided_by')), _negated=True), _connector='OR'), name='funds_limitrequest_two_persons', violation_error_message='Who asked for a limit does not decide on it.'), models.CheckConstraint(condition=models.Q(('limit_amount__gte', 0), models.Q(('limit_amount', None), ('temp_limit__gt', 0), ('temp_until__isnull', False)), _connector='OR'), name='funds_limitrequest_asks_something', violation_error_message='Ask for a limit, a temporary limit, or both.')],
            },
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
    ]
