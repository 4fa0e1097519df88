"""What finance sets on a credit account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language
from qudao.catalog.queries import categories
from qudao.funds.models import Account
from qudao.funds.queries import all_given
from qudao.funds.rules import LimitTerms, Patience, Wanted
from qudao.funds.states import MEANS, State
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.network.queries import organisations

MONEY: dict[str, Any] = {"max_digits": 18, "decimal_places": 2, "min_value": 0}


class RulesForm(Form):
    """From when an account is watched, held and stopped."""

    layout = "grid"

    grace_days = forms.IntegerField(label=_("Days of grace"), min_value=0, max_value=365, initial=0, help_text=_("So many days overdue still pass."))
    tolerance = forms.DecimalField(label=_("Overdue tolerated"), required=False, help_text=_("Overdue amounts up to this still pass."), **MONEY)
    stop_days = forms.IntegerField(
        label=_("Stop after days overdue"), required=False, min_value=0, max_value=3650, help_text=_("Then nothing is shipped. Empty: as soon as orders wait.")
    )
    watch_percent = forms.IntegerField(
        label=_("Watch from % of the limit"), required=False, min_value=1, max_value=100, help_text=_("Those who decide are warned. Empty: never.")
    )


class LimitForm(RulesForm):
    """The limits and the patience of an account, with the reason that stays in the log."""

    limit = forms.DecimalField(label=_("Limit"), **MONEY)
    temp_limit = forms.DecimalField(label=_("Temporary limit"), required=False, help_text=_("On top of the limit."), **MONEY)
    temp_until = forms.DateField(label=_("Temporary until"), required=False, widget=forms.DateInput, help_text=_("The last day it counts."))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
    field_order = ("limit", "temp_limit", "temp_until", "grace_days", "tolerance", "stop_days", "watch_percent", "reason")


class SharedForm(Form):
    """The limit of a head office and who shares it."""

    layout = "grid"

    limit = forms.DecimalField(label=_("Limit"), **MONEY)
    temp_limit = forms.DecimalField(label=_("Temporary limit"), required=False, help_text=_("On top of the limit."), **MONEY)
    temp_until = forms.DateField(label=_("Temporary until"), required=False, widget=forms.DateInput, help_text=_("The last day it counts."))
    buyers = forms.TypedMultipleChoiceField(label=_("Who shares it"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:  # the action says who may not
            self.offer(all_given(self.actor).select_related("buyer"))

    def offer(self, accounts: Iterable[Account]) -> None:
        """Who may share it: the head office and those below it that have credit in the currency."""
        choices = [(one.buyer_id, f"{one.buyer.code} {by_language(one.buyer.name, one.buyer.name_en)}") for one in accounts]
        self.fields["buyers"].choices = choices  # type: ignore[attr-defined]


class NewSharedForm(SharedForm):
    """A head office gets one limit with all below it; who shall not share it is left out afterwards."""

    head = PickField(label=_("Head office"), among=organisations, few=0, help_text=_("Everybody below it with credit in the currency shares the limit."))
    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="CNY")
    field_order = ("head", "currency", "limit", "temp_limit", "temp_until", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["buyers"]


class WantedForm(Form):
    """What limits one asks for, and why."""

    limit = forms.DecimalField(label=_("Limit"), required=False, help_text=_("Empty: it stays."), **MONEY)
    temp_limit = forms.DecimalField(label=_("Temporary limit"), required=False, help_text=_("On top of the limit."), **MONEY)
    temp_until = forms.DateField(label=_("Temporary until"), required=False, widget=forms.DateInput, help_text=_("The last day it counts."))
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class GrantForm(WantedForm):
    """What is granted, perhaps less than was asked for."""

    reason = forms.CharField(label=_("Answer"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class LineForm(Form):
    """What a product line may use of the limit."""

    category_id = forms.TypedChoiceField(label=_("Product line"), coerce=int, help_text=_("With everything below it."))
    amount = forms.DecimalField(label=_("Limit"), required=False, help_text=_("Empty: no limit of its own."), **MONEY)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["category_id"].choices = [(one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in categories(self.actor)]  # type: ignore[attr-defined]


class DepositForm(Form):
    """How large a deposit is to be, and whether orders need it."""

    required = forms.DecimalField(label=_("Deposit asked for"), help_text=_("Zero: none."), **MONEY)
    first = forms.BooleanField(label=_("Orders pass only when it is paid"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class DepositMoneyForm(Form):
    """Money of a deposit that came or goes back."""

    layout = "grid"

    amount = forms.DecimalField(label=_("Amount"), **MONEY)
    day = forms.DateField(label=_("Day"), initial=clock.today, widget=forms.DateInput)
    reason = forms.CharField(label=_("Reference or reason"), max_length=200)


class ReasonForm(Form):
    """A reason that stays in the log."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class HandForm(ReasonForm):
    """What a person wants of an account whatever the rules say, and until when."""

    state = forms.ChoiceField(label=_("What shall pass"), choices=[(state.value, MEANS[state]) for state in (State.HOLD, State.STOP)])
    until = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput, help_text=_("The last day. Empty: until somebody ends it."))
    field_order = ("state", "until", "reason")


def patience_of(cleaned: dict[str, Any]) -> Patience:
    """The rules of a cleaned form; what was left empty is none."""
    return Patience(cleaned["grace_days"], cleaned["tolerance"] or ZERO, cleaned["stop_days"], cleaned["watch_percent"])


def wanted_of(cleaned: dict[str, Any]) -> Wanted:
    """The limits of a cleaned WantedForm; what was left empty stays."""
    return Wanted(cleaned["limit"], cleaned["temp_limit"] or ZERO, cleaned["temp_until"])


def terms_of(cleaned: dict[str, Any]) -> LimitTerms:
    """The terms of a cleaned LimitForm; what was left empty is zero."""
    return LimitTerms(cleaned["limit"], cleaned["temp_limit"] or ZERO, cleaned["temp_until"], *astuple(patience_of(cleaned)))
