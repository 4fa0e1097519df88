"""A chart that was opened before gets the accounts of deposits, as its template has them; what is there under such a code stays and takes them."""

from django.db import migrations

FILL = """
    WITH chart AS (
        SELECT org_id, bool_or(code = '1122') AS china FROM ledger_chartaccount GROUP BY 1
    ), wanted AS (
        SELECT c.org_id, w.* FROM chart c JOIN (VALUES
            (true, '1221', '其他应收款', 'Other receivables', 'asset', 'deposit_out'), (true, '2241', '其他应付款', 'Other payables', 'liability', 'deposit_in'),
            (false, '1250', '存出保证金', 'Deposits paid', 'asset', 'deposit_out'), (false, '2150', '存入保证金', 'Deposits received', 'liability', 'deposit_in')
        ) w(china, code, name, name_en, kind, account) ON w.china = c.china
    ), made AS (
        INSERT INTO ledger_chartaccount (org_id, code, name, name_en, kind) SELECT org_id, code, name, name_en, kind FROM wanted
        ON CONFLICT (org_id, code) DO UPDATE SET code = excluded.code RETURNING id, org_id, code
    )
    INSERT INTO ledger_mapping (org_id, account, chart_id) SELECT w.org_id, w.account, m.id FROM wanted w JOIN made m USING (org_id, code)
    ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_add_deposits")]

    operations = [migrations.RunSQL(FILL, migrations.RunSQL.noop)]
