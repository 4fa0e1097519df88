"""What was taken and given back is append-only."""

from django.db import migrations

from qudao.base.db import append_only


class Migration(migrations.Migration):
    dependencies = [("quotas", "0001_create_quota")]

    operations = [append_only("quotas_taken")]
