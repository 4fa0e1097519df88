"""The order desk: for the clerk who enters a dealer's order and for the dealer who orders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from django.db.models import Case, Q, Value, When
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.agreements.queries import unscoped_hidden_under
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.forms import named_lines
from qudao.base.html.pages import LineEditor, client_id_of, door, go
from qudao.base.html.tables import by_language
from qudao.base.sentences import Said, say
from qudao.catalog.queries import products
from qudao.funds.pages import meter_of
from qudao.funds.queries import unscoped_card
from qudao.inventory.states import Short
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Forbidden, Invalid
from qudao.network.queries import addresses
from qudao.orders.actions import note_refused, place_order
from qudao.orders.queries import Order, order_of, orders, unscoped_life, unscoped_lines_of
from qudao.orders.rules import Placing, PricedLine, lacks_credit
from qudao.orders.states import Kind, Status
from qudao.portal.forms import LINES, DeskForm, offer_addresses
from qudao.portal.queries.desk import Asked, Look, Rest, Trade, find_trades, look, meant, only_trade, read_lines, trade_of, trades
from qudao.portal.queries.shop import breaks, together_of
from qudao.portal.rules import folded
from qudao.portal.tables import answer_of, break_words, fill, placed_words, summary, trace
from qudao.pricing.queries import Item, unscoped_quote

#: suggestions of one type-ahead
MOST = 8


def editor_of(data: Any = None, initial: list[dict[str, str]] | None = None) -> LineEditor:
    """The line editor of the desk."""
    editor = LineEditor(LINES, data=data, initial=initial or [], suggest_url=reverse("order_suggest"))
    editor.quote_url = reverse("order_preview")
    return editor


def _again(actor: Actor, wanted: str) -> Any:
    """The order to repeat: `wanted` is its id; None without one."""
    return order_of(actor, int(wanted)) if wanted.isdigit() else None


@dataclass
class Desk:
    """The desk as it stands in one request: head, lines, the agreement one orders under."""

    form: DeskForm
    editor: LineEditor
    actor: Actor
    choices: list[Trade] | None
    #: the order that is changed; None for a new one
    order: Any = None

    @cached_property
    def trade(self) -> Trade | None:
        """Under which agreement one orders, and what for."""
        found, read = self._trade(), self.form.data if self.form.is_bound else self.form.initial
        return meant(found, str(read.get("kind") or Kind.REGULAR)) if found else None

    def _trade(self) -> Trade | None:
        """The agreement of the form; else whom the typed text names alone; else the only one."""
        read = self.form.data if self.form.is_bound else self.form.initial
        wanted, words = str(read.get("agreement") or ""), str(read.get("dealer") or "").strip()
        chosen = trade_of(self.actor, wanted) if wanted else None
        if wanted and (chosen is None or words in ("", chosen.label, chosen.code)):
            return chosen
        if words:  # written over what was chosen before: the text is what the person sees
            found = find_trades(self.actor, words, 2)
            named = [one for one in found if one.code.upper() == words.upper()] or found
            return named[0] if len(named) == 1 else None
        return only_trade(self.actor)

    @property
    def typed(self) -> list[tuple[str, str]]:
        """Code and quantity of each line as typed."""
        return [(line.raw["code"], line.raw["qty"]) for line in self.editor.lines]


def desk_of(request: HttpRequest, editor: LineEditor | None = None) -> Desk:
    """The desk of a request; `editor` holds lines that come from elsewhere than the form."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    data = request.POST if request.method == "POST" else None
    again = _again(actor, request.GET.get("again", "")) if data is None else None
    initial: dict[str, Any] = request.GET.dict()
    if again:
        initial = {"agreement": str(again.agreement_id), "kind": "" if again.outside else again.kind, "note": again.note, "po_number": again.po_number}
    few = None if actor.can("orders.place_for") and only_trade(actor) is None else trades(actor)
    choices = None
    if few is not None:
        choices = [(str(t.agreement_id), t.label) for t in few]
        if len(few) > 1:
            choices.insert(0, ("", _("Choose…")))
    elif initial.get("agreement"):
        known = trade_of(actor, str(initial["agreement"]))
        initial |= {"dealer": known.label if known else ""}
    form = DeskForm(data, initial=initial, choices=choices, find_url=reverse("order_dealers"), actor=actor)
    if editor is None:
        lines = (
            [{"code": x.product.code, "qty": figures.qty(x.qty - x.moved).replace(",", "")} for x in unscoped_lines_of(again) if x.qty > x.moved]
            if again
            else []
        )
        editor = editor_of(data, lines or named_lines(request.GET.getlist("line"), "code"))
    return Desk(form, editor, actor, few)


