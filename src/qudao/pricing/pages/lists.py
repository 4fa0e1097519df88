"""Pages of prices: the lists, a list with its prices and who pays by it, and a page per verb. Also the panel of prices on an agreement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.agreements import queries as agreements
from qudao.base.access import Actor, all_verbs, policy_of
from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Bulk, Button, DetailPage, FormPage, Head, ListPage, Panel, Skip, import_buttons
from qudao.kernel import clock
from qudao.pricing import actions, queries
from qudao.pricing.actions import ListDraft
from qudao.pricing.forms import AssignForm, EndForm, ListForm, NewListForm, PriceForm, SpecialForm
from qudao.pricing.models import PriceList
from qudao.pricing.pages.levels import levels_panel
from qudao.pricing.rules import PriceDraft, SpecialDraft
from qudao.pricing.tables import ListTable, PriceTable, name_of

SHOWN = 100


class PriceLists(ListPage):
    """The own lists and those the reader buys by."""

    verb = "pricing.view"
    query = queries.price_lists
    table = ListTable
    title = gettext_lazy("Prices")

    def buttons(self) -> Sequence[Button]:
        return [
            *import_buttons("pricing.prices", self.actor),
            Button(_("All prices"), reverse("prices"), icon="search"),
            Button(_("Price changes"), reverse("price_changes"), icon="calendar", verb="pricing.edit"),
            Button(_("Exchange rates"), reverse("rates"), icon="coins", verb="pricing.rates"),
            Button(_("New price list"), reverse("price_list_new"), icon="plus", primary=True, verb="pricing.edit", key="n"),
        ]


class Prices(ListPage):
    """The prices of all lists the reader may see."""

    verb = "pricing.view"
    query = queries.all_prices
    table = PriceTable
    title = gettext_lazy("All prices")
    above = "price_lists"

    def bulk(self) -> Sequence[Button | Bulk]:
        return [
            Bulk(
                "end", _("End prices"), actions.end_price, "pricing.edit", icon="calendar", danger=True, form=EndForm,
                skips=[Skip(lambda actor: Q(valid_to__lt=clock.today()), _("they have ended already"))],
                says=_("After that day the products cannot be ordered by these lists, until they have new prices."),
            )
        ]  # fmt: skip


def _keeps(actor: Actor, price_list: PriceList) -> bool:
    return policy_of(PriceList).may(actor, "pricing.edit", price_list)


def prices_panel(request: HttpRequest, price_list: PriceList) -> Panel:
    """The prices in force, the first hundred; the rest in the list of prices."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    keeps = _keeps(actor, price_list)
    found = list(queries.prices(actor, price_list.pk, on=clock.today())[: SHOWN + 1])
    items = [
        {
            "label": f"{price.product.code} {name_of(price.product)}",
            "facts": _span(price),
            "end": f"{figures.price(price.amount)} {price_list.currency}",
            "buttons": [Button(_("End"), reverse("price_end", args=[price.pk]), ask=True)] if keeps else [],
        }
        for price in found[:SHOWN]
    ]
    if len(found) > SHOWN:
        items.append({"label": _("All prices"), "url": f"{reverse('prices')}?list={price_list.pk}"})
    return Panel(_("Prices in force"), "parts/panel_items.html", {"items": items, "empty": _("This list has no price today.")})


def _span(price: Any) -> list[str]:
    facts = [_("from {qty}").format(qty=figures.qty(price.min_qty, price.product.unit))] if price.min_qty else []
    return [*facts, figures.day(price.valid_from), figures.day(price.valid_to) if price.valid_to else _("until the next price")]


