"""Reads of prices; above all the quote: what do these goods cost under this agreement today, and why."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Q, QuerySet

from qudao.agreements import queries as agreements
from qudao.base.access import Actor, get_visible, sees_prices, visible
from qudao.base.db import rows
from qudao.kernel.errors import Forbidden
from qudao.pricing.models import ListAssignment, Price, PriceList, SpecialPrice
from qudao.pricing.rules import Candidate, Quote, Standing, choose


@dataclass(frozen=True, slots=True)
class Item:
    """Something to price: `key` is the caller's own (a line number), `qty` in base units."""

    key: Hashable
    product_id: int
    qty: Decimal


# One row per price that is valid on the day and reached by the largest quantity asked for of its product; base and assigned lists of the
# agreement's currency only. "offset 0" keeps the planner on one index look-up per (product, list): it cannot know that an agreement has
# few lists, and would read the product's prices in the lists of all dealers (measured with 60 lists: 26 ms instead of 7 for 100 lines).
_CANDIDATES = """
    with asked as materialized (select * from unnest(%(products)s::bigint[], %(quantities)s::numeric[]) as a(product_id, qty)),
    deal as materialized (select id, seller_id, currency, tax_inclusive from agreements_agreement where id = %(agreement)s),
    lists as materialized (
        select t.id, t.code, t.tax_inclusive, case when a.id is null then 'base' else 'list' end as level, coalesce(a.priority, 0) as priority
          from deal join pricing_pricelist t on t.owner_id = deal.seller_id and t.currency = deal.currency
          left join pricing_listassignment a on a.list_id = t.id and a.agreement_id = deal.id
         where a.id is not null or t.is_base)
    select asked.product_id, 'special', s.id, 0, s.min_qty, s.amount, deal.tax_inclusive, s.valid_from, s.valid_to, ''
      from deal cross join asked cross join lateral (
        select * from pricing_specialprice s where s.agreement_id = %(agreement)s and s.product_id = asked.product_id offset 0) s
     where s.min_qty <= asked.qty and s.valid_from <= %(on)s and (s.valid_to is null or s.valid_to >= %(on)s)
    union all
    select asked.product_id, l.level, p.id, l.priority, p.min_qty, p.amount, l.tax_inclusive, p.valid_from, p.valid_to, l.code
      from lists l cross join asked cross join lateral (
        select * from pricing_price p where p.product_id = asked.product_id and p.list_id = l.id offset 0) p
     where p.min_qty <= asked.qty and p.valid_from <= %(on)s and (p.valid_to is null or p.valid_to >= %(on)s)
"""


def unscoped_quote(agreement_id: int, items: Iterable[Item], on: date) -> dict[Hashable, Quote]:
    """The price of each item under an agreement on a day, by key; an item without a price is missing. One statement for any number of items."""
    items = list(items)
    largest: dict[int, Decimal] = {}
    for item in items:
        known = largest.get(item.product_id)
        if known is None or item.qty > known:
            largest[item.product_id] = item.qty
    if not largest:
        return {}
    params = {"products": list(largest), "quantities": list(largest.values()), "agreement": agreement_id, "on": on}
    candidates: dict[int, list[Candidate]] = {}
    for product_id, level, pk, priority, min_qty, amount, inclusive, valid_from, valid_to, code in rows(_CANDIDATES, params):
        candidates.setdefault(product_id, []).append(Candidate(level, pk, priority, min_qty, amount, inclusive, valid_from, valid_to, code))
    quotes: dict[Hashable, Quote] = {}
    for item in items:
        found = candidates.get(item.product_id)
        quote = choose(found, item.qty) if found else None
        if quote is not None:
            quotes[item.key] = quote
    return quotes


# The same for many agreements.
_ALL_CANDIDATES = """
    with asked as materialized (
        select * from unnest(%(agreements)s::bigint[], %(products)s::bigint[], %(quantities)s::numeric[]) as a(agreement_id, product_id, qty)),
    deal as materialized (select id, seller_id, currency, tax_inclusive from agreements_agreement where id = any(%(agreements)s)),
    lists as materialized (
        select deal.id as agreement_id, t.id, t.code, t.tax_inclusive, case when a.id is null then 'base' else 'list' end as level,
               coalesce(a.priority, 0) as priority
          from deal join pricing_pricelist t on t.owner_id = deal.seller_id and t.currency = deal.currency
          left join pricing_listassignment a on a.list_id = t.id and a.agreement_id = deal.id
         where a.id is not null or t.is_base)
    select asked.agreement_id, asked.product_id, 'special', s.id, 0, s.min_qty, s.amount, deal.tax_inclusive, s.valid_from, s.valid_to, ''
      from asked join deal on deal.id = asked.agreement_id cross join lateral (
        select * from pricing_specialprice s where s.agreement_id = asked.agreement_id and s.product_id = asked.product_id offset 0) s
     where s.min_qty <= asked.qty and s.valid_from <= %(on)s and (s.valid_to is null or s.valid_to >= %(on)s)
    union all
    select asked.agreement_id, asked.product_id, l.level, p.id, l.priority, p.min_qty, p.amount, l.tax_inclusive, p.valid_from, p.valid_to, l.code
      from asked join lists l using (agreement_id) cross join lateral (
        select * from pricing_price p where p.product_id = asked.product_id and p.list_id = l.id offset 0) p
     where p.min_qty <= asked.qty and p.valid_from <= %(on)s and (p.valid_to is null or p.valid_to >= %(on)s)
"""


