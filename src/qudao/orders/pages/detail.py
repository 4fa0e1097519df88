"""The page of one order: where it stands, what comes next, and its panels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from qudao.base.access import sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import Button, DetailPage, Head, Step
from qudao.messages.pages import talk_panel
from qudao.orders.models import Order
from qudao.orders.pages.held import held_panel
from qudao.orders.pages.life import by_whom, lines_of_life, waits
from qudao.orders.pages.life import reached as reached_in
from qudao.orders.pages.panels import credit_panel, facts_panel, files_panel, lines_panel, margin_panel
from qudao.orders.queries import orders
from qudao.orders.rules import change_waits, may_edit, may_keep, may_readdress, may_split
from qudao.orders.states import Billing, Fulfilment, Payment, Status
from qudao.orders.tables import badge_of, name_of


class OrderDetail(DetailPage):
    """One order: its lines, credit, life, and what upper modules add."""

    verb = "orders.view"
    query = orders
    kind = "orders.order"
    panels = (held_panel, lines_panel, credit_panel, margin_panel, facts_panel, talk_panel, files_panel)
    above = "orders"

    def head(self, obj: Order) -> Head:
        selling = self.actor.org_id == obj.seller_id
        clear = sees_prices(self.actor, obj.seller_id, obj.buyer_id)
        title = _("Transfer") if obj.transfer else _("Sales order") if selling else _("Purchase order") if self.actor.org_id == obj.buyer_id else _("Order")
        amount = figures.money(obj.gross, obj.currency) if clear else ""
        facts = [f for f in (title, amount, waits(self.actor, obj)) if f]
        return Head(obj.number or _("Draft"), badge_of(obj), name_of(obj.buyer if selling else obj.seller), facts=facts)

    def steps(self, obj: Order) -> Sequence[tuple[str, Step]]:
        """The life in six steps: which are past, which is now."""
        order = [Status.SUBMITTED, Status.IN_REVIEW, Status.CONFIRMED, Status.IN_FULFILMENT, Status.DELIVERED, Status.CLOSED]
        shipped = obj.fulfilment in (Fulfilment.SHIPPED, Fulfilment.RECEIVED)
        reached = [
            True,
            obj.status not in (Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.REJECTED),
            shipped,
            obj.fulfilment == Fulfilment.RECEIVED,
            obj.billing == Billing.FULL,
            obj.payment == Payment.PAID,
        ]
        labels = [_("Placed"), _("Confirmed"), _("Shipped"), _("Received"), _("Invoiced"), _("Paid")]
        if obj.outside:
            labels[1], labels[2] = _("Final"), _("Confirmed by the seller")
            reached[2] = reached[3] or (reached[1] and bool(obj.promised_on or obj.fulfilment != Fulfilment.NONE))
        life = reached_in(obj)
        first = next((line.actor_name for line in lines_of_life(obj) if line.subject_kind == "orders.order"), "")
        facts: list[list[Any]] = [[] for _x in labels]
        facts[0] = [figures.moment(obj.placed_at), "" if obj.split_from_id else first]  # who took it out of another did not place it
        facts[1] = by_whom(life.get(Status.CONFIRMED)) if reached[1] else []
        shipping = life.get(Status.IN_FULFILMENT)
        if obj.outside:
            facts[2] = [figures.day(obj.promised_on)] if obj.promised_on and reached[2] else []
            facts[3] = [_("in part")] if obj.fulfilment == Fulfilment.PARTIAL else facts[3]
        elif obj.fulfilment == Fulfilment.PARTIAL:
            facts[2] = [_("in part")]
        elif shipped and shipping:
            facts[2] = [figures.moment(shipping.at), shipping.actor_name]
        facts[3] = by_whom(life.get(Status.DELIVERED)) if reached[3] else facts[3]
        if sees_prices(self.actor, obj.seller_id, obj.buyer_id):
            facts[4] = [figures.money(obj.invoiced, obj.currency)] if obj.invoiced else []
            facts[5] = [figures.money(obj.paid, obj.currency)] if obj.paid else []
        if reached[5] and life.get(Status.CLOSED):
            facts[5].append(figures.moment(life[Status.CLOSED].at))
        live = obj.status in order
        now = next((i for i, done in enumerate(reached) if not done), len(reached)) if live else -1
        return [("past" if done else "now" if i == now else "", Step(labels[i], facts=facts[i])) for i, done in enumerate(reached)]

    def buttons(self, obj: Order) -> Sequence[Button]:
        sells, buys = self.actor.acts_as(obj.seller_id), self.actor.org_id == obj.buyer_id
        url = partial(reverse, args=[obj.pk])
        found = []
        if obj.status == Status.IN_REVIEW and sells:
            yes, no = (_("Accept"), _("Decline")) if obj.transfer else (_("Approve"), _("Reject"))
            found += [
                Button(yes, url("order_approval"), icon="check", primary=True, verb="orders.approve", ask=True),
                *([] if obj.transfer else [Button(_("Send back"), url("order_return"), icon="arrow-back-up", verb="orders.return", ask=True)]),
                Button(no, url("order_rejection"), icon="x", verb="orders.approve", ask=True),
            ]
        if obj.status == Status.SUBMITTED and sells:
            found += [
                Button(_("Try again"), url("order_release"), icon="refresh", primary=True, verb="orders.release", ask=True),
                Button(_("Reject"), url("order_rejection"), icon="x", verb="orders.approve", ask=True),
            ]
        if obj.status in (Status.SUBMITTED, Status.IN_REVIEW) and buys and not obj.transfer:
            found.append(Button(_("Withdraw"), url("order_withdrawal"), icon="arrow-back-up", verb="orders.withdraw", ask=True))
        if obj.status in (Status.REJECTED, Status.CANCELLED) and not obj.transfer and (buys or (sells and self.actor.can("orders.place_for"))):
            found.append(Button(_("Copy into a new order"), f"{reverse('order_new')}?again={obj.pk}", icon="copy", primary=True, verb="orders.place"))
        if may_edit(obj) and (buys or (sells and self.actor.can("orders.place_for"))):
            draft = obj.status == Status.DRAFT
            found.append(Button(_("Change the order"), url("order_edit"), icon="pencil", primary=draft, verb="orders.place"))
            if draft:
                found.append(Button(_("Submit again"), url("order_submission"), icon="send", verb="orders.place", ask=True))
        if obj.outside and buys and obj.status in (Status.CONFIRMED, Status.IN_FULFILMENT):
            known = bool(obj.promised_on)
            label = _("Another day or number") if known else _("The seller has confirmed")
            found.append(Button(label, url("order_confirmation"), icon="check", primary=not known, verb="orders.confirm_purchase", ask=True))
        if change_waits(obj):
            if sells:
                found += [
                    Button(_("Approve the change"), url("order_approval"), icon="check", primary=True, verb="orders.approve", ask=True),
                    Button(_("Refuse the change"), url("order_rejection"), icon="x", verb="orders.approve", ask=True),
                ]
            if buys:
                found.append(Button(_("Take the change back"), url("order_withdrawal"), icon="arrow-back-up", verb="orders.withdraw", ask=True))
        elif obj.status in (Status.CONFIRMED, Status.IN_FULFILMENT) and (sells or buys) and not obj.transfer:
            found.append(Button(_("Change what is ordered"), url("order_amendment"), icon="pencil", verb="orders.amend", ask=True))
        if sells and may_keep(obj):
            label = _("Keep the goods longer") if obj.reserved_until else _("Reserve the goods again")
            found.append(Button(label, url("order_keeping"), icon="clock", primary=not obj.reserved_until, verb="orders.keep", ask=True))
        if may_split(obj, buys=buys) and (sells or buys) and not (obj.transfer and obj.status == Status.IN_REVIEW):
            found.append(Button(_("Take out into an order of its own"), url("order_split"), icon="copy", verb="orders.split", ask=True))
        if (sells or buys) and may_readdress(obj.status, obj.fulfilment):
            found.append(Button(_("Change the delivery address"), url("order_address"), icon="truck", verb="orders.readdress", ask=True))
        if sells or buys:
            found.append(Button(_("Attach a file"), url("order_files"), icon="upload", verb="orders.attach"))
        if obj.status in (Status.DRAFT, Status.SUBMITTED, Status.IN_REVIEW, Status.CONFIRMED) and (sells or buys or self.actor.org_id == obj.arranged_by_id):
            found.append(Button(_("Cancel order"), url("order_cancellation"), icon="trash", verb="orders.cancel", danger=True, ask=True))
        if obj.status == Status.IN_FULFILMENT and obj.fulfilment == Fulfilment.PARTIAL and sells:
            found.append(Button(_("Give up the rest"), url("order_short_closing"), icon="scissors", verb="orders.close_short", danger=True, ask=True))
        return found
