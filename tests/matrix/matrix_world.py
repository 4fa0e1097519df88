"""The world that the matrix visits: three trades, each lived through public actions, with figures that betray where they came from.

t1: LH sells to D001. t2: LH sells to D002, the stranger. t3: D001 sells to S001, its sub-dealer; for LH a trade between two others.
Prices differ by trade and row ids are large numbers of their own for each table, so that a foreign figure in an answer is found as text.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from uuid import uuid4

from django.apps import apps
from django.core.files.base import ContentFile
from django.db import connection, models

from qudao.agreements.actions import set_min_order
from qudao.agreements.models import Agreement, AssortmentRule
from qudao.agreements.tests.make import make_agreement, make_group
from qudao.approvals.actions import AbsenceDraft, add_rule, name_deputy, retire_flow
from qudao.approvals.rules import RuleDraft
from qudao.approvals.tests.make import make_rule
from qudao.base.access import Actor, system_actor
from qudao.base.import_runs import begin_import
from qudao.base.outbox import drain
from qudao.baskets.actions import add_lines, save_template
from qudao.baskets.rules import Entry
from qudao.billing.actions import issue_collective, set_cycle
from qudao.billing.models import Invoice
from qudao.catalog.actions import adopt_vat, register_brand, set_costs, set_pack
from qudao.catalog.models import Product
from qudao.catalog.rules import BrandDraft, CostDraft
from qudao.catalog.tests.make import make_category, make_product
from qudao.fulfilment.actions import confirm_receipt, pack_rest, ship_order, start_pick
from qudao.fulfilment.rules import Count
from qudao.funds.actions import Wanted, ask_limit
from qudao.funds.models import Account, SharedLimit
from qudao.inventory.actions import OpeningLine, receive_opening, track_product
from qudao.inventory.models import ServingRule
from qudao.inventory.tests.make import make_places, make_shelf, make_stock
from qudao.kernel import clock
from qudao.kernel.errors import Waits
from qudao.ledger.actions import map_all, open_chart
from qudao.ledger.rules import HomeFacts
from qudao.messages.actions import assign, note, write
from qudao.messages.rules import TaskDraft
from qudao.network.actions import add_address
from qudao.network.models import Organisation
from qudao.network.rules import AddressFacts
from qudao.orders.actions import place_order
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_credit, make_prices
from qudao.payments.actions import announce_pool, close_over, issue_credit, record_payment, refund_payment, set_payer
from qudao.payments.rules import CreditAsk, PaymentFacts, PoolFacts
from qudao.people.actions import make_token, open_session, write_role
from qudao.people.actions.roles import RoleFacts
from qudao.people.models import ApiToken, Role, Session
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import Cast, actor_of, cast, make_member
from qudao.pricing.actions import ChangeDraft, assign_wide, draft_change, set_rate
from qudao.pricing.rules import NewPrice, RateDraft, Wide
from qudao.pricing.tests.make import make_list, make_special
from qudao.quotas.tests.make import make_quota

#: `own`: a buyer of D001 with the view of own work, who has done nothing yet
ROLES = ("hq_admin", "hq_clerk", "hq_finance", "hq_warehouse", "hq_auditor", "hq_channel", "dealer", "dealer_admin", "own", "sub_dealer", "stranger")
TRADES = ("t1", "t2", "t3")
FIRST_ID = 7_000_001


@dataclass
class Trade:
    """A pair that trades: its agreement, the price of a piece that no other trade has, and its orders (the first one lived through)."""

    seller: Organisation
    buyer: Organisation
    agreement: Agreement
    price: Decimal
    orders: list[Order] = field(default_factory=list)


@dataclass(eq=False)
class World:
    """The cast, LH's products, and the three trades."""

    cast: Cast
    products: list[Product]
    trades: dict[str, Trade]
    #: role → its row, and the raw text of its token
    sessions: dict[str, Session] = field(default_factory=dict)
    tokens: dict[str, tuple[ApiToken, str]] = field(default_factory=dict)
    #: "LH", "D001" → a role that this organisation wrote for itself
    roles: dict[str, Role] = field(default_factory=dict)
    #: who is not of the cast
    more: dict[str, Actor] = field(default_factory=dict)

    def actor(self, role: str) -> Actor:
        return self.more.get(role) or getattr(self.cast, role)

    @cached_property
    def secrets(self) -> dict[str, dict[str, set[str]]]:
        """trade → patterns of what others must not read: "names" (numbers, row ids), "prices" (prices and amounts), and of both what stands in the
        "terms": agreement, credit, price.
        """
        found: dict[str, dict[str, set[str]]] = {}
        for key, trade in self.trades.items():
            names, prices = set(), {_plain(trade.price)}
            terms: set[str] = set()
            for model in sorted(trade_models(), key=lambda one: one not in (Agreement, Account)):
                if model not in (Agreement, Account) and not terms:
                    terms = names | prices
                for row in model._default_manager.filter(seller=trade.seller, buyer=trade.buyer):
                    names |= {str(row.pk)} | ({re.escape(row.number)} if getattr(row, "number", "") else set())
                    for one in model._meta.fields:
                        value = getattr(row, one.attname)
                        if isinstance(one, models.DecimalField) and one.decimal_places == 2 and value and value > 100 and value % 1:
                            prices.add(_plain(value))
            found[key] = {"names": names, "prices": prices, "terms": terms}
        # What two trades share betrays neither.
        return {
            key: {kind: own.difference(*(found[other][kind] for other in found if other != key)) for kind, own in kinds.items()} for key, kinds in found.items()
        }


