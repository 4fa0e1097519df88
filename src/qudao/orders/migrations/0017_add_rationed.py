from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0016_change_invoiced'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='rationed',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
