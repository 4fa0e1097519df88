"""Reads of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import Q, QuerySet

from qudao.base.access import Actor, get_visible, visible
from qudao.base.search import matching, words_of
from qudao.catalog.models import Audience, Category, Pack, Product
from qudao.catalog.policies import OUTSIDE
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


_CARDS = "select id, code, name, name_en, unit, tax_rate, state, min_qty, pack_multiple from catalog_product where id = any(%s)"


def unscoped_cards(ids: Iterable[int]) -> dict[int, ProductCard]:
    """The cards of these products by id, unknown ids missing. One statement; for documents that already decided who may see them."""
    with connection.cursor() as cursor:
        cursor.execute(_CARDS, [list(ids)])
        return {row[0]: ProductCard(*row) for row in cursor.fetchall()}


def unscoped_ids_by_code(owner_id: int, codes: Iterable[str]) -> dict[str, int]:
    """The ids of an owner's products by code, unknown codes missing. One statement."""
    with connection.cursor() as cursor:
        cursor.execute("select code, id from catalog_product where owner_id = %s and code = any(%s)", [owner_id, list(codes)])
        return dict(cursor.fetchall())


def unscoped_factors(pack_ids: Iterable[int]) -> dict[int, tuple[int, Decimal]]:
    """(product id, base units in one pack) by pack id. One statement."""
    return {row[0]: (row[1], row[2]) for row in Pack.unscoped.filter(pk__in=list(pack_ids)).values_list("id", "product_id", "factor")}


def products(actor: Actor, *, search: str = "", state: str = "", category_id: int | None = None) -> QuerySet[Product]:
    """The products the actor may see. `search` meets code, name, English name, pinyin initials or a scanned GTIN."""
    rows = visible(actor, Product).select_related("owner", "category").order_by("code", "id")
    if state:
        rows = rows.filter(state=state)
    if category_id:
        branch = Category.unscoped.filter(pk=category_id).values_list("path", flat=True).first()
        rows = rows.filter(category__path__startswith=branch) if branch else rows.none()
    for word in words_of(search):
        found = Q(pk__in=matching("catalog.product", word))
        if word.isdigit() and len(word) >= 8:
            found |= Q(gtin=word.zfill(14)) | Q(packs__gtin=word.zfill(14))
            rows = rows.distinct()
        rows = rows.filter(found)
    return rows


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


def packs(actor: Actor, product_id: int) -> QuerySet[Pack]:
    """The packs of a product the actor may see, smallest first."""
    return visible(actor, Pack).filter(product_id=product_id).order_by("factor", "id")


def all_packs(actor: Actor) -> QuerySet[Pack]:
    """The packs of all products the actor may see."""
    return visible(actor, Pack).select_related("product")


def categories(actor: Actor) -> QuerySet[Category]:
    """The categories the actor may see, in tree order."""
    return visible(actor, Category).order_by("owner_id", "path")


def unscoped_carried(org_id: int, product_ids: Iterable[int]) -> set[int]:
    """Which of these products an organisation may sell on: its own, and those whose catalogue is open to it. One statement."""
    opened = Q(owner_id=org_id) | Q(owner__in=Audience.unscoped.filter(viewer_id=org_id).values("owner_id"))
    return set(Product.unscoped.filter(opened, pk__in=list(product_ids)).values_list("pk", flat=True))


def unscoped_has_category(org_id: int, category_id: int) -> bool:
    """Whether a category belongs to a catalogue that is open to an organisation. One statement."""
    opened = Q(owner_id=org_id) | Q(owner__in=Audience.unscoped.filter(viewer_id=org_id).values("owner_id"))
    return Category.unscoped.filter(opened, pk=category_id).exists()


def require_acting(actor: Actor, org_id: int, verb: str) -> None:
    """Let pass who acts for an organisation (see `policies.acting`); else NotFound when it is hidden, Forbidden when it is not."""
    if actor.kind == "system" or org_id == actor.org_id:
        return
    org = network.organisation(actor, org_id)
    if org.kind not in OUTSIDE or not org.path.startswith(actor.org_path):
        raise Forbidden("base.forbidden", verb=verb)
