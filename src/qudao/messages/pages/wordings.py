"""Pages of the own texts of notices: all kinds with what they say, and one of them in one language with a preview."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.forms import Form
from qudao.base.html.pages import ActionPage, FormPage, Page
from qudao.base.html.pages.door import client_id_of
from qudao.base.sentences import Said
from qudao.kernel.errors import Invalid, raise_if_any
from qudao.messages import actions, queries, rules
from qudao.messages.forms import WordingForm
from qudao.messages.queries import Told
from qudao.messages.rules import WordingDraft
from qudao.messages.states import PLACEHOLDERS, TOPIC_LABELS

#: how many changes of a text its page shows
NEWEST = 10


def language_name(language: str) -> str:
    """A language in its own words."""
    return str(get_language_info(language)["name_local"])


class WordingList(Page):
    """Every kind of notice, by topic, with the texts that count."""

    verb = "messages.edit_texts"
    title = gettext_lazy("Texts of notices")
    template = "messages/wordings.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        groups = []
        for topic, kinds in groupby(queries.told_kinds(self.actor), key=lambda one: one.topic):
            groups.append({"label": TOPIC_LABELS[topic], "kinds": [self._cells(one) for one in kinds]})
        return self.show(self.template, {"groups": groups, "languages": [language_name(language) for language, _name in settings.LANGUAGES]})

    def _cells(self, kind: Told) -> list[dict[str, Any]]:
        """For each language: the text that counts, whether it is an own one, and where it is changed."""
        found = []
        for language, _name in settings.LANGUAGES:
            own = kind.own.get(language)
            url = reverse("notice_text", args=[kind.code, language])
            text = own.text if own else kind.standard[language]
            found.append({"text": text, "own": bool(own), "url": url, "language": language_name(language), "lang": language})
        return found


class _OfKind:
    """One kind of notice in one language, from the address."""

    def find(self, **kwargs: Any) -> Told:
        return queries.told_kind(self.actor, kwargs["code"], kwargs["language"])  # type: ignore[attr-defined]

    def done(self, result: Any) -> str:
        return reverse("notice_text", args=[self.kwargs["code"], self.kwargs["language"]])  # type: ignore[attr-defined]


class WordingPage(_OfKind, FormPage):
    """The text of one kind of notice in one language, with what it says of a real event."""

    verb = "messages.edit_texts"
    form = WordingForm
    template = "messages/wording.html"
    title = gettext_lazy("Text of a notice")
    said = gettext_lazy("Saved; it counts at once, in the product and in e-mails.")
    above = "notice_texts"

    def initial(self, obj: Told) -> dict[str, Any]:
        own = obj.own.get(self.kwargs["language"])
        return {"subject": own.subject, "text": own.text} if own else {"text": obj.standard[self.kwargs["language"]]}

    def perform(self, obj: Told, cleaned: dict[str, Any], client_id: UUID) -> Any:
        draft = WordingDraft(**cleaned)
        if "preview" in self.request.POST:
            raise_if_any(rules.wording_faults(draft.clean(), obj.known), Invalid)
            raise _Preview
        return actions.save_wording(obj.code, self.kwargs["language"], draft, actor=self.actor, client_id=client_id)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().post(request, *args, **kwargs)
        except _Preview:
            return self.page(self.find(**kwargs), self.form(request.POST, actor=self.actor))

    def page(self, obj: Told, form: Form, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        language = self.kwargs["language"]
        own = obj.own.get(language)
        shown = WordingDraft(form["subject"].value() or "", form["text"].value() or "").clean()
        example = queries.example_of(self.actor, obj)
        head, text = queries.preview(example, shown, language)
        history = list(timeline(own.log_subject).reverse()[:NEWEST]) if own else []
        for line in history:
            line.shown_at = figures.moment(line.at)  # type: ignore[attr-defined]
        other = [one for one, _name in settings.LANGUAGES if one != language]
        context = {
            "obj": obj, "form": form, "faults": faults, "client_id": client_id_of(self.request), "submit": _("Save"),
            "language": language_name(language), "lang": language, "standard": obj.standard[language], "own": own, "head": head, "text": text,
            "example": figures.moment(example.created_at) if example.pk else "", "number": example.number,
            "known": [(f"{{{name}}}", PLACEHOLDERS[name][0]) for name in obj.known],
            "others": [(language_name(one), reverse("notice_text", args=[obj.code, one])) for one in other],
            "standard_url": reverse("notice_text_standard", args=[obj.code, language]) if own else "",
            "history": history,
        }  # fmt: skip
        return self.show(self.template, context, status)


class _Preview(Exception):
    """Nothing is saved."""


class Standard(_OfKind, ActionPage):
    """Back to the standard text."""

    verb = "messages.edit_texts"
    title = submit = gettext_lazy("Back to the standard text")
    said = gettext_lazy("The standard text counts again.")

    def says(self, obj: Told) -> Any:
        return _("From now on the notice says: {text}").format(text=obj.standard[self.kwargs["language"]])

    def perform(self, obj: Told, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.reset_wording(obj.code, self.kwargs["language"], actor=self.actor)


routes = [
    path("notice-texts/", WordingList.as_view(), name="notice_texts"),
    path("notice-texts/<str:code>/<str:language>/", WordingPage.as_view(), name="notice_text"),
    path("notice-texts/<str:code>/<str:language>/standard", Standard.as_view(), name="notice_text_standard"),
]
