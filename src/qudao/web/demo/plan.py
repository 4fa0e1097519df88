"""Twelve months of trade on paper: who orders what from whom on which day, how it travels, who pays when. Pure and seeded: the same for a last day.

A dealer sells only what has reached it by then, so the goods of the plan flow as they would; the plan is played by `history`.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID, uuid5

from qudao.web.demo.firms import SIZES, Size, others
from qudao.web.demo.goods import every_good
from qudao.web.demo.network import FIRMS, SHARES, SPACE, Firm, stocked

YEAR = 364
#: the history of the named firms ends that many days before the last one: then their own stories begin
PAUSE = 115
#: days before the due one on which they pay, more than two days of entering money can lie apart
SOON = 9
#: orders that stay paid in part are at most so old
UNPAID = 60
#: products whose stock belongs to the stories
KEPT = frozenset((7, 8, 15, 29, 43))
#: share of a normal day's orders by month, and of the goods of a season
MONTHS = (0.9, 0.55, 0.95, 1.0, 1.15, 1.5, 1.25, 1.0, 1.0, 1.0, 1.6, 1.1)
SEASONS = {
    "AC": (0.4, 0.4, 0.7, 1.2, 2.4, 3.2, 2.8, 1.5, 0.6, 0.4, 0.5, 0.4),
    "WH": (1.5, 1.0, 0.8, 0.7, 0.6, 0.5, 0.5, 0.6, 0.9, 1.8, 2.3, 2.2),
    "SDA-HT22": (2.0, 1.2, 0.5, 0.2, 0.1, 0.1, 0.1, 0.1, 0.6, 2.2, 3.0, 3.0),
    "SDA-FN16": (0.1, 0.1, 0.3, 0.9, 2.4, 3.0, 3.0, 2.0, 0.6, 0.2, 0.1, 0.1),
}


@dataclass
class Life:
    """An order of the plan. `lines`: (number of the product, quantity); `steps`: what happens to it, by day; `twist`: what is unusual about it."""

    no: int
    seller: str
    buyer: str
    placed: date
    lines: list[tuple[int, int]]
    steps: list[tuple[date, str]]
    twist: str = ""

    @property
    def client_id(self) -> UUID:
        return uuid5(SPACE, f"history {self.no}")


@dataclass(frozen=True)
class Plan:
    """All lives by day, and the two stages: the brand's own trade and that of the named firms; then the trade of the other dealers with those below them."""

    size: Size
    last: date
    lives: list[Life]
    first: list[Life]
    rest: list[Life]


def make(size: str, last: date) -> Plan:
    """The whole plan; a second or so for the full size."""
    of = SIZES[size]
    named = {one.key for one in FIRMS}
    lives = list(_Trade(of, last).lives())
    first = [life for life in lives if life.seller in named]
    return Plan(of, last, lives, first, [life for life in lives if life.seller not in named])


def weight(day: date) -> float:
    """How much is ordered on a day, 1 on a usual working day: seasons, 618 and Double 11, quiet weekends and holidays."""
    share = MONTHS[day.month - 1]
    if (day.month == 6 and day.day <= 18) or (day.month == 11 and day.day <= 11):
        share *= 1.7
    if (day.month == 10 and day.day <= 7) or (day.month == 5 and day.day <= 3):
        share *= 0.3
    return share * (0.15 if day.weekday() == 6 else 0.4 if day.weekday() == 5 else 1.0)


@cache
def seasons(no: int) -> tuple[float, ...]:
    """How much of a product is wanted in each month, 1 for what knows no season."""
    good = every_good()[no - 1]
    return SEASONS.get(good.stem) or SEASONS.get(good.category) or (1.0,) * 12


@cache
def listed(seller: str) -> frozenset[int]:
    """The products that a named firm lists, without those of the stories."""
    return frozenset(good.no for good in stocked(seller)) - KEPT


def opening(key: str, size: str) -> dict[int, int]:
    """What an unnamed dealer had when the year began: product number → pieces."""
    rng = random.Random(f"qudao demo opening {key}")
    tier1 = key.startswith("a")
    pool = [good.no for good in every_good()[: SIZES[size].goods] if good.no not in KEPT]
    return {no: rng.randint(8, 24) if tier1 else rng.randint(3, 9) for no in rng.sample(pool, min(len(pool), 70 if tier1 else 36))}


