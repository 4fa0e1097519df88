"""The people and the roles of an organisation: list, card, invitation, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import all_fields, all_verbs, visible
from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Bulk, Button, DetailPage, Form, FormPage, Head, ListPage, NoFields, Panel, Skip, get_row, import_buttons
from qudao.base.html.tables import by_language
from qudao.people import actions
from qudao.people.actions.members import PersonFacts, Post, subject_of
from qudao.people.actions.roles import RoleFacts
from qudao.people.forms import InviteForm, MemberForm, PlaceForm, RemarkForm, RoleForm
from qudao.people.models import Membership, Role
from qudao.people.queries import member, own_roles, people, power_of
from qudao.people.states import VIEW_WORDS, MemberState
from qudao.people.tables import TONES, PeopleTable, RoleTable, shown_name


class PeopleList(ListPage):
    """The people of the organisations in sight."""

    verb = "people.view"
    query = people
    table = PeopleTable
    title = gettext_lazy("People")

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "end", _("End membership"), actions.end_member, "people.end", icon="ban", danger=True, form=RemarkForm,
                skips=[
                    Skip(Q(state=MemberState.ENDED), _("they have ended already")),
                    Skip(lambda actor: Q(user_id=actor.user_id), _("you cannot end your own")),
                ],
                says=_("They can no longer sign in for their organisations; their tokens are revoked at once. What they did stays in the history."),
            )
        ]  # fmt: skip

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("people.members", self.actor),
            Button(_("Roles"), reverse("roles")),
            Button(_("Invite somebody"), reverse("person_new"), icon="plus", primary=True, verb="people.invite", key="n"),
        ]


def card_panel(request: HttpRequest, found: Membership) -> Panel:
    """Who, where, in which role."""
    facts = [
        (_("E-mail"), found.user.email),
        (_("Organisation"), by_language(found.org.name, found.org.name_en)),
        (_("Role"), by_language(found.role.name, found.role.name_en)),
        (_("View"), f"{found.get_scope_display()}: {VIEW_WORDS[found.scope]}"),
        (_("Department"), found.department),
        (_("Manager"), found.manager.user.name if found.manager else ""),
        (_("Language"), found.user.get_language_display()),
        (_("Last sign-in"), figures.moment(found.user.last_login) if found.user.last_login else ""),
        (_("Invited"), figures.moment(found.invited_at) if found.invited_at else ""),
    ]
    return Panel(_("Card"), "parts/panel_facts.html", {"facts": facts})


def rights_panel(request: HttpRequest, found: Membership) -> Panel:
    """What the role allows, in words."""
    labels = all_verbs()
    items = [{"label": labels[verb]} for verb in sorted(power_of(found.role, found.scope).verbs)]
    return Panel(_("Rights"), "parts/panel_items.html", {"items": items, "empty": _("None."), "many": bool(items)}, note=str(len(items)))


def timeline_panel(request: HttpRequest, found: Membership) -> Panel:
    """What happened to the membership."""
    verbs = all_verbs()
    entries = [
        {"who": line.actor_name or _("System"), "at": line.at, "what": verbs.get(line.verb, line.verb), "reason": line.reason}
        for line in timeline(subject_of(found)).reverse()[:50]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


class PersonDetail(DetailPage):
    """A person in an organisation."""

    verb = "people.view"
    query = people
    kind = "people.membership"
    panels = (card_panel, rights_panel, timeline_panel)
    above = "people"

    def head(self, obj: Membership) -> Head:
        return Head(shown_name(obj), (obj.get_state_display(), TONES[MemberState(obj.state)]), by_language(obj.org.name, obj.org.name_en))

    def buttons(self, obj: Membership) -> Sequence[Button]:
        to = {name: reverse(f"person_{name}", args=[obj.pk]) for name in ("change", "place", "invitation", "end")}
        managed = self.actor.can("people.change") and visible(self.actor, Membership, "people.change").filter(pk=obj.pk).exists()
        if obj.user_id == self.actor.user_id or not managed:
            return []
        again = Button(_("Send the invitation again"), to["invitation"], icon="mail", verb="people.invite", ask=True)
        found = [again] if obj.state == MemberState.INVITED else []
        if obj.state != MemberState.ENDED:
            found.append(Button(_("Change role or view"), to["change"], icon="pencil", primary=True, verb="people.change", key="e"))
            found.append(Button(_("Department and manager"), to["place"], icon="sitemap", verb="people.change", ask=True))
            found.append(Button(_("End membership"), to["end"], icon="x", verb="people.end", danger=True, ask=True))
        return found


class Invite(FormPage):
    """Invite a person by e-mail."""

    verb = "people.invite"
    title = gettext_lazy("Invite somebody")
    submit = gettext_lazy("Send invitation")
    said = gettext_lazy("The invitation is on its way.")
    above = "people"
    form = InviteForm

    def initial(self, obj: Any) -> dict[str, Any]:
        return {"org": self.actor.org_id, "language": self.actor.language, "scope": "org"}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        person = PersonFacts(cleaned["email"], cleaned["name"], cleaned["language"])
        site = f"{self.request.scheme}://{self.request.get_host()}"
        return actions.invite_person(person, Post(cleaned["org"].pk, cleaned["role"], cleaned["scope"]), site, actor=self.actor, client_id=client_id)


class _Verb(ActionPage):
    """A verb on a membership."""

    query = people
    above = "person"


class Change(_Verb):
    """Another role or view."""

    verb = "people.change"
    title = gettext_lazy("Change role or view")
    said = gettext_lazy("The rights are changed.")
    form = MemberForm

    def find(self, **kwargs: Any) -> Membership:
        found = member(self.actor, kwargs["pk"], "people.change")
        place = (found.org_id, found.org.kind)

        def placed(*args: Any, **given: Any) -> Form:
            return MemberForm(*args, place=place, **given)

        self.form = placed  # type: ignore[assignment]
        return found

    def initial(self, obj: Membership) -> dict[str, Any]:
        return {"role": obj.role_id, "scope": obj.scope}

    def perform(self, obj: Membership, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_member(obj.pk, cleaned["role"], cleaned["scope"], actor=self.actor, client_id=client_id)


class Place(_Verb):
    """Department and manager."""

    verb = "people.change"
    title = gettext_lazy("Department and manager")
    said = gettext_lazy("The changes are saved.")
    form = PlaceForm

    def find(self, **kwargs: Any) -> Membership:
        found = member(self.actor, kwargs["pk"], "people.change")
        self.form = partial(PlaceForm, org_id=found.org_id)  # type: ignore[assignment]
        return found

    def initial(self, obj: Membership) -> dict[str, Any]:
        return {"department": obj.department, "manager_id": obj.manager_id}

    def perform(self, obj: Membership, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.place_member(obj.pk, **cleaned, actor=self.actor, client_id=client_id)


class End(_Verb):
    """The person acts for the organisation no more."""

    verb = "people.end"
    form = RemarkForm
    action = actions.end_member
    title = submit = gettext_lazy("End membership")
    said = gettext_lazy("The membership is ended.")
    danger = True

    def says(self, obj: Membership) -> Any:
        return _("{name} can act for {org} no more; API tokens end at once. What the person did stays in the log.").format(
            name=shown_name(obj), org=by_language(obj.org.name, obj.org.name_en)
        )


class InviteAgain(_Verb):
    """A new link; the former one ends."""

    verb = "people.invite"
    form = NoFields
    title = submit = gettext_lazy("Send the invitation again")
    said = gettext_lazy("The invitation is on its way.")

    def perform(self, obj: Membership, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.resend_invitation(obj.pk, f"{self.request.scheme}://{self.request.get_host()}", actor=self.actor, client_id=client_id)


class RoleList(ListPage):
    """The product's roles and the own ones."""

    verb = "people.view"
    query = own_roles
    table = RoleTable
    title = gettext_lazy("Roles")

    def buttons(self) -> Sequence[Button]:
        new = Button(_("New role"), reverse("role_new"), icon="plus", primary=True, verb="people.roles", key="n")
        return [*import_buttons("people.roles", self.actor), new]

    def prepare(self, rows: list[Any]) -> list[Any]:
        for role in rows:
            role.verb_count = len(power_of(role, role.scope).verbs)
            role.address = reverse("role", args=[role.pk])
        return rows


