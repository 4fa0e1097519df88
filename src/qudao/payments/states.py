"""States and methods of a payment (domain C14), how it was matched, and the words of this module."""

from __future__ import annotations

from decimal import Decimal

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
    WITHDRAWN = "withdrawn", pgettext_lazy("payment", "Withdrawn")


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
    CREDIT_NOTE = "credit_note", pgettext_lazy("payment", "Credit note")
    DEPOSIT = "deposit", pgettext_lazy("payment", "From the deposit")


#: the ways on which money comes; a credit note is issued, not received, and a deposit was received before
PAID_BY = tuple(method for method in Method if method not in (Method.CREDIT_NOTE, Method.DEPOSIT))


class Reason(TextChoices):
    """Why a part of an invoice goes back."""

    MISSING = "missing", pgettext_lazy("credit note", "Goods did not arrive")
    DAMAGED = "damaged", pgettext_lazy("credit note", "Goods damaged or faulty")
    RETURNED = "returned", pgettext_lazy("credit note", "Goods returned")
    PRICE = "price", pgettext_lazy("credit note", "Price too high")
    OTHER = "other", pgettext_lazy("credit note", "Other reason")


class How(TextChoices):
    """By what rule an amount found its invoice."""

    EXPLICIT = "explicit", pgettext_lazy("match", "Chosen by a person")
    REFERENCE = "reference", pgettext_lazy("match", "Named in the reference")
    EXACT = "exact", pgettext_lazy("match", "The only invoice over this amount")
    OLDEST = "oldest", pgettext_lazy("match", "Oldest due date first")
    BALANCE = "balance", pgettext_lazy("match", "From the prepaid balance")
    CREDIT = "credit_note", pgettext_lazy("match", "Credit note for this invoice")
    DIFFERENCE = "difference", pgettext_lazy("match", "Small difference")
    REFUND = "refund", pgettext_lazy("match", "Refunded to the buyer")
    NONE = "none", pgettext_lazy("match", "Not applied")


#: up to how much is a small difference where a seller says nothing, and the most that may be said
SMALL, MOST_DIFFERENCE = Decimal("1.00"), Decimal("100.00")

#: what somebody did who brought a payment into a state, for its timeline
DONE = {
    State.ANNOUNCED: _("announced the payment"),
    State.RECEIVED: _("received the money"),
    State.PARTIALLY_APPLIED: _("applied a part of it to invoices"),
    State.APPLIED: _("applied all of it to invoices"),
    State.DECLINED: _("did not receive the money"),
    State.WITHDRAWN: _("withdrew what was recorded by mistake"),
    "payments.refund": _("sent money back to the buyer"),
}

#: the same of a credit note
CREDITED = DONE | {state: _("issued the credit note") for state in (State.RECEIVED, State.PARTIALLY_APPLIED, State.APPLIED)}

