"""Collective invoices: when they are issued (on the agreement), what the next one takes, their list, the document with its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from qudao.agreements.queries import agreements
from qudao.base.access import Actor, sees_prices
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, Head, ListPage, Panel, import_buttons
from qudao.billing import actions, queries
from qudao.billing.forms import CycleForm
from qudao.billing.models import Collective, Cycle
from qudao.billing.queries import Agreement
from qudao.billing.states import Every, State
from qudao.billing.tables import CollectiveTable, badge_of, name_of
from qudao.fulfilment.pages import life_panel
from qudao.kernel.money import ZERO


def when(cycle: Cycle | None) -> str:
    """How often and when goods are invoiced, in words."""
    if cycle is None:
        return str(_("Each delivery at once"))
    days = {Every.WEEK: str(WEEKDAYS[(cycle.day - 1) % 7]), Every.HALF: _("on the 15th and the last day")}
    day = days.get(Every(cycle.every)) or _("on day {day}").format(day=cycle.day)
    return f"{cycle.get_every_display()}, {day}"


def agreement_panel(request: HttpRequest, agreement: Agreement) -> Panel | None:
    """On an agreement: when its goods are invoiced, for both sides. Named in `qudao.web.panels`."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id not in (agreement.seller_id, agreement.buyer_id) or not actor.can("billing.view"):
        return None
    cycle, mine = queries.cycle_of(actor, agreement.pk), actor.org_id == agreement.seller_id
    to = {name: reverse(f"agreement_{name}", args=[agreement.pk]) for name in ("invoicing", "upcoming")}
    buttons = [Button(_("Change"), to["invoicing"], icon="pencil", ask=True)] if mine and actor.can("billing.set_cycle") else []
    if cycle or mine:
        buttons.append(Button(_("What comes next"), to["upcoming"], icon="file-text"))
    facts = [_("next on {day}").format(day=figures.day(cycle.next_on))] if cycle else []
    return Panel(_("Invoicing"), "parts/panel_items.html", {"items": [{"label": when(cycle), "facts": facts, "buttons": buttons}]}, aside=True)


class Invoicing(ActionPage):
    """When goods under an agreement are invoiced."""

    verb = "billing.set_cycle"
    query = agreements
    form = CycleForm
    title = gettext_lazy("When goods are invoiced")
    submit = gettext_lazy("Save")
    said = gettext_lazy("Saved; it holds for what is delivered from now on and for what waits.")
    above = "agreement"

    def initial(self, obj: Agreement) -> dict[str, Any]:
        cycle = queries.cycle_of(self.actor, obj.pk)
        return {"every": cycle.every, "weekday": cycle.day, "day": cycle.day} if cycle else {}

    def says(self, obj: Agreement) -> Any:
        return _(
            "Together: one invoice over all that was delivered to the buyer, with one number and one day to pay. What waits is not lost if you change back."
        )

    def perform(self, obj: Agreement, cleaned: dict[str, Any], client_id: UUID) -> Any:
        if not cleaned["every"]:
            return actions.end_cycle(obj.pk, actor=self.actor)
        return actions.set_cycle(obj.pk, cleaned["every"], cleaned["day"], actor=self.actor)

    def done(self, result: Any) -> str:
        return self.back


