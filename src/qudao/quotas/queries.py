"""Reads of quotas: what their seller keeps, and what is left for a buyer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet, Sum

from qudao.agreements import queries as agreements
from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.base.subject import Subject
from qudao.catalog.models import Product
from qudao.inventory.queries import FREE
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.network import queries as network
from qudao.quotas.models import Quota, Share
from qudao.quotas.rules import Ask, Entry, Holder, Pot, Ration

#: whether a product is scarce for a seller on a day, as a part of a statement that reads lines anyway: (seller, product, day) as SQL
SCARCE = "EXISTS (SELECT FROM quotas_quota q WHERE q.seller_id = {} AND q.product_id = {} AND {} BETWEEN q.valid_from AND q.valid_to)"


def quotas(actor: Actor) -> QuerySet[Quota]:
    """The quotas that the actor keeps, the newest first; `left` is what nobody has ordered."""
    found = visible(actor, Quota).select_related("product", "seller").annotate(left=F("total") + F("carried") - F("taken"))
    return found.order_by("-valid_from", "product__code", "id")


def shares(actor: Actor) -> QuerySet[Share]:
    """The shares of the quotas that the actor keeps, the newest first; `left` is what its holder may still order before a release."""
    found = visible(actor, Share).select_related("quota__product", "group", "buyer").annotate(left=F("qty") + F("carried") - F("taken"))
    return found.order_by("-quota__valid_from", "quota__product__code", "id")


def quota(actor: Actor, quota_id: int, verb: str | None = None) -> Quota:
    """One quota; NotFound when the actor does not see it."""
    return get_visible(actor, Quota, quota_id, verb)


def unscoped_shares(quota_id: int) -> list[Share]:
    """The shares of a quota the actor was shown: groups first, by code. One statement."""
    found = Share.unscoped.filter(quota_id=quota_id).select_related("group", "buyer")
    return list(found.order_by(F("group__code").asc(nulls_last=True), "buyer__code"))


def holders(actor: Actor, codes: Collection[str]) -> dict[str, Holder]:
    """Who has a share, by code: the actor's groups of buyers, else organisations. Two statements."""
    orgs = network.organisations(actor).filter(code__in=codes).order_by().values_list("code", "pk")
    groups = agreements.groups(actor).filter(owner_id=actor.org_id, code__in=codes).values_list("code", "pk")
    return {code: Holder(buyer_id=pk) for code, pk in orgs} | {code: Holder(group_id=pk) for code, pk in groups}


def own_products(actor: Actor, codes: Collection[str]) -> dict[str, int]:
    """The products that the own organisation sells under its own codes. One statement."""
    return dict(visible(actor, Product).filter(owner_id=actor.org_id, code__in=codes).values_list("code", "pk"))


def unscoped_shared(quota_ids: Collection[int]) -> dict[int, Decimal]:
    """What is shared out of quotas; one without shares is missing. One statement."""
    return dict(Share.unscoped.filter(quota__in=quota_ids).values("quota").annotate(qty=Sum("qty")).values_list("quota", "qty"))


def unscoped_on_hand(seller_id: int, product_id: int) -> Decimal:
    """What a seller has of a product that may be promised and is to nobody. One statement."""
    ((qty,),) = rows(
        f"""SELECT coalesce(sum({FREE}), 0) FROM inventory_stock s JOIN inventory_place p ON p.id = s.place_id
           WHERE p.owner_id = %(seller)s AND p.kind = 'stock' AND s.product_id = %(product)s""",
        {"seller": seller_id, "product": product_id, "today": clock.today()},
    )
    return qty


