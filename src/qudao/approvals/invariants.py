"""What must hold of approvals and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "approvals.requests_go_by_a_version_of_their_seller",
        sql="""
            select r.id, r.number || ' goes by a draft, or by a flow for other documents' as note
              from approvals_request r join approvals_version v on v.id = r.version_id join approvals_flow f on f.id = v.flow_id
             where v.state = 'draft' or f.owner_id <> r.seller_id or f.kind <> r.subject_kind
        """,
        plant="update approvals_request set subject_kind = 'planted' where id = (select max(id) from approvals_request where version_id is not null)",
    ),
    Check(
        "approvals.approved_by_others_in_every_step",
        sql="""
            select r.id, r.number || ' is approved, but a step has no signature, or the submitter signed' as note
              from approvals_request r
             where r.state = 'approved' and (
                   exists (select from approvals_node n where n.request_id = r.id and not n.void and n.covered_by_id is null
                             and not (n.late_at is not null and n.late_then = 'pass' and r.amount < n.late_below)
                             and not exists (select from approvals_signature s where s.node_id = n.id and s.decision = 'approve'))
                or exists (select from approvals_signature s where s.request_id = r.id and s.user_id = r.submitted_by_id))
        """,
        plant="delete from approvals_signature where id = (select max(id) from approvals_signature)",
    ),
    Check(
        "approvals.pending_has_one_current_stage",
        sql="""
            select r.id, r.number || ' waits in ' || count(distinct n.stage) || ' stages' as note
              from approvals_request r left join approvals_node n on n.request_id = r.id and n.state = 'current'
             group by r.id, r.number, r.state
            having count(distinct n.stage) <> case when r.state = 'pending' then 1 else 0 end
        """,
        plant="""update approvals_node set state = 'waiting', entered_at = null, left_at = null
                  where id = (select max(id) from approvals_node where state = 'current')""",
    ),
    Check(
        "approvals.steps_stand_in_order_without_gaps",
        sql="""
            select r.id, r.number || ': steps ' || string_agg(n.position || ' ' || n.state, ', ' order by n.position) as note
              from approvals_request r join approvals_node n on n.request_id = r.id
             group by r.id, r.number
            having max(n.position) <> count(*) or min(n.position) <> 1
                or min(n.stage) filter (where n.state = 'waiting') <= max(n.stage) filter (where n.state not in ('waiting', 'skipped'))
        """,
        plant="update approvals_node set position = position + 5 where id = (select max(id) from approvals_node)",
    ),
    Check(
        "approvals.links_of_steps_that_moved_are_dead",
        sql="""
            select l.id, 'a link to a step in state ' || n.state || ' still works' as note
              from approvals_link l join approvals_node n on n.id = l.node_id
             where l.ended_at is null and n.state <> 'current'
        """,
        plant="""insert into approvals_link (sha256, node_id, user_id, created_at, expires_at)
                 select 'planted', n.id, s.user_id, n.left_at, n.left_at + interval '3 days'
                   from approvals_node n join approvals_signature s on s.node_id = n.id order by n.id limit 1""",
    ),
    Check(
        "approvals.covered_steps_have_an_earlier_signature",
        sql="""
            select n.id, r.number || ': step ' || n.position || ' was skipped, but its signer approved no earlier step' as note
              from approvals_node n join approvals_request r on r.id = n.request_id
             where n.covered_by_id is not null and not exists (
                   select from approvals_signature s join approvals_node x on x.id = s.node_id
                    where s.request_id = n.request_id and s.decision = 'approve' and n.covered_by_id = coalesce(s.on_behalf_id, s.user_id)
                      and s.at <= n.left_at and (n.void or not x.void))
        """,
        plant="""update approvals_node n set state = 'skipped', left_at = coalesce(left_at, r.opened_at), covered_by_id = r.submitted_by_id
                   from approvals_request r where r.id = n.request_id
                    and n.id = (select max(m.id) from approvals_node m join approvals_request q on q.id = m.request_id where q.submitted_by_id is not null)""",
    ),
    Check(
        "approvals.void_steps_were_sent_back",
        sql="""
            select n.id, r.number || ': step ' || n.position || ' does not count, but nobody sent the document back to it' as note
              from approvals_node n join approvals_request r on r.id = n.request_id
             where n.void and not exists (select from approvals_signature s join approvals_node x on x.id = s.node_id
                                           where s.request_id = n.request_id and s.decision = 'back' and s.round >= n.round and x.position >= n.position)
        """,
        plant="update approvals_node set void = true where id = (select max(id) from approvals_node where state = 'approved')",
    ),
    Check(
        "approvals.signatures_are_of_the_round_of_their_step",
        sql="""
            select s.id, r.number || ': a signature of round ' || s.round || ' on a step of round ' || n.round as note
              from approvals_signature s join approvals_node n on n.id = s.node_id join approvals_request r on r.id = s.request_id
             where s.round <> n.round or s.request_id <> n.request_id
        """,
        plant="update approvals_signature set round = 9 where id = (select max(id) from approvals_signature)",
    ),
    Check(
        "approvals.nobody_decides_with_a_right_used_before",
        sql="""
            select r.id, r.number || ' is signed twice with one right, or by its submitter''s right' as note
              from approvals_request r join approvals_signature s on s.request_id = r.id join approvals_node n on n.id = s.node_id
             group by r.id, r.number, r.submitted_by_id
            having count(distinct coalesce(s.on_behalf_id, s.user_id)) filter (where not n.void) <> count(*) filter (where not n.void)
                or count(distinct s.user_id) filter (where not n.void) <> count(*) filter (where not n.void)
                or bool_or(coalesce(s.on_behalf_id, s.user_id) = r.submitted_by_id)
        """,
        plant="""update approvals_signature set on_behalf_id = (select submitted_by_id from approvals_request r where r.id = request_id)
                  where id = (select max(s.id) from approvals_signature s join approvals_request r on r.id = s.request_id
                               where r.submitted_by_id is not null)""",
    ),
    Check(
        "approvals.proposals_stand_as_their_requests",
        """select p.id, concat_ws(' ', 'proposal', p.id, 'is', p.state, 'but its request is', coalesce(r.state, 'missing')) as note
             from approvals_proposal p left join lateral (select q.state from approvals_request q
                  where q.subject_kind = p.kind and q.subject_id = p.id and q.seller_id = p.org_id order by q.id desc limit 1) r on true
            where (p.state, r.state) not in (('waiting', 'pending'), ('done', 'approved'), ('rejected', 'rejected'), ('withdrawn', 'withdrawn'))
               or r.state is null""",
        plant="""insert into approvals_proposal (subject_kind, subject_id, number, org_id, kind, type, action, arguments, amount, currency, member_id,
                    asked_by_id, asked_at, state)
                 select 'payments.payment', 1, 'planted', m.org_id, 'payments.out', '', 'planted', '{}', 1, 'CNY', m.id, m.user_id, now(), 'waiting'
                   from people_membership m order by m.id limit 1""",
    ),
]
