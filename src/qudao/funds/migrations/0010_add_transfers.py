"""An account says whether it is one of agreements for transfers, which do not share a limit with the others."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [('funds', '0009_add_deposits'), ('agreements', '0008_add_min_order')]

    operations = [
        migrations.AddField(
            model_name='account',
            name='transfers',
            field=models.BooleanField(default=False, help_text='Of agreements under which two buyers of one seller pass goods on.'),
        ),
    ]
