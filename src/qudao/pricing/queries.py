"""Reads of prices; above all the quote: what do these goods cost under this agreement today, and why."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery

from qudao.agreements import queries as agreements
from qudao.approvals.models import Proposal
from qudao.approvals.states import ProposalState
from qudao.base.access import Actor, get_visible, sees_prices, visible
from qudao.base.db import AskedEach, rows
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden
from qudao.kernel.money import ZERO
from qudao.pricing.models import ChangeLine, ListAssignment, Price, PriceChange, PriceList, Rate, SpecialPrice, WideAssignment
from qudao.pricing.rules import NOTHING, Candidate, Quote, Standing, choose, next_break
from qudao.pricing.states import BY_RANK, ChangeState

#: as many prices of an agreement's lists are named to the planner one by one
FEW_PRICES = 2_000
#: more than any break asks for, so that breaks not reached are told as well
FAR = Decimal("999999999")
NONE: Mapping[int, Mapping[str, Decimal]] = {}


@dataclass(frozen=True, slots=True)
class Item:
    """Something to price: `key` is the caller's own (a line number), `qty` in base units. `alone`: what is only looked at, no line of the same order."""

    key: Hashable
    product_id: int
    qty: Decimal
    alone: bool = False


# Which lists answer for an agreement, each once, at its highest level (`states.RANK`): its own, those of its buyer's groups on the day, those of the
# buyer's region and channel, and the base list: that in the agreement's currency before that in the seller's own. A list in another currency answers at
# the seller's last rate up to the day, and not at all without one.
_LISTS = """
    deal as materialized (
        select a.id, a.seller_id, a.buyer_id, a.currency, a.tax_inclusive, a.channel, b.path, b.area_code, s.currency as home
          from agreements_agreement a join network_organisation b on b.id = a.buyer_id join network_organisation s on s.id = a.seller_id
         where a.id = any(%(agreements)s)),
    named as (
        select deal.id as deal_id, x.list_id, 2 as rank, x.priority from deal join pricing_listassignment x on x.agreement_id = deal.id
        union all
        select deal.id, x.list_id, case when x.group_id is null then 4 else 3 end, x.priority
          from deal join pricing_wideassignment x on x.owner_id = deal.seller_id
         where case when x.group_id is null
                    then (x.region_id is null or strpos(deal.path, '/' || x.region_id || '/') > 0)
                         and starts_with(deal.area_code, x.area_code) and x.channel in ('', deal.channel)
                    else exists (select from agreements_groupmember m where m.buyer_id = deal.buyer_id and m.group_id = x.group_id
                                    and m.valid_from <= %(on)s and (m.valid_to is null or m.valid_to >= %(on)s)) end
        union all
        select deal.id, t.id, 5, case when t.currency = deal.currency then 0 else -1 end
          from deal join pricing_pricelist t on t.owner_id = deal.seller_id and t.is_base and t.currency in (deal.currency, deal.home)),
    lists as materialized (
        select distinct on (n.deal_id, n.list_id) n.deal_id, t.id, t.code, t.tax_inclusive, t.mixes, n.rank, n.priority,
               t.currency, deal.currency as target, r.rate, r.day
          from named n join deal on deal.id = n.deal_id join pricing_pricelist t on t.id = n.list_id
          left join lateral (
            select r.rate, r.day from pricing_rate r
             where r.owner_id = deal.seller_id and r.from_currency = t.currency and r.to_currency = deal.currency and r.day <= %(on)s
             order by r.day desc limit 1) r on t.currency <> deal.currency
         order by n.deal_id, n.list_id, n.rank, n.priority desc)
"""
# One row per price that is valid on the day and reached by the largest quantity asked for of its product. "offset 0" keeps the planner on one
# index look-up per (product, list): it cannot know that an agreement has few lists, and would read the product's prices in the lists of all
# dealers (measured with 60 lists: 26 ms instead of 7 for 100 lines).
_CANDIDATES = f"""
    with asked as materialized (
        select * from unnest(%(of)s::bigint[], %(products)s::bigint[], %(quantities)s::numeric[], %(together)s::numeric[])
            as a(deal_id, product_id, qty, together)), {_LISTS}
    select asked.deal_id, asked.product_id, 1, s.id, 0, s.min_qty, s.amount, deal.tax_inclusive, s.valid_from, s.valid_to, '', null, 0
      from asked join deal on deal.id = asked.deal_id cross join lateral (
        select * from pricing_specialprice s where s.agreement_id = asked.deal_id and s.product_id = asked.product_id offset 0) s
     where s.min_qty <= asked.qty and s.valid_from <= %(on)s and (s.valid_to is null or s.valid_to >= %(on)s)
    union all
    select asked.deal_id, asked.product_id, l.rank, p.id, l.priority, p.min_qty, case when l.rate is null then p.amount else round(p.amount * l.rate, 6) end,
           l.tax_inclusive, p.valid_from, p.valid_to, l.code,
           case when l.rate is not null then json_build_object('currency', l.currency, 'list_amount', trim_scale(p.amount)::text,
                                                              'rate', trim_scale(l.rate)::text, 'rate_day', l.day) end,
           case when l.mixes then l.id else 0 end
      from asked join lists l on l.deal_id = asked.deal_id cross join lateral (
        select * from pricing_price p where p.product_id = asked.product_id and p.list_id = l.id offset 0) p
     where (l.currency = l.target or round(p.amount * l.rate, 6) > 0)
       and p.min_qty <= case when l.mixes then asked.together else asked.qty end
       and p.valid_from <= %(on)s and (p.valid_to is null or p.valid_to >= %(on)s)
"""
_CANDIDATES = " ".join(_CANDIDATES.split())  # the driver reads a statement of over 4,096 characters anew each time


