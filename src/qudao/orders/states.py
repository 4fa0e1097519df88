"""The life of an order as data (domain C8, C35), its words, and what its refusals say."""

from __future__ import annotations

from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Status(TextChoices):
    DRAFT = "draft", pgettext_lazy("order", "Draft")
    SUBMITTED = "submitted", pgettext_lazy("order", "Waits for credit")
    IN_REVIEW = "in_review", pgettext_lazy("order", "To approve")
    CONFIRMED = "confirmed", pgettext_lazy("order", "To ship")
    IN_FULFILMENT = "in_fulfilment", pgettext_lazy("order", "In fulfilment")
    DELIVERED = "delivered", pgettext_lazy("order", "Received")
    CLOSED = "closed", pgettext_lazy("order", "Settled")
    REJECTED = "rejected", pgettext_lazy("order", "Rejected")
    CANCELLED = "cancelled", pgettext_lazy("order", "Cancelled")
    CLOSED_SHORT = "closed_short", pgettext_lazy("order", "Closed short")


class Kind(TextChoices):
    """What an order is for. Samples cost nothing and count for no rebate; an emergency has the surcharge of its agreement. An outside purchase
    is of a seller that has nobody here: its buyer writes down what both sides do. A transfer goes from one buyer of a seller to another, which that
    seller arranged.
    """

    REGULAR = "regular", pgettext_lazy("order", "Regular")
    SAMPLE = "sample", pgettext_lazy("order", "Sample")
    EMERGENCY = "emergency", pgettext_lazy("order", "Emergency")
    EXTERNAL = "external", pgettext_lazy("order", "Outside purchase")
    TRANSFER = "transfer", pgettext_lazy("order", "Transfer")


#: the types of orders that no smallest order holds back
FREE_OF_MINIMUM = (Kind.EMERGENCY, Kind.SAMPLE, Kind.TRANSFER)
#: the types that people choose; the others follow from who the two sides are
CHOSEN = tuple((kind.value, kind.label) for kind in (Kind.REGULAR, Kind.SAMPLE, Kind.EMERGENCY))


class Approval(TextChoices):
    NONE = "none", pgettext_lazy("approval", "Not needed")
    PENDING = "pending", pgettext_lazy("approval", "Pending")
    APPROVED = "approved", pgettext_lazy("approval", "Approved")
    REJECTED = "rejected", pgettext_lazy("approval", "Rejected")


class Credit(TextChoices):
    NOT_NEEDED = "not_needed", pgettext_lazy("credit", "Not checked")
    PASS = "pass", pgettext_lazy("credit", "Passed")
    HOLD = "hold", pgettext_lazy("credit", "On hold")
    RELEASED = "released", pgettext_lazy("credit", "Released")


class Allocation(TextChoices):
    NONE = "none", pgettext_lazy("allocation", "Not reserved")
    BACKORDER = "backorder", pgettext_lazy("allocation", "Waits for goods")
    PARTIAL = "partial", pgettext_lazy("allocation", "Reserved in part")
    FULL = "full", pgettext_lazy("allocation", "Reserved")
    LAPSED = "lapsed", pgettext_lazy("allocation", "No longer reserved")
    OUTSIDE = "outside", pgettext_lazy("allocation", "Comes from outside")


class Fulfilment(TextChoices):
    NONE = "none", pgettext_lazy("fulfilment", "Not started")
    PICKING = "picking", pgettext_lazy("fulfilment", "Picking")
    PARTIAL = "partial", pgettext_lazy("fulfilment", "Partly shipped")
    SHIPPED = "shipped", pgettext_lazy("fulfilment", "Shipped")
    RECEIVED = "received", pgettext_lazy("fulfilment", "Received")


#: why what the warehouse has begun with is not given up, by how far it is
BEGUN = dict.fromkeys(Fulfilment.values, "orders.partly_shipped") | dict.fromkeys((Fulfilment.NONE, Fulfilment.PICKING), "orders.being_picked")


