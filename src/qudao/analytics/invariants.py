"""The kept figures are those of the documents, once every fact has been delivered."""

from __future__ import annotations

from qudao.analytics.queries import COLLECTED, COUNTED, FIGURES
from qudao.base.invariants import Check


def _kept(table: str) -> str:
    """The figures of a row, none as nought; how long dispatches took is left out, for it is rounded."""
    return ", ".join(f"coalesce({table}.{name}, 0)" for name in FIGURES if name != "ship_seconds")


CHECKS = [
    Check(
        "analytics.days_are_sums_of_orders",
        f"""SELECT coalesce(d.org_id, c.seller_id) AS id,
                   concat_ws(' ', coalesce(d.day, c.ordered_on), coalesce(d.channel, c.channel), 'is kept as', {_kept("d")},
                             'but its orders sum to', {_kept("c")}) AS note
           FROM (SELECT * FROM analytics_day WHERE channel <> '' OR orders <> 0) d
           FULL JOIN ({COUNTED.format(where="true")}) c
             ON c.seller_id = d.org_id AND c.ordered_on = d.day AND c.currency = d.currency AND c.channel = d.channel
           WHERE ({_kept("d")}) <> ({_kept("c")}) AND NOT EXISTS (SELECT 1 FROM base_event WHERE dispatched_at IS NULL)""",
        "UPDATE base_event SET dispatched_at = now() WHERE dispatched_at IS NULL;"
        " UPDATE analytics_day SET signed = signed + 1, amount = amount + 1 WHERE id = (SELECT max(id) FROM analytics_day)",
    ),
    Check(
        "analytics.days_are_sums_of_payments",
        f"""SELECT coalesce(d.org_id, p.seller_id) AS id,
                   concat_ws(' ', coalesce(d.day, p.paid_on), 'is kept with', d.collected, 'but its payments sum to', p.collected) AS note
           FROM (SELECT * FROM analytics_day WHERE channel = '' OR collected <> 0) d
           FULL JOIN ({COLLECTED.format(where="true")}) p ON p.seller_id = d.org_id AND p.paid_on = d.day AND p.currency = d.currency AND d.channel = ''
           WHERE coalesce(d.collected, 0) <> coalesce(p.collected, 0) AND NOT EXISTS (SELECT 1 FROM base_event WHERE dispatched_at IS NULL)""",
        "UPDATE base_event SET dispatched_at = now() WHERE dispatched_at IS NULL;"
        " UPDATE analytics_day SET collected = collected + 1 WHERE id = (SELECT max(id) FROM analytics_day)",
    ),
]
