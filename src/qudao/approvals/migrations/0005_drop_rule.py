"""Rules are flows now."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0004_fill_flow'),
    ]

    operations = [
        migrations.RemoveField(
            model_name='node',
            name='rule',
        ),
        migrations.DeleteModel(
            name='Rule',
        ),
    ]
