"""Every page of the product once, at a desk's width and a phone's: no error, nothing sticks out, one language; the main ones are fit for everybody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any
from zlib import crc32

import pytest
from browser_visit import DESK, PHONE, Crowd, Visit, english
from browser_world import NOTE, World, pay
from django.apps import apps
from django.core.files.base import ContentFile
from django.urls import URLPattern, URLResolver, get_resolver
from playwright.sync_api import Error
from pytest_django.live_server_helper import LiveServer

from qudao.agreements.actions import set_rule
from qudao.agreements.rules import RuleDraft
from qudao.agreements.tests.make import make_agreement, make_group
from qudao.approvals.actions import AbsenceDraft, add_rule, name_deputy, retire_flow
from qudao.approvals.rules import RuleDraft as SigningRule
from qudao.base.access import system_actor
from qudao.base.import_runs import Told, begin_import, run_import
from qudao.base.outbox import drain
from qudao.base.runs import Task, start_run, work_off
from qudao.base.saved import ViewFacts, save_view
from qudao.baskets.actions import add_lines, save_template
from qudao.baskets.rules import Entry
from qudao.billing.actions import issue_collective, set_cycle
from qudao.catalog.actions import adopt_vat, register_brand, set_cost
from qudao.catalog.rules import BrandDraft, CostDraft
from qudao.catalog.tests.make import make_product
from qudao.fulfilment.actions import confirm_receipt, pack_lines, start_pick
from qudao.funds.actions import ask_limit
from qudao.funds.models import Account, SharedLimit
from qudao.funds.rules import Wanted
from qudao.inventory.actions import OpeningLine, receive_opening, set_serving, track_product
from qudao.inventory.rules import Whom
from qudao.inventory.tests.make import make_places
from qudao.kernel import clock
from qudao.kernel.errors import Waits
from qudao.ledger.actions import map_all, open_chart
from qudao.ledger.rules import HomeFacts
from qudao.messages.actions import assign, note, write
from qudao.messages.rules import TaskDraft
from qudao.network.actions import add_address
from qudao.network.rules import AddressFacts
from qudao.orders.models import Order
from qudao.orders.pages.lists import OrderList
from qudao.orders.tests.outside import keep_outside
from qudao.payments.actions import PaymentFacts, PoolFacts, announce_pool, close_over, record_payment, refund_payment, set_payer
from qudao.payments.models import Application
from qudao.payments.states import How
from qudao.people.queries import unscoped_system_role
from qudao.pricing.actions import ChangeDraft, assign_list, assign_wide, draft_change, set_rate
from qudao.pricing.models import PriceList
from qudao.pricing.rules import NewPrice, RateDraft, Wide
from qudao.pricing.tests.make import make_list
from qudao.quotas.tests.make import make_quota

pytestmark = pytest.mark.browser

#: the words of a Chinese page that are English everywhere: names of programs and keys
KNOWN_LATIN = frozenset({"Qudao", "English", "Excel", "Ctrl", "Enter", "Tab", "xlsx", "xls", "ods", "csv", "Web"})
#: addresses of a file instead of a page
FILE = re.compile(r"file_id|(jobs|imports)/<int:pk>/file")
#: pages where names in English, the codes of rights and roles, and what people wrote in their own language, are what one wants to know
NAMED: tuple[str, ...] = (
    "categories/",
    "categories/#/",
    "places/#/",
    "products/#/",
    "organisations/#/",
    "roles/#/",
    "people/#/",
    "help/search/",
    "log/",
    "log/#/",
)
#: and the texts of notices, which are shown in both languages
NAMED = (*NAMED, "notice-texts/", "notice-texts/orders.confirmed/en/", "notice-texts/orders.confirmed/en/standard")
#: first part of an address → the table whose row its number means; pages of rows that tell more come first
ROWS = {
    "orders": "orders.Order",
    "shipments": "fulfilment.Shipment",
    "parcels": "fulfilment.Package",
    "differences": "fulfilment.Difference",
    "invoices": "billing.Invoice",
    "collective-invoices": "billing.Collective",
    "payments": "payments.Payment",
    "pooled-payments": "payments.Pool",
    "funds": "funds.Account",
    "limit-requests": "funds.LimitRequest",
    "shared-limits": "funds.SharedLimit",
    "stock": "inventory.Stock",
    "lots": "inventory.Lot",
    "serving-rules": "inventory.ServingRule",
    "price-lists": "pricing.PriceList",
    "prices": "pricing.Price",
    "price-changes": "pricing.PriceChange",
    "addresses": "network.Address",
    "list-assignments": "pricing.ListAssignment",
    "special-prices": "pricing.SpecialPrice",
    "exchange-rates": "pricing.Rate",
    "chart": "ledger.Mapping",
    "wide-assignments": "pricing.WideAssignment",
    "buyer-groups": "agreements.Group",
    "assortment-rules": "agreements.AssortmentRule",
    "quotas": "quotas.Quota",
    "group-members": "agreements.GroupMember",
    "agreements": "agreements.Agreement",
    "authorisations": "agreements.Authorisation",
    "products": "catalog.Product",
    "brands": "catalog.Brand",
    "categories": "catalog.Category",
    "places": "inventory.Place",
    "tax-classes": "catalog.TaxClass",
    "costs": "catalog.Cost",
    "baskets": "baskets.Basket",
    "basket": "baskets.Line",
    "templates": "baskets.Template",
    "favourites": "catalog.Product",
    "packs": "catalog.Pack",
    "notices": "qudao_messages.Notice",
    "messages": "qudao_messages.Message",
    "notes": "qudao_messages.Note",
    "tasks": "qudao_messages.Task",
    "approval-flows": "approvals.Flow",
    "people": "people.Membership",
    "roles": "people.Role",
    "approvals": "orders.Order",
    "absences": "approvals.Absence",
    "approval-requests": "approvals.Proposal",
    "jobs": "base.Run",
    "log": "base.ActionLog",
    "views": "base.SavedView",
    "imports": "base.ImportRun",
}
#: pages that somebody else opens than the administrator
WHO = {"approvals/": "clerk", "orders/new/": "owner", "shipments/#/receipt": "owner"}
#: everything, whatever it takes
SLOW = bool(os.environ.get("QUDAO_SLOW"))
#: where the work is done; these are looked at with axe, in both languages
MAIN = (
    "", "orders/", "orders/#/", "orders/new/", "approvals/", "orders/#/rejection", "shipments/", "shipments/#/", "shipments/#/dispatch",
    "shipments/#/receipt", "invoices/", "invoices/#/", "payments/", "payments/#/", "payments/new", "stock/", "products/", "me/",
)  # fmt: skip


#: what looks different from the buyer's side
BOUGHT = ("", "orders/", "orders/#/", "shipments/", "shipments/#/", "invoices/", "invoices/#/", "payments/#/", "shop/", "basket/")


def walk(resolver: URLResolver, before: str = "") -> Iterator[str]:
    """The addresses of our own pages, files left out; numbers are written #."""
    for one in resolver.url_patterns:
        address = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from walk(one, address)
        elif isinstance(one, URLPattern) and one.callback.__module__.startswith("qudao.") and not address.startswith("api/") and not FILE.search(address):
            address = address.replace("<int:pk>", "#").replace("<int:no>", "1").replace("<int:at>", "1")
            address = address.replace("<str:token>", "no-such-token").replace("<str:digest>", "0" * 32)
            address = address.replace("<str:code>/<str:language>", "orders.confirmed/en")
            yield address.replace("<slug:topic>", "search").replace("imports/new/<str:name>", "imports/new/catalog.products")


