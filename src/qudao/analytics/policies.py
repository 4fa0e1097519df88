"""Figures of a seller are for the people of that seller who see its orders, and for the scopes above it."""

from __future__ import annotations

from django.db.models import Q

from qudao.analytics.models import Day
from qudao.base.access import Actor, Policy, register, within

VERBS: dict[str, str] = {}


@register
class DayPolicy(Policy):
    """Amounts of trades between dealers are no matter of the storeys above without the grant, so only the own organisation's figures are shown."""

    model = Day
    view_verb = "orders.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "org") & Q(org_id=actor.org_id)
