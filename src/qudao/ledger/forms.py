"""What people ask of the books, and the month they lock."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form
from qudao.base.html.tables import by_language
from qudao.catalog import queries as products
from qudao.ledger import queries
from qudao.ledger.states import BY_RATE, Account, Kind, Template


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


class TemplateForm(Form):
    """The chart to begin with."""

    template = forms.ChoiceField(label=_("Template"), choices=Template.choices)


class ChartForm(Form):
    """An account of the chart; a code that is there already is renamed."""

    layout = "grid"

    code = forms.CharField(label=_("Code"), max_length=20)
    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices)
    name = forms.CharField(label=_("Name"), max_length=80)
    name_en = forms.CharField(label=_("English name"), max_length=80, required=False)


class HomesForm(Form):
    """For each kind of posting the account of the own chart."""

    layout = "grid"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(one.code, f"{one.code} {by_language(one.name, one.name_en)}") for one in queries.chart(self.actor)]
        now = queries.homes(self.actor)
        for account in Account:
            wide = forms.Select(attrs={"class": "form-select"})
            self.fields[account.value] = forms.ChoiceField(
                label=account.label, choices=[("", "—"), *choices], required=False, initial=now.get(account, ""), widget=wide
            )


class HomeForm(Form):
    """Where one kind of posting goes, of a category or a tax rate."""

    layout = "grid"

    posting = forms.ChoiceField(label=_("Kind of posting"), choices=[(one.value, one.label) for one in BY_RATE])
    category_id = forms.TypedChoiceField(
        label=_("Category"), required=False, coerce=int, empty_value=None, help_text=_("With all below it; only revenue and purchases are told apart by it.")
    )
    tax_rate = forms.DecimalField(label=_("Tax rate"), required=False, max_digits=5, decimal_places=4, help_text=_("13 % is written 0.13."))
    code = forms.ChoiceField(label=_("Account"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = {"category_id": [("", "—")], "code": [("", "—")]}
        offered["category_id"] += [(one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in products.categories(self.actor)]
        offered["code"] += [(one.code, f"{one.code} {by_language(one.name, one.name_en)}") for one in queries.chart(self.actor).prefetch_related(None)]
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        if not self.errors and told.get("category_id") is None and told.get("tax_rate") is None:
            self.add_error("category_id", _("Name a category or a tax rate; for all of a kind there is “What goes where”."))
        return told


class UnlockForm(LockForm):
    """A month to open again, and why."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
