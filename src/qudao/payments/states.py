"""States and methods of a payment (domain C14), how it was matched, and the words of this module."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(TextChoices):
    """What became of a payment. Announced: the buyer says it is on its way; nothing moves until the seller has the money."""

    ANNOUNCED = "announced", pgettext_lazy("payment", "Announced")
    RECEIVED = "received", pgettext_lazy("payment", "Received, not applied")
    PARTIALLY_APPLIED = "partially_applied", pgettext_lazy("payment", "Partly applied")
    APPLIED = "applied", pgettext_lazy("payment", "Applied")
    DECLINED = "declined", pgettext_lazy("payment", "Not received")


#: the money is there
BOOKED = (State.RECEIVED, State.PARTIALLY_APPLIED, State.APPLIED)
#: something of it can still be applied
UNAPPLIED = (State.RECEIVED, State.PARTIALLY_APPLIED)


class Method(TextChoices):
    """How the money comes."""

    TRANSFER = "transfer", pgettext_lazy("payment", "Bank transfer")
    CARD = "card", pgettext_lazy("payment", "Card")
    WALLET = "wallet", pgettext_lazy("payment", "Mobile wallet")
    CASH = "cash", pgettext_lazy("payment", "Cash")
    DRAFT = "draft", pgettext_lazy("payment", "Acceptance draft")
    OTHER = "other", pgettext_lazy("payment", "Other")


class How(TextChoices):
    """By what rule an amount found its invoice."""

    EXPLICIT = "explicit", pgettext_lazy("match", "Chosen by a person")
    REFERENCE = "reference", pgettext_lazy("match", "Named in the reference")
    EXACT = "exact", pgettext_lazy("match", "The only invoice over this amount")
    OLDEST = "oldest", pgettext_lazy("match", "Oldest due date first")
    NONE = "none", pgettext_lazy("match", "Not applied")


#: what somebody did who brought a payment into a state, for its timeline
DONE = {
    State.ANNOUNCED: _("announced the payment"),
    State.RECEIVED: _("received the money"),
    State.PARTIALLY_APPLIED: _("applied a part of it to invoices"),
    State.APPLIED: _("applied all of it to invoices"),
    State.DECLINED: _("did not receive the money"),
}

SENTENCES = {
    "payments.amount": _("The amount must be more than zero, with at most two decimals."),
    "payments.method": _("There is no such way of paying."),
    "payments.future": _("The day of payment lies in the future."),
    "payments.too_long": _("The text can have at most {limit} characters."),
    "payments.no_agreement": _("There is no agreement between these two organisations."),
    "payments.unknown_invoice": _("There is no open invoice like this between these two organisations."),
    "payments.twice": _("The same invoice is named twice."),
    "payments.more_than_open": _("Only {open} of invoice {number} is still to be paid."),
    "payments.more_than_left": _("{applied} would be applied, but only {left} of the payment is left."),
    "payments.nothing_to_apply": _("There is nothing to apply: no open invoice matches."),
    "payments.illegal": _("Payment {number} is “{state}”; that cannot be done in this state."),
    "payments.reason_needed": _("Say why."),
    "payments.not_your_side": _("You can record payments your own organisation receives, and announce payments it makes."),
    "payments.payment_applied_within_amount": _("More would be applied than was paid."),
    "payments.payment_received": _("The payment of {amount} {currency} was received ({number})."),
    "payments.payment_announced": _("A payment of {amount} {currency} is announced ({number}, {reference})."),
    "payments.payment_declined": _("The announced payment {number} was not received: {reason}"),
}
REMEDIES = {
    "payments.no_agreement": _("Choose another buyer, or make an agreement first."),
    "payments.more_than_open": _("Apply less; what is left of the payment stays unapplied."),
    "payments.more_than_left": _("Apply less."),
    "payments.nothing_to_apply": _("The payment stays unapplied until there is an invoice."),
    "payments.illegal": _("Open the payment to see what comes next."),
}
#: what the other side is told; the texts are in SENTENCES
NOTICES = ("payments.payment_received", "payments.payment_announced", "payments.payment_declined")
