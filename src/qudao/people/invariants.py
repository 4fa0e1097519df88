"""What must hold of people and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "people.roles_belong_to_the_organisation",
        sql="""
            SELECT m.id, 'has a role of another organisation: ' || r.code AS note
              FROM people_membership m JOIN people_role r ON r.id = m.role_id
             WHERE r.owner_id IS NOT NULL AND r.owner_id <> m.org_id
        """,
        plant="""
            INSERT INTO people_role (code, name, name_en, verbs, fields, scope, kinds, owner_id)
            SELECT 'planted', 'planted', '', '{}', '{}', 'self', '{}', max(id) FROM network_organisation;
            UPDATE people_membership SET role_id = (SELECT id FROM people_role WHERE code = 'planted')
             WHERE id = (SELECT min(id) FROM people_membership
                          WHERE org_id <> (SELECT owner_id FROM people_role WHERE code = 'planted'))
        """,
    ),
    Check(
        "people.ended_members_have_no_tokens",
        sql="""
            SELECT t.id, 'lives though its membership is ended' AS note
              FROM people_apitoken t JOIN people_membership m ON m.id = t.membership_id
             WHERE m.state = 'ended' AND t.revoked_at IS NULL
        """,
        plant="""
            INSERT INTO people_apitoken (membership_id, name, sha256, prefix, created_at, expires_at)
            SELECT min(id), 'planted', 'planted', 'qd_', now(), now() + interval '1 day' FROM people_membership;
            UPDATE people_membership SET state = 'ended' WHERE id = (SELECT membership_id FROM people_apitoken WHERE sha256 = 'planted')
        """,
    ),
]
