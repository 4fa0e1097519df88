"""What people do with lots: track a product by lot, count one lot, say how long goods must keep that are shipped to a buyer."""

from __future__ import annotations

from decimal import Decimal

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.db import run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.catalog.queries import Product
from qudao.inventory import rules
from qudao.inventory.actions.keep import ensure_places, own_warehouse, set_terms, subject_of
from qudao.inventory.actions.move import post_moves
from qudao.inventory.actions.rows import lock
from qudao.inventory.models import Lot, SupplyPlace, Tracked
from qudao.inventory.rules import LotQty, MoveSpec
from qudao.inventory.states import MOST_KEEPS_DAYS
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused
from qudao.kernel.quantity import plain

# What lies anywhere is a lot without a number from then on, as if it had just come from outside.
MARK = "UPDATE inventory_stock SET tracked = true WHERE product_id = %s"
START = """WITH there AS (
        SELECT s.place_id, s.on_hand, o.id AS outside FROM inventory_stock s JOIN inventory_place p ON p.id = s.place_id
        JOIN inventory_place o ON o.owner_id = p.owner_id AND o.code = 'OUTSIDE' WHERE s.product_id = %(product)s AND s.on_hand > 0
    ), lots AS (
        INSERT INTO inventory_lot (place_id, product_id, lot, expires_on, qty) SELECT place_id, %(product)s, '', NULL, on_hand FROM there
    )
    INSERT INTO inventory_lotmove (at, product_id, lot, expires_on, qty, from_place_id, to_place_id, subject_kind, subject_id, ref_id, number)
    SELECT %(now)s, %(product)s, '', NULL, on_hand, outside, place_id, 'catalog.product', %(product)s, NULL, '' FROM there"""


@action("inventory.manage_places")
def track_product(product_id: int, shelf_days: int | None = None, *, actor: Actor) -> Tracked:
    """Track an own product by lot from now on, everywhere; what lies there is a lot without a number. `shelf_days`: how long it keeps when new.

    Said again it only changes the shelf life. Waits for all who move goods just now, so that none of them overlooks it.
    """
    if shelf_days is not None and not 0 < shelf_days <= MOST_KEEPS_DAYS:
        raise Invalid("inventory.shelf_days", field="shelf_days", most=MOST_KEEPS_DAYS)
    product = get_visible(actor, Product, product_id)
    subject = Subject("catalog.product", product.pk, product.owner_id, None, product.code)
    if product.owner_id != actor.org_id:
        raise Refused("inventory.foreign_product")
    note_rank(Rank.STOCK)
    run("LOCK TABLE inventory_stock IN EXCLUSIVE MODE")
    found, made = Tracked.unscoped.get_or_create(product_id=product.pk, defaults={"shelf_days": shelf_days, "since": clock.now()})
    if made:
        run(MARK, (product.pk,))
        run(START, {"product": product.pk, "now": clock.now()})
    elif found.shelf_days != shelf_days:
        found.shelf_days = shelf_days
        found.save(update_fields=["shelf_days"])
    record(subject, after="tracked", detail={"shelf_days": shelf_days})
    return found


@action("inventory.adjust")
def adjust_lot(lot_id: int, counted: Decimal, reason: str, *, actor: Actor) -> Lot:
    """Set one lot in a warehouse to what was counted of it, by a move from or to outside. Locks the stock row.

    Raises Refused when nothing differs, or when less would lie there than is reserved.
    """
    seen = get_visible(actor, Lot, lot_id, "inventory.adjust")
    place = own_warehouse(actor, seen.place_id, "inventory.adjust")
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if counted:
        rules.check_quantities([(counted, None)])
    outside = ensure_places(place.owner_id, actor=actor)["OUTSIDE"]
    note_rank(Rank.STOCK)
    lock([(place.pk, seen.product_id)])
    found = Lot.unscoped.get(pk=lot_id)
    difference = counted - found.qty
    if not difference:
        raise Refused("inventory.no_difference", field="counted")
    ends = (outside, place.pk) if difference > 0 else (place.pk, outside)
    named = (LotQty(found.lot, found.expires_on, abs(difference)),)
    post_moves([MoveSpec(found.product_id, abs(difference), *ends, lots=named)], subject_of(place), actor=actor)
    detail = {"product_id": found.product_id, "lot": found.lot}
    record(subject_of(place), before=plain(found.qty), after=plain(counted), reason=reason, detail=detail)
    found.refresh_from_db()
    return found


@action("inventory.manage_places")
def set_keeps(agreement_id: int, days: int, percent: int = 0, *, actor: Actor) -> SupplyPlace:
    """Say how long lots must still keep that are shipped under an agreement which the own organisation sells under: days, and percent of the
    shelf life; the longer counts. 0 and 0: not expired is enough.
    """
    if not (0 <= days <= MOST_KEEPS_DAYS and 0 <= percent <= 100):
        raise Invalid("inventory.keeps", field="keeps_days", most=MOST_KEEPS_DAYS)
    return set_terms(agreement_id, f"{days} d, {percent} %", {"keeps_days": days, "keeps_percent": percent}, actor)