def role_view_panel(request: HttpRequest, role: Role) -> Panel:
    """How far people in this role usually see, and which guarded figures."""
    labels = all_fields()
    grants = [str(labels[name]) for name in sorted(power_of(role, role.scope).fields)]
    facts = [(role.get_scope_display(), VIEW_WORDS[role.scope]), (_("Guarded figures"), ", ".join(grants) or _("None."))]
    return Panel(_("Usual view"), "parts/panel_facts.html", {"facts": facts})


def role_rights_panel(request: HttpRequest, role: Role) -> Panel:
    """What the role allows, in words."""
    labels = all_verbs()
    items = [{"label": labels[verb]} for verb in sorted(power_of(role, role.scope).verbs)]
    return Panel(_("Rights"), "parts/panel_items.html", {"items": items, "many": True}, note=str(len(items)))


class RoleDetail(DetailPage):
    """A role and what it allows."""

    verb = "people.view"
    query = own_roles
    kind = "people.role"
    panels = (role_view_panel, role_rights_panel)
    above = "roles"

    def head(self, obj: Role) -> Head:
        return Head(by_language(obj.name, obj.name_en), facts=[obj.code, obj.get_scope_display()])

    def buttons(self, obj: Role) -> Sequence[Button]:
        if obj.owner_id is None or not self.actor.can("people.roles"):
            return []
        return [
            Button(_("Change"), reverse("role_change", args=[obj.pk]), icon="pencil", primary=True, key="e"),
            Button(_("Remove"), reverse("role_removal", args=[obj.pk]), icon="x", danger=True, ask=True),
        ]


