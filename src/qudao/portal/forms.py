"""The head of the order desk and the columns of its line editor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form, LineField
from qudao.network.queries import Address
from qudao.orders.states import CHOSEN


class OtherSide(forms.CharField):
    """Whom an order is for, as typed; not looked at when it was chosen from the list."""

    def validate(self, value: Any) -> None:
        """Nothing: the agreement is asked for as a whole."""


def offer_addresses(form: Form, known: Sequence[Address], agreement_id: int | None = None) -> None:
    """The choices of the field `address`: what the buyer has, the default first, else its own place. `agreement_id`: whose buyer it is, so that
    a script asks for others when another agreement is chosen.
    """
    field = form.fields["address"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(str(one.pk), one.line) for one in known] or [("", _("The buyer's own address"))]
    field.widget.attrs["data-addresses"] = str(agreement_id or "")


class DeskForm(Form):
    """Under which agreement, when, and the buyer's own number. The choices are what the actor may order under.

    Without choices the other side is typed (code, name or pinyin initials) and found as one types; the code alone does without scripts.
    """

    layout = "pair"

    dealer = OtherSide(label=_("Dealer"), max_length=160)
    agreement = forms.ChoiceField(label=_("Agreement with"))
    requested_on = forms.DateField(label=_("Requested delivery"), required=False)
    po_number = forms.CharField(label=_("Buyer's own number"), required=False, max_length=40)
    kind = forms.ChoiceField(label=_("Type"), choices=CHOSEN, required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=500)
    address = forms.ChoiceField(label=_("Delivery address"), required=False, widget=forms.Select(attrs={"data-wide": "1"}))

    def __init__(self, *args: Any, choices: list[tuple[str, str]] | None = None, find_url: str = "", **kwargs: Any) -> None:  # type: ignore[assignment]
        super().__init__(*args, **kwargs)
        if choices is None:
            self.fields["agreement"] = forms.CharField(required=False, widget=forms.HiddenInput)
            find = {"data-suggest": find_url, "data-pick": "agreement", "autocomplete": "off", "spellcheck": "false", "autofocus": True}
            self.fields["dealer"].widget.attrs.update(find, placeholder=_("Code, name or pinyin initials"))
        else:
            self.fields["agreement"].choices = choices  # type: ignore[attr-defined]
            del self.fields["dealer"]


class FileForm(Form):
    """A file with the lines of an order."""

    file = forms.FileField(label=_("File (xlsx or csv): code in the first column, quantity in the second"))


LINES = [
    LineField("code", _("Code"), "product", required=True, placeholder=_("Code or name"), width="w-12"),
    LineField("name", _("Product"), "show", width="w-auto"),
    LineField("qty", _("Quantity"), "pack", required=True, placeholder=_("3 or 3x"), width="w-8"),
    LineField("base", _("In base units"), "figure", width="w-8", hide_on_phone=True),
    LineField("price", _("Unit price"), "figure", width="w-10", hide_on_phone=True),
    LineField("gross", _("Amount (incl. tax)"), "figure", width="w-12"),
    LineField("stock", _("Stock"), "show", width="w-12", hide_on_phone=True, dim=True),
    LineField("last", _("Last time"), "show", width="w-10", hide_on_phone=True, dim=True),
]
