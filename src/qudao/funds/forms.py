"""What finance sets on a credit account."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form
from qudao.funds.rules import LimitTerms
from qudao.kernel.money import ZERO

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 2, "min_value": 0}


class LimitForm(Form):
    """The limits and the patience of an account, with the reason that stays in the log."""

    layout = "grid"

    limit = forms.DecimalField(label=_("Limit"), **MONEY)
    temp_limit = forms.DecimalField(label=_("Temporary limit"), required=False, help_text=_("On top of the limit."), **MONEY)
    temp_until = forms.DateField(label=_("Temporary until"), required=False, widget=forms.DateInput, help_text=_("The last day it counts."))
    grace_days = forms.IntegerField(label=_("Days of grace"), min_value=0, max_value=365, initial=0, help_text=_("So many days overdue still pass."))
    tolerance = forms.DecimalField(label=_("Overdue tolerated"), required=False, help_text=_("Overdue amounts up to this still pass."), **MONEY)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ReasonForm(Form):
    """A reason that stays in the log."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


def terms_of(cleaned: dict[str, Any]) -> LimitTerms:
    """The terms of a cleaned LimitForm; what was left empty is zero."""
    temp_limit, tolerance = cleaned["temp_limit"] or ZERO, cleaned["tolerance"] or ZERO
    return LimitTerms(cleaned["limit"], temp_limit, cleaned["temp_until"], cleaned["grace_days"], tolerance)