@cache
def addresses() -> list[str]:
    return sorted({*walk(get_resolver()), "imports/new/fulfilment.parcels"})  # a file that people take along and bring back


@dataclass(eq=False)
class Lived:
    """A world in which every kind of row exists, and the windows of its people, opened once for all pages."""

    world: World
    crowd: Crowd
    rows: dict[str, int] = field(default_factory=dict)
    windows: dict[str, Visit] = field(default_factory=dict)

    def at(self, address: str) -> str:
        """The address with a row of its kind filled in."""
        if "#" not in address:
            return f"/{address}"
        row = self.rows.get(address) or self.rows.get(address.partition("/")[0])
        assert row, f"say in ROWS which row /{address} means"
        return "/" + address.replace("#", str(row))

    def window(self, key: str, language: str) -> Visit:
        name = f"{key} {language}"
        if name not in self.windows:
            cookies = self.world.cookies(key, language, self.crowd.url) if key else None
            self.windows[name] = self.crowd.open(cookies, language=language, axe=True)
        return self.windows[name]

    def open(self, address: str, language: str, who: str = "admin") -> Visit | None:
        """The page as `who`, or the first of the others who may open it; None when no page stands there (a button's address, a file, a way on)."""
        for key in (WHO.get(address, who), "owner", ""):
            visit = self.window(key, language)
            visit.turn(DESK)
            status, page = self._asked(visit, self.at(address))
            if status == 200 and page:
                return visit
            visit.faults.clear()  # of a page that is refused, or is none
            if status in (200, 204, 301, 302, 405, 409):  # a file, nothing new, a way on, the address of a button, a link that is used up
                return None
            assert status in (403, 404), f"{status} for {key}"
        raise AssertionError("nobody may open this page")

    @staticmethod
    def _asked(visit: Visit, address: str) -> tuple[int, bool]:
        """The status of an address, and whether it is the page that the window now shows."""
        try:
            answer = visit.go(address)
        except Error:  # nothing that a window shows: a file, or an answer without words
            return visit.page.request.get(visit.url + address, max_redirects=0).status, False
        assert answer is not None
        if before := answer.request.redirected_from:
            first = before.response()
            assert first is not None
            return first.status, False
        return answer.status, answer.headers["content-type"].startswith("text/html") and "<html" in answer.text()

    def again(self, visit: Visit, address: str, language: str) -> Visit:
        """The page that `visit` shows, for the same person in another language, on a phone."""
        key = next(name.rpartition(" ")[0] for name, one in self.windows.items() if one is visit)
        other = self.window(key, language)
        other.turn(PHONE)
        other.go(self.at(address))
        return other


