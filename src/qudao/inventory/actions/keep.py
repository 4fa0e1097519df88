"""What people do with places and stock: opening stock, counts, warehouses, what supplies an agreement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, part, record
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.inventory import queries, rules
from qudao.inventory.actions.move import post_moves
from qudao.inventory.actions.rows import lock
from qudao.inventory.models import Place, Stock, SupplyPlace
from qudao.inventory.rules import Held, LotQty, MoveSpec
from qudao.inventory.states import (
    LEAD_DAYS,
    MOST_LEAD_DAYS,
    MOST_LOT,
    MOST_PRIORITY,
    MOST_RECEIPT_DAYS,
    MOST_RESERVE_DAYS,
    STANDARD_PLACES,
    PlaceKind,
    Short,
    Shows,
)
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.quantity import plain


@dataclass(frozen=True, slots=True)
class OpeningLine:
    """Stock that was there before the books began: `qty` in base unit; of a product tracked by lot its number and last good day, if it has one."""

    product_id: int
    qty: Decimal
    lot: str = ""
    expires_on: date | None = None

    @property
    def lots(self) -> tuple[LotQty, ...]:
        return (LotQty(self.lot, self.expires_on, self.qty),) if self.lot else ()


@part
def ensure_places(org_id: int, *, actor: Actor) -> dict[str, int]:
    """Make the standard places of an organisation where they are missing; return code → place id ({} when the organisation is gone). Two statements."""
    codes = list(STANDARD_PLACES)
    run(
        """INSERT INTO inventory_place (owner_id, code, name, kind)
           SELECT o.id, d.code, '', d.kind FROM network_organisation o, unnest(%s::text[], %s::text[]) d(code, kind) WHERE o.id = %s
           ON CONFLICT (owner_id, code) DO NOTHING""",
        (codes, [str(STANDARD_PLACES[code]) for code in codes], org_id),
    )
    return dict(rows("SELECT code, id FROM inventory_place WHERE owner_id = %s AND code = ANY(%s)", (org_id, codes)))


@action("inventory.receive")
def receive_opening(place_id: int, lines: Sequence[OpeningLine], reason: str, *, actor: Actor) -> Place:
    """Enter stock that was there before the books began, from outside into a warehouse of the own organisation. Locks the stock rows."""
    place = own_warehouse(actor, place_id, "inventory.receive")
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if not lines:
        raise Invalid("inventory.no_lines", field="lines")
    rules.check_quantities((line.qty, n) for n, line in enumerate(lines))
    check_lots(lines, _products_exist([line.product_id for line in lines]))
    outside = ensure_places(place.owner_id, actor=actor)["OUTSIDE"]
    subject = subject_of(place)
    post_moves([MoveSpec(line.product_id, line.qty, outside, place.pk, lots=line.lots) for line in lines], subject, actor=actor)
    record(subject, after="received", reason=reason, detail={"lines": len(lines), "total": plain(sum((x.qty for x in lines), rules.ZERO))})
    return place


@action("inventory.receive")
def return_opening(place_id: int, lines: Sequence[OpeningLine], reason: str, *, actor: Actor) -> Place:
    """Take opening stock back that was entered by mistake, by moves from the warehouse to outside. Locks the stock rows.

    Raises Refused `inventory.short` for every product of which that much is no longer free.
    """
    place = own_warehouse(actor, place_id, "inventory.receive")
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    outside = ensure_places(place.owner_id, actor=actor)["OUTSIDE"]
    subject = subject_of(place)
    post_moves([MoveSpec(line.product_id, line.qty, place.pk, outside, lots=line.lots) for line in lines], subject, actor=actor)
    record(subject, after="returned", reason=reason, detail={"lines": len(lines), "total": plain(sum((x.qty for x in lines), rules.ZERO))})
    return place


@action("inventory.adjust")
def adjust_stock(place_id: int, product_id: int, counted: Decimal, reason: str, *, actor: Actor) -> Stock:
    """Set the stock of one product to what was counted, by a move from or to outside. Locks the stock row.

    Raises Refused when more is reserved than was counted, or when nothing differs.
    """
    place = own_warehouse(actor, place_id, "inventory.adjust")
    if not reason.strip():
        raise Invalid("inventory.reason_missing", field="reason")
    if counted:
        rules.check_quantities([(counted, None)])
    _products_exist([product_id])
    outside = ensure_places(place.owner_id, actor=actor)["OUTSIDE"]
    note_rank(Rank.STOCK)
    held = lock([(place.pk, product_id)]).get((place.pk, product_id), Held(0, rules.ZERO, rules.ZERO))
    difference = counted - held.on_hand
    if not difference:
        raise Refused("inventory.no_difference", field="counted")
    if counted < held.reserved:
        raise Refused("inventory.reserved_more", field="counted", reserved=plain(held.reserved), counted=plain(counted))
    ends = (outside, place.pk) if difference > 0 else (place.pk, outside)
    subject = subject_of(place)
    post_moves([MoveSpec(product_id, abs(difference), *ends)], subject, actor=actor)
    before, detail = plain(held.on_hand), {"product_id": product_id}
    record(subject, before=before, after=plain(counted), reason=reason, detail=detail)
    return Stock.unscoped.get(place=place, product_id=product_id)


@action("inventory.manage_places")
def set_supply_place(agreement_id: int, place_id: int, shows: str = Shows.BANDED, lead_days: int = LEAD_DAYS, *, actor: Actor) -> SupplyPlace:
    """Say out of which warehouse of the seller an agreement is supplied, how much of its stock the buyer is told, and after how many working
    days goods leave: that is the day an order is promised for.
    """
    if not 0 <= lead_days <= MOST_LEAD_DAYS:
        raise Invalid("inventory.lead_days", field="lead_days", most=MOST_LEAD_DAYS)
    place = own_warehouse(actor, place_id, "inventory.manage_places")
    sides = rows("SELECT seller_id, buyer_id FROM agreements_agreement WHERE id = %s", (agreement_id,))
    if not sides:
        raise NotFound("inventory.no_agreement")
    if sides[0][0] != place.owner_id:
        raise Refused("inventory.foreign_place", field="place")
    supply, _made = SupplyPlace.unscoped.update_or_create(agreement_id=agreement_id, defaults={"place": place, "shows": shows, "lead_days": lead_days})
    subject = Subject("agreements.agreement", agreement_id, sides[0][0], sides[0][1])
    record(subject, after=place.code, detail={"shows": str(shows), "lead_days": lead_days})
    return supply


@action("inventory.manage_places")
def set_shortage(agreement_id: int, short: str, priority: int = 0, *, actor: Actor) -> SupplyPlace:
    """Say what becomes of orders under an agreement for more than there is, and who is served first when goods come in.

    An order may ask for something else. Raises Invalid for an unknown choice, NotFound when the own organisation does not sell under it.
    """
    if short not in Short.values or not 0 <= priority <= MOST_PRIORITY:
        raise Invalid("inventory.short_unknown", field="short", most=MOST_PRIORITY)
    return set_terms(agreement_id, short, {"short": short, "priority": priority}, actor)


@action("inventory.manage_places")
def set_surcharge(agreement_id: int, percent: Decimal, *, actor: Actor) -> SupplyPlace:
    """Say what an emergency order costs more under an agreement of the own organisation as seller. The constraint refuses what is not 0 to 100 %."""
    return set_terms(agreement_id, f"{plain(percent)} %", {"surcharge": percent}, actor)


@action("inventory.manage_places")
def set_reserve_days(agreement_id: int, days: int | None, *, actor: Actor) -> SupplyPlace:
    """Say for how many days goods are kept for a confirmed order under an agreement that nobody has begun to pick; None: until they are picked.

    It holds for orders that are confirmed from now on. NotFound when the own organisation does not sell under it.
    """
    if days is not None and not 1 <= days <= MOST_RESERVE_DAYS:
        raise Invalid("inventory.reserve_days", field="reserve_days", most=MOST_RESERVE_DAYS)
    return set_terms(agreement_id, str(days or ""), {"reserve_days": days}, actor)


@action("inventory.manage_places")
def set_receiving(agreement_id: int, days: int, photos: bool = True, *, actor: Actor) -> SupplyPlace:
    """Say how many days after they should have arrived goods under an agreement are received as sent if nobody counts them (0: never), and whether
    who counts damaged or wrong goods has to send a photo. It holds for everything on its way.

    NotFound when the own organisation does not sell under it.
    """
    if not 0 <= days <= MOST_RECEIPT_DAYS:
        raise Invalid("inventory.receipt_days", field="receipt_days", most=MOST_RECEIPT_DAYS)
    return set_terms(agreement_id, str(days), {"receipt_days": days, "photos": photos}, actor)


def set_terms(agreement_id: int, told: str, terms: dict[str, Any], actor: Actor) -> SupplyPlace:
    """Terms of supply of an agreement under which the own organisation sells; NotFound for any other."""
    sides = rows("SELECT seller_id, buyer_id FROM agreements_agreement WHERE id = %s AND seller_id = %s", (agreement_id, actor.org_id))
    if not sides:
        raise NotFound("inventory.no_agreement")
    made = {**terms, "place_id": queries.unscoped_supply(agreement_id).place_id}
    supply, _made = SupplyPlace.unscoped.update_or_create(agreement_id=agreement_id, defaults=terms, create_defaults=made)
    record(Subject("agreements.agreement", agreement_id, *sides[0]), after=told, detail={name: str(value) for name, value in terms.items()})
    return supply


def own_warehouse(actor: Actor, place_id: int, verb: str) -> Place:
    """A warehouse of the own organisation that is open; Refused for a place that is none, or closed."""
    place = get_visible(actor, Place, place_id, verb)
    if place.closed:
        raise Refused("inventory.place_closed", field="place", place=place.code)
    if place.kind != PlaceKind.STOCK:
        raise Refused("inventory.place_kind", field="place", place=place.code, kind=PlaceKind(place.kind).label)
    return place


def check_lots(lines: Sequence[OpeningLine], tracked: Mapping[int, bool]) -> None:
    """Whoever brings goods of a tracked product names their lot, and nobody names one of another."""
    faults = []
    for n, line in enumerate(lines):
        if tracked[line.product_id] and not line.lot:
            faults.append(Fault("inventory.lot_missing", f"lines.{n}"))
        if line.lot and not tracked[line.product_id]:
            faults.append(Fault("inventory.lot_untracked", f"lines.{n}"))
        if len(line.lot) > MOST_LOT:
            faults.append(Fault("inventory.lot_too_long", f"lines.{n}", {"most": MOST_LOT}))
    raise_if_any(faults, Invalid)


def _products_exist(product_ids: Sequence[int]) -> Mapping[int, bool]:
    """Moves have no foreign key check of their own, so what people type in is looked up; whether each is tracked by lot."""
    known = queries.unscoped_known_products(product_ids)
    raise_if_any([Fault("inventory.no_product", f"lines.{n}") for n, pk in enumerate(product_ids) if pk not in known], Invalid)
    return known


def subject_of(place: Place) -> Subject:
    """A place as the log names it."""
    return Subject("inventory.place", place.pk, place.owner_id, None, place.code)
