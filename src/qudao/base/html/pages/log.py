"""The log of actions for whoever audits: who did what, when, through which channel, to which document; every export by the mark it carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, path, reverse
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from qudao.base.access import Actor, Scope, all_verbs, visible
from qudao.base.html import figures
from qudao.base.html.pages.details import DetailPage, Head, Panel
from qudao.base.html.pages.lists import ListPage
from qudao.base.html.pages.prints import documents
from qudao.base.html.tables import Column, Filter, Table, cell_pair
from qudao.base.importing import kinds
from qudao.base.models import ActionLog, SearchEntry
from qudao.base.sheets import find_mark
from qudao.kernel import clock

#: what is written for programs, not for people
CODE = re.compile(r"[a-z_]+(\.[a-z_]+)?")
CHANNELS = {
    "page": pgettext_lazy("channel", "page"), "phone": pgettext_lazy("channel", "phone"), "api": gettext_lazy("API"),
    "file": gettext_lazy("file"), "edi": pgettext_lazy("channel", "EDI"), "scan": pgettext_lazy("channel", "scan"), "mail": gettext_lazy("mail"),
    "command": gettext_lazy("command line"), "system": gettext_lazy("automatically"),
}  # fmt: skip


def channels() -> list[tuple[str, str]]:
    """Every channel with its word, to choose one."""
    return [(key, capfirst(str(word))) for key, word in CHANNELS.items()]


def logs(actor: Actor) -> QuerySet[ActionLog]:
    """The lines the actor may see."""
    return visible(actor, ActionLog)


@cache
def _model_of(kind: str) -> Any:
    """The model of a kind of subject ("orders.order"); None when it is none."""
    module, _dot, noun = kind.partition(".")
    for label in (module, f"qudao_{module}"):
        try:
            return apps.get_model(label, noun)
        except (LookupError, ValueError):
            continue
    return None


def address_of(line: ActionLog) -> str:
    """The page of what a line is about; "" when it has none. The page itself decides who may see it."""
    return page_of(line.subject_kind, line.subject_id)


def page_of(kind: str, pk: int | None) -> str:
    """The page of a document by its kind and id; "" when it has none."""
    model = _model_of(kind)
    if model is None or not pk or not hasattr(model, "get_absolute_url"):
        return ""
    try:
        return str(model(pk=pk).get_absolute_url())
    except (NoReverseMatch, AttributeError):
        return ""


def what_of(line: ActionLog) -> Any:
    """What was done, in words; what the system made of an event on its own is one thing."""
    if line.verb.startswith("react."):
        return _("Followed from an event")
    return all_verbs().get(line.verb, line.verb)


def channel_of(line: ActionLog) -> str:
    """Through what it was done."""
    return capfirst(str(CHANNELS.get(line.channel, line.channel)))


def who_of(line: ActionLog) -> Any:
    """Who did it."""
    return line.actor_name or _("System")


@cache
def _states(kind: str) -> dict[str, Any]:
    """The words of the states a kind of subject knows: of its own columns, else of its module's tables."""
    model = _model_of(kind)
    if model is None:
        return {}
    found: dict[str, Any] = {}
    for one in (*model._meta.app_config.get_models(), model):
        for column in one._meta.concrete_fields:
            found.update(column.flatchoices or ())
    return found


def state_of(line: ActionLog, code: str) -> Any:
    """A state in words; amounts and names as they are, codes without a word not at all."""
    return _states(line.subject_kind).get(code, "" if CODE.fullmatch(code) else code)


def number_of(line: ActionLog) -> Any:
    """The number of what a line is about; what was imported or printed, in words; "" when it is only a code."""
    if line.subject_kind == "base.import":
        return kinds()[line.number].label if line.number in kinds() else ""
    if line.subject_kind == "base.print":
        name = (line.detail or {}).get("document", line.number)
        label = documents()[name].label if name in documents() else ""
        return f"{label} {line.number}" if find_mark(line.number) else label
    if line.subject_kind.startswith("base.") and line.subject_kind != "base.export":
        return ""
    if line.number and not CODE.fullmatch(line.number):
        return line.number
    return f"№ {line.subject_id}" if line.subject_id else ""


def _link(line: ActionLog) -> Any:
    """The document of a line, as a link where it has a page."""
    name, href = number_of(line), address_of(line)
    return format_html('<a href="{}">{}</a>', href, name) if href and name else name


def _since(raw: str) -> Q:
    found = parse_date(raw) if len(raw) == 10 else None
    return Q(at__gte=clock.end_of(found - timedelta(days=1))) if found else Q()


def _until(raw: str) -> Q:
    found = parse_date(raw) if len(raw) == 10 else None
    return Q(at__lt=clock.end_of(found)) if found else Q()


