"""What a home shows by the work of who opens it: the function bar, the figures, the chart, and what needs action."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from qudao.analytics.queries import Calendar, calendar
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import Button, allowed
from qudao.kernel import clock
from qudao.kernel.period import month_of
from qudao.portal.pages import alerts, charts, kpis, restock
from qudao.portal.pages.ways import link
from qudao.portal.queries import (
    Overdue,
    Stage,
    announced,
    by_one_hand,
    coming_changes,
    dealers,
    dock,
    late_payers,
    past_wish,
    short_products,
    stopped,
    to_remind,
)
from qudao.portal.queries.restock import TOGETHER

#: how far back the figures of a home page look
REACH = timedelta(days=100)
#: so many short products, and so many quiet dealers, are alerts of their own
SHORT, QUIET = 3, 3

TITLES = {
    "buy": gettext_lazy("Order and receive"),
    "goods": gettext_lazy("Warehouse"),
    "money": gettext_lazy("Money desk"),
    "channel": gettext_lazy("Dealers and prices"),
    "audit": gettext_lazy("Audit"),
    "desk": gettext_lazy("Order desk"),
}


def face_of(actor: Actor, side: str) -> str:
    """Which home suits this person: "buy"; "goods" (picks and ships); "money" (books payments, orders nothing); "channel" (keeps dealers and prices, enters
    no orders); "audit" (reads the log and signs nothing); or "desk"."""
    if side == "buy":
        return "buy"
    if actor.can("fulfilment.pick") and not actor.can("orders.approve"):
        return "goods"
    if actor.can("payments.record") and not actor.can("orders.place"):
        return "money"
    if actor.can("base.view_log") and not actor.can("orders.approve"):
        return "audit"
    return "channel" if actor.can("pricing.edit") and not (actor.can("orders.place") or actor.can("orders.place_for")) else "desk"


def seller(actor: Actor, face: str, stages: Mapping[str, Stage], late: Overdue | None, kinds: Mapping[str, int]) -> dict[str, Any]:
    """Figures and alerts of who sells, by the face."""
    found = calendar(actor, clock.today() - REACH) if actor.can("orders.view") else Calendar()
    chart, shown, wrong = _FACES[face](actor, found, stages, late, kinds)
    today = clock.today()
    month = found.between(month_of(today), today)
    share = figures.percent(month.straight_share, 0) if month.straight_share else ""
    return {
        "kpis": [k for k in shown if k],
        "chart": chart,
        "alerts": alerts.usable(wrong),
        "straight": {"n": month.straight, "share": share} if month.straight and face in ("desk", "channel", "audit") else None,
        "insight": link("insight") if actor.can("orders.view") and found.days else "",
    }


def _money(actor: Actor, found: Calendar, stages: Mapping[str, Stage], late: Overdue | None, kinds: Mapping[str, int]) -> tuple[Any, list[Any], list[Any]]:
    waiting, payers = announced(actor), late_payers(actor)
    shown = [kpis.collected(found), kpis.current(late), kpis.to_confirm(waiting), kpis.ordered(found)]
    wrong = [
        *alerts.owing(payers, to_remind(actor, payers)),
        alerts.money_announced(waiting),
        alerts.approvals(stages["to_approve"]),
        alerts.differences(kinds, "sell"),
    ]
    return charts.collected(found), shown, wrong


def _goods(actor: Actor, found: Calendar, stages: Mapping[str, Stage], late: Overdue | None, kinds: Mapping[str, int]) -> tuple[Any, list[Any], list[Any]]:
    there = dock(actor)
    shown = [kpis.to_pick(there), kpis.sent(there), kpis.on_time(found), kpis.speed(found)]
    wrong = [
        alerts.past_wish(past_wish(actor)),
        *_short(actor),
        alerts.not_left(stages["to_ship"]),
        alerts.differences(kinds, "sell"),
    ]
    return charts.sent(there.days), shown, wrong


def _channel(actor: Actor, found: Calendar, stages: Mapping[str, Stage], late: Overdue | None, kinds: Mapping[str, int]) -> tuple[Any, list[Any], list[Any]]:
    known = dealers(actor)
    shown = [kpis.ordered(found), kpis.ordering(known), kpis.on_time(found), kpis.current(late)]
    wrong = [
        alerts.stopped(stopped(actor)),
        *alerts.quiet(known.quiet[:QUIET], len(known.quiet)),
        *alerts.price_changes(coming_changes(actor)),
        alerts.approvals(stages["to_approve"], may=False),
        alerts.overdue(late),
        alerts.differences(kinds, "sell"),
    ]
    return charts.ordered(found), shown, wrong


def _audit(actor: Actor, found: Calendar, stages: Mapping[str, Stage], late: Overdue | None, kinds: Mapping[str, int]) -> tuple[Any, list[Any], list[Any]]:
    shown = [kpis.straight(found), kpis.current(late), kpis.on_time(found), kpis.collected(found)]
    wrong = [
        alerts.by_one_hand(by_one_hand(actor)),
        alerts.stopped(stopped(actor)),
        alerts.overdue(late),
        alerts.differences(kinds, "sell"),
        alerts.approvals(stages["to_approve"], may=False),
        *alerts.price_changes(coming_changes(actor)),
    ]
    return charts.collected(found), shown, wrong


def _desk(actor: Actor, found: Calendar, stages: Mapping[str, Stage], late: Overdue | None, kinds: Mapping[str, int]) -> tuple[Any, list[Any], list[Any]]:
    shown = [kpis.ordered(found), kpis.on_time(found), kpis.speed(found), kpis.straight(found)]
    lacks = _short(actor)
    wrong = [
        alerts.overdue(late), alerts.past_wish(past_wish(actor)), *(lacks or [alerts.waits_for_stock(stages["to_reserve"])]),
        alerts.differences(kinds, "sell"), alerts.approvals(stages["to_approve"]), alerts.not_left(stages["to_ship"]), alerts.money_announced(announced(actor)),
    ]  # fmt: skip
    return charts.ordered(found), shown, wrong


_FACES = {"money": _money, "goods": _goods, "channel": _channel, "audit": _audit, "desk": _desk}


def _short(actor: Actor) -> list[alerts.Alert | None]:
    """The products that are wanted most and short, each with what brings it and all others that come the same way."""
    lacks = short_products(actor, TOGETHER)
    return alerts.short(lacks[:SHORT], restock.of_short(actor, lacks) if lacks else {})


def _again(actor: Actor, last: int | None) -> list[Button]:
    """The last order once more: into the basket, where the next click submits it; without a basket, into a new order."""
    if not last:
        return []
    basket = link("basket_reorder", "", last)
    if basket and actor.can("baskets.use"):
        return [Button(_("Order again"), basket, "history", post=True, verb="orders.place")]
    return [Button(_("Order again"), link("order_new", f"again={last}"), "history", verb="orders.place")]


def bar(actor: Actor, tasks: int, face: str, last: int | None) -> list[Button]:
    """What this person does most, the primary one last."""
    approve = Button(_("Approve {n}").format(n=tasks) if tasks else _("Approvals"), link("approvals"), "checks", verb="orders.approve")
    found = {
        "buy": lambda: [
            Button(_("Statement"), link("accounts"), "file-text", verb="ledger.view"),
            Button(pgettext("button", "Receive"), link("shipments", "side=buy&tab=to_receive"), "package-import", verb="fulfilment.receive"),
            *_again(actor, last),
            Button(pgettext("button", "Order"), link("shop") or link("order_new"), "shopping-cart", primary=True, verb="orders.place", key="n"),
        ],
        "channel": lambda: [
            Button(_("Agreements"), link("agreements"), "file-text", verb="agreements.view"),
            Button(_("Dealers"), link("organisations"), "building-store", verb="network.view"),
            approve,
            Button(_("Price changes"), link("price_changes"), "discount", primary=True, verb="pricing.edit", key="n"),
        ],
        "audit": lambda: [
            Button(_("People"), link("people"), "users", verb="people.view"),
            Button(_("Two duties by one person"), link("payments", "hands=one"), "user-circle", verb="payments.view"),
            Button(_("Log of actions"), link("log"), "history", primary=True, verb="base.view_log", key="n"),
        ],
    }.get(face)
    shown = (
        found()
        if found
        else [
            Button(_("Record a payment"), link("payment_new"), "cash", verb="payments.record"),
            Button(pgettext("button", "Ship"), link("shipments", "side=sell&tab=to_pick"), "truck", verb="fulfilment.ship"),
            approve,
            Button(_("New order"), link("order_new"), "plus", primary=True, verb="orders.place", key="n"),
        ]
    )
    usable = allowed([b for b in shown if b.url], actor)
    if usable and not any(b.primary for b in usable):  # who orders nothing has another first thing to do
        first = usable[-1] if face == "buy" else usable[0]
        usable = [b for b in usable if b is not first] + [Button(first.label, first.url, first.icon, primary=True, verb=first.verb, key="n")]
    return usable
