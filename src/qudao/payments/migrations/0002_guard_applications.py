"""What a payment paid is never changed, only added to."""

from django.db import migrations

from qudao.base.db import append_only


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_create_payment")]

    operations = [append_only("payments_application")]
