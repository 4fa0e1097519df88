"""How the name is typed on a Latin keyboard."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("network", "0001_create_organisation")]
    operations = [migrations.AddField("organisation", "pinyin", models.TextField(blank=True, default="", editable=False))]
