"""What people write about agreements."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.agreements import queries
from qudao.agreements.states import InvoiceOn
from qudao.base.html.forms import Form
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.network import queries as network
from qudao.network.states import OrgKind

MIN_ORDER = _("Smallest order")
MIN_ORDER_MEANS = _("Before tax, in the currency of the agreement; 0: none. Emergencies, samples and transfers need not reach it.")
CHANNEL = _("Through which the buyer sells, in your own words; prices may follow it.")


class TermsForm(Form):
    """The terms of a draft."""

    layout = "grid"

    code = forms.CharField(label=_("Code"), max_length=64)
    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="CNY")
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)
    valid_to = forms.DateField(label=pgettext_lazy("validity", "To"), required=False, help_text=_("The last day; empty until it is ended."))
    payment_days = forms.IntegerField(label=_("Days of payment"), min_value=0, max_value=365, initial=30, help_text=_("After the date of the invoice."))
    invoice_on = forms.ChoiceField(label=_("Invoice"), choices=InvoiceOn.choices)
    prepaid = forms.BooleanField(label=_("Prepaid"), required=False, help_text=_("Orders pass within what was paid before; no credit, no days of payment."))
    min_order = forms.DecimalField(label=MIN_ORDER, min_value=0, decimal_places=2, required=False, help_text=MIN_ORDER_MEANS)
    channel = forms.CharField(label=_("Channel"), max_length=40, required=False, help_text=CHANNEL)
    tax_inclusive = forms.BooleanField(label=_("Prices include tax"), required=False, initial=True)


class NewForm(TermsForm):
    """A new agreement: also with whom."""

    partner = PickField(
        label=_("Partner"),
        among=lambda actor: network.organisations(actor).exclude(pk=actor.org_id),
        help_text=_("It buys; an outside supplier of yours sells, and you buy."),
    )
    field_order = ("partner",)


class GrantForm(Form):
    """What the buyer may, or must not, buy."""

    product_code = PickField(
        label=_("Product"),
        kind="catalog.product",
        among=products.products,
        gives="pk",
        few=0,
        required=False,
        help_text=_("Empty, and no category: all products."),
    )
    category_id = forms.TypedChoiceField(label=_("Category"), required=False, coerce=int, empty_value=None)
    allowed = forms.TypedChoiceField(label=_("The buyer"), choices=[("1", _("may buy it")), ("0", _("must not buy it"))], coerce=lambda raw: raw == "1")
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)
    valid_to = forms.DateField(label=pgettext_lazy("validity", "To"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = products.categories(self.actor)
        self.fields["category_id"].choices = [("", "—"), *((one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in found)]  # type: ignore[attr-defined]


class RuleForm(Form):
    """What is shown, or not, to whom."""

    layout = "grid"

    shown = forms.TypedChoiceField(label=_("These products"), choices=[("0", _("are not shown")), ("1", _("are shown"))], coerce=lambda raw: raw == "1")
    product = PickField(
        label=_("Product"),
        kind="catalog.product",
        among=products.products,
        gives="code",
        few=0,
        required=False,
        help_text=_("Or a category, or a brand; nothing means everything."),
    )
    category_id = forms.TypedChoiceField(label=_("Category"), required=False, coerce=int, empty_value=None, help_text=_("With all below it."))
    brand_id = forms.TypedChoiceField(label=_("Brand"), required=False, coerce=int, empty_value=None)
    buyer = PickField(
        label=_("Buyer"),
        among=network.organisations,
        gives="code",
        few=0,
        required=False,
        help_text=_("Or a group; or the next four together; nothing means everybody."),
    )
    group_id = forms.TypedChoiceField(label=_("Group of buyers"), required=False, coerce=int, empty_value=None)
    region_id = forms.TypedChoiceField(label=_("Region"), required=False, coerce=int, empty_value=None, help_text=_("With all below it."))
    area_code = forms.CharField(label=_("Area code"), max_length=12, required=False, help_text=_("The first digits are enough: 33 is all of Zhejiang."))
    channel = forms.CharField(label=_("Channel"), max_length=40, required=False)
    tier = forms.IntegerField(label=_("Tier"), required=False, min_value=0, max_value=20, help_text=_("1 buys from the brand, 2 from tier 1."))
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)
    valid_to = forms.DateField(label=pgettext_lazy("validity", "To"), required=False, help_text=_("The last day; empty until it is ended."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {
            "category_id": products.categories(self.actor),
            "brand_id": products.brands(self.actor),
            "group_id": queries.groups(self.actor).filter(owner_id=self.actor.org_id),
            "region_id": network.organisations(self.actor).filter(kind=OrgKind.REGION)[:500],
        }
        for name, found in offered.items():
            self.fields[name].choices = [("", "—"), *((one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in found)]  # type: ignore[attr-defined]


class RuleChangeForm(Form):
    """Turn a rule round, or let it end on another day."""

    shown = RuleForm.base_fields["shown"]
    valid_to = RuleForm.base_fields["valid_to"]


class ReasonForm(Form):
    """A reason that stays in the log."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class MinOrderForm(Form):
    """The smallest order of an agreement."""

    min_order = forms.DecimalField(label=MIN_ORDER, min_value=0, decimal_places=2, help_text=MIN_ORDER_MEANS)


class ChannelForm(Form):
    """The channel of an agreement."""

    channel = forms.CharField(label=_("Channel"), max_length=40, required=False, help_text=CHANNEL)


class GroupForm(Form):
    """A group of buyers."""

    code = forms.CharField(label=_("Code"), max_length=64)
    name = forms.CharField(label=_("Name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=120, required=False)


class MembersForm(Form):
    """Buyers that come into a group, by their codes."""

    buyers = forms.CharField(
        label=_("Codes of the buyers"), max_length=20_000, widget=forms.Textarea(attrs={"rows": 4}), help_text=_("With spaces, commas or lines between them.")
    )
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)
    valid_to = forms.DateField(label=pgettext_lazy("validity", "To"), required=False, help_text=_("The last day; empty: until taken out."))


class LastDayForm(Form):
    """The last day in a group."""

    last_day = forms.DateField(label=_("Last day"), initial=clock.today)
