"""Moves are append-only and can be partitioned by month; rows that every order rewrites keep room on their page."""

from django.db import migrations

from qudao.base.db import append_only


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_create_stock")]

    operations = [
        append_only("inventory_move"),
        migrations.RunSQL(
            "ALTER TABLE inventory_move DROP CONSTRAINT inventory_move_pkey, ADD CONSTRAINT inventory_move_pkey PRIMARY KEY (id, month)",
            "ALTER TABLE inventory_move DROP CONSTRAINT inventory_move_pkey, ADD CONSTRAINT inventory_move_pkey PRIMARY KEY (id)",
        ),
        migrations.RunSQL(
            "ALTER TABLE inventory_stock SET (fillfactor = 70); ALTER TABLE inventory_reservation SET (fillfactor = 85)",
            "ALTER TABLE inventory_stock RESET (fillfactor); ALTER TABLE inventory_reservation RESET (fillfactor)",
        ),
    ]
