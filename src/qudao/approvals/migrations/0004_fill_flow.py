"""Rules become flows: one flow per organisation and kind, one branch per rule. Behaviour stays: every branch that applies adds its step.

Rules that were retired stand in a first version that is superseded, so that a request keeps what it was opened by.
"""

from django.db import migrations

SPLIT = """
INSERT INTO approvals_flow (owner_id, kind, name)
SELECT DISTINCT owner_id, kind, '' FROM approvals_rule;

WITH told AS (
    SELECT f.id AS flow_id, r.active, r.min_amount, r.position, r.id,
           jsonb_build_object('name', '', 'when', jsonb_build_object('amount_from', r.min_amount::text), 'steps', jsonb_build_array(
               jsonb_strip_nulls(jsonb_build_object('role_id', r.role_id, 'position', r.position, 'remind_hours', r.remind_hours)))) AS branch
      FROM approvals_rule r JOIN approvals_flow f ON f.owner_id = r.owner_id AND f.kind = r.kind
), every AS (
    SELECT flow_id, bool_and(active) AS all_active, bool_or(active) AS any_active, min(min_amount) AS least,
           jsonb_agg(branch ORDER BY position, id) AS branches FROM told GROUP BY flow_id
), active AS (
    SELECT flow_id, min(min_amount) AS least, jsonb_agg(branch ORDER BY position, id) AS branches FROM told WHERE active GROUP BY flow_id
)
INSERT INTO approvals_version (flow_id, no, state, branches, min_amount, published_at, ended_at)
SELECT flow_id, 1, CASE WHEN all_active THEN 'published' ELSE 'superseded' END, branches, least, now(), CASE WHEN NOT all_active THEN now() END FROM every
UNION ALL
SELECT a.flow_id, 2, 'published', a.branches, a.least, now(), NULL FROM active a JOIN every e USING (flow_id) WHERE NOT e.all_active;

UPDATE approvals_request q SET version_id = v.id, facts = jsonb_build_object('amount', q.amount::text)
  FROM approvals_version v JOIN approvals_flow f ON f.id = v.flow_id
 WHERE v.no = 1 AND f.owner_id = q.seller_id AND f.kind = q.subject_kind;
UPDATE approvals_request SET facts = jsonb_build_object('amount', amount::text) WHERE facts = '{}';
UPDATE approvals_node n SET amount_from = r.min_amount, remind_hours = r.remind_hours FROM approvals_rule r WHERE r.id = n.rule_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0003_create_flow")]

    operations = [migrations.RunSQL(SPLIT, migrations.RunSQL.noop)]
