"""Pages of orders: the list of both sides, the document, and a page per verb. Each ends in an action."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from qudao.base.access import Actor, sees_prices
from qudao.base.audit import timeline
from qudao.base.files import files_of
from qudao.base.html import figures
from qudao.base.html.forms import Form
from qudao.base.html.meters import Meter
from qudao.base.html.pages import ActionPage, Button, DetailPage, Head, ListPage, Panel, Step
from qudao.funds.queries import unscoped_card
from qudao.kernel.money import ZERO
from qudao.orders import actions
from qudao.orders.forms import FileForm, ReasonForm, RemarkForm
from qudao.orders.models import Order
from qudao.orders.queries import orders, purchases, sales, unscoped_lines_of
from qudao.orders.states import DONE, DONE_BY_MOVE, Billing, Fulfilment, Payment, Status
from qudao.orders.tables import OrderTable, badge_of, name_of
from qudao.pricing.states import Level, Verdict


class OrderList(ListPage):
    """Orders one sells, buys, or oversees."""

    verb = "orders.view"
    query = orders
    table = OrderTable
    title = gettext_lazy("Orders")

    def buttons(self) -> Sequence[Button]:
        return [Button(_("New order"), reverse("order_new"), icon="plus", primary=True, verb="orders.place", key="n")]

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            row.shown_gross = row.gross if sees_prices(self.actor, row.seller_id, row.buyer_id) else None
        return rows


class SalesList(OrderList):
    """What the own organisation sells."""

    query = sales
    title = gettext_lazy("Sales orders")


class PurchaseList(OrderList):
    """What the own organisation buys."""

    query = purchases
    title = gettext_lazy("Purchase orders")


def order_list(request: HttpRequest) -> HttpResponseBase:
    """The list of the side asked for in the address (`side=sell`, `side=buy`), else of everything in sight."""
    page = {"sell": SalesList, "buy": PurchaseList}.get(request.GET.get("side", ""), OrderList)
    return page.as_view()(request)


def lines_panel(request: HttpRequest, order: Order) -> Panel:
    """The lines with how each amount came about, for those who see prices."""
    clear = sees_prices(request.actor, order.seller_id, order.buyer_id)  # type: ignore[attr-defined]
    lines: list[Any] = list(unscoped_lines_of(order))
    for line in lines:
        line.shown_name = name_of(line.product)
        line.shown_steps = [_step(step) for step in line.price_steps]
    return Panel(
        _("Lines"),
        "orders/lines.html",
        {"order": order, "lines": lines, "clear": clear, "units": sum(line.qty for line in lines)},
        note=_("{count} lines").format(count=len(lines)),
    )


def _step(step: dict[str, Any]) -> dict[str, Any]:
    """One candidate of a price in words: its level and list, why it won or did not, its amount."""
    level = Level(step["level"]).label if step.get("level") in Level.values else step.get("level", "")
    chosen = step.get("verdict") == Verdict.CHOSEN
    verdict = Verdict(step["verdict"]).label if step.get("verdict") in Verdict.values else ""
    note = " ".join(str(x) for x in (step.get("code", ""), verdict) if x)
    return {"level": level, "note": note, "chosen": chosen, "amount": step.get("amount")}


def credit_panel(request: HttpRequest, order: Order) -> Panel | None:
    """The credit of this agreement, for its two sides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("funds.view") or actor.org_id not in (order.seller_id, order.buyer_id):
        return None
    card = unscoped_card(order.agreement_id)
    if card is None:
        return None
    p = card.position
    deciding = order.gross if order.status == Status.IN_REVIEW else ZERO
    meter = Meter(
        limit=p.limit,
        temp_limit=card.limit - p.limit,
        overdue=min(p.overdue, p.invoiced),
        invoiced=p.invoiced - min(p.overdue, p.invoiced),
        shipped=p.shipped,
        ordered=p.ordered,
        unapplied=p.unapplied,
        this=deciding,
        currency=order.currency,
    )  # fmt: skip
    return Panel(_("Credit"), "parts/panel_credit.html", {"meter": meter}, aside=True)