def _numbered(raw: str) -> Q:
    """Lines about the document of a number, found as the search finds it; or the export or print that carries a mark."""
    if find_mark(raw):
        return Q(subject_kind__in=("base.export", "base.print"), subject_id=0, number=find_mark(raw))
    entry = SearchEntry.unscoped.filter(subject_kind=OuterRef("subject_kind"), subject_id=OuterRef("subject_id"), number=raw.strip().upper())
    return Q(Exists(entry))


def _done_by(raw: str) -> Q:
    """What people of a name did, and programs of a name: looked up among the people, which are few, not in the log, which is long."""
    people, programs = import_string(settings.PEOPLE_CALLED)(raw)
    found = Q(pk__in=[])
    if people:
        found |= Q(actor_user__in=people)
    if programs:
        found |= Q(actor_user__in=programs, actor_name__icontains=raw)
    return found


class LogTable(Table):
    """What was done, newest first."""

    columns = (
        Column("at", gettext_lazy("When"), cell=lambda row: figures.moment(row.at), width="nw"),
        Column("actor_name", pgettext_lazy("log", "Who"), cell=who_of),
        Column(
            "verb",
            pgettext_lazy("log", "What"),
            cell=lambda row: cell_pair(what_of(row), row.detail.get("what", "") if row.subject_kind == "base.export" else ""),
        ),
        Column("number", gettext_lazy("Document"), cell=_link),
        Column("", pgettext_lazy("state", "From"), cell=lambda row: state_of(row, row.before), dim=True, hide_on_phone=True, slug="before"),
        Column("", pgettext_lazy("state", "To"), cell=lambda row: state_of(row, row.after), dim=True, hide_on_phone=True, slug="after"),
        Column("reason", gettext_lazy("Reason"), dim=True, hide_on_phone=True, width="clip"),
        Column("channel", gettext_lazy("Through"), cell=channel_of, dim=True, hide_on_phone=True),
    )
    filters = (
        Filter("number", gettext_lazy("Number or mark"), kind="text", q=_numbered),
        Filter("who", pgettext_lazy("log", "Who"), kind="text", q=_done_by),
        Filter(
            "verb",
            pgettext_lazy("log", "What"),
            choices=lambda actor: sorted(((verb, str(label)) for verb, label in all_verbs().items()), key=lambda one: one[1]),
        ),
        Filter("since", gettext_lazy("From"), kind="day", q=_since),
        Filter("until", gettext_lazy("Until"), kind="day", q=_until),
        Filter("channel", gettext_lazy("Through"), choices=lambda actor: channels()),
    )
    # Ids grow with time, and the key serves them backwards whatever the size of the history.
    order = ("-id",)
    empty = gettext_lazy("Nothing was done yet.")
    remedy = gettext_lazy("Whatever somebody does here stands in this log and stays in it.")

    def url(self, row: ActionLog) -> str:
        return reverse("log_line", args=[row.pk])


class LogList(ListPage):
    """The log of the own organisation; of all for whoever sees all."""

    verb = "base.view_log"
    query = logs
    table = LogTable
    title = gettext_lazy("Log of actions")


def _shown(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_shown(one)}" for key, one in value.items())
    return "" if value is None else str(value)


def changes_of(line: ActionLog) -> list[tuple[str, str]]:
    """What a line says beyond from and to: [before, after] of a field as "before → after"."""
    pairs = []
    for name, value in line.detail.items():
        changed = isinstance(value, list) and len(value) == 2
        pairs.append((name, " → ".join(_shown(one) or "–" for one in value) if changed else _shown(value)))
    return pairs


def line_panel(request: HttpRequest, line: ActionLog) -> Panel:
    """One line, whole; what stood in the own fields only for the own organisation."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    own = actor.scope == Scope.ALL or line.actor_org == actor.org_id
    stage = figures.age(timedelta(seconds=line.stage_seconds)) if line.stage_seconds else ""
    states = " → ".join(str(one) for one in (state_of(line, line.before), state_of(line, line.after)) if one)
    facts = [
        (_("When"), figures.moment(line.at)),
        (pgettext("log", "Who"), who_of(line)),
        (pgettext("log", "What"), what_of(line)),
        (_("Document"), _link(line)),
        (_("State"), states),
        (_("After"), stage),
        (_("Reason"), line.reason),
        (_("Through"), channel_of(line)),
        *(changes_of(line) if own else []),
    ]
    return Panel(_("What was done"), "parts/panel_facts.html", {"facts": facts})


class LogLine(DetailPage):
    """One line of the log."""

    verb = "base.view_log"
    query = logs
    kind = "base.actionlog"
    panels = (line_panel,)
    above = "log"

    def head(self, obj: ActionLog) -> Head:
        return Head(str(number_of(obj) or obj.pk), None, who_of(obj), facts=[what_of(obj)])


routes = [path("log/", LogList.as_view(), name="log"), path("log/<int:pk>/", LogLine.as_view(), name="log_line")]
