"""The unnamed dealers and shops of the demo as masters: organisations, people, agreements, prices, opening stock. What is there is left alone."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as hour_of
from decimal import Decimal
from uuid import uuid5
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction

from qudao.base.access import Channel
from qudao.base.outbox import drain
from qudao.kernel import clock
from qudao.people.actions.members import PersonFacts
from qudao.pricing.actions import ListDraft, grant_special_prices
from qudao.pricing.queries import all_special_prices
from qudao.pricing.rules import PriceDraft, SpecialDraft
from qudao.web import masters
from qudao.web.demo import contacts
from qudao.web.demo.firms import others, town
from qudao.web.demo.goods import Good
from qudao.web.demo.network import SHARES, SPACE, Firm, World, agree, boss_email, facts
from qudao.web.demo.plan import Life, opening

#: firms that are made in one transaction
CHUNK = 12
#: dealers of tier 1 with so much credit get the prices of the great sales
PROMOTED = 500_000
#: patience with a dealer who pays late, in days
GRACE = 30


def first(world: World, start: date) -> None:
    """The dealers of tier 1, whose trade with the brand belongs to the first stage."""
    _make(world, [one for one in others(world.size) if one.seller == "lanhe"], start, {"lanhe": world.goods})
    _specials(world, start)


def rest(world: World, start: date, lives: Iterable[Life], told: Callable[[int], None]) -> None:
    """The dealers and shops below them; a dealer has prices for what these lives sell. `told` hears how many were looked at."""
    sold: dict[str, set[int]] = defaultdict(set)
    for life in lives:
        sold[life.seller] |= {no for no, _qty in life.lines}
    listed = {seller: [world.goods[no - 1] for no in sorted(numbers)] for seller, numbers in sold.items()}
    below = [one for one in others(world.size) if one.seller != "lanhe"]
    for n in range(0, len(below), CHUNK):
        _make(world, below[n : n + CHUNK], start, listed)
        told(min(n + CHUNK, len(below)))


def _make(world: World, firms: Sequence[Firm], start: date, listed: Mapping[str, Sequence[Good]]) -> None:
    """Each with what belongs to it, in one transaction; its events are delivered on that day too."""
    with transaction.atomic(), clock.freeze(datetime.combine(start, hour_of(8), tzinfo=ZoneInfo(settings.TIME_ZONE))):
        for one in firms:
            place = town(one.area)
            world.orgs[one.key] = masters.organisation(one.kind, facts(one, place), world.orgs[one.parent], contacts.deliveries(one, place))
            person = masters.person(PersonFacts(boss_email(one.key), one.admin), world.orgs[one.key], one.role)
            world.people[boss_email(one.key)] = person.through(Channel.PAGE)
            before = _promotions(world, start) if one.seller == "lanhe" and one.limit >= PROMOTED else []
            agree(world, one, listed.get(one.seller, ()), before, grace_days=GRACE)
            if one.kind == "dealer":
                quantities = {world.by_no[no]: Decimal(qty) for no, qty in opening(one.key, world.size).items()}
                masters.opening(masters.main_place(world.orgs[one.key]), quantities, "期初库存", uuid5(SPACE, f"opening {one.key}"))
        drain()


def _promotions(world: World, start: date) -> list[int]:
    """Prices of 618 and of Double 11 with breaks, in lists that go before the usual one."""
    found = []
    for code, name, name_en, month, days in (("618", "618 大促价", "618 prices", 6, 18), ("D11", "双11大促价", "Double 11 prices", 11, 11)):
        key = ("lanhe", code)
        if key not in world.lists:
            year = start.year if date(start.year, month, days) >= start else start.year + 1
            prices = []
            for good in world.goods[60::3]:
                for least, share in ((0, "0.95"), (20, "0.93")):
                    amount = (good.retail * Decimal(SHARES["dealer1"]) * Decimal(share)).quantize(Decimal("0.1"))
                    span = (date(year, month, 1), date(year, month, days))
                    prices.append(PriceDraft(world.products[good.code], amount, *span, min_qty=Decimal(least)))
            draft = ListDraft(f"{world.orgs['lanhe'].code}-{code}", name, name_en)
            world.lists[key] = masters.price_list(world.orgs["lanhe"], draft, prices)
        found.append(world.lists[key])
    return found


def _specials(world: World, start: date) -> None:
    """Some dealers of tier 1 have prices of their own for a few products."""
    lucky = [one for one in others(world.size) if one.seller == "lanhe"][::5]
    rng = random.Random("qudao demo specials")
    for one in lucky:
        agreement_id = agree(world, one, ())
        goods = rng.sample(world.goods, 5)
        if not all_special_prices(masters.SYSTEM).filter(agreement_id=agreement_id).exists():
            with clock.freeze(datetime.combine(start + timedelta(days=1), hour_of(9), tzinfo=ZoneInfo(settings.TIME_ZONE))):
                share = Decimal(SHARES["dealer1"]) * Decimal("0.96")
                drafts = [
                    SpecialDraft(agreement_id, world.products[g.code], (g.retail * share).quantize(Decimal(1)), start, reason="年度协议价") for g in goods
                ]
                grant_special_prices(drafts, actor=masters.SYSTEM)
