"""Groups of buyers: the list, a group with who is in it, and a page per verb."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.agreements import actions, queries
from qudao.agreements.forms import GroupForm, LastDayForm, MembersForm
from qudao.agreements.models import Group
from qudao.agreements.rules import GroupDraft
from qudao.agreements.tables import GroupTable, MemberTable, name_of
from qudao.base.access import policy_of
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, FormPage, Head, ListPage, Panel, import_buttons
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network import queries as network

SHOWN = 100


class GroupList(ListPage):
    """The groups of the own organisation."""

    verb = "agreements.view"
    query = queries.groups
    table = GroupTable
    title = gettext_lazy("Groups of buyers")
    above = "agreements"

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("agreements.members", self.actor),
            Button(_("All members"), reverse("group_members"), icon="users"),
            Button(_("New group"), reverse("buyer_group_new"), icon="plus", primary=True, verb="agreements.group", key="n"),
        ]


class MemberList(ListPage):
    """Who is in which group, and since when."""

    verb = "agreements.view"
    query = queries.members
    table = MemberTable
    title = gettext_lazy("Members of groups")
    above = "buyer_groups"


def members_panel(request: HttpRequest, group: Group) -> Panel:
    """Who is in it today, the first hundred; all of them in the list."""
    actor = request.actor  # type: ignore[attr-defined]
    keeps = actor.can("agreements.group") and policy_of(Group).may(actor, "agreements.group", group)
    found = list(queries.members(actor, group.pk, on=clock.today())[: SHOWN + 1])
    items: list[dict[str, Any]] = [
        {
            "label": name_of(one.buyer),
            "url": one.buyer.get_absolute_url(),
            "facts": [one.buyer.code, figures.day(one.valid_from), figures.day(one.valid_to) if one.valid_to else _("until taken out")],
            "buttons": [Button(_("Take out"), reverse("group_member_end", args=[one.pk]), ask=True)] if keeps else [],
        }
        for one in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        items.append({"label": _("All members"), "url": f"{reverse('group_members')}?group={group.pk}"})
    return Panel(_("In the group today"), "parts/panel_items.html", {"items": items, "empty": _("Nobody is in the group today.")})


class GroupDetail(DetailPage):
    """One group."""

    verb = "agreements.view"
    query = queries.groups
    kind = "agreements.group"
    panels = (members_panel,)
    above = "buyer_groups"

    def head(self, obj: Group) -> Head:
        return Head(obj.code, None, name_of(obj))

    def buttons(self, obj: Group) -> Sequence[Button]:
        to = {name: reverse(f"buyer_group_{name}", args=[obj.pk]) for name in ("members", "change")}
        return [
            Button(_("Add buyers"), to["members"], icon="plus", primary=True, verb="agreements.group", ask=True, key="n"),
            Button(_("Change"), to["change"], icon="pencil", verb="agreements.group", ask=True, key="e"),
        ]


class GroupNew(FormPage):
    """A group of the own organisation."""

    verb = "agreements.group"
    form = GroupForm
    title = submit = gettext_lazy("New group")
    said = gettext_lazy("The group is made.")
    above = "buyer_groups"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.create_group(self.actor.org_id, GroupDraft(**cleaned), actor=self.actor, client_id=client_id)


class _OfGroup(FormPage):
    """Something done to a group."""

    verb = "agreements.group"
    above = "buyer_group"

    def find(self, **kwargs: Any) -> Group:
        return queries.group(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}


class GroupChange(_OfGroup):
    """Another name."""

    form = GroupForm
    title = gettext_lazy("Change group")
    said = gettext_lazy("The changes are saved.")

    def initial(self, obj: Group) -> dict[str, Any]:
        return {name: getattr(obj, name) for name in GroupForm.base_fields}

    def perform(self, obj: Group, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_group(obj.pk, GroupDraft(**cleaned), actor=self.actor, client_id=client_id)


class GroupMembers(_OfGroup):
    """More buyers, by their codes."""

    form = MembersForm
    title = submit = gettext_lazy("Add buyers")
    said = gettext_lazy("The buyers are in the group.")

    def perform(self, obj: Group, cleaned: dict[str, Any], client_id: UUID) -> Any:
        codes = dict.fromkeys(cleaned["buyers"].upper().replace(",", " ").replace("，", " ").replace("、", " ").split())
        known = dict(network.organisations(self.actor).filter(code__in=codes).order_by().values_list("code", "pk"))
        raise_if_any([Fault("agreements.member_unknown", "buyers", {"code": code}) for code in codes if code not in known], Invalid)
        since = dict.fromkeys([known[code] for code in codes], (cleaned["valid_from"], cleaned["valid_to"]))
        actions.add_members(obj.pk, since, actor=self.actor, client_id=client_id)
        return obj


class MemberEnd(ActionPage):
    """The last day in the group."""

    verb = "agreements.group"
    query = queries.members
    action = actions.end_membership
    form = LastDayForm
    title = submit = gettext_lazy("Take out of the group")
    said = gettext_lazy("The buyer leaves the group.")


routes = [
    path("buyer-groups/", GroupList.as_view(), name="buyer_groups"),
    path("buyer-groups/new", GroupNew.as_view(), name="buyer_group_new"),
    path("buyer-groups/<int:pk>/", GroupDetail.as_view(), name="buyer_group"),
    path("buyer-groups/<int:pk>/change", GroupChange.as_view(), name="buyer_group_change"),
    path("buyer-groups/<int:pk>/members", GroupMembers.as_view(), name="buyer_group_members"),
    path("group-members/", MemberList.as_view(), name="group_members"),
    path("group-members/<int:pk>/end", MemberEnd.as_view(), name="group_member_end"),
]