#: what a buyer draws from: its own share before that of a group it is in (the first by code), all that is left once it is released
LEFT = """SELECT d.seller_id, d.buyer_id, d.product_id, q.id, CASE WHEN q.release_on <= %(on)s THEN NULL ELSE x.id END,
        CASE WHEN q.release_on <= %(on)s THEN q.total + q.carried - q.taken ELSE coalesce(x.rest, 0) END,
        q.valid_to, p.code, p.unit, q.release_on, x.group_id IS NOT NULL
    FROM unnest(%(sellers)s::bigint[], %(buyers)s::bigint[], %(products)s::bigint[]) d(seller_id, buyer_id, product_id)
    JOIN quotas_quota q ON q.seller_id = d.seller_id AND q.product_id = d.product_id AND %(on)s BETWEEN q.valid_from AND q.valid_to
    JOIN catalog_product p ON p.id = q.product_id
    LEFT JOIN LATERAL (
        SELECT s.id, s.group_id, s.qty + s.carried - s.taken AS rest FROM quotas_share s LEFT JOIN agreements_group g ON g.id = s.group_id
        WHERE s.quota_id = q.id AND (s.buyer_id = d.buyer_id OR s.group_id IN (
            SELECT m.group_id FROM agreements_groupmember m
            WHERE m.buyer_id = d.buyer_id AND m.valid_from <= %(on)s AND (m.valid_to IS NULL OR m.valid_to >= %(on)s)))
        ORDER BY s.buyer_id IS NULL, g.code LIMIT 1) x ON true"""


#: the columns of `LEFT`
LEFT_COLUMNS = "seller_id, buyer_id, product_id, quota_id, share_id, rest, until, code, unit, release_on, shared"


def left_of(row: Sequence[Any]) -> Left:
    """A row of `LEFT` as what a buyer is told."""
    return Left(row[2], row[7], row[8], max(row[5], ZERO), row[6], row[9], row[10])


def keys_for(keys: Sequence[tuple[int, int, int]], on: date) -> dict[str, Any]:
    """The parameters of `LEFT`: (seller, buyer, product) on a day."""
    sellers, buyers, products = ([key[i] for key in keys] for i in range(3))
    return {"sellers": sellers, "buyers": buyers, "products": products, "on": on}


def _left(keys: Sequence[tuple[int, int, int]], on: date) -> list[tuple]:
    return rows(LEFT, keys_for(keys, on))


def unscoped_ration(asks: Iterable[Ask], on: date) -> Ration:
    """What each (seller, buyer, product) draws from now; those who draw from the same share draw from the same pot. One statement."""
    pots: dict[tuple[int, int, int], Pot] = {}
    same: dict[tuple[int, int | None], Pot] = {}
    for seller, buyer, product, quota_id, share_id, left, until, code, unit, *_rest in _left(sorted({ask.key for ask in asks}), on):
        # who has no share and may not draw yet has an empty pot of his own
        key = (quota_id, share_id)
        pots[seller, buyer, product] = same.setdefault(key, Pot(quota_id, share_id, left, until, code, unit))
    return Ration(pots)


def unscoped_held(subject: Subject, refs: Sequence[int] | None) -> list[Entry]:
    """What the lines of a document hold, what was taken last first. One statement."""
    found = rows(
        """SELECT quota_id, share_id, buyer_id, ref_id, sum(qty) FROM quotas_taken
           WHERE subject_kind = %s AND subject_id = %s AND (%s::bigint[] IS NULL OR ref_id = ANY(%s::bigint[]))
           GROUP BY 1, 2, 3, 4 HAVING sum(qty) > 0 ORDER BY max(id) DESC""",
        (subject.kind, subject.id, refs, refs),
    )
    return [Entry(*row) for row in found]


@dataclass(frozen=True)
class Left:
    """What a buyer may order of a scarce product until a day. `shared`: with others of its group; `release_on`: from when everybody may order the rest."""

    product_id: int
    code: str
    unit: str
    qty: Decimal
    until: date
    release_on: date | None
    shared: bool


def unscoped_lefts(seller_id: int, buyer_id: int, product_ids: Iterable[int]) -> Mapping[int, Left]:
    """What is left for a buyer of those of these products that are scarce, by product. One statement."""
    wanted = sorted(set(product_ids))
    if not wanted:
        return {}
    found = _left([(seller_id, buyer_id, product) for product in wanted], clock.today())
    return {row[2]: left_of(row) for row in found}


def own_lefts(actor: Actor, seller_id: int) -> list[Left]:
    """What is left for the actor's own organisation of all that a seller has declared scarce today. Two statements."""
    found = rows("SELECT product_id FROM quotas_quota WHERE seller_id = %s AND %s BETWEEN valid_from AND valid_to ORDER BY 1", (seller_id, clock.today()))
    shown = visible(actor, Product).filter(pk__in=[product for (product,) in found]).values_list("pk", flat=True)
    return sorted(unscoped_lefts(seller_id, actor.org_id, shown).values(), key=lambda one: one.code)
