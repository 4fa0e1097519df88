"""What people ask of the books, and the month they lock."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form


class MonthField(forms.CharField):
    """A month as the browser writes it: 2026-03."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"type": "month", "placeholder": "2026-03"}), **kwargs)

    def clean(self, value: Any) -> date:
        text = super().clean(value)
        try:
            return date.fromisoformat(f"{text}-01")
        except ValueError:
            raise ValidationError(_("Write the month as 2026-03.")) from None


class LockForm(Form):
    """A month to lock."""

    month = MonthField(label=_("Month"))


class UnlockForm(LockForm):
    """A month to open again, and why."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