def upcoming_panel(request: HttpRequest, agreement: Agreement) -> Panel:
    """What the next collective invoice would take now."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    clear = sees_prices(actor, agreement.seller_id, agreement.buyer_id)
    found = queries.unscoped_upcoming(agreement)
    items: list[dict[str, Any]] = [
        {"label": trade.number, "url": reverse("order", args=[trade.id]), "end": figures.money(gross, trade.currency) if clear else ""}
        for trade, gross in found
    ]
    if found and clear:
        items.append({"label": _("Total (incl. tax)"), "end": figures.money(sum((gross for _trade, gross in found), ZERO), agreement.currency)})
    empty = _("Nothing was delivered that is not invoiced yet.")
    return Panel(_("Delivered, not invoiced"), "parts/panel_items.html", {"items": items, "empty": empty}, note=_orders(len(found)) if found else "")


def _orders(number: int) -> str:
    return ngettext("{n} order", "{n} orders", number).format(n=number)


class Upcoming(DetailPage):
    """The next collective invoice of an agreement as it stands."""

    verb = "billing.view"
    query = agreements
    panels = (upcoming_panel,)
    above = "agreement"

    def head(self, obj: Agreement) -> Head:
        cycle = queries.cycle_of(self.actor, obj.pk)
        facts = [when(cycle), *([_("next on {day}").format(day=figures.day(cycle.next_on))] if cycle else [])]
        return Head(_("Next collective invoice"), None, obj.code, facts=facts)

    def buttons(self, obj: Agreement) -> Sequence[Button]:
        if self.actor.org_id != obj.seller_id or not queries.unscoped_unbilled(obj.pk, obj.currency):
            return []
        return [Button(_("Issue now"), reverse("agreement_collecting", args=[obj.pk]), "file-text", primary=True, verb="billing.issue", ask=True)]


class Collecting(ActionPage):
    """Issue a collective invoice now."""

    verb = "billing.issue"
    query = agreements
    title = submit = gettext_lazy("Issue the collective invoice")
    said = gettext_lazy("The collective invoice is issued.")
    above = "agreement_upcoming"

    def says(self, obj: Agreement) -> Any:
        return _("One invoice over all that was delivered under {code} and is not invoiced yet. It cannot be taken back.").format(code=obj.code)

    def perform(self, obj: Agreement, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.issue_collective(obj.pk, actor=self.actor)

    def done(self, result: Any) -> str:
        return reverse("collective_invoice", args=[result.pk])


class CollectiveList(ListPage):
    """Collective invoices in sight."""

    verb = "billing.view"
    query = queries.collectives
    table = CollectiveTable
    title = gettext_lazy("Collective invoices")

    def buttons(self) -> Sequence[Button]:
        return [replace(one, label=_("Import invoicing")) for one in import_buttons("billing.cycles", self.actor)]

    def prepare(self, rows: list[Any]) -> list[Any]:
        for row in rows:
            clear = sees_prices(self.actor, row.seller_id, row.buyer_id)
            row.shown_gross, row.shown_open = (row.gross, row.rest) if clear else (None, None)
        return rows


def parts_panel(request: HttpRequest, collective: Any) -> Panel:
    """The part of each order, with what is paid of it."""
    clear = sees_prices(request.actor, collective.seller_id, collective.buyer_id)  # type: ignore[attr-defined]
    items = []
    for part in queries.parts_of(collective):
        left = [_("{amount} to pay").format(amount=figures.money(part.open, part.currency))] if clear and part.open else []
        end = figures.money(part.gross, part.currency) if clear else ""
        items.append(
            {"label": part.number, "url": reverse("invoice", args=[part.pk]), "state": badge_of(part), "facts": [part.order.number, *left], "end": end}
        )
    return Panel(_("Orders"), "parts/panel_items.html", {"items": items}, note=_orders(len(items)))


def facts_panel(request: HttpRequest, collective: Any) -> Panel:
    """Sides, dates, tax by rate and what is left to pay."""
    clear = sees_prices(request.actor, collective.seller_id, collective.buyer_id)  # type: ignore[attr-defined]
    facts = [
        (_("Seller"), name_of(collective.seller)),
        (_("Buyer"), name_of(collective.buyer)),
        (_("Agreement"), collective.agreement.code),
        (_("Date"), figures.day_long(collective.date)),
        (_("Due"), figures.day_long(collective.due_on)),
    ]
    if clear:
        for rate in queries.taxes_of(queries.unscoped_lines_of_parts(collective)):
            word = _("Tax {rate}").format(rate=figures.percent(rate.rate)) if rate.rate is not None else _("Exempt")
            facts.append((word, figures.money(rate.tax, collective.currency)))
        facts.append((_("Still to pay"), figures.money(collective.rest, collective.currency) if collective.rest else ""))
    return Panel(_("Sides and dates"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def timeline_panel(request: HttpRequest, collective: Collective) -> Panel:
    """Who issued it when."""
    return life_panel(collective.subject, {"issued": _("issued the invoice")})


class CollectiveDetail(DetailPage):
    """One collective invoice."""

    verb = "billing.view"
    query = queries.collectives
    kind = "billing.collective"
    panels = (parts_panel, facts_panel, timeline_panel)
    above = "collective_invoices"

    def head(self, obj: Any) -> Head:
        selling = self.actor.org_id == obj.seller_id
        clear = sees_prices(self.actor, obj.seller_id, obj.buyer_id)
        state = badge_of(_Whole(State.ISSUED if obj.rest else State.PAID, obj.due_on))
        return Head(obj.number, state, name_of(obj.buyer if selling else obj.seller), facts=[figures.money(obj.gross, obj.currency)] if clear else [])


class _Whole:
    """A collective invoice as its state is shown: paid when all parts are."""

    def __init__(self, state: str, due_on: Any) -> None:
        self.state, self.due_on = state, due_on


routes = [
    path("agreements/<int:pk>/invoicing", Invoicing.as_view(), name="agreement_invoicing"),
    path("agreements/<int:pk>/upcoming-invoice", Upcoming.as_view(), name="agreement_upcoming"),
    path("agreements/<int:pk>/collective-invoices", Collecting.as_view(), name="agreement_collecting"),
    path("collective-invoices/", CollectiveList.as_view(), name="collective_invoices"),
    path("collective-invoices/<int:pk>/", CollectiveDetail.as_view(), name="collective_invoice"),
]
