"""What must hold of credit, as set-wise SQL that returns the rows that break it."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "funds.buckets_are_sums_of_entries",
        """SELECT coalesce(a.id, e.account_id) AS id,
                  concat_ws(' ', 'account', coalesce(a.id, e.account_id), 'has', a.ordered, a.shipped, a.invoiced, a.unapplied, 'but its entries sum to',
                            e.ordered, e.shipped, e.invoiced, e.unapplied) AS note
           FROM (SELECT account_id, coalesce(sum(amount) FILTER (WHERE bucket = 'ordered'), 0) AS ordered,
                        coalesce(sum(amount) FILTER (WHERE bucket = 'shipped'), 0) AS shipped,
                        coalesce(sum(amount) FILTER (WHERE bucket = 'invoiced'), 0) AS invoiced,
                        coalesce(sum(amount) FILTER (WHERE bucket = 'unapplied'), 0) AS unapplied
                 FROM funds_entry GROUP BY account_id) e
           FULL JOIN funds_account a ON a.id = e.account_id
           WHERE (coalesce(a.ordered, 0), coalesce(a.shipped, 0), coalesce(a.invoiced, 0), coalesce(a.unapplied, 0))
               <> (coalesce(e.ordered, 0), coalesce(e.shipped, 0), coalesce(e.invoiced, 0), coalesce(e.unapplied, 0))""",
        """UPDATE funds_account SET ordered = ordered + 1 WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
    Check(
        "funds.buckets_never_negative",
        """SELECT id, concat_ws(' ', 'account', id, 'has', ordered, shipped, invoiced, unapplied) AS note FROM funds_account
           WHERE least(ordered, shipped, invoiced, unapplied) < 0""",
        """ALTER TABLE funds_account DROP CONSTRAINT funds_account_shipped_not_negative;
           UPDATE funds_account SET shipped = -1 WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
    Check(
        "funds.holds_obey_limit",
        """SELECT id, concat_ws(' ', 'a hold for', subject_kind, subject_id, 'brought the exposure to', coalesce(shared_used, exposure),
                  'above the limit of', limit_amount) AS note
           FROM funds_entry WHERE kind = 'hold' AND coalesce(shared_used, exposure) > limit_amount AND note = ''""",
        """INSERT INTO funds_entry (account_id, month, at, kind, bucket, amount, exposure, limit_amount, subject_kind, subject_id, number, note)
           VALUES (0, '2026-01-01', now(), 'hold', 'ordered', 2, 2, 1, 'planted', 0, '', '')""",
    ),
    Check(
        "funds.state_is_its_last_change",
        """SELECT a.id, concat_ws(' ', 'account', a.id, 'is noted as', a.state, 'but its history ends with', coalesce(c.after, 'ok')) AS note
           FROM funds_account a LEFT JOIN LATERAL (
               SELECT after FROM funds_statechange c WHERE c.account_id = a.id ORDER BY c.id DESC LIMIT 1) c ON true
           WHERE a.state <> coalesce(c.after, 'ok')""",
        """UPDATE funds_account SET state = CASE state WHEN 'watch' THEN 'hold' ELSE 'watch' END WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
    Check(
        "funds.state_changes_follow_each_other",
        """SELECT c.id, concat_ws(' ', 'account', c.account_id, 'left', c.before, 'but was', c.was) AS note
           FROM (SELECT *, coalesce(lag(after) OVER (PARTITION BY account_id ORDER BY id), 'ok') AS was FROM funds_statechange) c
           WHERE c.before <> c.was""",
        """INSERT INTO funds_statechange (account_id, at, before, after, reasons, who, note) VALUES (0, now(), 'stop', 'ok', '[]', '', '')""",
    ),
    Check(
        "funds.lined_says_that_lines_have_limits",
        """SELECT a.id, 'account ' || a.id || ' says otherwise than its limits for product lines' AS note
           FROM funds_account a WHERE a.lined <> EXISTS (SELECT FROM funds_sublimit s WHERE s.account_id = a.id)""",
        """UPDATE funds_account SET lined = NOT lined WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
    Check(
        "funds.deposit_held_is_sum_of_entries",
        """SELECT coalesce(a.id, e.account_id) AS id, concat_ws(' ', 'account', coalesce(a.id, e.account_id), 'holds', a.deposit_held,
                  'of deposit, its entries', e.amount) AS note
           FROM (SELECT account_id, sum(CASE kind WHEN 'paid_in' THEN amount ELSE -amount END) AS amount FROM funds_depositentry GROUP BY 1) e
           FULL JOIN funds_account a ON a.id = e.account_id WHERE coalesce(a.deposit_held, 0) <> coalesce(e.amount, 0)""",
        """UPDATE funds_account SET deposit_held = deposit_held + 1 WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
    Check(
        "funds.deposits_are_in_both_books",
        """SELECT org_id AS id, concat_ws(' ', 'deposits of', org_id, 'with', party, currency, 'differ from the books by', sum(amount)) AS note
           FROM (SELECT seller_id AS org_id, buyer_id AS party, currency, deposit_held AS amount FROM funds_account WHERE deposit_held <> 0
                 UNION ALL SELECT buyer_id, seller_id, currency, -deposit_held FROM funds_account WHERE deposit_held <> 0
                 UNION ALL SELECT org_id, counterparty_id, currency, amount FROM ledger_balance WHERE account IN ('deposit_in', 'deposit_out')) both_books
           GROUP BY org_id, party, currency HAVING sum(amount) <> 0""",
        """UPDATE funds_account SET deposit_held = deposit_held + 1 WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
    Check(
        "funds.accounts_match_agreements",
        """SELECT a.id, 'account ' || a.id || ' belongs to no agreement: another currency or other terms' AS note
           FROM funds_account a WHERE NOT EXISTS (
               SELECT FROM agreements_agreement g WHERE (g.seller_id, g.buyer_id, g.currency, g.prepaid, g.transfers)
                    = (a.seller_id, a.buyer_id, a.currency, a.prepaid, a.transfers) AND g.state <> 'draft')""",
        """UPDATE funds_account SET currency = 'XXX' WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
    Check(
        "funds.limits_are_granted_by_another",
        """SELECT id, concat_ws(' ', 'request', id, 'for account', account_id, 'is', state, 'by', decided_by, 'who asked for it') AS note
           FROM funds_limitrequest WHERE state IN ('granted', 'declined') AND asked_by = decided_by
           UNION ALL
           SELECT id, concat_ws(' ', 'request', id, 'is', state, 'but says nothing of its decision') FROM funds_limitrequest
           WHERE (state = 'requested') <> (decided_at IS NULL) OR (state = 'granted' AND granted_limit IS NULL AND granted_temp = 0)""",
        """INSERT INTO funds_limitrequest (account_id, org_id, limit_amount, temp_limit, reason, asked_name, asked_at, state, was, granted_temp,
               decided_name, answer)
           SELECT id, seller_id, 1, 0, 'planted', '', now(), 'granted', 0, 0, '', '' FROM funds_account ORDER BY id DESC LIMIT 1""",
    ),
    Check(
        "funds.shared_use_is_sum_of_accounts",
        """SELECT h.id, concat_ws(' ', 'shared limit', h.id, 'says that', h.used, 'are in use, its accounts', s.used) AS note
           FROM funds_sharedlimit h CROSS JOIN LATERAL (
               SELECT coalesce(sum(a.ordered + a.shipped + a.invoiced - a.unapplied), 0) AS used FROM funds_account a WHERE a.shared_id = h.id) s
           WHERE h.used <> s.used
           UNION ALL
           SELECT a.id, concat_ws(' ', 'account', a.id, 'shares a limit of another seller or currency')
           FROM funds_account a JOIN funds_sharedlimit h ON h.id = a.shared_id
           WHERE (a.seller_id, a.currency) <> (h.seller_id, h.currency)""",
        """INSERT INTO funds_sharedlimit (seller_id, head_id, currency, limit_amount, temp_limit, used)
           SELECT seller_id, buyer_id, 'XXX', 1, 0, 1 FROM funds_account ORDER BY id DESC LIMIT 1""",
    ),
    Check(
        "funds.prepaid_is_covered",
        """SELECT id, concat_ws(' ', 'prepaid account', id, 'holds', unapplied, 'but', ordered + shipped + invoiced, 'are frozen, limit', limit_amount) AS note
           FROM funds_account WHERE prepaid AND (ordered + shipped + invoiced > unapplied OR limit_amount + temp_limit > 0)""",
        """ALTER TABLE funds_account DROP CONSTRAINT funds_account_prepaid_covered, DROP CONSTRAINT funds_account_prepaid_no_credit;
           UPDATE funds_account SET prepaid = true, ordered = unapplied + 1 WHERE id = (SELECT max(id) FROM funds_account)""",
    ),
]
