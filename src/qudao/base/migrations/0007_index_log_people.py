"""The log of one person is found by an index; it is made while people work."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("base", "0006_index_log")]

    operations = [
        AddIndexConcurrently(
            model_name="actionlog",
            index=models.Index(condition=models.Q(("actor_user__isnull", False)), fields=["actor_user", "id"], name="base_actionlog_user"),
        ),
    ]
