"""What a draft would have asked of the documents of the last months, and how long their signatures took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.approvals import queries
from qudao.approvals.models import Flow
from qudao.approvals.pages.flows import version_of, written
from qudao.approvals.queries import signer_of
from qudao.approvals.rules import Replay, replay
from qudao.approvals.states import LABELS, VersionState
from qudao.base.html import figures
from qudao.base.html.pages import Button, DetailPage, Head, Panel
from qudao.base.html.tables import by_language
from qudao.kernel import clock

MONTHS = (1, 3, 12)
SHOWN = 50


def months_of(asked: str) -> int:
    """The months asked for; three when nothing sensible is."""
    return int(asked) if asked.isdecimal() and int(asked) in MONTHS else 3


def since_of(months: int) -> datetime:
    """The moment from which documents are replayed."""
    return clock.now() - timedelta(days=30 * months)


def replayed(flow: Flow, months: int) -> tuple[list[queries.Submitted], Replay]:
    """The documents of the last months, and what the draft (or what is in use, without one) asks of them. One statement."""
    found = queries.unscoped_submitted(flow, since_of(months))
    used = version_of(flow, VersionState.PUBLISHED)
    return found, replay(queries.plan_of(written(flow)), queries.plan_of(used), [one.case for one in found])


def result_panel(request: HttpRequest, flow: Flow) -> Panel:
    """Whom how many would need, and which come out otherwise."""
    found, told = replayed(flow, months_of(request.GET.get("months", "")))
    names = queries.names_of(step for step, _n in told.asked)
    items: list[dict[str, Any]] = [
        {"label": _("Documents submitted"), "end": str(told.total)},
        {"label": _("Pass straight through"), "end": str(told.through)},
        *({"label": signer_of(step, names), "facts": [_("must sign")], "end": n} for step, n in told.asked),
        {"label": _("Need other signatures than today"), "end": str(len(told.changed))},
    ]
    if told.unsure:
        items.append({"label": _("Depend on a fact that was not kept; counted as asked"), "end": told.unsure})
    request.changed = [found[n] for n in told.changed[:SHOWN]]  # type: ignore[attr-defined]
    title = _("What the draft would ask") if version_of(flow, VersionState.DRAFT) else _("What is in use would ask")
    note = _("Of documents that needed no signature, groups and product lines are those of now, and a discount is not known.")
    items.append({"label": "", "facts": [note]})
    return Panel(title, "parts/panel_items.html", {"items": items})


def changed_panel(request: HttpRequest, flow: Flow) -> Panel:
    """The documents that would need other signatures than today."""
    changed: list[queries.Submitted] = request.changed  # type: ignore[attr-defined]
    items = [{"label": one.number, "facts": [figures.day(one.opened_at)], "end": figures.amount(one.case.amount)} for one in changed]
    return Panel(_("Need other signatures than today"), "parts/panel_items.html", {"items": items, "empty": _("None.")}, aside=True)


def times_panel(request: HttpRequest, flow: Flow) -> Panel:
    """How long signatures took."""
    told = written(flow)
    works = bool(told and told.working_hours)
    work = queries.unscoped_work_times([flow.owner_id])[flow.owner_id] if works else None
    items = [
        {
            "label": one.signer or (_("Department {name}").format(name=one.department) if one.department else by_language(*one.role)),
            "facts": [*([one.branch] if one.branch else []), _("{n} signed").format(n=one.count)],
            "end": _("median {median} h, P90 {p90} h").format(median=figures.amount(one.median, 1), p90=figures.amount(one.p90, 1)),
        }
        for one in queries.waited(flow, since_of(months_of(request.GET.get("months", ""))), work)
    ]
    title = _("How long signatures took, in working hours") if works else _("How long signatures took")
    return Panel(title, "parts/panel_items.html", {"items": items, "empty": _("Nothing was signed in this time.")})


class WhatIf(DetailPage):
    """A draft over the documents of the last months."""

    verb = "approvals.view"
    query = queries.flows
    panels = (result_panel, times_panel, changed_panel)
    above = "approval_flow"

    def head(self, obj: Flow) -> Head:
        return Head(
            _("What if"),
            None,
            obj.name or LABELS.get(obj.kind, obj.kind),
            facts=[_("the last {n} months").format(n=months_of(self.request.GET.get("months", "")))],
        )

    def buttons(self, obj: Flow) -> Sequence[Button]:
        return [Button(ngettext("{n} month", "{n} months", n).format(n=n), f"{reverse('approval_what_if', args=[obj.pk])}?months={n}") for n in MONTHS]


routes = [path("approval-flows/<int:pk>/what-if", WhatIf.as_view(), name="approval_what_if")]