class Billing(TextChoices):
    NONE = "none", pgettext_lazy("billing", "Not invoiced")
    PARTIAL = "partial", pgettext_lazy("billing", "Partly invoiced")
    FULL = "full", pgettext_lazy("billing", "Invoiced")


class Payment(TextChoices):
    NONE = "none", pgettext_lazy("payment", "Unpaid")
    PARTIAL = "partial", pgettext_lazy("payment", "Partly paid")
    PAID = "paid", pgettext_lazy("payment", "Paid")


#: (from, event) → to. Everything that is not here is illegal and refused.
TRANSITIONS: dict[tuple[str, str], str] = {
    (Status.DRAFT, "submit"): Status.SUBMITTED,
    (Status.DRAFT, "edit"): Status.SUBMITTED,  # changed, and submitted again in one go
    (Status.SUBMITTED, "edit"): Status.SUBMITTED,
    (Status.IN_REVIEW, "edit"): Status.SUBMITTED,
    (Status.SUBMITTED, "route"): Status.IN_REVIEW,
    (Status.SUBMITTED, "confirm"): Status.CONFIRMED,
    (Status.SUBMITTED, "hold"): Status.SUBMITTED,
    (Status.SUBMITTED, "reject"): Status.REJECTED,
    (Status.SUBMITTED, "withdraw"): Status.DRAFT,
    (Status.SUBMITTED, "cancel"): Status.CANCELLED,
    (Status.IN_REVIEW, "hold"): Status.SUBMITTED,
    (Status.IN_REVIEW, "confirm"): Status.CONFIRMED,
    (Status.IN_REVIEW, "reject"): Status.REJECTED,
    (Status.IN_REVIEW, "withdraw"): Status.DRAFT,
    (Status.IN_REVIEW, "return"): Status.DRAFT,
    (Status.DRAFT, "cancel"): Status.CANCELLED,
    (Status.IN_REVIEW, "cancel"): Status.CANCELLED,
    (Status.CONFIRMED, "cancel"): Status.CANCELLED,
    (Status.CONFIRMED, "amend"): Status.CONFIRMED,
    (Status.IN_FULFILMENT, "amend"): Status.IN_FULFILMENT,
    (Status.CONFIRMED, "keep"): Status.CONFIRMED,
    (Status.IN_REVIEW, "split"): Status.IN_REVIEW,
    (Status.CONFIRMED, "split"): Status.CONFIRMED,
    (Status.IN_FULFILMENT, "split"): Status.IN_FULFILMENT,
    (Status.CONFIRMED, "start_pick"): Status.IN_FULFILMENT,
    (Status.IN_FULFILMENT, "start_pick"): Status.IN_FULFILMENT,
    (Status.IN_FULFILMENT, "undo_pick"): Status.CONFIRMED,
    (Status.CONFIRMED, "ship"): Status.IN_FULFILMENT,  # picked and dispatched in one go
    (Status.IN_FULFILMENT, "ship"): Status.IN_FULFILMENT,
    (Status.IN_FULFILMENT, "receive"): Status.IN_FULFILMENT,
    (Status.IN_FULFILMENT, "all_received"): Status.DELIVERED,
    (Status.IN_FULFILMENT, "close_short"): Status.CLOSED_SHORT,
    (Status.DELIVERED, "close"): Status.CLOSED,
    (Status.IN_FULFILMENT, "again"): Status.IN_FULFILMENT,  # what did not reach the buyer is sent once more
    (Status.DELIVERED, "again"): Status.IN_FULFILMENT,
    (Status.CLOSED, "again"): Status.IN_FULFILMENT,
    (Status.CONFIRMED, "again_whole"): Status.CONFIRMED,  # the same, and nothing else of the order has left
    (Status.IN_FULFILMENT, "again_whole"): Status.CONFIRMED,
    (Status.DELIVERED, "again_whole"): Status.CONFIRMED,
    (Status.CLOSED, "again_whole"): Status.CONFIRMED,
    (Status.CLOSED, "unpay"): Status.DELIVERED,  # what settled its last invoice was taken back
}

#: where an order is still under way
OPEN = (Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.CONFIRMED, Status.IN_FULFILMENT, Status.DELIVERED)

