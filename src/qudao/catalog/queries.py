"""Reads of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.base.search import having, matching, words_of
from qudao.catalog.models import Audience, Brand, Category, Cost, Equivalent, HiddenProduct, Pack, Product, Succession, TaxClass, TaxRate
from qudao.catalog.policies import OUTSIDE
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, NotFound
from qudao.network import queries as network


@dataclass(frozen=True, slots=True)
class ProductCard:
    """What the documents above need to know of a product. Quantities in the base unit; `multiple` = the step it is sold in."""

    id: int
    code: str
    name: str
    name_en: str
    unit: str
    tax_rate: Decimal
    state: str
    min_qty: Decimal
    multiple: Decimal
    #: most of it in one order, 0 = no limit
    max_qty: Decimal


# The rate of a class is read for the day: the one kept on the product follows only when the day's job has run.
_CARDS = """
    select p.id, p.code, p.name, p.name_en, p.unit, coalesce(t.rate, p.tax_rate), p.state, p.min_qty, p.pack_multiple, p.max_qty
      from catalog_product p left join lateral (
        select r.rate from catalog_taxrate r where r.tax_class_id = p.tax_class_id and r.valid_from <= %s order by r.valid_from desc limit 1
      ) t on p.tax_class_id is not null
     where p.id = any(%s)"""


def unscoped_codes(product_ids: Iterable[int]) -> dict[int, dict[str, Decimal]]:
    """By product all codes that stand on it and on its packs, with how many base units each means. One statement."""
    sql = """SELECT id, code, 1 FROM catalog_product WHERE id = ANY(%(ids)s)
        UNION ALL SELECT id, gtin, 1 FROM catalog_product WHERE id = ANY(%(ids)s) AND gtin <> ''
        UNION ALL SELECT product_id, gtin, factor FROM catalog_pack WHERE product_id = ANY(%(ids)s) AND gtin <> ''"""
    found: dict[int, dict[str, Decimal]] = {}
    for pk, code, factor in rows(sql, {"ids": list(product_ids)}):
        found.setdefault(pk, {})[code] = Decimal(factor)
    return found


def unscoped_cards(ids: Iterable[int]) -> dict[int, ProductCard]:
    """The cards of these products by id, unknown ids missing. One statement; for documents that already decided who may see them."""
    with connection.cursor() as cursor:
        cursor.execute(_CARDS, [clock.today(), list(ids)])
        return {row[0]: ProductCard(*row) for row in cursor.fetchall()}


def unscoped_ids_by_code(owner_id: int, codes: Iterable[str]) -> dict[str, int]:
    """The ids of an owner's products by code, unknown codes missing. One statement."""
    with connection.cursor() as cursor:
        cursor.execute("select code, id from catalog_product where owner_id = %s and code = any(%s)", [owner_id, list(codes)])
        return dict(cursor.fetchall())


def unscoped_factors(pack_ids: Iterable[int]) -> dict[int, tuple[int, Decimal]]:
    """(product id, base units in one pack) by pack id. One statement."""
    return {row[0]: (row[1], row[2]) for row in Pack.unscoped.filter(pk__in=list(pack_ids)).values_list("id", "product_id", "factor")}


def products(actor: Actor, *, search: str = "", state: str = "", category_id: int | None = None, few: bool = False) -> QuerySet[Product]:
    """The products the actor may see. `search` meets code, name, English name, pinyin initials or a scanned GTIN.

    `few`: only the first of them by code are wanted, however many there are; a statement more for each word.
    """
    found = visible(actor, Product).select_related("owner", "category", "brand").order_by("code", "id")
    if state:
        found = found.filter(state=state)
    if category_id:
        branch = Category.unscoped.filter(pk=category_id).values_list("path", flat=True).first()
        found = found.filter(category__path__startswith=branch) if branch else found.none()
    for word in words_of(search):
        hit = having("catalog.product", word) if few else Q(pk__in=matching("catalog.product", word))
        if word.isdigit() and len(word) >= 8:
            hit |= Q(gtin=word.zfill(14)) | Q(pk__in=Pack.unscoped.filter(gtin=word.zfill(14)).values("product_id"))
        found = found.filter(hit)
    return found


