"""How the portal shows figures of lower modules: the credit of an account as the meter, the lines of an order being typed with their hints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.approvals.queries import Signature
from qudao.approvals.states import Decision, RequestState
from qudao.base.html import figures
from qudao.base.html.forms import Line, LineEditor
from qudao.base.html.tables import Column, Filter, Table, by_language
from qudao.base.sentences import say
from qudao.inventory.queries import Available
from qudao.inventory.states import Band
from qudao.kernel.errors import DomainError, Fault
from qudao.kernel.money import round_to
from qudao.orders.queries import Order
from qudao.orders.states import Kind, Status
from qudao.portal.queries.desk import Asked, Instead, Look
from qudao.portal.queries.shop import Break
from qudao.pricing.states import Level, Verdict


def _number(row: Signature) -> Any:
    return format_html('<a class="t-accent" href="{}">{}</a>', _order(row), row.request.number)


#: the nearest quantity that fits, as the fault of a line names it
NEAREST = {"orders.below_minimum": "minimum", "orders.above_maximum": "most", "quotas.over": "left"}
#: how a decision looks
DECIDED = {
    Decision.APPROVE: (gettext_lazy("Approved"), "done"),
    Decision.REJECT: (gettext_lazy("Rejected"), "wrong"),
    Decision.RETURN: (gettext_lazy("Sent back"), "wait"),
    Decision.BACK: (gettext_lazy("Sent back to an earlier signature"), "wait"),
}
#: by whether it was declined
ANSWERS = ((gettext_lazy("Accepted"), "done"), (gettext_lazy("Declined"), "wrong"))


class DecidedTable(Table):
    """Own signatures, newest first; the document opens where it is decided."""

    columns = (
        Column("", gettext_lazy("Number"), cell=_number, slug="number"),
        Column("", gettext_lazy("Buyer"), cell=lambda row: row.party, slug="party", width="clip"),
        Column("", gettext_lazy("Decision"), cell=lambda row: figures.badge(*DECIDED[Decision(row.decision)]), slug="decision"),
        Column("", gettext_lazy("Amount (incl. tax)"), cell=lambda row: figures.amount(row.request.amount), num=True, slug="amount"),
        Column("reason", gettext_lazy("Reason"), dim=True, hide_on_phone=True, width="clip"),
        Column("", gettext_lazy("In the end"), cell=lambda row: RequestState(row.request.state).label, dim=True, hide_on_phone=True, slug="state"),
        Column("at", gettext_lazy("Decided"), cell="moment", dim=True),
    )
    filters = (Filter("decision", gettext_lazy("Decision"), choices=Decision.choices),)
    search = ("request__number__icontains",)
    order = ("-pk",)
    empty = gettext_lazy("You have not decided anything yet.")
    remedy = gettext_lazy("What waits for your signature stands under Approvals.")

    def url(self, row: Any) -> str:
        return _order(row)


class AnsweredTable(Table):
    """Transfers one accepted or declined, newest first."""

    columns = (
        Column("number", gettext_lazy("Number"), cell="code"),
        Column("", gettext_lazy("Receiver"), cell=lambda row: by_language(row.buyer.name, row.buyer.name_en), slug="party", width="clip"),
        Column("", gettext_lazy("Decision"), cell=lambda row: figures.badge(*ANSWERS[row.answer == Status.REJECTED]), slug="decision"),
        Column("gross", gettext_lazy("Amount (incl. tax)"), cell="amount"),
        Column("answer_reason", gettext_lazy("Reason"), dim=True, hide_on_phone=True, width="clip"),
        Column("", gettext_lazy("In the end"), cell=lambda row: Status(row.status).label, dim=True, hide_on_phone=True, slug="state"),
        Column("answered_at", gettext_lazy("Decided"), cell="moment", dim=True),
    )
    search = ("number__icontains",)
    order = ("-pk",)
    empty = gettext_lazy("You have not answered a transfer yet.")
    remedy = gettext_lazy("What waits for your signature stands under Approvals.")

    def url(self, row: Order) -> str:
        return reverse("order", args=[row.pk])


def _order(row: Signature) -> str:
    return reverse("order", args=[row.request.subject_id])


def summary(looked: Look | None) -> dict[str, Any]:
    """The aside of the desk: totals, who signs after the submit."""
    if looked is None:
        return {"looked": None}
    return {
        "looked": looked,
        "currency": looked.trade.currency,
        "whole": [say(fault) for fault in looked.faults if not fault.field.startswith("lines.") and fault.code != "orders.no_lines"],
        "wrong": len({f.field.split(".")[1] for f in looked.faults if f.field.startswith("lines.")}),
    }


def fill(editor: LineEditor, looked: Look, faults_from: DomainError | None = None) -> None:
    """Put names, prices, stock, hints and faults at the lines of the editor."""
    by_line: dict[str, list[Fault]] = defaultdict(list)
    for fault in [*looked.faults, *(faults_from.faults if faults_from else ())]:
        if fault.field.startswith("lines.") and fault.code not in {f.code for f in by_line[fault.field.split(".")[1]]}:
            by_line[fault.field.split(".")[1]].append(fault)
    for line, asked in zip(editor.lines, looked.asked, strict=True):
        line.shown = shown(looked, line.no, asked)
        line.hints = [_hint(fault, asked) for fault in by_line[str(line.no)] if line.raw["code"]]
        short = _short(looked, asked)
        if short and not any(h["code"] == "inventory.short" for h in line.hints):
            line.hints.append(short)
        pot = looked.scarce.get(asked.card.id) if asked.card else None
        if pot and not any(h["code"] == "quotas.over" for h in line.hints):
            line.hints.append({"code": "quotas.left", "css": "c-wait", "icon": "clock", "text": scarce_words(pot.left, pot.until, pot.unit), "buttons": []})
        line.hints += instead_hints(looked.instead.get(asked.card.id, []) if asked.card else [])


def instead_hints(found: Sequence[Instead]) -> list[dict[str, Any]]:
    """What can stand in for a line that is short, each as a button that replaces it."""
    buttons = [{"field": "code", "value": one.code, "label": f"{one.code} {one.name} {figures.price(one.price)}"} for one in found]
    return [{"code": "portal.instead", "css": "c-accent", "icon": "packages", "text": _("In stock and can stand in:"), "buttons": buttons}] if buttons else []


def shown(looked: Look, no: int, asked: Asked) -> dict[str, Any]:
    """The shown cells of a typed line: name, base quantity, price, amount, stock, what was bought last time."""
    if asked.card is None:
        return {}
    card, priced, told = asked.card, looked.lines.get(no), looked.stock.get(asked.card.id)
    stock = ""
    if told and told.band:
        stock = figures.qty(max(told.qty, Decimal(0)), card.unit) if told.qty is not None else str(Band(told.band).label)
        if len(told.promise) == 1 and told.promise[0][0]:
            stock = f"{stock}, {figures.day(told.promise[0][0])}"
    last = looked.bought.get(card.id)
    return {
        "name": by_language(card.name, card.name_en),
        "base": figures.qty(asked.qty, card.unit) if asked.qty else "",
        "price": figures.price(priced.unit_price) if priced else "",
        "gross": figures.amount(priced.gross) if priced else figures.DASH,
        "stock": stock,
        "last": f"{figures.day(last.on)} {figures.qty(last.qty, card.unit)}" if last else _("first time"),
    }


def scarce_words(left: Decimal, until: date, unit: str) -> str:
    """What a buyer may order of a scarce product, and until when."""
    return _("Scarce: {left} left for this buyer until {day}.").format(left=figures.qty(left, unit), day=figures.day(until))


def promise_words(told: Available | None, unit: str) -> str:
    """When what is asked for leaves, in words: on a day, a part of it, or not known yet; "" when nothing is told."""
    parts = told.promise if told else ()
    if not parts:
        return ""
    (day, qty), *rest = parts
    rest_words = _("the rest is expected {day}").format(day=figures.day(told.expected)) if told and told.expected else _("the rest is to be confirmed")
    if day is None:
        return _("expected {day}").format(day=figures.day(told.expected)) if told and told.expected else _("date to be confirmed")
    if not rest:
        return _("leaves {day}").format(day=figures.day(day))
    if qty is None:
        return _("a part leaves {day}, {rest}").format(day=figures.day(day), rest=rest_words)
    return _("{qty} leave {day}, {rest}").format(qty=figures.qty(qty, unit), day=figures.day(day), rest=rest_words)


def break_words(more: Break, unit: str, now: Decimal) -> str:
    """What a few more would cost each, and what that saves on all of them."""
    words = _("{more} more make each {price} instead of {now}: saves {sum}.")
    saved = figures.amount(round_to(more.qty * (now - more.price)))
    return words.format(more=figures.qty(more.more, unit), price=figures.price(more.price), now=figures.price(now), sum=saved)


def _hint(fault: Fault, asked: Asked) -> dict[str, Any]:
    """A fault of a line with its remedy as buttons: the quantities that fit, the products that were meant."""
    said = say(fault)
    buttons = []
    if fault.code == "orders.not_multiple":
        buttons = [{"field": "qty", "value": figures.qty(q).replace(",", ""), "label": figures.qty(q, asked.card.unit if asked.card else "")}
                   for q in (fault.params["lower"], fault.params["upper"]) if q > 0]  # fmt: skip
    elif fault.code in NEAREST and (nearest := fault.params[NEAREST[fault.code]]):
        fits = figures.qty(nearest)
        buttons = [{"field": "qty", "value": fits.replace(",", ""), "label": fits}]
    elif fault.code == "orders.unknown_product":
        buttons = [{"field": "code", "value": p.code, "label": f"{p.code} {by_language(p.name, p.name_en)}"} for p in asked.similar]
    text = f"{said.sentence} {said.remedy if not buttons else ''}".strip()
    return {"code": fault.code, "css": "c-wrong", "icon": "alert-circle", "text": text, "buttons": buttons}


def _short(looked: Look, asked: Asked) -> dict[str, Any] | None:
    """A hint when the stock told to the buyer is less than asked for."""
    told = looked.stock.get(asked.card.id) if asked.card else None
    if asked.card is None or told is None or told.qty is None or told.qty >= asked.qty:
        return None
    there = max(told.qty, Decimal(0))
    said = say(Fault("portal.short", "", {"available": figures.qty(there, asked.card.unit), "short": figures.qty(asked.qty - there, asked.card.unit)}))
    take = {"field": "qty", "value": figures.qty(there).replace(",", ""), "label": _("Take {qty}").format(qty=figures.qty(there))}
    buttons = [take] if there > 0 else []
    return {"code": "portal.short", "css": "c-wait", "icon": "clock", "text": said.sentence, "buttons": buttons}


def answer_of(editor: LineEditor, line: Line, looked: Look) -> dict[str, Any]:
    """What `assets/js/quote.js` is told of one line: its shown cells, its amounts as exact text, its hints as rows of the table."""
    priced = looked.lines.get(line.no)
    hints = render_to_string("parts/line_hints.html", {"editor": editor, "line": line}).strip() if line.hints else ""
    amounts = [str(priced.net), str(priced.tax), str(priced.gross)] if priced else None
    return {"show": line.shown, "bad": line.bad, "hints": hints, "amounts": amounts}


def trace(looked: Look, no: int) -> dict[str, Any] | None:
    """Why a line costs what it costs: every candidate price with its verdict, the sum to the cent, the last time, the stock. None for an unknown code."""
    asked = looked.asked[no - 1]
    card, priced = asked.card, looked.lines.get(no)
    if card is None:
        return None
    told, last = looked.stock.get(card.id), looked.bought.get(card.id)
    found: dict[str, Any] = {"card": card, "name": by_language(card.name, card.name_en), "no": no, "asked": asked, "last": last, "steps": [], "told": told}
    found["promise"] = promise_words(told, card.unit)
    if told and told.qty is not None:
        there = max(told.qty, Decimal(0))
        found |= {"there": there, "left": max(there - asked.qty, Decimal(0)), "short": max(asked.qty - there, Decimal(0))}
    elif told and told.band:
        found["band"] = Band(told.band)
    if priced is None:
        return found
    goods = round_to(priced.qty * priced.unit_price)
    found |= {
        "priced": priced,
        "goods": goods,
        "inclusive": goods == priced.gross,
        "rate": figures.percent(priced.tax_rate, 0),
        "steps": [_step(step) for step in priced.steps],
        "change": _change(last.price, priced.unit_price) if last else "",
    }
    return found


def _change(before: Decimal, now: Decimal) -> str:
    """How much a price rose (+) or fell since; "" when it did not."""
    change = (now - before) / before if before else Decimal(0)
    return f"{'+' if change > 0 else ''}{figures.percent(change)}" if change else ""


def _step(step: dict[str, Any]) -> dict[str, Any]:
    """One candidate price in words: where it comes from, from which quantity and until when, and why it is the price or is not."""
    if step["level"] in Kind.values:  # what the type of the order makes of the price
        words = {"level": Kind(step["level"]).label, "code": step["code"], "verdict": Verdict.CHOSEN.label}
        return {**words, "chosen": True, "amount": figures.price(step["amount"])}
    least, converted = Decimal(step["min_qty"]), ""
    if "rate" in step:
        listed = f"{figures.price(step['list_amount'])} {step['currency']}"
        converted = _("{listed} at {rate} of {day}").format(listed=listed, rate=step["rate"], day=figures.day(date.fromisoformat(step["rate_day"])))
    return {
        "level": Level(step["level"]).label,
        "code": step.get("code", ""),
        "chosen": step["verdict"] == Verdict.CHOSEN,
        "verdict": Verdict(step["verdict"]).label,
        "least": figures.qty(least) if least else "",
        "amount": figures.price(step["amount"]),
        "converted": converted,
        "since": figures.day(date.fromisoformat(step["from"])),
        "until": figures.day(date.fromisoformat(step["to"])) if "to" in step else "",
    }


def placed_words(order: Order) -> str:
    """What becomes of an order that was just placed."""
    words = {
        Status.IN_REVIEW: _("Order {number} waits for approval."),
        Status.SUBMITTED: _("Order {number} waits for credit; it is confirmed by itself when money arrives."),
    }
    return words.get(Status(order.status), _("Order {number} is confirmed and goes to the warehouse.")).format(number=order.number)
