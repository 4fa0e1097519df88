"""Lists that many buyers pay by: where a list is assigned, and the pages of the two verbs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html.pages import ActionPage, Button, FormPage, Panel
from qudao.base.html.tables import join
from qudao.pricing import actions, queries
from qudao.pricing.forms import LevelForm
from qudao.pricing.models import PriceList, WideAssignment
from qudao.pricing.rules import Wide
from qudao.pricing.tables import name_of


def where(one: WideAssignment) -> str:
    """Whose list it is, in words."""
    if one.group is not None:
        return f"{one.group.code} {name_of(one.group)}"
    area = _("area {code}").format(code=one.area_code) if one.area_code else ""
    channel = _("channel {name}").format(name=one.channel) if one.channel else ""
    return join(name_of(one.region) if one.region else "", area, channel)


def levels_panel(request: HttpRequest, price_list: PriceList) -> Panel | None:
    """The groups, regions and channels that pay by the list, for who keeps it; nothing when there are none."""
    actor = request.actor  # type: ignore[attr-defined]
    items = [
        {
            "label": where(one),
            "url": one.group.get_absolute_url() if one.group else "",
            "facts": [_("Group of buyers") if one.group else _("Region or channel"), _("priority {priority}").format(priority=one.priority)],
            "buttons": [Button(_("Remove"), reverse("wide_assignment_removal", args=[one.pk]), ask=True)] if actor.can("pricing.assign") else [],
        }
        for one in queries.levels(actor, price_list.pk)[:200]
    ]
    return Panel(_("Groups and regions"), "parts/panel_items.html", {"items": items, "empty": ""}, aside=True) if items else None


class PriceListLevel(FormPage):
    """Let many buyers pay by the list."""

    verb = "pricing.assign"
    form = LevelForm
    title = submit = gettext_lazy("Assign to a group or region")
    said = gettext_lazy("The list is assigned.")
    above = "price_list"

    def find(self, **kwargs: Any) -> PriceList:
        return queries.price_list(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def perform(self, obj: PriceList, cleaned: dict[str, Any], client_id: UUID) -> Any:
        priority = cleaned.pop("priority")
        actions.assign_wide(obj.pk, Wide(**cleaned), priority, actor=self.actor, client_id=client_id)
        return obj


class WideRemoval(ActionPage):
    """Take a list off a group or region."""

    verb = "pricing.assign"
    query = queries.levels
    action = actions.unassign_wide
    title = submit = gettext_lazy("Take the list off")
    said = gettext_lazy("They no longer pay by this list.")
    danger = True

    def undo(self, obj: WideAssignment, result: Any) -> Button:
        place = {"group_id": obj.group_id or "", "region_id": obj.region_id or "", "area_code": obj.area_code, "channel": obj.channel}
        return Button(_("Undo"), reverse("price_list_level", args=[obj.list_id]), verb="pricing.assign", fields=place | {"priority": obj.priority})


routes = [
    path("price-lists/<int:pk>/levels", PriceListLevel.as_view(), name="price_list_level"),
    path("wide-assignments/<int:pk>/removal", WideRemoval.as_view(), name="wide_assignment_removal"),
]
