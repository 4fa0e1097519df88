"""The catalogue of somebody who buys: what may be ordered at which price, with the basket beside it; favourites."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html import figures
from qudao.base.html.figures import unit as unit_word
from qudao.base.html.pages import door, go, wanted
from qudao.base.html.tables import address, by_language
from qudao.baskets import actions
from qudao.baskets.queries import favourites, templates
from qudao.catalog.queries import Category, Product, products
from qudao.catalog.queries import product as product_of
from qudao.funds.pages import meter_of
from qudao.inventory.states import Band
from qudao.kernel.errors import Forbidden, NotFound
from qudao.kernel.money import round_to
from qudao.portal.queries.desk import Trade
from qudao.portal.queries.shop import Card, Filled, buying, cards, filled, newest_order, orderable, unscoped_bought, unscoped_branches
from qudao.portal.tables import promise_words, scarce_words

PER_PAGE = 12
TABS = {
    "all": gettext_lazy("All"),
    "bought": gettext_lazy("Bought before"),
    "favourites": gettext_lazy("Favourites"),
    "templates": gettext_lazy("Templates"),
}
#: what the aside shows of a basket, the newest first
SHOWN = 8
STOCK_TONES = {Band.IN_STOCK: "t-done", Band.LOW: "t-wait", Band.OUT: "t-wrong"}


def trade_for(request: HttpRequest) -> tuple[list[Trade], Trade | None]:
    """The agreements one may buy under, and the one in the address or the form; the first when none is named."""
    found = buying(request.actor)  # type: ignore[attr-defined]
    named = request.POST.get("agreement") or request.GET.get("agreement")
    if named:
        return found, next((one for one in found if str(one.agreement_id) == named), None)
    return found, found[0] if found else None


def require_trade(request: HttpRequest) -> Trade:
    """The agreement of the request; NotFound when one may not buy under it, Forbidden when a script posts what somebody else (`owner`) clicked here."""
    if request.POST.get("owner", "") not in ("", str(request.actor.membership_id)):  # type: ignore[attr-defined]
        raise Forbidden("base.forbidden", verb="baskets.use")
    trade = trade_for(request)[1]
    if trade is None:
        raise NotFound("base.not_found")
    return trade


def stock_words(stock: Any, unit: str) -> tuple[str, str]:
    """(words, tone) of the stock as it is told: a figure where the seller shows it, else a band; ("", "") when nothing is told."""
    if stock is None or not stock.band:
        return "", ""
    band = Band(stock.band)
    words = _("{qty} in stock").format(qty=figures.qty(stock.qty, unit)) if stock.qty is not None and band != Band.OUT else str(band.label)
    return words, STOCK_TONES[band]


def shown_card(card: Card, trade: Trade) -> dict[str, Any]:
    """A card with its words."""
    product, step = card.product, card.step
    words, tone = stock_words(card.stock, product.unit)
    more, bought = card.next_break, card.bought
    return {
        "card": card, "product": product, "name": by_language(product.name, product.name_en), "step": step, "stock": words, "tone": tone,
        "scarce": scarce_words(card.left.qty, card.left.until, product.unit) if card.left else "",
        "promise": promise_words(card.stock, product.unit),
        "packs": [f"{name.shown} × {figures.qty(factor)}" for name, factor in card.packs],
        "price": figures.money(card.price, trade.currency) if card.price is not None and card.price == round_to(card.price) else figures.price(card.price),
        "unit": unit_word(product.unit), "one": unit_word(product.unit, 1),
        "more": _("from {qty}: {price}").format(qty=figures.qty(more.qty, product.unit), price=figures.price(more.price)) if more else "",
        "bought": _("{day}: {qty} bought").format(day=figures.day(bought.on), qty=figures.qty(bought.qty, product.unit)) if bought else "",
        "amount": figures.amount(card.price * card.held) if card.price is not None and card.held else "",
    }  # fmt: skip


def _branches(all_of_them: Sequence[Category], chosen: Category | None, params: Any) -> list[dict[str, Any]]:
    """The categories to choose from: those at the top, or those below the chosen one with the way back."""
    level = [one for one in all_of_them if one.parent_id == (chosen.pk if chosen else None)]
    found = [{"label": by_language(one.name, one.name_en), "url": address(params, category=one.pk, page=None), "on": False} for one in level]
    if chosen:
        up = address(params, category=chosen.parent_id, page=None)
        found.insert(0, {"label": by_language(chosen.name, chosen.name_en), "url": up, "on": True})
    return found


@door("baskets.use")
def shop(request: HttpRequest) -> HttpResponse:
    """The catalogue under one agreement: tabs, categories, search, cards or rows; everything in the address. Twelve statements besides the frame."""
    actor, params = request.actor, request.GET  # type: ignore[attr-defined]
    found, trade = trade_for(request)
    if trade is None and params.get("agreement"):
        raise NotFound("base.not_found")
    tab = params.get("tab") if params.get("tab") in TABS else "all"
    context: dict[str, Any] = {
        "title": _("Catalogue"), "owner": actor.membership_id, "trades": found, "trade": trade, "tab": tab,
        "q": params.get("q", ""), "rows": params.get("view") == "rows",
        "tabs": [{"label": label, "url": address(params, tab=name, page=None, category=None), "on": name == tab} for name, label in TABS.items()],
        "as_rows": address(params, view="rows"), "as_cards": address(params, view=None), "keep": [(k, v) for k, v in params.items() if k not in ("q", "page")],
    }  # fmt: skip
    if trade and tab == "templates":
        context["templates"] = templates(actor, trade.agreement_id)
    elif trade:
        number = max(1, int(params["page"])) if params.get("page", "").isdigit() else 1
        all_of_them = unscoped_branches(trade)
        chosen = next((one for one in all_of_them if str(one.pk) == params.get("category")), None)
        rows = orderable(actor, trade, search=context["q"].strip()[:60], category_id=chosen.pk if chosen else None)
        if tab == "bought":
            rows = rows.filter(pk__in=unscoped_bought(trade))
        elif tab == "favourites":
            rows = rows.filter(pk__in=favourites(actor).order_by().values("product_id"))
        start = (number - 1) * PER_PAGE
        # The few of the page are found first and joined with what they show then.
        some: list[Product] = list(products(actor).filter(pk__in=rows.select_related(None).values("pk")[start : start + PER_PAGE + 1]))
        context |= {
            "cards": [shown_card(one, trade) for one in cards(actor, trade, some[:PER_PAGE])],
            "more": address(params, page=number + 1) if len(some) > PER_PAGE else "",
            "branches": _branches(all_of_them, chosen, params),
            "narrowed": bool(context["q"] or chosen),
            "again": newest_order(actor, trade) if tab == "all" and number == 1 and not (chosen or context["q"]) else None,
            "clear": address(params, q=None, category=None, page=None),
        }
    part = {"more": "portal/shop_cards.html", "shop": "portal/shop_list.html"}.get(wanted(request), "portal/shop.html")
    return render(request, part, context)


def aside_of(request: HttpRequest, trade: Trade, basket: Filled | None = None) -> dict[str, Any]:
    """What the aside beside the catalogue shows of the basket, read here unless it is given."""
    basket = basket or filled(request.actor, trade, lambda line: False)  # type: ignore[attr-defined]
    looked = basket.looked
    return {
        "basket": basket, "trade": trade, "looked": looked, "rest": max(0, basket.number - SHOWN),
        "newest": [
            {"row": row, "name": by_language(row.line.product.name, row.line.product.name_en) if row.line.product else row.line.code,
             "amount": figures.amount(row.priced.gross) if row.priced else figures.DASH}
            for row in reversed(basket.rows[-SHOWN:])
        ],
        "meter": meter_of(looked.credit, looked.gross, looked.credit.buyer_id) if looked and looked.credit else None,
    }  # fmt: skip


@door("baskets.use")
def basket_aside(request: HttpRequest) -> HttpResponse:
    """The basket beside the catalogue, and its total in the bar of a phone."""
    return render(request, "portal/shop_aside.html", {**aside_of(request, require_trade(request)), "oob": True})


@door("baskets.use")
def favourite(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a product (`on=1`) or unmark it."""
    actor = request.actor  # type: ignore[attr-defined]
    found = product_of(actor, pk)
    if request.method == "POST":
        on = request.POST.get("on") == "1"
        actions.set_favourite(found.pk, on=on, actor=actor)
        if wanted(request):
            return render(request, "portal/shop_heart.html", {"product": found, "favourite": on})
    return go(request, f"{reverse('shop')}?tab=favourites")


routes = [
    path("shop/", shop, name="shop"),
    path("basket/aside", basket_aside, name="basket_aside"),
    path("favourites/<int:pk>", favourite, name="favourite"),
]
