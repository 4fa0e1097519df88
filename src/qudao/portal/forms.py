"""The head of the order desk and the columns of its line editor."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form, LineField


class DeskForm(Form):
    """Under which agreement, when, and the buyer's own number. The choices are what the actor may order under."""

    layout = "grid"

    agreement = forms.ChoiceField(label=_("Agreement with"))
    requested_on = forms.DateField(label=_("Requested delivery"), required=False)
    po_number = forms.CharField(label=_("Buyer's own number"), required=False, max_length=40)
    note = forms.CharField(label=_("Note"), required=False, max_length=500)

    def __init__(self, *args: Any, choices: list[tuple[str, str]] = (), **kwargs: Any) -> None:  # type: ignore[assignment]
        super().__init__(*args, **kwargs)
        self.fields["agreement"].choices = choices  # type: ignore[attr-defined]


LINES = [
    LineField("code", _("Code"), "product", required=True, placeholder=_("Code or name"), width="w-22"),
    LineField("name", _("Product"), "show", width="w-32"),
    LineField("qty", _("Quantity"), "pack", required=True, placeholder=_("3 or 3x"), width="w-12"),
    LineField("base", _("In base units"), "figure", hide_on_phone=True),
    LineField("price", _("Unit price"), "figure", hide_on_phone=True),
    LineField("gross", _("Amount (incl. tax)"), "figure"),
    LineField("stock", _("Stock"), "show", hide_on_phone=True),
]
