"""The organisations of the network, each with its path from the root, and where their goods go."""

from __future__ import annotations

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Concat, Lower
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from qudao.base.db import Row
from qudao.kernel import clock
from qudao.network.states import OrgKind, OrgState


class Organisation(Row):
    """A company or unit that trades, owns stock or keeps books.

    `path` ("/1/5/") names every organisation from the root down to this one, so that a branch is one prefix. Only actions write it.
    `tier`: steps of selling from the brand (0 brand and regions, 1 its dealers, 2 their dealers and outlets).
    """

    kind = models.CharField(_("kind"), max_length=10, choices=OrgKind.choices)
    code = models.CharField(_("code"), max_length=32)
    name = models.CharField(_("name"), max_length=120)
    name_en = models.CharField(_("English name"), max_length=160, blank=True, default="")
    pinyin = models.TextField(blank=True, default="", editable=False)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children", verbose_name=_("under"))
    path = models.CharField(max_length=255, editable=False)
    tier = models.PositiveSmallIntegerField(_("tier"), default=0)
    state = models.CharField(_("state"), max_length=10, choices=OrgState.choices, default=OrgState.ACTIVE)
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    tax_no = models.CharField(_("tax number"), max_length=32, blank=True, default="")
    area_code = models.CharField(_("area code"), max_length=12, blank=True, default="")
    address = models.CharField(_("address"), max_length=240, blank=True, default="")
    phone = models.CharField(_("phone"), max_length=40, blank=True, default="")
    email = models.EmailField(_("e-mail"), blank=True, default="")
    #: with which its numbers of logistic units (SSCC) begin; "" = numbers for use inside the company
    gs1_prefix = models.CharField(_("GS1 company prefix"), max_length=10, blank=True, default="", db_default="")
    created_at = models.DateTimeField(_("registered"), default=clock.now, editable=False)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        indexes = [
            models.Index(fields=["path"], opclasses=["varchar_pattern_ops"], name="network_org_path_prefix"),
            models.Index(fields=["kind", "state"], name="network_org_kind_state"),
            models.Index(fields=["path"], name="network_org_path"),
            models.Index(fields=["name"], name="network_org_name"),
            models.Index(fields=["code"], name="network_org_code"),
            # Asked with every request: for which outside sellers somebody acts.
            models.Index(fields=["parent"], condition=Q(kind="supplier"), name="network_org_suppliers"),
        ]
        constraints = [
            models.UniqueConstraint(
                Lower("code"), name="network_organisation_code_unique", violation_error_message=_("Another organisation already has this code.")
            ),
            models.CheckConstraint(
                condition=Q(kind__in=OrgKind.values), name="network_organisation_kind_known", violation_error_message=_("This kind is unknown.")
            ),
            models.CheckConstraint(
                condition=Q(state__in=OrgState.values), name="network_organisation_state_known", violation_error_message=_("This state is unknown.")
            ),
            models.CheckConstraint(
                condition=Q(kind=OrgKind.HQ, parent__isnull=True) | (~Q(kind=OrgKind.HQ) & Q(parent__isnull=False)),
                name="network_organisation_parent_by_kind",
                violation_error_message=_("Only the headquarters stands at the root."),
            ),
            models.CheckConstraint(
                condition=Q(path__endswith=Concat(Value("/"), F("id"), Value("/"), output_field=models.CharField())),
                name="network_organisation_path_ends_in_id",
                violation_error_message=_("The path does not end in the organisation itself."),
            ),
            models.CheckConstraint(
                condition=~Q(code="") & ~Q(name=""),
                name="network_organisation_code_name_present",
                violation_error_message=_("The organisation needs a code and a name."),
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="network_organisation_currency_iso",
                violation_error_message=_("The currency is a code of three letters."),
            ),
            models.CheckConstraint(
                condition=Q(gs1_prefix="") | Q(gs1_prefix__regex=r"^[0-9]{7,10}$"),
                name="network_organisation_gs1_prefix_digits",
                violation_error_message=_("A GS1 company prefix has 7 to 10 digits."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def get_absolute_url(self) -> str:
        """The organisation's page."""
        return reverse("organisation", args=[self.pk])


class FormerPlace(Row):
    """Under whom an organisation stood before it was moved: from `since` to the day before `until`. Where it stands now is its `parent`."""

    goes_with = "organisation"

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    parent = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    since = models.DateField()
    until = models.DateField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until__gte=F("since")),
                name="network_formerplace_since_until_ordered",
                violation_error_message=_("The last day lies before the first day."),
            ),
            ExclusionConstraint(
                name="network_formerplace_no_overlap",
                expressions=[
                    (Func("organisation", "organisation", Value("[]"), function="int8range"), RangeOperators.OVERLAPS),
                    (Func("since", "until", Value("[)"), function="daterange", output_field=DateRangeField()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("An organisation stood under one other at a time."),
            ),
        ]


class Address(Row):
    """Where goods for an organisation go: who takes them, the telephone number of the place, the street. One of them is used unless another is chosen.

    Documents keep a copy of what they were sent to; an address that is no longer used is retired, never deleted.
    """

    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", verbose_name=_("organisation"))
    label = models.CharField(_("label"), max_length=40, blank=True, default="")
    recipient = models.CharField(_("recipient"), max_length=80)
    phone = models.CharField(_("phone"), max_length=40)
    area_code = models.CharField(_("area code"), max_length=12, blank=True, default="")
    street = models.CharField(_("address"), max_length=240)
    postcode = models.CharField(_("postcode"), max_length=12, blank=True, default="")
    is_default = models.BooleanField(_("default"), default=False)
    active = models.BooleanField(_("in use"), default=True)

    class Meta:
        verbose_name = _("delivery address")
        verbose_name_plural = _("delivery addresses")
        constraints = [
            models.UniqueConstraint(
                fields=["organisation"],
                condition=Q(is_default=True),
                name="network_address_one_default",
                violation_error_message=_("The organisation already has a default address."),
            ),
            models.CheckConstraint(
                condition=~Q(is_default=True) | Q(active=True),
                name="network_address_default_in_use",
                violation_error_message=_("A retired address cannot be the default."),
            ),
            models.CheckConstraint(
                condition=~Q(recipient="") & ~Q(phone="") & ~Q(street=""),
                name="network_address_complete",
                violation_error_message=_("An address needs a recipient, a phone number and a street."),
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.recipient

    @property
    def line(self) -> str:
        """The address with what people call it, to choose it from a list."""
        return f"{self} · {self.text}"

    @property
    def text(self) -> str:
        """The address on one line, as documents keep it."""
        return f"{self.street} {self.postcode}".strip()