def show(request: HttpRequest, desk: Desk, faults: list[Said], looked: Look | None, status: int = 200) -> HttpResponse:
    """The desk as a page."""
    number = len(desk.editor.lines)
    if desk.order is None:
        offer(desk)
    context = {
        **({"title": _("New order"), "back": reverse("orders")} if desk.order is None else _about(desk.order)),
        "form": desk.form,
        "editor": desk.editor,
        "faults": faults,
        "client_id": client_id_of(request),
        "submit": submit_words(number) if desk.order is None else _("Submit again"),
        "number": number,
        "no_trades": desk.choices == [],
        "owner": desk.actor.membership_id if desk.order is None else None,
        "twin": any(said.code == "orders.twin" for said in faults),
        **short_offer(request, [hint["code"] for line in desk.editor.lines for hint in line.hints]),
        "may_wait": lacks_credit(faults) and not any(line.faults for line in desk.editor.lines),
        **({**summary(looked), **_credit(looked, desk.actor)} if looked else beginning(desk)),
    }
    return render(request, "portal/desk.html", context, status=status)


def _about(order: Order) -> dict[str, Any]:
    """The head of the desk that changes an order: which one, and what it came back for or what becomes of those who sign. One statement for a draft."""
    said = ""
    if order.status == Status.IN_REVIEW:
        said = _("Whoever has signed it is asked again.")
    elif order.status == Status.DRAFT:
        last = next((line for line in reversed(unscoped_life([order.subject])) if line.after), None)
        said = f"{last.actor_name}: {last.reason}" if last and last.reason else ""
    title = _("Change {number}").format(number=order.number) if order.number else _("Change the order")
    return {"title": title, "back": order.get_absolute_url(), "editing": order, "came_back": said}


def short_offer(request: HttpRequest, codes: Iterable[str]) -> dict[str, Any]:
    """What a page offers when the refusal of an order names goods that are short, or when a choice was made before."""
    chosen = request.POST.get("short", "")
    return {"short_choices": Short.choices, "short": chosen or Short.REFUSE} if chosen or "inventory.short" in codes else {}


def submit_words(number: int) -> str:
    """What the button does."""
    return ngettext("Submit {n} line", "Submit {n} lines", number).format(n=figures.count(number)) if number else _("Submit the order")


def beginning(desk: Desk) -> dict[str, Any]:
    """The aside before the first line: the credit of the dealer, and his last orders to repeat."""
    trade = desk.trade
    if trade is None:
        return {"looked": None}
    credit = unscoped_card(trade.agreement_id) if desk.actor.can("funds.view") else None
    last = orders(desk.actor).filter(seller_id=trade.seller_id, buyer_id=trade.buyer_id)[:3] if desk.actor.can("orders.view") else []
    meter = meter_of(credit, reader=desk.actor.org_id) if credit else None
    return {"looked": None, "trade": trade, "currency": trade.currency, "meter": meter, "last": list(last)}


def _credit(looked: Look | None, actor: Actor) -> dict[str, Any]:
    """The credit with this order, and what the state of the account lets pass."""
    return {"meter": meter_of(looked.credit, looked.gross, actor.org_id) if looked and looked.credit else None}


