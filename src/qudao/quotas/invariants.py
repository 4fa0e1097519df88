"""What must hold of quotas."""

from qudao.base.invariants import Check

_QUOTA = "INSERT INTO quotas_quota (seller_id, product_id, valid_from, valid_to, total, carried, taken, unused) VALUES"
CHECKS = [
    Check(
        "quotas.shares_are_sums_of_entries",
        """SELECT s.id, concat_ws(' ', 'taken', s.taken, 'entries', coalesce(t.qty, 0)) AS note FROM quotas_share s
           LEFT JOIN (SELECT share_id, sum(qty) AS qty FROM quotas_taken WHERE share_id IS NOT NULL GROUP BY 1) t ON t.share_id = s.id
           WHERE s.taken <> coalesce(t.qty, 0)""",
        "INSERT INTO quotas_share (quota_id, group_id, qty, carried, taken) VALUES (0, 0, 1, 0, 1)",
    ),
    Check(
        "quotas.quotas_are_sums_of_entries",
        """SELECT q.id, concat_ws(' ', 'taken', q.taken, 'entries', coalesce(t.qty, 0), 'carried', q.carried, 'shares carried', coalesce(s.carried, 0)) AS note
           FROM quotas_quota q LEFT JOIN (SELECT quota_id, sum(qty) AS qty FROM quotas_taken GROUP BY 1) t ON t.quota_id = q.id
           LEFT JOIN (SELECT quota_id, sum(carried) AS carried FROM quotas_share GROUP BY 1) s ON s.quota_id = q.id
           WHERE (q.taken, q.carried) IS DISTINCT FROM (coalesce(t.qty, 0), coalesce(s.carried, 0))""",
        f"{_QUOTA} (0, 0, '2026-01-01', '2026-01-31', 1, 0, 1, 'lapses')",
    ),
    Check(
        "quotas.shares_are_within_their_quota",
        """SELECT q.id, concat_ws(' ', 'shares', sum(s.qty), 'of', q.total) AS note FROM quotas_quota q JOIN quotas_share s ON s.quota_id = q.id
           GROUP BY q.id HAVING sum(s.qty) > q.total""",
        f"{_QUOTA} (0, 0, '2026-01-01', '2026-01-31', 1, 0, 0, 'lapses');"
        " INSERT INTO quotas_share (quota_id, group_id, qty, carried, taken) SELECT max(id), 0, 2, 0, 0 FROM quotas_quota",
    ),
    Check(
        "quotas.no_line_gives_back_more_than_it_took",
        """SELECT ref_id AS id, concat_ws(' ', 'holds', sum(qty)) AS note FROM quotas_taken
           GROUP BY ref_id, subject_kind, subject_id, quota_id, share_id HAVING sum(qty) < 0""",
        "INSERT INTO quotas_taken (quota_id, buyer_id, subject_kind, subject_id, ref_id, qty, at) VALUES (0, 0, 'planted', 0, 0, -1, now())",
    ),
]
