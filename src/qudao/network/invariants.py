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