def product(actor: Actor, product_id: int, verb: str | None = None) -> Product:
    """One product; NotFound when it does not exist for this actor, Forbidden when the verb does not reach it."""
    return get_visible(actor, Product, product_id, verb)


def picture_path(digest: str, side: int) -> str:
    """Where the picture of this hash lies in the media folder, in the size of `side` pixels."""
    return f"pictures/{digest[:2]}/{digest}.{side}.webp"


def picture(actor: Actor, product_id: int, digest: str, side: int) -> bytes:
    """The picture of a product the actor may see, as WebP; NotFound when it has another one or none."""
    path = picture_path(digest, side)
    if product(actor, product_id).picture != digest or not default_storage.exists(path):
        raise NotFound("base.not_found")
    with default_storage.open(path) as kept:
        return kept.read()


def brands(actor: Actor) -> QuerySet[Brand]:
    """The brands the actor may see, by owner and code."""
    return visible(actor, Brand).select_related("owner").order_by("owner_id", "code")


def brand(actor: Actor, brand_id: int, verb: str | None = None) -> Brand:
    """One brand; NotFound when it does not exist for this actor, Forbidden when the verb does not reach it."""
    return get_visible(actor, Brand, brand_id, verb)


def tax_classes(actor: Actor) -> QuerySet[TaxClass]:
    """The tax classes the actor may see, each with its rate today (`today`)."""
    now = TaxRate.unscoped.filter(tax_class=OuterRef("pk"), valid_from__lte=clock.today()).order_by("-valid_from").values("rate")[:1]
    return visible(actor, TaxClass).select_related("owner").annotate(today=Subquery(now)).order_by("owner_id", "code")


def tax_class(actor: Actor, class_id: int, verb: str | None = None) -> TaxClass:
    """One tax class; NotFound when it does not exist for this actor, Forbidden when the verb does not reach it."""
    return get_visible(actor, TaxClass, class_id, verb)


def tax_rates(actor: Actor) -> QuerySet[TaxRate]:
    """The rates of the tax classes the actor may see, by class and day."""
    return visible(actor, TaxRate).select_related("tax_class").order_by("tax_class__code", "valid_from")


def successions(actor: Actor) -> QuerySet[Succession]:
    """What takes the place of which product, as far as the actor sees both."""
    return visible(actor, Succession).select_related("product", "successor").order_by("product__code")


def equivalents(actor: Actor) -> QuerySet[Equivalent]:
    """The products the actor sees that are in a set of equivalents."""
    return visible(actor, Equivalent).select_related("product").order_by("product__code")


def unscoped_tax_rates(owner_id: int, class_ids: Iterable[int]) -> dict[int, Decimal]:
    """The rates today of an owner's tax classes; one of somebody else, or without a rate yet, is missing. One statement."""
    found = rows(
        """select distinct on (c.id) c.id, r.rate from catalog_taxclass c join catalog_taxrate r on r.tax_class_id = c.id and r.valid_from <= %s
            where c.owner_id = %s and c.id = any(%s) order by c.id, r.valid_from desc""",
        [clock.today(), owner_id, list(class_ids)],
    )
    return dict(found)


def succession(actor: Actor, product_id: int) -> Succession | None:
    """What takes the place of a product the actor may see, also if only from a later day on."""
    return visible(actor, Succession).filter(product_id=product_id).select_related("successor").first()


def stand_ins(actor: Actor, product_id: int) -> list[Product]:
    """The products the actor may see that can stand in for one, its successor left out, by code."""
    return list(products(actor).filter(pk__in=unscoped_alike([product_id]).get(product_id, [])))


def unscoped_alike(product_ids: Iterable[int]) -> dict[int, list[int]]:
    """The products that can stand in for each of these, whatever their state; one with none is missing. One statement."""
    found: dict[int, list[int]] = {}
    asked = """select e.product_id, o.product_id from catalog_equivalent e
                 join catalog_equivalent o on o.number = e.number and o.product_id <> e.product_id where e.product_id = any(%s) order by 1, 2"""
    for product_id, other in rows(asked, [list(product_ids)]):
        found.setdefault(product_id, []).append(other)
    return found


