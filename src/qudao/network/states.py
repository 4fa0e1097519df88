"""Kinds and states of an organisation, which kind may stand under which, and the sentences of this module's refusals."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class OrgKind(TextChoices):
    """What an organisation is in the network."""

    HQ = "hq", _("Headquarters")
    REGION = "region", _("Region")
    DEALER = "dealer", _("Dealer")
    OUTLET = "outlet", _("Outlet")
    SUPPLIER = "supplier", _("Supplier")
    CUSTOMER = "customer", _("Customer")


class OrgState(TextChoices):
    """Whether an organisation may start new business."""

    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    CLOSED = "closed", _("Closed")


#: Which kinds may be the parent of a kind; an empty set: the kind stands at the root.
PARENTS: dict[str, frozenset[str]] = {
    OrgKind.HQ: frozenset(),
    OrgKind.REGION: frozenset({OrgKind.HQ, OrgKind.REGION}),
    OrgKind.DEALER: frozenset({OrgKind.HQ, OrgKind.REGION, OrgKind.DEALER}),
    OrgKind.OUTLET: frozenset({OrgKind.HQ, OrgKind.REGION, OrgKind.DEALER}),
    OrgKind.SUPPLIER: frozenset({OrgKind.HQ, OrgKind.REGION, OrgKind.DEALER, OrgKind.OUTLET}),
    OrgKind.CUSTOMER: frozenset({OrgKind.HQ, OrgKind.REGION, OrgKind.DEALER, OrgKind.OUTLET}),
}

#: Kinds that sell on and therefore are one step further from the brand than their parent.
TIERED = frozenset({OrgKind.DEALER, OrgKind.OUTLET, OrgKind.CUSTOMER})

#: (state, verb) → next state; what is missing is refused.
TRANSITIONS: dict[tuple[str, str], str] = {
    (OrgState.ACTIVE, "suspend"): OrgState.SUSPENDED,
    (OrgState.SUSPENDED, "resume"): OrgState.ACTIVE,
    (OrgState.ACTIVE, "close"): OrgState.CLOSED,
    (OrgState.SUSPENDED, "close"): OrgState.CLOSED,
}

#: What an organisation may change about itself; the rest is changed by the organisation above it.
OWN_FIELDS = frozenset({"name_en", "address", "phone", "email", "gs1_prefix"})

SENTENCES = {
    "network.gs1_prefix": _("A GS1 company prefix has 7 to 10 digits and begins neither with 04 nor with 2."),
    "network.tax_no": _("{tax_no} is not a valid unified social credit code: its check character does not fit."),
    "network.area_code": _("{area_code} is not an area code: write the 6 or 12 digits of GB/T 2260."),
    "network.kind": _("This kind of organisation is unknown."),
    "network.code_missing": _("The organisation needs a code."),
    "network.name_missing": _("The organisation needs a name."),
    "network.parent_kind": _("“{kind}” cannot stand under “{parent_kind}”."),
    "network.parent_missing": _("A {kind} needs an organisation above it."),
    "network.parent_closed": _("{parent} is closed and takes no new organisations."),
    "network.parent_below": _("{name} cannot be moved below itself."),
    "network.own_field": _("Your organisation cannot change this about itself."),
    "network.own_organisation": _("Nobody can do this to the own organisation."),
    "network.state": _("{name} is in state “{state}”; this is not possible now."),
    "network.has_open_below": _("Not closed below {name}: {count} organisations."),
    "network.reason_missing": _("Please give a reason."),
    "network.unknown": _("There is no such organisation."),
    "network.code_stays": _("The code of an organisation cannot be changed here."),
    "network.built_on": _("The organisation is already used: {where}."),
    "network.code_taken": _("Another organisation already has this code."),
    "network.address_incomplete": _("An address needs a recipient, a phone number and a street."),
    "network.address_retired": _("This address is no longer used."),
}

REMEDIES = {
    "network.built_on": _("Close it instead."),
    "network.tax_no": _("Copy the 18 characters from the business licence."),
    "network.parent_closed": _("Choose another organisation above it."),
    "network.own_field": _("Ask the organisation above yours to change it."),
    "network.own_organisation": _("Ask the organisation above yours."),
    "network.has_open_below": _("Close or move the organisations below it first."),
    "network.code_taken": _("Choose another code."),
    "network.address_retired": _("Choose another address, or add it anew."),
}
