"""Reads of agreements: the terms of a pair on a day, what a buyer may not buy, lists for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from qudao.agreements.models import Agreement, Authorisation, Group, GroupMember
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.network.queries import CARD, OrgCard


@dataclass(frozen=True)
class Terms:
    """What documents pin of an agreement. `payment_days` after the invoice date; state active or suspended."""

    agreement_id: int
    code: str
    currency: str
    payment_days: int
    invoice_on: str
    tax_inclusive: bool
    state: str
    seller: OrgCard
    buyer: OrgCard

    @property
    def active(self) -> bool:
        """Whether new orders may be placed under it."""
        return self.state == AgreementState.ACTIVE


_TERMS = f"""
    select a.id, a.code, a.currency, a.payment_days, a.invoice_on, a.tax_inclusive, a.state,
           {", ".join(f"s.{name}" for name in CARD)}, {", ".join(f"b.{name}" for name in CARD)}
      from agreements_agreement a
      join network_organisation s on s.id = a.seller_id
      join network_organisation b on b.id = a.buyer_id
"""
_ON = "a.state in ('active', 'suspended') and a.valid_from <= %s and (a.valid_to is null or a.valid_to >= %s)"


def _terms(row: tuple) -> Terms:
    width = len(CARD)
    seller, buyer = OrgCard(*row[7 : 7 + width]), OrgCard(*row[7 + width :])
    return Terms(*(*row[:7], seller, buyer))


def unscoped_terms(seller_id: int, buyer_id: int, on: date) -> Terms | None:
    """The terms between two organisations on a day: the active agreement, else a suspended one, else None. One statement."""
    found = rows(
        f"{_TERMS} where a.seller_id = %s and a.buyer_id = %s and {_ON} order by a.state, a.valid_from desc, a.id desc limit 1",
        [seller_id, buyer_id, on, on],
    )
    return _terms(found[0]) if found else None


def unscoped_all_terms(sides: Iterable[tuple[int, int]], on: date) -> dict[tuple[int, int], Terms]:
    """`unscoped_terms` of many (seller, buyer); one without terms is missing. One statement."""
    asked = sorted(set(sides))
    found = rows(
        f"""{_TERMS} join unnest(%s::bigint[], %s::bigint[]) d(seller_id, buyer_id) on d.seller_id = a.seller_id and d.buyer_id = a.buyer_id
            where {_ON} order by a.state desc, a.valid_from, a.id""",
        [[seller for seller, _buyer in asked], [buyer for _seller, buyer in asked], on, on],
    )
    return {(terms.seller.id, terms.buyer.id): terms for terms in map(_terms, found)}  # the last one of a pair is the one that counts


def unscoped_terms_of(agreement_ids: Iterable[int]) -> dict[int, Terms]:
    """The terms of these agreements whatever their state or day. One statement."""
    return {row[0]: _terms(row) for row in rows(f"{_TERMS} where a.id = any(%s)", [list(agreement_ids)])}


def unscoped_sellers_of(buyer_id: int, on: date) -> list[Terms]:
    """The terms under which an organisation can buy on a day, by seller. One statement."""
    return [_terms(row) for row in rows(f"{_TERMS} where a.buyer_id = %s and {_ON} order by s.code, a.id", [buyer_id, on, on])]


# The authorisations are read once, however many products are asked for.
_REFUSED = """
    with grants as materialized (
        select g.product_id, g.allowed, c.path, g.product_id is null and g.category_id is null as everything
          from agreements_authorisation g left join catalog_category c on c.id = g.category_id
         where g.agreement_id = %s and g.valid_from <= %s and (g.valid_to is null or g.valid_to >= %s))
    select asked.id
      from unnest(%s::bigint[]) as asked(id)
      left join catalog_product p on p.id = asked.id
      left join catalog_category c on c.id = p.category_id
      cross join lateral (
        select bool_or(g.allowed) as yes, bool_or(not g.allowed) as no from grants g
         where g.everything or g.product_id = asked.id or starts_with(c.path, g.path)) as v
     where p.id is null or v.yes is not true or v.no
"""


_ALL_REFUSED = """
    with grants as materialized (
        select g.agreement_id, g.product_id, g.allowed, c.path, g.product_id is null and g.category_id is null as everything
          from agreements_authorisation g left join catalog_category c on c.id = g.category_id
         where g.agreement_id = any(%s) and g.valid_from <= %s and (g.valid_to is null or g.valid_to >= %s))
    select asked.agreement_id, asked.id
      from unnest(%s::bigint[], %s::bigint[]) as asked(agreement_id, id)
      left join catalog_product p on p.id = asked.id
      left join catalog_category c on c.id = p.category_id
      cross join lateral (
        select bool_or(g.allowed) as yes, bool_or(not g.allowed) as no from grants g
         where g.agreement_id = asked.agreement_id and (g.everything or g.product_id = asked.id or starts_with(c.path, g.path))) as v
     where p.id is null or v.yes is not true or v.no
