"""Deputies, and the panel that shows a document's way through its approvals. The inbox is a page of the portal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.approvals import actions, queries
from qudao.approvals.actions import AbsenceDraft
from qudao.approvals.forms import AbsenceForm
from qudao.approvals.models import Absence, Node, Signature
from qudao.approvals.states import NOBODY, NodeState
from qudao.approvals.tables import AbsenceTable, role_name
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, FormPage, ListPage, Panel

TONES = {
    NodeState.WAITING: "idle",
    NodeState.CURRENT: "wait",
    NodeState.APPROVED: "done",
    NodeState.REJECTED: "wrong",
    NodeState.RETURNED: "wrong",
    NodeState.SKIPPED: "idle",
}


class AbsenceList(ListPage):
    """When one is away, and for whom one stands in."""

    verb = "approvals.delegate"
    query = queries.absences
    table = AbsenceTable
    title = gettext_lazy("Deputies")

    def buttons(self) -> Sequence[Button]:
        return [Button(_("Name a deputy"), reverse("absence_new"), icon="plus", primary=True, verb="approvals.delegate", key="n", ask=True)]


class AbsenceNew(FormPage):
    """Say who signs while one is away."""

    verb = "approvals.delegate"
    form = AbsenceForm
    title = submit = gettext_lazy("Name a deputy")
    said = gettext_lazy("Your deputy is told, and may sign on these days what waits for you.")
    above = "absences"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.name_deputy(AbsenceDraft(**cleaned), actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


class AbsenceEnd(ActionPage):
    """Back again, or the deputy cannot."""

    verb = "approvals.delegate"
    query = queries.absences
    action = actions.end_absence
    title = submit = gettext_lazy("End now")
    said = gettext_lazy("The deputy signs nothing more.")
    above = "absences"

    def done(self, result: Any) -> str:
        return self.back

    def says(self, obj: Absence) -> Any:
        return _("{deputy} no longer signs what waits for {name}.").format(deputy=obj.deputy.name, name=obj.user.name)


def course_panel(request: HttpRequest, document: Any) -> Panel | None:
    """On a document: its steps with who signed and how long each took, for the seller's people. Named in `qudao.web.panels`."""
    return steps_panel(queries.course(request.actor, document.subject))  # type: ignore[attr-defined]


def steps_panel(nodes: list[Node]) -> Panel | None:
    """Steps with who signed and how long each took; None without any."""
    if not nodes:
        return None
    out = queries.unscoped_times_out(nodes)
    items = [
        {
            "label": node.signer.name if node.signer else role_name(node),
            "state": (node.get_state_display(), "idle" if node.void else TONES[NodeState(node.state)]),
            "facts": [*_facts(node), *([_("time out {moment}").format(moment=figures.moment(out[node.pk]))] if node.pk in out else [])],
        }
        for node in nodes
    ]
    return Panel(_("Approvals"), "parts/panel_items.html", {"items": items}, aside=True)


def _facts(node: Node) -> list[str]:
    signed = [f"{_signer(one)} {figures.moment(one.at)}" for one in node.signatures.all()]
    given = _("asked by {name}") if node.added else _("handed on by {name}")
    handed = [given.format(name=node.given_by.name), *([node.note] if node.note else [])] if node.given_by else []
    reasons = [one.reason for one in node.signatures.all() if one.reason]
    since = [_("since {moment}").format(moment=figures.moment(node.entered_at))] if node.state == NodeState.CURRENT else []
    return [*handed, *since, *signed, *reasons, *_late(node), *passed(node)]


def passed(node: Node) -> list[str]:
    """Why a step does not count, or was not asked."""
    told = [_("{name} signed an earlier step").format(name=node.covered_by.name)] if node.covered_by else []
    return [*told, *([_("asked anew")] if node.void else []), *([_("nobody else can sign")] if node.note == NOBODY else [])]


def _late(node: Node) -> list[str]:
    """That the time was out, and what came of it."""
    if not node.late_at:
        return []
    alone = node.state in (NodeState.APPROVED, NodeState.REJECTED) and not node.signatures.all()
    told = _("decided by the flow after {hours} h") if alone else _("handed up after {hours} h")
    return [told.format(hours=node.late_hours)]


def _signer(one: Signature) -> str:
    """Who signed, and for whom."""
    return f"{one.user.name} ({_('for {name}').format(name=one.on_behalf.name)})" if one.on_behalf else one.user.name


routes = [
    path("absences/", AbsenceList.as_view(), name="absences"),
    path("absences/new", AbsenceNew.as_view(), name="absence_new"),
    path("absences/<int:pk>/end", AbsenceEnd.as_view(), name="absence_end"),
]
