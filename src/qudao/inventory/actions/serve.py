"""Who is served out of which warehouses, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qudao.agreements import queries as agreements
from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, record
from qudao.base.subject import Subject
from qudao.inventory.models import Place, ServingRule
from qudao.inventory.rules import Whom
from qudao.inventory.states import MOST_PLACES, PlaceKind
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network import queries as network

VERB = "inventory.manage_places"


@action(VERB)
def set_serving(whom: Whom, place_ids: Sequence[int], splits: bool = True, *, actor: Actor) -> ServingRule:
    """Say which warehouses of the own organisation serve a buyer, a group, a region, an area or everybody, in their order; saying it again replaces it.

    It holds for new orders. Raises Invalid at the field for whom one does not know, and for places that are not own warehouses.
    """
    rule, _made = ServingRule.unscoped.update_or_create(
        owner_id=actor.org_id, **check_whom(whom, actor), defaults={"place_ids": check_places(place_ids, actor), "splits": splits}
    )
    record(subject_of(rule), after="set", detail={"places": list(rule.place_ids), "splits": splits})
    return rule


@action(VERB)
def drop_serving(rule_id: int, *, actor: Actor) -> ServingRule:
    """Take a rule away: the next nearest one counts for new orders, or the warehouse of the agreement."""
    rule = get_visible(actor, ServingRule, rule_id, VERB)
    subject = subject_of(rule)
    ServingRule.unscoped.filter(pk=rule_id).delete()
    record(subject, before="set", after="dropped", detail={"places": list(rule.place_ids)})
    return rule


def check_whom(whom: Whom, actor: Actor) -> dict[str, Any]:
    """The columns that say whom a rule serves. Raises Invalid for more than one of them, or for one the own organisation does not know."""
    named = [name for name in ("buyer_id", "group_id", "region_id", "area_code") if getattr(whom, name)]
    faults = [Fault("inventory.serves_whom", named[1])] if len(named) > 1 else []
    if whom.buyer_id and not network.organisations(actor).filter(pk=whom.buyer_id).exists():
        faults.append(Fault("inventory.buyer_unknown", "buyer_id"))
    if whom.group_id and not agreements.groups(actor).filter(pk=whom.group_id, owner_id=actor.org_id).exists():
        faults.append(Fault("inventory.group_unknown", "group_id"))
    if whom.region_id and not network.organisations(actor).filter(pk=whom.region_id).exists():
        faults.append(Fault("inventory.region_unknown", "region_id"))
    raise_if_any(faults, Invalid)
    return {"buyer_id": whom.buyer_id, "group_id": whom.group_id, "region_id": whom.region_id, "area_code": whom.area_code.strip()}


def check_places(place_ids: Sequence[int], actor: Actor) -> list[int]:
    """Own warehouses, each once; Invalid otherwise."""
    own = visible(actor, Place, VERB).filter(pk__in=list(place_ids), owner_id=actor.org_id, kind=PlaceKind.STOCK, closed=False).count()
    if not 0 < len(place_ids) <= MOST_PLACES or own != len(place_ids) or len(set(place_ids)) != len(place_ids):
        raise Invalid("inventory.no_places", field="places", most=MOST_PLACES)
    return list(place_ids)


def subject_of(rule: ServingRule) -> Subject:
    """A rule as the log names it."""
    return Subject("inventory.servingrule", rule.pk, rule.owner_id, rule.buyer_id)
