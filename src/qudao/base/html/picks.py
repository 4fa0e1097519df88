"""Choosing one row among many by typing: its code, a part of its name or its initials. The form's own address answers the type-ahead (`?pick=field&q=`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import Case, Model, Q, QuerySet, Value, When
from django.utils.translation import gettext as _

from qudao.base.access import Actor
from qudao.base.html.tables import by_language
from qudao.base.search import matching, words_of

#: rows that a list offers at once
MOST = 8


class PickField(forms.CharField):
    """One row among `among(actor)`, which has a code, a name and an English name; by a plain list where there are no more than `few`.

    What is typed may be the code, the code with the name behind it (as a choice writes it), the whole name, or the id that a link names. The clean value
    is the row, its id or its code (`gives`); of nothing typed None, or "" where a code is asked. `of` is the way from a row to what is named ("buyer"),
    `kind` what the search calls that.
    """

    def __init__(
        self, *, among: Callable[[Actor], QuerySet], kind: str = "network.organisation", of: str = "", gives: str = "row", few: int = 12, **kwargs: Any
    ) -> None:  # fmt: skip
        super().__init__(**{"max_length": 200, **kwargs})
        self.among, self.kind, self.gives, self.few = among, kind, gives, few
        self.of, self.way = of, f"{of}__" if of else ""
        self.actor: Actor | None = None
        self.offered: dict[str, Any] | None = None

    def begin(self, actor: Actor, name: str) -> None:
        """Become a plain list where there is little to choose from, else a field to type in. One statement."""
        self.actor = actor
        found = list(self._rows()[: self.few + 1]) if self.few else []
        if self.few and len(found) <= self.few:
            self.offered = {str(one.code if self.gives == "code" else one.pk): one for one in found}
            choices = [(key, self.label_of(one)) for key, one in self.offered.items()]
            self.widget = forms.Select(choices=choices if len(choices) == 1 and self.required else [("", "—"), *choices])
            self.widget.is_required = self.required
        else:
            self.widget.attrs.update({"data-suggest": f"?pick={name}", "data-find": "", "autocomplete": "off", "spellcheck": "false"})
            self.widget.attrs.setdefault("placeholder", _("Code, name or pinyin initials"))

    def _rows(self) -> QuerySet:
        assert self.actor is not None, "a form with such a field needs an actor"
        return self.among(self.actor)

    def _named(self, row: Any) -> Any:
        return getattr(row, self.of) if self.of else row

    def label_of(self, row: Any) -> str:
        """How a row is called here: its code and the name."""
        named = self._named(row)
        return f"{row.code} {by_language(named.name, named.name_en)}"

    def suggest(self, words: str) -> list[dict[str, str]]:
        """The first rows that have all these words, what begins with them before what contains them. One statement."""
        text = words.strip()[:60]
        if not words_of(text):
            return []
        begins = [Q(**{f"{self.way}{way}": text}) for way in ("code__iexact", "code__istartswith", "name__istartswith", "name_en__istartswith")]
        rank = Case(*(When(one, then=Value(n)) for n, one in enumerate(begins)), default=Value(len(begins)))
        met = Q(**{f"{self.way}pk__in": matching(self.kind, text)})
        met |= Q(code__istartswith=text) if self.of else Q()
        found = self._rows().filter(met).annotate(rank=rank).order_by("rank", "code", "pk")[:MOST]
        named = [(one.code, self._named(one)) for one in found]
        kinds = hasattr(found.model, "get_kind_display")
        return [{"value": code, "label": by_language(one.name, one.name_en), "note": str(one.get_kind_display()) if kinds else ""} for code, one in named]

    def prepare_value(self, value: Any) -> Any:
        """A row, or the id that a link or the record gives, as people read it; what was typed as it is."""
        if isinstance(value, Model):
            return value.pk if self.offered is not None else self.label_of(value)
        if self.offered is None and self.gives != "code" and str(value or "").isdecimal():
            row = self._found(str(value))
            return self.label_of(row) if row is not None else value
        return value

    def _found(self, text: str) -> Any:
        """The one row that is meant; None when there is none. ValidationError when the name is that of several."""
        first = text.split()[0]
        meant = Q(code__iexact=text) | Q(code__iexact=first) | Q(**{f"{self.way}name__iexact": text}) | Q(**{f"{self.way}name_en__iexact": text})
        if text.isdecimal() and len(text) < 19:
            meant |= Q(pk=int(text))
        found = list(self._rows().filter(meant)[:MOST])
        for same in (lambda one: one.code.upper() == text.upper(), lambda one: one.code.upper() == first.upper(), lambda one: str(one.pk) == text):
            hits = [one for one in found if same(one)]
            if len(hits) == 1:
                return hits[0]
        if len(found) > 1:
            raise forms.ValidationError(_("Several are called “{text}”: choose one from the list, or type its code.").format(text=text))
        return found[0] if found else None

    def clean(self, value: Any) -> Any:
        """The row, its id or its code."""
        text = str(super().clean(value) or "").strip()
        if not text:
            return "" if self.gives == "code" else None
        row = self.offered.get(text) if self.offered is not None else None
        row = row if row is not None else self._found(text)
        if row is None:
            raise forms.ValidationError(_("“{text}” is not known here: type a code or a part of the name and choose from the list.").format(text=text))
        return row if self.gives == "row" else row.pk if self.gives == "pk" else row.code
