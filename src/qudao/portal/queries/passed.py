"""Orders that needed no signature, with the facts an approval flow asks: for them nothing was kept, so it is read from the order when somebody asks what if."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from qudao.approvals.queries import KNOWN, PASSED, Case, Submitted
from qudao.base.db import rows

# The house that signs is the seller, of a purchase from outside the buyer. Groups and product lines are those of today; a discount is not told.
_PASSED = """
    SELECT o.number, o.placed_at, o.gross, o.kind, b.tier,
           NOT EXISTS (SELECT FROM orders_order x WHERE x.seller_id = o.seller_id AND x.buyer_id = o.buyer_id AND x.id < o.id
                          AND x.status NOT IN ('draft', 'rejected', 'cancelled')),
           ARRAY(SELECT DISTINCT c.code FROM orders_line l JOIN catalog_product p ON p.id = l.product_id JOIN catalog_category k ON k.id = p.category_id
                   JOIN catalog_category c ON starts_with(k.path, c.path) WHERE l.order_id = o.id),
           ARRAY(SELECT g.code FROM agreements_groupmember m JOIN agreements_group g ON g.id = m.group_id
                  WHERE g.owner_id = o.seller_id AND m.buyer_id = o.buyer_id AND m.valid_from <= o.ordered_on
                    AND (m.valid_to IS NULL OR m.valid_to >= o.ordered_on))
      FROM (SELECT * FROM orders_order
             WHERE (seller_id = %(house)s AND kind <> 'external' OR buyer_id = %(house)s AND kind = 'external')
               AND approval = 'none' AND kind <> 'transfer' AND status <> 'draft' AND placed_at >= %(since)s ORDER BY id DESC LIMIT %(most)s) o
      JOIN network_organisation b ON b.id = o.buyer_id ORDER BY o.id DESC"""


def unscoped_passed(house_id: int, since: datetime, most: int) -> list[Submitted]:
    """The orders since a moment that no person had to sign, newest first. One statement."""
    found = rows(_PASSED, {"house": house_id, "since": since, "most": most})
    return [
        Submitted(number, at, Case(gross, kind, credit="pass", first=first, categories=frozenset(lines), tier=tier, groups=frozenset(groups)))
        for number, at, gross, kind, tier, first, lines, groups in found
    ]


def unscoped_categories(house_id: int, codes: Iterable[str]) -> set[str]:
    """Which of these are codes of product lines a house may trade: its own, of the houses above it, of its outside suppliers. One statement."""
    sql = """SELECT c.code FROM catalog_category c JOIN network_organisation h ON h.id = %s JOIN network_organisation o ON o.id = c.owner_id
              WHERE c.code = ANY(%s) AND (starts_with(h.path, o.path) OR o.parent_id = h.id AND o.kind = 'supplier')"""
    return {code for (code,) in rows(sql, (house_id, list(codes)))}


def unscoped_groups(house_id: int, codes: Iterable[str]) -> set[str]:
    """Which of these are codes of a house's groups of buyers. One statement."""
    return {code for (code,) in rows("SELECT code FROM agreements_group WHERE owner_id = %s AND code = ANY(%s)", (house_id, list(codes)))}


PASSED["orders.order"] = unscoped_passed
KNOWN |= {"categories": unscoped_categories, "groups": unscoped_groups}
