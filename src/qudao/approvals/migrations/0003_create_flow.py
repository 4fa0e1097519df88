"""Flows and their numbered versions, of which the published ones stay as they are; what a request and a step keep of them."""

import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

GUARD = """
CREATE FUNCTION approvals_version_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND (TG_OP = 'DELETE' OR NEW.state = 'draft' OR (OLD.state = 'superseded' AND NEW.state <> OLD.state)
        OR (OLD.flow_id, OLD.no, OLD.branches, OLD.min_amount, OLD.published_at) IS DISTINCT FROM
           (NEW.flow_id, NEW.no, NEW.branches, NEW.min_amount, NEW.published_at)) THEN
        RAISE EXCEPTION 'a published version stays as it is' USING ERRCODE = 'restrict_violation', CONSTRAINT = 'approvals_version_is_kept';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER approvals_version_kept BEFORE UPDATE OR DELETE ON approvals_version FOR EACH ROW EXECUTE FUNCTION approvals_version_is_kept();
"""
UNGUARD = "DROP TRIGGER approvals_version_kept ON approvals_version; DROP FUNCTION approvals_version_is_kept();"


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0002_add_signers_and_links'),
        ('network', '0006_create_address'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='node',
            name='amount_from',
            field=models.DecimalField(decimal_places=2, max_digits=18, null=True),
        ),
        migrations.AddField(
            model_name='node',
            name='branch',
            field=models.TextField(blank=True, default=''),
        ),
        migrations.AddField(
            model_name='node',
            name='remind_hours',
            field=models.PositiveSmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='request',
            name='facts',
            field=models.JSONField(default=dict),
        ),
        migrations.CreateModel(
            name='Flow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField()),
                ('name', models.TextField(blank=True, default='')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.organisation')),
            ],
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name='Version',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('no', models.PositiveSmallIntegerField()),
                ('state', models.TextField(choices=[('draft', 'Draft'), ('published', 'In use'), ('superseded', 'No longer in use')], default='draft')),
                ('branches', models.JSONField(default=list)),
                ('min_amount', models.DecimalField(decimal_places=2, default=0, max_digits=18)),
                ('published_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('flow', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='approvals.flow')),
                ('published_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            managers=[
                ('unscoped', django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name='request',
            name='version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='approvals.version'),
        ),
        migrations.AddConstraint(
            model_name='flow',
            constraint=models.UniqueConstraint(fields=('owner', 'kind'), name='approvals_flow_owner_kind_unique', violation_error_message='There is already a flow for such documents.'),
        ),
        migrations.AddConstraint(
            model_name='flow',
            constraint=models.CheckConstraint(condition=models.Q(('kind', ''), _negated=True), name='approvals_flow_kind_present', violation_error_message='Say for which kind of document the flow is.'),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.UniqueConstraint(fields=('flow', 'no'), name='approvals_version_flow_no_unique', violation_error_message='Versions are numbered.'),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'published')), fields=('flow',), name='approvals_version_flow_one_published', violation_error_message='A flow has one version in use.'),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'draft')), fields=('flow',), name='approvals_version_flow_one_draft', violation_error_message='Somebody else has just begun a draft of this flow.'),
        ),
        migrations.AddConstraint(
            model_name='version',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at', None), ('published_at', None), ('state', 'draft')), models.Q(('ended_at', None), ('published_at__isnull', False), ('state', 'published')), models.Q(('ended_at__isnull', False), ('published_at__isnull', False), ('state', 'superseded')), _connector='OR'), name='approvals_version_state_times_match', violation_error_message='The state of a version and its times do not agree.'),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
