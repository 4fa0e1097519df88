"""Panels of the shipment page, and the panel that the order page shows of its shipments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.base.access import Actor, Scope, sees_prices
from qudao.base.audit import timeline
from qudao.base.files import StoredFile
from qudao.base.html import figures
from qudao.base.html.pages import Button, Panel
from qudao.base.html.tables import join
from qudao.base.subject import Subject
from qudao.fulfilment import queries
from qudao.fulfilment.models import Difference, Shipment
from qudao.fulfilment.prints import lots_text
from qudao.fulfilment.states import COUNTED, DONE, DONE_BY_MOVE, GONE, UNDER_WAY, DifferenceKind, DifferenceState, Liable, Outcome, Remedy, State
from qudao.fulfilment.tables import DIFFERENCE_TONES, badge_of, name_of, told_of
from qudao.inventory.queries import unscoped_free
from qudao.orders.pages import belongs
from qudao.orders.pages.life import done_in, entry_of
from qudao.people.queries import unscoped_contacts


def lines_panel(request: HttpRequest, shipment: Shipment) -> Panel:
    """The lines with what was counted of them."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    lines: list[Any] = list(queries.lines_of(shipment))
    counted = shipment.state in (State.PARTLY, *COUNTED)
    photos = queries.photos_of(actor, [one.pk for line in lines for one in line.counts.all()]) if counted else {}
    queries.with_lots([(shipment, lines)] if actor.org_id == shipment.seller_id or shipment.state in GONE else [])
    for line in lines:
        found = list(line.counts.all())
        line.shown_name = name_of(line.product)
        line.shown_lots = lots_text(getattr(line, "lots", ()))
        line.shown_note = join(*(text for one in found for text in (*not_taken(one), one.note)))
        line.shown_photos = [shot for one in found for shot in shown_photos(one.pk, photos)]
    told = {"lines": lines, "counted": counted, "gone": shipment.state in GONE, "partly": shipment.state == State.PARTLY}
    return Panel(_("Lines"), "fulfilment/lines.html", told, note=figures.lines(len(lines)))


def receipts_panel(request: HttpRequest, shipment: Shipment) -> Panel | None:
    """Where it came on several days: what each receipt counted."""
    receipts = queries.receipts_of(shipment)
    if not any(one.partial for one in receipts):
        return None
    lines = {line.pk: line for line in queries.lines_of(shipment)}
    prefetch_related_objects(receipts, "lines")
    people = unscoped_contacts([one.received_by for one in receipts if one.received_by])
    items = []
    for one in receipts:
        counts = [(lines[x.shipment_line_id], x) for x in one.lines.all()]
        taken = [(line, x.received + x.damaged + x.refused + x.wrong) for line, x in counts]
        facts = [f"{figures.qty(qty, line.line.unit)} {name_of(line.product)}" for line, qty in taken if qty]
        who = people[one.received_by][0] if one.received_by in people else ""
        facts += [text for text in (who, _("Nobody: received as it was sent") if one.automatic else "", one.note) if text]
        label = _("A part") if one.partial else _("The last")
        items.append({"label": f"{figures.moment(one.at)} · {label}", "facts": facts})
    return Panel(_("Receipts"), "parts/panel_items.html", {"items": items, "empty": ""}, note=figures.count(len(items)))


def not_taken(count: Any) -> list[str]:
    """What was refused of a counted line, and what came instead of it."""
    refused = f"{DifferenceKind.REFUSED.label}: {figures.qty(count.refused)}" if count.refused else ""
    instead = f"{DifferenceKind.WRONG.label}: {figures.qty(count.wrong)} × {name_of(count.wrong_product)} {count.wrong_product.code}" if count.wrong else ""
    return [text for text in (refused, instead) if text]


def shown_photos(receipt_line_id: int, photos: Mapping[int, Sequence[StoredFile]]) -> list[dict[str, Any]]:
    """The photos of a counted line, for a template."""
    found = photos.get(receipt_line_id, ())
    return [{"name": one.name, "url": reverse("receipt_photo", args=[receipt_line_id, one.pk])} for one in found]


