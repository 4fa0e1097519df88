"""An account that was frozen is one that a person stopped; its history begins with that."""

from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [("funds", "0005_add_states")]

    operations = [
        migrations.RunSQL(
            [
                "UPDATE funds_account SET by_hand = 'stop', by_hand_reason = frozen_reason, state = 'stop' WHERE frozen",
                """INSERT INTO funds_statechange (account_id, at, before, after, reasons, who, note)
                   SELECT id, state_since, 'ok', 'stop', '[["funds.frozen", {}]]', '', frozen_reason FROM funds_account WHERE frozen""",
            ],
            migrations.RunSQL.noop,
        ),
    ]