def unscoped_quote(agreement_id: int, items: Iterable[Item], on: date) -> dict[Hashable, Quote]:
    """The price of each item under an agreement on a day, by key; an item without a price is missing. One statement for any number of items."""
    return unscoped_all_quotes({agreement_id: list(items)}, on)[agreement_id]


def unscoped_all_quotes(asked: Mapping[int, Sequence[Item]], on: date) -> dict[int, dict[Hashable, Quote]]:
    """`unscoped_quote` for the items asked for under many agreements, by agreement; keys are the caller's. One statement."""
    largest: dict[tuple[int, int], Decimal] = {}
    for agreement_id, items in asked.items():
        for item in items:
            known = largest.get(key := (agreement_id, item.product_id))
            if known is None or item.qty > known:
                largest[key] = item.qty
    if not largest:
        return {agreement_id: {} for agreement_id in asked}
    sums = {agreement_id: sum((item.qty for item in items if not item.alone), ZERO) for agreement_id, items in asked.items()}
    most = [max(qty, sums[key[0]]) for key, qty in largest.items()]
    candidates = _candidates(largest, most, on)
    quotes: dict[int, dict[Hashable, Quote]] = {agreement_id: {} for agreement_id in asked}
    for agreement_id, items in asked.items():
        mixed = _mixed(agreement_id, items, candidates)
        for item in items:
            found = candidates.get((agreement_id, item.product_id))
            quote = choose(found, item.qty, NOTHING if item.alone else mixed) if found else None
            if quote is not None:
                quotes[agreement_id][item.key] = quote
    return quotes


def _candidates(largest: Mapping[tuple[int, int], Decimal], most: Sequence[Decimal], on: date) -> dict[tuple[int, int], list[Candidate]]:
    """The prices that quantities by (agreement, product) reach; `most`: with what else of an order counts beside each. One statement."""
    params = {"of": [k[0] for k in largest], "products": [k[1] for k in largest], "quantities": list(largest.values()), "together": most}
    found: dict[tuple[int, int], list[Candidate]] = {}
    for agreement_id, product_id, rank, *one in rows(_CANDIDATES, params | {"agreements": list({k[0] for k in largest}), "on": on}):
        found.setdefault((agreement_id, product_id), []).append(Candidate(BY_RANK[rank], *one))
    return found


def unscoped_breaks(
    agreement_id: int, asked: Mapping[int, Decimal], on: date, together: Mapping[int, Mapping[str, Decimal]] = NONE
) -> tuple[dict[int, Decimal], dict[int, tuple[Decimal, Decimal]]]:
    """(price, (how much more, what it costs then)) by product for quantities of it; `together`: by product and code of a list whose breaks count several
    products, how much of them all an order has. One statement.
    """
    candidates = _candidates({(agreement_id, pk): FAR for pk in asked}, [FAR] * len(asked), on) if asked else {}
    prices: dict[int, Decimal] = {}
    more: dict[int, tuple[Decimal, Decimal]] = {}
    for pk, qty in asked.items():
        found = candidates.get((agreement_id, pk), [])
        mixed = {one.mixes: together[pk][one.code] for one in found if one.mixes and one.code in together.get(pk, ())}
        quote = choose(found, qty, mixed)
        if quote is not None:
            prices[pk] = quote.amount
            if step := next_break(found, qty, mixed, quote.amount):
                more[pk] = step
    return prices, more


def _mixed(agreement_id: int, items: Sequence[Item], candidates: Mapping[tuple[int, int], Sequence[Candidate]]) -> Mapping[int, Decimal]:
    """By list whose breaks count its products together, how much of them all is asked for under an agreement."""
    mixed: dict[int, Decimal] = {}
    for item in items:
        for list_id in {one.mixes for one in candidates.get((agreement_id, item.product_id), ())} - {0}:
            if not item.alone:
                mixed[list_id] = mixed.get(list_id, ZERO) + item.qty
    return mixed