"""


def unscoped_refused(agreement_id: int, product_ids: Iterable[int], on: date) -> set[int]:
    """The products the buyer may not order on a day: no allowing authorisation covers them, or a forbidding one does. One statement."""
    return {row[0] for row in rows(_REFUSED, [agreement_id, on, on, list(product_ids)])}


def unscoped_all_refused(asked: Mapping[int, Iterable[int]], on: date) -> dict[int, set[int]]:
    """`unscoped_refused` for the products asked for under many agreements, by agreement. One statement."""
    pairs = [(agreement_id, product_id) for agreement_id, products in asked.items() for product_id in products]
    refused: dict[int, set[int]] = {agreement_id: set() for agreement_id in asked}
    for agreement_id, product_id in rows(_ALL_REFUSED, [list(asked), on, on, [one[0] for one in pairs], [one[1] for one in pairs]]):
        refused[agreement_id].add(product_id)
    return refused


# Whoever sells to me opens what is open to him: down = the buyer and everybody who buys through him, up = everybody above each of them.
_REACH = """
    with recursive
    down(id) as (
        select %s::bigint
        union select a.buyer_id from agreements_agreement a join down on a.seller_id = down.id where a.state = 'active'),
    up(viewer, owner) as (
        select down.id, a.seller_id from down join agreements_agreement a on a.buyer_id = down.id where a.state = 'active'
        union select up.viewer, a.seller_id from up join agreements_agreement a on a.buyer_id = up.owner where a.state = 'active')
    select down.id, up.owner from down left join up on up.viewer = down.id
"""


def unscoped_reach(buyer_id: int) -> tuple[set[int], set[tuple[int, int]]]:
    """(viewers, {(owner, viewer)}): `buyer_id` and all who buy through it, and whose catalogues each of them reaches by active agreements."""
    found = rows(_REACH, [buyer_id])
    return {viewer for viewer, _owner in found}, {(owner, viewer) for viewer, owner in found if owner is not None}


def agreements(actor: Actor, *, state: str = "", side: str = "") -> QuerySet[Agreement]:
    """The agreements the actor sees; `side` "seller" or "buyer" keeps those where the actor's own organisation stands there."""
    found = visible(actor, Agreement, side=side if side in ("seller", "buyer") else "").select_related("seller", "buyer")
    found = found.order_by("-valid_from", "code", "id")
    return found.filter(state=state) if state else found


def agreement(actor: Actor, agreement_id: int, verb: str | None = None) -> Agreement:
    """One agreement; NotFound when the actor does not see it, Forbidden when the verb does not reach it."""
    return get_visible(actor, Agreement, agreement_id, verb)


def authorisations(actor: Actor, agreement_id: int) -> QuerySet[Authorisation]:
    """The authorisations of an agreement the actor sees, those in force first."""
    return visible(actor, Authorisation).filter(agreement_id=agreement_id).select_related("product", "category").order_by("-valid_from", "id")


def all_authorisations(actor: Actor) -> QuerySet[Authorisation]:
    """The authorisations of all agreements the actor sees."""
    return visible(actor, Authorisation)


def unscoped_expired(on: date) -> list[int]:
    """Agreements past their last day that nobody has ended, oldest first."""
    return list(Agreement.unscoped.filter(valid_to__lt=on).exclude(state=AgreementState.ENDED).order_by("pk").values_list("pk", flat=True))


def groups(actor: Actor) -> QuerySet[Group]:
    """The groups of buyers that the actor keeps."""
    return visible(actor, Group).select_related("owner").order_by("owner_id", "code")


def group(actor: Actor, group_id: int, verb: str | None = None) -> Group:
    """One group; NotFound when the actor does not see it."""
    return get_visible(actor, Group, group_id, verb)


def members(actor: Actor, group_id: int | None = None, *, on: date | None = None) -> QuerySet[GroupMember]:
    """Who is, was and will be in the groups the actor keeps, or on one day."""
    found = visible(actor, GroupMember).select_related("buyer", "group").order_by("buyer__code", "-valid_from", "id")
    if group_id is not None:
        found = found.filter(group_id=group_id)
    return found.filter(Q(valid_to=None) | Q(valid_to__gte=on), valid_from__lte=on) if on else found


def unscoped_memberships(group_id: int, buyer_ids: Iterable[int]) -> dict[int, list[GroupMember]]:
    """All times in which these buyers are in a group, by buyer. One statement."""
    found: dict[int, list[GroupMember]] = {}
    for one in GroupMember.unscoped.filter(group_id=group_id, buyer_id__in=list(buyer_ids)):
        found.setdefault(one.buyer_id, []).append(one)
    return found


def channels(actor: Actor) -> list[str]:
    """The channels that the agreements of the actor's organisation name. One statement."""
    return list(Agreement.unscoped.filter(seller_id=actor.org_id).exclude(channel="").order_by("channel").values_list("channel", flat=True).distinct()[:200])
