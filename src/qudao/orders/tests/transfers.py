"""A transfer for tests: D001 has goods of LH's, and passes them on to D002, who buys from LH too."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

from qudao.agreements.models import Agreement
from qudao.agreements.tests.make import make_agreement
from qudao.base.access import Actor
from qudao.inventory.tests.make import make_places, make_stock
from qudao.network.tests.make import make_org
from qudao.orders.actions import arrange_transfer
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import World, make_downstream
from qudao.people.tests.make import actor_of, make_member


@dataclass(frozen=True)
class Passing:
    """The receiver's agreement with the common seller, and the people of the three."""

    world: World
    receiver: Agreement

    @property
    def clerk(self) -> Actor:
        return self.world.cast.hq_clerk

    @property
    def giver(self) -> Actor:
        return self.world.cast.dealer_admin

    @property
    def taker(self) -> Actor:
        return self.world.cast.stranger_admin

    def placing(self, *quantities: int, **facts: Any) -> Placing:
        """Quantities of LH's products in order, D001 to D002; 0 leaves a product out."""
        lines = [NewLine(p.pk, Decimal(q)) for p, q in zip(self.world.products, quantities, strict=False) if q]
        sides = {"seller_id": self.world.cast.d001.pk, "buyer_id": self.world.cast.d002.pk}
        return Placing(**{**sides, "lines": lines, **facts})

    def arrange(self, *quantities: int, actor: Actor | None = None, **facts: Any) -> Order:
        return arrange_transfer(self.placing(*quantities, **facts), actor=actor or self.clerk, client_id=uuid4())


def make_passing(world: World, quantity: int = 20, **terms: Any) -> Passing:
    """D001 has `quantity` of LH's first product; D002 buys from LH under `terms`, 45 days after the invoice."""
    make_stock(make_places(world.cast.d001)["MAIN"], {world.products[0].pk: quantity})
    terms.setdefault("payment_days", 45)
    receiver = make_agreement(world.cast.lh, world.cast.d002, **terms)
    make_places(world.cast.d002)
    return Passing(world, receiver)


@dataclass(frozen=True)
class Branch:
    """D001's own branch: S001 has goods of LH's, bought from D001, and passes them on to S002, who buys from D001 too."""

    world: World
    giver: Actor
    taker: Actor

    def placing(self, quantity: int, **facts: Any) -> Placing:
        sides = {"seller_id": self.giver.org_id, "buyer_id": self.taker.org_id}
        return Placing(**{**sides, "lines": [NewLine(self.world.products[0].pk, Decimal(quantity))], **facts})

    def arrange(self, quantity: int, *, actor: Actor | None = None, **facts: Any) -> Order:
        return arrange_transfer(self.placing(quantity, **facts), actor=actor or self.world.cast.dealer_admin, client_id=uuid4())


def make_branch(world: World, quantity: int = 20) -> Branch:
    """D001 sells LH's first product to its two sub-dealers at 130; S001 has some."""
    people = world.cast
    make_downstream(world)
    make_stock(make_places(people.s001)["MAIN"], {world.products[0].pk: quantity})
    second = make_org("dealer", "S002", people.d001)
    make_agreement(people.d001, second, payment_days=15)
    make_places(second)
    boss = actor_of(make_member("boss@s001.example", people.s001, "dealer_admin"))
    return Branch(world, boss, actor_of(make_member("owner@s002.example", second, "shop_owner")))
