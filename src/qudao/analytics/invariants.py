"""The kept figures are those of the documents, once every fact has been delivered."""

from __future__ import annotations

from qudao.analytics.queries import COLLECTED, COUNTED
from qudao.base.invariants import Check

CHECKS = [
    Check(
        "analytics.days_are_sums_of_orders",
        f"""SELECT coalesce(d.org_id, c.seller_id) AS id,
                   concat_ws(' ', coalesce(d.day, c.ordered_on), 'is kept as', d.orders, d.amount, d.straight, d.shipped, d.on_time,
                             'but its orders sum to', c.orders, c.amount, c.straight, c.shipped, c.on_time) AS note
           FROM analytics_day d
           FULL JOIN ({COUNTED.format(where="true")}) c ON c.seller_id = d.org_id AND c.ordered_on = d.day AND c.currency = d.currency
           WHERE (coalesce(d.orders, 0), coalesce(d.amount, 0), coalesce(d.straight, 0), coalesce(d.shipped, 0), coalesce(d.on_time, 0))
               <> (coalesce(c.orders, 0), coalesce(c.amount, 0), coalesce(c.straight, 0), coalesce(c.shipped, 0), coalesce(c.on_time, 0))
             AND NOT EXISTS (SELECT 1 FROM base_event WHERE dispatched_at IS NULL)""",
        "UPDATE base_event SET dispatched_at = now() WHERE dispatched_at IS NULL;"
        " UPDATE analytics_day SET amount = amount + 1 WHERE id = (SELECT max(id) FROM analytics_day)",
    ),
    Check(
        "analytics.days_are_sums_of_payments",
        f"""SELECT coalesce(d.org_id, p.seller_id) AS id,
                   concat_ws(' ', coalesce(d.day, p.paid_on), 'is kept with', d.collected, 'but its payments sum to', p.collected) AS note
           FROM analytics_day d
           FULL JOIN ({COLLECTED.format(where="true")}) p ON p.seller_id = d.org_id AND p.paid_on = d.day AND p.currency = d.currency
           WHERE coalesce(d.collected, 0) <> coalesce(p.collected, 0) AND NOT EXISTS (SELECT 1 FROM base_event WHERE dispatched_at IS NULL)""",
        "UPDATE base_event SET dispatched_at = now() WHERE dispatched_at IS NULL;"
        " UPDATE analytics_day SET collected = collected + 1 WHERE id = (SELECT max(id) FROM analytics_day)",
    ),
]
