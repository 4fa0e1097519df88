"""Actions that wait for signatures: the list, and one with what it would do, its course, and what the reader may do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.approvals import actions, queries
from qudao.approvals.actions import SIGNED
from qudao.approvals.forms import BackForm, ColleagueForm, RejectForm, RemarkForm, SignerForm
from qudao.approvals.models import Node, Proposal
from qudao.approvals.pages.course import steps_panel
from qudao.approvals.states import LABELS, TYPES, Decision, ProposalState
from qudao.approvals.tables import TONES, ProposalTable
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, Head, ListPage, Panel
from qudao.base.html.pages.log import page_of
from qudao.kernel.errors import NotFound


class ProposalList(ListPage):
    """What waits for signatures, or did."""

    verb = "approvals.ask"
    query = queries.proposals
    table = ProposalTable
    title = gettext_lazy("Asked to sign")


def card_of(made: Proposal) -> list[tuple[Any, Any]]:
    """What it would do, as (label, text)."""
    found = SIGNED.get(made.action)
    told: list[tuple[Any, Any]] = [(_("What"), TYPES.get(made.type, LABELS.get(made.kind, made.kind)))]
    if made.amount:
        told.append((_("Amount"), figures.money(made.amount, made.currency)))
    told += found.card(**found.read(made.arguments)) if found else []
    return [*told, (_("Asked by"), made.asked_by.name), (_("Asked"), figures.moment(made.asked_at))]


def card_panel(request: HttpRequest, made: Proposal) -> Panel:
    """What it would do."""
    note = _("Nothing of this has happened yet: the last signature does it.") if made.state == ProposalState.WAITING else ""
    return Panel(LABELS.get(made.kind, made.kind), "parts/panel_facts.html", {"facts": card_of(made)}, note=note)


def course_panel(request: HttpRequest, made: Proposal) -> Panel | None:
    """Who signed, and who must."""
    return steps_panel(queries.course(request.actor, made.asking))  # type: ignore[attr-defined]


def about_panel(request: HttpRequest, document: Any) -> Panel | None:
    """On a document: what waits about it. Named in `qudao.web.panels`."""
    found = queries.proposals_about(request.actor, document)  # type: ignore[attr-defined]
    items = [
        {
            "label": TYPES.get(one.type, LABELS.get(one.kind, one.kind)),
            "url": one.get_absolute_url(),
            "facts": [one.asked_by.name, figures.moment(one.asked_at)],
            "end": figures.money(one.amount, one.currency) if one.amount else "",
        }
        for one in found
    ]
    return Panel(ProposalState.WAITING.label, "parts/panel_items.html", {"items": items}) if items else None


class ProposalDetail(DetailPage):
    """One action that waits."""

    verb = "approvals.ask"
    query = queries.proposals
    kind = "approvals.proposal"
    panels = (card_panel, course_panel)
    above = "approval_proposals"

    def head(self, obj: Proposal) -> Head:
        return Head(obj.number, (obj.get_state_display(), TONES[ProposalState(obj.state)]), LABELS.get(obj.kind, obj.kind))

    def buttons(self, obj: Proposal) -> Sequence[Button]:
        address = page_of(obj.subject_kind, obj.subject_id)
        found = [Button(_("Open {number}").format(number=obj.number), address, icon="receipt")] if address else []
        if obj.state != ProposalState.WAITING:
            return found
        to = {name: reverse(f"approval_proposal_{name}", args=[obj.pk]) for name in ("approval", "rejection", "delegation", "signers", "back", "withdrawal")}
        if obj.asked_by_id == self.actor.user_id:
            return [*found, Button(_("Take back"), to["withdrawal"], icon="arrow-back-up", ask=True, danger=True)]
        if not queries.may_sign(self.actor, obj.asking):
            return found
        return [
            Button(_("Approve"), to["approval"], icon="check", primary=True, verb="approvals.sign", ask=True, key="e"),
            Button(_("Reject"), to["rejection"], icon="x", verb="approvals.sign", ask=True, key="r"),
            Button(_("Hand on"), to["delegation"], icon="user", verb="approvals.delegate", ask=True, key="d"),
            Button(_("Ask a colleague to sign, too"), to["signers"], icon="users", verb="approvals.add_signer", ask=True, key="t"),
            Button(_("Send back to an earlier signature"), to["back"], icon="history", verb="approvals.send_back", ask=True),
            *found,
        ]


class _OfProposal(ActionPage):
    """A verb on something that waits."""

    query = queries.proposals
    above = "approval_proposal"

    def done(self, result: Any) -> str:
        return self.back

    def node(self, obj: Proposal) -> Node:
        """The step that waits for the actor; NotFound without one."""
        found = queries.pending_for(self.actor).filter(request__subject_kind=obj.kind, request__subject_id=obj.pk).first()
        if found is None:
            raise NotFound("base.not_found")
        return found


class Approval(_OfProposal):
    """Sign it."""

    verb = "approvals.sign"
    form = RemarkForm
    title = submit = gettext_lazy("Approve")
    said = gettext_lazy("Signed.")

    def says(self, obj: Proposal) -> Any:
        return " · ".join(f"{label}: {text}" for label, text in card_of(obj))

    def perform(self, obj: Proposal, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.decide_proposal(obj.pk, Decision.APPROVE, cleaned["reason"], actor=self.actor, client_id=client_id)


class Rejection(_OfProposal):
    """Do not let it happen."""

    verb = "approvals.sign"
    form = RejectForm
    title = submit = gettext_lazy("Reject")
    said = gettext_lazy("Rejected. Who asked for it is told.")
    danger = True

    def perform(self, obj: Proposal, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.decide_proposal(obj.pk, Decision.REJECT, cleaned["reason"], actor=self.actor, client_id=client_id)


class Withdrawal(_OfProposal):
    """Take back what one asked for."""

    verb = "approvals.ask"
    action = actions.withdraw_proposal
    title = submit = gettext_lazy("Take back")
    said = gettext_lazy("Taken back.")


class Delegation(_OfProposal):
    """Hand it on."""

    verb = "approvals.delegate"
    title = submit = gettext_lazy("Hand on")
    said = gettext_lazy("Handed on. Your colleague is told.")

    def form(self, *args: Any, **kwargs: Any) -> ColleagueForm:  # type: ignore[override]
        """The form with whom one may choose."""
        return ColleagueForm(*args, **kwargs).offer(self.node(self.find(**self.kwargs)).request)

    def perform(self, obj: Proposal, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.delegate(self.node(obj).request_id, cleaned["user_id"], cleaned["reason"], actor=self.actor, client_id=client_id)


class Signers(_OfProposal):
    """Ask a colleague to sign, too."""

    verb = "approvals.add_signer"
    title = submit = gettext_lazy("Ask a colleague to sign, too")
    said = gettext_lazy("Your colleague is asked.")

    def form(self, *args: Any, **kwargs: Any) -> SignerForm:  # type: ignore[override]
        """The form with whom one may choose."""
        form = SignerForm(*args, **kwargs)
        form.offer(self.node(self.find(**self.kwargs)).request)
        return form

    def perform(self, obj: Proposal, cleaned: dict[str, Any], client_id: UUID) -> Any:
        request, before = self.node(obj).request_id, cleaned["when"] == "before"
        return actions.add_signer(request, cleaned["user_id"], before, cleaned["reason"], actor=self.actor, client_id=client_id)


class Back(_OfProposal):
    """Send it back to a signature that it has got."""

    verb = "approvals.send_back"
    title = submit = gettext_lazy("Send back to an earlier signature")
    said = gettext_lazy("Sent back. Who signs there is told.")

    def form(self, *args: Any, **kwargs: Any) -> BackForm:  # type: ignore[override]
        """The form with the signatures that it has got."""
        node = self.node(self.find(**self.kwargs))
        return BackForm(*args, **kwargs).offer(reversed(queries.signed_before(queries.unscoped_steps(node.request), node)))

    def perform(self, obj: Proposal, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.send_back(self.node(obj).request_id, cleaned["position"], cleaned["reason"], actor=self.actor, client_id=client_id)


routes = [
    path("approval-requests/", ProposalList.as_view(), name="approval_proposals"),
    path("approval-requests/<int:pk>/", ProposalDetail.as_view(), name="approval_proposal"),
    path("approval-requests/<int:pk>/approval", Approval.as_view(), name="approval_proposal_approval"),
    path("approval-requests/<int:pk>/rejection", Rejection.as_view(), name="approval_proposal_rejection"),
    path("approval-requests/<int:pk>/withdrawal", Withdrawal.as_view(), name="approval_proposal_withdrawal"),
    path("approval-requests/<int:pk>/delegation", Delegation.as_view(), name="approval_proposal_delegation"),
    path("approval-requests/<int:pk>/signers", Signers.as_view(), name="approval_proposal_signers"),
    path("approval-requests/<int:pk>/back", Back.as_view(), name="approval_proposal_back"),
]
