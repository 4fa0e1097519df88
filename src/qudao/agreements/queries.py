"""Reads of agreements: the terms of a pair on a day, what a buyer may not buy, lists for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import BooleanField, Count, Exists, ExpressionWrapper, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from qudao.agreements.models import Agreement, Assortment, AssortmentRule, Authorisation, Group, GroupMember
from qudao.agreements.rules import Showing, Sorted, decide
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.catalog import queries as products
from qudao.catalog.models import HiddenProduct
from qudao.kernel import clock
from qudao.kernel.errors import Invalid
from qudao.kernel.money import ZERO
from qudao.network.models import Organisation
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
    #: the least an order must come to before tax; 0 for none
    min_order: Decimal = ZERO
    #: the currencies in which the two may trade that day when there are several and none was named; nothing may be decided by these terms then
    choice: tuple[str, ...] = ()

    def lacks(self, net: Decimal) -> Decimal:
        """What an order of this sum before tax lacks to the smallest."""
        return max(self.min_order - net, ZERO)

    @property
    def active(self) -> bool:
        """Whether new orders may be placed under it."""
        return self.state == AgreementState.ACTIVE


_TERMS = f"""
    select a.id, a.code, a.currency, a.payment_days, a.invoice_on, a.tax_inclusive, a.state, a.min_order,
           {", ".join(f"s.{name}" for name in CARD)}, {", ".join(f"b.{name}" for name in CARD)}
      from agreements_agreement a
      join network_organisation s on s.id = a.seller_id
      join network_organisation b on b.id = a.buyer_id
"""
_ON = "not a.transfers and a.state in ('active', 'suspended') and a.valid_from <= %s and (a.valid_to is null or a.valid_to >= %s)"
_FIRST = "order by a.state, a.valid_from desc, a.id desc"


def _terms(row: tuple) -> Terms:
    width = len(CARD)
    seller, buyer = OrgCard(*row[8 : 8 + width]), OrgCard(*row[8 + width :])
    return Terms(*(*row[:7], seller, buyer, row[7]))


def _counting(found: Iterable[Terms], currency: str) -> Terms | None:
    """Of the terms of a pair those that count: the first in the currency; the first of all where none is named, with the choice there is."""
    mine = [one for one in found if currency in ("", one.currency)]
    choice = tuple(sorted({one.currency for one in mine if one.active}))
    return replace(mine[0], choice=choice if len(choice) > 1 else ()) if mine else None


def unscoped_terms(seller_id: int, buyer_id: int, on: date, currency: str = "") -> Terms | None:
    """The terms between two organisations on a day: the active agreement, else a suspended one, else None; in a currency, or ("") in the only one. Where
    several are active and none is named, `choice` says which there are. One statement."""
    found = rows(f"{_TERMS} where a.seller_id = %s and a.buyer_id = %s and {_ON} {_FIRST}", [seller_id, buyer_id, on, on])
    return _counting(map(_terms, found), currency)


def unscoped_all_terms(sides: Iterable[tuple[int, int, str]], on: date) -> dict[tuple[int, int, str], Terms]:
    """`unscoped_terms` of many (seller, buyer, currency); one without terms is missing. One statement."""
    asked = sorted(set(sides))
    found = rows(
        f"{_TERMS} where (a.seller_id, a.buyer_id) in (select * from unnest(%s::bigint[], %s::bigint[])) and {_ON} {_FIRST}",
        [[one[0] for one in asked], [one[1] for one in asked], on, on],
    )
    of = dict[tuple[int, int], list[Terms]]()
    for terms in map(_terms, found):
        of.setdefault((terms.seller.id, terms.buyer.id), []).append(terms)
    return {key: counts for key in asked if (counts := _counting(of.get(key[:2], ()), key[2]))}


def unscoped_terms_of(agreement_ids: Iterable[int]) -> dict[int, Terms]:
    """The terms of these agreements whatever their state or day. One statement."""
    return {row[0]: _terms(row) for row in rows(f"{_TERMS} where a.id = any(%s)", [list(agreement_ids)])}


def unscoped_sellers_of(buyer_id: int, on: date) -> list[Terms]:
    """The terms under which an organisation can buy on a day, by seller. One statement."""
    return [_terms(row) for row in rows(f"{_TERMS} where a.buyer_id = %s and {_ON} order by s.code, a.id", [buyer_id, on, on])]


# The authorisations are read once, however many products are asked for. What the assortment hides is refused whatever they say.
_REFUSED = """
    with grants as materialized (
        select g.agreement_id, g.product_id, g.allowed, c.path, g.product_id is null and g.category_id is null as everything
          from agreements_authorisation g left join catalog_category c on c.id = g.category_id
         where g.agreement_id = any(%s) and g.valid_from <= %s and (g.valid_to is null or g.valid_to >= %s))
    select asked.agreement_id, asked.id, h.id is not null
      from unnest(%s::bigint[], %s::bigint[]) as asked(agreement_id, id)
      left join catalog_product p on p.id = asked.id
      left join catalog_category c on c.id = p.category_id
      left join agreements_assortment s on s.agreement_id = asked.agreement_id
      left join catalog_hiddenproduct h on h.hidden_id = s.hidden_id and h.product_id = asked.id
      cross join lateral (
        select bool_or(g.allowed) as yes, bool_or(not g.allowed) as no from grants g
         where g.agreement_id = asked.agreement_id and (g.everything or g.product_id = asked.id or starts_with(c.path, g.path))) as v
     where p.id is null or v.yes is not true or v.no or h.id is not null
