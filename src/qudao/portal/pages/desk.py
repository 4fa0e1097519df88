"""The order desk: for the clerk who enters a dealer's order and for the dealer who orders."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from qudao.base.html import figures
from qudao.base.html.pages import LineEditor, client_id_of, door, go
from qudao.base.html.tables import by_language
from qudao.base.sentences import Said, say
from qudao.catalog.queries import products
from qudao.inventory.states import Band
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Forbidden, Invalid
from qudao.orders.actions import place_order
from qudao.orders.queries import order_of, unscoped_lines_of
from qudao.orders.rules import Placing
from qudao.orders.states import Status
from qudao.portal.forms import LINES, DeskForm
from qudao.portal.queries import Asked, Look, Trade, look, read_lines, trades
from qudao.portal.tables import meter_of
from qudao.pricing.queries import Item, unscoped_quote


def _editor(request: HttpRequest, again: Any) -> LineEditor:
    initial = [{"code": line.product.code, "qty": figures.qty(line.qty).replace(",", "")} for line in unscoped_lines_of(again)] if again else []
    data = request.POST if request.method == "POST" else None
    return LineEditor(LINES, data=data, initial=initial, suggest_url=reverse("order_suggest"))


@dataclass(frozen=True)
class Desk:
    """The desk as it stands in one request: head, lines, the agreements one may order under."""

    form: DeskForm
    editor: LineEditor
    trades: list[Trade]

    @property
    def trade(self) -> Trade | None:
        """The agreement of the form, else the only one."""
        wanted = self.form.data.get("agreement") or self.form.initial.get("agreement")
        return next((t for t in self.trades if str(t.agreement_id) == str(wanted)), self.trades[0] if len(self.trades) == 1 else None)

    @property
    def typed(self) -> list[tuple[str, str]]:
        """Code and quantity of each line as typed."""
        return [(line.raw["code"], line.raw["qty"]) for line in self.editor.lines]


def _desk(request: HttpRequest) -> Desk:
    found = trades(request.actor)  # type: ignore[attr-defined]
    choices = [(str(t.agreement_id), t.label) for t in found]
    if len(found) > 1:
        choices.insert(0, ("", _("Choose…")))
    data = request.POST if request.method == "POST" else None
    wanted = request.GET.get("again", "")
    again = order_of(request.actor, int(wanted)) if data is None and wanted.isdigit() else None  # type: ignore[attr-defined]
    initial = {"agreement": str(again.agreement_id)} if again else request.GET.dict()
    form = DeskForm(data, initial=initial, choices=choices, actor=request.actor)  # type: ignore[attr-defined]
    return Desk(form, _editor(request, again), found)


def _show(request: HttpRequest, desk: Desk, faults: list[Said], looked: Look | None, status: int = 200) -> HttpResponse:
    context = {
        "title": _("New order"),
        "back": reverse("orders"),
        "form": desk.form,
        "editor": desk.editor,
        "faults": faults,
        "client_id": client_id_of(request),
        "submit": _("Submit the order"),
        "number": len(desk.editor.lines),
        "no_trades": not desk.trades,
        **_summary(looked),
    }
    return render(request, "portal/desk.html", context, status=status)


@door("orders.place")
def order_new(request: HttpRequest) -> HttpResponse:
    """The order desk for clerk and dealer: agreement, lines, live price, every refusal at once at its line, then placed."""
    desk = _desk(request)
    form, editor, trade = desk.form, desk.editor, desk.trade
    if request.method != "POST":
        return _show(request, desk, [], None)
    good = form.is_valid()
    if trade is None:
        return _show(request, desk, [say(Fault("portal.no_agreement"))], None, status=422)
    actor = request.actor  # type: ignore[attr-defined]
    asked = read_lines(actor, trade.seller_id, desk.typed)
    try:
        unread = [f for a in asked for f in a.faults]
        if unread or not good:
            looked = look(actor, trade, asked, form.cleaned_data.get("requested_on"))
            raise Invalid.of([*unread, *[f for f in looked.faults if f not in unread]] or [Fault("portal.no_agreement")])
        data = form.cleaned_data
        placing = Placing(trade.seller_id, trade.buyer_id, [a.new_line for a in asked], data["requested_on"], data["po_number"], data["note"])
        order = place_order(placing, actor=actor, client_id=client_id_of(request))
    except Forbidden:
        raise
    except DomainError as error:
        faults = form.refuse(error)
        looked = look(actor, trade, asked)
        _fill(editor, looked, faults_from=error)
        rest = [said for said in faults if not said.field.startswith("lines.")]
        return _show(request, desk, rest, looked, status=error.status)
    said = _("Order {number} waits for approval.") if order.status == Status.IN_REVIEW else _("Order {number} is confirmed and goes to the warehouse.")
    return go(request, order.get_absolute_url(), said.format(number=order.number))


@door("orders.place")
def order_preview(request: HttpRequest) -> HttpResponse:
    """What the typed order would come to: the aside, and for each line its texts and hints."""
    desk = _desk(request)
    editor, trade = desk.editor, desk.trade
    if trade is None or not editor.lines:
        return render(request, "portal/preview.html", {"editor": editor, **_summary(None)})
    actor = request.actor  # type: ignore[attr-defined]
    asked = read_lines(actor, trade.seller_id, desk.typed)
    looked = look(actor, trade, asked)
    typing = {f"lines.{no}.qty" for no, a in enumerate(asked, 1) if not a.qty_text}
    looked.faults = [f for f in looked.faults if f.field not in typing]
    _fill(editor, looked)
    return render(request, "portal/preview.html", {"editor": editor, "number": len(editor.lines), "oob": True, **_summary(looked)})


@door("orders.place")
def order_suggest(request: HttpRequest) -> JsonResponse:
    """Type-ahead: products by code, name, pinyin initials or barcode, with the price of the chosen agreement."""
    actor, words = request.actor, request.GET.get("q", "").strip()[:60]  # type: ignore[attr-defined]
    found = list(products(actor, search=words, state="active")[:8]) if words else []
    prices: dict[Any, Any] = {}
    trade = next((t for t in trades(actor) if str(t.agreement_id) == request.GET.get("agreement")), None) if found else None
    if trade:
        prices = unscoped_quote(trade.agreement_id, [Item(p.pk, p.pk, p.min_qty if p.min_qty > 1 else Decimal(1)) for p in found], clock.today())
    results = [
        {
            "value": p.code,
            "label": by_language(p.name, p.name_en),
            "note": figures.price(prices[p.pk].amount) if p.pk in prices else _("no price") if trade else "",
        }
        for p in found
    ]
    return JsonResponse({"results": results})


def _summary(looked: Look | None) -> dict[str, Any]:
    """The aside: totals, credit with this order, who signs after the submit."""
    if looked is None:
        return {"looked": None}
    return {
        "looked": looked,
        "currency": looked.trade.currency,
        "meter": meter_of(looked.credit, looked.gross) if looked.credit else None,
        "wrong": len({f.field.split(".")[1] for f in looked.faults if f.field.startswith("lines.")}),
    }


def _fill(editor: LineEditor, looked: Look, faults_from: DomainError | None = None) -> None:
    """Put names, prices, stock, hints and faults at the lines of the editor."""
    by_line: dict[str, list[Fault]] = defaultdict(list)
    for fault in [*looked.faults, *(faults_from.faults if faults_from else ())]:
        if fault.field.startswith("lines.") and fault.code not in {f.code for f in by_line[fault.field.split(".")[1]]}:
            by_line[fault.field.split(".")[1]].append(fault)
    for line, asked in zip(editor.lines, looked.asked, strict=True):
        line.shown = _shown(looked, line.no, asked)
        line.hints = [_hint(fault, asked) for fault in by_line[str(line.no)] if line.raw["code"]]
        short = _short(looked, asked)
        if short and not any(h["code"] == "inventory.short" for h in line.hints):
            line.hints.append(short)


def _shown(looked: Look, no: int, asked: Asked) -> dict[str, Any]:
    if asked.card is None:
        return {}
    priced, told = looked.lines.get(no), looked.stock.get(asked.card.id)
    stock = ""
    if told and told.band:
        stock = figures.qty(told.qty, asked.card.unit) if told.qty is not None else str(Band(told.band).label)
    return {
        "name": by_language(asked.card.name, asked.card.name_en),
        "base": figures.qty(asked.qty, asked.card.unit) if asked.qty else "",
        "price": figures.price(priced.unit_price) if priced else "",
        "gross": figures.amount(priced.gross) if priced else figures.DASH,
        "stock": stock,
    }


def _hint(fault: Fault, asked: Asked) -> dict[str, Any]:
    """A fault of a line with its remedy as buttons: the quantities that fit, the products that were meant."""
    said = say(fault)
    buttons = []
    if fault.code == "orders.not_multiple":
        buttons = [{"field": "qty", "value": figures.qty(q).replace(",", ""), "label": figures.qty(q, asked.card.unit if asked.card else "")}
                   for q in (fault.params["lower"], fault.params["upper"]) if q > 0]  # fmt: skip
    elif fault.code == "orders.below_minimum":
        least = figures.qty(fault.params["minimum"])
        buttons = [{"field": "qty", "value": least.replace(",", ""), "label": least}]
    elif fault.code == "orders.unknown_product":
        buttons = [{"field": "code", "value": p.code, "label": f"{p.code} {by_language(p.name, p.name_en)}"} for p in asked.similar]
    text = f"{said.sentence} {said.remedy if not buttons else ''}".strip()
    return {"code": fault.code, "css": "c-wrong", "icon": "alert-circle", "text": text, "buttons": buttons}


def _short(looked: Look, asked: Asked) -> dict[str, Any] | None:
    """A hint when the stock told to the buyer is less than asked for."""
    told = looked.stock.get(asked.card.id) if asked.card else None
    if asked.card is None or told is None or told.qty is None or told.qty >= asked.qty:
        return None
    said = say(Fault("portal.short", "", {"available": figures.qty(told.qty), "short": figures.qty(asked.qty - told.qty), "unit": asked.card.unit}))
    take = {"field": "qty", "value": figures.qty(told.qty).replace(",", ""), "label": _("Take {qty}").format(qty=figures.qty(told.qty))}
    buttons = [take] if told.qty > 0 else []
    return {"code": "portal.short", "css": "c-wait", "icon": "clock", "text": said.sentence, "buttons": buttons}


routes = [
    path("orders/new/", order_new, name="order_new"),
    path("orders/new/preview/", order_preview, name="order_preview"),
    path("orders/new/suggest/", order_suggest, name="order_suggest"),
]
