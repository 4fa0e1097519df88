"""What people copy from an outside seller's invoice."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form
from qudao.billing.rules import MOST_NUMBER
from qudao.kernel import clock


class PaperForm(Form):
    """The invoice of an outside seller."""

    layout = "grid"

    number = forms.CharField(label=_("Number"), max_length=MOST_NUMBER, help_text=_("As on the seller's invoice."))
    date = forms.DateField(label=_("Date"), initial=clock.today, widget=forms.DateInput())
    due_on = forms.DateField(label=_("Due"), required=False, widget=forms.DateInput(), help_text=_("Empty: by the terms of the order."))
    gross = forms.DecimalField(
        label=_("Total (incl. tax)"), max_digits=18, decimal_places=2, min_value=0, required=False, help_text=_("Compared with what was received.")
    )
