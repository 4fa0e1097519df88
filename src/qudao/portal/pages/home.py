"""Home: what one does most, the flow as a map with counts and ages, figures against last month, what needs action with its remedy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import Button, allowed, door
from qudao.funds.queries import unscoped_card
from qudao.kernel import clock
from qudao.portal.queries import STAGES, Days, Overdue, Stage, arriving, days, flow, last_order, open_differences, overdue, pending, trades
from qudao.portal.tables import meter_of


def link(name: str, query: str = "") -> str:
    """The address of a page with its query; "" when no installed module has it."""
    try:
        return reverse(name) + (f"?{query}" if query else "")
    except NoReverseMatch:
        return ""


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


@dataclass(frozen=True)
class Alert:
    """Something that needs action: what, how much, how long, and the one click that helps."""

    title: Any
    detail: Any
    amount: str
    age: str
    button: Button
    wrong: bool = True


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
            off = (_("Stock is short"), stages[key].number, "", link("stock"))
        found.append(Node(stages[key], labels[key], urls[key], *off))
    return found


def _kpis(found: Days, late: Overdue | None) -> list[dict[str, Any]]:
    """Figures against a yardstick; none of them without data."""
    today = clock.today()
    first = today.replace(day=1)
    last_month = first - timedelta(days=1)
    month, before = found.sum_between(first, today), found.sum_between(last_month.replace(day=1), last_month)
    last_first = last_month.replace(day=1)
    same_days = found.sum_between(last_first, min(last_month, last_first + timedelta(days=today.day - 1)))
    rows: list[dict[str, Any]] = []
    if month or before:
        share = month / before if before else Decimal(1)
        more = (month / same_days - 1) * 100 if same_days else Decimal(0)
        words = _("{n}% more than by this day last month") if more >= 0 else _("{n}% less than by this day last month")
        rows.append(
            {
                "label": _("Ordered this month (incl. tax)"), "value": figures.money(month), "points": found.series(today), "share": min(share, Decimal(1)),
                "mark": same_days / before if before else None,
                "left": _("Last month {sum}").format(sum=figures.money(before)) if before else _("The first month"),
                "right": words.format(n=figures.amount(abs(more), 0)) if same_days else "", "tone": "t-done" if more >= 0 else "t-wait",
            }
        )  # fmt: skip
    if found.all:
        straight = Decimal(found.straight) / found.all
        rows.append(
            {
                "label": _("Confirmed without a person"), "value": figures.percent(straight, 0), "points": [], "share": straight, "mark": Decimal("0.8"),
                "left": _("Target {share}").format(share="80%"), "right": figures.documents(found.all), "tone": "dim",
            }
        )  # fmt: skip
    if late and late.open:
        share = 1 - late.total / late.open
        rows.append(
            {
                "label": _("Open and not overdue"), "value": figures.percent(share), "points": [], "share": share, "mark": Decimal("0.95"),
                "left": _("Open {sum}").format(sum=figures.money(late.open)),
                "right": _("{sum} overdue").format(sum=figures.money(late.total)) if late.total else "", "tone": "t-wrong",
            }
        )  # fmt: skip
    return rows


def _alerts(stages: Mapping[str, Stage], late: Overdue | None, differences: int, side: str) -> list[Alert]:
    """What needs action now, the worst first."""
    found = []
    approve, reserve, ship = stages["to_approve"], stages["to_reserve"], stages["to_ship"]
    if late and late.number and side == "sell":
        title = ngettext("{n} receivable is overdue", "{n} receivables are overdue", late.number).format(n=figures.count(late.number))
        detail = _("The oldest since {day}").format(day=figures.day_long(late.oldest))
        found.append(Alert(title, detail, figures.money(late.total), figures.age(late.oldest), Button(_("See who owes"), link("ageing") or link("invoices"))))
    if reserve.number:
        title = ngettext("{n} order waits for stock", "{n} orders wait for stock", reserve.number).format(n=figures.count(reserve.number))
        detail = _("An approval alone would not confirm them")
        found.append(Alert(title, detail, figures.money(reserve.total), figures.age(reserve.oldest), Button(_("See the stock"), link("stock"))))
    if approve.late:
        title = ngettext("{n} order waits for approval for more than a day", "{n} orders wait for approval for more than a day", approve.late)
        button = Button(_("Decide"), link("approvals") or link("orders", "side=sell&tab=to_approve"))
        found.append(Alert(title.format(n=figures.count(approve.late)), "", figures.money(approve.total), figures.age(approve.oldest), button, wrong=False))
    if ship.late:
        title = ngettext("{n} order has not left for two days", "{n} orders have not left for two days", ship.late).format(n=figures.count(ship.late))
        button = Button(_("Ship"), link("shipments", "side=sell") or link("orders", "side=sell&tab=to_ship"))
        found.append(Alert(title, "", figures.money(ship.total), figures.age(ship.oldest), button, wrong=False))
    if differences:
        title = ngettext("{n} difference of a receipt is open", "{n} differences of receipts are open", differences).format(n=figures.count(differences))
        found.append(Alert(title, "", "", "", Button(_("See differences"), link("differences") or link("shipments", f"side={side}"))))
    return [a for a in found if a.button.url]


def _first_steps(actor: Actor) -> list[tuple[Any, Any, str]]:
    """What a new company does first; shown instead of empty figures."""
    steps = [
        (_("Register your dealers"), _("Name, code and what they may see"), link("organisations"), "network.register"),
        (_("Enter your products"), _("Or import them from a sheet"), link("products"), "catalog.change"),
        (_("Set prices"), _("A base list is enough for the start"), link("price_lists"), "pricing.view"),
        (_("Activate an agreement"), _("Terms, credit limit and what may be ordered"), link("agreements"), "agreements.view"),
        (_("Place the first order"), _("It takes five steps at most"), link("order_new"), "orders.place"),
    ]
    return [(title, text, url) for title, text, url, verb in steps if url and actor.can(verb)]


def _bar(actor: Actor, tasks: int, side: str, last: int | None) -> list[Button]:
    """What this person does most, the primary one last."""
    approve = _("Approve {n}").format(n=tasks) if tasks else _("Approvals")
    buttons = [
        Button(_("Payments"), link("payments"), "cash", verb="payments.record"),
        Button(pgettext("button", "Ship"), link("shipments", "side=sell"), "truck", verb="fulfilment.ship") if side == "sell" else None,
        Button(pgettext("button", "Receive"), link("shipments", "side=buy"), "package-import", verb="fulfilment.receive") if side == "buy" else None,
        Button(_("Order again"), link("order_new", f"again={last}"), "history", verb="orders.place") if last else None,
        Button(approve, link("approvals"), "checks", verb="orders.approve") if side == "sell" else None,
        Button(_("New order"), link("order_new"), "plus", primary=True, verb="orders.place", key="n"),
    ]
    return allowed([b for b in buttons if b and b.url], actor)


def _buyer(actor: Actor, late: Overdue | None) -> dict[str, Any]:
    """What a buyer does today, and what credit is left at each seller."""
    todo = [
        {
            "icon": "package-import", "tone": "t-wait", "title": _("Receive {number}").format(number=s.number), "url": s.get_absolute_url(),
            "note": s.carrier or str(s.seller), "end": figures.age(s.shipped_at),
        }
        for s in arriving(actor)
    ]  # fmt: skip
    if late and late.number:
        title = _("Pay {sum}").format(sum=figures.money(late.total))
        note = _("Overdue since {day}").format(day=figures.day_long(late.oldest))
        url = link("invoices", "side=buy&tab=overdue") or link("invoices", "side=buy")
        todo.insert(0, {"icon": "cash", "tone": "t-wrong", "title": title, "url": url, "note": note, "end": _("overdue")})
    meters = []
    if actor.can("funds.view"):
        for trade in [t for t in trades(actor) if t.buyer_id == actor.org_id][:3]:
            card = unscoped_card(trade.agreement_id)
            if card:
                meters.append({"label": trade.label, "meter": meter_of(card, Decimal(0))})
    return {"todo": todo, "meters": meters}


@door()
def home(request: HttpRequest) -> HttpResponse:
    """The first page of everybody, by what the person may do and whether the organisation sells or buys; about ten grouped statements."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    side = request.GET.get("side") or ("sell" if actor.org_kind in ("hq", "region") else "buy")
    sees_orders = actor.can("orders.view")
    stages = flow(actor, side) if sees_orders else {key: Stage(key) for key in STAGES}
    found = days(actor, side) if sees_orders else Days()
    late, differences = overdue(actor, side), open_differences(actor)
    waiting = pending(actor)
    today = clock.today()
    context = {
        "title": _("Home") if side == "sell" else _("Order and receive"),
        "day": today,
        "side": side,
        "other_side": link("home", "side=sell" if side == "buy" else "side=buy") if actor.org_kind == "dealer" and actor.can("orders.approve") else "",
        "nodes": _nodes(stages, side, late, differences),
        "came": found.number.get(today, 0),
        "came_before": found.number.get(today - timedelta(days=1), 0),
        "orders_url": link("orders", f"side={side}"),
        "kpis": _kpis(found, late) if side == "sell" else [],
        "alerts": _alerts(stages, late, differences, side) if side == "sell" else [],
        "tasks": waiting[:9],
        "tasks_number": len(waiting),
        "tasks_url": link("approvals"),
        "buttons": _bar(actor, len(waiting), side, last_order(actor) if side == "buy" and sees_orders else None),
        "straight": {"n": found.straight, "share": figures.percent(Decimal(found.straight) / found.all, 0)} if side == "sell" and found.straight else None,
        "steps": _first_steps(actor) if not found.number and not any(s.number for s in stages.values()) else [],
        **(_buyer(actor, late) if side == "buy" else {}),
    }
    return render(request, "portal/home.html", context)


routes = [path("", home, name="home")]
