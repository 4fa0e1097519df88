"""States of an invoice (domain C14) and the words of this module."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(TextChoices):
    """How much of an invoice is paid. An invoice is never changed or taken back; credit notes come as documents of their own."""

    ISSUED = "issued", pgettext_lazy("invoice", "To pay")
    PARTIALLY_PAID = "partially_paid", pgettext_lazy("invoice", "Partly paid")
    PAID = "paid", pgettext_lazy("invoice", "Paid")


class Every(TextChoices):
    """How often what was delivered is invoiced together."""

    WEEK = "week", _("Every week")
    HALF = "half", _("Twice a month")
    MONTH = "month", _("Every month")


class Often(TextChoices):
    """How often it is invoiced, as a file says it: together, or each delivery by itself."""

    EACH = "each", _("Each delivery at once")
    WEEK = Every.WEEK.value, Every.WEEK.label
    HALF = Every.HALF.value, Every.HALF.label
    MONTH = Every.MONTH.value, Every.MONTH.label


#: what somebody did who brought an invoice into a state, for its timeline
DONE = {
    State.ISSUED: _("issued the invoice"),
    State.PARTIALLY_PAID: _("booked a part payment"),
    State.PAID: _("booked the payment of the rest"),
}

SENTENCES = {
    "billing.more_than_open": _("Only {open} of invoice {number} is still to be paid."),
    "billing.unknown_invoice": _("There is no such invoice between these two organisations."),
    "billing.amount": _("The amount must be more than zero, with at most two decimals."),
    "billing.invoice_paid_within_gross": _("More would be paid than the invoice amounts to."),
    "billing.invoiceline_credited_within_line": _("More would be credited than was invoiced."),
    "billing.sellers_paper": _("This seller sends its invoices: enter the number and the date of its paper."),
    "billing.sellers_number": _("The seller of this order numbers its invoices here."),
    "billing.nothing_received": _("Nothing was received that is not invoiced yet."),
    "billing.differs": _("What was received comes to {ours} {currency} at the agreed prices; the invoice says {theirs}."),
    "billing.number": _("An invoice has a number of at most {most} characters."),
    "billing.future": _("The invoice cannot be dated in the future."),
    "billing.due_before": _("An invoice is not due before its date."),
    "billing.invoice_number_unique": _("The seller already has an invoice with this number."),
    "billing.day_wrong": _("A week has days 1 to 7, a month 1 to 31."),
    "billing.every_wrong": _("Say how often it is invoiced."),
    "billing.cycle_waits": _("Deliveries wait to be invoiced together."),
    "billing.nothing_to_collect": _("Nothing was delivered under {agreement} that is not invoiced yet."),
    "billing.collective_issued": _("Collective invoice {number} over {gross} {currency}, of {parts} orders, is due on {due_on}."),
    "billing.invoice_issued": _("Invoice {number} over {gross} {currency} is due on {due_on}."),
}
REMEDIES = {
    "billing.cycle_waits": _("End it on the agreement: what waits is invoiced then."),
    "billing.differs": _("Ask the seller for a corrected invoice, or settle what differs on the receipt first."),
    "billing.more_than_open": _("Apply less; what is left of the payment stays unapplied."),
    "billing.invoice_paid_within_gross": _("Apply less; what is left of the payment stays unapplied."),
}
#: what the other side is told; the texts are in SENTENCES
NOTICES = ("billing.invoice_issued", "billing.collective_issued")