def _widen(world: World) -> Order:
    """What a brand keeps about its goods and prices beyond the simplest: classes, rates, groups, lots; and a cent that was written off. Returns a
    purchase from an outside seller.
    """
    brand, system = world.orgs["LH"], system_actor()
    set_rate(brand.pk, RateDraft("USD", "CNY", date(2026, 1, 1), Decimal("7.1")), actor=system)
    gold = make_list(brand, "GOLD")
    assign_wide(gold.pk, Wide(make_group(brand, "GOLD", world.orgs["D001"]).pk), actor=system)
    adopt_vat(brand.pk, actor=system)
    open_chart("plain", actor=world.people["finance"])
    map_all([HomeFacts("revenue", "4000", None, Decimal("0.13"))], actor=world.people["finance"])
    register_brand(brand.pk, BrandDraft("B1", NOTE), actor=system)
    set_cost(CostDraft(world.products["RC-40"].pk, Decimal(5), date(2026, 1, 1)), actor=world.people["admin"])
    product = make_product(brand, "LOT-1", name=NOTE, name_en=NOTE)
    make_quota(brand, product.pk, 100, {world.orgs["D001"]: 40}, valid_from=date(2026, 1, 1))
    draft_change(gold.pk, ChangeDraft(NOTE, clock.today()), [NewPrice(product.pk, Decimal(5))], actor=system)
    track_product(product.pk, actor=world.people["admin"])
    places = make_places(brand)
    set_rule(RuleDraft(False, date(2026, 1, 1), buyer_id=world.orgs["D002"].pk, product_id=product.pk), actor=world.people["admin"])
    set_serving(Whom(buyer_id=world.orgs["D002"].pk), [places["MAIN"]], actor=world.people["admin"])
    receive_opening(places["MAIN"], [OpeningLine(product.pk, Decimal(5), "L1", clock.today())], NOTE, actor=system)
    set_cycle(world.agreement.pk, "month", 25, actor=system)
    _order, shipment = world.shipped({"KT-17": 1})
    confirm_receipt(shipment.pk, actor=world.people["buyer"])
    drain()
    issue_collective(world.agreement.pk, actor=system)
    rest = record_payment(PaymentFacts(brand.pk, world.orgs["D001"].pk, Decimal("0.01")), (), actor=world.people["finance"])
    close_over(rest.pk, actor=world.people["finance"])
    spare = record_payment(PaymentFacts(brand.pk, world.orgs["D001"].pk, Decimal(20)), (), actor=world.people["finance"])
    flow = add_rule(brand.pk, SigningRule("payments.out", unscoped_system_role("hq_admin")), actor=system).flow_id
    with suppress(Waits):
        refund_payment(spare.pk, Decimal(10), NOTE, actor=world.people["finance"])
    retire_flow(flow, actor=system)
    ask_limit(Account.unscoped.get(seller=brand, buyer=world.orgs["D001"], transfers=False).pk, Wanted(Decimal(900_000)), NOTE, actor=world.people["buyer"])
    direct = make_agreement(brand, world.orgs["S001"])
    set_payer(direct.pk, world.orgs["D001"].pk, actor=system)
    SharedLimit.unscoped.create(seller=brand, head=world.orgs["D001"], currency="EUR", limit_amount=Decimal(10))
    announce_pool(PoolFacts(brand.pk, world.orgs["D001"].pk, Decimal(10), NOTE), actor=system)
    outside = keep_outside(brand, world.people["admin"], world.people["admin"], named=NOTE)
    return outside.order(3, 2)