def facts_panel(request: HttpRequest, order: Order) -> Panel:
    """The two sides and the terms the order was made under."""
    facts = [
        (_("Seller"), name_of(order.seller)),
        (_("Buyer"), name_of(order.buyer)),
        (_("Requested"), figures.day_long(order.requested_on) if order.requested_on else ""),
        (_("Terms"), _("{days} days after the invoice").format(days=order.payment_days)),
        (_("Invoice on"), _("receipt") if order.invoice_on == "receipt" else _("shipment")),
        (_("Buyer's number"), order.po_number),
        (_("Note"), order.note),
    ]
    return Panel(_("Sides and terms"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def timeline_panel(request: HttpRequest, order: Order) -> Panel:
    """Who did what when, through which channel."""
    channels = {"api": _("API"), "phone": _("phone"), "file": _("file"), "system": _("automatically"), "command": _("command line")}
    entries = []
    for line in timeline(order.subject).reverse():
        who = line.actor_name or (_("System") if line.actor_kind == "system" else "")
        what = str(DONE_BY_MOVE.get((line.before, line.after)) or DONE.get(line.after, line.after))
        channel = channels.get(line.channel)
        entries.append(
            {
                "who": who,
                "at": line.at,
                "what": f"{what} ({channel})" if channel else what,
                "stage": _seconds(line.stage_seconds),
                "reason": line.reason,
            }
        )
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


def _seconds(value: int | None) -> Any:
    return timedelta(seconds=value) if value is not None else None


def files_panel(request: HttpRequest, order: Order) -> Panel | None:
    """The files that either side attached, for the two sides."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id not in (order.seller_id, order.buyer_id) or not actor.can("base.files"):
        return None
    items = [
        {"url": f"/api/v1/orders/{order.pk}/files/{one.pk}", "label": one.name, "facts": [one.by_name, figures.moment(one.at)]}
        for one in files_of(order.subject)
    ]  # fmt: skip
    return Panel(_("Files"), "parts/panel_items.html", {"items": items, "empty": _("No files yet.")}, aside=True)


class OrderDetail(DetailPage):
    """One order: its lines, credit, life, and what upper modules add."""

    verb = "orders.view"
    query = orders
    kind = "orders.order"
    panels = (lines_panel, credit_panel, facts_panel, files_panel, timeline_panel)

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("orders")

    def head(self, obj: Order) -> Head:
        selling = self.actor.org_id == obj.seller_id
        clear = sees_prices(self.actor, obj.seller_id, obj.buyer_id)
        title = _("Sales order") if selling else _("Purchase order") if self.actor.org_id == obj.buyer_id else _("Order")
        amount = figures.money(obj.gross, obj.currency) if clear else ""
        return Head(obj.number or _("Draft"), badge_of(obj), name_of(obj.buyer if selling else obj.seller), facts=[f for f in (title, amount) if f])

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
        facts: list[list[Any]] = [[] for _x in labels]
        facts[0] = [figures.moment(obj.placed_at)]
        if obj.fulfilment == Fulfilment.PARTIAL:
            facts[2] = [_("in part")]
        if sees_prices(self.actor, obj.seller_id, obj.buyer_id):
            facts[4] = [figures.money(obj.invoiced, obj.currency)] if obj.invoiced else []
            facts[5] = [figures.money(obj.paid, obj.currency)] if obj.paid else []
        live = obj.status in order
        now = next((i for i, done in enumerate(reached) if not done), len(reached)) if live else -1
        return [("past" if done else "now" if i == now else "", Step(labels[i], facts=facts[i])) for i, done in enumerate(reached)]

    def buttons(self, obj: Order) -> Sequence[Button]:
        sells, buys = self.actor.org_id == obj.seller_id, self.actor.org_id == obj.buyer_id
        url = partial(reverse, args=[obj.pk])
        found = []
        if obj.status == Status.IN_REVIEW and sells:
            found += [
                Button(_("Approve"), url("order_approval"), icon="check", primary=True, verb="orders.approve", ask=True),
                Button(_("Reject"), url("order_rejection"), icon="x", verb="orders.approve", ask=True),
            ]
        if obj.status == Status.IN_REVIEW and buys:
            found.append(Button(_("Withdraw"), url("order_withdrawal"), icon="arrow-back-up", verb="orders.withdraw", ask=True))
        if obj.status == Status.DRAFT and buys:
            found.append(Button(_("Submit again"), url("order_submission"), icon="send", primary=True, verb="orders.place", ask=True))
        if sells or buys:
            found.append(Button(_("Attach a file"), url("order_files"), icon="upload", verb="orders.attach"))
        if obj.status in (Status.DRAFT, Status.IN_REVIEW, Status.CONFIRMED) and (sells or buys):
            found.append(Button(_("Cancel order"), url("order_cancellation"), icon="trash", verb="orders.cancel", danger=True, ask=True))
        if obj.status == Status.IN_FULFILMENT and obj.fulfilment == Fulfilment.PARTIAL and sells:
            found.append(Button(_("Give up the rest"), url("order_short_closing"), icon="scissors", verb="orders.close_short", danger=True, ask=True))
        return found


class _Verb(ActionPage):
    """A verb on an order, called with its id and the reason."""

    query = orders
    verb = "orders.view"
    form: type[Form] = RemarkForm

    def perform(self, obj: Order, cleaned: dict[str, Any], client_id: UUID) -> Any:
        action = type(self).action
        assert action is not None
        return action(obj.pk, reason=cleaned.get("reason", ""), actor=self.actor)

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("order", args=[self.kwargs["pk"]])


class Approve(_Verb):
    verb = "orders.approve"
    action = actions.approve_order
    title = submit = gettext_lazy("Approve")
    said = gettext_lazy("Approved.")

    def says(self, obj: Order) -> Any:
        return _("After the last signature credit is held, stock is reserved and the order goes to the warehouse.")


class Reject(_Verb):
    verb = "orders.approve"
    action = actions.reject_order
    form = ReasonForm
    title = submit = gettext_lazy("Reject")
    said = gettext_lazy("Rejected.")
    danger = True

    def says(self, obj: Order) -> Any:
        return _("The buyer reads the reason. The order ends here.")


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


class CloseShort(_Verb):
    verb = "orders.close_short"
    action = actions.close_order_short
    form = ReasonForm
    title = submit = gettext_lazy("Give up the rest")
    said = gettext_lazy("The rest is given up.")
    danger = True

    def says(self, obj: Order) -> Any:
        return _("What was not shipped will not be shipped; its credit and stock are released.")


routes = [
    path("orders/", order_list, name="orders"),
    path("orders/<int:pk>/", OrderDetail.as_view(), name="order"),
    path("orders/<int:pk>/approval", Approve.as_view(), name="order_approval"),
    path("orders/<int:pk>/rejection", Reject.as_view(), name="order_rejection"),
    path("orders/<int:pk>/withdrawal", Withdraw.as_view(), name="order_withdrawal"),
    path("orders/<int:pk>/submission", Submit.as_view(), name="order_submission"),
    path("orders/<int:pk>/files", Attach.as_view(), name="order_files"),
    path("orders/<int:pk>/cancellation", Cancel.as_view(), name="order_cancellation"),
    path("orders/<int:pk>/short-closing", CloseShort.as_view(), name="order_short_closing"),
]
