"""Before, every step was a stage of its own."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("approvals", "0006_add_stage_department")]

    operations = [migrations.RunSQL("UPDATE approvals_node SET stage = position", migrations.RunSQL.noop)]