#: what was done, by the state it led to: the words of the timeline
DONE: dict[str, Any] = {
    Status.DRAFT: _("took the order back"),
    Status.SUBMITTED: _("placed the order; it waits for credit"),
    Status.IN_REVIEW: _("placed the order"),
    Status.CONFIRMED: _("placed the order; credit held, stock reserved"),
    Status.REJECTED: _("rejected the order"),
    Status.CANCELLED: _("cancelled the order; credit and stock released"),
    Status.IN_FULFILMENT: _("began to ship"),
    Status.DELIVERED: _("confirmed the last receipt"),
    Status.CLOSED: _("applied the last payment"),
    Status.CLOSED_SHORT: _("gave up the rest"),
    "sent_again": _("sends again what did not arrive"),
}
#: the same of an outside purchase: nothing is held of a seller's goods that are not in the books
DONE_OUTSIDE: dict[str, Any] = {
    **DONE,
    Status.CONFIRMED: _("made the order final; it goes to the outside seller"),
    Status.CANCELLED: _("cancelled the order"),
    Status.IN_FULFILMENT: _("began to receive"),
    "acknowledged": _("wrote down what the seller confirmed"),
}
#: the same of a transfer, which neither of its sides began
DONE_TRANSFER: dict[str, Any] = {
    **DONE,
    Status.IN_REVIEW: _("arranged the transfer"),
    Status.REJECTED: _("declined the transfer"),
    Status.CANCELLED: _("cancelled the transfer"),
}
#: what was done, by the verb of the log line, where the states do not tell
DONE_BY_VERB: dict[str, Any] = {
    "orders.return": _("sent the order back for change"),
    "orders.readdress": _("changed the delivery address"),
    "orders.refill": _("goods came in for what was backordered"),
    "orders.keep": _("keeps the goods for longer"),
    "orders.lapse": _("nobody began to pick in time; the goods are free for others"),
}
#: a change of what is ordered: (somebody must sign it, what was decided)
CHANGED: dict[tuple[bool, bool | None], Any] = {
    (False, None): _("changed what is ordered"),
    (True, None): _("asked to change what is ordered"),
    (False, True): _("approved the change"),
    (False, False): _("the change is refused or taken back"),
}
#: an order was changed before it was final
EDITED = _("changed the order and submitted it again")
#: what was said of an order that a part was taken out of, and of that part
SPLIT = (_("took a part out into {number}: {changes}"), _("took it out of {number}"))
#: where the same state is reached by another act: (from, to)
DONE_BY_MOVE: dict[tuple[str, str], Any] = {
    (Status.IN_REVIEW, Status.IN_REVIEW): _("signed; another signature is needed"),
    (Status.IN_REVIEW, Status.CONFIRMED): _("approved; credit held, stock reserved"),
    (Status.IN_REVIEW, Status.SUBMITTED): _("approved; the order waits for credit"),
    (Status.SUBMITTED, Status.CONFIRMED): _("credit is free again: held, stock reserved"),
    (Status.IN_FULFILMENT, Status.CONFIRMED): _("stopped picking"),
}

