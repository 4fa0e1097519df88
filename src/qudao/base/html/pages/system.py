"""The page of whoever runs the system: what waits in the background and what stopped, with the remedy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from qudao.base import system
from qudao.base.html import figures
from qudao.base.html.bulk import Bulk
from qudao.base.html.pages.door import Button, door, go
from qudao.base.html.pages.lists import ListPage
from qudao.base.html.tables import Column, Table
from qudao.base.models import Delivery


class ParkedTable(Table):
    """Deliveries that were given up, oldest first."""

    columns = (
        Column("event.name", gettext_lazy("Event")),
        Column("handler", pgettext_lazy("event", "To"), cell="code", dim=True),
        Column("event.number", gettext_lazy("Document")),
        Column("event.at", gettext_lazy("Since"), cell="moment"),
        Column("attempts", gettext_lazy("Tries"), cell="number", num=True, dim=True),
        Column("", gettext_lazy("Error"), cell=lambda row: (row.error.strip().splitlines() or [""])[-1], width="clip", dim=True, slug="error"),
    )
    order = ("pk",)
    empty = gettext_lazy("Everything that happened was passed on.")
    remedy = gettext_lazy("What cannot be delivered after some tries stands here, to be delivered again once its cause is mended.")

    def url(self, row: Delivery) -> str:
        return ""


class SystemPage(ListPage):
    """Events and jobs in the background; what was given up."""

    verb = "base.operate"
    query = system.parked
    table = ParkedTable
    title = gettext_lazy("System")
    template = "system.html"

    def prepare(self, rows: list[Any]) -> list[Any]:
        events = system.events_of(rows)
        for row in rows:
            row.event = events.get(row.event_id)
        return rows

    def bulk(self) -> Sequence[Button | Bulk]:
        says = _("The worker takes them within a second. What fails again comes back here.")
        return [Bulk("deliver", _("Deliver again"), system.deliver_again, "base.operate", icon="refresh", says=says)]

    def more(self) -> dict[str, Any]:
        events, jobs = system.unscoped_events(), system.unscoped_jobs()
        return {
            "works": [(_("Events"), events, figures.age(events.since)), (_("Jobs"), jobs, figures.age(jobs.since))],
            "failed": system.unscoped_failed_jobs() if jobs.stopped else [],
        }


@door("base.operate")
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a failed job run once more."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    system.try_job_again(pk, actor=request.actor)  # type: ignore[attr-defined]
    return go(request, reverse("system"), _("The job runs once more."))


routes = [path("system/", SystemPage.as_view(), name="system"), path("system/jobs/<int:pk>/retry", retry, name="system_job_retry")]