def unscoped_all_quotes(asked: Mapping[int, Sequence[Item]], on: date) -> dict[int, dict[Hashable, Quote]]:
    """`unscoped_quote` for the items asked for under many agreements, by agreement; keys are the caller's. One statement."""
    largest: dict[tuple[int, int], Decimal] = {}
    for agreement_id, items in asked.items():
        for item in items:
            key = (agreement_id, item.product_id)
            largest[key] = max(largest.get(key, item.qty), item.qty)
    if not largest:
        return {agreement_id: {} for agreement_id in asked}
    params = {"agreements": [k[0] for k in largest], "products": [k[1] for k in largest], "quantities": list(largest.values()), "on": on}
    candidates: dict[tuple[int, int], list[Candidate]] = {}
    for agreement_id, product_id, *one in rows(_ALL_CANDIDATES, params):
        candidates.setdefault((agreement_id, product_id), []).append(Candidate(*one))
    quotes: dict[int, dict[Hashable, Quote]] = {}
    for agreement_id, items in asked.items():
        chosen = ((item.key, choose(candidates.get((agreement_id, item.product_id), ()), item.qty)) for item in items)
        quotes[agreement_id] = {key: quote for key, quote in chosen if quote is not None}
    return quotes


def unscoped_standing(list_id: int, pairs: Sequence[tuple[int, Decimal]], since: date) -> dict[tuple[int, Decimal], list[Standing]]:
    """The prices of a list that reach to `since` or later, by (product, break). One statement; the caller holds the lock of the list."""
    found = rows(
        """select p.product_id, p.min_qty, p.id, p.amount, p.valid_from, p.valid_to
             from unnest(%s::bigint[], %s::numeric[]) as asked(product_id, min_qty)
             join pricing_price p on p.list_id = %s and p.product_id = asked.product_id and p.min_qty = asked.min_qty
            where p.valid_to is null or p.valid_to >= %s""",
        [[pair[0] for pair in pairs], [pair[1] for pair in pairs], list_id, since],
    )
    standing: dict[tuple[int, Decimal], list[Standing]] = {}
    for product_id, min_qty, *rest in found:
        standing.setdefault((product_id, min_qty), []).append(Standing(*rest))
    return standing


def price_lists(actor: Actor) -> QuerySet[PriceList]:
    """The price lists the actor may see, base lists first."""
    return visible(actor, PriceList).select_related("owner").order_by("owner_id", "-is_base", "code")


def price_list(actor: Actor, list_id: int, verb: str | None = None) -> PriceList:
    """One price list; NotFound when it does not exist for this actor, Forbidden when the verb does not reach it."""
    return get_visible(actor, PriceList, list_id, verb)


def all_prices(actor: Actor) -> QuerySet[Price]:
    """The prices of all lists the actor may see."""
    return visible(actor, Price).select_related("product", "list")


def all_special_prices(actor: Actor) -> QuerySet[SpecialPrice]:
    """The special prices of all agreements the actor may see."""
    return visible(actor, SpecialPrice).select_related("agreement", "product")


def prices(actor: Actor, list_id: int, *, on: date | None = None, search: str = "") -> QuerySet[Price]:
    """The prices of a list the actor may see, by product and break; `on` keeps those valid on a day."""
    found = visible(actor, Price).filter(list_id=list_id).select_related("product").order_by("product__code", "min_qty", "-valid_from")
    if on is not None:
        found = found.filter(Q(valid_to=None) | Q(valid_to__gte=on), valid_from__lte=on)
    for word in search.split():
        found = found.filter(Q(product__code__icontains=word) | Q(product__name__icontains=word) | Q(product__initials__startswith=word.lower()))
    return found


def assignments(actor: Actor, *, list_id: int | None = None, agreement_id: int | None = None) -> QuerySet[ListAssignment]:
    """Which agreements use which lists, of what the actor may see, highest priority first."""
    found = visible(actor, ListAssignment).select_related("agreement__seller", "agreement__buyer", "list").order_by("-priority", "id")
    if list_id is not None:
        found = found.filter(list_id=list_id)
    return found if agreement_id is None else found.filter(agreement_id=agreement_id)


def special_prices(actor: Actor, agreement_id: int) -> QuerySet[SpecialPrice]:
    """The special prices of an agreement the actor may see, newest first."""
    return visible(actor, SpecialPrice).filter(agreement_id=agreement_id).select_related("product").order_by("-valid_from", "product__code", "-id")


def quote(actor: Actor, agreement_id: int, items: Iterable[Item], on: date) -> dict[Hashable, Quote]:
    """The quote for somebody who may see the prices of this agreement; NotFound when it is hidden, Forbidden when only its prices are."""
    agreement = agreements.agreement(actor, agreement_id)
    if not actor.can("pricing.view") or not sees_prices(actor, agreement.seller_id, agreement.buyer_id):
        raise Forbidden("base.forbidden", verb="pricing.view")
    return unscoped_quote(agreement_id, items, on)
