"""Pages of flows: the list, and one flow with what is in use and the draft beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.approvals import actions, queries
from qudao.approvals.forms import FlowForm, RuleForm
from qudao.approvals.models import Flow, Version
from qudao.approvals.queries import signer_of, signers_of
from qudao.approvals.rules import FlowDraft, RuleDraft, Step, When, branches_of
from qudao.approvals.states import CREDITS, LABELS, TYPES, Late, Mode, VersionState
from qudao.approvals.tables import FlowTable
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel

TONES = {VersionState.DRAFT: "wait", VersionState.PUBLISHED: "done", VersionState.SUPERSEDED: "idle"}


class FlowList(ListPage):
    """The flows of the own organisation."""

    verb = "approvals.view"
    query = queries.flows
    table = FlowTable
    title = gettext_lazy("Approval flows")

    def buttons(self) -> Sequence[Button]:
        return [
            Button(_("Separation of duties"), reverse("approval_duties"), icon="users", verb="approvals.edit_rules", ask=True),
            Button(_("Working hours"), reverse("approval_hours"), icon="clock", verb="approvals.edit_rules", ask=True),
            Button(_("New flow"), reverse("approval_flow_new"), icon="sitemap", verb="approvals.edit_rules", ask=True),
            Button(_("Add rule"), reverse("approval_rule_new"), icon="plus", primary=True, verb="approvals.edit_rules", key="n", ask=True),
        ]


class RuleNew(FormPage):
    """Let documents from an amount on need one more signature, at once."""

    verb = "approvals.edit_rules"
    form = RuleForm
    title = submit = gettext_lazy("Add rule")
    said = gettext_lazy("The rule is in use for documents submitted from now on.")
    above = "approval_flows"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.add_rule(self.actor.org_id, RuleDraft(**cleaned), actor=self.actor, client_id=client_id).flow


class FlowNew(FormPage):
    """Begin a draft for a kind of documents."""

    verb = "approvals.edit_rules"
    form = FlowForm
    title = submit = gettext_lazy("New flow")
    above = "approval_flows"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        before = queries.flows(self.actor, kind=cleaned["kind"]).first()
        draft = replace(drafted(before), name=cleaned["name"]) if before else FlowDraft(cleaned["kind"], cleaned["name"])
        return actions.save_draft(self.actor.org_id, draft, actor=self.actor, client_id=client_id)


def version_of(flow: Flow, state: str) -> Version | None:
    """The version of a flow in a state, of those that were read with it."""
    return next((one for one in flow.versions.all() if one.state == state), None)


def written(flow: Flow) -> Version | None:
    """The draft, or what is in use when there is none: with it the next draft begins."""
    return version_of(flow, VersionState.DRAFT) or version_of(flow, VersionState.PUBLISHED)


def drafted(flow: Flow) -> FlowDraft:
    """What the draft says, or what is in use."""
    found = written(flow)
    return queries.draft_of(flow, found) if found else FlowDraft(flow.kind, flow.name)


def conditions(when: When) -> list[str]:
    """What a branch asks, in words."""
    found = []
    if when.amount_from or when.amount_to is not None:
        told = {"from": figures.amount(when.amount_from), "to": figures.amount(when.amount_to or 0)}
        found.append((_("from {from}") if when.amount_to is None else _("from {from} to below {to}")).format(**told))
    if when.types:
        found.append(", ".join(str(TYPES.get(one, one)) for one in when.types))
    if when.discount_from is not None:
        found.append(_("discount of {n} % or more").format(n=f"{when.discount_from.normalize():f}"))
    if when.credit:
        found.append(_("credit: {verdict}").format(verdict=CREDITS.get(when.credit, when.credit)))
    if when.first is not None:
        found.append(_("first order of the buyer") if when.first else _("not the first order"))
    if when.categories:
        found.append(_("product lines {codes}").format(codes=", ".join(when.categories)))
    if when.tiers:
        found.append(_("buyers of tier {tiers}").format(tiers=", ".join(map(str, when.tiers))))
    if when.groups:
        found.append(_("buyers of group {codes}").format(codes=", ".join(when.groups)))
    return found or [_("every document")]


def signs(step: Step, names: queries.Names) -> str:
    """Who signs in a step, in words."""
    told = [_("{position}. {who}").format(position=step.position, who=signer_of(step, names))]
    if step.mode != Mode.ANY:
        told.append(str(Mode(step.mode).label))
    if step.remind_hours:
        told.append(_("reminded after {hours} h").format(hours=step.remind_hours))
    if step.late_hours:
        below = f" < {figures.amount(step.late_below)}" if step.late_then == Late.PASS else ""
        told.append(_("after {hours} h: {what}").format(hours=step.late_hours, what=f"{Late(step.late_then).label}{below}"))
    return " · ".join(told)


def _items(actor: Actor, flow: Flow, version: Version) -> list[dict[str, Any]]:
    branches = branches_of(version.branches)
    names = queries.names_of(step for branch in branches for step in branch.steps)
    edits = version.state == VersionState.DRAFT and actor.can("approvals.edit_rules")
    found = []
    for no, branch in enumerate(branches, 1):
        found.append(
            {
                "label": f"{no}. {branch.name or _('Branch')}",
                "facts": conditions(branch.when),
                "buttons": _branch_buttons(flow, no) if edits else [],
            }
        )
        for at, step in enumerate(branch.steps, 1):
            buttons = _step_buttons(flow, no, at) if edits else []
            found.append({"label": "", "facts": [signs(step, names)], "buttons": buttons})
    return found


def _habits(version: Version) -> list[dict[str, Any]]:
    """What counts for all branches of a version."""
    same = _("is not asked again where nobody else can sign") if version.skip_signed else _("administrators sign instead")
    hours = _("working hours") if version.working_hours else _("every hour, day and night")
    return [{"label": _("Who has signed an earlier step"), "facts": [same]}, {"label": _("Reminders and time-outs count"), "facts": [hours]}]


def _branch_buttons(flow: Flow, no: int) -> list[Button]:
    return [
        Button(_("Add signature"), reverse("approval_step", args=[flow.pk, no, 0]), ask=True),
        Button(_("Change"), reverse("approval_branch", args=[flow.pk, no]), ask=True),
        Button(_("Remove"), reverse("approval_branch_removal", args=[flow.pk, no]), ask=True),
    ]


def _step_buttons(flow: Flow, no: int, at: int) -> list[Button]:
    where = [flow.pk, no, at]
    return [
        Button(_("Change"), reverse("approval_step", args=where), ask=True),
        Button(_("Remove"), reverse("approval_step_removal", args=where), ask=True),
    ]


def draft_panel(request: HttpRequest, flow: Flow) -> Panel | None:
    """What is being written."""
    draft = version_of(flow, VersionState.DRAFT)
    if draft is None:
        return None
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items, empty = _items(actor, flow, draft), _("No branch yet: every document would pass without a signature.")
    items += _habits(draft) if items else []
    return Panel(_("Draft, version {no}").format(no=draft.no), "parts/panel_items.html", {"items": items, "empty": empty}, note=_warning(flow, draft))


def _warning(flow: Flow, draft: Version) -> Any:
    """What would go wrong when the draft is published: a signature that nobody can give."""
    nobody = queries.unscoped_nobody((step for branch in branches_of(draft.branches) for step in branch.steps), flow.owner_id)
    if not nobody:
        return ""
    who = ", ".join(dict.fromkeys(signers_of(nobody)))
    return _("Nobody here can sign for: {who}. Administrators would be asked instead.").format(who=who)


def used_panel(request: HttpRequest, flow: Flow) -> Panel:
    """What counts for documents submitted now."""
    found = version_of(flow, VersionState.PUBLISHED)
    items = [*_items(request.actor, flow, found), *_habits(found)] if found else []  # type: ignore[attr-defined]
    title = _("In use, version {no}").format(no=found.no) if found else pgettext("flow", "In use")
    return Panel(title, "parts/panel_items.html", {"items": items, "empty": _("Nothing is in use: no document needs a signature.")})


def versions_panel(request: HttpRequest, flow: Flow) -> Panel:
    """What was in use before, and who put it there."""
    items = [
        {
            "label": _("Version {no}").format(no=one.no),
            "state": (one.get_state_display(), TONES[VersionState(one.state)]),
            "facts": [
                *([figures.moment(one.published_at)] if one.published_at else []),
                *([_("until {moment}").format(moment=figures.moment(one.ended_at))] if one.ended_at else []),
                *([one.published_by.name] if one.published_by else []),
            ],
        }
        for one in flow.versions.all()
    ]
    return Panel(_("Versions"), "parts/panel_items.html", {"items": items}, aside=True)


class FlowDetail(DetailPage):
    """A flow with its versions."""

    verb = "approvals.view"
    query = queries.flows
    kind = "approvals.flow"
    panels = (draft_panel, used_panel, versions_panel)
    above = "approval_flows"

    def head(self, obj: Flow) -> Head:
        used = version_of(obj, VersionState.PUBLISHED)
        state = (pgettext("flow", "In use"), "done") if used else (_("Not in use"), "idle")
        return Head(obj.name or str(LABELS.get(obj.kind, obj.kind)), state, LABELS.get(obj.kind, obj.kind))

    def buttons(self, obj: Flow) -> Sequence[Button]:
        to = {name: reverse(f"approval_flow_{name}", args=[obj.pk]) for name in ("publication", "discard", "retirement", "habits")}
        draft, used = version_of(obj, VersionState.DRAFT), version_of(obj, VersionState.PUBLISHED)
        add = Button(
            _("Add branch"), reverse("approval_branch", args=[obj.pk, 0]), icon="plus", primary=not draft, verb="approvals.edit_rules", ask=True, key="n"
        )
        found = [Button(_("Publish"), to["publication"], icon="check", primary=True, verb="approvals.edit_rules", ask=True)] if draft else []
        found += [
            add,
            Button(_("For all branches"), to["habits"], icon="settings", verb="approvals.edit_rules", ask=True),
            Button(_("What if"), reverse("approval_what_if", args=[obj.pk]), icon="chart-bar"),
        ]
        if draft:
            found.append(Button(_("Discard draft"), to["discard"], icon="x", verb="approvals.edit_rules", ask=True))
        if used:
            found.append(Button(_("Take out of use"), to["retirement"], icon="ban", danger=True, verb="approvals.edit_rules", ask=True))
        return found


class _OfFlow(ActionPage):
    """A verb on a flow."""

    verb = "approvals.edit_rules"
    query = queries.flows
    above = "approval_flow"

    def done(self, result: Any) -> str:
        return self.back


class Publication(_OfFlow):
    """Put the draft into use."""

    action = actions.publish_flow
    title = submit = gettext_lazy("Publish")
    said = gettext_lazy("The flow is in use for documents submitted from now on.")

    def says(self, obj: Flow) -> Any:
        draft = version_of(obj, VersionState.DRAFT)
        warned = _warning(obj, draft) if draft else ""
        told = _("Documents submitted from now on go by it. What already waits goes on by the version it was submitted under.")
        return f"{warned} {told}" if warned else told


class Discard(_OfFlow):
    """Throw the draft away."""

    action = actions.discard_draft
    title = submit = gettext_lazy("Discard draft")
    said = gettext_lazy("The draft is gone.")
    danger = True

    def says(self, obj: Flow) -> Any:
        return _("The draft is lost; what is in use stays.")


class Retirement(_OfFlow):
    """No signature any more."""

    action = actions.retire_flow
    title = submit = gettext_lazy("Take out of use")
    said = gettext_lazy("The flow is no longer in use.")
    danger = True

    def says(self, obj: Flow) -> Any:
        return _("Documents submitted from now on need no signature. What already waits goes on.")


routes = [
    path("approval-flows/", FlowList.as_view(), name="approval_flows"),
    path("approval-flows/new", FlowNew.as_view(), name="approval_flow_new"),
    path("approval-flows/rule", RuleNew.as_view(), name="approval_rule_new"),
    path("approval-flows/<int:pk>/", FlowDetail.as_view(), name="approval_flow"),
    path("approval-flows/<int:pk>/publication", Publication.as_view(), name="approval_flow_publication"),
    path("approval-flows/<int:pk>/discard", Discard.as_view(), name="approval_flow_discard"),
    path("approval-flows/<int:pk>/retirement", Retirement.as_view(), name="approval_flow_retirement"),
]
