"""The desk for an order that is not final: its lines and head changed, every refusal at its line, then submitted again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.forms import ChoiceField
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import client_id_of, door, go
from qudao.base.sentences import say
from qudao.kernel.errors import DomainError, Fault, Forbidden, Invalid
from qudao.network.queries import addresses
from qudao.orders.actions import edit_order, note_refused
from qudao.orders.queries import Order, order_of, unscoped_lines_of
from qudao.orders.rules import Placing, may_edit
from qudao.orders.states import Kind, Status
from qudao.portal.forms import DeskForm, offer_addresses
from qudao.portal.pages.desk import Desk, editor_of, show
from qudao.portal.queries.desk import look, read_lines, trade_between
from qudao.portal.tables import fill, placed_words


def desk_for(request: HttpRequest, order: Order) -> Desk:
    """The desk with an order in it, or with what was typed over it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    data = request.POST if request.method == "POST" else None
    trade = trade_between(actor, order.seller_id, order.buyer_id, order.currency)
    initial: dict[str, Any] = {"agreement": str(trade.agreement_id) if trade else "", "kind": "" if order.outside else order.kind}
    initial |= {name: getattr(order, name) for name in ("requested_on", "po_number", "note")}
    form = DeskForm(data, initial=initial, choices=[(str(trade.agreement_id), trade.label)] if trade else [], actor=actor)
    lines = [] if data is not None else [{"code": x.product.code, "qty": figures.qty(x.qty).replace(",", "")} for x in unscoped_lines_of(order)]
    return Desk(form, editor_of(data, lines), actor, [trade] if trade else [], order)


def _offer(desk: Desk) -> None:
    """The buyer's addresses, before them where the order goes now."""
    known = list(addresses(desk.actor, desk.order.buyer_id))
    offer_addresses(desk.form, known, desk.trade.agreement_id if desk.trade else None)
    field = desk.form.fields["address"]
    assert isinstance(field, ChoiceField)
    now = ", ".join(desk.order.ship_lines)
    field.choices = [("", _("As it is: {address}").format(address=now) if now else _("As it is")), *((str(one.pk), one.line) for one in known)]


def _show(request: HttpRequest, desk: Desk, faults: list[Any], looked: Any = None, status: int = 200) -> HttpResponse:
    _offer(desk)
    return show(request, desk, faults, looked, status)


@door("orders.place")
def order_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an order that is a draft, in review or waiting for credit, and submit it again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    order = order_of(actor, pk)
    if not (actor.org_id == order.buyer_id or (actor.acts_as(order.seller_id) and actor.can("orders.place_for"))):
        raise Forbidden("base.forbidden", verb="orders.place")
    if not may_edit(order):
        messages.warning(request, say(Fault("orders.illegal", "", {"status": Status(order.status).label, "event": "edit"})).sentence)
        return go(request, order.get_absolute_url())
    desk = desk_for(request, order)
    form, trade = desk.form, desk.trade
    if trade is None:
        return _show(request, desk, [say(Fault("portal.no_agreement"))], status=422 if request.method == "POST" else 200)
    asked = read_lines(actor, trade.seller_id, desk.typed)
    if request.method != "POST":
        looked = look(actor, trade, asked, order.requested_on)
        fill(desk.editor, looked)
        return _show(request, desk, [], looked)
    _offer(desk)
    try:
        if not form.is_valid() or any(one.faults for one in asked):
            wrong = [fault for one in asked for fault in one.faults] or [Fault("portal.no_agreement")]
            note_refused(Placing(order.seller_id, order.buyer_id, [one.new_line for one in asked]), wrong, actor=actor)
            raise Invalid.of(wrong)
        data = form.cleaned_data
        address = int(data["address"]) if data.get("address") else None
        said = (bool(request.POST.get("may_wait")), request.POST.get("short") or order.short)
        facts = (data["requested_on"], data["po_number"], data["note"], address, *said)
        wanted = Placing(order.seller_id, order.buyer_id, [one.new_line for one in asked], *facts, kind=data["kind"] or Kind.REGULAR)
        changed = edit_order(order.pk, wanted, reason=request.POST.get("reason", "")[:500], actor=actor, client_id=client_id_of(request))
    except Forbidden:
        raise
    except DomainError as error:
        faults = form.refuse(error)
        looked = look(actor, trade, asked)
        fill(desk.editor, looked, faults_from=error)
        return _show(request, desk, [fault for fault in faults if not fault.field.startswith("lines.")], looked, error.status)
    return go(request, changed.get_absolute_url(), placed_words(changed))


routes = [path("orders/<int:pk>/revision", order_edit, name="order_edit")]
