"""The life of a shipment as data (domain C12, C35), kinds of differences, and the words of this module."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(TextChoices):
    """Where a shipment stands. A plan is a shipment nobody has begun to pick."""

    CREATED = "created", pgettext_lazy("shipment", "To pick")
    PICKING = "picking", pgettext_lazy("shipment", "Picking")
    SHIPPED = "shipped", pgettext_lazy("shipment", "On the way")
    PARTLY = "partly", pgettext_lazy("shipment", "Partly received")
    RECEIVED = "received", pgettext_lazy("shipment", "Received")
    REFUSED = "refused", pgettext_lazy("shipment", "Refused")
    CANCELLED = "cancelled", pgettext_lazy("shipment", "Cancelled")


#: (from, event) → to. Everything that is not here is illegal and refused.
TRANSITIONS: dict[tuple[str, str], str] = {
    (State.CREATED, "start_pick"): State.PICKING,
    (State.PICKING, "cancel_pick"): State.CREATED,
    (State.PICKING, "dispatch"): State.SHIPPED,
    (State.CREATED, "ship"): State.SHIPPED,  # picked and dispatched at once
    (State.PICKING, "ship"): State.SHIPPED,
    (State.SHIPPED, "receive"): State.RECEIVED,
    (State.SHIPPED, "refuse"): State.REFUSED,
    (State.SHIPPED, "receive_part"): State.PARTLY,
    (State.PARTLY, "receive_part"): State.PARTLY,
    (State.PARTLY, "receive"): State.RECEIVED,
    (State.PARTLY, "end"): State.RECEIVED,  # nothing more comes
    (State.CREATED, "void"): State.CANCELLED,
    (State.PICKING, "void"): State.CANCELLED,
}

#: working days that goods are on their way, where nobody says more
TRAVEL_DAYS = 2

#: days before goods are received by themselves on which the buyer is told; they never are without
WARN_DAYS = 2

#: goods of these are still in the seller's warehouse
OPEN = (State.CREATED, State.PICKING)
#: goods of these have left
GONE = (State.SHIPPED, State.PARTLY, State.RECEIVED, State.REFUSED)
#: something of these is on its way to the buyer
UNDER_WAY = (State.SHIPPED, State.PARTLY)
#: somebody at the other end has said what came of these, and nothing more comes
COUNTED = (State.RECEIVED, State.REFUSED)


#: what somebody did who brought a shipment into a state, for its timeline
DONE = {
    State.CREATED: _("planned the shipment"),
    State.PICKING: _("began to pick"),
    State.SHIPPED: _("dispatched the goods"),
    State.PARTLY: _("received a part of the goods"),
    State.RECEIVED: _("counted and received the goods"),
    State.REFUSED: _("refused the goods"),
    State.CANCELLED: _("cancelled the plan"),
    # what is written of a difference stands in the life of its shipment
    "investigating": _("investigates a difference"),
    "settled": _("settled a difference"),
    # by the verb: what nobody did
    "fulfilment.take_as_sent": _("received the goods as they were sent: nobody had counted them in time"),
    "packed": _("packed parcels"),
    "unpacked": _("took parcels apart"),
}
#: where the state alone does not say it: (before, after) → what was done
DONE_BY_MOVE = {
    (State.PICKING, State.CREATED): _("stopped picking"),
    (State.PICKING, State.CANCELLED): _("stopped picking"),
}


class DifferenceKind(TextChoices):
    """How what arrived differs from what was shipped."""

    SHORT = "short", pgettext_lazy("difference", "Missing")
    DAMAGED = "damaged", pgettext_lazy("difference", "Damaged")
    OVER = "over", pgettext_lazy("difference", "Too many")
    WRONG = "wrong", pgettext_lazy("difference", "Wrong goods")
    REFUSED = "refused", pgettext_lazy("difference", "Refused")


class DifferenceState(TextChoices):
    """Where a difference stands: nobody has looked at it, somebody has taken it, it is settled."""

    OPEN = "open", pgettext_lazy("difference", "Open")
    INVESTIGATING = "investigating", pgettext_lazy("difference", "Being investigated")
    SETTLED = "settled", pgettext_lazy("difference", "Settled")


#: differences of these wait for the seller
UNSETTLED = (DifferenceState.OPEN, DifferenceState.INVESTIGATING)


class Outcome(TextChoices):
    """What becomes of the goods of a difference."""

    RESTOCKED = "restocked", pgettext_lazy("difference", "Back into stock: found, or returned in good order")
    WRITTEN_OFF = "written_off", pgettext_lazy("difference", "Written off: lost, or beyond repair")
    RETURNED = "returned", pgettext_lazy("difference", "Sent back by the buyer")
    KEPT = "kept", pgettext_lazy("difference", "Kept by the buyer free of charge")


class Liable(TextChoices):
    """Who bears a difference (domain C12)."""

    CARRIER = "carrier", pgettext_lazy("liable", "The carrier")
    WAREHOUSE = "warehouse", pgettext_lazy("liable", "The own warehouse")
    BUYER = "buyer", pgettext_lazy("liable", "The buyer")
    NOBODY = "nobody", pgettext_lazy("liable", "Nobody: goodwill")


class Remedy(TextChoices):
    """What the buyer gets for a difference; nothing when it owes nothing for the goods, or has to bear them."""

    AGAIN = "again", pgettext_lazy("difference", "The goods are sent again")
    CREDIT = "credit", pgettext_lazy("difference", "A credit note on the invoice")


class PackageKind(TextChoices):
    """What goods travel in."""

    CARTON = "carton", pgettext_lazy("parcel", "Carton")
    PALLET = "pallet", pgettext_lazy("parcel", "Pallet")
    OTHER = "other", pgettext_lazy("parcel", "Other")


#: parcels of one shipment
MOST_PACKAGES = 1000

#: kinds of which something the buyer ordered did not reach it, so that it can be sent again or credited
LOST = ("short", "damaged", "wrong", "refused")

#: kind → what may become of it
OUTCOMES: dict[str, tuple[str, ...]] = {
    DifferenceKind.SHORT: (Outcome.RESTOCKED, Outcome.WRITTEN_OFF),
    DifferenceKind.DAMAGED: (Outcome.RESTOCKED, Outcome.WRITTEN_OFF),
    DifferenceKind.OVER: (Outcome.RETURNED, Outcome.KEPT),
    DifferenceKind.WRONG: (Outcome.RETURNED, Outcome.KEPT),
    DifferenceKind.REFUSED: (Outcome.RESTOCKED, Outcome.WRITTEN_OFF),
}
#: outcome → the ways its goods take: (side, from, to). Of wrong goods these are what came instead; what was ordered lies at the seller's all the while.
WAYS: dict[str, tuple[tuple[str, str, str], ...]] = {
    Outcome.RESTOCKED: (("seller", "CLAIMS", "MAIN"),),
    Outcome.WRITTEN_OFF: (("seller", "CLAIMS", "OUTSIDE"),),
    Outcome.RETURNED: (("buyer", "CLAIMS", "OUTSIDE"),),
    Outcome.KEPT: (("buyer", "CLAIMS", "MAIN"), ("seller", "MAIN", "OUTSIDE")),
}

SENTENCES = {
    "fulfilment.illegal": _("Shipment {number} is “{state}”; that cannot be done in this state."),
    "fulfilment.not_confirmed": _("Only a confirmed order can be picked and shipped."),
    "fulfilment.nothing_to_pick": _("Nothing of this order is left to pick."),
    "fulfilment.nothing_to_ship": _("Nothing of this order is left to ship."),
    "fulfilment.no_lines": _("There is nothing to ship: no line has a quantity."),
    "fulfilment.unknown_line": _("This line does not belong to the document."),
    "fulfilment.quantity": _("The quantity must be zero or more, with at most four decimals."),
    "fulfilment.more_than_open": _("Only {open} can be picked of this line."),
    "fulfilment.more_than_expected": _("Only {open} of this line are still to come."),
    "fulfilment.more_than_picked": _("Only {picked} were picked of this line."),
    "fulfilment.not_packed": _("What leaves with shipment {number} is not what is in its parcels."),
    "fulfilment.nothing_to_pack": _("Everything that was picked is in parcels already."),
    "fulfilment.not_picking": _("No shipment {number} of yours is being picked."),
    "fulfilment.not_in_shipment": _("{product} is not in shipment {number}."),
    "fulfilment.parcel_there": _("Parcel {parcel} is there already, with {qty} of it."),
    "fulfilment.parcel_left": _("The parcel has left."),
    "fulfilment.lots_packed": _("The lots you name are not those in the parcels."),
    "fulfilment.sscc": _("{number} is no number of a parcel: an SSCC has 18 digits, the last of which checks the others."),
    "fulfilment.sscc_own": _("{number} belongs to the series from which parcels get their numbers here."),
    "fulfilment.more_than_left": _("Only {left} of this line can be in this parcel."),
    "fulfilment.parcel_size": _("Say how many units go into one parcel: more than zero."),
    "fulfilment.package_kind": _("A parcel is a carton, a pallet or other."),
    "fulfilment.weight": _("The weight is zero or more, in kilograms, with at most three decimals."),
    "fulfilment.too_many_parcels": _("A shipment has at most {limit} parcels."),
    "fulfilment.numbers_used_up": _("All parcel numbers (SSCC) under the GS1 prefix {prefix} are used."),
    "fulfilment.counts_differ": _("{shipped} were shipped, but what was counted of them makes {counted}."),
    "fulfilment.more_than_under_way": _("Only {open} of this line are still under way."),
    "fulfilment.not_yet": _("What is missing or too many is known only when nothing more comes."),
    "fulfilment.nothing_came": _("Nothing is counted; say what has come."),
    "fulfilment.no_parcel": _("{parcel} is no parcel of shipment {number}."),
    "fulfilment.parcel_came": _("Parcel {parcel} was received already."),
    "fulfilment.wrong_unnamed": _("Say which product came instead, and how many."),
    "fulfilment.wrong_product": _("Wrong goods are another product than the one ordered, out of the seller's catalogue."),
    "fulfilment.why_refused": _("Say why the goods are refused."),
    "fulfilment.due_past": _("The day lies in the past."),
    "fulfilment.nobody": _("This person of your organisation cannot settle differences."),
    "fulfilment.buyer_bears": _("What the buyer bears is neither sent again nor credited."),
    "fulfilment.buyer_keeps": _("What the buyer keeps free of charge it does not bear."),
    "fulfilment.remedy": _("Nothing can be sent again or credited for a difference of this kind."),
    "fulfilment.may_not_credit": _("You may not issue credit notes."),
    "fulfilment.not_invoiced": _("Nothing was invoiced for these goods, so there is nothing to credit."),
    "fulfilment.not_outside": _("The seller of this order ships it; receive its shipments."),
    "fulfilment.twice": _("The same line is counted twice."),
    "fulfilment.too_many_photos": _("At most {limit} photos of one line."),
    "fulfilment.lots_unreadable": _("Write the lots as number × quantity, separated by commas; together they make the quantity of the line."),
    "fulfilment.too_long": _("The text can have at most {limit} characters."),
    "fulfilment.shipment_dispatched": _("Shipment {number} has left, by {carrier} {tracking}."),
    "fulfilment.shipment_received": _("Shipment {number} was received in full."),
    "fulfilment.difference_reported": _("Shipment {number} was received with differences in {count} lines."),
    "fulfilment.part_received": _("A part of shipment {number} was received; the rest is still under way."),
    "fulfilment.shipment_refused": _("Shipment {number} was refused: {reason}"),
    "fulfilment.photo_missing": _("Take at least one photo of it: the seller asks for one."),
    "fulfilment.photo_unreadable": _("A photo comes as the Base64 text of a JPEG, PNG or WebP file."),
    "fulfilment.receipt_due": _("Shipment {number} is received as it was sent after {day}, unless you count it."),
    "fulfilment.received_as_sent": _("Nobody counted shipment {number} in time: it is received as it was sent."),
    "fulfilment.difference_taken": _("A difference of shipment {number} is being investigated by {who}."),
    "fulfilment.difference_yours": _("A difference of shipment {number} is yours to settle."),
    "fulfilment.difference_settled": _("A difference of shipment {number} is settled; its page says how."),
    "fulfilment.settled_already": _("This difference of shipment {number} is settled already."),
    "fulfilment.outcome": _("A difference of this kind cannot end so."),
    "fulfilment.liable": _("Say who bears it."),
}
REMEDIES = {
    "fulfilment.illegal": _("Open the shipment to see what comes next."),
    "fulfilment.not_confirmed": _("Open the order to see what it waits for."),
    "fulfilment.more_than_open": _("Pick less; the rest may lie in another shipment."),
    "fulfilment.more_than_expected": _("Count what is beyond it as too many."),
    "fulfilment.more_than_picked": _("Ship less, or cancel the picking and pick again."),
    "fulfilment.parcel_there": _("Change it on the page of the shipment, or name another parcel."),
    "fulfilment.not_picking": _("Start picking first; what has left cannot be packed any more."),
    "fulfilment.lots_packed": _("Change the parcels: what is in them leaves."),
    "fulfilment.sscc_own": _("Leave the number empty; the parcel gets the next one."),
    "fulfilment.not_packed": _("Put the rest into parcels, dispatch only what is in them, or take the parcels apart."),
    "fulfilment.too_many_parcels": _("Put more into each."),
    "fulfilment.numbers_used_up": _("Enter a further GS1 prefix on the organisation's card."),
    "fulfilment.may_not_credit": _("Settle without it, and ask finance for a credit note."),
    "fulfilment.more_than_under_way": _("Count less, or count it as too many with the last receipt."),
    "fulfilment.not_yet": _("Leave it out, or say that nothing more comes."),
    "fulfilment.counts_differ": _("Count again; goods beyond what was shipped go into “too many”."),
}
#: what the other side is told; the texts are in SENTENCES
NOTICES = (
    "fulfilment.shipment_dispatched",
    "fulfilment.shipment_received",
    "fulfilment.part_received",
    "fulfilment.shipment_refused",
    "fulfilment.receipt_due",
    "fulfilment.received_as_sent",
    "fulfilment.difference_reported",
    "fulfilment.difference_taken",
    "fulfilment.difference_yours",
    "fulfilment.difference_settled",
)
