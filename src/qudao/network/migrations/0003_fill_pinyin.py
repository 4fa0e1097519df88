"""Rows that are there already get their spelling."""

from django.db import migrations
from django.db.migrations.state import StateApps

from qudao.kernel.pinyin import spelled


def fill(apps: StateApps, editor: object) -> None:
    """A thousand rows a statement."""
    model = apps.get_model("network", "Organisation")
    found = []
    for row in model.unscoped.only("pk", "name").iterator(1000):
        row.pinyin = spelled(row.name)
        if row.pinyin:
            found.append(row)
    model.unscoped.bulk_update(found, ["pinyin"], batch_size=1000)


class Migration(migrations.Migration):
    dependencies = [("network", "0002_add_pinyin")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
