"""One account of a seller and a buyer in a currency (decision 0013): what stood under several agreements comes together.

The account of the agreement in force (else of the newest) keeps its limit, rules and state; buckets, deposits and their entries of the others come to it.
What the others allowed is over: limits are not added up, for that is what nobody granted. Their states so far stay under their old ids.
"""

from django.db import migrations

MERGE = [
    "UPDATE funds_account f SET transfers = true FROM agreements_agreement g WHERE g.id = f.agreement_id AND g.transfers",
    """CREATE TEMPORARY TABLE funds_merged ON COMMIT DROP AS
       SELECT f.id, first_value(f.id) OVER (
           PARTITION BY f.seller_id, f.buyer_id, f.currency, f.prepaid, f.transfers ORDER BY g.state = 'active' DESC, g.valid_from DESC, g.id DESC) AS kept
       FROM funds_account f JOIN agreements_agreement g ON g.id = f.agreement_id""",
    "DELETE FROM funds_merged WHERE id = kept",
    """UPDATE funds_account f SET ordered = f.ordered + s.ordered, shipped = f.shipped + s.shipped, invoiced = f.invoiced + s.invoiced,
           unapplied = f.unapplied + s.unapplied, deposit_held = f.deposit_held + s.deposit_held
       FROM (SELECT m.kept, sum(x.ordered) AS ordered, sum(x.shipped) AS shipped, sum(x.invoiced) AS invoiced, sum(x.unapplied) AS unapplied,
                    sum(x.deposit_held) AS deposit_held
             FROM funds_merged m JOIN funds_account x ON x.id = m.id GROUP BY 1) s WHERE f.id = s.kept""",
    "ALTER TABLE funds_entry DISABLE TRIGGER USER",
    "UPDATE funds_entry e SET account_id = m.kept FROM funds_merged m WHERE m.id = e.account_id",
    "ALTER TABLE funds_entry ENABLE TRIGGER USER",
    "ALTER TABLE funds_depositentry DISABLE TRIGGER USER",
    "UPDATE funds_depositentry e SET account_id = m.kept FROM funds_merged m WHERE m.id = e.account_id",
    "ALTER TABLE funds_depositentry ENABLE TRIGGER USER",
    "DELETE FROM funds_sublimit WHERE account_id IN (SELECT id FROM funds_merged)",
    "DELETE FROM funds_account WHERE id IN (SELECT id FROM funds_merged)",
]


class Migration(migrations.Migration):

    dependencies = [("funds", "0010_add_transfers")]

    operations = [migrations.RunSQL(MERGE, migrations.RunSQL.noop)]
