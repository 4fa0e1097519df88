"""Signatures of a stage wait together; anybody of a department may sign."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0005_drop_rule'),
        ('people', '0002_add_department_manager'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='node',
            name='approvals_node_request_one_current',
        ),
        migrations.RemoveConstraint(
            model_name='node',
            name='approvals_node_signer_given_by_another',
        ),
        migrations.AddField(
            model_name='node',
            name='department',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='node',
            name='stage',
            field=models.SmallIntegerField(default=1),
        ),
        migrations.AddConstraint(
            model_name='node',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('added', False), ('given_by', None)), models.Q(('given_by__isnull', False), ('signer__isnull', False), models.Q(('signer', models.F('given_by')), _negated=True)), _connector='OR'), name='approvals_node_signer_given_by_another', violation_error_message='A step is handed on to somebody else, by somebody.'),
        ),
    ]