SENTENCES = {
    "payments.amount": _("The amount must be more than zero, with at most two decimals."),
    "payments.method": _("There is no such way of paying."),
    "payments.future": _("The day of payment lies in the future."),
    "payments.too_long": _("The text can have at most {limit} characters."),
    "payments.no_agreement": _("There is no agreement between these two organisations."),
    "payments.no_agreement_in": _("There is no agreement in {currency} between these two organisations."),
    "payments.currency_needed": _("The two have agreements in several currencies ({currencies}): say in which one was paid."),
    "payments.unknown_invoice": _("There is no open invoice like this between these two organisations."),
    "payments.twice": _("The same invoice is named twice."),
    "payments.more_than_open": _("Only {open} of invoice {number} is still to be paid."),
    "payments.more_than_left": _("{applied} would be applied, but only {left} of the payment is left."),
    "payments.deposit_beyond_debt": _("Only {owed} are owed; no more than a debt can be deducted from a deposit."),
    "payments.other_terms": _("The deposit is kept under an agreement in another currency than what is owed."),
    "payments.deposit_deducted": _("{amount} {currency} were deducted from the deposit ({number}): {reason}"),
    "payments.nothing_to_apply": _("There is nothing to apply: no open invoice matches."),
    "payments.duty_announced": _("You announced {number} yourself, so somebody else must confirm it."),
    "payments.duty_recorded": _("You recorded {number} yourself, so somebody else must send the money back."),
    "payments.duty_ordered": _("You ordered or signed {number} yourself, so somebody else must pay it."),
    "payments.illegal": _("Payment {number} is “{state}”; that cannot be done in this state."),
    "payments.reason_needed": _("Say why."),
    "payments.not_your_side": _("You can record payments your own organisation receives, and announce payments it makes."),
    "payments.payment_applied_within_amount": _("More would be applied than was paid."),
    "payments.payment_received": _("The payment of {amount} {currency} was received ({number})."),
    "payments.payment_announced": _("A payment of {amount} {currency} is announced ({number}, {reference})."),
    "payments.payment_withdrawn": _("Payment {number} of {amount} {currency} was recorded by mistake and is withdrawn: {reason}"),
    "payments.withdraw_applied": _("Payment {number} pays invoices or went back already; it stays."),
    "payments.withdraw_credit": _("{number} is no money that came; it stays."),
    "payments.withdraw_held": _("Orders under prepaid terms hold the money of {number}; it stays."),
    "payments.confirmed_stays": _("{number} was announced by the buyer and is confirmed; it stays."),
    "payments.payment_declined": _("The announced payment {number} was not received: {reason}"),
    "payments.creditnote_is_append_only": _("A credit note that was issued stays as it is."),
    "payments.creditline_is_append_only": _("A credit note that was issued stays as it is."),
    "payments.credit_issued": _("Credit note {number} over {amount} {currency} for invoice {invoice}."),
    "payments.reason": _("There is no such reason."),
    "payments.nothing_to_credit": _("Say of which lines how much is taken back."),
    "payments.unknown_line": _("This line is not on the invoice."),
    "payments.credit_qty": _("The quantity must be more than zero."),
    "payments.credit_both": _("Give a quantity or an amount, not both."),
    "payments.credit_qty_left": _("Only {left} of this line can still be credited."),
    "payments.credit_amount_left": _("Only {left} of this line can still be credited."),
    "payments.not_small": _("{amount} is more than the {limit} {currency} that may be closed as a small difference."),
    "payments.nothing_left": _("Nothing is left."),
    "payments.nothing_paid": _("Nothing is paid of this invoice yet: that is no small difference."),
    "payments.not_a_difference": _("Only a small difference that was not taken back yet can be taken back."),
    "payments.refund_over_left": _("Only {left} is left of this payment."),
    "payments.limit": _("The limit must be zero or more and at most {most}, with at most two decimals."),
    "payments.currency": _("A currency has three capital letters."),
    "payments.refunded": _("{amount} {currency} of payment {number} were sent back: {reference}"),
    "payments.payer_unknown": _("Nobody is known as “{payer}”, and the reference names no invoice."),
    "payments.payer_like": _("Nobody is known as “{payer}”. Perhaps: {codes}."),
    "payments.payer_unclear": _("More than one could have paid: {codes}."),
    "payments.payer_differs": _("“{payer}” paid, but the reference names an invoice of {other}."),
    "payments.part_of_pool": _("{number} is a part of a payment of the head office, which is confirmed, declined or withdrawn as a whole."),
    "payments.payer_not_above": _("The payer stands above the buyer in the network and is not the seller."),
    "payments.no_branches": _("There is no branch for which this organisation pays this seller."),
    "payments.pool_currency": _("The branches have several currencies; say which one was paid."),
    "payments.rest_elsewhere": _("What is left can only be kept for a branch for which the payer pays."),
    "payments.pool_received": _("The payment of {amount} {currency} for {parts} branches was received ({number})."),
    "payments.pool_announced": _("A payment of {amount} {currency} for {parts} branches is announced ({number}, {reference})."),
    "payments.pool_declined": _("The announced payment {number} was not received: {reason}"),
    "payments.booked_before": _("This line is booked already, as {number}."),
    "payments.announced_twice": _("Several payments of this amount are announced: {numbers}."),
}
REMEDIES = {
    **dict.fromkeys(
        ("payments.duty_announced", "payments.duty_recorded", "payments.duty_ordered"), _("Ask a colleague: your organisation keeps duties apart.")
    ),
    "payments.no_agreement": _("Choose another buyer, or make an agreement first."),
    "payments.no_agreement_in": _("Choose another currency."),
    "payments.currency_needed": _("Choose the currency of the money."),
    "payments.more_than_open": _("Apply less; what is left of the payment stays unapplied."),
    "payments.more_than_left": _("Apply less."),
    "payments.not_small": _("Record the missing payment, issue a credit note, or send the money back."),
    "payments.payer_unknown": _("Write the code of the buyer."),
    "payments.payer_like": _("Write the code of the right one."),
    "payments.payer_unclear": _("Write the code of the right one."),
    "payments.payer_differs": _("Ask the payer, and write the right code or reference."),
    "payments.booked_before": _("Leave the row out; if it is other money, give the bank's number of the line."),
    "payments.announced_twice": _("Confirm the right one by hand and leave the row out."),
    "payments.withdraw_applied": _("Send back what is left, or issue a credit note."),
    "payments.nothing_to_apply": _("The payment stays unapplied until there is an invoice."),
    "payments.part_of_pool": _("Open the whole payment."),
    "payments.no_branches": _("The seller names the payer on the agreement of each branch."),
    "payments.illegal": _("Open the payment to see what comes next."),
}
#: what the other side is told; the texts are in SENTENCES
NOTICES = (
    *("payments.payment_received", "payments.payment_announced", "payments.payment_declined", "payments.payment_withdrawn"),
    *("payments.pool_received", "payments.pool_announced", "payments.pool_declined"),
    *("payments.credit_issued", "payments.refunded", "payments.deposit_deducted"),
)
