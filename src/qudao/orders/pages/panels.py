"""Panels of the order page: lines with their price reasons, credit, sides and terms, files, and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.db.models import F, Sum
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from qudao.base.access import Actor, sees_prices
from qudao.base.files import files_of
from qudao.base.html import figures
from qudao.base.html.pages import Panel
from qudao.funds.pages import meter_of, title_of
from qudao.funds.queries import unscoped_card
from qudao.kernel.money import ZERO
from qudao.orders.models import Order
from qudao.orders.pages.life import entries
from qudao.orders.queries import unscoped_family, unscoped_lines_of
from qudao.orders.queries.margin import margin_of
from qudao.orders.rules import hides_steps, may_split
from qudao.orders.states import Allocation, Fulfilment, Kind, Status
from qudao.orders.tables import is_late, name_of
from qudao.pricing.states import Level, Verdict

#: lines that the page shows at once; a longer order shows the rest when it is asked for
FIRST = 200


def lines_panel(request: HttpRequest, order: Order) -> Panel:
    """The lines with how each amount came about, for those who see prices; of a long order the first ones, all of them with `?lines=all`."""
    clear = sees_prices(request.actor, order.seller_id, order.buyer_id)  # type: ignore[attr-defined]
    found = unscoped_lines_of(order)
    cut = order.line_count > FIRST and request.GET.get("lines") != "all"
    lines: list[Any] = list(found[:FIRST] if cut else found)
    hides = hides_steps(order, request.actor.org_id)  # type: ignore[attr-defined]
    units = found.aggregate(units=Sum(F("qty") - F("given_up")))["units"] if cut else sum(line.wanted for line in lines)
    for line in lines:
        line.shown_name = name_of(line.product)
        line.shown_steps = [] if hides else [_step(step) for step in line.price_steps]
    return Panel(
        _("Lines"),
        "orders/lines.html",
        {
            "order": order,
            "lines": lines,
            "clear": clear,
            "units": units,
            "cut": cut,
            "dated": any(line.promised_on for line in lines),
            "splits": bool(order.waits_since) and _may_split(request.actor, order),  # type: ignore[attr-defined]
        },
        note=figures.lines(order.line_count),
    )


def _may_split(actor: Actor, order: Order) -> bool:
    """Whether a line that waits for goods can become an order of its own here: something must be left that does not wait."""
    some = order.allocation == Allocation.PARTIAL or order.fulfilment == Fulfilment.PARTIAL
    buys = actor.org_id == order.buyer_id
    return some and (buys or actor.org_id == order.seller_id) and actor.can("orders.split") and may_split(order, buys=buys)


def _step(step: dict[str, Any]) -> dict[str, Any]:
    """One candidate of a price in words: its level and list, why it won or did not, its amount."""
    if step.get("level") in Kind.values:
        return {"level": Kind(step["level"]).label, "note": step.get("code", ""), "chosen": True, "amount": step.get("amount")}
    level = Level(step["level"]).label if step.get("level") in Level.values else step.get("level", "")
    chosen = step.get("verdict") == Verdict.CHOSEN
    verdict = Verdict(step["verdict"]).label if step.get("verdict") in Verdict.values else ""
    mixed = _("{qty} of the list together").format(qty=figures.qty(Decimal(step["together"]))) if step.get("together") else ""
    note = " ".join(str(x) for x in (step.get("code", ""), verdict, mixed) if x)
    return {"level": level, "note": note, "chosen": chosen, "amount": step.get("amount")}


def credit_panel(request: HttpRequest, order: Order) -> Panel | None:
    """The credit of this agreement, for its two sides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("funds.view") or actor.org_id not in (order.seller_id, order.buyer_id):
        return None
    card = unscoped_card(order.agreement_id)
    if card is None:
        return None
    deciding = order.gross if order.status in (Status.SUBMITTED, Status.IN_REVIEW) else ZERO
    return Panel(title_of(card), "parts/panel_credit.html", {"meter": meter_of(card, deciding, actor.org_id)}, aside=True)