@pytest.fixture(scope="module")
def lived(chromium: Any, live_server: LiveServer, world: World) -> Iterator[Lived]:
    """Orders in every state, a payment announced and one booked, everything else a page needs; about two seconds."""
    add_address(
        world.orgs["D001"].pk, AddressFacts(label=NOTE, recipient=NOTE, phone="0571 8000 0000", area_code="330106", street=NOTE), actor=world.people["owner"]
    )
    order, invoice = world.invoiced({"RC-40": 3, "KT-17": 2}, missing=1)
    pay(world, invoice)
    payment = world.announced()
    waiting = world.order({"RC-40": 120, "FN-16": 2})
    picked = start_pick(world.order({"KT-17": 6, "RC-40": 1}).pk, actor=world.people["warehouse"])
    pack_lines(picked.pk, {line.pk: Decimal(1) for line in picked.lines.all()}, weight=Decimal("12.5"), actor=world.people["warehouse"])
    _order, sent = world.shipped({"KT-17": 4, "RC-40": 2})
    assign_list(world.agreement.pk, PriceList.unscoped.get().pk, actor=system_actor())
    buyer, clerk = world.people["buyer"], world.people["clerk"]
    write("orders.order", order.pk, f"@{clerk.name} {NOTE}", actor=buyer)
    note("orders.order", order.pk, NOTE, actor=clerk)
    assign("orders.order", order.pk, TaskDraft(NOTE, clerk.user_id or 0), actor=clerk)
    basket = add_lines(world.agreement.pk, [Entry(world.products["RC-40"].pk, Decimal(2))], actor=world.people["owner"])
    save_template(basket.pk, NOTE, actor=world.people["owner"])
    admin, today = world.people["admin"], clock.today()
    name_deputy(AbsenceDraft(clerk.user_id or 0, today, today), actor=admin)
    save_view("/orders/", "side=sell", ViewFacts(NOTE), actor=admin)
    task = Task(OrderList.path(), "approve", "/orders/?side=sell", [0])  # no such order: the report has a failed row
    work_off(start_run(task, actor=admin).pk)
    stock = b"product,qty,place\nRC-40,2,\nRC-40,,NONE\n"
    run_import(begin_import("inventory.opening", ContentFile(stock, "S-40.csv"), actor=admin).pk, Told(skip_wrong=True), actor=admin)
    purchase = _widen(world)
    drain()
    found = Lived(world, Crowd(chromium, live_server.url))
    for first, label in ROWS.items():
        row = apps.get_model(label).unscoped.order_by("pk").first()
        assert row is not None, f"the world has no {label}"
        found.rows[first] = row.pk
    found.rows |= {"organisations": world.orgs["D001"].pk, "accounts": world.orgs["D001"].pk, "orders": order.pk, "payments": payment.pk, "me": 1, "system": 1}
    found.rows["small-differences"] = Application.unscoped.get(how=How.DIFFERENCE).pk
    found.rows |= {"shipments/#/dispatch": picked.pk, "shipments/#/receipt": sent.pk, "orders/#/rejection": waiting.pk}
    found.rows |= dict.fromkeys(("orders/#/confirmation", "orders/#/receipts", "orders/#/seller-invoice"), purchase.pk)
    yield found
    found.crowd.leave()


def checked(visit: Visit) -> Iterator[str]:
    """What is wrong with the page in the window, at both widths."""
    for width in (DESK, PHONE):
        visit.turn(width)
        if wide := visit.wide():
            yield f"at {width['viewport']['width']} px {wide}"
    yield from visit.faults
    visit.faults.clear()


def unfit(who: str, address: str, lived: Lived) -> list[str]:
    """What is wrong with a page: with axe in Chinese at a desk; every sixteenth (with QUDAO_SLOW every one) in English on a phone, too. Its address first."""
    visit = lived.open(address, "zh-hans", who)
    if visit is None:
        return []
    wrong = [f"in English: {text}" for text in english(visit.texts(), KNOWN_LATIN) if address not in NAMED]
    if who == "owner" or address not in MAIN:  # those are looked at in test_pages_rest
        wrong += visit.grave()
    wrong += checked(visit)
    if (who == "owner" or address not in MAIN) and (SLOW or crc32(address.encode()) % 16 == 0):
        phone = lived.again(visit, address, "en")
        wrong += [f"in English on a phone: {one}" for one in [phone.wide(), *phone.grave(), *phone.faults] if one]
        phone.faults.clear()
    return [visit.page.url, *wrong] if wrong else []


def everywhere() -> list[tuple[str, str]]:
    """Who opens which address; the other half is walked beside this one, in test_pages_rest."""
    return [*(("admin", one) for one in addresses()), *(("owner", one) for one in BOUGHT)]


@pytest.mark.parametrize(("who", "address"), everywhere()[::2])
def test_a_page_fits_both_widths_and_is_fit_for_everybody(who: str, address: str, lived: Lived) -> None:
    """Nothing scrolls sideways, too."""
    wrong = unfit(who, address, lived)
    assert not wrong, "\n  ".join(wrong)
