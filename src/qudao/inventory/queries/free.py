"""What is free of stock, said once: for the statement that reserves, for the one that promises, and for a row that people read."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Case, F, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce, Greatest

from qudao.base.db import rows
from qudao.inventory.models import Lot
from qudao.inventory.rules import ZERO, Key
from qudao.kernel import clock

# What lies in lots that have expired or are blocked is asked only where the product has lots.
EXPIRED = """CASE WHEN s.tracked THEN (SELECT coalesce(sum(l.qty), 0) FROM inventory_lot l
        WHERE l.place_id = s.place_id AND l.product_id = s.product_id AND (l.expires_on < %s OR l.held <> '')) ELSE 0 END"""
#: of a row "s" of stock, with the parameter `today`: what may be promised of it, which is what people read as free
FREE = f"""CASE WHEN s.held <> '' THEN 0 WHEN s.tracked THEN greatest(s.on_hand - s.reserved - {EXPIRED.replace("%s", "%(today)s")}, 0)
        ELSE s.on_hand - s.reserved END"""


def unscoped_free(pairs: Iterable[Key], *, waiting: bool = False) -> dict[Key, Decimal]:
    """On hand less reserved and blocked by (place, product), nothing where somebody waits unless `waiting`; a missing row is zero. One statement,
    no lock: a hint, not a promise.
    """
    wanted = list(pairs)
    found = rows(
        f"""SELECT s.place_id, s.product_id, CASE WHEN s.awaited > %s OR s.held <> '' THEN 0 ELSE s.on_hand - s.reserved - {EXPIRED} END FROM inventory_stock s
           JOIN unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) USING (place_id, product_id)""",
        (waiting, clock.today(), [p for p, _ in wanted], [q for _, q in wanted]),
    )
    free = {(place, product): qty for place, product, qty in found}
    return {key: free.get(key, ZERO) for key in wanted}


def unscoped_held(pairs: Iterable[Key]) -> dict[Key, Decimal]:
    """On hand less reserved by (place, product), also what has expired and what others wait for: what the owner may carry elsewhere. One statement, no lock."""
    wanted = list(pairs)
    found = rows(
        """SELECT s.place_id, s.product_id, s.on_hand - s.reserved FROM inventory_stock s
           JOIN unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id) USING (place_id, product_id)""",
        ([p for p, _ in wanted], [q for _, q in wanted]),
    )
    return {(place, product): qty for place, product, qty in found}


def unscoped_free_of() -> Case:
    """What may be promised of a row of stock, as `FREE` says it: nothing that is blocked, that lies in lots which expired or are blocked, or is reserved.

    Lots are looked up only where the product has some.
    """
    unsold = Lot.unscoped.filter(Q(expires_on__lt=clock.today()) | ~Q(held=""), place_id=OuterRef("place_id"), product_id=OuterRef("product_id"))
    lost = Coalesce(Subquery(unsold.order_by().values("place_id").annotate(n=Sum("qty")).values("n")), Value(ZERO))
    there = F("on_hand") - F("reserved")
    return Case(When(~Q(held=""), then=Value(ZERO)), When(tracked=True, then=Greatest(there - lost, Value(ZERO))), default=there)


def unscoped_used_up(org_id: int) -> RawSQL:
    """The ids of an organisation's rows of stock in warehouses of which nothing is free. Three sets, each along an index; within the caller's statement."""
    of = "FROM inventory_place p JOIN inventory_stock s ON s.place_id = p.id AND"
    mine = "WHERE p.owner_id = %s AND p.kind = 'stock'"
    sql = f"""SELECT s.id {of} s.used_up {mine} UNION SELECT s.id {of} s.held <> '' {mine}
        UNION SELECT s.id {of} s.tracked JOIN inventory_lot l ON l.place_id = s.place_id AND l.product_id = s.product_id
            AND l.qty > 0 AND (l.expires_on < %s OR l.held <> '') {mine} GROUP BY s.id HAVING s.on_hand - s.reserved <= sum(l.qty)"""
    return RawSQL(sql, (org_id, org_id, clock.today(), org_id))  # noqa: S611 - no text of anybody's in it