#: why an order waits and what releases it, by the reason of `funds`: for the seller, for the buyer
HELD: dict[str, tuple[Any, Any]] = {
    "funds.limit": (
        _("Of the limit of {limit}, {exposure} are in use: {short} are missing for this order. A payment or a higher limit releases it."),
        _("Of your limit of {limit}, {exposure} are in use: {short} are missing for this order. It is confirmed by itself when you have paid so much."),
    ),
    "funds.shared_limit": (
        _("Of the shared limit of {limit}, {used} are in use: {short} are missing for this order. A payment or a higher limit releases it."),
        _("Of the limit of {limit} that you share, {used} are in use: {short} are missing for this order. It is confirmed by itself when so much is paid."),
    ),
    "funds.line_limit": (
        _("Of the limit of {limit} for {line}, {used} are in use: {short} are missing for this order. A payment or a higher limit releases it."),
        _("Of your limit of {limit} for {line}, {used} are in use: {short} are missing for this order. It is confirmed by itself when you have paid so much."),
    ),
    "funds.deposit": (
        _("{short} of the deposit are missing. Its payment releases the order."),
        _("{short} of your deposit are missing. It is confirmed by itself when the deposit is paid."),
    ),
    "funds.prepaid": (
        _("The prepaid balance is {balance}, {frozen} of it are frozen for orders: {short} are missing for this order. A payment releases it."),
        _("Of your prepaid balance of {balance}, {frozen} are frozen: {short} are missing. It is confirmed by itself when you have paid so much."),
    ),
    "funds.overdue": (
        _("{amount} are overdue, the oldest for {days} days. The payment releases it; so do more days of grace."),
        _("{amount} of your invoices are overdue, the oldest for {days} days. It is confirmed by itself when they are paid."),
    ),
    "funds.frozen": (
        _("The credit account is stopped. Letting it pass again releases the order."),
        _("Your credit account is stopped. Ask the seller's finance; the order is confirmed by itself when the account is open again."),
    ),
    "funds.by_hand_hold": (
        _("New orders wait because somebody put the account on hold. Letting it pass again releases the order."),
        _("The seller lets your new orders wait. Ask its finance; the order is confirmed by itself when the hold ends."),
    ),
    "funds.no_account": (_("There is no credit account. Opening one releases the order."), _("There is no credit account. Ask the seller's finance.")),
}
HELD_NO_MORE = _("Its credit would pass now. It is confirmed with the next try, provided that the goods are in stock.")
HELD_UNSEEN = _("It waits for credit and is confirmed by itself when there is some.")

#: why submissions are refused, as figures tell it: reason → (its words, the codes of its faults; one that ends in a dot stands for all of a module)
REASONS: dict[str, tuple[Any, tuple[str, ...]]] = {
    "product": (_("Unknown product"), ("orders.unknown_product",)),
    "offer": (_("Not sold to this buyer"), ("orders.not_offered", "orders.not_authorised", "orders.product_blocked")),
    "price": (_("No price"), ("orders.no_price", "pricing.rate_missing")),
    "quantity": (
        _("Wrong quantity"),
        (
            *("orders.not_multiple", "orders.below_minimum", "orders.above_maximum", "orders.qty_not_positive", "orders.qty_too_fine"),
            "portal.qty_unreadable",
        ),
    ),
    "least": (_("Too small an order"), ("orders.below_amount",)),
    "credit": (_("Not enough credit"), ("funds.",)),
    "stock": (_("Short of goods"), ("inventory.",)),
    "quota": (_("Beyond the share of scarce goods"), ("quotas.",)),
    "twin": (_("Ordered just before"), ("orders.twin",)),
    "terms": (
        _("No terms of trade"),
        ("orders.no_agreement", "orders.no_agreement_in", "orders.currency_needed", "orders.agreement_suspended", "orders.dealer_not_active"),
    ),
    "other": (_("Something else"), ()),
}


def reason_of(code: str) -> str:
    """Among which reason figures count a fault."""
    return next((key for key, (_words, codes) in REASONS.items() if code in codes or f"{code.partition('.')[0]}." in codes), "other")


