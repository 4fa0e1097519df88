"""Two outlets of a dealer that buy from its seller themselves, for tests of head offices."""

from __future__ import annotations

from decimal import Decimal as D
from uuid import uuid4

from qudao.agreements.tests.make import make_agreement
from qudao.base.outbox import drain
from qudao.fulfilment.actions import confirm_receipt, ship_order
from qudao.inventory.tests.make import make_places
from qudao.network.tests.make import make_org
from qudao.orders.actions import place_order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_credit
from qudao.payments.actions import set_payer
from qudao.people.tests.make import actor_of, make_member


def outlets(world, **terms):
    """Two outlets of D001 that buy from LH itself; D001 pays."""
    cast = world.cast
    s002 = make_org("dealer", "S002", cast.d001, name="湖畔家电滨江店", name_en="Lakeside Binjiang")
    buyers = {cast.s001: cast.sub_dealer, s002: actor_of(make_member("s002@example.com", s002, "shop_owner"))}
    agreements = {}
    for org in buyers:
        agreements[org] = make_agreement(cast.lh, org, **terms)
        make_places(org)
        make_credit(agreements[org], D(0) if terms.get("prepaid") else D(5000))
        set_payer(agreements[org].pk, cast.d001.pk, actor=cast.hq_finance)
    return buyers, agreements


def deliver(world, org, buyer, qty):
    order = place_order(Placing(world.cast.lh.pk, org.pk, [NewLine(world.products[0].pk, D(qty))]), actor=buyer, client_id=uuid4())
    drain()
    confirm_receipt(ship_order(order.pk, carrier="SF", tracking="1", actor=world.cast.hq_warehouse).pk, actor=buyer)
    drain()