def _plain(amount: Decimal) -> str:
    """As a pattern: 3079.13 is also written 3079.130000, 3040.10 also 3040.1."""
    return f"{amount:.2f}".rstrip("0").replace(".", r"\.") + "0*"


def trade_models() -> list[type[models.Model]]:
    """Tables whose rows have two sides, as real foreign keys."""
    return [
        m for m in apps.get_models()
        if m.__module__.startswith("qudao.") and {"seller", "buyer"} <= {f.name for f in m._meta.fields if isinstance(f, models.ForeignKey)}
    ]  # fmt: skip


def spread_ids() -> None:
    """Let the ids of each table begin at a large number of its own, so that an id in an answer says which table it is from."""
    ours = sorted((m for m in apps.get_models() if m.__module__.startswith("qudao.")), key=lambda m: m._meta.label)
    with connection.cursor() as cursor:
        for number, model in enumerate(ours):
            if isinstance(model._meta.pk, models.BigAutoField):
                cursor.execute(
                    "SELECT setval(pg_get_serial_sequence(%s, %s), greatest(%s, nextval(pg_get_serial_sequence(%s, %s))))",
                    [table := model._meta.db_table, pk := model._meta.pk.column, FIRST_ID + number * 10_000, table, pk],
                )


def build() -> World:
    """The whole world; about 1.5 s."""
    spread_ids()
    people = cast()
    shelf = make_shelf(people.lh, (1000, 1000))
    products = shelf.products
    make_prices(people.lh, products, Decimal("999.99"))
    for org in (people.lh, people.d001, people.d002, people.s001):
        add_address(org.pk, AddressFacts(f"{org.code} store", "0571-1", f"{org.code} street 1"), actor=system_actor())
    for org in (people.d001, people.d002, people.s001):
        places = make_places(org)
        if org == people.d001:
            make_stock(places["MAIN"], {products[0].pk: 500})
    pairs = {"t1": (people.lh, people.d001, "1311.17"), "t2": (people.lh, people.d002, "2203.59"), "t3": (people.d001, people.s001, "3079.13")}
    trades = {}
    for key, (seller, buyer, price) in pairs.items():
        agreement = make_agreement(seller, buyer, payment_days=30)
        account = make_credit(agreement, Decimal(9_000_000))
        SharedLimit.unscoped.create(seller=seller, head=buyer, currency="CNY", limit_amount=Decimal("7_654_321"))
        ask_limit(account.pk, Wanted(Decimal(9_500_000)), "growth", actor=system_actor())
        trades[key] = Trade(seller, buyer, agreement, Decimal(price))
        if key == "t3":  # a dealer carries what its own agreement gives it
            make_prices(seller, products[:1], Decimal(price))
        else:
            make_special(agreement.pk, products[0].pk, price)
    set_pack(products[0].pk, "箱", Decimal(10), actor=people.hq_admin)
    for org, buyer in ((people.lh, people.d002), (people.d001, people.s001)):
        set_rate(org.pk, RateDraft("USD", "CNY", date(2026, 1, 1), Decimal("7.1")), actor=system_actor())
        gold = make_list(org, "GOLD")
        assign_wide(gold.pk, Wide(make_group(org, "GOLD", buyer).pk), actor=system_actor())
        draft_change(gold.pk, ChangeDraft("Autumn", clock.today()), [NewPrice(products[-1].pk, Decimal(5))], actor=system_actor())
        make_quota(org, products[-1].pk, 100, {buyer: 50}, valid_from=date(2026, 1, 1))
    for org in (people.lh, people.d002):
        make_category(org, "C1")
        adopt_vat(org.pk, actor=system_actor())
        register_brand(org.pk, BrandDraft("B1", "品牌"), actor=system_actor())
    make_product(people.d002, "X2")
    for owner, role in ((people.lh, "hq_clerk"), (people.d001, "dealer_admin")):
        make_rule(owner, role, "30000")
    _lots(people)
    for actor, amount in ((people.hq_admin, "777.31"), (people.dealer_admin, "888.13")):
        set_costs([CostDraft(products[0].pk, Decimal(amount), date(2026, 1, 1))], actor=actor)
    for actor in (people.hq_finance, people.dealer_admin):
        open_chart("plain", actor=actor)
        map_all([HomeFacts("revenue", "4000", None, Decimal("0.13"))], actor=actor)
    for org in (people.lh, people.d001, people.d002, people.s001):
        AssortmentRule.unscoped.create(seller=org, shown=True, valid_from=date(2026, 1, 1))
        ServingRule.unscoped.create(owner=org, place_ids=[make_places(org)["MAIN"]])
    auditor, own = make_member("a@example.com", people.lh, "hq_auditor"), make_member("o@example.com", people.d001, "dealer_buyer", scope="self")
    channel = make_member("c@example.com", people.lh, "hq_channel")
    world = World(people, products, trades, more={"hq_auditor": actor_of(auditor), "hq_channel": actor_of(channel), "own": actor_of(own)})
    _let_in(world)
    sellers = {"t1": people.hq_admin, "t2": people.hq_admin, "t3": people.dealer_admin}
    buyers = {"t1": people.dealer, "t2": people.stranger, "t3": people.sub_dealer}
    for key, trade in trades.items():
        _live(trade, buyers[key], sellers[key], products[0])
        save_template(add_lines(trade.agreement.pk, [Entry(products[0].pk, Decimal(1))], actor=buyers[key]).pk, "Weekly", actor=buyers[key])
    set_payer(trades["t3"].agreement.pk, people.lh.pk, actor=people.dealer_admin)
    announce_pool(PoolFacts(people.d001.pk, people.lh.pk, Decimal(10)), actor=people.hq_finance)
    set_payer(trades["t3"].agreement.pk, None, actor=people.dealer_admin)  # what others are asked to pay is for them; it would look like a leak
    for actor in (people.hq_warehouse, people.dealer_admin, people.stranger_admin):
        begin_import("inventory.opening", ContentFile(f"product,qty\n{products[0].code},1\n".encode(), "stock.csv"), actor=actor)
    drain()
    return world