SENTENCES = {
    "orders.illegal": _("This order is “{status}”; that cannot be done in this state."),
    "orders.no_agreement": _("There is no active agreement between the seller and the buyer on {day}."),
    "orders.no_agreement_in": _("There is no active agreement in {currency} between the seller and the buyer on {day}."),
    "orders.currency_needed": _("The two have agreements in several currencies ({currencies}): say in which one this is ordered."),
    "orders.agreement_suspended": _("The agreement {agreement} is suspended, so no new orders are taken under it."),
    "orders.dealer_not_active": _("{name} is not active, so no new orders are taken."),
    "orders.same_sides": _("Seller and buyer are the same organisation."),
    "orders.not_your_trade": _("You can order only for your own organisation, or enter orders your own organisation sells."),
    "orders.no_lines": _("An order needs at least one line."),
    "orders.too_many_lines": _("An order can have at most {limit} lines."),
    "orders.too_many_orders": _("At most {limit} orders can be placed at once."),
    "orders.qty_not_positive": _("The quantity must be more than zero."),
    "orders.qty_too_fine": _("The quantity can have at most four decimals and must be below {limit}."),
    "orders.unknown_product": _("There is no product “{product}” that you can order."),
    "orders.product_blocked": _("{product} is not sold any more."),
    "orders.below_minimum": _("{product}: the smallest quantity is {minimum} {unit}."),
    "orders.above_maximum": _("{product}: one order takes at most {maximum} {unit}."),
    "orders.below_amount": _("An order must come to {least} {currency} before tax; this one comes to {net}, {missing} are missing."),
    "orders.not_multiple": _("{product} is sold in multiples of {multiple} {unit}."),
    "orders.not_offered": _("{product} is not offered to this buyer."),
    "orders.not_authorised": _("{product} is not covered by an authorisation of this agreement."),
    "orders.no_price": _("{product} has no price for this buyer on {day}."),
    "orders.date_passed": _("The requested date {day} has passed."),
    "orders.being_picked": _("The warehouse is picking this order."),
    "orders.partly_shipped": _("A part of this order has left already."),
    "orders.reason_needed": _("Say why."),
    "orders.nothing_shipped": _("Nothing of this order has been shipped yet."),
    "orders.shipment_open": _("A shipment of this order is still under way."),
    "orders.more_than_ordered": _("Line {no}: more than was ordered."),
    "orders.address_unknown": _("The buyer has no such delivery address in use."),
    "orders.shipped_already": _("The goods have left; the delivery address can no longer be changed."),
    "orders.changed": _("The order was changed meanwhile."),
    "orders.nothing_to_sign": _("This order is approved already; it waits for credit."),
    "orders.not_held": _("Order {number} does not wait for credit."),
    "orders.twin": _("The same lines were ordered as {number} within the last {minutes} minutes."),
    "orders.kind_unknown": _("There is no such type of order."),
    "orders.kind_sides": _("A seller that has nobody here sells by outside purchases only, and nobody else does."),
    "orders.transfer_unknown": _("Goods are passed on only between organisations that buy from you."),
    "orders.transfer_unanswered": _("Nobody there may accept: it has no people who approve orders."),
    "orders.transfer_answered": _("It was answered already."),
    "orders.transfer_fixed": _("A transfer stays as it was arranged."),
    "orders.lines_wrong": _("Some lines cannot be passed on as they are."),
    "orders.not_outside": _("Only a purchase from an outside seller that is final can be confirmed by it."),
    "orders.sample_reason": _("Say in the note what the samples are for."),
    "orders.sample_unsigned": _("Samples are entered by the seller, or signed for: no approval flow asks for that."),
    "orders.lapsed": _("Its goods are free for others; the seller has to reserve them again first."),
    "orders.not_limited": _("The goods of this order are kept until they are picked."),
    "orders.keep_longer": _("Name a later day than {day}, within a year."),
    "orders.no_such_line": _("The order has no such line."),
    "orders.nothing_changed": _("Nothing was changed."),
    "orders.nothing_left": _("Nothing would be left of the order."),
    "orders.nothing_to_split": _("Say what is taken out."),
    "orders.comes_again": _("Some goods of this order are invoiced and are to be sent again; they cannot be given up."),
    "orders.split_all": _("Nothing would be left in the order itself."),
    "orders.approval_pending": _("A change of this order waits for approval already."),
    "orders.other_agreement": _("The order was made under another agreement than the one in force today."),
    "orders.short_unknown": _("An order that is short is refused, kept for later, or cut."),
    "orders.order_client_unique": _("An order with this client id exists already."),
}
NOTICES = {
    "orders.readdressed": _("{number} now goes to {address}."),
    "orders.transfer_asked": _("{number}: you are asked to pass goods on to {name}."),
    "orders.transfer_arranged": _("{number}: {name} is asked to pass goods on to you."),
    "orders.transfer_accepted": _("{number}: the goods are passed on."),
    "orders.transfer_declined": _("{number}: the goods are not passed on: {reason}"),
    "orders.amended": _("{number} was changed: {changes}."),
    "orders.edited": _("{number} was changed and submitted again: {changes}."),
    "orders.edited_head": _("{number} was changed and submitted again; its lines are the same."),
    "orders.split": _("A part of {number} is the order {new} now: {changes}."),
    "orders.amendment_asked": _("A change of {number} waits for approval: {changes}."),
    "orders.amendment_rejected": _("The change of {number} was refused ({changes}): {reason}"),
    "orders.backordered": _("{number} is confirmed; {lines} of its lines wait for goods."),
    "orders.runs_out": _("Nobody has begun to pick {number}: its goods are kept until {day}, then they are free for others."),
    "orders.ran_out": _("Nobody began to pick {number}: its goods are free for others. The seller can reserve them again."),
    "orders.kept": _("The goods of {number} are kept until {day}."),
    "orders.refilled": _("Goods for {number} came in; it is complete and leaves on {day}."),
    "orders.refilled_in_part": _("Goods for {number} came in; {lines} of its lines wait for more."),
    "orders.confirmed": _("{number} is confirmed."),
    "orders.final": _("{number} is final: send it to the seller, and write down what it confirms."),
    "orders.acknowledged": _("The seller of {number} has confirmed it for {day}."),
    "orders.held": _("{number} was placed and waits for credit."),
    "orders.on_hold": _("{number} is approved and waits for credit: it is confirmed by itself as soon as money arrives."),
    "orders.rejected": _("{number} was rejected: {reason}"),
    "orders.returned": _("{number} came back for change: {reason}"),
    "orders.cancelled": _("{number} was cancelled: {reason}"),
    "orders.closed_short": _("The rest of {number} will not be shipped: {reason}"),
}

