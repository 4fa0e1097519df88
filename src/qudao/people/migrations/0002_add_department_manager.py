"""Where somebody works, and who the manager is."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('network', '0006_create_address'),
        ('people', '0001_create_user'),
    ]

    operations = [
        migrations.AddField(
            model_name='membership',
            name='department',
            field=models.CharField(blank=True, db_default='', default='', max_length=40, verbose_name='department'),
        ),
        migrations.AddField(
            model_name='membership',
            name='manager',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.membership', verbose_name='manager'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('manager', models.F('id')), _negated=True), name='people_membership_manager_another', violation_error_message='Nobody is the own manager.'),
        ),
    ]