class RoleWrite(FormPage):
    """A new role, or another content of one."""

    verb = "people.roles"
    form = RoleForm
    title = gettext_lazy("Role")
    said = gettext_lazy("The role is saved.")
    above = "roles"

    def find(self, **kwargs: Any) -> Role | None:
        return get_row(visible(self.actor, Role, "people.roles"), kwargs["pk"]) if "pk" in kwargs else None

    def initial(self, obj: Role | None) -> dict[str, Any]:
        return {**super().initial(obj), "grants": obj.fields if obj else []}

    def perform(self, obj: Role | None, cleaned: dict[str, Any], client_id: UUID) -> Any:
        grants = tuple(cleaned.pop("grants", ()))
        facts = RoleFacts(**{**cleaned, "verbs": tuple(cleaned["verbs"])}, fields=grants)
        wanted = self.kwargs.get("pk")
        return actions.write_role(facts, wanted, actor=self.actor, client_id=client_id)

    def done(self, result: Role) -> str:
        return reverse("role", args=[result.pk])


class RoleRemove(ActionPage):
    """Without this role."""

    verb = "people.roles"
    query = own_roles
    form = NoFields
    title = submit = gettext_lazy("Remove role")
    said = gettext_lazy("The role is removed.")
    danger = True

    def perform(self, obj: Role, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.remove_role(obj.pk, actor=self.actor)

    def done(self, result: Any) -> str:
        return reverse("roles")


routes = [
    path("people/", PeopleList.as_view(), name="people"),
    path("people/new", Invite.as_view(), name="person_new"),
    path("people/<int:pk>/", PersonDetail.as_view(), name="person"),
    path("people/<int:pk>/change", Change.as_view(), name="person_change"),
    path("people/<int:pk>/place", Place.as_view(), name="person_place"),
    path("people/<int:pk>/invitation", InviteAgain.as_view(), name="person_invitation"),
    path("people/<int:pk>/end", End.as_view(), name="person_end"),
    path("roles/", RoleList.as_view(), name="roles"),
    path("roles/new", RoleWrite.as_view(), name="role_new"),
    path("roles/<int:pk>/", RoleDetail.as_view(), name="role"),
    path("roles/<int:pk>/change", RoleWrite.as_view(), name="role_change"),
    path("roles/<int:pk>/removal", RoleRemove.as_view(), name="role_removal"),
]