def next_break(trade: Trade, asked: Asked, priced: PricedLine) -> dict[str, Any] | None:
    """The next price break of a line in words, and the quantity that reaches it; None when there is none. One statement."""
    card = asked.card
    more = breaks(trade, {card.id: asked.qty}, {card.id: together_of(priced)})[1].get(card.id) if card else None
    if card is None or more is None:
        return None
    label = _("Take {qty}").format(qty=figures.qty(more.qty, card.unit))
    return {"words": break_words(more, card.unit, priced.unit_price), "value": f"{more.qty.normalize():f}", "label": label}


def offer(desk: Desk) -> None:
    """The addresses of the buyer as choices of the form; none while it is not known who buys. One statement."""
    known = list(addresses(desk.actor, desk.trade.buyer_id)) if desk.trade else []
    offer_addresses(desk.form, known, desk.trade.agreement_id if desk.trade else None)


@door("orders.place")
def order_new(request: HttpRequest) -> HttpResponse:
    """The order desk for clerk and dealer: agreement, lines, live price, every refusal at once at its line, then placed."""
    desk = desk_of(request)
    form, editor, trade = desk.form, desk.editor, desk.trade
    if request.method != "POST":
        return show(request, desk, [], None)
    offer(desk)
    good = form.is_valid()
    if trade is None:
        return show(request, desk, [say(Fault("portal.no_agreement"))], None, status=422)
    actor = desk.actor
    asked = read_lines(actor, trade.seller_id, desk.typed)
    try:
        if not good or any(a.faults for a in asked):
            looked = look(actor, trade, asked, form.cleaned_data.get("requested_on"))
            wrong = looked.faults or [Fault("base.invalid" if form.errors else "portal.no_agreement")]
            note_refused(Placing(trade.seller_id, trade.buyer_id, [a.new_line for a in asked]), wrong, actor=actor)
            raise Invalid.of(looked.faults or [Fault("portal.no_agreement")])
        data = form.cleaned_data
        address = int(data["address"]) if data.get("address") else None
        said = (bool(request.POST.get("may_wait")), request.POST.get("short", ""), not request.POST.get("twin_ok"), data["kind"] or Kind.REGULAR)
        facts = (data["requested_on"], data["po_number"], data["note"], address, *said)
        placing = Placing(trade.seller_id, trade.buyer_id, [a.new_line for a in asked], *facts, currency=trade.currency)
        order = place_order(placing, actor=actor, client_id=client_id_of(request))
    except Forbidden:
        raise
    except DomainError as error:
        faults = form.refuse(error)
        looked = look(actor, trade, asked)
        fill(editor, looked, faults_from=error)
        rest = [said for said in faults if not said.field.startswith("lines.")]
        return show(request, desk, rest, looked, status=error.status)
    return go(request, order.get_absolute_url(), placed_words(order))


def _figure(text: str) -> Decimal:
    try:
        number = Decimal(text or "0")
    except InvalidOperation:
        return Decimal(0)
    return number if number.is_finite() else Decimal(0)


def _rest(request: HttpRequest) -> Rest:
    """What the lines come to that the browser does not send again: shown only, never booked."""
    number = request.POST.get("rest-lines", "")
    net, tax, gross = (_figure(request.POST.get(f"rest-{name}", "")) for name in ("net", "tax", "gross"))
    return Rest(int(number) if number.isdigit() else 0, net, tax, gross)


