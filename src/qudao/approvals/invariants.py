"""What must hold of approvals and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "approvals.approved_by_others_in_every_step",
        sql="""
            select r.id, r.number || ' is approved, but a step has no signature, or the submitter signed' as note
              from approvals_request r
             where r.state = 'approved' and (
                   exists (select from approvals_node n where n.request_id = r.id and not exists (
                             select from approvals_signature s where s.node_id = n.id and s.decision = 'approve'))
                or exists (select from approvals_signature s where s.request_id = r.id and s.user_id = r.submitted_by_id))
        """,
        plant="delete from approvals_signature where id = (select max(id) from approvals_signature)",
    ),
    Check(
        "approvals.pending_has_one_current_step",
        sql="""
            select r.id, r.number || ' waits in ' || count(n.id) || ' steps' as note
              from approvals_request r left join approvals_node n on n.request_id = r.id and n.state = 'current'
             group by r.id, r.number, r.state
            having count(n.id) <> case when r.state = 'pending' then 1 else 0 end
        """,
        plant="""update approvals_node set state = 'waiting', entered_at = null, left_at = null
                  where id = (select max(id) from approvals_node where state = 'current')""",
    ),
]
