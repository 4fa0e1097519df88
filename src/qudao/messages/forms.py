"""What giving a task and choosing topics ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html.forms import Form
from qudao.messages.rules import Reader
from qudao.messages.states import SUBJECT_LIMIT, TITLE_LIMIT, TOPIC_LABELS, WORDING_LIMIT


class TaskForm(Form):
    """What is to be done, by whom, until when; `message`: what was said that it comes from."""

    title = forms.CharField(label=_("What is to be done"), max_length=TITLE_LIMIT)
    assignee = forms.ChoiceField(label=_("Who"))
    due_on = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput())
    message = forms.RegexField(r"^\d{1,18}$", required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, readers: Sequence[Reader] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = self.actor.org_id if self.actor else 0
        groups: list[tuple[Any, list[tuple[int, str]]]] = [
            (_("Own side"), [(one.user_id, one.name) for one in readers if one.org_id == own]),
            (_("Other side"), [(one.user_id, one.name) for one in readers if one.org_id != own]),
        ]
        self.fields["assignee"].choices = [("", _("Choose…")), *((label, people) for label, people in groups if people)]  # type: ignore[attr-defined]

    def clean_message(self) -> int | None:
        """The id of the message; None when the task comes from none."""
        raw = self.cleaned_data["message"]
        return int(raw) if raw else None


class TopicsForm(Form):
    """Which topics call in the product, which come by e-mail too, and how often."""

    shown = forms.MultipleChoiceField(label=_("In the product"), required=False, choices=list(TOPIC_LABELS.items()))
    mailed = forms.MultipleChoiceField(label=_("By e-mail"), required=False, choices=list(TOPIC_LABELS.items()))

    daily = forms.BooleanField(label=_("One e-mail a day, at eight in the morning; what waits for my signature comes at once"), required=False)

    def topics(self) -> list[dict[str, Any]]:
        """A row of the table for each topic, with its two boxes."""
        shown, mailed = self["shown"].value() or [], self["mailed"].value() or []
        return [{"topic": topic, "label": label, "shown": topic in shown, "mailed": topic in mailed} for topic, label in TOPIC_LABELS.items()]


class WordingForm(Form):
    """The own text of a notice, and the title of its e-mail."""

    subject = forms.CharField(label=_("Title of the e-mail (the text itself when empty)"), required=False, max_length=SUBJECT_LIMIT)
    text = forms.CharField(label=_("Text"), max_length=WORDING_LIMIT, widget=forms.Textarea(attrs={"rows": 4}))