class _Trade:
    """The market on paper: a calendar of orders, and shelves that fill and empty."""

    def __init__(self, size: Size, last: date) -> None:
        self.size, self.last, self.start = size, last, last - timedelta(days=YEAR)
        self.rng = random.Random("qudao demo history")
        self.goods = {good.no: good for good in every_good()}
        self.pool = [good for good in every_good()[: size.goods] if good.no not in KEPT]
        self.firms: list[Firm] = [*(one for one in FIRMS if one.seller), *others(size.name)]
        self.shelf: dict[str, dict[int, int]] = defaultdict(dict)
        self.due: dict[date, list[Life]] = defaultdict(list)
        self.no = 0
        self.manner = {one.key: self.rng.choices(("prompt", "late", "slow"), (70, 12, 18))[0] for one in self.firms}
        for one in self.firms:
            if one.key[1:].isdigit() and one.kind == "dealer":
                self.shelf[one.key] = dict(opening(one.key, size.name))

    def lives(self) -> Iterator[Life]:
        """All orders, by day."""
        days = [self.start + timedelta(days=n) for n in range(1, YEAR + 1)]
        self.brand_days, self.other_days = self._working(days, 2), self._working(days, 4)
        self.brand_closing = self._closing(self.brand_days)
        calendar: dict[date, list[Firm]] = defaultdict(list)
        for one in self.firms:
            for day in self._dates(one):
                calendar[day].append(one)
        for day in days:
            for life in self.due.pop(day, ()):
                own = self.shelf[life.buyer]
                for no, qty in life.lines:
                    own[no] = own.get(no, 0) + qty
            for buyer in calendar.get(day, ()):
                ordered = self._order(buyer, day)
                if ordered is not None:
                    yield ordered

    def _working(self, days: Sequence[date], per_week: int) -> list[date]:
        """The days of each week on which orders are taken in, goods leave and money is entered; always the last one."""
        weeks: dict[tuple[int, int], list[date]] = defaultdict(list)
        for day in days:
            weeks[day.isocalendar()[:2]].append(day)
        chosen = {days[-1]}
        for week in weeks.values():
            shares = [weight(day) for day in week]
            chosen |= set(self.rng.choices(week, shares, k=per_week + 1)[:per_week])
        return sorted(chosen)

    def _closing(self, days: Sequence[date]) -> list[date]:
        """The last of these days in each week: on it proofs of delivery come in and money is entered."""
        return sorted({day.isocalendar()[:2]: day for day in days}.values())

    def _dates(self, one: Firm) -> list[date]:
        """The days on which a buyer orders in the year."""
        unnamed = one.key[1:].isdigit()
        of = self.size
        if unnamed:
            count = of.orders3 if one.kind == "outlet" else of.orders1 if one.seller == "lanhe" else of.orders2
        else:
            count = of.named if one.seller == "lanhe" else max(1, of.named // 2)
        days = self.brand_days if one.seller == "lanhe" or not unnamed else self.other_days
        if not unnamed:
            days = [day for day in days if day <= self.last - timedelta(days=PAUSE)]
        return sorted(self.rng.choices(days, [weight(day) for day in days], k=count))

    def _order(self, buyer: Firm, day: date) -> Life | None:
        lines = self._from_brand(buyer, day) if buyer.seller == "lanhe" else self._from_shelf(buyer, day)
        if not lines:
            return None
        self.no += 1
        life = Life(self.no, buyer.seller, buyer.key, day, lines, [])
        self._travel(life, buyer)
        return life

    def _from_brand(self, buyer: Firm, day: date) -> list[tuple[int, int]]:
        unnamed = buyer.key[1:].isdigit()
        pool = self.pool if unnamed else [good for good in self.pool if good.no in listed(buyer.key)]
        worth = min(max(self.rng.lognormvariate(math.log(22_000), 0.65) * weight(day) ** 0.3, 5_000), 230_000)
        if not unnamed:
            worth = min(worth, 0.2 * buyer.limit)
        count = self.rng.randint(2, 7)
        chosen = dict.fromkeys(self.rng.choices(pool, [seasons(good.no)[day.month - 1] for good in pool], k=count))
        lines = []
        for good in chosen:
            qty = int(worth / len(chosen) / float(good.price(SHARES["dealer1"])))
            if good.small:
                qty -= qty % good.carton
            if qty > 0:
                lines.append((good.no, qty))
        return lines

    def _from_shelf(self, buyer: Firm, day: date) -> list[tuple[int, int]]:
        """What the seller has at hand, in the numbers of a shop or a small dealer; it is gone from the shelf at once."""
        own = self.shelf[buyer.seller]
        only = None if buyer.seller[1:].isdigit() else listed(buyer.seller)
        pool = [self.goods[no] for no, qty in own.items() if qty > 1 and (only is None or no in only)]
        if not pool:
            return []
        shop = buyer.kind == "outlet"
        worth = min(max(self.rng.lognormvariate(math.log(4_200 if shop else 10_500), 0.5), 900), 0.5 * buyer.limit)
        chosen = dict.fromkeys(self.rng.choices(pool, [seasons(good.no)[day.month - 1] for good in pool], k=self.rng.randint(1, 4 if shop else 6)))
        lines = []
        for good in chosen:
            qty = min(int(worth / len(chosen) / float(good.price(SHARES["outlet" if shop else "dealer2"]))) or 1, own[good.no] // 2 or 1)
            own[good.no] -= qty
            lines.append((good.no, qty))
        return lines

    def _next(self, day: date, days: Sequence[date]) -> date:
        """The first working day not before `day`; after the last one, a day that never comes."""
        return next((one for one in days[_bisect(days, day) :]), self.last + timedelta(days=1))

    def _travel(self, life: Life, buyer: Firm) -> None:
        """Give a life its steps and, now and then, a twist."""
        brand = life.seller == "lanhe"
        days = self.brand_days if brand or not buyer.key[1:].isdigit() else self.other_days
        closing = self.brand_closing if days is self.brand_days else days
        rng, after = self.rng, timedelta
        unnamed = buyer.key[1:].isdigit()
        quiet = not unnamed or (not brand and life.placed > self.last - after(days=40))
        twists = ("", "cancel", "reject", "short", "damaged", "parts", "given_up", "part_paid")
        shares = (88, 2, 1.5, 2.5, 1.5, 2, 0.9, 1.6) if brand else (95, 1.2, 0, 1.4, 0.8, 0, 0, 1.6)
        life.twist = "" if quiet else rng.choices(twists, shares)[0]
        if life.twist == "part_paid" and life.placed < self.last - after(days=UNPAID):
            life.twist = ""  # what is overdue for long would stop the buyer's orders for the rest of the year
        steps = [(life.placed, "place")]
        if life.twist in ("cancel", "reject"):
            life.steps = [*steps, (life.placed, life.twist)]
            return
        left = self._next(life.placed + after(days=rng.choice((1, 1, 2, 3))), days)
        came = self._next(left + after(days=rng.choice((2, 3, 3, 4, 5))), closing)
        steps += [(left, "part" if life.twist in ("parts", "given_up") else "ship"), (came, "receive")]
        if life.twist == "parts":
            came = self._next(came + after(days=4), closing)
            steps += [(self._next(left + after(days=3), days), "ship"), (came, "receive")]
        if life.twist == "given_up":
            steps += [(came, "give_up")]
        due = came + after(days=30 if brand else 15)
        # A named dealer of the brand is never late, whatever weekday the year ends on: an order refused at the dock would keep the credit its story needs.
        paid = due - after(days=rng.randint(0, 7) + (SOON if brand and not unnamed else 0))
        if self.manner[buyer.key] != "prompt" and unnamed:
            paid = due + after(days=rng.randint(4, 11) if self.manner[buyer.key] == "slow" else rng.randint(12, 21))
        life.steps = [step for step in [*steps, (self._next(paid, closing), "pay")] if step[0] <= self.last]
        if life.twist != "given_up":
            self.due[came].append(life)


def _bisect(days: Sequence[date], day: date) -> int:
    low, high = 0, len(days)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if days[middle] < day else (low, middle)
    return low


def needs(lives: Iterable[Life]) -> dict[date, dict[tuple[str, int], Decimal]]:
    """What the brand must have made: by fortnight (its first day), for (buyer, product) the pieces its orders of that time want."""
    found: dict[date, dict[tuple[str, int], Decimal]] = {}
    for life in lives:
        if life.seller == "lanhe":
            begin = life.placed - timedelta(days=life.placed.toordinal() % 14)
            wanted = found.setdefault(begin, {})
            for no, qty in life.lines:
                wanted[life.buyer, no] = wanted.get((life.buyer, no), Decimal(0)) + qty
    return found
