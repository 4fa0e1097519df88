"""The basket: its lines as one table of native inputs, saved as one types; quick entry, paste and file; and the submit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from qudao.base import sheets
from qudao.base.action import unit
from qudao.base.html import figures
from qudao.base.html.figures import unit as unit_word
from qudao.base.html.forms import Form
from qudao.base.html.pages import client_id_of, door, go
from qudao.base.html.tables import address, by_language
from qudao.base.sentences import Said, say
from qudao.baskets import actions
from qudao.baskets.queries import Line, basket_under, unscoped_number_of_lines
from qudao.baskets.queries import line as line_of
from qudao.baskets.rules import MOST_LINES, Entry
from qudao.catalog.queries import product as product_of
from qudao.funds.pages import meter_of
from qudao.kernel.errors import DomainError, Fault, Forbidden, NotFound, Refused
from qudao.network.queries import organisation
from qudao.orders.rules import lacks_credit
from qudao.orders.states import Kind
from qudao.portal.pages.basket_keep import BasketForm, basket_url
from qudao.portal.pages.desk import short_offer
from qudao.portal.pages.shop import SHOWN, aside_of, require_trade, stock_words, trade_for
from qudao.portal.queries.desk import Trade
from qudao.portal.queries.known import Before, after, before
from qudao.portal.queries.shop import Filled, Row, filled, orderable, read_entries, step_of, typed_entry, unscoped_packs_in_order
from qudao.portal.rules import lines_in, quantity_of
from qudao.portal.tables import NEAREST, break_words, instead_hints, placed_words, promise_words

PER_PAGE = 100
#: how a page asks for JSON in place of a way on
SCRIPT = "X-Basket"
#: what stands between code and quantity in a pasted block
DIVIDER = re.compile(r"\t|,|;|\s{2,}")


def shown_row(row: Row) -> dict[str, Any]:
    """A line of the basket with its words."""
    product = row.line.product
    words, tone = stock_words(row.stock, product.unit) if product else ("", "")
    return {
        "row": row, "line": row.line, "product": product, "typed": row.typed, "stock": words, "tone": tone, "hints": _hints(row),
        "promise": promise_words(row.stock, product.unit) if product else "",
        "name": by_language(product.name, product.name_en) if product else "",
        "base": figures.qty(row.line.qty, product.unit) if product and row.line.qty else "",
        "packs": [f"{name.shown} × {figures.qty(factor)}" for name, factor in row.packs],
        "price": figures.price(row.priced.unit_price) if row.priced else "",
        "gross": figures.amount(row.priced.gross) if row.priced else figures.DASH,
        "step": step_of(product, row.packs) if product else None, "unit": unit_word(product.unit) if product else "",
        "one": unit_word(product.unit, 1) if product else "",
    }  # fmt: skip


def _set(row: Row, qty: Decimal) -> dict[str, Any]:
    unit = row.line.product.unit if row.line.product else ""
    return {"field": "qty", "value": f"{qty.normalize():f}", "label": figures.qty(qty, unit)}


def _hints(row: Row) -> list[dict[str, Any]]:
    """What is wrong with a line, each with its remedy as buttons; then what would be cheaper, and what the stock is short of."""
    found = []
    for fault in row.faults:
        said = say(fault)
        buttons: list[dict[str, Any]] = []
        if fault.code == "orders.not_multiple":
            buttons = [_set(row, qty) for qty in (fault.params["lower"], fault.params["upper"]) if qty > 0]
        elif fault.code in NEAREST and fault.params[NEAREST[fault.code]]:
            buttons = [_set(row, fault.params[NEAREST[fault.code]])]
        elif row.line.product is None:
            buttons = [{"field": "code", "value": p.code, "label": f"{p.code} {by_language(p.name, p.name_en)}"} for p in row.asked.similar]
        text = f"{said.sentence} {said.remedy if not buttons else ''}".strip()
        found.append({"css": "c-wrong", "icon": "alert-circle", "text": text, "buttons": buttons})
    more = row.next_break
    if more and row.priced and not row.faults:
        unit = row.asked.card.unit if row.asked.card else ""
        text = break_words(more, unit, row.priced.unit_price)
        take = _set(row, more.qty) | {"label": _("Take {qty}").format(qty=figures.qty(more.qty, unit))}
        found.append({"css": "c-accent", "icon": "discount", "text": text, "buttons": [take]})
    if row.short and not any(fault.code == "inventory.short" for fault in row.faults):
        unit = row.asked.card.unit if row.asked.card else ""
        about = {"available": figures.qty(row.asked.qty - row.short, unit), "short": figures.qty(row.short, unit)}
        found.append({"css": "c-wait", "icon": "clock", "text": say(Fault("portal.short", "", about)).sentence, "buttons": []})
    return found + instead_hints(row.instead)


def _faulted(basket: Filled, error: DomainError) -> list[Said]:
    """Put the faults of a refusal at their lines; the others are returned."""
    rest = []
    for fault in error.faults:
        if not fault.field.startswith("lines."):
            rest.append(say(fault))
            continue
        row = basket.rows[int(fault.field.split(".")[1]) - 1]
        if fault.code not in {one.code for one in row.faults}:
            row.faults.append(fault)
    return rest


def _show(request: HttpRequest, trades: Sequence[Trade], trade: Trade | None, *, form: Form | None = None, error: DomainError | None = None) -> HttpResponse:
    """The page, with what a submit was refused for."""
    status = error.status if error else 422 if form is not None and form.is_bound else 200
    actor, params = request.actor, request.GET  # type: ignore[attr-defined]
    context: dict[str, Any] = {"title": _("Basket"), "owner": actor.membership_id, "back": reverse("shop"), "trades": trades, "trade": trade}
    context["client_id"] = client_id_of(request)
    if trade is None:
        return render(request, "portal/basket.html", context)
    basket = filled(actor, trade)
    faults = _faulted(basket, error) if error else []
    if form and error:
        form.refuse(error)
        faults = [said for said in faults if said.field not in form.fields]
    wrong_only = params.get("show") == "wrong" and basket.wrong
    rows = [row for row in basket.rows if row.faults] if wrong_only else basket.rows
    last = max(1, -(-len(rows) // PER_PAGE))
    number = min(last, max(1, int(params["page"]))) if params.get("page", "").isdigit() else 1
    head = ("requested_on", "po_number", "note", "kind", "address_id")
    form = form or BasketForm(initial={name.removesuffix("_id"): getattr(basket.basket, name, None) for name in head}, actor=actor)
    context |= {
        "basket": basket, "form": form, "faults": faults, "rows": [shown_row(row) for row in rows[(number - 1) * PER_PAGE : number * PER_PAGE]],
        "wrong_only": wrong_only, "all_url": address(params, show=None, page=None), "wrong_url": address(params, show="wrong", page=None),
        "previous": address(params, page=number - 1) if number > 1 else "", "next": address(params, page=number + 1) if number < last else "",
        "twin": error is not None and any(fault.code == "orders.twin" for fault in error.faults),
        **short_offer(request, [fault.code for fault in error.faults] if error else []),
        "may_wait": error is not None and lacks_credit(error.faults), "own": organisation(actor, actor.org_id), **_aside(trade, basket),
    }  # fmt: skip
    return render(request, "portal/basket.html", context, status=status)


def _aside(trade: Trade, basket: Filled) -> dict[str, Any]:
    """Totals, credit with this order, who signs after the submit, how it is paid."""
    looked = basket.looked
    return {
        "trade": trade, "looked": looked, "wrong": basket.wrong, "number": basket.number, "version": basket.version, "known": basket.known,
        "meter": meter_of(looked.credit, looked.gross, looked.credit.buyer_id) if looked and looked.credit else None,
    }  # fmt: skip


@door("baskets.use")
def basket_page(request: HttpRequest) -> HttpResponse:
    """The basket and its submit. Without a script the whole table is posted: what was changed is saved first, all or nothing."""
    trades, trade = trade_for(request)
    if trade is None and (request.method == "POST" or request.GET.get("agreement")):
        raise NotFound("base.not_found")
    if request.method != "POST" or trade is None:
        return _show(request, trades, trade)
    actor, form = request.actor, BasketForm(request.POST, actor=request.actor)  # type: ignore[attr-defined]
    if not form.is_valid():
        return _show(request, trades, trade, form=form)
    submits = request.POST.get("do") == "submit"

    def body() -> Any:
        basket = basket_under(actor, trade.agreement_id)
        if basket is None:
            raise Refused("baskets.empty")
        seen = int(request.POST["version"]) if request.POST.get("version", "").isdigit() else None
        changed, post = _posted_lines(request, trade), request.POST
        facts = replace(form.facts, may_wait=bool(post.get("may_wait")), short=post.get("short", ""), guarded=not post.get("twin_ok"))
        if not submits:
            return actions.describe_basket(trade.agreement_id, facts, actor=actor)
        seen = None if changed and seen == basket.version else seen
        return actions.submit_basket(basket.pk, version=seen, facts=facts, actor=actor, client_id=client_id_of(request))

    try:
        done = unit(body)
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        return _show(request, trades, trade, form=form, error=error)
    if not submits:
        return go(request, request.get_full_path())
    return go(request, done.get_absolute_url(), placed_words(done))


def _posted_lines(request: HttpRequest, trade: Trade) -> bool:
    """Save the lines of a posted table that differ from what is kept; a `fix` or `remove` button means its own line only. True when any did."""
    actor, post = request.actor, request.POST  # type: ignore[attr-defined]
    fixed, _colon, value = post.get("fix", "").partition(":")
    field, _equals, value = value.partition("=")
    given = {pk: (code, qty) for pk, code, qty in zip(post.getlist("line"), post.getlist("code"), post.getlist("qty"), strict=False)}
    if fixed in given:
        given[fixed] = (value, given[fixed][1]) if field == "code" else (given[fixed][0], value)
    if post.get("remove") in given:
        given[post["remove"]] = ("", "")
    kept = {str(row.line.pk): row for row in filled(actor, trade, lambda line: False).rows} if given else {}
    changed = False
    for pk, (code, qty) in given.items():
        row = kept.get(pk)
        if row is None or (qty.strip() == row.typed and code.strip() == ("" if row.line.product_id else row.line.code)):
            continue
        actions.set_line(row.line.pk, _line_entry(request, trade, row.line, code, qty), actor=actor)
        changed = True
    return changed


def _line_entry(request: HttpRequest, trade: Trade, line: Line, code: str, qty: str) -> Entry:
    """What is typed into a line of the basket; a code where it has no product yet, or to take another product in the same quantity."""
    if line.product is not None and code.strip():
        qty = f"{line.qty.normalize():f}"
    if line.product is None or code.strip():
        return read_entries(request.actor, trade, [(code, qty, line.file_row)])[0]  # type: ignore[attr-defined]
    return typed_entry(line.product, qty, unscoped_packs_in_order([line.product.pk]).get(line.product.pk, []))


def _known(request: HttpRequest, trade: Trade, product_ids: Iterable[int | None]) -> Before | None:
    """Before a change of these products: what the page knows of a long basket; None where the whole is priced."""
    return before(request.actor, trade, request.POST.get("known", ""), product_ids) if SCRIPT in request.headers else None  # type: ignore[attr-defined]


def _answer(request: HttpRequest, trade: Trade, wanted: Callable[[Line], bool], said: Any = "", was: Before | None = None) -> HttpResponse:
    """After a change: JSON with the changed lines, the aside and the total for a script; else back to where one came from."""
    if request.headers.get(SCRIPT) is None:
        back = request.POST.get("next", "")
        own = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
        return go(request, back if own else basket_url(trade.agreement_id), said)
    whole, actor = request.headers[SCRIPT] == "basket", request.actor  # type: ignore[attr-defined]
    basket = after(actor, trade, was, wanted, 0 if whole else SHOWN) or filled(actor, trade, wanted)
    changed = [row for row in basket.rows if wanted(row.line)][:PER_PAGE]
    context = _aside(trade, basket) if whole else aside_of(request, trade, basket)
    answer: dict[str, Any] = {
        "version": basket.version,
        "said": str(said),
        "number": basket.number,
        "total": figures.money(basket.looked.gross, trade.currency) if basket.looked else "",
        "aside": render_to_string("portal/basket_aside.html" if whole else "portal/shop_aside.html", context, request),
        "cards": {
            row.line.product_id: {"typed": row.typed, "held": f"{row.line.qty.normalize():f}", "amount": figures.amount(row.priced.gross) if row.priced else ""}
            for row in changed
            if row.line.product_id
        },
        "rows": {row.line.pk: render_to_string("portal/basket_row.html", shown_row(row), request) for row in changed} if whole else {},
    }
    return JsonResponse(answer)


def _redrawn(said: Any = "") -> JsonResponse:
    """After a change of more lines than a page shows: the script reads the page anew."""
    return JsonResponse({"redraw": True, "said": str(said)})


@door("baskets.use")
def basket_lines(request: HttpRequest) -> HttpResponse:
    """Add to a product (`delta` base units, may be negative) or set its quantity (`qty` as typed). POST."""
    trade = require_trade(request)
    actor, product_id = request.actor, request.POST.get("product", "")  # type: ignore[attr-defined]
    if request.method != "POST" or not product_id.isdigit():
        return go(request, f"{reverse('shop')}?agreement={trade.agreement_id}")
    product = product_of(actor, int(product_id))
    packs = unscoped_packs_in_order([product.pk]).get(product.pk, [])
    delta, was = request.POST.get("delta", ""), _known(request, trade, [product.pk])
    number = quantity_of(delta.removeprefix("-"), "", {}) if delta else None
    if delta and number is not None:
        step = step_of(product, packs)
        entry = Entry(product.pk, -number if delta.startswith("-") else number, pack=str(step.name))
        actions.add_lines(trade.agreement_id, [entry], actor=actor, client_id=client_id_of(request))
    else:
        entry = typed_entry(product, request.POST.get("qty", ""), packs)
        actions.put_lines(trade.agreement_id, [entry], actor=actor, client_id=client_id_of(request))
    return _answer(request, trade, lambda line: line.product_id == product.pk, was=was)


@door("baskets.use")
def basket_line(request: HttpRequest, pk: int) -> HttpResponse:
    """Write one line of the basket anew (`code`, `qty` as typed); an empty quantity takes it out. POST."""
    trade, actor = require_trade(request), request.actor  # type: ignore[attr-defined]
    line = line_of(actor, pk)
    if request.method == "POST":
        entry = _line_entry(request, trade, line, request.POST.get("code", ""), request.POST.get("qty", ""))
        was = _known(request, trade, [line.product_id, entry.product_id]) if line.product_id else None
        if "remove" in request.POST:
            actions.remove_line(pk, actor=actor)
        else:
            actions.set_line(pk, entry, actor=actor, client_id=client_id_of(request))
        return _answer(request, trade, lambda one: one.pk == pk or (one.product_id is not None and one.product_id == entry.product_id), was=was)
    return go(request, basket_url(trade.agreement_id))


@door("baskets.use")
def basket_entry(request: HttpRequest) -> HttpResponse:
    """Quick entry: a code or barcode with a quantity (`code`, `qty`), or a pasted block of such lines (`block`). POST."""
    trade, actor = require_trade(request), request.actor  # type: ignore[attr-defined]
    block = request.POST.get("block", "")
    typed = _block(block) if block.strip() else _one(request.POST.get("code", ""), request.POST.get("qty", ""))
    if request.method != "POST" or not typed:
        return go(request, basket_url(trade.agreement_id))
    entries = read_entries(actor, trade, [(code, qty, None) for code, qty in typed])
    if len(entries) == 1 and entries[0].product_id is None:  # a name, or pinyin initials, that mean one product only
        meant = list(orderable(actor, trade, search=typed[0][0][:60])[:2])
        entries = read_entries(actor, trade, [(meant[0].code, typed[0][1], None)]) if len(meant) == 1 else entries
    was = _known(request, trade, [one.product_id for one in entries]) if all(one.product_id for one in entries) else None
    actions.add_lines(trade.agreement_id, entries, actor=actor, client_id=client_id_of(request))
    if len(entries) > PER_PAGE and request.headers.get(SCRIPT) == "basket":
        return _redrawn(added_words(entries))
    known, codes = {one.product_id for one in entries if one.product_id}, {one.code for one in entries if one.product_id is None}
    return _answer(request, trade, lambda line: line.product_id in known or (line.product_id is None and line.code in codes), added_words(entries), was)


def added_words(entries: Sequence[Entry]) -> str:
    """How many lines went into the basket, and how many of them are not understood."""
    unknown = sum(one.product_id is None for one in entries)
    words = ngettext("{n} line added.", "{n} lines added.", len(entries)).format(n=len(entries))
    return f"{words} {ngettext('{n} is not known.', '{n} are not known.', unknown).format(n=unknown)}" if unknown else words


def _one(code: str, qty: str) -> list[tuple[str, str]]:
    """One typed line; "KT-17 3x" in one field is a code and a quantity."""
    code = code.strip()
    if code and not qty.strip():
        head, _space, tail = code.rpartition(" ")
        if head and tail[:1].isdigit():
            return [(head, tail)]
    return [(code, qty.strip())] if code else []


def _block(text: str) -> list[tuple[str, str]]:
    """The lines of a pasted block: code and quantity, divided by a tab, a comma or spaces."""
    lines = [line.strip() for line in text.splitlines()]
    sheet = [DIVIDER.split(line) if DIVIDER.search(line) else line.rsplit(" ", 1) for line in lines]
    return [(code, qty) for _no, code, qty in lines_in(sheet, MOST_LINES)]


@door("baskets.use")
def basket_head(request: HttpRequest) -> HttpResponse:
    """Keep the wanted day, the own number and the note with the basket. POST."""
    trade = require_trade(request)
    form = BasketForm(request.POST or None, actor=request.actor)  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        before = basket_under(request.actor, trade.agreement_id)  # type: ignore[attr-defined]
        other = (before.kind if before else Kind.REGULAR) != form.facts.kind  # another type may mean other prices
        basket = actions.describe_basket(trade.agreement_id, form.facts, actor=request.actor)  # type: ignore[attr-defined]
        if other and request.headers.get(SCRIPT) == "basket" and unscoped_number_of_lines(basket.pk) > PER_PAGE:
            return _redrawn()
        return _answer(request, trade, lambda line: other)
    return go(request, basket_url(trade.agreement_id))


@door("baskets.use")
def basket_pulse(request: HttpRequest) -> HttpResponse:
    """204 while the basket is as the page knows it (`version`), else its version; asked every other second by a visible page. One statement."""
    agreement = request.GET.get("agreement", "")
    basket = basket_under(request.actor, int(agreement)) if agreement.isdigit() else None  # type: ignore[attr-defined]
    version = basket.version if basket else 0
    return HttpResponse(status=204) if request.GET.get("version", "0") == str(version) else JsonResponse({"version": version})


@door("baskets.use")
def basket_errors(request: HttpRequest) -> HttpResponse:
    """Every line of the basket that cannot be ordered as it is: row of the file, column, what is wrong, what to do. One xlsx."""
    basket = filled(request.actor, require_trade(request), lambda line: False)  # type: ignore[attr-defined]
    heads = [_("Row"), _("Code"), _("Quantity"), _("Column"), _("What is wrong"), _("What to do")]
    columns = {"qty": _("Quantity"), "product": _("Code")}
    found = [
        (row.line.file_row or "", row.asked.text, row.typed, columns.get(fault.field.rpartition(".")[2], ""), say(fault).sentence, _fix(row, fault))
        for row in basket.rows
        for fault in row.faults
    ]
    body = sheets.write_xlsx(heads, found)
    return HttpResponse(body, content_type=sheets.XLSX, headers={"Content-Disposition": 'attachment; filename="basket-errors.xlsx"'})


def _fix(row: Row, fault: Fault) -> str:
    """The remedy of a fault in words; for an unknown code the products that may be meant."""
    if row.line.product is None and row.asked.similar:
        return _("Perhaps: {codes}").format(codes=", ".join(one.code for one in row.asked.similar))
    return str(say(fault).remedy)


routes = [
    path("basket/", basket_page, name="basket"),
    path("basket/lines", basket_lines, name="basket_lines"),
    path("basket/lines/<int:pk>", basket_line, name="basket_line"),
    path("basket/entry", basket_entry, name="basket_entry"),
    path("basket/head", basket_head, name="basket_head"),
    path("basket/pulse", basket_pulse, name="basket_pulse"),
    path("basket/errors.xlsx", basket_errors, name="basket_errors"),
]
