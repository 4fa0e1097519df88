"""What people write about approval flows and absences."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.approvals import queries
from qudao.approvals.rules import When
from qudao.approvals.states import CREDITS, DECIDED_BY, KINDS, LABELS, Late, Mode, Who
from qudao.base.html.forms import Form
from qudao.base.html.tables import by_language
from qudao.people.queries import unscoped_departments


def _codes(text: str) -> tuple[str, ...]:
    """What is written between commas or spaces."""
    return tuple(dict.fromkeys(part for part in re.split(r"[\s,;,、;]+", text.strip()) if part))


class _Signs(Form):
    """Who signs, when, and when the signer is reminded."""

    role_id = forms.TypedChoiceField(label=_("Role"), coerce=int, help_text=_("Any one person with this role signs."))
    position = forms.IntegerField(label=_("Position"), initial=1, help_text=_("Smaller numbers sign first."))
    remind_hours = forms.IntegerField(label=_("Remind after hours"), required=False, help_text=_("Who must sign is reminded once; empty = never."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = queries.unscoped_role_choices(self.actor.org_id, self.actor.org_kind)
        self.fields["role_id"].choices = [(pk, by_language(name, name_en)) for pk, name, name_en in found]  # type: ignore[attr-defined]


class RuleForm(_Signs):
    """The simplest branch: from which amount on who must sign."""

    kind = forms.ChoiceField(label=_("Document"), choices=tuple(LABELS.items()))
    min_amount = forms.DecimalField(label=_("From amount"), max_digits=18, decimal_places=2, initial=0, help_text=_("Of this amount or more, tax included."))
    field_order = ("kind", "min_amount")


class FlowForm(Form):
    """For which documents, and what it is called."""

    kind = forms.ChoiceField(label=_("Document"), choices=tuple(LABELS.items()))
    name = forms.CharField(label=_("Name"), max_length=80, required=False)


class StepForm(_Signs):
    """Who signs in a branch."""

    layout = "grid"
    who = forms.ChoiceField(label=_("Who signs"), choices=Who.choices, initial=Who.ROLE)
    people = forms.TypedMultipleChoiceField(label=_("People"), coerce=int, required=False, help_text=_("Only for named people."))
    department = forms.ChoiceField(label=_("Department"), required=False, help_text=_("Only for a department; it stands with each person."))
    mode = forms.ChoiceField(label=_("How many"), choices=Mode.choices, initial=Mode.ANY)
    late_hours = forms.IntegerField(label=_("Time out after hours"), required=False, help_text=_("Counted from when it began to wait; empty = never."))
    late_then = forms.ChoiceField(label=_("When the time is out"), choices=[("", "—"), *Late.choices], required=False)
    late_role_id = forms.TypedChoiceField(label=_("Higher role"), coerce=int, required=False, empty_value=None, help_text=_("Empty = the administrators."))
    late_below = forms.DecimalField(
        label=_("Passes below amount"), max_digits=18, decimal_places=2, required=False, help_text=_("Larger documents go to the higher role.")
    )
    field_order = ("who", "role_id", "people", "department", "mode", "position", "remind_hours", "late_hours", "late_then", "late_role_id", "late_below")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        org = self.actor.org_id
        role = self.fields["role_id"]
        role.required, role.empty_value, role.choices = False, None, [("", "—"), *role.choices]  # type: ignore[attr-defined]
        self.fields["late_role_id"].choices = role.choices  # type: ignore[attr-defined]
        role.help_text = _("For the manager: who signs where the submitter has none here.")
        self.fields["department"].choices = [("", "—"), *((name, name) for name in unscoped_departments(org))]  # type: ignore[attr-defined]

    def about(self, kind: str) -> StepForm:
        """Offer the people who may decide documents of a kind."""
        found = queries.unscoped_colleagues(self.actor.org_id, kind)
        self.fields["people"].choices = [(one.id, one.name) for one, *_role in found]  # type: ignore[attr-defined]
        return self


class BranchForm(Form):
    """When a branch is asked. All that is filled in must hold."""

    layout = "grid"
    name = forms.CharField(label=_("Name"), max_length=80, required=False, help_text=_("Shown to who is asked, as the reason."))
    amount_from = forms.DecimalField(label=_("From amount"), max_digits=18, decimal_places=2, initial=0, help_text=_("Of this amount or more, tax included."))
    amount_to = forms.DecimalField(label=_("Below amount"), max_digits=18, decimal_places=2, required=False, help_text=_("Empty = without an upper limit."))
    types = forms.MultipleChoiceField(
        label=_("Types"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None chosen = every type."),
    )
    discount_from = forms.DecimalField(
        label=_("From discount, %"), max_digits=5, decimal_places=2, required=False, help_text=_("Of the whole order, against the list price.")
    )
    credit = forms.ChoiceField(label=_("Credit"), choices=(("", _("Whatever it says")), *CREDITS.items()), required=False)
    first = forms.ChoiceField(
        label=_("First order of the buyer"), choices=(("", _("Does not matter")), ("yes", _("Only the first")), ("no", _("Only later ones"))), required=False
    )
    categories = forms.CharField(
        label=_("Product lines"), required=False, help_text=_("Codes of categories, separated by commas; one line of the order suffices.")
    )
    tiers = forms.CharField(label=_("Tiers of the buyer"), required=False, help_text=_("Numbers, separated by commas: 1 buys from the brand, 2 from tier 1."))

    groups = forms.CharField(label=_("Groups of buyers"), required=False, help_text=_("Codes of groups, separated by commas; one of them suffices."))

    def about(self, kind: str) -> BranchForm:
        """Ask only what documents of a kind have."""
        known = KINDS.get(kind, KINDS["orders.order"])
        for name in {"discount_from", "credit", "first", "categories", "tiers", "groups"}.difference(known.facts):
            del self.fields[name]
        self.fields["types"].choices = tuple(known.types.items())  # type: ignore[attr-defined]
        if not known.types:
            del self.fields["types"]
        return self

    def clean_groups(self) -> tuple[str, ...]:
        """Codes between commas."""
        return _codes(self.cleaned_data["groups"])

    def clean_tiers(self) -> tuple[int, ...]:
        """Numbers only."""
        found = _codes(self.cleaned_data["tiers"])
        if not all(part.isdecimal() and len(part) < 3 for part in found):
            raise forms.ValidationError(_("Write numbers, separated by commas."))
        return tuple(int(part) for part in found)

    def clean_categories(self) -> tuple[str, ...]:
        """Codes between commas."""
        return _codes(self.cleaned_data["categories"])

    @property
    def when(self) -> When:
        """What was written."""
        told: dict[str, Any] = {name: value for name, value in self.cleaned_data.items() if name != "name"}
        told["types"], told["first"] = tuple(told.get("types", ())), {"yes": True, "no": False}.get(told.get("first", ""))
        return When(**told)


class HabitsForm(Form):
    """What counts for all branches of a flow."""

    skip_signed = forms.BooleanField(
        label=_("Do not ask twice"), required=False, help_text=_("Who has signed an earlier step is not asked again where nobody else can sign.")
    )
    working_hours = forms.BooleanField(label=_("Count working hours only"), required=False, help_text=_("For reminders and time-outs, by the working hours."))


def _days(text: str) -> tuple[date, ...]:
    """Dates between commas, spaces or lines; each written 2027-01-31."""
    try:
        return tuple(date.fromisoformat(part) for part in _codes(text))
    except ValueError:
        raise forms.ValidationError(_("Write dates like 2027-01-31, separated by commas or lines.")) from None


class DutiesForm(Form):
    """Whether duties are kept apart."""

    apart = forms.BooleanField(
        label=_("Keep duties apart"),
        required=False,
        help_text=_(
            "Who ordered or signed a purchase does not pay it, who announced a payment does not confirm it, who recorded one or issued a credit note does not"
            " refund it."
        ),
    )


class HoursForm(Form):
    """When an organisation works."""

    weekdays = forms.TypedMultipleChoiceField(label=_("Days of the week"), coerce=int, choices=tuple(WEEKDAYS.items()), widget=forms.CheckboxSelectMultiple)
    begins = forms.TimeField(label=_("Work begins"), widget=forms.TimeInput(attrs={"type": "time"}))
    ends = forms.TimeField(label=_("Work ends"), widget=forms.TimeInput(attrs={"type": "time"}))
    holidays = forms.CharField(
        label=_("Holidays"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Dates like 2027-01-31, one on each line. Free whatever the weekday."),
    )
    workdays = forms.CharField(
        label=_("Extra working days"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Worked whatever the weekday, to make up for a holiday."),
    )

    def clean_holidays(self) -> tuple[date, ...]:
        """Dates."""
        return _days(self.cleaned_data["holidays"])

    def clean_workdays(self) -> tuple[date, ...]:
        """Dates."""
        return _days(self.cleaned_data["workdays"])


class AbsenceForm(Form):
    """Who signs while one is away."""

    deputy_id = forms.TypedChoiceField(label=_("Deputy"), coerce=int, help_text=_("A colleague who may approve. You still may, too."))
    first_day = forms.DateField(label=pgettext_lazy("validity", "From"), widget=forms.DateInput)
    last_day = forms.DateField(label=_("To, included"), widget=forms.DateInput)
    note = forms.CharField(label=_("Remark"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = {one.id: (one, name, name_en) for kind in DECIDED_BY for one, name, name_en in queries.choices_of_colleagues(self.actor, kind)}
        self.fields["deputy_id"].choices = [(pk, f"{one.name} ({by_language(name, name_en)})") for pk, (one, name, name_en) in found.items()]  # type: ignore[attr-defined]


class ColleagueForm(Form):
    """Who else signs, and why."""

    user_id = forms.TypedChoiceField(label=_("Colleague"), coerce=int, help_text=_("People who may approve and have not submitted or signed this."))
    reason = forms.CharField(label=_("Remark"), required=False, max_length=500)

    def offer(self, request: Any) -> ColleagueForm:
        """Fill in whom one may choose for this request."""
        found = queries.choices_of_colleagues(self.actor, request.subject_kind, request.pk)
        self.fields["user_id"].choices = [(one.id, f"{one.name} ({by_language(role, role_en)})") for one, role, role_en in found]  # type: ignore[attr-defined]
        return self


class SignerForm(ColleagueForm):
    """Who else signs, and when."""

    when = forms.ChoiceField(label=_("When"), choices=(("before", _("before me")), ("after", _("after me"))))
    field_order = ("user_id", "when", "reason")


class RemarkForm(Form):
    """What one says with a signature."""

    reason = forms.CharField(label=_("Remark"), required=False, max_length=500)


class RejectForm(Form):
    """Why not."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class BackForm(RejectForm):
    """To which signature, and why."""

    position = forms.TypedChoiceField(label=_("Back to"), coerce=int, help_text=_("It and all after it are asked again; what was signed stays in the history."))
    field_order = ("position", "reason")

    def offer(self, nodes: Any) -> BackForm:
        """Fill in the signatures that it has got."""
        told = [(one.position, f"{one.position}. " + ", ".join(signature.user.name for signature in one.signatures.all())) for one in nodes]
        self.fields["position"].choices = told  # type: ignore[attr-defined]
        return self
