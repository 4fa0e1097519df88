"""What stands by hand replaces the freeze."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("funds", "0006_fill_states")]

    operations = [
        migrations.RemoveConstraint(
            model_name='account',
            name='funds_account_frozen_reason_fits',
        ),
        migrations.RemoveIndex(
            model_name='account',
            name='funds_account_frozen',
        ),
        migrations.RemoveField(
            model_name='account',
            name='frozen',
        ),
        migrations.RemoveField(
            model_name='account',
            name='frozen_reason',
        ),
        migrations.AddIndex(
            model_name='account',
            index=models.Index(condition=models.Q(('state', 'ok'), _negated=True), fields=['seller', 'state'], name='funds_account_state'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('by_hand__in', ['hold', 'stop']), models.Q(('by_hand', ''), ('by_hand_reason', ''), ('by_hand_until', None)), _connector='OR'), name='funds_account_by_hand_fits', violation_error_message='Only an account on hold or stopped by hand has a reason and a last day for it.'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('stop_days', None), models.Q(('stop_days__gte', models.F('grace_days')), ('stop_days__lte', 3650)), _connector='OR'), models.Q(('watch_percent', None), models.Q(('watch_percent__gte', 1), ('watch_percent__lte', 100)), _connector='OR')), name='funds_account_rules_fit', violation_error_message='Grace, tolerance and shares lie within their bounds.'),
        ),
    ]
