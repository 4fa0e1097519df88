"""Who sees invoices: the two sides and the scopes above either (amounts only by `sees_prices`). Only the seller issues."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, acting, check_move, register, within
from qudao.billing.models import Collective, Cycle, Invoice, InvoiceLine
from qudao.orders.models import Order

VIEW = "billing.view"
VERBS = {
    VIEW: _("See invoices"),
    "billing.issue": _("Issue invoices of the own organisation"),
    "billing.set_cycle": _("Decide which goods are invoiced together, and when"),
}


@register
class InvoicePolicy(Policy):
    model = Invoice
    view_verb = VIEW
    people = ("order__placed_by", "issued_by")

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "seller", "buyer") if verb == VIEW else acting(actor, "seller")


@register
class InvoiceLinePolicy(Policy):
    model = InvoiceLine
    view_verb = VIEW
    people = ("invoice__order__placed_by", "invoice__issued_by")

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "invoice__seller", "invoice__buyer") if verb == VIEW else acting(actor, "invoice__seller")


@register
class CollectivePolicy(Policy):
    model = Collective
    view_verb = VIEW
    people = ("issued_by",)

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "seller", "buyer") if verb == VIEW else acting(actor, "seller")


@register
class CyclePolicy(Policy):
    model = Cycle
    view_verb = VIEW
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "agreement__seller", "agreement__buyer") if verb == VIEW else acting(actor, "agreement__seller")


def check_issuer(actor: Actor, seller_id: int, order_id: int) -> None:
    """Invoicing an order is its seller's move; else NotFound when the actor does not even see the order, Forbidden when it does."""
    check_move(actor, "billing.issue", actor.acts_as(seller_id), (Order, order_id))
