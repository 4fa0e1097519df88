"""The list of organisations, in the order of the tree."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language
from qudao.network.actions import change_organisation
from qudao.network.models import Organisation
from qudao.network.rules import OrgFacts
from qudao.network.states import OrgKind, OrgState

TONES: dict[str, str] = {OrgState.ACTIVE: "done", OrgState.SUSPENDED: "wrong", OrgState.CLOSED: "idle"}


def name_of(org: Organisation | None) -> str:
    """The name in the reader's language; "" for none."""
    return by_language(org.name, org.name_en) if org else ""


def _phone(row: Organisation, value: str, actor: Any) -> Organisation:
    """The card with another telephone number."""
    facts = OrgFacts(**{f.name: getattr(row, f.name) for f in fields(OrgFacts)})
    return change_organisation(row.pk, replace(facts, phone=value), actor=actor)


def _phone_field() -> forms.Field:
    return forms.CharField(max_length=40, required=False)


class OrgTable(Table):
    """Organisations; the line above the reader shows only code and name (blanked by the page)."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Name"), cell=name_of, sort="name", slug="name"),
        Column("kind", _("Kind"), cell=lambda row: row.get_kind_display(), dim=True, sort="kind"),
        Column("", _("Under"), cell=lambda row: name_of(row.parent), dim=True, hide_on_phone=True, sort="parent__code", slug="under"),
        Column("tier", _("Tier"), cell="number", num=True, dim=True, hide_on_phone=True, sort="tier"),
        Column("state", _("State"), cell="state", tones=TONES),
        Column("phone", _("Phone"), dim=True, hide_on_phone=True, edit=Edit("network.change", _phone_field, _phone)),
        Column("created_at", _("Registered"), cell="day", dim=True, hide_on_phone=True, sort="created_at"),
    )
    tabs = (
        Tab("open", _("Open"), ~Q(state=OrgState.CLOSED)),
        Tab("dealers", _("Dealers"), Q(kind=OrgKind.DEALER) & ~Q(state=OrgState.CLOSED)),
        Tab("outlets", _("Outlets"), Q(kind=OrgKind.OUTLET) & ~Q(state=OrgState.CLOSED)),
        Tab("outside", _("Suppliers and customers"), Q(kind__in=[OrgKind.SUPPLIER, OrgKind.CUSTOMER]) & ~Q(state=OrgState.CLOSED)),
        Tab("suspended", _("Suspended"), Q(state=OrgState.SUSPENDED), wrong=True),
        Tab("all", _("All")),
    )
    filters = (Filter("kind", _("Kind"), choices=OrgKind.choices), Filter("tier", _("Tier"), kind="text"))
    kind = "network.organisation"
    order = ("path",)
    empty = _("No organisation stands here.")
    remedy = _("Register dealers and outlets to trade with them.")