# The successor of a successor counts too, as far as each has begun; a chain ends where it comes back to itself.
_EQUIVALENTS = """
    with recursive next(asked, id, step) as (
        select s.product_id, s.successor_id, 1 from catalog_succession s where s.product_id = any(%(ids)s) and s.valid_from <= %(on)s
        union all
        select n.asked, s.successor_id, n.step + 1 from next n join catalog_succession s on s.product_id = n.id
         where s.valid_from <= %(on)s and n.step < 10),
    found as (
        select asked, id, step as rank from next
        union all
        select e.product_id, o.product_id, 100 from catalog_equivalent e
          join catalog_equivalent o on o.number = e.number and o.product_id <> e.product_id where e.product_id = any(%(ids)s))
    select f.asked, f.id from found f join catalog_product p on p.id = f.id and p.state = 'active'
     where f.id <> f.asked group by f.asked, f.id, p.code order by f.asked, min(f.rank), p.code
"""


def unscoped_equivalents(product_ids: Iterable[int], on: date | None = None) -> dict[int, list[int]]:
    """What may be delivered or ordered instead of each product, best first: its successors in force on the day, then its equivalents. Active ones only.

    One statement; a product without any is missing. Whether the buyer may order them is for the caller to ask.
    """
    found: dict[int, list[int]] = {}
    for asked, pk in rows(_EQUIVALENTS, {"ids": list(product_ids), "on": on or clock.today()}):
        found.setdefault(asked, []).append(pk)
    return found


def unscoped_gtin_holders(owner_id: int, gtins: Iterable[str]) -> list[tuple[str, str, int, str | None]]:
    """(GTIN, product code, product id, name of the pack or None) of the owner's products and packs that have one of these GTINs. One statement."""
    wanted = list(gtins)
    return rows(
        """select gtin, code, id, null from catalog_product where owner_id = %s and gtin = any(%s)
           union all select k.gtin, p.code, p.id, k.name from catalog_pack k join catalog_product p on p.id = k.product_id
            where k.gtin = any(%s) and p.owner_id = %s""",
        [owner_id, wanted, wanted, owner_id],
    )


def packs(actor: Actor, product_id: int) -> QuerySet[Pack]:
    """The packs of a product the actor may see, smallest first."""
    return visible(actor, Pack).filter(product_id=product_id).order_by("factor", "id")


def all_packs(actor: Actor) -> QuerySet[Pack]:
    """The packs of all products the actor may see."""
    return visible(actor, Pack).select_related("product").order_by("product__code", "factor", "pk")


def categories(actor: Actor) -> QuerySet[Category]:
    """The categories the actor may see, in tree order."""
    return visible(actor, Category).select_related("owner", "parent").order_by("owner_id", "path")


def category(actor: Actor, category_id: int, verb: str | None = None) -> Category:
    """One category; NotFound when it does not exist for this actor, Forbidden when the verb does not reach it."""
    return get_visible(actor, Category, category_id, verb)


def category_counts(actor: Actor) -> dict[int, int]:
    """How many products the actor sees in each category and all below it; one with none is missing. One statement."""
    found: dict[int, int] = {}
    held = visible(actor, Product).filter(category__isnull=False).order_by().values_list("category__path").annotate(n=Count("pk"))
    for path, number in held:
        for pk in path.strip("/").split("/"):
            found[int(pk)] = found.get(int(pk), 0) + number
    return found


def _carried(org_id: int) -> Q:
    """What an organisation may sell on: its own products, and those that are shown to it; an outside seller also what its keeper may."""
    keeper = network.unscoped_keeper_of(org_id)
    seen = Audience.unscoped.filter(Q(viewer_id=org_id) | Q(viewer__in=keeper))
    hidden = HiddenProduct.unscoped.filter(hidden__in=seen.filter(hidden__isnull=False).values("hidden_id")).values("product_id")
    return Q(owner_id=org_id) | Q(owner__in=keeper) | (Q(owner__in=seen.values("owner_id")) & ~Q(pk__in=hidden))


def carried(actor: Actor) -> QuerySet[Product]:
    """What the actor's own organisation may sell on."""
    return products(actor).filter(_carried(actor.org_id))


def unscoped_carried(org_id: int, product_ids: Iterable[int]) -> set[int]:
    """Which of these products an organisation may sell on: its own, and those that are shown to it. One statement."""
    return set(Product.unscoped.filter(_carried(org_id), pk__in=list(product_ids)).values_list("pk", flat=True))


