"""Entries and lines are append-only, balance at commit, stay out of locked months, and can be partitioned by month."""

from django.db import migrations

from qudao.base.db import append_only

# Lines are found by their entry, so the key begins with it and no second index is needed.
KEYS = """
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_pkey, ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (id, month);
ALTER TABLE ledger_entryline DROP CONSTRAINT ledger_entryline_pkey, ADD CONSTRAINT ledger_entryline_pkey PRIMARY KEY (entry_id, id, month);
ALTER TABLE ledger_balance SET (fillfactor = 70);
ALTER TABLE ledger_openitem SET (fillfactor = 85);
"""
KEYS_BACK = """
ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_pkey, ADD CONSTRAINT ledger_entry_pkey PRIMARY KEY (id);
ALTER TABLE ledger_entryline DROP CONSTRAINT ledger_entryline_pkey, ADD CONSTRAINT ledger_entryline_pkey PRIMARY KEY (id);
ALTER TABLE ledger_balance RESET (fillfactor);
ALTER TABLE ledger_openitem RESET (fillfactor);
"""

# A constraint trigger fires once per line; every line of an entry looks at the same few rows, which are still in memory.
BALANCED = """
CREATE FUNCTION ledger_entry_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount) FROM ledger_entryline WHERE entry_id = NEW.entry_id) <> 0 THEN
        RAISE EXCEPTION 'entry % does not balance', NEW.entry_id USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entryline_entry_balanced';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entryline_entry_balanced AFTER INSERT ON ledger_entryline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_is_balanced();
"""

# At commit, with a fresh view: the month may have been locked while the posting waited for whoever locked it.
OPEN_PERIOD = """
CREATE FUNCTION ledger_entry_period_is_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_period WHERE org_id = NEW.org_id AND month = NEW.month AND state = 'locked') THEN
        RAISE EXCEPTION 'month % is locked', NEW.month USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entry_period_open';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_entry_period_open AFTER INSERT ON ledger_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_period_is_open();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_create_books")]

    operations = [
        append_only("ledger_entry"),
        append_only("ledger_entryline"),
        migrations.RunSQL(KEYS, KEYS_BACK),
        migrations.RunSQL(BALANCED, "DROP TRIGGER ledger_entryline_entry_balanced ON ledger_entryline; DROP FUNCTION ledger_entry_is_balanced()"),
        migrations.RunSQL(OPEN_PERIOD, "DROP TRIGGER ledger_entry_period_open ON ledger_entry; DROP FUNCTION ledger_entry_period_is_open()"),
    ]
