"""Pure decisions about agreements and authorisations."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from qudao.agreements.states import EXPIRY_DAYS, TRANSITIONS, AgreementState, InvoiceOn
from qudao.kernel.errors import Fault, Refused
from qudao.kernel.money import ZERO, round_to

#: the largest amount that may be the smallest order
MOST_MIN_ORDER = Decimal(1_000_000_000)


@dataclass(frozen=True)
class AgreementDraft:
    """The terms two organisations agree on. `payment_days` after the invoice date; `valid_to` None = until ended, both days included.

    `prepaid`: the buyer pays before he orders; days of payment are then none, whatever is written there.
    """

    seller_id: int
    buyer_id: int
    code: str
    valid_from: date
    valid_to: date | None = None
    currency: str = "CNY"
    payment_days: int = 30
    invoice_on: str = InvoiceOn.RECEIPT
    tax_inclusive: bool = True
    channel: str = ""
    prepaid: bool = False
    #: the least an order must come to before tax; 0 for none
    min_order: Decimal = ZERO


@dataclass(frozen=True)
class GroupDraft:
    """A group of buyers as its owner describes it."""

    code: str
    name: str
    name_en: str = ""


@dataclass(frozen=True)
class Grant:
    """What an authorisation covers: one product, a category with everything below it, or (neither) all products; `allowed` False forbids."""

    valid_from: date
    product_id: int | None = None
    category_id: int | None = None
    allowed: bool = True
    valid_to: date | None = None


def draft_faults(draft: AgreementDraft) -> list[Fault]:
    """Everything wrong with a draft, each fault at its field."""
    faults = []
    if draft.seller_id == draft.buyer_id:
        faults.append(Fault("agreements.same_sides", "buyer_id"))
    if not draft.code.strip():
        faults.append(Fault("agreements.code_missing", "code"))
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        faults.append(Fault("agreements.span_wrong", "valid_to"))
    if not 0 <= draft.payment_days <= 365:
        faults.append(Fault("agreements.payment_days_wrong", "payment_days"))
    if not re.fullmatch(r"[A-Z]{3}", draft.currency):
        faults.append(Fault("agreements.currency_wrong", "currency"))
    if draft.invoice_on not in InvoiceOn.values:
        faults.append(Fault("agreements.invoice_on_wrong", "invoice_on"))
    return faults + min_order_faults(draft.min_order)


def min_order_faults(amount: Decimal) -> list[Fault]:
    """Whether an amount can be the smallest order."""
    return [] if amount.is_finite() and 0 <= amount <= MOST_MIN_ORDER and amount == round_to(amount) else [Fault("agreements.min_order_wrong", "min_order")]


def next_state(state: str, verb: str, code: str) -> str:
    """The state after a verb; raises Refused `agreements.state`."""
    after = TRANSITIONS.get((state, verb))
    if after is None:
        raise Refused("agreements.state", agreement=code, state=AgreementState(state).label)
    return after


def may_activate(code: str, valid_to: date | None, today: date) -> None:
    """An agreement whose last day is over cannot come alive; raises Refused `agreements.past`."""
    if valid_to is not None and valid_to < today:
        raise Refused("agreements.past", agreement=code, valid_to=valid_to)


def grant_faults(grant: Grant) -> list[Fault]:
    """Everything wrong with an authorisation, each fault at its field."""
    faults = []
    if grant.product_id is not None and grant.category_id is not None:
        faults.append(Fault("agreements.grant_target", "category_id"))
    if grant.valid_to is not None and grant.valid_to < grant.valid_from:
        faults.append(Fault("agreements.span_wrong", "valid_to"))
    return faults


def channel_of(text: str) -> str:
    """A channel as it is kept and compared: in lower case, one space between words."""
    return " ".join(text.lower().split())


def overlaps(one: tuple[date, date | None], other: tuple[date, date | None]) -> bool:
    """Whether two spans of days, both ends included, None = open, share a day."""
    return (one[1] is None or other[0] <= one[1]) and (other[1] is None or one[0] <= other[1])


#: what says whom a rule of an assortment is about, and what
WHOM = ("buyer_id", "group_id", "region_id", "area_code", "channel", "tier")
WHAT = ("product_id", "category_id", "brand_id")


@dataclass(frozen=True)
class RuleDraft:
    """A rule as somebody writes it: whom (`WHOM`, nothing = everybody), what (`WHAT`, nothing = everything), shown or not, from when to when."""

    shown: bool
    valid_from: date
    valid_to: date | None = None
    buyer_id: int | None = None
    group_id: int | None = None
    region_id: int | None = None
    area_code: str = ""
    channel: str = ""
    tier: int | None = None
    product_id: int | None = None
    category_id: int | None = None
    brand_id: int | None = None


@dataclass(frozen=True, slots=True)
class Showing:
    """A rule of an assortment, as far as it decides: whom and what it names (see `models.AssortmentRule`). `path`: of its category."""

    id: int
    shown: bool
    buyer_id: int | None = None
    group_id: int | None = None
    region_id: int | None = None
    area_code: str = ""
    channel: str = ""
    tier: int | None = None
    product_id: int | None = None
    path: str = ""
    brand_id: int | None = None

    @property
    def weight(self) -> tuple[int, ...]:
        """How near a rule is, the larger the nearer: first what it names (product, then category or brand, then everything), then whom (buyer, group,
        region and the like, everybody), then the deeper category, more marks of the buyer, the longer area; of two equal ones the one that hides."""
        what = 2 if self.product_id else 1 if self.path or self.brand_id else 0
        marks = sum((bool(self.region_id), bool(self.area_code), bool(self.channel), self.tier is not None))
        whom = 3 if self.buyer_id else 2 if self.group_id else 1 if marks else 0
        return what, whom, self.path.count("/"), marks, len(self.area_code), not self.shown

    def names(self, product: Sorted) -> bool:
        """Whether it is about a product."""
        if self.product_id or self.brand_id:
            return self.product_id == product.id if self.product_id else self.brand_id == product.brand_id
        return product.path.startswith(self.path)


@dataclass(frozen=True, slots=True)
class Sorted:
    """A product as rules of assortments name it: `path` of its category, "" for none."""

    id: int
    owner_id: int
    path: str
    brand_id: int | None


def decide(rules: Iterable[Showing], product: Sorted) -> list[Showing]:
    """The rules about a product among those about a buyer, the one that counts first. None: it is shown."""
    return sorted((one for one in rules if one.names(product)), key=lambda one: (one.weight, one.id), reverse=True)


def hidden_by(rules: Sequence[Showing], products: Iterable[Sorted]) -> frozenset[int]:
    """Which products the rules about a buyer hide. As `decide`, but each product asks only the best rule of each thing it could be named by."""
    best: dict[tuple[str, object], Showing] = {}
    for one in sorted(rules, key=lambda one: (one.weight, one.id)):  # the nearer one comes later and stays
        key = ("product", one.product_id) if one.product_id else ("brand", one.brand_id) if one.brand_id else ("path", one.path)
        best[key] = one
    if all(one.shown for one in best.values()):
        return frozenset()
    found = []
    for product in products:
        steps = product.path.split("/")
        above = [("path", "/".join(steps[:n]) + "/") for n in range(2, len(steps))]
        keys = [("product", product.id), ("brand", product.brand_id), ("path", ""), *above]
        named = [best[key] for key in keys if key in best]
        if named and not max(named, key=lambda one: (one.weight, one.id)).shown:
            found.append(product.id)
    return frozenset(found)


@dataclass(frozen=True)
class Dealing:
    """An active agreement in the reckoning of assortments: what its seller's rules hide from its buyer, of any owner."""

    id: int
    seller_id: int
    buyer_id: int
    hides: frozenset[int] = frozenset()