"""


def unscoped_refused(agreement_id: int, product_ids: Iterable[int], on: date) -> dict[int, bool]:
    """The products the buyer may not order on a day: no allowing authorisation covers them, a forbidding one does, or (True) they are not shown to it.

    One statement.
    """
    return unscoped_all_refused({agreement_id: product_ids}, on)[agreement_id]


def unscoped_all_refused(asked: Mapping[int, Iterable[int]], on: date) -> dict[int, dict[int, bool]]:
    """`unscoped_refused` for the products asked for under many agreements, by agreement. One statement."""
    pairs = [(agreement_id, product_id) for agreement_id, some in asked.items() for product_id in some]
    refused: dict[int, dict[int, bool]] = {agreement_id: {} for agreement_id in asked}
    for agreement_id, product_id, hidden in rows(_REFUSED, [list(asked), on, on, [one[0] for one in pairs], [one[1] for one in pairs]]):
        refused[agreement_id][product_id] = hidden
    return refused


# Whoever sells to me opens what is open to him: down = the buyer and everybody who buys through him, up = everybody above each of them.
_REACH = """
    with recursive
    down(id) as (
        select unnest(%s::bigint[])
        union select a.buyer_id from agreements_agreement a join down on a.seller_id = down.id where a.state = 'active' and not a.transfers),
    up(viewer, owner) as (
        select down.id, a.seller_id from down join agreements_agreement a on a.buyer_id = down.id where a.state = 'active' and not a.transfers
        union select up.viewer, a.seller_id from up join agreements_agreement a on a.buyer_id = up.owner where a.state = 'active' and not a.transfers)
    select down.id, up.owner from down left join up on up.viewer = down.id
"""


def unscoped_reach(buyer_ids: Iterable[int]) -> tuple[set[int], set[tuple[int, int]]]:
    """(viewers, {(owner, viewer)}): these buyers and all who buy through them, and whose catalogues each of them reaches by active agreements."""
    found = rows(_REACH, [sorted(set(buyer_ids))])
    return {viewer for viewer, _owner in found}, {(owner, viewer) for viewer, owner in found if owner is not None}


def agreements(actor: Actor, *, state: str = "", side: str = "", transfers: bool | None = None) -> QuerySet[Agreement]:
    """The agreements the actor sees; `side` "seller" or "buyer" keeps those where the actor's own organisation stands there, `transfers` those for
    transfers or (False) the others.
    """
    found = visible(actor, Agreement, side=side if side in ("seller", "buyer") else "").select_related("seller", "buyer")
    found = found.order_by("-valid_from", "code", "id")
    found = found if transfers is None else found.filter(transfers=transfers)
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


def unscoped_expiring(on: date, within: int) -> list[int]:
    """Active agreements whose last day is at most so many days away, oldest first; not those of transfers, which follow others."""
    ends = Agreement.unscoped.filter(state=AgreementState.ACTIVE, transfers=False, valid_to__range=(on, on + timedelta(days=within)))
    return list(ends.order_by("pk").values_list("pk", flat=True))


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


# Which rules of its seller are about the buyer of each active agreement today. The three kinds of whom are looked up each by its own index.
_ABOUT = """
    with deal as materialized (
        select a.id, a.seller_id, a.buyer_id, a.channel, b.path, b.area_code, b.tier
          from agreements_agreement a join network_organisation b on b.id = a.buyer_id
         where a.state = 'active' and not a.transfers and {of} = any(%(of)s)),
    rule as materialized (
        select r.* from agreements_assortmentrule r
         where r.seller_id in (select seller_id from deal) and r.valid_from <= %(on)s and (r.valid_to is null or r.valid_to >= %(on)s)),
    found as (
        select d.id, r.id as rule_id from deal d join rule r on r.seller_id = d.seller_id and r.buyer_id = d.buyer_id
        union all
        select d.id, r.id from rule r
          join agreements_groupmember m on m.group_id = r.group_id and m.valid_from <= %(on)s and (m.valid_to is null or m.valid_to >= %(on)s)
          join deal d on d.seller_id = r.seller_id and d.buyer_id = m.buyer_id
        union all
        select d.id, r.id from rule r join deal d on d.seller_id = r.seller_id
         where r.buyer_id is null and r.group_id is null and (r.region_id is null or strpos(d.path, '/' || r.region_id || '/') > 0)
           and starts_with(d.area_code, r.area_code) and r.channel in ('', d.channel) and (r.tier is null or r.tier = d.tier)),
    each as (select id, array_agg(rule_id order by rule_id) as rules from found group by 1),
    narrow as materialized (select distinct d.seller_id from deal d join catalog_audience u on u.viewer_id = d.seller_id and u.hidden_id is not null)
    select d.id, d.seller_id, d.buyer_id, coalesce(e.rules, '{{}}'),
           exists (select from agreements_assortment s where s.agreement_id = d.id)
           or d.seller_id in (select seller_id from narrow)
      from deal d left join each e on e.id = d.id order by d.id
