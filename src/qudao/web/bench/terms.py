"""All that can stand between a dealer and its order, for the world of `qudao bench orders`: an engine that is fast only while nothing is used is not.

Levels of prices with breaks, groups and channels, what is hidden from whom, quotas, credit by product line, deposits, several warehouses, lots, tax
classes, lead times, limits that a head office shares with its branches, and the least and most of an order. No order of the bench is refused for any
of it, except where job C makes goods scarce.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from qudao.agreements.actions import add_members, create_group, set_rule
from qudao.agreements.rules import GroupDraft, RuleDraft
from qudao.base.access import Actor
from qudao.catalog.actions import adopt_vat, register_category, register_products
from qudao.catalog.actions.categories import CategoryDraft
from qudao.catalog.queries import categories
from qudao.catalog.rules import ProductDraft
from qudao.funds.actions import pay_deposit, set_deposit, set_line_limits, set_rules, share_limit
from qudao.funds.rules import Patience, SharedDraft
from qudao.inventory.actions import OpeningLine, receive_opening, register_place, set_serving, track_product
from qudao.inventory.rules import PlaceFacts, Whom
from qudao.kernel import clock
from qudao.pricing.actions import ListDraft, assign_list, assign_wide, create_list, grant_special_prices, set_prices
from qudao.pricing.rules import PriceDraft, SpecialDraft, Wide
from qudao.quotas.actions import declare_quota, set_shares
from qudao.quotas.rules import Holder, QuotaDraft

PRODUCTS, UNSEEN = 1000, 20
#: of each twenty dealers the first is the head office of so many next ones
HOUSE, BRANCHES = 20, 3
PRICE, MANY, SHARE = Decimal(100), Decimal(1_000_000_000), Decimal(5_000_000)
#: the first products are those of which job C leaves few: they lie in one place, without lot and quota
SCARCE = 5


@dataclass(frozen=True)
class Buyer:
    """What is agreed with one dealer; `head_id`: the dealer it is a branch of."""

    org_id: int
    agreement_id: int
    account_id: int
    head_id: int | None = None


def _since() -> date:
    return clock.today() - timedelta(days=300)


def goods(seller_id: int, actor: Actor) -> tuple[list[int], list[int]]:
    """Products in four lines and four tax classes: (those that are ordered, those that nobody or few may see)."""
    lines = [register_category(seller_id, CategoryDraft(code, f"Line {code}"), actor=actor).pk for code in "ABCD"]
    taxed = [one.pk for one in adopt_vat(seller_id, actor=actor)][:4]
    drafts = [
        ProductDraft(f"P{n:04d}", f"Product {n}", unit="pc", category_id=lines[n % 4], tax_class_id=taxed[0 if n % 10 else n // 10 % 4], **_limits(n))
        for n in range(1, PRODUCTS + UNSEEN + 1)
    ]
    made = [product.pk for product in register_products(seller_id, drafts, actor=actor)]
    return made[:PRODUCTS], made[PRODUCTS:]


def _limits(n: int) -> dict[str, Any]:
    """The most of an order, and for each fifteenth product a lead time of its own."""
    return {"max_qty": Decimal(5000), "lead_days": 0 if n % 15 else 5}


def stock(main_id: int, products: Sequence[int], actor: Actor) -> None:
    """Two warehouses that serve everybody in their order; each twenty-fifth product in two lots."""
    south = register_place("SOUTH", facts=PlaceFacts("South"), actor=actor).pk
    lots = set(products[24::25])
    for product in sorted(lots):
        track_product(product, 365, actor=actor)
    for place, lying in ((main_id, products), (south, products[SCARCE:])):
        receive_opening(place, [line for product in lying for line in _lying(product, product in lots)], "bench", actor=actor)
    set_serving(Whom(), [main_id, south], actor=actor)


def _lying(product: int, lot: bool) -> list[OpeningLine]:
    if not lot:
        return [OpeningLine(product, MANY)]
    return [OpeningLine(product, MANY / 2, f"L{days}", clock.today() + timedelta(days=days)) for days in (90, 300)]


def agree(seller_id: int, buyers: Sequence[Buyer], products: Sequence[int], unseen: Sequence[int], actor: Actor) -> None:
    """Everything that hangs on who buys."""
    start = _since()
    gold, rest = ([one.org_id for one in buyers[first::2]] for first in (0, 1))
    groups = []
    for code, members in (("GOLD", gold), ("REST", rest)):
        group = create_group(seller_id, GroupDraft(code, code), actor=actor)
        add_members(group.pk, dict.fromkeys(members, (start, None)), actor=actor)
        groups.append(group.pk)
    _prices(seller_id, buyers, products, groups[0], actor)
    for product in unseen:
        set_rule(RuleDraft(False, start, product_id=product), actor=actor)
    for product in unseen[: UNSEEN // 2]:
        set_rule(RuleDraft(True, start, product_id=product, group_id=groups[0]), actor=actor)
    for product in products[19::20]:
        quota = declare_quota(seller_id, QuotaDraft(product, clock.today(), clock.today() + timedelta(days=30), 2 * SHARE), actor=actor)
        set_shares(quota.pk, {Holder(group_id=group): SHARE for group in groups}, actor=actor)
    _funds(seller_id, buyers, actor)


def _prices(seller_id: int, buyers: Sequence[Buyer], products: Sequence[int], gold: int, actor: Actor) -> None:
    """A list of the group with a break at three of all its products together, one of the channel, one of each fifth dealer, and five prices of its own
    for each tenth.
    """
    start = _since()
    grade = create_list(seller_id, ListDraft("GOLD", "Gold", mixes=True), actor=actor)
    breaks = [PriceDraft(p, PRICE * percent / 100, start, min_qty=Decimal(least)) for p in products[::2] for least, percent in ((0, 97), (3, 95))]
    set_prices(grade.pk, breaks, actor=actor)
    assign_wide(grade.pk, Wide(group_id=gold), actor=actor)
    channel = create_list(seller_id, ListDraft("ONLINE", "Online"), actor=actor)
    set_prices(channel.pk, [PriceDraft(p, PRICE * 99 / 100, start) for p in products[1::4]], actor=actor)
    assign_wide(channel.pk, Wide(channel="online"), actor=actor)
    own = create_list(seller_id, ListDraft("OWN", "Own terms"), actor=actor)
    set_prices(own.pk, [PriceDraft(p, PRICE * 96 / 100, start) for p in products[::10]], actor=actor)
    for buyer in buyers[::5]:
        assign_list(buyer.agreement_id, own.pk, actor=actor)
    special = [SpecialDraft(buyer.agreement_id, p, PRICE * 9 / 10, start) for buyer in buyers[::10] for p in products[3:8]]
    grant_special_prices(special, actor=actor)


def _funds(seller_id: int, buyers: Sequence[Buyer], actor: Actor) -> None:
    """Accounts that are watched and stopped by rules, two limited product lines each, a deposit of each fourth dealer, and for each head office with
    its branches one limit together.
    """
    set_rules(Patience(grace_days=3, stop_days=30, watch_percent=80), actor=actor)
    limited = list(categories(actor).filter(owner_id=seller_id).order_by("code").values_list("pk", flat=True)[:2])
    for n, buyer in enumerate(buyers):
        set_line_limits(buyer.account_id, dict.fromkeys(limited, MANY), "bench", actor=actor)
        if n % 4 == 0:
            set_deposit(buyer.account_id, Decimal(1000), False, "bench", actor=actor)
            pay_deposit(buyer.account_id, Decimal(1000), "bench", actor=actor)
    for head in {buyer.head_id for buyer in buyers if buyer.head_id}:
        sharing = [buyer.org_id for buyer in buyers if head in (buyer.org_id, buyer.head_id)]
        share_limit(SharedDraft(seller_id, head, "CNY", sharing, MANY), "bench", actor=actor)