REMEDIES = {
    "orders.sample_unsigned": _("Ask the seller to enter the order, or to name who approves samples."),
    "orders.twin": _("Say that it is meant twice, or leave it."),
    "orders.comes_again": _("Ship them; then credit what the buyer does not want."),
    "orders.transfer_fixed": _("Cancel it and have another arranged."),
    "orders.transfer_unanswered": _("Give somebody there the role of dealer administrator, or let another one give the goods."),
    "orders.transfer_unknown": _("Choose two buyers with active agreements of yours."),
    "orders.nothing_left": _("Cancel the order instead."),
    "orders.split_all": _("Leave some of it in the order."),
    "orders.approval_pending": _("Wait for the decision, or take the change back."),
    "orders.other_agreement": _("Place a new order."),
    "orders.illegal": _("Open the order to see what comes next."),
    "orders.no_agreement": _("Ask the seller for an agreement, or choose another buyer."),
    "orders.no_agreement_in": _("Choose another currency, or make an agreement in this one first."),
    "orders.currency_needed": _("Choose the currency."),
    "orders.agreement_suspended": _("Ask the seller to resume the agreement."),
    "orders.dealer_not_active": _("Ask the channel manager to resume the organisation."),
    "orders.unknown_product": _("Check the code, or search by name."),
    "orders.product_blocked": _("Take the line out, or choose its successor."),
    "orders.below_amount": _("Order more, or order it as an emergency."),
    "orders.below_minimum": _("Order at least {minimum}."),
    "orders.above_maximum": _("Order at most {most} here."),
    "orders.not_multiple": _("Order {lower} or {upper}."),
    "orders.not_offered": _("Take the line out; the seller decides by its assortment rules."),
    "orders.not_authorised": _("Ask the seller to authorise it, or take the line out."),
    "orders.no_price": _("Ask the seller to set a price, or take the line out."),
    "orders.date_passed": _("Choose today or a later day."),
    "orders.address_unknown": _("Choose one of the buyer's addresses, or add it first."),
    "orders.shipped_already": _("Ask the carrier, or send the goods back."),
    "orders.being_picked": _("Cancel the picking first; then the order can be cancelled."),
    "orders.partly_shipped": _("The seller can close the rest short as soon as what left is received."),
    "orders.nothing_shipped": _("Cancel the order instead."),
    "orders.shipment_open": _("Receive or cancel the shipment first."),
}
