"""Keeping the figures: a day is counted anew from its documents, so counting it twice changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from qudao.analytics.queries import COLLECTED, COUNTED, FIGURES
from qudao.base.access import Actor
from qudao.base.action import part
from qudao.base.db import run

# A day's row is locked before its orders are counted: of two who count, the later one sees what the earlier one could not.
MAKE = """INSERT INTO analytics_day (org_id, day, currency, channel, orders, amount, straight, shipped, ship_seconds, wished, on_time, collected)
    SELECT o.seller_id, o.ordered_on, o.currency, o.channel, 0, 0, 0, 0, 0, 0, 0, 0 FROM orders_order o
    JOIN unnest(%(orgs)s::bigint[], %(days)s::date[]) k(org_id, day) ON k.org_id = o.seller_id AND k.day = o.ordered_on
    UNION SELECT p.seller_id, p.paid_on, p.currency, '', 0, 0, 0, 0, 0, 0, 0, 0 FROM payments_payment p
    JOIN unnest(%(orgs)s::bigint[], %(days)s::date[]) k(org_id, day) ON k.org_id = p.seller_id AND k.day = p.paid_on
    ORDER BY 1, 2, 3, 4 ON CONFLICT (org_id, day, currency, channel) DO NOTHING"""
LOCK = """SELECT 1 FROM analytics_day d JOIN unnest(%(orgs)s::bigint[], %(days)s::date[]) k(org_id, day) USING (org_id, day)
    ORDER BY d.org_id, d.day, d.currency, d.channel FOR UPDATE OF d"""
COUNT = f"""UPDATE analytics_day d SET {", ".join(f"{name} = coalesce(c.{name}, 0)" for name in FIGURES)}, collected = coalesce(p.collected, 0)
    FROM unnest(%(orgs)s::bigint[], %(days)s::date[]) k(org_id, day)
    JOIN analytics_day own USING (org_id, day)
    LEFT JOIN ({COUNTED.format(where="(o.seller_id, o.ordered_on) IN (SELECT * FROM unnest(%(orgs)s::bigint[], %(days)s::date[]))")}) c
        ON c.seller_id = own.org_id AND c.ordered_on = own.day AND c.currency = own.currency AND c.channel = own.channel
    LEFT JOIN ({COLLECTED.format(where="(p.seller_id, p.paid_on) IN (SELECT * FROM unnest(%(orgs)s::bigint[], %(days)s::date[]))")}) p
        ON p.seller_id = own.org_id AND p.paid_on = own.day AND p.currency = own.currency AND own.channel = ''
    WHERE d.id = own.id"""


@part
def refresh_days(keys: Iterable[tuple[int, date]], *, actor: Actor) -> int:
    """Count the given (seller, day) anew; three statements whatever their number. Locks the days in their order; emits nothing. Returns the rows written."""
    wanted = sorted(set(keys))
    if not wanted:
        return 0
    given = {"orgs": [k[0] for k in wanted], "days": [k[1] for k in wanted]}
    run(MAKE, given)
    run(LOCK, given)
    return run(COUNT, given)
