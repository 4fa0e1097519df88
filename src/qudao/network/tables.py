"""The list of organisations, in the order of the tree."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.html.edits import described, renamed, text
from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language
from qudao.network.actions import change_organisation
from qudao.network.models import Organisation
from qudao.network.rules import OrgFacts
from qudao.network.states import OrgKind, OrgState

TONES: dict[str, str] = {OrgState.ACTIVE: "done", OrgState.SUSPENDED: "wrong", OrgState.CLOSED: "idle"}


def name_of(org: Organisation | None) -> str:
    """The name in the reader's language; "" for none."""
    return by_language(org.name, org.name_en) if org else ""


_set = described(OrgFacts, change_organisation)


def _card(field: str, most: int) -> Edit:
    """What stands on the card may be left empty."""
    return Edit("network.change", text(most, required=False), _set(field))


class OrgTable(Table):
    """Organisations; the line above the reader shows only code and name (blanked by the page)."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("", _("Name"), cell=name_of, sort="name", slug="name", edit=Edit("network.change", text(120), renamed(_set), now=name_of)),
        Column("kind", _("Kind"), cell=lambda row: row.get_kind_display(), dim=True, sort="kind"),
        Column("", _("Under"), cell=lambda row: name_of(row.parent), dim=True, hide_on_phone=True, sort="parent__code", slug="under"),
        Column("tier", _("Tier"), cell="number", num=True, dim=True, hide_on_phone=True, sort="tier"),
        Column("state", _("State"), cell="state", tones=TONES),
        Column("phone", _("Phone"), dim=True, hide_on_phone=True, edit=_card("phone", 40)),
        Column("email", _("E-mail"), dim=True, hide_on_phone=True, hidden=True, edit=_card("email", 254)),
        Column("address", _("Address"), dim=True, hide_on_phone=True, hidden=True, width="clip", edit=_card("address", 240)),
        Column("tax_no", _("Tax number"), dim=True, hide_on_phone=True, hidden=True, edit=_card("tax_no", 32)),
        Column("created_at", _("Registered"), cell="day", dim=True, hide_on_phone=True, sort="created_at"),
    )
    tabs = (
        Tab("open", pgettext_lazy("organisation", "Open"), ~Q(state=OrgState.CLOSED)),
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
