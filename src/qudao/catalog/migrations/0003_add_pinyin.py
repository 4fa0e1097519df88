"""How the name is typed on a Latin keyboard."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("catalog", "0002_add_product_picture")]
    operations = [migrations.AddField("product", "pinyin", models.TextField(blank=True, default="", editable=False))]
