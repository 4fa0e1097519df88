"""The number of the document beside its id, so that people can read what goods were moved or reserved for."""

from django.db import migrations, models


def _number() -> models.CharField:
    return models.CharField(blank=True, default="", help_text="The document's number, for people.", max_length=64)


class Migration(migrations.Migration):
    dependencies = [("inventory", "0002_guard_moves")]

    operations = [
        migrations.AddField(model_name="move", name="number", field=_number()),
        migrations.AddField(model_name="reservation", name="number", field=_number()),
    ]