def _lots(people: Cast) -> None:
    """A product tracked by lot, of which everybody has some."""
    product = make_product(people.lh, "LOT1")
    track_product(product.pk, actor=people.hq_admin)
    for org in (people.lh, people.d001, people.d002, people.s001):
        receive_opening(make_places(org)["MAIN"], [OpeningLine(product.pk, Decimal(5), "L1", clock.today())], "opening", actor=system_actor())


def _propose(world: World) -> None:
    """Something of the brand's house that waits for the signature of a clerk; nothing else goes by that flow."""
    people, rule = world.cast, RuleDraft("agreements.terms", unscoped_system_role("hq_clerk"))
    flow = add_rule(people.lh.pk, rule, actor=people.hq_admin).flow_id
    with suppress(Waits):
        set_min_order(Agreement.unscoped.filter(seller=people.lh, state="active").earliest("pk").pk, Decimal(1), actor=people.hq_admin)
    retire_flow(flow, actor=people.hq_admin)


def _let_in(world: World) -> None:
    """A signed-in browser and a token for everybody, a role of its own for two organisations, and a deputy for the clerk."""
    today = clock.today()
    name_deputy(AbsenceDraft(world.cast.hq_admin.user_id or 0, today, today + timedelta(days=30)), actor=world.cast.hq_clerk)
    for role in ROLES:
        actor = world.actor(role)
        world.sessions[role] = open_session("127.0.0.1", "matrix", actor=actor)
        world.tokens[role] = make_token("matrix", actor=actor)
    _propose(world)
    for code, actor in (("LH", world.cast.hq_admin), ("D001", world.cast.dealer_admin)):
        world.roles[code] = write_role(RoleFacts("helper", "帮手", "Helper", verbs=("orders.view",)), actor=actor)


