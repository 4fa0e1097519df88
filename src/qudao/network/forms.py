"""What people write about an organisation."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form
from qudao.base.html.picks import PickField
from qudao.network.queries import possible_parents
from qudao.network.rules import AddressFacts, OrgFacts
from qudao.network.states import OrgKind


class OrgForm(Form):
    """The card of an organisation."""

    layout = "grid"

    code = forms.CharField(label=_("Code"), max_length=32, help_text=_("Short and lasting; it stands on documents."))
    name = forms.CharField(label=_("Name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=160, required=False)
    tax_no = forms.CharField(label=_("Tax number"), max_length=32, required=False, help_text=_("Unified social credit code, 18 characters."))
    currency = forms.CharField(label=_("Currency"), max_length=3, min_length=3, initial="CNY")
    area_code = forms.CharField(label=_("Area code"), max_length=12, required=False, help_text=_("6 or 12 digits of GB/T 2260."))
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    gs1_prefix = forms.CharField(
        label=_("GS1 company prefix"), max_length=20, required=False, help_text=_("7 to 10 digits; pallet labels (SSCC) begin with it.")
    )
    address = forms.CharField(label=_("Address"), max_length=240, required=False, widget=forms.TextInput(attrs={"data-wide": "1"}))

    def facts(self) -> OrgFacts:
        """The cleaned card."""
        return OrgFacts(**{name: self.cleaned_data[name] for name in OrgFacts.__dataclass_fields__})


class AddressForm(Form):
    """Where goods go."""

    layout = "grid"

    recipient = forms.CharField(label=_("Recipient"), max_length=80)
    phone = forms.CharField(label=_("Phone"), max_length=40)
    street = forms.CharField(
        label=_("Address"), max_length=240, help_text=_("Province, city, district, street and number."), widget=forms.TextInput(attrs={"data-wide": "1"})
    )
    label = forms.CharField(label=_("Label"), max_length=40, required=False, help_text=_("What you call the place, e.g. main store."))
    postcode = forms.CharField(label=_("Postcode"), max_length=12, required=False)
    area_code = forms.CharField(label=_("Area code"), max_length=12, required=False, help_text=_("6 or 12 digits of GB/T 2260."))

    def facts(self) -> AddressFacts:
        """The cleaned address."""
        return AddressFacts(**{name: self.cleaned_data[name] for name in AddressFacts.__dataclass_fields__})


class NewOrgForm(OrgForm):
    """A new organisation: also its kind and the organisation above it."""

    kind = forms.ChoiceField(label=_("Kind"), choices=[c for c in OrgKind.choices if c[0] != OrgKind.HQ])
    parent = PickField(label=_("Under"), among=lambda actor: possible_parents(actor, "network.register"))
    field_order = ("kind", "parent")


class MoveForm(Form):
    """Where a branch is to hang, and why."""

    parent = PickField(label=_("New organisation above it"), among=lambda actor: possible_parents(actor, "network.move"))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ReasonForm(Form):
    """A reason that stays in the log."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
