"""Lists that many buyers pay by: those of a group, of a region and its channel."""

from __future__ import annotations

from qudao.agreements import queries as agreements
from qudao.agreements.rules import channel_of
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.catalog import queries as products
from qudao.kernel.errors import Invalid
from qudao.network import queries as network
from qudao.pricing import queries
from qudao.pricing.actions.lists import subject_of
from qudao.pricing.models import PriceList, WideAssignment
from qudao.pricing.rules import Wide


@action("pricing.assign")
def assign_wide(list_id: int, wide: Wide, priority: int = 0, *, actor: Actor) -> WideAssignment:
    """Let the buyers of a group, or of a region and channel, pay by a list; assigning it there again changes the priority.

    Raises Invalid at the field, NotFound for a hidden region.
    """
    price_list = queries.price_list(actor, list_id, "pricing.assign")
    products.require_acting(actor, price_list.owner_id, "pricing.assign")
    wide = Wide(wide.group_id, wide.region_id, wide.area_code.strip(), channel_of(wide.channel))
    if not wide.clear:
        raise Invalid("pricing.level_unclear", field="group_id")
    if wide.group_id and not agreements.groups(actor).filter(pk=wide.group_id, owner_id=price_list.owner_id).exists():
        raise Invalid("pricing.group_unknown", field="group_id")
    if wide.region_id:
        network.organisation(actor, wide.region_id)
    place = {"group_id": wide.group_id, "region_id": wide.region_id, "area_code": wide.area_code, "channel": wide.channel}
    made, _new = WideAssignment.unscoped.update_or_create(
        list_id=list_id, **place, defaults={"priority": priority}, create_defaults={"priority": priority, "owner_id": price_list.owner_id}
    )
    record(subject_of(price_list), detail=place | {"priority": priority})
    return made


@action("pricing.assign")
def unassign_wide(assignment_id: int, *, actor: Actor) -> PriceList:
    """Take a list off a group or region; the next list, or the base list, answers."""
    gone = get_visible(actor, WideAssignment, assignment_id, "pricing.assign")
    price_list = queries.price_list(actor, gone.list_id)
    gone.delete()
    record(subject_of(price_list), detail={"group_id": gone.group_id, "region_id": gone.region_id, "area_code": gone.area_code, "channel": gone.channel})
    return price_list