"""


@dataclass(frozen=True, slots=True)
class About:
    """An active agreement and the rules of its seller about its buyer on a day. `narrow`: it does not show all now, or its seller does not see all."""

    id: int
    seller_id: int
    buyer_id: int
    rules: tuple[int, ...]
    narrow: bool


def unscoped_about(ids: Iterable[int], on: date, *, of: str = "a.buyer_id") -> list[About]:
    """The active agreements of these buyers (or `of` "a.id") with the rules about each. One statement."""
    found = rows(_ABOUT.format(of=of), {"of": sorted(set(ids)), "on": on})
    return [About(pk, seller, buyer, tuple(about), narrow) for pk, seller, buyer, about, narrow in found]


def unscoped_showings(rule_ids: Iterable[int]) -> dict[int, Showing]:
    """Rules of assortments as far as they decide, by id. One statement, none for none."""
    wanted = sorted(set(rule_ids))
    sql = """select r.id, r.shown, r.buyer_id, r.group_id, r.region_id, r.area_code, r.channel, r.tier, r.product_id, coalesce(c.path, ''), r.brand_id
               from agreements_assortmentrule r left join catalog_category c on c.id = r.category_id where r.id = any(%s)"""
    return {row[0]: Showing(*row) for row in rows(sql, [wanted])} if wanted else {}


def unscoped_to_follow(asked: Mapping[int, Iterable[int]] | None = None) -> set[int]:
    """The buyers whose assortments are to be made again: of sellers that have rules or hide something, or of these sellers, each with all its buyers or
    (some named) with those. One statement.
    """
    found = rows(
        """select a.seller_id, a.buyer_id from agreements_agreement a left join agreements_assortment s on s.agreement_id = a.id
            where a.state = 'active' and not a.transfers and (%(all)s or a.seller_id = any(%(sellers)s))
              and (s.id is not null or exists (select from agreements_assortmentrule r where r.seller_id = a.seller_id))""",
        {"all": asked is None, "sellers": list(asked or ())},
    )
    named = {seller: set(buyers) for seller, buyers in (asked or {}).items()}
    return {buyer for seller, buyer in found if not named.get(seller) or buyer in named[seller]}


def unscoped_hidden_sets() -> list[int]:
    """The sets of products that agreements do not show. One statement."""
    return list(Assortment.unscoped.order_by().values_list("hidden_id", flat=True).distinct())


def assortment_rules(actor: Actor) -> QuerySet[AssortmentRule]:
    """The rules of assortments that the actor keeps, the newest first."""
    found = visible(actor, AssortmentRule).select_related("seller", "buyer", "group", "region", "product", "category", "brand")
    return found.order_by("-valid_from", "-id")


def assortment_rule(actor: Actor, rule_id: int, verb: str | None = None) -> AssortmentRule:
    """One rule; NotFound when the actor does not see it."""
    return get_visible(actor, AssortmentRule, rule_id, verb)


def offers(actor: Actor, product_id: int | None = None) -> QuerySet[Agreement]:
    """The active agreements of sellers the actor acts for, by buyer; `hidden`: whether a product is not shown, `hides`: how many are not."""
    sets = HiddenProduct.unscoped.filter(hidden__in=Assortment.unscoped.filter(agreement=OuterRef(OuterRef("pk"))).values("hidden_id"))
    many = sets.order_by().values("hidden_id").annotate(n=Count("pk")).values("n")
    found = visible(actor, Agreement, "agreements.assort").filter(state=AgreementState.ACTIVE, transfers=False).select_related("seller", "buyer")
    without = Assortment.unscoped.filter(hidden__in=HiddenProduct.unscoped.filter(product_id=product_id or 0).values("hidden_id")).values("agreement_id")
    found = found.annotate(hides=Coalesce(Subquery(many), 0), hidden=ExpressionWrapper(Q(pk__in=without), BooleanField()))
    return found.order_by("buyer__code", "id")


def unscoped_hidden_under(agreement_id: int | None) -> Exists:
    """Whether an agreement does not show a product, for a queryset of products."""
    sets = Assortment.unscoped.filter(agreement_id=agreement_id or 0).values("hidden_id")
    return Exists(HiddenProduct.unscoped.filter(hidden__in=sets, product_id=OuterRef("pk")))


def reasons(actor: Actor, agreement_ids: Iterable[int], product_ids: Iterable[int]) -> dict[tuple[int, int], AssortmentRule | None]:
    """Which rule of the actor's counts today for each product under each agreement, by (agreement, product); None: none of its own is about it.

    Four statements, however many.
    """
    found, asked = unscoped_about(agreement_ids, clock.today(), of="a.id"), [Sorted(*row) for row in products.unscoped_sorted(product_ids, of="p.id")]
    showings = unscoped_showings(pk for deal in found for pk in deal.rules)
    first = {(deal.id, one.id): next(iter(decide([showings[pk] for pk in deal.rules], one)), None) for deal in found for one in asked}
    known = assortment_rules(actor).in_bulk({one.id for one in first.values() if one})
    return {key: known.get(one.id) if one else None for key, one in first.items()}


def rule_typed(cells: Mapping[str, Any], actor: Actor) -> dict[str, Any]:
    """Whom and what somebody typed, for a `RuleDraft`: each by its code, or by `<name>_id`. Raises Invalid at what is not known. A statement for each code."""
    orgs, carried = visible(actor, Organisation), products.carried(actor)
    known = {
        "buyer": (orgs, "agreements.rule_org"), "group": (groups(actor).filter(owner_id=actor.org_id), "agreements.group_unknown"),
        "region": (orgs, "agreements.rule_org"), "product": (carried, "agreements.rule_product"),
        "category": (products.categories(actor), "agreements.category_unknown"), "brand": (products.brands(actor), "agreements.rule_brand"),
    }  # fmt: skip
    found: dict[str, Any] = {name: str(cells.get(name) or "").strip() for name in ("area_code", "channel")}
    tier = str(cells.get("tier") if cells.get("tier") is not None else "").strip()
    found["tier"] = int(Decimal(tier)) if tier else None
    for name, (among, code) in known.items():
        text = str(cells.get(name) or "").strip()
        found[f"{name}_id"] = cells.get(f"{name}_id") or (among.filter(code__iexact=text).values_list("pk", flat=True).first() if text else None)
        if text and not found[f"{name}_id"]:
            raise Invalid(code, field=name)
    return found


#: the columns by which a row of a file names an agreement of the own organisation
PARTNER = (
    Column("buyer", _("Buyer"), required=True, help=_("The code of the organisation."), example=SAMPLE, also=("branch", "dealer", "分店", "经销商")),
    Column("agreement", _("Agreement"), help=_("Its code; only for a buyer with several agreements."), also=("contract", "协议编号")),
)


class Sold:
    """The agreements under which the actor's organisation sells, by what the rows of a file say of them: the buyer, and the code where there are several.

    The one in force is meant, else the only one. One statement.
    """

    def __init__(self, actor: Actor, cells: Sequence[Cells]) -> None:
        self.found: dict[tuple[str, str], list[Agreement]] = {}
        mine = agreements(actor).filter(seller_id=actor.org_id, buyer__code__in={row.text("buyer").upper() for row in cells}, transfers=False)
        for one in mine.exclude(state=AgreementState.ENDED):
            for code in ("", one.code):
                self.found.setdefault((one.buyer.code.upper(), code), []).append(one)

    @property
    def ids(self) -> set[int]:
        """All of them."""
        return {one.pk for found in self.found.values() for one in found}

    def of(self, row: Cells) -> Agreement:
        """The one a row means; raises Invalid at the column that would say it."""
        found = self.found.get((row.text("buyer").upper(), row.text("agreement")), [])
        live = [one for one in found if one.state == AgreementState.ACTIVE] or found
        if len(live) != 1:
            raise Invalid("agreements.several" if live else "agreements.none_with_buyer", field="agreement" if live else "buyer")
        return live[0]

    @staticmethod
    def key(row: Cells) -> Any:
        """What must not stand in two rows."""
        return row.text("buyer").upper(), row.text("agreement")