def unscoped_carried_by_code(org_id: int, codes: Iterable[str]) -> dict[str, int]:
    """The ids of what an organisation may sell on, by code; of two with the same code its own. One statement."""
    found = Product.unscoped.filter(_carried(org_id), code__in=list(codes)).values_list("code", "pk", "owner_id")
    return {code: pk for code, pk, _owner in sorted(found, key=lambda one: one[2] == org_id)}


def unscoped_sorted(ids: Iterable[int], *, of: str = "p.owner_id") -> list[tuple[int, int, str, int | None]]:
    """(id, owner, path of its category or "", brand) of every product of these owners (or `of` "p.id"). One statement."""
    asked = f"""select p.id, p.owner_id, coalesce(c.path, ''), p.brand_id from catalog_product p
                 left join catalog_category c on c.id = p.category_id where {of} = any(%s) order by 1"""
    return rows(asked, [sorted(set(ids))])


def unscoped_unseen(viewer_ids: Iterable[int]) -> dict[tuple[int, int], frozenset[int]]:
    """What each of these viewers does not see of each owner that is open to it, by (owner, viewer). Two statements, one where all is shown."""
    wanted = sorted(set(viewer_ids))
    found = rows("select owner_id, viewer_id, hidden_id from catalog_audience where viewer_id = any(%s)", [wanted]) if wanted else []
    sets = unscoped_sets({pk for _owner, _viewer, pk in found if pk})
    return {(owner, viewer): sets[pk] if pk else frozenset() for owner, viewer, pk in found}


def unscoped_sets(set_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """The products of sets that are not shown. One statement, none for none."""
    wanted = sorted(set(set_ids))
    sql = "select hidden_id, array_agg(product_id) from catalog_hiddenproduct where hidden_id = any(%s) group by 1"
    return dict.fromkeys(wanted, frozenset()) | {pk: frozenset(some) for pk, some in rows(sql, [wanted])} if wanted else {}


def unscoped_has_category(org_id: int, category_id: int) -> bool:
    """Whether a category belongs to a catalogue that is open to an organisation. One statement."""
    keeper = network.unscoped_keeper_of(org_id)
    seen = Audience.unscoped.filter(Q(viewer_id=org_id) | Q(viewer__in=keeper)).values("owner_id")
    opened = Q(owner_id=org_id) | Q(owner__in=keeper) | Q(owner__in=seen)
    return Category.unscoped.filter(opened, pk=category_id).exists()


def require_acting(actor: Actor, org_id: int, verb: str) -> None:
    """Let pass who acts for an organisation (see `policies.acting`); else NotFound when it is hidden, Forbidden when it is not."""
    if actor.kind == "system" or org_id == actor.org_id:
        return
    org = network.organisation(actor, org_id)
    if org.kind not in OUTSIDE or org.parent_id != actor.org_id:
        raise Forbidden("base.forbidden", verb=verb)


def costs(actor: Actor, *, now: bool = False) -> QuerySet[Cost]:
    """What goods cost the actor's organisation, for those with the grant, newest first; `now`: of each product only what counts today."""
    found = visible(actor, Cost).select_related("product").order_by("product__code", "-valid_from", "-id")
    if not now:
        return found
    newest = Cost.unscoped.filter(owner=OuterRef("owner"), product=OuterRef("product"), valid_from__lte=clock.today()).order_by("-valid_from")
    return found.filter(pk=Subquery(newest.values("pk")[:1]))


def unscoped_costs(owner_id: int, product_ids: Iterable[int], on: date) -> dict[int, tuple[Decimal, str]]:
    """(amount, currency) of a base unit by product as their keeper counted it on a day, products without a cost missing. One statement."""
    found = rows(
        """SELECT DISTINCT ON (c.product_id) c.product_id, c.amount, c.currency FROM catalog_cost c
            WHERE c.owner_id = %s AND c.product_id = ANY(%s) AND c.valid_from <= %s ORDER BY c.product_id, c.valid_from DESC""",
        (owner_id, sorted(set(product_ids)), on),
    )
    return {product: (amount, currency) for product, amount, currency in found}
