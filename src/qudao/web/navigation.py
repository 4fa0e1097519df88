"""The menu by job, as a plain list, and what the frame around every page shows: who, for whom, notices, tasks.

An item stands there when its address exists (its module is installed) and the person has its verb. `frame` is a context processor;
everything in it is read when the template asks for it, so a page without the frame costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.access import Actor
from qudao.base.html.tables import by_language


@dataclass(frozen=True)
class Item:
    """One place: label, address name, the verb it needs; `query` is added to the address, `kinds` limits it to kinds of organisation."""

    label: Any
    name: str
    verb: str = ""
    query: str = ""
    count: str = ""
    kinds: tuple[str, ...] = ()
    icon: str = ""
    #: only for who keeps an outside seller
    outside: bool = False
    #: lists that have no place of their own and stand under this one: names of addresses
    under: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """One job; it leads to its first place that the person may open."""

    label: Any
    icon: str
    items: tuple[Item, ...]


_OWNERS = ("hq", "region")
_BUYERS = ("region", "dealer", "outlet", "customer")

HOME = Item(pgettext_lazy("menu", "Home"), "home")
SECTIONS: tuple[Section, ...] = (
    Section(
        pgettext_lazy("menu", "Sell"),
        "receipt",
        (
            Item(_("Orders"), "orders", "orders.view", "side=sell", kinds=_OWNERS),
            Item(pgettext_lazy("menu", "Dealers' orders"), "orders", "orders.approve", "side=sell", kinds=("dealer",)),
            Item(pgettext_lazy("menu", "Transfers"), "orders", "orders.arrange", "kind=transfer", kinds=(*_OWNERS, "dealer")),
            Item(_("Approvals"), "approvals", "orders.approve", count="approvals"),
            Item(_("Shipments"), "shipments", "fulfilment.view", "side=sell", kinds=_OWNERS),
            Item(_("Shipments"), "shipments", "fulfilment.ship", "side=sell", kinds=("dealer",)),
            Item(_("Differences"), "differences", "fulfilment.view", kinds=_OWNERS),
            Item(_("Prices"), "price_lists", "pricing.view", kinds=_OWNERS, under=("prices", "rates")),
            Item(_("Price changes"), "price_changes", "pricing.view", kinds=_OWNERS),
            Item(_("Prices"), "price_lists", "pricing.edit", kinds=("dealer",), under=("prices", "rates", "price_changes")),
            Item(_("Scarce goods"), "quotas", "quotas.view"),
            Item(_("Assortments"), "assortment_rules", "agreements.assort"),
            Item(_("Agreements"), "agreements", "agreements.view", kinds=_OWNERS),
        ),
    ),
    Section(
        pgettext_lazy("menu", "Buy"),
        "shopping-cart",
        (
            Item(_("Catalogue"), "shop", "baskets.use", kinds=_BUYERS),
            Item(_("Basket"), "basket", "baskets.use", kinds=_BUYERS),
            Item(_("New order"), "order_new", "orders.place", kinds=_BUYERS),
            Item(_("My orders"), "orders", "orders.view", "side=buy", kinds=_BUYERS),
            Item(_("Outside purchases"), "orders", "orders.view", "side=buy", kinds=("hq",), outside=True),
            Item(_("Receipts"), "shipments", "fulfilment.view", "side=buy", kinds=_BUYERS),
            Item(_("Agreements"), "agreements", "agreements.view", kinds=_BUYERS),
        ),
    ),
    Section(
        pgettext_lazy("menu", "Stock"),
        "packages",
        (
            Item(_("Stock on hand"), "stock", "inventory.view"),
            Item(_("Lots"), "lots", "inventory.view"),
            Item(_("Stock moves"), "moves", "inventory.view"),
            Item(_("Places"), "places", "inventory.view"),
            Item(_("Products"), "products", "catalog.view", under=("categories", "brands", "costs", "tax_classes")),
        ),
    ),
    Section(
        pgettext_lazy("menu", "Money"),
        "coins",
        (
            Item(_("Invoices"), "invoices", "billing.view", under=("collective_invoices",)),
            Item(_("Payments"), "payments", "payments.view"),
            Item(pgettext_lazy("menu", "For branches"), "pools", "payments.view", kinds=(*_OWNERS, "dealer")),
            Item(_("Accounts"), "accounts", "ledger.view"),
            Item(_("Ageing"), "ageing", "ledger.view"),
            Item(_("Credit"), "funds", "funds.view", under=("shared_limits", "limit_requests")),
        ),
    ),
    Section(
        pgettext_lazy("menu", "Insight"),
        "chart-bar",
        (
            Item(pgettext_lazy("menu", "The year"), "insight", "orders.view", kinds=_OWNERS),
            Item(pgettext_lazy("menu", "The year"), "insight", "orders.approve", kinds=("dealer",)),
            Item(_("Order quality"), "order_quality", "orders.view"),
        ),
    ),
    Section(
        pgettext_lazy("menu", "Network"),
        "sitemap",
        (
            Item(_("Organisations"), "organisations", "network.view"),
            Item(_("People"), "people", "people.view"),
            Item(_("Roles"), "roles", "people.view"),
        ),
    ),
    Section(
        _("Settings"),
        "settings",
        (
            Item(_("Approval flows"), "approval_flows", "approvals.edit_rules"),
            Item(_("Texts of notices"), "notice_texts", "messages.edit_texts"),
            Item(_("Import"), "imports", "base.imports"),
            Item(_("Locked months"), "periods", "ledger.lock_period"),
            Item(_("System"), "system", "base.operate"),
            Item(_("Log of actions"), "log", "base.view_log"),
        ),
    ),
)
#: the five places of a phone
BOTTOM: tuple[Item, ...] = (
    Item(pgettext_lazy("menu", "Home"), "home", icon="home"),
    Item(pgettext_lazy("menu", "Order"), "shop", "baskets.use", icon="shopping-cart", kinds=_BUYERS),
    Item(pgettext_lazy("menu", "Order"), "order_new", "orders.place", icon="shopping-cart", kinds=_OWNERS),
    Item(pgettext_lazy("menu", "Scan"), "scan", icon="scan"),
    Item(pgettext_lazy("menu", "Tasks"), "tasks", "messages.view", count="tasks", icon="checklist"),
    Item(pgettext_lazy("menu", "Receive"), "shipments", "fulfilment.view", "side=buy", icon="package-import", kinds=_BUYERS),
    Item(pgettext_lazy("menu", "Ship"), "shipments", "fulfilment.view", "side=sell", icon="truck", kinds=_OWNERS),
    Item(_("Orders"), "orders", "orders.view", icon="receipt"),
    Item(pgettext_lazy("menu", "Money"), "invoices", "billing.view", icon="coins"),
    Item(pgettext_lazy("menu", "Me"), "me", icon="user"),
)


@cache
def address(name: str) -> str:
    """The address of a name without arguments, "" when no installed module has it."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


