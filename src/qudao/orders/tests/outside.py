"""A trade with an outside seller for tests: D001 keeps the supplier SUP, which has nobody here, with terms, prices and goods."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import make_agreement
from qudao.base.access import Actor
from qudao.base.outbox import drain
from qudao.catalog.models import Product
from qudao.catalog.tests.make import make_product
from qudao.inventory.tests.make import make_places
from qudao.network.models import Organisation
from qudao.network.tests.make import make_org
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import START
from qudao.people.queries import unscoped_actor_of_membership
from qudao.people.tests.make import Cast
from qudao.pricing.actions import ListDraft, create_list, set_prices
from qudao.pricing.rules import PriceDraft


@dataclass(frozen=True)
class Outside:
    """An outside seller, the agreement under which its keeper buys, what it sells, and its keeper's people as they are now."""

    supplier: Organisation
    keeper: Organisation
    agreement: Agreement
    products: list[Product]
    admin: Actor
    buyer: Actor

    def order(self, *quantities: int, actor: Actor | None = None, **facts: Any) -> Order:
        """A purchase of the products in order; quantity 0 leaves one out."""
        lines = [NewLine(p.pk, Decimal(q)) for p, q in zip(self.products, quantities, strict=False) if q]
        placing = Placing(self.supplier.pk, self.keeper.pk, lines, **facts)
        return place_order(placing, actor=actor or self.buyer, client_id=uuid4())


def again(actor: Actor) -> Actor:
    """The same person with a new request."""
    found = unscoped_actor_of_membership(actor.membership_id or 0)
    assert found is not None
    return found


def make_outside(cast: Cast, **terms: Any) -> Outside:
    """A purchase of D001 from SUP, kept by D001's administrator."""
    return keep_outside(cast.d001, cast.dealer_admin, cast.dealer, **terms)


def keep_outside(keeper: Organisation, admin: Actor, buyer: Actor, *, named: str = "Purchase prices", **terms: Any) -> Outside:
    """Everything a purchase from SUP needs, made by its keeper's administrator through the actions. Two products at 50 and 20; `named`: the price list."""
    supplier = make_org("supplier", "SUP", keeper, actor=admin, name="东方元件", name_en="Eastern Parts")
    drain()
    admin = again(admin)
    terms.setdefault("payment_days", 30)
    agreement = make_agreement(supplier, keeper, actor=admin, **terms)
    products = [make_product(supplier, code, actor=admin, name=f"元件 {code}", name_en=f"Part {code}") for code in ("X1", "X2")]
    made = create_list(supplier.pk, ListDraft("BUY", named, is_base=True), actor=admin)
    set_prices(made.pk, [PriceDraft(p.pk, Decimal(n), START) for p, n in zip(products, (50, 20), strict=True)], actor=admin)
    make_places(keeper)
    drain()
    return Outside(supplier, keeper, agreement, products, admin, again(buyer))
