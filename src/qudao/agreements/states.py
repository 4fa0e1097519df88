"""The life of an agreement as data, and the sentences of this module."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class AgreementState(TextChoices):
    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    ENDED = "ended", _("Ended")


class InvoiceOn(TextChoices):
    """The moment the title passes and the invoice falls due for making."""

    RECEIPT = "receipt", _("On receipt")
    SHIPMENT = "shipment", _("On shipment")


#: (state, verb) → next state; what is missing is refused.
TRANSITIONS: dict[tuple[str, str], str] = {
    (AgreementState.DRAFT, "activate"): AgreementState.ACTIVE,
    (AgreementState.SUSPENDED, "activate"): AgreementState.ACTIVE,
    (AgreementState.ACTIVE, "suspend"): AgreementState.SUSPENDED,
    (AgreementState.ACTIVE, "end"): AgreementState.ENDED,
    (AgreementState.SUSPENDED, "end"): AgreementState.ENDED,
    (AgreementState.DRAFT, "end"): AgreementState.ENDED,
}

#: told so many days before an agreement runs out, each once (domain C4)
EXPIRY_DAYS = (90, 60, 30, 7, 0)

NOTICES = {
    "agreements.activated": _("{seller} and {buyer} can trade under the agreement {number} from now on."),
    "agreements.suspended": _("The agreement {number} between {seller} and {buyer} is suspended: no new orders. {reason}"),
    "agreements.ended": _("The agreement {number} between {seller} and {buyer} has ended. {reason}"),
    "agreements.min_order_changed": _("Orders under the agreement {number} with {seller} must come to at least {amount} {currency} before tax."),
    "agreements.min_order_dropped": _("Orders under the agreement {number} with {seller} may be of any amount again."),
    "agreements.expiring": _("The agreement {number} between {seller} and {buyer} runs out on {last_day}, in {days} days."),
    "agreements.last_day": _("Today is the last day of the agreement {number} between {seller} and {buyer}."),
}

SENTENCES = {
    "agreements.same_sides": _("An organisation cannot make an agreement with itself."),
    "agreements.none_with_buyer": _("You have no agreement with this buyer."),
    "agreements.several": _("This buyer has several agreements."),
    "agreements.party_closed": _("{name} is closed and makes no new agreements."),
    "agreements.code_missing": _("An agreement needs a code."),
    "agreements.code_taken": _("The code {code} already belongs to another agreement of this seller."),
    "agreements.span_wrong": _("The last day lies before the first day."),
    "agreements.payment_days_wrong": _("The days of payment must lie between 0 and 365."),
    "agreements.currency_wrong": _("The currency is a code of three letters."),
    "agreements.min_order_wrong": _("The smallest order is an amount of 0 or more, with at most two decimals."),
    "agreements.invoice_on_wrong": _("An invoice is made on receipt or on shipment."),
    "agreements.state": _("The agreement {agreement} is in state “{state}”; this is not possible now."),
    "agreements.past": _("The agreement {agreement} ended on {valid_to} and cannot be activated any more."),
    "agreements.active_exists": _("{seller} and {buyer} already have an active agreement in this currency in this time: {other}."),
    "agreements.only_draft": _("The terms of the agreement {agreement} are fixed; only a draft can be changed."),
    "agreements.reason_missing": _("Please give a reason."),
    "agreements.grant_target": _("An authorisation names a product, or a category, or neither; not both."),
    "agreements.product_foreign": _("This product cannot be sold under the agreement {agreement}: the seller does not carry it."),
    "agreements.category_unknown": _("There is no such category."),
    "agreements.grant_exists": _("The agreement already has such an authorisation in this time."),
    "agreements.withdrawn": _("This authorisation has already ended."),
    "agreements.group_incomplete": _("A group needs a code and a name."),
    "agreements.group_taken": _("Another group has the code {code}."),
    "agreements.group_unknown": _("Your organisation has no group with this code."),
    "agreements.member_already": _("The buyer is in the group since {since}, for another time."),
    "agreements.member_left": _("The buyer has left the group by then already."),
    "agreements.member_unknown": _("There is no organisation with the code {code} among those you see."),
    "agreements.rule_whom": _("Name a buyer, or a group, or region, area, channel and tier; nothing means everybody."),
    "agreements.rule_what": _("Name a product, or a category, or a brand; nothing means everything."),
    "agreements.rule_org": _("There is no such organisation among those you see."),
    "agreements.rule_product": _("You do not sell such a product, or your own seller does not show it to you."),
    "agreements.rule_brand": _("There is no such brand."),
    "agreements.rule_over": _("The rule has ended already."),
    "agreements.none": _("There is no agreement between {seller} and {buyer}."),
    "agreements.transfers_suspended": _("Transfers between the two are suspended ({agreement})."),
}

REMEDIES = {
    "agreements.several": _("Name the code of one."),
    "agreements.active_exists": _("End or suspend the other agreement first."),
    "agreements.only_draft": _("End this agreement and draft a new one with the new terms."),
    "agreements.past": _("Draft a new agreement."),
    "agreements.grant_exists": _("Withdraw the other authorisation first."),
    "agreements.none": _("Ask the seller for an agreement."),
    "agreements.transfers_suspended": _("Ask who gives the goods to activate it again."),
}