@door("orders.place")
def order_preview(request: HttpRequest) -> JsonResponse:
    """What the changed lines of a form come to, the totals with those unchanged, and why the line in focus costs what it costs."""
    desk = desk_of(request)
    editor, trade, rest = desk.editor, desk.trade, _rest(request)
    number = len(editor.lines) + rest.lines
    answer: dict[str, Any] = {"rows": {}, "line": "", "submit": submit_words(number), "agreement": trade.agreement_id if trade else None}
    if trade and request.POST.get("address-for", "") != str(trade.agreement_id):
        offer(desk)
        answer["addresses"] = desk.form.fields["address"].choices  # type: ignore[attr-defined]
    if trade is None or not number:
        aside = render_to_string("portal/preview.html", {"editor": editor, **beginning(desk)}, request)
        return JsonResponse({**answer, "aside": aside, "total": ""})
    asked = read_lines(desk.actor, trade.seller_id, desk.typed)
    looked = look(desk.actor, trade, asked, rest=rest)
    typing = {f"lines.{no}.qty" for no, a in enumerate(asked, 1) if not a.qty_text}
    looked.faults = [f for f in looked.faults if f.field not in typing]
    fill(editor, looked)
    shown = {**summary(looked), **_credit(looked, desk.actor)}
    wrong = request.POST.get("rest-wrong", "")
    shown["wrong"] += int(wrong) if wrong.isdigit() else 0
    focus = next((line for line in editor.lines if line.ref and line.ref == request.POST.get("focus")), None)
    why = trace(looked, focus.no) if focus else None
    if why and why.get("priced"):
        why["more"] = next_break(trade, looked.asked[focus.no - 1], why["priced"]) if focus else None
    answer |= {
        "rows": {line.ref: answer_of(editor, line, looked) for line in editor.lines},
        "aside": render_to_string("portal/preview.html", {"number": number, **shown}, request),
        "total": figures.money(looked.gross, trade.currency),
        "line": render_to_string("portal/desk_line.html", {"why": why, "trade": trade, "currency": trade.currency}, request) if why else "",
    }
    return JsonResponse(answer)


@door("orders.place")
def order_suggest(request: HttpRequest) -> JsonResponse:
    """Type-ahead: products by code, name, pinyin initials or barcode, the code itself first, with the price of the chosen agreement."""
    actor, words = request.actor, request.GET.get("q", "").strip()[:60]  # type: ignore[attr-defined]
    begins = [Q(code__iexact=folded(words)), Q(code__istartswith=words), Q(initials__startswith=words.lower()), Q(name__istartswith=words)]
    rank = Case(*(When(one, then=Value(n)) for n, one in enumerate(begins)), default=Value(len(begins)))
    trade = trade_of(actor, request.GET.get("agreement", "")) if words else None
    known = products(actor, search=words, state="active").filter(*([~unscoped_hidden_under(trade.agreement_id)] if trade else []))
    found = list(known.annotate(rank=rank).order_by("rank", "code", "id")[:MOST]) if words else []
    prices: dict[Any, Any] = {}
    if trade:
        prices = unscoped_quote(trade.agreement_id, [Item(p.pk, p.pk, p.min_qty if p.min_qty > 1 else Decimal(1), alone=True) for p in found], clock.today())
    results = [
        {
            "value": p.code,
            "label": by_language(p.name, p.name_en),
            "note": figures.price(prices[p.pk].amount) if p.pk in prices else _("no price") if trade else "",
        }
        for p in found
    ]
    return JsonResponse({"results": results})


@door("orders.place")
def order_dealers(request: HttpRequest) -> JsonResponse:
    """Type-ahead: whom one may order for, by code, name or pinyin initials."""
    words = request.GET.get("q", "").strip()[:60]
    found = find_trades(request.actor, words, MOST) if words else []  # type: ignore[attr-defined]
    results = [{"value": t.code, "label": t.label.partition(f" ({t.code})")[0], "note": t.currency, "pick": t.agreement_id, "text": t.label} for t in found]
    return JsonResponse({"results": results})


routes = [
    path("orders/new/", order_new, name="order_new"),
    path("orders/new/preview/", order_preview, name="order_preview"),
    path("orders/new/suggest/", order_suggest, name="order_suggest"),
    path("orders/new/dealers/", order_dealers, name="order_dealers"),
]
