"""People from a file: who is new gets an invitation by mail, who is known another role. So a file may come twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.access import expand, visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences, parted, touched_by
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network.queries import organisations
from qudao.people import queries, rules
from qudao.people.actions import change_member, end_member, invite_person, remove_role, write_role
from qudao.people.actions.members import PersonFacts, Post, may_manage
from qudao.people.actions.roles import RoleFacts
from qudao.people.models import Membership, Role
from qudao.people.states import Language, MemberScope, MemberState


class People(Kind):
    """Those who act for the organisations whose people the actor manages. A role is named as a page shows it, or by its code."""

    name, label, icon, verb, place = "people.members", _("People"), "users", "people.invite", "people"
    about = _("A row with a new e-mail address sends an invitation; a known person gets the role and view of the row.")
    model, most_at_once = Membership, 200
    columns = (
        Column("email", _("E-mail"), required=True, most=254, example=SAMPLE, also=("mail", "user", "邮箱", "电子邮件", "账号")),
        Column("name", _("Name"), required=True, most=80, example=_("Li Lei"), also=("person", "full name", "姓名", "员工")),
        Column(
            "org",
            _("Organisation"),
            most=160,
            help=_("Its code or its name; empty: your own."),
            example="D-001",
            also=("dealer", "org code", "组织编码", "经销商编码"),
        ),
        Column("role", _("Role"), required=True, most=80, help=_("Its name or code."), example="dealer_buyer", also=("position", "岗位", "职务")),
        Column("scope", _("View"), "choice", choices=MemberScope, help=_("Empty: the usual one of the role."), also=("view", "范围", "数据范围")),
        Column("language", _("Language"), "choice", choices=Language, help=_("Of the first mail; a known person keeps the own one.")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements, and one for each organisation."""
        said = {row.text("org") for row in rows}
        by_word = Q(code__in={word.upper() for word in said}) | Q(name__in=said) | Q(name_en__in=said)
        named = [one for one in organisations(self.actor).filter(by_word | Q(pk=self.actor.org_id)) if may_manage(self.actor, one)]
        counted = Counter(name.upper() for one in named for name in {one.name, one.name_en})
        names = {name.upper(): one for one in named for name in (one.name, one.name_en) if name and counted[name.upper()] == 1}
        self.orgs = names | {one.code.upper(): one for one in named}
        if own := next((one for one in named if one.pk == self.actor.org_id), None):
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
        org = self.orgs.get(row.text("org").upper())
        return self._email(row), org.pk if org else row.text("org").upper()

    def entry(self, row: Cells) -> Entry:
        email, org = self._email(row), self.orgs.get(row.text("org").upper())
        role = self.roles[org.pk].get(row.text("role").lower()) if org else None
        member = self.known.get((email, org.pk)) if org else None
        faults = rules.check_person(email, row.text("name")) if email else []
        if org is None or role is None:
            raise Invalid.of([*faults, Fault("people.role_unknown", "role") if org else Fault("network.unknown", "org")])
        here = member if member and member.state != MemberState.ENDED else None
        # An empty cell leaves the view of somebody who has the role already as it is.
        view = str(row.get("scope") or (here.scope if here and here.role_id == role.pk else role.scope))
        raise_if_any([*faults, *self._beyond(role, here, view)], Invalid)
        label = f"{row.text('name')} · {org.code}"
        if here is None:
            return Entry(row.no, label, NEW, (PersonFacts(email, row.text("name"), row.get("language", Language.ZH)), Post(org.pk, role.pk, view)))
        changes = differences({"role": here.role.code, "scope": here.scope}, {"role": role.code, "scope": view})
        return Entry(row.no, label, CHANGED, (here.pk, here, role, view), changes) if changes else Entry(row.no, label, SAME)

    def _beyond(self, role: Role, member: Membership | None, scope: str) -> list[Fault]:
        """Why the actor may not give this role, or not change this member."""
        held = queries.power_held(self.actor)
        found = rules.exceeds(held, queries.power_of(role, scope))
        if member is not None and (member.role_id, member.scope) != (role.pk, scope):
            found += rules.exceeds(held, queries.power_of(member.role, member.scope))
            found += [Fault("people.own_membership")] if member.user_id == self.actor.user_id else []
        return [replace(fault, field="role") for fault in found]

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        changed = {}
        for pk, e in old.items():
            _pk, member, role, scope = e.data
            change_member(pk, role.pk, scope, actor=self.actor)
            changed[pk] = {"role": (member.role.code, role.code), "role_id": (member.role_id, role.pk), "scope": (member.scope, scope)}
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


