"""What must hold of the tree and no constraint of one row can say."""

from __future__ import annotations

from qudao.base.invariants import Check

CHECKS = [
    Check(
        "network.path_follows_parent",
        sql="""
            SELECT child.id, 'path ' || child.path || ' does not follow ' || parent.path AS note
              FROM network_organisation child
              JOIN network_organisation parent ON parent.id = child.parent_id
             WHERE child.path <> parent.path || child.id || '/'
        """,
        plant="""
            UPDATE network_organisation SET path = '/0' || path
             WHERE id = (SELECT max(id) FROM network_organisation WHERE parent_id IS NOT NULL)
        """,
    ),
    Check(
        "network.former_places_join",
        sql="""
            SELECT p.id, 'since ' || p.since || ', and the one before until ' || b.until AS note
              FROM network_formerplace p
              JOIN LATERAL (SELECT until FROM network_formerplace o WHERE o.organisation_id = p.organisation_id AND o.id < p.id ORDER BY o.id DESC LIMIT 1) b
                ON b.until <> p.since
        """,
        plant="""
            WITH one AS (SELECT id, parent_id FROM network_organisation WHERE parent_id IS NOT NULL ORDER BY id LIMIT 1)
            INSERT INTO network_formerplace (organisation_id, parent_id, since, until)
            SELECT id, parent_id, day, day + 1 FROM one, (VALUES (date '2001-01-01'), (date '2001-02-01')) AS d (day)
        """,
    ),
    Check(
        "network.closed_has_only_closed_below",
        sql="""
            SELECT child.id, 'is open under the closed ' || parent.code AS note
              FROM network_organisation child
              JOIN network_organisation parent ON parent.id = child.parent_id
             WHERE parent.state = 'closed' AND child.state <> 'closed'
        """,
        plant="""
            UPDATE network_organisation SET state = 'closed'
             WHERE id = (SELECT min(parent_id) FROM network_organisation WHERE state <> 'closed')
        """,
    ),
]
