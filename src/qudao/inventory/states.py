"""Kinds of places, states of a reservation, how much of the stock a buyer is told, and the sentences of this module's refusals."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class PlaceKind(TextChoices):
    """What a place is for; it never changes, because past moves are read by it."""

    STOCK = "stock", _("Warehouse")
    TRANSIT = "transit", _("In transit")
    CLAIMS = "claims", _("Claims and differences")
    #: Where goods come from and go to when they enter or leave the books; keeps no stock rows.
    OUTSIDE = "outside", _("Outside the books")


class ReservationState(TextChoices):
    """Open while something is neither taken nor released."""

    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


class Shows(TextChoices):
    """What a seller tells a buyer about the stock that supplies the agreement."""

    EXACT = "exact", _("The exact quantity")
    BANDED = "banded", _("In stock, low or out")
    NOTHING = "nothing", _("Nothing")


class Short(TextChoices):
    """What becomes of an order for more than there is."""

    REFUSE = "refuse", _("Refuse the order")
    BACKORDER = "backorder", _("Deliver the rest later")
    CUT = "cut", _("Deliver only what is there")


class Band(TextChoices):
    """Availability without figures."""

    OUT = "out", _("Out of stock")
    LOW = "low", _("Low")
    IN_STOCK = "in_stock", _("In stock")


#: code → kind of the places every organisation has from the start.
STANDARD_PLACES: dict[str, str] = {
    "MAIN": PlaceKind.STOCK,
    "TRANSIT": PlaceKind.TRANSIT,
    "CLAIMS": PlaceKind.CLAIMS,
    "OUTSIDE": PlaceKind.OUTSIDE,
}

#: Below this free quantity (base unit) a buyer reads "low" instead of "in stock".
LOW_BELOW = 10

#: Working days from an order until its goods leave, where the seller says nothing else; and the most it may say.
LEAD_DAYS = 2
MOST_LEAD_DAYS = 260

#: Days a lot must still keep when it is shipped: the most an agreement may ask. Days before its expiry in which a lot is told to expire soon.
MOST_KEEPS_DAYS = 3650
SOON_DAYS = 90
#: Longest lot number (GS1: 20; older ones are longer).
MOST_LOT = 40

#: Characters of the reason for which goods are blocked.
MOST_HELD = 200

#: The highest priority of an agreement when goods come in.
MOST_PRIORITY = 99

#: The most days that goods can be kept for an order nobody has begun to pick.
MOST_RESERVE_DAYS = 365

#: Days after the day goods should have arrived on which what nobody counted counts as received, where the seller says nothing else; the most it may say.
RECEIPT_DAYS = 7
MOST_RECEIPT_DAYS = 365

#: The most places that may serve one buyer.
MOST_PLACES = 10

SENTENCES = {
    "inventory.serves_whom": _("Name either a buyer, a group, a region or an area; nothing means everybody."),
    "inventory.no_places": _("Name the warehouses in their order, each once, at most {most}."),
    "inventory.group_unknown": _("Your organisation has no such group of buyers."),
    "inventory.buyer_unknown": _("There is no such buyer."),
    "inventory.region_unknown": _("There is no such region."),
    "inventory.short": _("Only {available} of {needed} are available: {short} are missing."),
    "inventory.not_reserved": _("{needed} are to be taken from a reservation, but no open reservation holds that much."),
    "inventory.ambiguous_reservation": _("Two documents hold a reservation for a line with the same number; name the document."),
    "inventory.short_unknown": _("An order that is short is refused, kept for later, or cut; the priority is 0 to {most}."),
    "inventory.lead_days": _("Goods leave 0 to {most} working days after the order."),
    "inventory.quantity": _("The quantity must be more than zero, with at most 4 decimals."),
    "inventory.same_place": _("The goods would leave and enter the same place."),
    "inventory.already_reserved": _("Stock is already reserved for this line."),
    "inventory.no_place": _("There is no such place."),
    "inventory.no_warehouse": _("The seller has no main warehouse to deliver from: its warehouse or administrator opens one, MAIN, under Stock → Places."),
    "inventory.place_unknown": _("Your organisation has no warehouse with this code."),
    "inventory.no_longer_free": _("{qty} were received, only {free} of them are still free."),
    "inventory.no_product": _("There is no such product."),
    "inventory.place_kind": _("{place} is of the kind “{kind}”; this needs a warehouse."),
    "inventory.place_code_missing": _("The place needs a code."),
    "inventory.place_code_taken": _("Your organisation already has a place with this code."),
    "inventory.place_closed": _("The warehouse {place} is closed."),
    "inventory.place_open": _("The warehouse {place} is open."),
    "inventory.place_main": _("MAIN stays open: every organisation has it."),
    "inventory.place_not_empty": _("Still in {place}: {n} products."),
    "inventory.place_awaited": _("Orders wait for goods out of {place}."),
    "inventory.place_under_way": _("Goods from {place} are still under way: {numbers}."),
    "inventory.place_supplies": _("Agreements are supplied out of {place}: {codes}."),
    "inventory.place_serves": _("Rules of who is served from where name {place}."),
    "inventory.place_used": _("The warehouse {place} is already used: {where}."),
    "inventory.foreign_place": _("The place does not belong to the selling organisation."),
    "inventory.no_lines": _("There is nothing to post: no line has a quantity."),
    "inventory.lines_wrong": _("Some lines cannot be posted as they are."),
    "inventory.reason_missing": _("Please give a reason."),
    "inventory.no_difference": _("The counted quantity is the quantity on the books: there is nothing to adjust."),
    "inventory.reserved_more": _("{reserved} are reserved; the stock cannot be set to {counted}."),
    "inventory.lots_short": _("Only {available} of {needed} are in lots that still keep long enough."),
    "inventory.lot_short": _("Only {available} of lot {lot} are in this place."),
    "inventory.lots_differ": _("The lots together make {named}, the line needs {needed}."),
    "inventory.lot_unsold": _("Lot {lot} does not keep long enough to be shipped: until {until}, needed until {needed}."),
    "inventory.lot_missing": _("The product is tracked by lot: please name the lot."),
    "inventory.lot_untracked": _("The product is not tracked by lot."),
    "inventory.lot_too_long": _("A lot number has at most {most} characters."),
    "inventory.lot_expiry": _("Lot {lot} expires on {expires} by the books; it cannot have two days."),
    "inventory.foreign_product": _("Only whose product it is can have it tracked by lot."),
    "inventory.shelf_days": _("A product keeps for 1 to {most} days."),
    "inventory.surcharge": _("The surcharge of an emergency is 0 to {most} %."),
    "inventory.keeps": _("A lot must keep for at most {most} days, and at most 100 % of its shelf life."),
    "inventory.reserve_days": _("Goods are kept for 1 to {most} days; nothing means until they are picked."),
    "inventory.held": _("The goods are blocked for quality; they stay where they are."),
    "inventory.lot_held": _("Lot {lot} is blocked for quality; it stays where it is."),
    "inventory.not_held": _("The goods are not blocked."),
    "inventory.hold_by_lot": _("The product is tracked by lot: block its lots."),
    "inventory.held_too_long": _("The reason can have at most {limit} characters."),
    "inventory.goods_held": _("{number} in {place} is blocked for quality: {reason}"),
    "inventory.goods_freed": _("{number} in {place} is released: {reason}"),
    "inventory.receipt_days": _("What nobody counts is received after 0 to {most} days; 0 means never."),
    "inventory.no_agreement": _("There is no such agreement."),
}

REMEDIES = {
    "inventory.held": _("Release them first, or take them from another warehouse."),
    "inventory.lot_held": _("Choose another lot, or release it."),
    "inventory.place_closed": _("Choose another warehouse, or open it again."),
    "inventory.place_not_empty": _("Move the goods into another warehouse first."),
    "inventory.place_awaited": _("Deliver these orders out of another warehouse, or close what is left of them."),
    "inventory.place_under_way": _("Wait until they are received."),
    "inventory.place_supplies": _("Choose another warehouse for these agreements first."),
    "inventory.place_serves": _("Change these rules first."),
    "inventory.place_used": _("Close it instead."),
    "inventory.lots_short": _("Ship less, receive fresher goods, or ask the buyer to take a shorter shelf life."),
    "inventory.lot_unsold": _("Choose a lot that keeps longer."),
    "inventory.no_longer_free": _("Count the rest and adjust the stock."),
    "inventory.short": _("Order less, wait for the next receipt, or split the order."),
    "inventory.not_reserved": _("Release the order and confirm it again, or ship less."),
    "inventory.place_code_taken": _("Choose another code."),
    "inventory.foreign_place": _("Choose one of the seller's warehouses."),
    "inventory.reserved_more": _("Release reservations first, or count again."),
}
#: what the warehouse is told; the texts are in SENTENCES
NOTICES = ("inventory.goods_held", "inventory.goods_freed")
