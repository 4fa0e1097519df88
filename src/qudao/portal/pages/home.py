"""Home, by what a person does: the desk, the money, the warehouse, the buyer. What one does most, the flow as a map, figures, what needs action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from qudao.analytics.queries import Calendar
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import door
from qudao.funds.pages import meter_of
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.messages.queries import my_open_tasks, waiting_counts
from qudao.portal.pages import charts, faces, kpis, loading
from qudao.portal.pages.ways import link
from qudao.portal.queries import (
    STAGES,
    Overdue,
    Stage,
    arriving,
    bought,
    came,
    differences_by_kind,
    flow,
    has_sold,
    last_order,
    oldest_pending,
    overdue,
    trades,
)

#: so many approvals, the oldest, are held against credit and stock for the few shown here; the inbox does it for all
JUDGED = 40


@dataclass(frozen=True)
class Node:
    """A box of the map: a stage with its link, and below it the exception that hangs on it."""

    stage: Stage
    label: Any
    url: str
    off: Any = ""
    off_number: int = 0
    off_note: Any = ""
    off_url: str = ""


def _nodes(stages: Mapping[str, Stage], side: str, late: Overdue | None, differences: int) -> list[Node]:
    labels = {
        "to_approve": pgettext("order", "To approve"),
        "to_reserve": pgettext("order", "To reserve"),
        "to_ship": pgettext("order", "To ship"),
        "to_receive": pgettext("order", "To receive"),
        "to_invoice": pgettext("order", "To invoice"),
        "to_settle": pgettext("order", "To settle"),
    }
    urls = {key: link("orders", f"side={side}&tab={key}") for key in STAGES}
    urls["to_settle"] = link("orders", f"side={side}&tab=to_pay")
    urls["to_reserve"] = urls["to_approve"]
    if side == "sell":
        urls["to_approve"] = link("approvals") or urls["to_approve"]
        urls["to_ship"] = link("shipments", "side=sell") or urls["to_ship"]
    found = []
    for key in STAGES:
        if side == "buy" and key == "to_reserve":
            continue  # the seller's stock is the seller's matter
        off: tuple[Any, int, Any, str] = ("", 0, "", "")
        if key == "to_receive" and differences:
            off = (_("Differences"), differences, "", link("differences") or link("shipments", f"side={side}"))
        if key == "to_settle" and late and late.number:
            off = (_("Overdue"), late.number, figures.money(late.total), link("invoices", f"side={side}&tab=overdue"))
        if key == "to_reserve" and stages[key].number:
            off = (_("Stock is short"), stages[key].number, "", link("stock", "tab=short"))
        found.append(Node(stages[key], labels[key], urls[key], *off))
    return found


def _first_steps(actor: Actor) -> list[tuple[Any, Any, str]]:
    """What a new company does first; shown instead of empty figures."""
    steps = [
        (_("Register your dealers"), _("Name, code and what they may see"), link("organisations"), "network.register"),
        (_("Enter your products"), _("Or import them from a sheet"), link("products"), "catalog.edit"),
        (_("Set prices"), _("A base list is enough for the start"), link("price_lists"), "pricing.view"),
        (_("Activate an agreement"), _("Terms, credit limit and what may be ordered"), link("agreements"), "agreements.view"),
        (_("Place the first order"), _("It takes five steps at most"), link("shop") or link("order_new"), "orders.place"),
    ]
    return [(title, text, url) for title, text, url, verb in steps if url and actor.can(verb)]


def _todo(actor: Actor, late: Overdue | None, given: Sequence[Any]) -> list[dict[str, Any]]:
    """What a buyer does today: pay what is overdue, receive what has come, do what was asked."""
    todo = []
    if late and late.number:
        title = _("Pay {sum}").format(sum=figures.money(late.total))
        note = _("Overdue since {day}").format(day=figures.day_long(late.oldest))
        url = link("invoices", "side=buy&tab=overdue") or link("invoices", "side=buy")
        todo.append({"icon": "cash", "tone": "t-wrong", "title": title, "url": url, "note": note, "end": _("overdue")})
    todo += [
        {
            "icon": "package-import", "tone": "t-wait", "title": _("Receive {number}").format(number=s.number), "url": s.get_absolute_url(),
            "note": s.carrier or str(s.seller), "end": figures.age(s.shipped_at),
        }
        for s in arriving(actor)
    ]  # fmt: skip
    todo += [
        {
            "icon": "checklist", "tone": "t-move", "title": task.title, "url": link("task", "", task.pk), "note": task.number,
            "end": figures.day(task.due_on) if task.due_on else figures.age(task.created_at),
        }
        for task in given
    ]  # fmt: skip
    return todo


def _buyer(stages: Mapping[str, Stage], late: Overdue | None, kinds: Mapping[str, int], todo: list[dict[str, Any]], *, actor: Actor) -> dict[str, Any]:
    """What a buyer does today, where the orders stand, what was bought, and what credit is left at each seller."""
    meters = []
    if actor.can("funds.view"):
        for trade in trades(actor, buyer_id=actor.org_id)[:3]:
            card = unscoped_card(trade.agreement_id)
            if card:
                meters.append({"label": trade.label, "meter": meter_of(card, reader=actor.org_id)})
    words = {"to_approve": pgettext("order", "To approve"), "to_ship": pgettext("order", "To ship"), "to_receive": pgettext("order", "To receive")}
    numbers = [{"n": stages[key].number, "label": label, "url": link("orders", f"side=buy&tab={key}")} for key, label in words.items()]
    numbers.append({"n": sum(kinds.values()), "label": _("Differences"), "url": link("differences") or link("shipments", "side=buy"), "wrong": True})
    found = bought(actor) if actor.can("orders.view") else Calendar()
    shown = [kpis.ordered(found, "buy"), kpis.on_time(found, "buy"), kpis.current(late, "payable")]
    return {"todo": todo, "meters": meters, "numbers": numbers, "kpis": [one for one in shown if one], "chart": charts.ordered(found, "buy")}


@door()
def home(request: HttpRequest) -> HttpResponse:
    """The first page of everybody, by what the person may do and whether the organisation sells or buys; about a dozen grouped statements."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    side = request.GET.get("side") or ("sell" if actor.org_kind in ("hq", "region") else "buy")
    face = faces.face_of(actor, side)
    sees_orders = actor.can("orders.view")
    stages = flow(actor, side) if sees_orders else {key: Stage(key) for key in STAGES}
    today, before = came(actor, side) if sees_orders else (0, 0)
    late, kinds = overdue(actor, side), differences_by_kind(actor, side)
    waiting, number = oldest_pending(actor, JUDGED)
    counts = waiting_counts(actor)
    request.pending_number, request.waiting_counts = number, counts  # type: ignore[attr-defined]  # the frame need not count them again
    given = list(my_open_tasks(actor)[:6]) if counts.get("tasks") else []
    more = _buyer(stages, late, kinds, _todo(actor, late, given), actor=actor) if side == "buy" else faces.seller(actor, face, stages, late, kinds)
    last = last_order(actor) if side == "buy" and sees_orders else None
    fresh = not (today or before or last) and not any(s.number for s in stages.values()) and not more.get("kpis")
    fresh = fresh and not (side == "sell" and sees_orders and has_sold(actor))  # a quiet quarter is no beginning
    context = {
        "title": faces.TITLES[face],
        "day": clock.today(),
        "side": side,
        "other_side": link("home", "side=sell" if side == "buy" else "side=buy") if actor.org_kind == "dealer" and actor.can("orders.approve") else "",
        "nodes": _nodes(stages, side, late, sum(kinds.values())),
        "came": today,
        "came_before": before,
        "orders_url": link("orders", f"side={side}"),
        "today_url": link("orders", f"side={side}&from={clock.today():%Y-%m-%d}"),
        "given": given,
        "tasks": waiting[: 9 - len(given)],
        "tasks_number": number + len(given),
        "tasks_url": link("tasks"),
        "buttons": faces.bar(actor, number, face, last),
        "steps": _first_steps(actor) if fresh else [],
        "loading": loading.sentence(),
        **more,
    }
    return render(request, "portal/home.html", context)


routes = [path("", home, name="home")]
