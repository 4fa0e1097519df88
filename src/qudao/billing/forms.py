"""What people write about invoicing: when it is done together, and what they copy from an outside seller's invoice."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form
from qudao.billing.rules import MOST_NUMBER
from qudao.billing.states import Every
from qudao.kernel import clock


class CycleForm(Form):
    """When what was delivered is invoiced together."""

    every = forms.ChoiceField(label=_("Invoices"), choices=[("", _("Each delivery at once")), *Every.choices], required=False)
    weekday = forms.TypedChoiceField(
        label=_("Day of the week"), coerce=int, choices=[(n + 1, name) for n, name in WEEKDAYS.items()], required=False, help_text=_("For every week.")
    )
    day = forms.IntegerField(label=_("Day of the month"), required=False, help_text=_("For every month: 1 to 31; in a shorter month its last day."))

    def clean(self) -> dict[str, Any]:
        """The day that belongs to what was chosen; twice a month has its days."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        every = str(told.get("every") or "")
        day = {str(Every.WEEK): told.get("weekday"), str(Every.MONTH): told.get("day")}.get(every)
        return {"every": every, "day": int(day or 0)}


class PaperForm(Form):
    """The invoice of an outside seller."""

    layout = "grid"

    number = forms.CharField(label=_("Number"), max_length=MOST_NUMBER, help_text=_("As on the seller's invoice."))
    date = forms.DateField(label=_("Date"), initial=clock.today, widget=forms.DateInput())
    due_on = forms.DateField(label=_("Due"), required=False, widget=forms.DateInput(), help_text=_("Empty: by the terms of the order."))
    gross = forms.DecimalField(
        label=_("Total (incl. tax)"), max_digits=18, decimal_places=2, min_value=0, required=False, help_text=_("Compared with what was received.")
    )