def differences_panel(request: HttpRequest, shipment: Shipment) -> Panel | None:
    """The claims of this shipment with their amounts, for those who see prices."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    clear = sees_prices(actor, shipment.seller_id, shipment.buyer_id)
    found = list(queries.differences(actor).filter(shipment=shipment).order_by("id"))
    if not found:
        return None
    photos = queries.photos_of(actor, [d.receipt_line_id for d in found])
    items = [_difference(d, clear) | {"photos": shown_photos(d.receipt_line_id, photos)} for d in found]
    if actor.acts_as(shipment.seller_id) and actor.can("fulfilment.settle"):
        for d, item in zip(found, items, strict=True):
            if d.state != DifferenceState.SETTLED:
                item["buttons"] = [
                    Button(_("Settle"), reverse("difference_settlement", args=[d.pk]), "checks", ask=True),
                    Button(_("Investigate"), reverse("difference_investigation", args=[d.pk]), "search", ask=True),
                ]
    return Panel(_("Differences"), "fulfilment/differences.html", {"items": items})


def _difference(d: Difference, clear: bool) -> dict[str, Any]:
    until = _("until {day}").format(day=figures.day(d.due_on)) if d.due_on and d.state == DifferenceState.INVESTIGATING else ""
    ends = [choices(value).label for choices, value in ((Outcome, d.outcome), (Remedy, d.remedy), (Liable, d.liable)) if value]
    return {
        "label": told_of(d),
        "state": (d.get_state_display(), DIFFERENCE_TONES[d.state]),
        "note": join(d.receipt_line.note, str(d.taken_by or ""), until, *ends, d.note),
        "end": figures.money(d.amount, d.currency) if clear else "",
    }


def link(label: Any, url: str) -> SafeString:
    """A link within facts."""
    return format_html('<a class="t-accent" href="{}">{}</a>', url, label)


def facts_panel(request: HttpRequest, shipment: Shipment) -> Panel:
    """Sides, way and moments."""
    receipts, until = queries.receipts_of(shipment), queries.unscoped_count_until(shipment, shipment.order.agreement_id)
    receipt = receipts[-1] if receipts else None
    facts = [
        (_("Order"), link(shipment.order.number, reverse("order", args=[shipment.order_id]))),
        (_("Seller"), name_of(shipment.seller)),
        (_("Buyer"), name_of(shipment.buyer)),
        (_("Delivery address"), format_html_join("", "{}<br>", ((line,) for line in shipment.order.ship_lines))),
        (_("Promised"), figures.day_long(shipment.order.promised_on) if shipment.order.promised_on and not shipment.shipped_at else ""),
        (_("Warehouse"), shipment.from_place.label if request.actor.org_id == shipment.seller_id else ""),  # type: ignore[attr-defined]
        (_("Carrier"), shipment.carrier),
        (_("Tracking number"), shipment.tracking),
        (_("Shipped"), figures.moment(shipment.shipped_at) if shipment.shipped_at else ""),
        (_("Received as sent after"), figures.day_long(until) if until else ""),
        (_("Received"), figures.moment(shipment.received_at) if shipment.received_at else ""),
        (_("Counted by"), _("Nobody: received as it was sent") if receipt and receipt.automatic else ""),
        (_("Remark"), receipt.note if receipt else ""),
    ]
    return Panel(_("Sides and way"), "parts/panel_facts.html", {"facts": facts}, aside=True)


#: what of a shipment's life is told on its order's page: a plan that the system makes is not news
GOODS_DONE = {state: words for state, words in DONE.items() if state != State.CREATED}
#: the same of an outside purchase, whose goods nobody dispatched here
COME_DONE = {state: words for state, words in GOODS_DONE.items() if state != State.SHIPPED}


def life_panel(subject: Subject, done: Mapping[Any, Any], moves: Mapping[Any, Any] | None = None) -> Panel:
    """Who did what when with a document: `done` by the state after it, `moves` by (before, after). Upper modules' pages use it too."""
    entries = []
    for line in timeline(subject).reverse():
        what = done_in(line, done, moves or {})
        if what:
            entries.append(entry_of(line, what))
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


def timeline_panel(request: HttpRequest, shipment: Shipment) -> Panel:
    """Who did what when."""
    return life_panel(shipment.subject, DONE, DONE_BY_MOVE)