#: by (owner, viewer): what the viewer does not see of the owner's products
Unseen = dict[tuple[int, int], frozenset[int]]


def spread(
    dealings: Sequence[Dealing], pairs: Collection[tuple[int, int]], known: Unseen, owned: Mapping[int, frozenset[int]]
) -> tuple[Unseen, dict[int, frozenset[int]]]:
    """What each viewer does not see of each owner, and what each agreement does not show, down the chain of agreements.

    A buyer sees a product if one of its sellers shows it; a seller shows what it sees itself and does not hide. `pairs`: every (owner, viewer) that
    agreements reach; `known`: the same of sellers that are no viewers here; `owned`: the products of the owners.
    """
    by_buyer: dict[int, list[Dealing]] = {}
    for one in dealings:
        by_buyer.setdefault(one.buyer_id, []).append(one)
    todo = sorted((owner, viewer) for owner, viewer in pairs if owner != viewer)
    unseen: Unseen = dict(known)
    made: dict[tuple[frozenset[int], frozenset[int], int], frozenset[int]] = {}

    def way(owner: int, one: Dealing) -> frozenset[int] | None:
        """What a buyer would not see of an owner if it had this seller alone; None while it is not known whether the seller reaches the owner."""
        before = frozenset[int]() if owner == one.seller_id else unseen.get((owner, one.seller_id))
        if before is None or not one.hides:
            return before
        key = (before, one.hides, owner)  # the same few sets come again for thousands of buyers
        if key not in made:
            made[key] = before | (one.hides & owned.get(owner, frozenset()))
        return made[key]

    changed = True
    while changed:  # once more for each step of a chain that goes against the order of ids; a turn only lets more be seen
        changed = False
        for owner, viewer in todo:
            ways = [found for one in by_buyer.get(viewer, ()) if (found := way(owner, one)) is not None]
            if not ways:
                continue
            now, was = ways[0] if len(ways) == 1 else frozenset.intersection(*ways), unseen.get((owner, viewer))
            if now is not was and now != was:
                unseen[owner, viewer] = now
                changed = True
    sights: dict[int, list[frozenset[int]]] = {}
    for (_owner, viewer), some in unseen.items():
        if some:
            sights.setdefault(viewer, []).append(some)
    shows: dict[int, frozenset[int]] = {}
    whole: dict[tuple[frozenset[int], ...], frozenset[int]] = {}
    for one in dealings:
        parts = tuple(some for some in (one.hides, *sights.get(one.seller_id, ())) if some)
        if parts not in whole:
            whole[parts] = parts[0] if len(parts) == 1 else frozenset().union(*parts)
        shows[one.id] = whole[parts]
    return unseen, shows


def expiry_due(days: int, told: int | None) -> int | None:
    """Which of the days before the end is to be told now, with `days` left and `told` the last one told; None when there is nothing new to tell."""
    reached = [step for step in EXPIRY_DAYS if 0 <= days <= step]
    return min(reached) if reached and (told is None or min(reached) < told) else None
