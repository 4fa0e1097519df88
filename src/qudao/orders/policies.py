"""Who sees an order: its two sides and the scopes above either; who acts on it: only the side whose move it is."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.approvals.queries import unscoped_asked_of
from qudao.base.access import Actor, Policy, acting, own, register, within
from qudao.orders.models import Line, Order, Refusal

VERBS = {
    "orders.view": _("See orders"),
    "orders.place": _("Place orders for the own organisation"),
    "orders.place_for": _("Enter orders for a buyer"),
    "orders.arrange": _("Arrange transfers between two buyers"),
    "orders.approve": _("Approve or reject orders"),
    "orders.return": _("Send orders back to who submitted them"),
    "orders.release": _("Try orders again that wait for credit"),
    "orders.refill": _("Give goods that came in to orders that wait for them"),
    "orders.keep": _("Keep the goods of an order for longer, or reserve them again"),
    "orders.lapse": _("Free the goods of orders that nobody picks in time"),
    "orders.withdraw": _("Withdraw an order from approval"),
    "orders.cancel": _("Cancel orders"),
    "orders.close_short": _("Close an order short"),
    "orders.amend": _("Change orders after they were confirmed"),
    "orders.split": _("Take lines of an order out into an order of its own"),
    "orders.readdress": _("Change where an order goes"),
    "orders.confirm_purchase": _("Write down what an outside seller confirmed"),
    "orders.attach": _("Attach files to orders"),
}
SELLER_ONLY = {"orders.approve", "orders.return", "orders.close_short", "orders.place_for", "orders.release", "orders.keep"}
BUYER_ONLY = {"orders.place", "orders.confirm_purchase"}


@register
class OrderPolicy(Policy):
    """Own work: what the person placed, and what waits for its signature or has it."""

    model = Order
    view_verb = "orders.view"

    def mine(self, actor: Actor) -> Q:
        return Q(placed_by=actor.user_id) | Q(pk__in=unscoped_asked_of(actor, subject_kind="orders.order").values("subject_id"))

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == self.view_verb:
            return within(actor, "seller", "buyer")
        if verb in SELLER_ONLY:
            return acting(actor, "seller")
        if verb == "orders.cancel":
            return acting(actor, "seller", "buyer") | own(actor, "arranged_by")
        return own(actor, "buyer") if verb in BUYER_ONLY else acting(actor, "seller", "buyer")


@register
class LinePolicy(Policy):
    model = Line
    view_verb = "orders.view"

    def mine(self, actor: Actor) -> Q:
        return Q(order__in=Order.unscoped.filter(OrderPolicy().mine(actor)))

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "order__seller", "order__buyer")


@register
class RefusalPolicy(Policy):
    """What was refused is seen as the order would have been; own work: what the person itself submitted."""

    model = Refusal
    view_verb = "orders.view"
    people = ("user_id",)

    def rows(self, actor: Actor, verb: str) -> Q:
        return within(actor, "seller", "buyer")
