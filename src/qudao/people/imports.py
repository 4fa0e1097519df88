"""People from a file: who is new gets an invitation by mail, who is known another role. So a file may come twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, parted, touched_by
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network.queries import organisations
from qudao.people import queries, rules
from qudao.people.actions import change_member, end_member, invite_person
from qudao.people.actions.members import PersonFacts, Post, may_manage
from qudao.people.models import Membership, Role
from qudao.people.states import Language, MemberState


class People(Kind):
    """Those who act for the organisations whose people the actor manages. A role is named as a page shows it, or by its code."""

    name, label, icon, verb, place = "people.members", _("People"), "users", "people.invite", "people"
    about = _("A row with a new e-mail address sends an invitation; a known person gets the role of the row.")
    model, most_at_once = Membership, 200
    columns = (
        Column("email", _("E-mail"), required=True, most=254, example=SAMPLE, also=("mail", "user", "邮箱", "电子邮件", "账号")),
        Column("name", _("Name"), required=True, most=80, example=_("Li Lei"), also=("person", "full name", "姓名", "员工")),
        Column("org", _("Organisation"), most=32, help=_("Its code; empty: your own."), example="D-001", also=("dealer", "org code", "组织编码", "经销商编码")),
        Column("role", _("Role"), required=True, most=80, help=_("Its name or code."), example="dealer_buyer", also=("position", "岗位", "职务")),
        Column("language", _("Language"), "choice", choices=Language, help=_("Of the first mail; a known person keeps the own one.")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements, and one for each organisation."""
        codes = {row.text("org").upper() for row in rows}
        named = organisations(self.actor).filter(code__in=codes) | organisations(self.actor).filter(pk=self.actor.org_id)
        self.orgs = {one.code.upper(): one for one in named if may_manage(self.actor, one)}
        own = next((one for one in self.orgs.values() if one.pk == self.actor.org_id), None)
        if own is not None:
            self.orgs[""] = own
        self.roles = {one.pk: self._roles(one) for one in self.orgs.values()}
        known = visible(self.actor, Membership, self.verb).filter(org__in=self.orgs.values(), user__email__in=[self._email(row) for row in rows])
        self.known = {(one.user.email, one.org_id): one for one in known.select_related("user", "role")}

    def _roles(self, org: Any) -> dict[str, Role]:
        offered = queries.roles_for(self.actor, org.pk, org.kind)
        return {word.lower(): role for role in offered for word in (role.name_en, role.name, role.code) if word}

    def _email(self, row: Cells) -> str:
        return rules.clean_email(row.text("email"))

    def key(self, row: Cells) -> Any:
        return self._email(row), row.text("org").upper()

    def entry(self, row: Cells) -> Entry:
        email, org = self._email(row), self.orgs.get(row.text("org").upper())
        role = self.roles[org.pk].get(row.text("role").lower()) if org else None
        member = self.known.get((email, org.pk)) if org else None
        faults = rules.check_person(email, row.text("name")) if email else []
        if org is None:
            faults.append(Fault("network.unknown", "org"))
        elif role is None:
            faults.append(Fault("people.role_unknown", "role"))
        else:
            faults += self._beyond(role, member)
        raise_if_any(faults, Invalid)
        assert org is not None and role is not None
        label = f"{row.text('name')} · {org.code}"
        if member is None or member.state == MemberState.ENDED:
            return Entry(row.no, label, NEW, (PersonFacts(email, row.text("name"), row.get("language", Language.ZH)), Post(org.pk, role.pk)))
        if member.role_id == role.pk:
            return Entry(row.no, label, SAME)
        return Entry(row.no, label, CHANGED, (member.pk, member, role), (("role", member.role.code, role.code),))

    def _beyond(self, role: Role, member: Membership | None) -> list[Fault]:
        """Why the actor may not give this role, or not change this member."""
        held = queries.power_held(self.actor)
        found = rules.exceeds(held, queries.power_of(role, role.scope))
        if member is not None and member.state != MemberState.ENDED and member.role_id != role.pk:
            found += rules.exceeds(held, queries.power_of(member.role, member.scope))
            found += [Fault("people.own_membership")] if member.user_id == self.actor.user_id else []
        return [replace(fault, field="role") for fault in found]

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        changed = {}
        for pk, e in old.items():
            _pk, member, role = e.data
            change_member(pk, role.pk, role.scope, actor=self.actor)
            changed[pk] = {"role": (member.role.code, role.code), "role_id": (member.role_id, role.pk), "scope": (member.scope, role.scope)}
        return touched_by(new, [invite_person(*e.data, settings.SITE, actor=self.actor) for e in new], old, changed)

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """Those whose membership has not ended."""
        found = queries.people(self.actor).filter(pk__in=keys).exclude(state=MemberState.ENDED)
        return {one.pk: {"role": one.role.code, "role_id": one.role_id, "scope": one.scope, "state": one.state} for one in found}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Two statements. Who has answered the invitation works here."""
        now = self.now([one.key for one in touched if one.is_new])
        answered = {one.row: Fault("people.joined") for one in touched if one.key in now and now[one.key]["state"] != MemberState.INVITED}
        return super().hindered(touched) | answered

    def take_back(self, touched: Sequence[Touched]) -> None:
        for one in touched:
            if one.is_new:
                end_member(one.key, _now("Import undone"), actor=self.actor)
            else:
                change_member(one.key, one.before["role_id"], one.before["scope"], actor=self.actor)


KINDS = (People,)