def order_panel(request: HttpRequest, order: Any) -> Panel | None:
    """The shipments of an order, with the warehouse's or the receiver's next move."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("fulfilment.view"):
        return None
    items = []
    for s in queries.shipments(actor, order_id=order.pk).select_related("from_place").order_by("id"):
        belongs(order, s.subject, COME_DONE if order.outside else GOODS_DONE, DONE_BY_MOVE, moved_at=s.state_since)
        if s.state == State.CANCELLED:
            continue
        out_of = s.from_place.code if order.more_places and actor.org_id == order.seller_id else ""
        facts = [out_of, figures.lines(s.line_count), s.carrier, s.tracking, figures.moment(s.shipped_at) if s.shipped_at else ""]
        buttons = []
        if s.state in UNDER_WAY and actor.org_id == s.buyer_id and actor.can("fulfilment.receive"):
            buttons.append(Button(_("Receive"), reverse("shipment_receipt", args=[s.pk]), "package-import"))
        if s.state == State.PICKING and actor.org_id == s.seller_id and actor.can("fulfilment.ship"):
            buttons.append(Button(_("Dispatch"), reverse("shipment_dispatch", args=[s.pk]), "truck"))
        items.append({"label": s.number, "url": reverse("shipment", args=[s.pk]), "state": badge_of(s), "facts": [f for f in facts if f], "buttons": buttons})
    buttons = _order_buttons(actor, order)
    if buttons:
        items.append({"label": _("Still to come") if order.outside else _("Still to ship"), "buttons": buttons})
    if not items and order.status not in queries.SHIPPABLE:
        return None
    count = len(items) - bool(buttons)
    note = ngettext("{n} shipment", "{n} shipments", count).format(n=count) if count and not order.outside else ""
    title, empty = (_("Receipts"), _("Nothing has come yet.")) if order.outside else (_("Shipments"), _("Nothing has been shipped yet."))
    return Panel(title, "parts/panel_items.html", {"items": items, "empty": empty}, note=note, half=True)


def _order_buttons(actor: Actor, order: Any) -> list[Button]:
    """What the seller's warehouse can do with an order that has something left to ship; of an outside purchase what the buyer's can."""
    if order.outside:
        counts = actor.org_id == order.buyer_id and actor.can("fulfilment.receive") and order.status in queries.SHIPPABLE
        return [Button(_("Receive goods"), reverse("order_receipt", args=[order.pk]), "package-import")] if counts else []
    if actor.org_id != order.seller_id or order.status not in queries.SHIPPABLE or order.fulfilment in ("shipped", "received"):
        return []
    if order.allocation in ("backorder", "lapsed"):  # nothing is reserved for it that could leave
        return []
    found = []
    if actor.can("fulfilment.pick") and order.fulfilment != "picking":
        found.append(Button(_("Start picking"), reverse("order_picking", args=[order.pk]), "clipboard-list", post=True))
    if actor.can("fulfilment.ship"):
        found.append(Button(_("Ship everything now"), reverse("order_shipping", args=[order.pk]), "truck-delivery", ask=True))
    return found


def waiting_panel(request: HttpRequest, order: Any) -> Panel | None:
    """The lines of an order that wait for goods, with the day on which those are expected; for both sides. Named in `qudao.web.panels`."""
    if order.allocation not in ("partial", "backorder") or order.status not in queries.SHIPPABLE:
        return None
    lines = list(queries.unscoped_waiting_lines(order))
    days = queries.unscoped_promised(order.seller_id, {line.product_id for line in lines})
    items = [
        {
            "label": f"{name_of(line.product)} {line.product.code}",
            "facts": [_("expected {day}").format(day=figures.day(days[line.pk])) if line.pk in days else _("date to be confirmed")],
            "end": figures.qty(line.backordered, line.unit),
        }
        for line in lines
    ]
    return Panel(_("Waits for goods"), "parts/panel_items.html", {"items": items}, half=True)


def expected_panel(request: HttpRequest, stock: Any) -> Panel | None:
    """On a product in the warehouse that receives: what is there, what comes in when by which document, and what can be promised by each day.

    For the own organisation. Named in `qudao.web.panels`.
    """
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id != stock.place.owner_id or stock.place.code != "MAIN" or not actor.can("fulfilment.view"):
        return None
    key, unit = (stock.place_id, stock.product_id), stock.product.unit
    free = unscoped_free([key], waiting=True)[key]
    waiting = queries.unscoped_waits(actor.org_id, stock.product_id)
    items = [{"label": _("Now"), "facts": [_("{qty} wait").format(qty=figures.qty(waiting, unit))] if waiting else [], "end": figures.qty(free, unit)}]
    there = free - waiting
    for one in queries.unscoped_coming(actor.org_id, [stock.product_id])[stock.product_id]:
        there += one.qty
        facts = [_("to promise by then: {qty}").format(qty=figures.qty(max(there, Decimal(0)), unit))]
        facts = [one.number, *facts] if actor.scope != Scope.SELF else facts  # whose document it is: the day is for everybody here
        items.append({"label": figures.day(one.on), "facts": facts, "end": f"+{figures.qty(one.qty, unit)}"})
    return Panel(_("Available to promise"), "parts/panel_items.html", {"items": items, "empty": ""})
