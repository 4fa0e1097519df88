"""What counts for all branches of a flow, and the working hours by which its times may run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.urls import path
from django.utils.translation import gettext_lazy

from qudao.approvals import actions, queries
from qudao.approvals.actions import CalendarDraft
from qudao.approvals.forms import DutiesForm, HabitsForm, HoursForm
from qudao.approvals.models import Flow
from qudao.approvals.pages.flows import drafted
from qudao.base.html.pages import FormPage


class Habits(FormPage):
    """What counts for all branches of the draft."""

    verb = "approvals.edit_rules"
    form = HabitsForm
    title = gettext_lazy("For all branches")
    said = gettext_lazy("The draft is saved; it counts when it is published.")
    above = "approval_flow"

    def find(self, **kwargs: Any) -> Flow:
        return queries.flow(self.actor, kwargs["pk"])

    def initial(self, obj: Flow) -> dict[str, Any]:
        return {name: getattr(drafted(obj), name) for name in ("skip_signed", "working_hours")}

    def perform(self, obj: Flow, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.save_draft(obj.owner_id, replace(drafted(obj), **cleaned), actor=self.actor, client_id=client_id)


class Duties(FormPage):
    """Whether the own organisation keeps duties apart."""

    verb = "approvals.edit_rules"
    form = DutiesForm
    title = gettext_lazy("Separation of duties")
    said = gettext_lazy("Saved; it counts from now on.")
    above = "approval_flows"

    def initial(self, obj: Any) -> dict[str, Any]:
        return {"apart": queries.separates(self.actor)}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.separate_duties(cleaned["apart"], actor=self.actor)


class WorkingHours(FormPage):
    """When the own organisation works."""

    verb = "approvals.edit_rules"
    form = HoursForm
    title = gettext_lazy("Working hours")
    said = gettext_lazy("The working hours are saved; they count at once, also for what waits.")
    above = "approval_flows"

    def initial(self, obj: Any) -> dict[str, Any]:
        told = queries.work_time(queries.calendar(self.actor))
        days = {name: "\n".join(sorted(day.isoformat() for day in getattr(told, name))) for name in ("holidays", "workdays")}
        return {"weekdays": sorted(told.weekdays), "begins": f"{told.begins:%H:%M}", "ends": f"{told.ends:%H:%M}", **days}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        told = cleaned | {name: tuple(cleaned[name]) for name in ("weekdays", "holidays", "workdays")}
        return actions.keep_hours(self.actor.org_id, CalendarDraft(**told), actor=self.actor, client_id=client_id)

    def done(self, result: Any) -> str:
        return self.back


routes = [
    path("approval-flows/duties", Duties.as_view(), name="approval_duties"),
    path("approval-flows/hours", WorkingHours.as_view(), name="approval_hours"),
    path("approval-flows/<int:pk>/habits", Habits.as_view(), name="approval_flow_habits"),
]
