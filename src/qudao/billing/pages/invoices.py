"""Pages of invoices: the list of both sides, the document, issuing for an order, and the panel of the order page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.base.access import Actor, sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, Head, ListPage, Panel, Step
from qudao.billing import actions, queries
from qudao.billing.forms import PaperForm
from qudao.billing.models import Invoice
from qudao.billing.states import DONE, State
from qudao.billing.tables import InvoiceTable, OwedTable, badge_of, name_of
from qudao.fulfilment.pages import life_panel, link
from qudao.orders.pages import belongs


def in_sight(actor: Actor) -> QuerySet[Invoice]:
    """The invoices the actor may see."""
    return queries.invoices(actor)


def issued(actor: Actor) -> QuerySet[Invoice]:
    """The invoices the own organisation issued."""
    return queries.invoices(actor, side="seller")


def owed(actor: Actor) -> QuerySet[Invoice]:
    """The invoices the own organisation has to pay."""
    return queries.invoices(actor, side="buyer")


class InvoiceList(ListPage):
    """Invoices in sight."""

    verb = "billing.view"
    query = in_sight
    table = InvoiceTable
    title = gettext_lazy("Invoices")

    def buttons(self) -> Sequence[Button]:
        return [Button(_("Collective invoices"), reverse("collective_invoices"), icon="file-invoice", verb="billing.view")]

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            clear = sees_prices(self.actor, row.seller_id, row.buyer_id)
            row.shown_gross, row.shown_open = (row.gross, row.open) if clear else (None, None)
        return rows


class IssuedList(InvoiceList):
    """What the own organisation issued."""

    query = issued
    title = gettext_lazy("Sales invoices")


class OwedList(InvoiceList):
    """What the own organisation has to pay."""

    query = owed
    table = OwedTable
    title = gettext_lazy("Purchase invoices")


def invoice_list(request: HttpRequest) -> HttpResponse:
    """The list of the side asked for in the address (`side=sell`, `side=buy`), else of everything in sight."""
    page = {"sell": IssuedList, "buy": OwedList}.get(request.GET.get("side", ""), InvoiceList)
    return page.as_view()(request)  # type: ignore[return-value]


def lines_panel(request: HttpRequest, invoice: Invoice) -> Panel:
    """The lines; amounts for those who see prices."""
    clear = sees_prices(request.actor, invoice.seller_id, invoice.buyer_id)  # type: ignore[attr-defined]
    lines: list[Any] = list(queries.lines_of(invoice))
    for line in lines:
        line.shown_name = name_of(line.product)
    return Panel(
        _("Lines"), "billing/lines.html", {"invoice": invoice, "lines": lines, "clear": clear, "taxes": queries.taxes_of(lines)}, note=figures.lines(len(lines))
    )


def facts_panel(request: HttpRequest, invoice: Invoice) -> Panel:
    """Sides, dates and what is left to pay."""
    clear = sees_prices(request.actor, invoice.seller_id, invoice.buyer_id)  # type: ignore[attr-defined]
    facts = [
        (_("Order"), link(invoice.order.number, reverse("order", args=[invoice.order_id]))),
        *_whole(invoice),
        (_("Seller"), name_of(invoice.seller)),
        (_("Buyer"), name_of(invoice.buyer)),
        (_("Date"), figures.day_long(invoice.date)),
        (_("Due"), figures.day_long(invoice.due_on)),
        (_("Paid"), figures.money(invoice.paid, invoice.currency) if clear and invoice.paid else ""),
        (_("Still to pay"), figures.money(invoice.open, invoice.currency) if clear and invoice.open else ""),
    ]
    return Panel(_("Sides and dates"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def _whole(invoice: Invoice) -> list[tuple[str, Any]]:
    """The way to the collective invoice of which this is a part."""
    one = invoice.collective
    return [(_("Collective invoice"), link(one.number, reverse("collective_invoice", args=[one.pk])))] if one else []


def timeline_panel(request: HttpRequest, invoice: Invoice) -> Panel:
    """Who did what when."""
    return life_panel(invoice.subject, DONE)


class InvoiceDetail(DetailPage):
    """One invoice."""

    verb = "billing.view"
    query = in_sight
    kind = "billing.invoice"
    panels = (lines_panel, facts_panel, timeline_panel)
    above = "invoices"

    def head(self, obj: Invoice) -> Head:
        selling = self.actor.org_id == obj.seller_id
        clear = sees_prices(self.actor, obj.seller_id, obj.buyer_id)
        facts = [figures.money(obj.gross, obj.currency)] if clear else []
        return Head(obj.number, badge_of(obj), name_of(obj.buyer if selling else obj.seller), facts=facts)

    def steps(self, obj: Invoice) -> Sequence[tuple[str, Step]]:
        """Issued, due, paid."""
        paid = obj.state == State.PAID
        late = badge_of(obj)[1] == "wrong"
        due = Step(_("Due"), facts=[figures.day(obj.due_on)], wrong=_("overdue") if late else "")
        return [
            ("past", Step(_("Issued"), facts=[figures.day(obj.date)])),
            ("past" if paid else "now", due),
            ("past" if paid else "", Step(_("Paid"), facts=[figures.moment(obj.state_since)] if paid else [])),
        ]


class IssueOrder(ActionPage):
    """Bill what is delivered of an order and not billed yet."""

    verb = "billing.issue"
    query = queries.orders_in_sight
    title = submit = gettext_lazy("Issue the invoice")
    said = gettext_lazy("Everything delivered is invoiced.")
    above = "order"

    def says(self, obj: Any) -> Any:
        return _("Bills what was delivered of order {number} and is not billed yet. An invoice cannot be taken back.").format(number=obj.number)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.issue_invoices(obj.pk, actor=self.actor)

    def done(self, result: Any) -> str:
        return reverse("invoice", args=[result[0].pk]) if result else self.back


class EnterInvoice(ActionPage):
    """The invoice of an outside seller, for what was received of its order."""

    verb = "billing.issue"
    query = queries.orders_in_sight
    form = PaperForm  # type: ignore[assignment]
    keeps = True
    title = submit = gettext_lazy("Enter the seller's invoice")
    said = gettext_lazy("The invoice stands in the books.")
    above = "order"

    def says(self, obj: Any) -> Any:
        ours = figures.money(queries.unscoped_to_bill(obj), obj.currency)
        return _("What was received of {number} and is not invoiced comes to {amount} at the agreed prices.").format(number=obj.number, amount=ours)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.record_invoice(obj.pk, actions.Paper(cleaned["number"], cleaned["date"], cleaned["due_on"], cleaned["gross"]), actor=self.actor)

    def done(self, result: Any) -> str:
        return reverse("invoice", args=[result.pk])


def order_panel(request: HttpRequest, order: Any) -> Panel | None:
    """The invoices of an order, and the seller's button for what is delivered and not billed."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("billing.view"):
        return None
    items: list[dict[str, Any]] = []
    for i in queries.invoices(actor, order_id=order.pk).order_by("id"):
        belongs(order, i.subject, DONE)
        clear = sees_prices(actor, i.seller_id, i.buyer_id)
        facts = [figures.day(i.date), _("due {day}").format(day=figures.day(i.due_on))]
        end = figures.money(i.gross, i.currency) if clear else ""
        items.append({"label": i.number, "url": reverse("invoice", args=[i.pk]), "state": badge_of(i), "facts": facts, "end": end})
    count = len(items)
    delivered = order.fulfilment not in ("none", "picking")
    if delivered and order.billing != "full" and actor.acts_as(order.seller_id) and actor.can("billing.issue"):
        way = (_("Enter the seller's invoice"), "order_paper") if order.outside else (_("Issue the invoice"), "order_invoicing")
        items.append({"label": _("To invoice"), "buttons": [Button(way[0], reverse(way[1], args=[order.pk]), "file-text", ask=True)]})
    if not items:
        return None
    note = ngettext("{n} invoice", "{n} invoices", count).format(n=count) if count else ""
    return Panel(_("Invoices"), "parts/panel_items.html", {"items": items}, note=note, half=True)


routes = [
    path("invoices/", invoice_list, name="invoices"),
    path("invoices/<int:pk>/", InvoiceDetail.as_view(), name="invoice"),
    path("orders/<int:pk>/invoices", IssueOrder.as_view(), name="order_invoicing"),
    path("orders/<int:pk>/seller-invoice", EnterInvoice.as_view(), name="order_paper"),
]
