"""A form per branch and signature of the draft of a flow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.approvals import actions, queries
from qudao.approvals.forms import BranchForm, StepForm
from qudao.approvals.models import Flow
from qudao.approvals.pages.flows import conditions, drafted
from qudao.approvals.rules import Branch, Step, When
from qudao.base.html.pages import ActionPage, FormPage
from qudao.kernel.errors import Refused


class _OfDraft(FormPage):
    """A change of the draft; the first one copies what is in use."""

    verb = "approvals.edit_rules"
    said = gettext_lazy("The draft is saved; it counts when it is published.")
    above = "approval_flow"

    def find(self, **kwargs: Any) -> Flow:
        return queries.flow(self.actor, kwargs["pk"])

    def branch(self, flow: Flow) -> Branch:
        """The branch that the address names; a new one for 0."""
        branches, no = drafted(flow).branches, self.kwargs["no"]
        if no > len(branches):
            raise Refused("approvals.branch_unknown")
        return branches[no - 1] if no else Branch("", When(), ())

    def save(self, flow: Flow, branch: Branch | None, client_id: UUID) -> Any:
        """The draft with this branch in the place of the old one; None takes it out."""
        draft, no = drafted(flow), self.kwargs["no"]
        branches = list(draft.branches)
        made = [branch] if branch else []
        branches[no - 1 if no else len(branches) : no or len(branches)] = made
        return actions.save_draft(flow.owner_id, replace(draft, branches=tuple(branches)), actor=self.actor, client_id=client_id)


class BranchPage(_OfDraft):
    """When somebody must sign."""

    title = gettext_lazy("Branch")

    def form(self, *args: Any, **kwargs: Any) -> BranchForm:  # type: ignore[override]
        """The form with what documents of the flow's kind have."""
        return BranchForm(*args, **kwargs).about(self.find(**self.kwargs).kind)

    def initial(self, obj: Flow) -> dict[str, Any]:
        branch = self.branch(obj)
        told = dict(vars(branch.when)) | {"name": branch.name, "first": {True: "yes", False: "no", None: ""}[branch.when.first]}
        return told | {name: ", ".join(str(one) for one in told[name]) for name in ("categories", "tiers", "groups")}

    def perform(self, obj: Flow, cleaned: dict[str, Any], client_id: UUID) -> Any:
        form = self.form(self.request.POST, actor=self.actor)
        form.is_valid()
        return self.save(obj, replace(self.branch(obj), name=cleaned["name"], when=form.when), client_id)


class BranchRemoval(_OfDraft, ActionPage):
    """Take a branch out of the draft."""

    query = queries.flows
    title = submit = gettext_lazy("Remove branch")
    danger = True

    def done(self, result: Any) -> str:
        return self.back

    def says(self, obj: Flow) -> Any:
        return _("The draft no longer asks for this: {conditions}.").format(conditions=", ".join(conditions(self.branch(obj).when)))

    def perform(self, obj: Flow, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return self.save(obj, None, client_id)


class StepPage(_OfDraft):
    """Who signs in a branch."""

    title = gettext_lazy("Signature")

    def form(self, *args: Any, **kwargs: Any) -> StepForm:  # type: ignore[override]
        """The form with the people who may decide documents of the flow's kind."""
        return StepForm(*args, **kwargs).about(self.find(**self.kwargs).kind)

    def initial(self, obj: Flow) -> dict[str, Any]:
        steps, at = self.branch(obj).steps, self.kwargs["at"]
        return dict(vars(steps[at - 1])) if 0 < at <= len(steps) else {}

    def perform(self, obj: Flow, cleaned: dict[str, Any], client_id: UUID) -> Any:
        branch, at = self.branch(obj), self.kwargs["at"]
        steps = list(branch.steps)
        steps[at - 1 if at else len(steps) : at or len(steps)] = [Step(**cleaned | {"people": tuple(cleaned["people"])})]
        return self.save(obj, replace(branch, steps=tuple(steps)), client_id)


class StepRemoval(_OfDraft, ActionPage):
    """Take a signature out of a branch."""

    query = queries.flows
    title = submit = gettext_lazy("Remove signature")
    danger = True

    def done(self, result: Any) -> str:
        return self.back

    def perform(self, obj: Flow, cleaned: dict[str, Any], client_id: UUID) -> Any:
        branch, at = self.branch(obj), self.kwargs["at"]
        return self.save(obj, replace(branch, steps=branch.steps[: at - 1] + branch.steps[at:]), client_id)


routes = [
    path("approval-flows/<int:pk>/branches/<int:no>/", BranchPage.as_view(), name="approval_branch"),
    path("approval-flows/<int:pk>/branches/<int:no>/removal", BranchRemoval.as_view(), name="approval_branch_removal"),
    path("approval-flows/<int:pk>/branches/<int:no>/steps/<int:at>/", StepPage.as_view(), name="approval_step"),
    path("approval-flows/<int:pk>/branches/<int:no>/steps/<int:at>/removal", StepRemoval.as_view(), name="approval_step_removal"),
]
