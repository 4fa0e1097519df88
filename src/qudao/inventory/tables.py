"""The lists of stock, moves and places."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.access import Actor, Scope
from qudao.base.html import figures
from qudao.base.html.edits import described, renamed, text
from qudao.base.html.tables import Column, Edit, Filter, Tab, Table, by_language, cell_pair
from qudao.inventory.actions import change_place
from qudao.inventory.models import Lot, Move, Place, ServingRule, Stock
from qudao.inventory.queries import places, unscoped_used_up
from qudao.inventory.rules import PlaceFacts
from qudao.inventory.states import SOON_DAYS, PlaceKind
from qudao.kernel import clock


def product_of(row: Stock | Move) -> object:
    """The product's name in the reader's language, with its code."""
    return cell_pair(by_language(row.product.name, row.product.name_en), row.product.code)


def place_of(place: Place, own: int) -> object:
    """A place, with its owner when that is somebody else."""
    return cell_pair(place.label, place.code if place.owner_id == own else by_language(place.owner.name, place.owner.name_en))


#: how many places of others are offered beside all own ones
OTHERS = 50


def place_choices(actor: Actor) -> list[tuple[int, str]]:
    """The places with stock rows that the actor sees: all own ones, then the first of others with their owner. Two statements."""
    found = places(actor).exclude(kind=PlaceKind.OUTSIDE)
    own, others = found.filter(owner_id=actor.org_id), found.exclude(owner_id=actor.org_id)[:OTHERS]
    return [(p.pk, p.label) for p in own] + [(p.pk, f"{by_language(p.owner.name, p.owner.name_en)} {p.label}") for p in others]


def _own(actor: Actor) -> Q:
    """Who sees the stock of others as well looks for what is reserved on the own shelves: an index finds these, none finds all."""
    return Q() if actor.scope in (Scope.SELF, Scope.ORG) else Q(place__owner=actor.org_id)


class StockTable(Table):
    """What lies where; quantities in the base unit of the product."""

    columns = (
        Column("product.code", _("Product"), cell="link", sort="product__code"),
        Column("", _("Name"), cell=lambda row: by_language(row.product.name, row.product.name_en), sort="product__name", width="clip", slug="name"),
        Column("place.label", _("Place"), cell=lambda row: cell_pair(row.place.label, row.place.owner.code), dim=True, sort="place__code"),
        Column(
            "",
            _("Owner"),
            cell=lambda row: by_language(row.place.owner.name, row.place.owner.name_en),
            dim=True,
            hide_on_phone=True,
            width="clip",
            slug="owner",
        ),
        Column("on_hand", _("On hand"), cell="qty", unit="product.unit", sort="on_hand", hide_on_phone=True),
        Column("reserved", _("Reserved"), cell="qty", unit="product.unit", dim=True, sort="reserved", hide_on_phone=True),
        Column("free", _("Free"), cell="qty", unit="product.unit", sort="free"),
    )
    tabs = (
        Tab("have", _("On hand"), Q(on_hand__gt=0)),
        Tab("short", _("Nothing free"), lambda actor: Q(pk__in=unscoped_used_up(actor.org_id))),
        Tab("held", pgettext_lazy("stock", "Blocked"), ~Q(held="")),
        Tab("reserved", _("With reservations"), lambda actor: _own(actor) & Q(reserved__gt=0)),
        Tab("all", _("All")),
    )
    filters = (Filter("place", _("Place"), choices=place_choices), Filter("kind", _("Kind of place"), "place__kind", choices=PlaceKind.choices))
    kind, via = "catalog.product", "product"
    order = ("product__code", "place__code", "pk")
    empty = _("No stock is on the books yet.")
    remedy = _("Enter opening stock, or receive a shipment.")

    def along(self, tab: str, params: QueryDict) -> tuple[str, ...]:
        """The stock of one place may lie anywhere in the table: the planner would read all of it from where another reader stands."""
        return ("place_id", "product_id") if params.get("place") and tab in ("have", "all") else ()

    def url(self, row: Stock) -> str:
        return reverse("stock_item", args=[row.pk])


class LotTable(Table):
    """What lies where of which lot; what expires first comes first."""

    columns = (
        Column("", _("Lot"), cell=lambda row: row.lot or _("without a number"), sort="lot", slug="lot"),
        Column("product.code", _("Product"), cell="code", sort="product__code"),
        Column("", _("Name"), cell=lambda row: by_language(row.product.name, row.product.name_en), width="clip", hide_on_phone=True, slug="name"),
        Column("place.label", _("Place"), dim=True, sort="place__code"),
        Column("", _("Owner"), cell=lambda row: by_language(row.place.owner.name, row.place.owner.name_en), dim=True, hide_on_phone=True, slug="owner"),
        Column("expires_on", _("Good until"), cell="day", sort="expires_on"),
        Column("qty", _("Quantity"), cell="qty", unit="product.unit", sort="qty"),
    )
    tabs = (
        Tab("all", _("All")),
        Tab("soon", _("Expires soon"), lambda actor: Q(expires_on__gte=clock.today(), expires_on__lte=clock.today() + timedelta(days=SOON_DAYS))),
        Tab("expired", _("Expired"), lambda actor: Q(expires_on__lt=clock.today())),
        Tab("held", pgettext_lazy("stock", "Blocked"), ~Q(held="")),
        Tab("unnamed", _("Without a number"), Q(lot="")),
    )
    filters = (
        Filter("place", _("Place"), choices=place_choices),
        Filter("kind", _("Kind of place"), "place__kind", choices=PlaceKind.choices),
        Filter("product", _("Product code"), "product__code__iexact", kind="text"),
    )
    search = ("lot__icontains", "product__code__icontains")
    order = ("expires_on", "lot", "pk")
    empty = _("No lots are on the books.")
    remedy = _("Track a product by lot on its page; then name the lots of what comes in.")

    def url(self, row: Lot) -> str:
        return reverse("lot", args=[row.pk])


class MoveTable(Table):
    """Goods that went from one place to another, newest first."""

    columns = (
        Column("at", _("When"), cell=lambda row: figures.moment(row.at), dim=True, width="nw"),
        Column("product.code", _("Product"), cell="code"),
        Column("", _("Name"), cell=lambda row: by_language(row.product.name, row.product.name_en), width="clip", slug="name"),
        Column("qty", _("Quantity"), cell="qty", unit="product.unit"),
        Column("", _("From"), cell=lambda row: cell_pair(row.from_place.label, row.from_place.owner.code), dim=True, slug="from"),
        Column("", _("To"), cell=lambda row: cell_pair(row.to_place.label, row.to_place.owner.code), dim=True, slug="to"),
        Column("number", _("Document"), cell="code", dim=True, hide_on_phone=True),
    )
    filters = (
        Filter("product", _("Product code"), "product__code__iexact", kind="text"),
        Filter("place", _("Place"), choices=place_choices, q=lambda raw: Q(from_place_id=int(raw)) | Q(to_place_id=int(raw))),
        Filter("since", _("Since"), "month__gte", kind="day"),
    )
    # Ids grow with time, and the key serves them backwards whatever the size of the history.
    order = ("-id",)
    empty = _("Nothing has moved yet.")


def whom_of(rule: ServingRule) -> str:
    """Whom a rule serves, in words."""
    for one, words in ((rule.buyer, _("Buyer {name}")), (rule.group, _("Group {name}")), (rule.region, _("Region {name}"))):
        if one is not None:
            return str(words).format(name=f"{one.code} {by_language(one.name, one.name_en)}")
    return str(_("Area {name}")).format(name=rule.area_code) if rule.area_code else str(_("Everybody"))


class ServingTable(Table):
    """Who is served out of which warehouses, in their order."""

    columns = (
        Column("", _("Whom"), cell=whom_of, width="clip", slug="whom"),
        Column("shown_places", _("Warehouses in order")),
        Column("", _("Splits"), cell=lambda row: _("May split") if row.splits else _("From one place"), dim=True, hide_on_phone=True, slug="splits"),
        Column("", _("Seller"), cell=lambda row: by_language(row.owner.name, row.owner.name_en), dim=True, hide_on_phone=True, width="clip", slug="seller"),
    )
    order = ("buyer__code", "group__code", "region__code", "-area_code", "pk")
    search = ("buyer__code__icontains", "buyer__name__icontains", "group__code__icontains", "region__code__icontains", "area_code__startswith")
    empty = _("Everybody is served from the warehouse of the agreement.")
    remedy = _("Make a rule where several warehouses serve the same buyers.")

    def url(self, row: ServingRule) -> str:
        return reverse("serving_rule_removal", args=[row.pk])


_set_place = described(PlaceFacts, change_place)


def _about(field: str, most: int) -> Edit:
    return Edit("inventory.manage_places", text(most, required=False), _set_place(field), now=lambda row: getattr(row, field))


class PlaceTable(Table):
    """Where goods can be."""

    columns = (
        Column("code", _("Code"), cell="link", sort="code"),
        Column("label", _("Name"), edit=Edit("inventory.manage_places", text(120), renamed(_set_place), now=lambda row: by_language(row.name, row.name_en))),
        Column("", _("Kind"), cell=lambda row: row.get_kind_display(), dim=True, slug="kind"),
        Column("address", _("Address"), dim=True, hide_on_phone=True, width="clip", edit=_about("address", 240)),
        Column("contact", _("Contact"), dim=True, hide_on_phone=True, hidden=True, edit=_about("contact", 80)),
        Column("phone", _("Phone"), dim=True, hide_on_phone=True, hidden=True, edit=_about("phone", 40)),
        Column("", _("Owner"), cell=lambda row: by_language(row.owner.name, row.owner.name_en), sort="owner__code", width="clip", slug="owner"),
        Column("", _("State"), cell=lambda row: figures.badge(*place_state(row)) if row.closed else "", slug="state"),
    )
    tabs = (
        Tab("own", _("Own places"), lambda actor: Q(owner_id=actor.org_id, closed=False)),
        Tab("open", pgettext_lazy("place", "Open"), Q(closed=False)),
        Tab("closed", pgettext_lazy("place", "Closed"), Q(closed=True)),
        Tab("all", _("All")),
    )
    filters = (Filter("kind", _("Kind"), choices=PlaceKind.choices),)
    search = ("code__icontains", "name__icontains", "name_en__icontains", "address__icontains", "owner__name__icontains", "owner__code__icontains")
    order = ("owner__code", "code", "pk")
    empty = _("There is no place yet.")


def place_state(row: Place) -> tuple[Any, str]:
    """Whether a warehouse is open or closed, as (word, tone)."""
    return (pgettext_lazy("place", "Closed"), "idle") if row.closed else (pgettext_lazy("place", "Open"), "done")


def quantities(row: Any) -> list[tuple[object, object]]:
    """The figures of one row of `on_hand` for its page."""
    unit = row.product.unit
    return [
        (_("On hand"), figures.qty(row.on_hand, unit)),
        (_("Reserved"), figures.qty(row.reserved, unit)),
        (_("Free"), figures.qty(row.free, unit)),
    ]