def unscoped_has_price(agreement_id: int, on: date) -> Q:
    """Products with a price under an agreement on a day, as a condition on a queryset of products. Reads the agreement's lists: one statement.

    The products of few prices are named; of many, each product is asked as it comes.
    """
    named = f"""with {_LISTS}, usable as materialized (select id from lists where currency = target or rate is not null)
        select array(select id from usable), array(select p.product_id from usable u join pricing_price p on p.list_id = u.id
            where p.valid_from <= %(on)s and (p.valid_to is null or p.valid_to >= %(on)s) limit %(most)s)"""
    [(lists, priced)] = rows(named, {"agreements": [agreement_id], "on": on, "most": FEW_PRICES + 1})
    valid = Q(valid_from__lte=on) & (Q(valid_to=None) | Q(valid_to__gte=on))
    special = Q(pk__in=SpecialPrice.unscoped.filter(valid, agreement_id=agreement_id).values("product_id"))
    if len(priced) <= FEW_PRICES:
        return Q(pk__in=priced) | special
    return Q(AskedEach(Price.unscoped.filter(valid, list_id__in=lists, product_id=OuterRef("pk")))) | special


def unscoped_rate(owner_id: int, source: str, target: str, on: date) -> Rate | None:
    """The owner's rate of one currency in another that counts on a day: the last one up to it. One statement."""
    return Rate.unscoped.filter(owner_id=owner_id, from_currency=source, to_currency=target, day__lte=on).order_by("-day").first()


def unscoped_lacking_rates(agreement_id: int, on: date) -> list[tuple[str, str]]:
    """The (from, to) currencies whose missing rate keeps a list from answering under an agreement: why there is no price. One statement."""
    found = rows(
        f"with {_LISTS} select distinct currency, target from lists where currency <> target and rate is null", {"agreements": [agreement_id], "on": on}
    )
    return [(source, target) for source, target in found]


def rates(actor: Actor) -> QuerySet[Rate]:
    """The exchange rates that the actor keeps, newest first."""
    return visible(actor, Rate).select_related("owner").order_by("-day", "from_currency", "to_currency", "id")


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


def unscoped_change_lines(change: PriceChange) -> list[Any]:
    """The prices of a change by product and break, each with `was`: what it takes the place of on the first day (of a released one: what it took). One
    statement."""
    first = max(change.valid_from, clock.today())
    now = Price.unscoped.filter(Q(valid_to=None) | Q(valid_to__gte=first), list_id=change.list_id, product_id=OuterRef("product_id"), valid_from__lte=first)
    now = now.filter(min_qty=OuterRef("min_qty"))
    was = Subquery(now.values("amount")[:1]) if change.state == ChangeState.DRAFT else F("before")
    found = ChangeLine.unscoped.filter(change=change).select_related("product").annotate(was=was)
    return list(found.order_by("product__code", "min_qty"))


def changes(actor: Actor) -> QuerySet[PriceChange]:
    """The changes of prices of the lists the actor keeps, newest first, each with how many prices it has, whether it waits for a signature, and whether
    any of its prices stands in the list."""
    counted = ChangeLine.unscoped.filter(change=OuterRef("pk")).order_by().values("change").annotate(n=Count("pk")).values("n")
    kept = Price.unscoped.filter(list_id=OuterRef("list_id"), valid_from=OuterRef("valid_from")).filter(
        Q(valid_to=None) | Q(valid_to__gte=clock.today()),
        Exists(ChangeLine.unscoped.filter(change=OuterRef(OuterRef("pk")), product_id=OuterRef("product_id"))),
    )
    waits = Proposal.unscoped.filter(subject_kind="pricing.pricechange", subject_id=OuterRef("pk"), state=ProposalState.WAITING)
    found = visible(actor, PriceChange).select_related("list").order_by("-pk")
    return found.annotate(number_of=Subquery(counted), waits=Exists(waits), stands=Exists(kept))


def standing_of(change: PriceChange) -> str:
    """How a change of `changes` stands today: a key of `states.STANDING`."""
    if change.state == ChangeState.DRAFT:
        return "waiting" if change.waits else "draft"  # type: ignore[attr-defined]
    if change.state in (ChangeState.DROPPED, ChangeState.RECALLED):
        return str(change.state)
    if not change.stands:  # type: ignore[attr-defined]
        return "superseded"
    return "scheduled" if change.valid_from > clock.today() else "effective"


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


def levels(actor: Actor, list_id: int | None = None) -> QuerySet[WideAssignment]:
    """Which groups, regions and channels pay by which lists, of what the actor keeps; groups first, highest priority first."""
    found = visible(actor, WideAssignment).select_related("list", "group", "region").order_by(F("group_id").asc(nulls_last=True), "-priority", "id")
    return found if list_id is None else found.filter(list_id=list_id)


def special_prices(actor: Actor, agreement_id: int) -> QuerySet[SpecialPrice]:
    """The special prices of an agreement the actor may see, newest first."""
    return visible(actor, SpecialPrice).filter(agreement_id=agreement_id).select_related("product").order_by("-valid_from", "product__code", "-id")


def quote(actor: Actor, agreement_id: int, items: Iterable[Item], on: date) -> dict[Hashable, Quote]:
    """The quote for somebody who may see the prices of this agreement; NotFound when it is hidden, Forbidden when only its prices are."""
    agreement = agreements.agreement(actor, agreement_id)
    if not actor.can("pricing.view") or not sees_prices(actor, agreement.seller_id, agreement.buyer_id):
        raise Forbidden("base.forbidden", verb="pricing.view")
    return unscoped_quote(agreement_id, items, on)