class Roles(Kind):
    """The roles that the actor's organisation writes for itself; rights by their codes, patterns written out."""

    name, label, icon, verb, place = "people.roles", _("Roles"), "users", "people.roles", "roles"
    about = _("A row with a new code writes a role, one with a known code writes it anew; an empty cell keeps what is there.")
    model, most_at_once = Role, 200
    columns = (
        Column("code", _("Code"), required=True, most=40, help=_("Small letters, digits and underscores."), example="night_desk", also=("role", "角色编码")),
        Column("name", _("Name"), most=60, help=_("Needed for a new role."), example=_("Night desk"), also=("role name", "角色名称", "名称")),
        Column("name_en", _("English name"), most=60, also=("英文名",)),
        Column("scope", _("View"), "choice", choices=MemberScope, also=("view", "范围", "数据范围")),
        Column("verbs", _("Rights"), most=20_000, help=_("Codes with blanks between; orders.* for all of orders."), example="orders.view orders.place",
               also=("rights", "permissions", "权限")),
        Column("fields", _("Guarded figures"), most=2_000, help=_("Codes with blanks between."), also=("grants", "敏感字段")),
    )  # fmt: skip

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        own = queries.own_roles(self.actor).filter(owner_id=self.actor.org_id)
        self.known = {one.code: one for one in own.filter(code__in=[row.text("code") for row in rows])}

    def key(self, row: Cells) -> Any:
        return row.text("code")

    def entry(self, row: Cells) -> Entry:
        role = self.known.get(row.text("code"))
        usual = _written(role) if role else asdict(RoleFacts("", ""))
        said: dict[str, Any] = {name: row.text(name) or usual[name] for name in ("name", "name_en")} | {"scope": str(row.get("scope", usual["scope"]))}
        said |= {name: tuple(row.text(name).replace(",", " ").split()) or usual[name] for name in ("verbs", "fields")}
        facts = RoleFacts(row.text("code"), **said)
        faults, beyond = queries.role_faults(self.actor, facts)
        if not facts.verbs:
            faults.append(Fault("base.import_empty", "verbs"))
        raise_if_any([*faults, *(replace(one, field="verbs" if one.field == "role" else one.field) for one in beyond)], Invalid)
        label = f"{facts.code} {facts.name}"
        if role is None:
            return Entry(row.no, label, NEW, facts)
        after = asdict(facts) | {"verbs": tuple(sorted(expand(facts.verbs))), "fields": tuple(sorted(expand(facts.fields, fields=True)))}
        changes = tuple((name, _shown(was), _shown(now)) for name, was, now in differences(usual, after))
        return Entry(row.no, label, CHANGED if changes else SAME, (role.pk, facts), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        before = self.now(list(old))
        changed = {pk: _written(write_role(e.data[1], pk, actor=self.actor)) for pk, e in old.items()}
        pairs = {pk: {name: (was, _shown(now)) for name, now in facts.items() if (was := before[pk][name]) != _shown(now)} for pk, facts in changed.items()}
        return touched_by(new, [write_role(e.data, actor=self.actor) for e in new], old, pairs)

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        found = queries.own_roles(self.actor).filter(pk__in=keys, owner_id=self.actor.org_id)
        return {one.pk: {name: _shown(value) for name, value in _written(one).items()} for one in found}

    def take_back(self, touched: Sequence[Touched]) -> None:
        now = self.now([one.key for one in touched])
        for one in touched:
            if one.is_new:
                remove_role(one.key, actor=self.actor)
            else:
                facts = {**now[one.key], **one.before}
                lists = {name: tuple(facts[name].split()) for name in ("verbs", "fields")}
                write_role(RoleFacts(**{**facts, **lists}), one.key, actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.own_roles(self.actor).filter(owner_id=self.actor.org_id):
            yield {name: _shown(value) for name, value in _written(one).items()}


def _written(role: Role) -> dict[str, Any]:
    """What a role says, as the facts it was written from."""
    own = {name: getattr(role, name) for name in ("code", "name", "name_en", "scope")}
    return {**own, "verbs": tuple(role.verbs), "fields": tuple(role.fields)}


def _shown(value: Any) -> str:
    """A cell: codes with blanks between."""
    return " ".join(value) if isinstance(value, tuple) else str(value)


KINDS = (People, Roles)