def buyers_panel(request: HttpRequest, price_list: PriceList) -> Panel:
    """Which agreements use the list, as far as the reader may know."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    keeps = _keeps(actor, price_list) and actor.can("pricing.assign")
    items = [
        {
            "label": name_of(one.agreement.buyer),
            "url": one.agreement.get_absolute_url(),
            "facts": [one.agreement.code, _("priority {priority}").format(priority=one.priority)],
            "buttons": [Button(_("Remove"), reverse("assignment_removal", args=[one.pk]), ask=True)] if keeps else [],
        }
        for one in queries.assignments(actor, list_id=price_list.pk)[:SHOWN]
    ]
    empty = _("All buyers without a list of their own pay by it.") if price_list.is_base else _("No buyer pays by it yet.")
    return Panel(_("Buyers"), "parts/panel_items.html", {"items": items, "empty": empty}, aside=True)


def timeline_panel(request: HttpRequest, price_list: PriceList) -> Panel | None:
    """What happened to it, for who keeps it."""
    if not _keeps(request.actor, price_list):  # type: ignore[attr-defined]
        return None
    verbs = all_verbs()
    entries = [
        {"who": line.actor_name or _("System"), "at": line.at, "what": verbs.get(line.verb, line.verb), "reason": line.reason}
        for line in timeline(actions.subject_of(price_list)).reverse()[:50]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


class PriceListDetail(DetailPage):
    """One list with its prices."""

    verb = "pricing.view"
    query = queries.price_lists
    kind = "pricing.list"
    panels = (prices_panel, buyers_panel, levels_panel, timeline_panel)
    above = "price_lists"

    def head(self, obj: PriceList) -> Head:
        tax = _("prices include tax") if obj.tax_inclusive else _("prices without tax")
        return Head(
            obj.code,
            (_("Base list"), "move") if obj.is_base else None,
            name_of(obj),
            facts=[obj.currency, tax, *([_("quantities count together")] if obj.mixes else [])],
        )

    def buttons(self, obj: PriceList) -> Sequence[Button]:
        if not _keeps(self.actor, obj):
            return []
        to = {name: reverse(f"price_list_{name}", args=[obj.pk]) for name in ("price", "change", "assignment", "level")}
        return [
            Button(_("Set price"), to["price"], icon="plus", primary=True, verb="pricing.edit", ask=True, key="n"),
            Button(_("New price change"), reverse("price_change_new", args=[obj.pk]), icon="calendar", verb="pricing.edit", ask=True),
            Button(_("Assign to a buyer"), to["assignment"], icon="user", verb="pricing.assign", ask=True),
            Button(_("Assign to a group or region"), to["level"], icon="users", verb="pricing.assign", ask=True),
            Button(_("Change"), to["change"], icon="pencil", verb="pricing.edit", key="e"),
        ]


class PriceListNew(FormPage):
    """A list of the own organisation, or of an outside supplier that it keeps."""

    verb = "pricing.edit"
    form = NewListForm
    title = submit = gettext_lazy("New price list")
    said = gettext_lazy("The price list is made.")
    above = "price_lists"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        owner = cleaned.pop("owner", None) or self.actor.org_id
        return actions.create_list(owner, ListDraft(**cleaned), actor=self.actor, client_id=client_id)


class _OfList(FormPage):
    """Something done to a list; only who keeps it comes in."""

    verb = "pricing.edit"
    above = "price_list"

    def find(self, **kwargs: Any) -> PriceList:
        return queries.price_list(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}


class PriceListChange(_OfList):
    """Rename a list, or make it the base list."""

    form = ListForm
    title = gettext_lazy("Change price list")
    said = gettext_lazy("The changes are saved.")

    def initial(self, obj: Any) -> dict[str, Any]:
        return {name: getattr(obj, name) for name in ListForm.base_fields}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.change_list(obj.pk, ListDraft(**cleaned, currency=obj.currency), actor=self.actor, client_id=client_id)


class PriceListPrice(_OfList):
    """Set a price; the one in force ends the day before."""

    form = PriceForm
    title = submit = gettext_lazy("Set price")
    said = gettext_lazy("The price is set.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        draft = PriceDraft(cleaned.pop("product_code"), **cleaned)
        actions.set_price(obj.pk, draft, actor=self.actor, client_id=client_id)
        return obj


class PriceListAssignment(_OfList):
    """Let a buyer pay by the list."""

    verb = "pricing.assign"
    form = AssignForm
    title = submit = gettext_lazy("Assign to a buyer")
    said = gettext_lazy("The list is assigned.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        actions.assign_list(cleaned["agreement"].pk, obj.pk, cleaned["priority"], actor=self.actor, client_id=client_id)
        return obj


class AssignmentRemoval(ActionPage):
    """Take a list off an agreement."""

    verb = "pricing.assign"
    query = queries.assignments
    title = submit = gettext_lazy("Take the list off")
    said = gettext_lazy("The buyer no longer pays by this list.")
    danger = True

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.unassign_list(obj.agreement_id, obj.list_id, actor=self.actor, client_id=client_id)

    def undo(self, obj: Any, result: Any) -> Button:
        fields = {"agreement": obj.agreement_id, "priority": obj.priority}
        return Button(_("Undo"), reverse("price_list_assignment", args=[obj.list_id]), verb="pricing.assign", fields=fields)


class PriceEnd(ActionPage):
    """The last day of a price."""

    verb = "pricing.edit"
    query = queries.all_prices
    action = actions.end_price
    form = EndForm
    title = submit = gettext_lazy("End price")
    said = gettext_lazy("The price ends.")

    def says(self, obj: Any) -> Any:
        return _("After that day the product cannot be ordered by this list, until it has a new price.")


class SpecialPriceNew(FormPage):
    """A price for the buyer of one agreement."""

    verb = "pricing.grant"
    form = SpecialForm
    title = submit = gettext_lazy("Grant special price")
    said = gettext_lazy("The special price is granted.")
    above = "agreement"

    def find(self, **kwargs: Any) -> Any:
        return agreements.agreement(self.actor, kwargs["pk"], self.verb)

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        draft = SpecialDraft(obj.pk, cleaned.pop("product_code"), **cleaned)
        actions.grant_special_price(draft, actor=self.actor, client_id=client_id)
        return obj


class SpecialPriceEnd(ActionPage):
    """The last day of a special price."""

    verb = "pricing.grant"
    query = queries.all_special_prices
    form = EndForm
    title = submit = gettext_lazy("End special price")
    said = gettext_lazy("The special price ends.")
    danger = True

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        actions.end_special_price(obj.pk, **cleaned, actor=self.actor, client_id=client_id)
        return obj.agreement


def agreement_panel(request: HttpRequest, agreement: Any) -> Panel | None:
    """On an agreement: its lists and special prices, for its two sides. Named in `qudao.web.panels`."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not actor.can("pricing.view"):
        return None
    grants = actor.can("pricing.grant") and policy_of(type(agreement)).may(actor, "pricing.grant", agreement)
    items: list[dict[str, Any]] = [
        {"label": name_of(one.list), "url": one.list.get_absolute_url(), "facts": [_("priority {priority}").format(priority=one.priority)]}
        for one in queries.assignments(actor, agreement_id=agreement.pk)
    ]
    for one in queries.special_prices(actor, agreement.pk)[:SHOWN]:
        end = [Button(_("End"), reverse("special_price_end", args=[one.pk]), ask=True)] if grants else []
        facts = [*_span(one), one.reason] if one.reason else _span(one)
        label = f"{one.product.code} {name_of(one.product)}"
        items.append({"label": label, "facts": facts, "end": f"{figures.price(one.amount)} {agreement.currency}", "buttons": end})
    if grants:
        add = Button(_("Grant special price"), reverse("special_price_new", args=[agreement.pk]), ask=True)
        items.append({"label": "", "buttons": [add]})
    return Panel(_("Prices"), "parts/panel_items.html", {"items": items, "empty": _("The base list of the seller counts.")})


routes = [
    path("price-lists/", PriceLists.as_view(), name="price_lists"),
    path("price-lists/new", PriceListNew.as_view(), name="price_list_new"),
    path("price-lists/<int:pk>/", PriceListDetail.as_view(), name="price_list"),
    path("price-lists/<int:pk>/change", PriceListChange.as_view(), name="price_list_change"),
    path("price-lists/<int:pk>/prices", PriceListPrice.as_view(), name="price_list_price"),
    path("price-lists/<int:pk>/assignments", PriceListAssignment.as_view(), name="price_list_assignment"),
    path("prices/", Prices.as_view(), name="prices"),
    path("prices/<int:pk>/end", PriceEnd.as_view(), name="price_end"),
    path("list-assignments/<int:pk>/removal", AssignmentRemoval.as_view(), name="assignment_removal"),
    path("agreements/<int:pk>/special-prices", SpecialPriceNew.as_view(), name="special_price_new"),
    path("special-prices/<int:pk>/end", SpecialPriceEnd.as_view(), name="special_price_end"),
]
