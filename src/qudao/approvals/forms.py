"""What people write about approval rules and absences."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.approvals import queries
from qudao.approvals.states import DECIDED_BY, KINDS
from qudao.base.html.forms import Form
from qudao.base.html.tables import by_language


class RuleForm(Form):
    """From which amount on who must sign."""

    kind = forms.ChoiceField(label=_("Document"), choices=tuple(KINDS.items()))
    min_amount = forms.DecimalField(label=_("From amount"), max_digits=18, decimal_places=2, initial=0, help_text=_("Of this amount or more, tax included."))
    position = forms.IntegerField(label=_("Position"), initial=1, help_text=_("Smaller numbers sign first."))
    remind_hours = forms.IntegerField(label=_("Remind after hours"), required=False, help_text=_("Who must sign is reminded once; empty = never."))
    role_id = forms.TypedChoiceField(label=_("Role"), coerce=int, help_text=_("Any one person with this role signs."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = queries.unscoped_role_choices(self.actor.org_id, self.actor.org_kind)
        self.fields["role_id"].choices = [(pk, by_language(name, name_en)) for pk, name, name_en in found]  # type: ignore[attr-defined]


class AbsenceForm(Form):
    """Who signs while one is away."""

    deputy_id = forms.TypedChoiceField(label=_("Deputy"), coerce=int, help_text=_("A colleague who may approve. You still may, too."))
    first_day = forms.DateField(label=_("From"), widget=forms.DateInput)
    last_day = forms.DateField(label=_("To, included"), widget=forms.DateInput)
    note = forms.CharField(label=_("Remark"), required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = {one.id: (one, name, name_en) for kind in DECIDED_BY for one, name, name_en in queries.choices_of_colleagues(self.actor, kind)}
        self.fields["deputy_id"].choices = [(pk, f"{one.name} ({by_language(name, name_en)})") for pk, (one, name, name_en) in found.items()]  # type: ignore[attr-defined]