def _live(trade: Trade, buyer: Actor, seller: Actor, product: Product) -> None:
    """Four orders: one lived through from placing to payment, one on its way, one just confirmed, one in review."""
    for pieces in (3, 7, 9, 31):
        placing = Placing(trade.seller.pk, trade.buyer.pk, [NewLine(product.pk, Decimal(pieces))], po_number=f"PO-{trade.buyer.code}-{pieces}")
        trade.orders.append(place_order(placing, actor=buyer, client_id=uuid4()))
    drain()
    pack_rest(start_pick(trade.orders[1].pk, actor=seller).pk, actor=seller)
    for order in trade.orders[:2]:
        shipment = ship_order(order.pk, carrier="SF", tracking=f"TR-{trade.buyer.code}-{order.pk}", actor=seller)
        if order is trade.orders[0]:
            line = shipment.lines.get()
            confirm_receipt(shipment.pk, [Count(line.pk, line.qty, over=Decimal(1))], actor=buyer)
    set_cycle(trade.agreement.pk, "month", 25, actor=seller)
    drain()
    issue_collective(trade.agreement.pk, actor=seller)
    invoice = Invoice.unscoped.get(order=trade.orders[0])
    record_payment(PaymentFacts(trade.seller.pk, trade.buyer.pk, invoice.gross, invoice.number), actor=seller)
    issue_credit(invoice.pk, [CreditAsk(invoice.lines.get().pk, Decimal(1))], "missing", actor=seller)
    rest = record_payment(PaymentFacts(trade.seller.pk, trade.buyer.pk, Decimal("0.06")), (), actor=seller)
    refund_payment(rest.pk, Decimal("0.01"), actor=seller)
    close_over(rest.pk, actor=seller)
    _talk(trade, buyer, seller)
    drain()


def _talk(trade: Trade, buyer: Actor, seller: Actor) -> None:
    """What both sides say about the first order, what the seller notes for itself, and what it asks the buyer to do; the price stands in all of it."""
    order, price = trade.orders[0].pk, f"{trade.price:.2f}"
    write("orders.order", order, f"Is {price} right?", actor=buyer)
    note("orders.order", order, f"We pay less than {price}", actor=seller)
    assert buyer.user_id is not None
    assign("orders.order", order, TaskDraft(f"Confirm {price}", buyer.user_id), actor=seller)