def margin_panel(request: HttpRequest, order: Order) -> Panel | None:
    """What the order brings its seller beyond the cost of its goods, for those of its people with the grant; nothing where no cost is kept."""
    found = margin_of(request.actor, order)  # type: ignore[attr-defined]
    if found is None or not found.net:
        return None
    facts = [
        (_("Net"), figures.money(found.net, order.currency)),
        (_("Cost of goods"), figures.money(found.cost, order.currency)),
        (_("Margin"), figures.money(found.profit, order.currency)),
        (_("Of net"), figures.percent(found.share or ZERO)),
        (_("Without a cost"), figures.lines(found.unknown) if found.unknown else ""),
    ]
    return Panel(_("Margin"), "parts/panel_facts.html", {"facts": facts}, note=_("Only for your organisation"), aside=True)


def facts_panel(request: HttpRequest, order: Order) -> Panel:
    """The two sides and the terms the order was made under."""
    whole, parts = unscoped_family(order)
    facts = [
        (_("Taken out of"), _links(whole)),
        (_("Taken out into"), _links(parts)),
        (_("Type"), Kind(order.kind).label if order.kind != Kind.REGULAR else ""),
        (_("Seller"), name_of(order.seller)),
        (_("Buyer"), name_of(order.buyer)),
        (_("Delivery address"), format_html_join("", "{}<br>", ((line,) for line in order.ship_lines))),
        (_("Requested"), figures.day_long(order.requested_on) if order.requested_on else ""),
        (_("Expected on") if order.outside else _("Promised"), _promise(order)),
        (_("Goods kept until"), _kept(order)),
        (_("Terms"), _terms(order)),
        (_("Invoice on"), _("receipt") if order.invoice_on == "receipt" else _("shipment")),
        (_("Buyer's number"), order.po_number),
        (_("Seller's number"), order.seller_number),
        (_("Note"), order.note),
    ]
    return Panel(_("Sides and terms"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def _links(orders: Sequence[Order]) -> Any:
    """Orders as links, one a line."""
    return format_html_join("", '<a href="{}">{}</a><br>', ((one.get_absolute_url(), str(one)) for one in orders))


def _terms(order: Order) -> str:
    """When it is to be paid; only terms without days may be prepaid, which takes one statement to know."""
    if not order.payment_days and order.agreement.prepaid:
        return _("Prepaid")
    return ngettext("{n} day after the invoice", "{n} days after the invoice", order.payment_days).format(n=order.payment_days)


def _promise(order: Order) -> Any:
    """The day its goods are promised for, and whether that has passed."""
    if order.waits_since and order.status in (Status.CONFIRMED, Status.IN_FULFILMENT):
        return _("not known yet: some of its lines wait for goods")
    if not order.promised_on:
        return _("when it is confirmed") if order.status in (Status.SUBMITTED, Status.IN_REVIEW) else ""
    day = figures.day_long(order.promised_on)
    return format_html('{} <span class="t-wrong">{}</span>', day, pgettext("order", "late")) if is_late(order) else day


def _kept(order: Order) -> Any:
    """The last day on which its goods are kept while nobody has begun to pick them; nothing when there is none."""
    if order.status != Status.CONFIRMED:
        return ""
    if order.allocation == Allocation.LAPSED:
        return format_html('<span class="t-wrong">{}</span>', _("no longer: they are free for others"))
    return figures.day_long(order.reserved_until) if order.reserved_until else ""


def timeline_panel(request: HttpRequest, order: Order) -> Panel:
    """Who did what when, through which channel, with the order and what came out of it. Stands last in `qudao.web.panels`: the panels of upper
    modules tell it of their documents first.
    """
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries(order)}, aside=True)


def files_panel(request: HttpRequest, order: Order) -> Panel | None:
    """The files that either side attached, for the two sides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id not in (order.seller_id, order.buyer_id) or not actor.can("base.files"):
        return None
    items = [
        {"url": f"/api/v1/orders/{order.pk}/files/{one.pk}", "label": one.name, "facts": [one.by_name, figures.moment(one.at)]}
        for one in files_of(order.subject)
    ]  # fmt: skip
    return Panel(_("Files"), "parts/panel_items.html", {"items": items, "empty": _("No files yet.")}, aside=True)
