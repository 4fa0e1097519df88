"""Entries are append-only and can be partitioned by month; accounts, which every order rewrites, keep room on their page."""

from django.db import migrations

from qudao.base.db import append_only


class Migration(migrations.Migration):
    dependencies = [("funds", "0001_create_account")]

    operations = [
        append_only("funds_entry"),
        migrations.RunSQL(
            "ALTER TABLE funds_entry DROP CONSTRAINT funds_entry_pkey, ADD CONSTRAINT funds_entry_pkey PRIMARY KEY (id, month)",
            "ALTER TABLE funds_entry DROP CONSTRAINT funds_entry_pkey, ADD CONSTRAINT funds_entry_pkey PRIMARY KEY (id)",
        ),
        migrations.RunSQL("ALTER TABLE funds_account SET (fillfactor = 50)", "ALTER TABLE funds_account RESET (fillfactor)"),
    ]
