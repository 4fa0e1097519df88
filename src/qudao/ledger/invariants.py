"""What must hold in the books, as set-wise SQL that returns the rows that break it."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "ledger.entries_balance",
        """SELECT entry_id AS id, 'the lines of the entry differ by ' || sum(amount) AS note
           FROM ledger_entryline GROUP BY entry_id, currency HAVING sum(amount) <> 0""",
        """UPDATE ledger_entryline SET amount = amount + 0.01 WHERE id = (SELECT max(id) FROM ledger_entryline)""",
    ),
    Check(
        "ledger.entries_have_lines",
        """SELECT e.id, e.source_key || ' has no lines of its own organisation, date and currency' AS note FROM ledger_entry e
           WHERE NOT EXISTS (SELECT FROM ledger_entryline l WHERE l.entry_id = e.id AND l.month = e.month AND l.org_id = e.org_id
                             AND l.date = e.date AND l.currency = e.currency)
           UNION ALL
           SELECT l.id, 'line ' || l.id || ' differs from its entry ' || l.entry_id FROM ledger_entryline l
           LEFT JOIN ledger_entry e ON e.id = l.entry_id
           WHERE e.id IS NULL OR (e.month, e.org_id, e.date, e.currency) IS DISTINCT FROM (l.month, l.org_id, l.date, l.currency)""",
        """UPDATE ledger_entryline SET date = date + 1 WHERE id = (SELECT max(id) FROM ledger_entryline)""",
    ),
    Check(
        "ledger.balances_are_sums_of_lines",
        """SELECT coalesce(b.id, 0) AS id,
                  concat_ws(' ', 'organisation', org_id, account, party, currency, 'has', coalesce(b.amount, 0), 'but its lines sum to', coalesce(l.amount, 0))
                  AS note
           FROM (SELECT org_id, account, coalesce(counterparty_id, 0) AS party, currency, coalesce(category_id, 0) AS category, coalesce(tax_rate, -1) AS rate,
                        sum(amount) AS amount FROM ledger_entryline GROUP BY 1, 2, 3, 4, 5, 6) l
           FULL JOIN (SELECT id, org_id, account, coalesce(counterparty_id, 0) AS party, currency, coalesce(category_id, 0) AS category,
                             coalesce(tax_rate, -1) AS rate, amount FROM ledger_balance) b
               USING (org_id, account, party, currency, category, rate)
           WHERE coalesce(b.amount, 0) <> coalesce(l.amount, 0)""",
        """UPDATE ledger_balance SET amount = amount + 0.01 WHERE id = (SELECT max(id) FROM ledger_balance)""",
    ),
    Check(
        "ledger.open_items_are_balances",
        """SELECT org_id AS id,
                  concat_ws(' ', 'organisation', org_id, account, counterparty_id, currency, 'has', coalesce(b.amount, 0), 'but its open items sum to',
                            coalesce(i.amount, 0)) AS note
           FROM (SELECT org_id, side AS account, counterparty_id, currency, sum(CASE side WHEN 'receivable' THEN open_amount ELSE -open_amount END) AS amount
                 FROM ledger_openitem WHERE open_amount > 0 GROUP BY 1, 2, 3, 4) i
           FULL JOIN (SELECT org_id, account, counterparty_id, currency, amount FROM ledger_balance WHERE account IN ('receivable', 'payable')) b
               USING (org_id, account, counterparty_id, currency)
           WHERE coalesce(b.amount, 0) <> coalesce(i.amount, 0)""",
        """UPDATE ledger_openitem SET open_amount = open_amount + 1, amount = amount + 1 WHERE id = (SELECT max(id) FROM ledger_openitem)""",
    ),
    Check(
        "ledger.both_sides_mirror",
        """SELECT org_id AS id, concat_ws(' ', account, 'of', org_id, 'on', party, currency, 'is', sum(amount) FILTER (WHERE own),
                                          'but the other side has', sum(amount) FILTER (WHERE NOT own)) AS note
           FROM (SELECT org_id, counterparty_id AS party, account, currency, amount, true AS own FROM ledger_balance
                 WHERE account IN ('receivable', 'unapplied_in', 'deposit_in')
                 UNION ALL
                 SELECT counterparty_id, org_id,
                        CASE account WHEN 'payable' THEN 'receivable' WHEN 'deposit_out' THEN 'deposit_in' ELSE 'unapplied_in' END, currency, amount, false
                 FROM ledger_balance WHERE account IN ('payable', 'unapplied_out', 'deposit_out')) both_sides
           GROUP BY org_id, party, account, currency HAVING sum(amount) <> 0""",
        """UPDATE ledger_balance SET amount = amount + 0.01 WHERE id = (SELECT max(id) FROM ledger_balance WHERE account = 'payable')""",
    ),
    Check(
        "ledger.open_items_mirror",
        """SELECT coalesce(r.id, p.id) AS id, concat_ws(' ', subject_kind, subject_id, 'is open with', r.open_amount, 'for the seller and with', p.open_amount,
                                                        'for the buyer') AS note
           FROM (SELECT * FROM ledger_openitem WHERE side = 'receivable') r
           FULL JOIN (SELECT * FROM ledger_openitem WHERE side = 'payable') p USING (subject_kind, subject_id)
           WHERE (r.org_id, r.counterparty_id, r.currency, r.amount, r.open_amount, r.due_on)
               IS DISTINCT FROM (p.counterparty_id, p.org_id, p.currency, p.amount, p.open_amount, p.due_on)""",
        """UPDATE ledger_openitem SET due_on = due_on + 1 WHERE id = (SELECT max(id) FROM ledger_openitem)""",
    ),
    Check(
        "ledger.postings_go_into_the_own_chart",
        """SELECT m.id, m.account || ' of organisation ' || m.org_id || ' goes into the chart of ' || c.org_id AS note
           FROM ledger_mapping m JOIN ledger_chartaccount c ON c.id = m.chart_id WHERE c.org_id <> m.org_id""",
        """WITH foreign_account AS (
               INSERT INTO ledger_chartaccount (org_id, code, name, name_en, kind)
               SELECT min(id), 'x-planted', 'x', '', 'asset' FROM network_organisation RETURNING id
           )
           INSERT INTO ledger_mapping (org_id, account, chart_id) SELECT max(o.id), 'discount', max(f.id) FROM network_organisation o, foreign_account f
           ON CONFLICT (org_id, account, category_id, tax_rate) DO UPDATE SET chart_id = excluded.chart_id""",
    ),
    Check(
        "ledger.sources_are_posted_once",
        """SELECT min(id) AS id, source_key || ' is posted ' || count(*) || ' times' AS note FROM ledger_entry
           GROUP BY org_id, source_key HAVING count(*) > 1""",
        """INSERT INTO ledger_entry (org_id, month, date, at, kind, source_key, currency, subject_kind, subject_id, number)
           SELECT org_id, month - 1000, date, at, kind, source_key, currency, subject_kind, subject_id, number FROM ledger_entry ORDER BY id DESC LIMIT 1""",
    ),
    Check(
        "ledger.reminders_are_of_claims",
        """SELECT r.id, 'organisation ' || r.counterparty_id || ' was reminded on ' || r.day || ' of nothing that was due' AS note
           FROM ledger_reminder r WHERE NOT EXISTS (SELECT FROM ledger_openitem i WHERE i.org_id = r.org_id AND i.side = 'receivable'
               AND i.counterparty_id = r.counterparty_id AND i.due_on < r.day)""",
        """INSERT INTO ledger_reminder (org_id, counterparty_id, day, at) SELECT min(id), max(id), date '1999-01-01', now() FROM network_organisation""",
    ),
]
