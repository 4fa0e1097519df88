"""The world that the browser tests walk in: a brand and its dealer with Chinese names, goods, prices, credit and approvals, built through the actions."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from django.conf import settings
from django.test import Client

from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import START, make_agreement
from qudao.approvals.tests.make import make_rule
from qudao.base.access import Actor, system_actor
from qudao.base.action import unit
from qudao.base.outbox import drain
from qudao.billing.models import Invoice
from qudao.catalog.actions import CategoryDraft, register_category, set_pack
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_product
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.fulfilment.models import Shipment
from qudao.fulfilment.queries import lines_of
from qudao.fulfilment.rules import Count
from qudao.funds.actions import ensure_account, set_limit
from qudao.funds.rules import LimitTerms
from qudao.inventory.tests.make import make_places, make_stock
from qudao.kernel import clock
from qudao.messages.models import Notice
from qudao.network.models import Organisation
from qudao.network.tests.make import make_network
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.payments.actions import announce_payment, record_payment
from qudao.payments.models import Payment
from qudao.payments.rules import PaymentFacts
from qudao.people.actions import ensure_system_roles, set_password
from qudao.people.tests.make import actor_of, make_member, sign_in
from qudao.pricing.actions import ListDraft, create_list, set_prices
from qudao.pricing.rules import PriceDraft
from qudao.pricing.tests.make import make_special

PASSWORD = "Hupan-Kettle-2026"
#: orders from this gross amount on wait for the order clerk
SIGNED_FROM = Decimal(20_000)
LIMIT = Decimal(500_000)
#: what the dealer remarks on goods that do not arrive
NOTE = "外箱破损"

#: key → organisation, role, name
PEOPLE = {
    "admin": ("LH", "hq_admin", "程致远"),
    "clerk": ("LH", "hq_clerk", "苏敏"),
    "finance": ("LH", "hq_finance", "罗静怡"),
    "warehouse": ("LH", "hq_warehouse", "赵大成"),
    "buyer": ("D001", "dealer_buyer", "唐雨欣"),
    "owner": ("D001", "dealer_admin", "沈若琳"),
    "careful": ("D001", "dealer_buyer", "顾晓岚"),
    "forgetful": ("D001", "dealer_buyer", "陆远航"),
}
#: code → name, English name, price with tax, stock
GOODS = {
    "RC-40": ("电饭煲 4 升", "Rice cooker 4 l", "200", 500),
    "KT-17": ("电水壶 1.7 升", "Kettle 1.7 l", "100", 500),
    "FN-16": ("落地扇 16 寸", "Pedestal fan 16 in", "150", 12),
}


@dataclass(frozen=True, eq=False)
class World:
    """Who and what there is: people by key, products by code, the agreement LH → D001."""

    orgs: dict[str, Organisation]
    people: dict[str, Actor]
    products: dict[str, Product]
    agreement: Agreement

    def email(self, key: str) -> str:
        return f"{key}@example.com"

    def order(self, quantities: dict[str, int], po_number: str = "") -> Order:
        """An order of the dealer's buyer."""
        lines = [NewLine(self.products[code].pk, Decimal(qty)) for code, qty in quantities.items()]
        placing = Placing(self.orgs["LH"].pk, self.orgs["D001"].pk, lines, po_number=po_number)
        return place_order(placing, actor=self.people["buyer"], client_id=uuid4())

    def shipped(self, quantities: dict[str, int]) -> tuple[Order, Shipment]:
        """An order on its way to the dealer."""
        order = self.order(quantities)
        shipment = ship_order(order.pk, carrier="SF", tracking="20260722", actor=self.people["warehouse"])
        drain()
        return order, shipment

    def invoiced(self, quantities: dict[str, int], *, missing: int = 0) -> tuple[Order, Invoice]:
        """An order received, of its first line `missing` pieces too few, and invoiced."""
        order, shipment = self.shipped(quantities)
        first = lines_of(shipment)[0]
        counts = [Count(first.pk, first.qty - missing, short=Decimal(missing), note=NOTE)] if missing else []
        confirm_receipt(shipment.pk, counts, actor=self.people["buyer"])
        drain()
        return order, Invoice.unscoped.get(order=order)

    def announced(self, amount: str = "100") -> Payment:
        """A payment that the dealer says is on its way."""
        return announce_payment(PaymentFacts(self.orgs["LH"].pk, self.orgs["D001"].pk, Decimal(amount)), actor=self.people["owner"])

    def cookies(self, key: str, language: str, url: str) -> list[dict[str, str]]:
        """A signed-in browser of this person."""
        client = sign_in(Client(), self.people[key])
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        names = (settings.SESSION_COOKIE_NAME, settings.LANGUAGE_COOKIE_NAME)
        return [{"name": name, "value": client.cookies[name].value, "url": url} for name in names]


def build() -> World:
    """The whole world; about a second."""
    orgs = make_network()
    ensure_system_roles(actor=system_actor())
    people = {}
    for key, (org, role, name) in PEOPLE.items():
        member = make_member(f"{key}@example.com", orgs[org], role, name=name)
        set_password(member.user_id, PASSWORD, actor=system_actor())
        people[key] = actor_of(member)
    lh, d001 = orgs["LH"], orgs["D001"]
    places = make_places(lh)
    products = {code: make_product(lh, code, name=name, name_en=name_en) for code, (name, name_en, _price, _stock) in GOODS.items()}
    make_stock(places["MAIN"], {products[code].pk: one[3] for code, one in GOODS.items()})
    register_category(lh.pk, CategoryDraft("KITCHEN", "厨房电器", "Kitchen"), actor=system_actor())
    prices = [PriceDraft(products[code].pk, Decimal(one[2]), START) for code, one in GOODS.items()]
    base = create_list(lh.pk, ListDraft("BASE", "经销基准价", "Dealer prices", is_base=True), actor=system_actor())
    set_prices(base.pk, prices, actor=system_actor())
    agreement = make_agreement(lh, d001, payment_days=30)
    make_special(agreement.pk, products["FN-16"].pk, "140")
    set_pack(products["KT-17"].pk, "箱", Decimal(6), name_en="box", actor=people["admin"])
    make_places(d001)
    account = unit(lambda: ensure_account(agreement.pk, actor=system_actor()))
    set_limit(account.pk, LimitTerms(LIMIT), "年度额度", actor=system_actor())
    make_rule(lh, "hq_clerk", str(SIGNED_FROM))
    drain()
    Notice.unscoped.filter(read_at=None).update(read_at=clock.now())  # of how all began
    return World(orgs, people, products, agreement)


def pay(world: World, invoice: Invoice) -> Payment:
    """The brand's finance books what an invoice asks for."""
    facts = PaymentFacts(world.orgs["LH"].pk, world.orgs["D001"].pk, invoice.gross, reference=invoice.number)
    return record_payment(facts, actor=world.people["finance"])
