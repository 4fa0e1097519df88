"""What people write about agreements."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.agreements.states import InvoiceOn
from qudao.base.html.forms import Form
from qudao.base.html.tables import by_language
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.network import queries as network

CHANNEL = _("Through which the buyer sells, in your own words; prices may follow it.")


class TermsForm(Form):
    """The terms of a draft."""

    layout = "grid"

    code = forms.CharField(label=_("Code"), max_length=64)
    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="CNY")
    valid_from = forms.DateField(label=_("From"), initial=clock.today)
    valid_to = forms.DateField(label=_("To"), required=False, help_text=_("The last day; empty until it is ended."))
    payment_days = forms.IntegerField(label=_("Days of payment"), min_value=0, max_value=365, initial=30, help_text=_("After the date of the invoice."))
    invoice_on = forms.ChoiceField(label=_("Invoice"), choices=InvoiceOn.choices)
    prepaid = forms.BooleanField(label=_("Prepaid"), required=False, help_text=_("Orders pass within what was paid before; no credit, no days of payment."))
    channel = forms.CharField(label=_("Channel"), max_length=40, required=False, help_text=CHANNEL)
    tax_inclusive = forms.BooleanField(label=_("Prices include tax"), required=False, initial=True)


class NewForm(TermsForm):
    """A new agreement: also who buys."""

    buyer: forms.ModelChoiceField = forms.ModelChoiceField(label=_("Buyer"), queryset=None)
    field_order = ("buyer",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["buyer"].queryset = network.organisations(self.actor).exclude(pk=self.actor.org_id)  # type: ignore[attr-defined]


class GrantForm(Form):
    """What the buyer may, or must not, buy."""

    product_code = forms.CharField(label=_("Product code"), max_length=64, required=False, help_text=_("Empty, and no category: all products."))
    category_id = forms.TypedChoiceField(label=_("Category"), required=False, coerce=int, empty_value=None)
    allowed = forms.TypedChoiceField(label=_("The buyer"), choices=[("1", _("may buy it")), ("0", _("must not buy it"))], coerce=lambda raw: raw == "1")
    valid_from = forms.DateField(label=_("From"), initial=clock.today)
    valid_to = forms.DateField(label=_("To"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = products.categories(self.actor)
        self.fields["category_id"].choices = [("", "—"), *((one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in found)]  # type: ignore[attr-defined]


class ReasonForm(Form):
    """A reason that stays in the log."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


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
    valid_from = forms.DateField(label=_("From"), initial=clock.today)
    valid_to = forms.DateField(label=_("To"), required=False, help_text=_("The last day; empty: until taken out."))


class LastDayForm(Form):
    """The last day in a group."""

    last_day = forms.DateField(label=_("Last day"), initial=clock.today)
