"""The lists of people and roles."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.html.edits import one_of, text
from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language
from qudao.network.queries import FEW, organisations, place_words
from qudao.people.actions import place_member
from qudao.people.models import Membership
from qudao.people.queries import WORKED_IN, unscoped_people_of
from qudao.people.states import MemberScope, MemberState

TONES: dict[str, str] = {MemberState.ACTIVE: "done", MemberState.INVITED: "wait", MemberState.ENDED: "idle"}


def shown_name(member: Membership) -> str:
    """The name; of somebody who has not accepted yet only the address, because the name may come from another organisation."""
    return member.user.email if member.state == MemberState.INVITED else member.user.name


def _in_work(row: Membership) -> bool:
    return row.state != MemberState.ENDED


def _colleagues(row: Membership, actor: Any) -> list[tuple[int, str]]:
    return [one for one in unscoped_people_of(row.org_id) if one[0] != row.pk]


_department = Edit("people.change", text(40, required=False), lambda row, value, actor: place_member(row.pk, value, row.manager_id, actor=actor), when=_in_work)
_manager = Edit(
    "people.change",
    one_of(_colleagues, _("Nobody")),
    lambda row, value, actor: place_member(row.pk, row.department, value, actor=actor),
    now=lambda row: row.manager_id,
    when=_in_work,
)


class PeopleTable(Table):
    """Memberships with person, role and organisation."""

    columns = (
        Column("", _("Name"), cell=shown_name, sort="user__name", slug="name"),
        Column("user.email", _("E-mail"), dim=True, hide_on_phone=True, sort="user__email"),
        Column("", _("Role"), cell=lambda row: by_language(row.role.name, row.role.name_en), sort="role__code", slug="role"),
        Column("", _("Organisation"), cell=lambda row: by_language(row.org.name, row.org.name_en), dim=True, sort="org__path", slug="organisation"),
        Column("department", _("Department"), dim=True, hide_on_phone=True, sort="department", edit=_department),
        Column("", _("Manager"), cell=lambda row: row.manager.user.name if row.manager else "", dim=True, hide_on_phone=True, slug="manager", edit=_manager),
        Column("", _("View"), cell=lambda row: row.get_scope_display(), dim=True, hide_on_phone=True, sort="scope", slug="view"),
        Column("state", _("State"), cell="state", tones=TONES),
        Column("user.last_login", _("Last sign-in"), cell="moment", dim=True, hide_on_phone=True, sort="user__last_login"),
    )
    tabs = (
        Tab("active", _("Active"), Q(state=MemberState.ACTIVE)),
        Tab("invited", _("Invited"), Q(state=MemberState.INVITED)),
        Tab("ended", _("Ended"), Q(state=MemberState.ENDED)),
        Tab("all", _("All")),
    )
    filters = (
        Filter("org", _("Works at"), lookup="org__code", choices=lambda actor: [(one.code, place_words(one)) for one in organisations(actor)[:FEW]]),
        Filter("kind", _("Kind of organisation"), lookup="org__kind", choices=[(kind.value, kind.label) for kind in WORKED_IN]),
        Filter("scope", _("View"), choices=MemberScope.choices),
    )
    search = ("user__name__icontains", "user__email__icontains", "org__code__istartswith", "org__name__icontains")
    order = ("org__path", "user__name", "pk")
    empty = _("Nobody is here yet.")
    remedy = _("Invite the people who work with you.")


class RoleTable(Table):
    """The roles one may see."""

    columns = (
        Column("", _("Role"), cell=lambda row: by_language(row.name, row.name_en), sort="name", slug="role"),
        Column("code", _("Code"), cell="code", sort="code"),
        Column("", _("Origin"), cell=lambda row: _("Own") if row.owner_id else _("Comes with the product"), dim=True, slug="origin"),
        Column("", _("Usual view"), cell=lambda row: row.get_scope_display(), dim=True, hide_on_phone=True, slug="usual_view"),
        Column("", _("Rights"), cell=lambda row: str(row.verb_count), num=True, slug="rights"),
    )
    search = ("name__icontains", "name_en__icontains", "code__icontains")
    order = ("owner", "pk")

    def url(self, row: Any) -> str:
        return getattr(row, "address", "")
