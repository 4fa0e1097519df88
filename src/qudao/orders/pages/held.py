"""Why an order waits for credit and what releases it, said to each side in its own words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import Panel
from qudao.funds.queries import unscoped_what_if
from qudao.orders.models import Order
from qudao.orders.queries import unscoped_before, unscoped_parts
from qudao.orders.states import HELD, HELD_NO_MORE, HELD_UNSEEN, Status


def held_panel(request: HttpRequest, order: Order) -> Panel | None:
    """What would be said now of an order that waits for credit; nothing, and no statement, for any other."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if order.status != Status.SUBMITTED or actor.org_id not in (order.seller_id, order.buyer_id):
        return None
    return Panel(_("Why it waits"), "orders/held.html", {"sentences": _reasons(actor, order)})


def _reasons(actor: Actor, order: Order) -> list[Any]:
    if not actor.can("funds.view"):
        return [HELD_UNSEEN]
    buys, found = actor.org_id == order.buyer_id, []
    for fault in unscoped_what_if(order.agreement_id, order.gross, unscoped_parts(order)):
        figured = {name: figures.money(value, order.currency) if isinstance(value, Decimal) else value for name, value in fault.params.items()}
        found.append(HELD[fault.code][buys].format(**figured))
    before = unscoped_before(order)
    if before:
        found.append(ngettext("{n} order that waits longer goes first.", "{n} orders that wait longer go first.", before).format(n=before))
    return found or [HELD_NO_MORE]
