"""A trade for tests, built through the actions: HQ sells three products to a dealer, with stock, prices and a credit limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import uuid4

from qudao.agreements.actions import end_agreement
from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import make_agreement
from qudao.base.access import Actor, system_actor
from qudao.base.action import unit
from qudao.base.invariants import all_checks, offending
from qudao.base.outbox import drain
from qudao.catalog.models import Product
from qudao.funds.actions import ensure_account, set_limit
from qudao.funds.models import Account
from qudao.funds.rules import LimitTerms
from qudao.inventory.tests.make import Shelf, make_places, make_shelf, make_stock
from qudao.network.models import Organisation
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.people.tests.make import Cast, cast
from qudao.pricing.actions import ListDraft, create_list, set_prices
from qudao.pricing.rules import PriceDraft

START = date(2026, 1, 1)
LIMIT = Decimal(500000)


@dataclass(frozen=True)
class World:
    """The cast, HQ's shelf with products P1…, and the agreement LH → D001 with its credit account."""

    cast: Cast
    shelf: Shelf
    agreement: Agreement
    account: Account

    @property
    def products(self) -> list[Product]:
        return self.shelf.products

    @property
    def dealer(self) -> Actor:
        return self.cast.dealer


def make_credit(agreement: Agreement, limit: Decimal = LIMIT) -> Account:
    """The credit account of an agreement with its limit."""
    account = unit(lambda: ensure_account(agreement.pk, actor=system_actor()))
    return set_limit(account.pk, LimitTerms(limit), "start", actor=system_actor())


def make_prices(owner: Organisation, products: Sequence[Product], amount: Decimal = Decimal(100), **facts: Any) -> None:
    """A base list in which every product costs `amount` (gross) a piece."""
    facts.setdefault("code", f"BASE-{owner.code}")
    made = create_list(owner.pk, ListDraft(name="Base", is_base=True, **facts), actor=system_actor())
    set_prices(made.pk, [PriceDraft(p.pk, amount, START) for p in products], actor=system_actor())


def make_world(quantities: Sequence[int] = (100, 100, 100), *, limit: Decimal = LIMIT, **terms: Any) -> World:
    """Everything an order from D001 to LH needs. About 0.3 s."""
    people = cast()
    shelf = make_shelf(people.lh, quantities)
    make_prices(people.lh, shelf.products)
    terms.setdefault("payment_days", 30)
    agreement = make_agreement(people.lh, people.d001, **terms)
    make_places(people.d001)
    return World(people, shelf, agreement, make_credit(agreement, limit))


def renewed(world: World, **terms: Any) -> World:
    """The same two under a new agreement: what they had is ended. Drained, so that everything that follows from it has happened."""
    end_agreement(world.agreement.pk, "a new year", actor=system_actor())
    terms = {"payment_days": world.agreement.payment_days, "prepaid": world.agreement.prepaid, "code": f"{world.agreement.code}+"} | terms
    agreement = make_agreement(world.cast.lh, world.cast.d001, **terms)
    drain()
    return replace(world, agreement=agreement)


def make_downstream(world: World, quantity: int = 50) -> Agreement:
    """D001 sells the first product to S001 out of its own stock."""
    people = world.cast
    places = make_places(people.d001)
    make_stock(places["MAIN"], {world.products[0].pk: quantity})
    make_prices(people.d001, world.products[:1], Decimal(130))
    agreement = make_agreement(people.d001, people.s001)
    make_places(people.s001)
    make_credit(agreement)
    return agreement


def placing(world: World, *quantities: int, **facts: Any) -> Placing:
    """A placing of LH's products in order: quantity 0 leaves a product out."""
    lines = [NewLine(p.pk, Decimal(q)) for p, q in zip(world.products, quantities, strict=False) if q]
    return Placing(world.cast.lh.pk, world.cast.d001.pk, lines, **facts)


def place(world: World, *quantities: int, actor: Actor | None = None, **facts: Any) -> Order:
    """An order placed by the dealer."""
    return place_order(placing(world, *quantities, **facts), actor=actor or world.dealer, client_id=uuid4())


def assert_sound() -> None:
    """Every invariant of every module holds."""
    for check in all_checks():
        assert offending(check) == (0, []), check.name
