"""Who sees payments: the two sides and the scopes above either (amounts only by `sees_prices`). The seller records, the buyer announces."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, acting, check_move, own, register, within
from qudao.kernel.errors import Forbidden
from qudao.payments.models import Application, CreditLine, CreditNote, Payer, Payment, Pool, Tolerance

VIEW = "payments.view"
VERBS = {
    VIEW: _("See payments"),
    "payments.record": _("Record and confirm payments the own organisation receives"),
    "payments.announce": _("Announce payments of the own organisation"),
    "payments.apply": _("Apply payments to invoices of the own organisation"),
    "payments.write_off": _("Close small differences of invoices and payments of the own organisation, and take that back"),
    "payments.set_tolerance": _("Say up to how much a difference is small"),
    "payments.refund": _("Send money back to a buyer of the own organisation"),
    "payments.deduct": _("Pay debts of a buyer from its deposit"),
    "payments.set_payer": _("Say which head office pays for a buyer of the own organisation"),
    "payments.credit": _("Issue credit notes for invoices of the own organisation"),
}
BUYER_ONLY = {"payments.announce"}


@register
class PaymentPolicy(Policy):
    model = Payment
    view_verb = VIEW
    people = ("recorded_by",)

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == VIEW:
            return within(actor, "seller", "buyer")
        return own(actor, "buyer") if verb in BUYER_ONLY else acting(actor, "seller")


@register
class PoolPolicy(Policy):
    model = Pool
    view_verb = VIEW
    people = ("recorded_by",)

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == VIEW:
            return within(actor, "seller", "payer")
        return own(actor, "payer") if verb in BUYER_ONLY else acting(actor, "seller")


@register
class PayerPolicy(Policy):
    model = Payer
    view_verb = VIEW
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == VIEW:
            return within(actor, "agreement__seller", "agreement__buyer") | own(actor, "payer")
        return acting(actor, "agreement__seller")


@register
class ApplicationPolicy(Policy):
    model = Application
    view_verb = VIEW
    people = ("payment__recorded_by", "invoice__order__placed_by")

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == VIEW:
            return within(actor, "payment__seller", "payment__buyer") | within(actor, "invoice__seller", "invoice__buyer")
        return acting(actor, "payment__seller", "invoice__seller")


@register
class TolerancePolicy(Policy):
    model = Tolerance
    view_verb = VIEW
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "seller")


@register
class CreditNotePolicy(Policy):
    model = CreditNote
    view_verb = VIEW
    people = ("payment__recorded_by",)

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "payment__seller", "payment__buyer") if verb == VIEW else acting(actor, "payment__seller")


@register
class CreditLinePolicy(Policy):
    model = CreditLine
    view_verb = VIEW
    people = ("credit__payment__recorded_by",)

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "credit__payment__seller", "credit__payment__buyer") if verb == VIEW else acting(actor, "credit__payment__seller")


def check_pair(actor: Actor, side_id: int) -> None:
    """A new payment belongs to the side that enters it."""
    if not actor.acts_as(side_id):
        raise Forbidden("payments.not_your_side")


def check_owner(actor: Actor, verb: str, seller_id: int, payment_id: int) -> None:
    """A received payment is its seller's; else NotFound when the actor does not even see it, Forbidden when it does."""
    check_move(actor, verb, actor.acts_as(seller_id), (Payment, payment_id))