@cache
def _query(path: str) -> Callable[..., Any] | None:
    """A query of a module that may not be installed."""
    module, _dot, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name, None)
    except ModuleNotFoundError:
        return None


class Frame:
    """What the frame shows to one person; every part is read once, when asked for."""

    def __init__(self, request: HttpRequest, actor: Actor) -> None:
        self.request, self.actor = request, actor
        self.person = actor.name

    def _open(self, item: Item) -> str:
        """The item's address for this person, "" when it is not theirs."""
        if item.outside and not self.actor.stands_for:
            return ""
        if (item.verb and not self.actor.can(item.verb)) or (item.kinds and self.actor.org_kind not in item.kinds):
            return ""
        url = address(item.name)
        return f"{url}?{item.query}" if url and item.query else url

    def _is_here(self, url: str) -> bool:
        path, _mark, query = url.partition("?")
        if path == "/":
            return self.request.path == "/"
        return self.request.path.startswith(path) and (not query or query == f"side={self._side}")

    @property
    def _side(self) -> str:
        """The side the page is seen from: the address's, else what this kind of organisation mostly does."""
        return self.request.GET.get("side") or ("sell" if self.actor.org_kind in _OWNERS else "buy")

    @cached_property
    def sections(self) -> list[dict[str, Any]]:
        """The menu: sections with address, the present one opened, its items with counts."""
        home = address(HOME.name) or "/"
        found: list[dict[str, Any]] = [{"label": HOME.label, "icon": "home", "url": home, "on": self.request.path == home, "items": []}]
        best: tuple[int, dict[str, Any] | None, dict[str, Any] | None] = (0, None, None)
        for section in SECTIONS:
            items = [(item, self._open(item)) for item in section.items]
            shown = [{"label": i.label, "url": url, "count": self._count(i.count), "on": False, "_under": i.under} for i, url in items if url]
            if not shown:
                continue
            entry = {"label": section.label, "icon": section.icon, "url": shown[0]["url"], "on": False, "items": [], "_all": shown}
            for one in shown:
                length = len(one["url"].partition("?")[0])
                if self._is_here(one["url"]) and length > best[0]:
                    best = (length, entry, one)
                elif not best[0] and any(self._is_here(address(name)) for name in one["_under"] if address(name)):
                    best = (1, entry, one)
            found.append(entry)
        _length, section_on, item_on = best
        if section_on and item_on:
            item_on["on"], section_on["items"] = True, section_on["_all"]
        elif len(found) > 1 and not found[0]["on"]:
            pass
        else:  # on the home page the main job stands open
            found[1:2] = [{**entry, "items": entry["_all"]} for entry in found[1:2]]
        return found

    @cached_property
    def bottom(self) -> list[dict[str, Any]]:
        """The five places of the phone's bottom bar: home, me, and the first three that the person may open."""
        found = []
        for item in BOTTOM:
            url = self._open(item)
            if url:
                found.append({"label": item.label, "icon": item.icon, "url": url, "on": False, "count": self._count(item.count)})
        found = [*found[:1], *found[1:-1][:3], *found[-1:]] if len(found) > 5 else found
        here = [one for one in found if self._is_here(one["url"])]
        if here:
            max(here, key=lambda one: len(one["url"].partition("?")[0]))["on"] = True
        return found

    def _count(self, name: str) -> Any:
        if name == "tasks":
            return (self.tasks + self.given) or ""
        return self.tasks or "" if name == "approvals" else ""

    @cached_property
    def tasks(self) -> int:
        """How many decisions wait for this person; a page that has just read them says so."""
        if not self.actor.can("orders.approve"):
            return 0  # who may sign nothing is not asked about
        known = getattr(self.request, "pending_number", None)
        waiting = _query("qudao.approvals.queries.waiting_number")
        return known if known is not None else waiting(self.actor) if waiting else 0

    @cached_property
    def _waiting(self) -> dict[str, int]:
        known = getattr(self.request, "waiting_counts", None)  # a page that has just read them says so
        found = _query("qudao.messages.queries.waiting_counts")
        return known if known is not None else found(self.actor) if found else {}

    @property
    def given(self) -> int:
        """How many open tasks were given to this person."""
        return self._waiting.get("tasks", 0)

    @property
    def unread(self) -> int:
        """How many notices this person has not read."""
        return self._waiting.get("notices", 0)

    @cached_property
    def memberships(self) -> list[dict[str, Any]]:
        """The organisations this person may act for."""
        found = _query("qudao.people.queries.seats")
        return [
            {"id": str(pk), "org_name": by_language(org, org_en), "role_name": by_language(role, role_en), "on": pk == self.actor.membership_id}
            for pk, org, org_en, role, role_en in (found(self.actor) if found else ())
        ]

    @cached_property
    def _own(self) -> dict[str, Any]:
        return next((m for m in self.memberships if m["on"]), {"org_name": "", "role_name": ""})

    @property
    def org_name(self) -> str:
        return self._own["org_name"]

    @property
    def role_name(self) -> str:
        return self._own["role_name"]

    @property
    def theme(self) -> str:
        """light, dark, or "" to follow the device."""
        chosen = getattr(self.request, "theme", "")
        return chosen if chosen in ("light", "dark") else ""

    search_url = property(lambda self: address("search"))
    notices_url = property(lambda self: address("notices"))
    help_url = property(lambda self: address("help") and f"{address('help')}?at={quote(self.request.path)}")
    me_url = property(lambda self: address("me"))
    language_url = property(lambda self: address("language"))
    theme_url = property(lambda self: address("theme"))
    switch_url = property(lambda self: address("switch"))
    sign_out_url = property(lambda self: address("sign_out"))


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `frame` for the signed-in person; nothing for others."""
    actor = getattr(request, "actor", None)
    return {"frame": Frame(request, actor)} if actor else {}


def places(request: HttpRequest) -> list[tuple[Any, Any, str, str]]:
    """(label, section, address, icon) of every place of the menu that is open to the reader: the commands of the palette."""
    own = Frame(request, request.actor)  # type: ignore[attr-defined]
    home = [(HOME.label, "", address(HOME.name), "home")] if address(HOME.name) else []
    return home + [(item.label, section.label, url, section.icon) for section in SECTIONS for item in section.items if (url := own._open(item))]
