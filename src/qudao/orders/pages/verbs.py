"""A page for each verb on an order. Each ends in an action."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from qudao.approvals.queries import pending_request
from qudao.base.html import figures
from qudao.base.html.forms import Form
from qudao.base.html.pages import ActionPage, NoFields
from qudao.catalog.queries import unscoped_ids_by_code
from qudao.kernel import clock
from qudao.network.queries import addresses
from qudao.orders import actions, rules
from qudao.orders.forms import AddressForm, AmendForm, ApproveForm, ConfirmedForm, DecideForm, FileForm, KeepForm, ReasonForm, RemarkForm, SplitForm
from qudao.orders.models import Order
from qudao.orders.queries import orders, unscoped_lines_of
from qudao.orders.rules import NewLine
from qudao.orders.tables import name_of

#: lines that a page changes; longer orders are changed by API
MOST = 200


class _Verb(ActionPage):
    """A verb on an order, called with its id and the reason."""

    query = orders
    verb = "orders.view"
    form: type[Form] = RemarkForm
    above = "order"

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        action = type(self).action
        assert action is not None
        return action(obj.pk, reason=cleaned.get("reason", ""), actor=self.actor)


class _Decision(_Verb):
    """A signature on what the page showed: the approval request that waited then goes along, so that a change in between is not signed unseen."""

    form: type[Form] = DecideForm

    def initial(self, obj: Order) -> dict[str, Any]:
        waits = pending_request(self.actor, obj.subject)
        return {"seen": waits.pk if waits else None}

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        action = type(self).action
        assert action is not None
        return action(obj.pk, **cleaned | {"seen": cleaned["seen"] or 0}, actor=self.actor)


class Approve(_Decision):
    verb = "orders.approve"
    action = actions.approve_order
    form = ApproveForm
    title = submit = gettext_lazy("Approve")
    said = gettext_lazy("Approved.")

    def find(self, **kwargs: Any) -> Any:
        order = super().find(**kwargs)
        if order.transfer:
            self.title = self.submit = gettext_lazy("Accept the transfer")
            self.said = gettext_lazy("Accepted; the goods are reserved.")
        return order

    def says(self, obj: Order) -> Any:
        if obj.transfer:
            return _("You accept to pass these goods on: they are reserved, and the order goes to the warehouse.")
        return _("After the last signature credit is held, stock is reserved and the order goes to the warehouse.")


class Release(_Verb):
    verb = "orders.release"
    form = NoFields
    title = submit = gettext_lazy("Try again")
    said = gettext_lazy("The order is confirmed and goes to the warehouse.")

    def says(self, obj: Order) -> Any:
        return _("Confirms the order if its credit passes now. It does so by itself when money arrives or the limit is raised.")

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.release_order(obj.pk, actor=self.actor)


class Reject(_Decision):
    verb = "orders.approve"
    action = actions.reject_order
    title = submit = gettext_lazy("Reject")
    said = gettext_lazy("Rejected.")
    danger = True

    def find(self, **kwargs: Any) -> Any:
        order = super().find(**kwargs)
        if order.transfer:
            self.title = self.submit = gettext_lazy("Decline the transfer")
            self.said = gettext_lazy("Declined.")
        return order

    def says(self, obj: Order) -> Any:
        if obj.transfer:
            return _("Who arranged it and who was to get the goods read the reason. Nothing is passed on.")
        return _("The buyer reads the reason. The order ends here.")


class Return(_Decision):
    verb = "orders.return"
    action = actions.return_order
    title = submit = gettext_lazy("Send back")
    said = gettext_lazy("Sent back for change.")

    def says(self, obj: Order) -> Any:
        return _("It becomes a draft again; who submitted it reads what is to be changed.")


class Withdraw(_Verb):
    verb = "orders.withdraw"
    action = actions.withdraw_order
    title = submit = gettext_lazy("Withdraw")
    said = gettext_lazy("Withdrawn; the order is a draft again.")

    def says(self, obj: Order) -> Any:
        return _("The order becomes a draft that can be submitted again.")


class Submit(_Verb):
    verb = "orders.place"
    title = submit = gettext_lazy("Submit again")
    said = pgettext_lazy("toast", "Submitted.")

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.submit_order(obj.pk, actor=self.actor)

    def says(self, obj: Order) -> Any:
        return _("Prices, credit and stock are checked anew as of today.")


class Cancel(_Verb):
    verb = "orders.cancel"
    action = actions.cancel_order
    form = ReasonForm
    title = submit = gettext_lazy("Cancel order")
    said = gettext_lazy("The order is cancelled.")
    danger = True

    def says(self, obj: Order) -> Any:
        return _("Its credit and its stock are released at once. This cannot be undone.")


class Attach(_Verb):
    verb = "orders.attach"
    form = FileForm
    title = submit = gettext_lazy("Attach a file")
    said = gettext_lazy("The file is attached.")

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.attach_file(obj.pk, cleaned["file"], actor=self.actor)

    def says(self, obj: Order) -> Any:
        return _("Both sides of the order see it.")


class Readdress(_Verb):
    """Where it goes, as long as it has not left."""

    verb = "orders.readdress"
    title = gettext_lazy("Change the delivery address")
    said = gettext_lazy("The delivery address is changed.")

    def find(self, **kwargs: Any) -> Any:
        order = super().find(**kwargs)
        self.form = partial(AddressForm, known=list(addresses(self.actor, order.buyer_id)))  # type: ignore[assignment]
        return order

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        chosen = cleaned["address"]
        return actions.readdress_order(obj.pk, int(chosen) if chosen else None, actor=self.actor)

    def says(self, obj: Order) -> Any:
        now = ", ".join(obj.ship_lines)
        return _("It goes to {address} now. Both sides and the warehouse see the new address.").format(address=now) if now else ""


class Amend(_Verb):
    """Less or more of what is ordered, as long as the warehouse has not begun."""

    verb = "orders.amend"
    title = gettext_lazy("Change what is ordered")
    submit = gettext_lazy("Change the order")
    said = gettext_lazy("The order is changed.")

    def find(self, **kwargs: Any) -> Any:
        order = super().find(**kwargs)
        lines = [line for line in unscoped_lines_of(order)[:MOST] if line.wanted or line.shipped]
        for line in lines:
            line.shown_name = name_of(line.product)  # type: ignore[attr-defined]
        self.form = partial(AmendForm, lines=lines)  # type: ignore[assignment]
        return order

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        lines = {int(name.removeprefix("line_")): qty for name, qty in cleaned.items() if name.startswith("line_")}
        codes = unscoped_ids_by_code(obj.seller_id, {code for code, _qty in cleaned["added"]}) if cleaned["added"] else {}
        added = [NewLine(codes.get(code), qty, code) for code, qty in cleaned["added"]]
        return actions.amend_order(obj.pk, actions.Amendment(lines, added), reason=cleaned["reason"], actor=self.actor, client_id=client_id)

    def says(self, obj: Order) -> Any:
        return _("What is taken back is released at once. What is added has today's price, and asks for credit, stock and approval again.")


class Confirmed(_Verb):
    """The outside seller has confirmed."""

    verb = "orders.confirm_purchase"
    form = ConfirmedForm
    title = gettext_lazy("What the seller confirmed")
    submit = gettext_lazy("Write it down")
    said = gettext_lazy("The goods are expected on that day.")

    def initial(self, obj: Order) -> dict[str, Any]:
        return {"promised_on": obj.promised_on or obj.requested_on, "seller_number": obj.seller_number}

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.confirm_purchase(obj.pk, **cleaned, actor=self.actor)

    def says(self, obj: Order) -> Any:
        return _("What is still to come counts as expected on this day, for whoever waits for it.")


class Keep(_Verb):
    """Goods are kept longer for an order nobody has begun to pick, or reserved again."""

    verb = "orders.keep"
    form = KeepForm
    title = gettext_lazy("Keep the goods")
    submit = gettext_lazy("Save")
    said = gettext_lazy("Saved; the buyer is told.")

    def initial(self, obj: Order) -> dict[str, Any]:
        return {"until": (obj.reserved_until or clock.today()) + timedelta(days=7)}

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.keep_goods(obj.pk, **cleaned, actor=self.actor)

    def says(self, obj: Order) -> Any:
        if obj.reserved_until:
            return _("They are kept until {day}; then they are free for others, unless somebody begins to pick.").format(
                day=figures.day_long(obj.reserved_until)
            )
        return _("What is in stock is reserved at once; the rest waits behind those who wait already.")


class Split(_Verb):
    """A part of the order as an order of its own; `?line_<id>=<quantity>` fills in a line."""

    verb = "orders.split"
    title = gettext_lazy("Take out into an order of its own")
    submit = gettext_lazy("Make the order")
    said = gettext_lazy("It is an order of its own now.")

    def find(self, **kwargs: Any) -> Any:
        order = super().find(**kwargs)
        lines = [(line, rules.may_split_off(line, order.status)) for line in unscoped_lines_of(order)[:MOST]]
        for line, _most in lines:
            line.shown_name = name_of(line.product)  # type: ignore[attr-defined]
        known = list(addresses(self.actor, order.buyer_id))
        self.form = partial(SplitForm, lines=[one for one in lines if one[1]], known=known)  # type: ignore[assignment]
        return order

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        lines = {int(name.removeprefix("line_")): qty for name, qty in cleaned.items() if name.startswith("line_") and qty}
        wanted = actions.Splitting(lines, cleaned["requested_on"], int(cleaned["address"]) if cleaned["address"] else None)
        return actions.split_order(obj.pk, wanted, reason=cleaned["reason"], actor=self.actor, client_id=client_id)

    def says(self, obj: Order) -> Any:
        return _("The same terms and prices; credit and goods that are held go along. Nothing is asked or priced again.")


class CloseShort(_Verb):
    verb = "orders.close_short"
    action = actions.close_order_short
    form = ReasonForm
    title = submit = gettext_lazy("Give up the rest")
    said = gettext_lazy("The rest is given up.")
    danger = True

    def says(self, obj: Order) -> Any:
        return _("What was not shipped will not be shipped; its credit and stock are released.")
