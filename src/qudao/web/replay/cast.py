"""Who and what the orders need: the company with its people, every customer as a dealer with agreement and credit, products, opening stock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from uuid import uuid5
from zoneinfo import ZoneInfo

from django.conf import settings

from qudao.agreements.rules import AgreementDraft
from qudao.base.access import Actor
from qudao.catalog.actions import CategoryDraft
from qudao.catalog.rules import ProductDraft
from qudao.kernel import clock
from qudao.network.queries import OrgCard
from qudao.network.rules import OrgFacts
from qudao.people.actions.members import PersonFacts
from qudao.pricing.actions import ListDraft
from qudao.pricing.rules import PriceDraft
from qudao.web import masters
from qudao.web.progress import Progress
from qudao.web.replay.source import SPACE, Customer, Order, Source

CURRENCY = "USD"
CODE = "NORTHWIND"
PAYMENT_DAYS = 30
PAYS_AFTER = timedelta(days=28)  # of the receipt, so two days before it is due


@dataclass(frozen=True)
class Dealer:
    """A customer of the files: the organisation, the person who orders and receives, the agreement with the company."""

    org: OrgCard
    buyer: Actor
    agreement_id: int
    limit: Decimal


@dataclass(frozen=True)
class Cast:
    """Everybody by key; `products` are ids by the number in the files."""

    company: OrgCard
    admin: Actor
    warehouse: Actor
    finance: Actor
    dealers: dict[str, Dealer]
    products: dict[str, int]
    place_id: int
    demand: dict[str, Decimal]


def moment(day: date, hour: int) -> datetime:
    """An hour of a business day."""
    return datetime.combine(day, time(hour), tzinfo=ZoneInfo(settings.TIME_ZONE))


def ready(data: Source, bar: Progress) -> Cast:
    """Make what is missing, as of the month before the first order."""
    start = min(order.ordered_on for order in data.orders).replace(day=1)
    with clock.freeze(moment(start, 8)):
        masters.roles()
        bar.say("the company")
        company = masters.organisation("hq", OrgFacts(code=CODE, name="Northwind Traders", name_en="Northwind Traders", currency=CURRENCY))
        staff = {
            role: masters.person(PersonFacts(f"{role.removeprefix('hq_')}@northwind.example", name, "en"), company, role)
            for role, name in (("hq_admin", "Andrew Fuller"), ("hq_warehouse", "Nancy Davolio"), ("hq_finance", "Steven Buchanan"))
        }
        products = _products(data, company, start)
        place = masters.main_place(company)
        demand = _demand(data)
        opening = {products[p.key]: demand.get(p.key, Decimal(0)) + p.in_stock for p in data.products}
        masters.opening(place, opening, "Stock of the files and all that they sell", uuid5(SPACE, "opening"))
        dealers = {}
        limits = _limits(data)
        for customer in data.customers:
            bar.say(customer.name)
            dealers[customer.code] = _dealer(customer, company, start, limits.get(customer.code, Decimal(0)))
    return Cast(company, staff["hq_admin"], staff["hq_warehouse"], staff["hq_finance"], dealers, products, place, demand)


def _dealer(customer: Customer, company: OrgCard, start: date, limit: Decimal) -> Dealer:
    facts = OrgFacts(
        code=f"NW-{customer.code}", name=customer.name, name_en=customer.name, currency=CURRENCY, address=customer.address[:200], phone=customer.phone[:40]
    )
    org = masters.organisation("dealer", facts, company)
    buyer = masters.person(PersonFacts(f"{customer.code.lower()}@northwind.example", customer.person, "en"), org, "dealer_buyer")
    terms = AgreementDraft(company.id, org.id, f"NW-{customer.code}", start, currency=CURRENCY, payment_days=PAYMENT_DAYS, tax_inclusive=False)
    return Dealer(org, buyer, masters.agreement(terms, limit), limit)


def _products(data: Source, company: OrgCard, start: date) -> dict[str, int]:
    """Free of tax, because the files know none; the list holds the prices of the product file."""
    groups = masters.categories(company, [CategoryDraft(f"NW-{key}", name, name) for key, name in data.categories.items()])
    drafts = [ProductDraft(p.code, p.name, p.name, tax_rate=Decimal(0), category_id=groups.get(f"NW-{p.category}"), min_qty=Decimal(1)) for p in data.products]
    ids = masters.products(company, drafts)
    by_key = {p.key: ids[p.code] for p in data.products}
    base = ListDraft("NW-BASE", "Northwind", "Northwind", CURRENCY, tax_inclusive=False, is_base=True)
    masters.price_list(company, base, [PriceDraft(by_key[p.key], p.price, start) for p in data.products if p.price > 0])
    return by_key


def _demand(data: Source) -> dict[str, Decimal]:
    """What all orders of the files take of each product."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for order in data.everything:
        for line in order.lines:
            found[line.product] += line.qty
    return dict(found)


def _limits(data: Source) -> dict[str, Decimal]:
    """The credit each dealer really used at its peak, up to the next thousand: the files name no limits, and the rule stays in force."""
    peaks: dict[str, Decimal] = {}
    for customer, changes in _exposure(data):
        used = Decimal(0)
        for _at, amount in sorted(changes):
            used += amount
            peaks[customer] = max(peaks.get(customer, Decimal(0)), used)
    return {customer: (peak / 1000).to_integral_value(ROUND_CEILING) * 1000 for customer, peak in peaks.items()}


def _exposure(data: Source) -> Iterator[tuple[str, list[tuple[datetime, Decimal]]]]:
    changes: dict[str, list[tuple[datetime, Decimal]]] = defaultdict(list)
    for order in data.everything:
        total = sum((round(line.exact, 2) for line in order.lines), Decimal(0)) + 1  # a cent of rounding per line must not decide
        changes[order.customer] += [(moment(order.ordered_on, 10), total), (paid_at(order), -total)]
    yield from changes.items()


def paid_at(order: Order) -> datetime:
    """When the dealer pays: in the morning, before new orders of that day are placed."""
    return moment(order.arrives_on + PAYS_AFTER, 9)
