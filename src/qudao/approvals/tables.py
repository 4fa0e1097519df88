"""The lists of approval flows and of absences."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.approvals.models import Absence, Flow, Proposal
from qudao.approvals.states import LABELS, PROPOSED, TYPES, ProposalState, VersionState
from qudao.base.html import figures
from qudao.base.html.figures import badge
from qudao.base.html.tables import Column, Filter, Tab, Table, by_language
from qudao.kernel import clock


def role_name(row: Any) -> str:
    """The department, or the role's name in the reader's language."""
    if row.department:
        return str(_("Department {name}").format(name=row.department))
    return by_language(row.role.name, row.role.name_en)


def in_use(row: Flow) -> Any:
    """The version in use and since when, or that there is none."""
    found = next((one for one in row.versions.all() if one.state == VersionState.PUBLISHED), None)
    return badge(_("Version {no}").format(no=found.no), "done") if found else badge(_("Not in use"), "idle")


def drafted(row: Flow) -> Any:
    """Whether somebody is writing the next one."""
    return badge(VersionState.DRAFT.label, "wait") if any(one.state == VersionState.DRAFT for one in row.versions.all()) else ""


class FlowTable(Table):
    """The flows of the organisation."""

    columns = (
        Column("name", _("Flow"), cell=lambda row: row.name or LABELS.get(row.kind, row.kind), sort="name"),
        Column("", _("Document"), cell=lambda row: LABELS.get(row.kind, row.kind), sort="kind", slug="document"),
        Column("", pgettext_lazy("flow", "In use"), cell=in_use, slug="used"),
        Column("", _("Draft"), cell=drafted, slug="draft"),
    )
    filters = (Filter("kind", _("Document"), choices=tuple(LABELS.items())),)
    order = ("kind", "pk")
    empty = _("Nothing needs an approval: every document is confirmed at once when credit and stock allow.")
    remedy = _("Add a rule to let somebody sign from an amount on.")


def over(row: Absence) -> bool:
    """Whether the deputy signs nothing any more."""
    return row.ended_at is not None or row.last_day < clock.today()


def absence_state(row: Absence) -> Any:
    """To come, under way, or over."""
    if over(row):
        return badge(_("Over"), "idle")
    return badge(_("Under way"), "move") if row.first_day <= clock.today() else badge(_("To come"), "wait")


def end(row: Absence) -> Any:
    """The way to end it."""
    return "" if over(row) else format_html('<a href="{}" data-ask>{}</a>', reverse("absence_end", args=[row.pk]), _("End"))


class AbsenceTable(Table):
    """When one is away, and for whom one stands in."""

    columns = (
        Column("", _("Away"), cell=lambda row: row.user.name),
        Column("", _("State"), cell=absence_state),
        Column("", _("Deputy"), cell=lambda row: row.deputy.name),
        Column("first_day", pgettext_lazy("validity", "From"), cell="day", sort="first_day"),
        Column("last_day", _("To, included"), cell="day", sort="last_day"),
        Column("", _("Remark"), cell=lambda row: row.note, hide_on_phone=True),
        Column("", "", cell=end, num=True),
    )
    order = ("-first_day", "-pk")
    empty = _("You have named no deputy.")
    remedy = _("Before you are away, say who signs meanwhile what waits for you.")


TONES = {ProposalState.WAITING: "wait", ProposalState.DONE: "done", ProposalState.REJECTED: "wrong", ProposalState.WITHDRAWN: "idle"}


class ProposalTable(Table):
    """What waits for signatures, newest first."""

    columns = (
        Column("number", _("Document"), cell="link", sort="number"),
        Column("", _("What"), cell=lambda row: TYPES.get(row.type, LABELS.get(row.kind, row.kind)), slug="what"),
        Column("", _("State"), cell=lambda row: badge(row.get_state_display(), TONES[ProposalState(row.state)]), slug="state"),
        Column("", _("Amount"), cell=lambda row: figures.money(row.amount, row.currency) if row.amount else "", num=True, slug="amount", sort="amount"),
        Column("", _("Asked by"), cell=lambda row: row.asked_by.name, slug="asked_by"),
        Column("asked_at", _("Asked"), cell="age", dim=True, sort="asked_at"),
    )
    tabs = (
        Tab("waiting", ProposalState.WAITING.label, Q(state=ProposalState.WAITING)),
        Tab("mine", _("Asked by me"), lambda actor: Q(asked_by_id=actor.user_id)),
        Tab("all", _("All")),
    )
    filters = (Filter("kind", _("Document"), choices=tuple((kind, LABELS[kind]) for kind in LABELS if kind in PROPOSED)),)
    search = ("number__icontains", "asked_by__name__icontains")
    order = ("-pk",)
    empty = _("Nothing is asked for.")

    def url(self, row: Proposal) -> str:
        return row.get_absolute_url()
