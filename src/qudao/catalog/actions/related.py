"""Brands, and what stands in for a product: its successor from a day on, and its equivalents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, record
from qudao.base.built import built_on, erase
from qudao.base.db import rows
from qudao.base.lock import Rank, lock_one, lock_rows
from qudao.base.subject import Subject
from qudao.catalog import queries
from qudao.catalog.actions.products import subject_of
from qudao.catalog.models import Brand, Equivalent, Product, Succession
from qudao.catalog.rules import BrandDraft
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any


@action("catalog.edit")
def register_brand(owner_id: int, draft: BrandDraft, *, actor: Actor) -> Brand:
    """Add a brand to an owner's catalogue. Raises Invalid at the field."""
    queries.require_acting(actor, owner_id, "catalog.edit")
    made = Brand(owner_id=owner_id, **_brand(owner_id, draft))
    made.save(force_insert=True)
    record(Subject("catalog.brand", made.pk, owner_id, None, made.code))
    return made


@action("catalog.edit")
def change_brand(brand_id: int, draft: BrandDraft, *, actor: Actor) -> Brand:
    """Rename a brand; its products stay. Locks it. Raises Invalid at the field."""
    get_visible(actor, Brand, brand_id, "catalog.edit")
    brand = lock_one(Brand, brand_id, rank=Rank.NETWORK)
    values = _brand(brand.owner_id, draft, but=brand.code)
    changed = {name: [was, value] for name, value in values.items() if (was := getattr(brand, name)) != value}
    for name, (_was, value) in changed.items():
        setattr(brand, name, value)
    if changed:
        brand.save(update_fields=list(changed))
        record(Subject("catalog.brand", brand.pk, brand.owner_id, None, brand.code), detail=changed)
    return brand


@action("catalog.edit")
def remove_brand(brand_id: int, *, actor: Actor) -> int:
    """Let a brand that nothing names disappear; its owner is returned. Locks it. Raises Refused `catalog.brand_used`."""
    get_visible(actor, Brand, brand_id, "catalog.edit")
    brand = lock_one(Brand, brand_id, rank=Rank.NETWORK)
    if where := built_on(Brand, [brand_id]).get(brand_id):
        raise Refused("catalog.brand_used", brand=brand.code, where=where)
    erase(Brand, [brand_id], "")
    record(Subject("catalog.brand", brand_id, brand.owner_id, None, brand.code), after="removed")
    return int(brand.owner_id)


def _brand(owner_id: int, draft: BrandDraft, but: str = "") -> dict[str, str]:
    """Its columns; the unique constraint decides a race for the code."""
    values = {name: getattr(draft, name).strip() for name in ("code", "name", "name_en")}
    faults = [Fault("catalog.brand_incomplete", name) for name in ("code", "name") if not values[name]]
    if values["code"] != but and Brand.unscoped.filter(owner_id=owner_id, code=values["code"]).exists():
        faults.append(Fault("catalog.brand_taken", "code", {"code": values["code"]}))
    raise_if_any(faults, Invalid)
    return values


@action("catalog.edit")
def set_successor(product_id: int, successor_id: int, valid_from: date, *, actor: Actor) -> Product:
    """From a day on, another product of the same owner takes the place of one; what is ordered stays. Locks both. Raises Invalid, NotFound."""
    product, successor = _locked([product_id, successor_id], actor)
    if product.pk == successor.pk:
        raise Invalid("catalog.successor_itself", field="successor_id")
    if product.owner_id != successor.owner_id:
        raise Invalid("catalog.successor_foreign", field="successor_id")
    chain, after = {product.pk}, dict(Succession.unscoped.filter(product__owner_id=product.owner_id).values_list("product_id", "successor_id"))
    step: int | None = successor.pk
    while step is not None and step not in chain:
        chain.add(step)
        step = after.get(step)
    if step == product.pk:
        raise Invalid("catalog.successor_loop", field="successor_id", product=successor.code, before=product.code)
    Succession.unscoped.update_or_create(product=product, defaults={"successor": successor, "valid_from": valid_from})
    record(subject_of(product), detail={"successor": successor.pk, "valid_from": str(valid_from)})
    return product


@action("catalog.edit")
def remove_successor(product_id: int, *, actor: Actor) -> Product:
    """Let a product stand for itself again. Locks it. Raises Refused when it has no successor."""
    (product,) = _locked([product_id], actor)
    gone, _rows = Succession.unscoped.filter(product=product).delete()
    if not gone:
        raise Refused("catalog.successor_none", product=product.code)
    record(subject_of(product), detail={"successor": None})
    return product


@action("catalog.edit")
def join_equivalents(product_ids: Iterable[int], *, actor: Actor) -> Product:
    """Say that products of one owner can stand in for one another: the sets of all of them become one. Locks them; returns the first.

    Raises Invalid, NotFound.
    """
    wanted = list(dict.fromkeys(product_ids))
    if len(wanted) < 2:
        raise Invalid("catalog.equivalent_few", field="product_ids")
    locked = _locked(wanted, actor)
    if len({one.owner_id for one in locked}) > 1:
        raise Invalid("catalog.successor_foreign", field="product_ids")
    numbers = set(Equivalent.unscoped.filter(product_id__in=wanted).values_list("number", flat=True))
    number = min(numbers) if numbers else _fresh_number()
    Equivalent.unscoped.filter(number__in=numbers - {number}).update(number=number)
    Equivalent.unscoped.bulk_create([Equivalent(product_id=pk, number=number) for pk in wanted], ignore_conflicts=True)
    for one in locked:
        record(subject_of(one), detail={"equivalent": [pk for pk in wanted if pk != one.pk]})
    return locked[0]


@action("catalog.edit")
def leave_equivalents(product_id: int, *, actor: Actor) -> Product:
    """Take a product out of its set; the others still stand in for one another, a last one for nothing. Locks it. Raises Refused when it is in none."""
    (product,) = _locked([product_id], actor)
    mine = Equivalent.unscoped.filter(product=product).first()
    if mine is None:
        raise Refused("catalog.equivalent_none", product=product.code)
    mine.delete()
    rest = Equivalent.unscoped.filter(number=mine.number)
    if rest.count() == 1:
        rest.delete()
    record(subject_of(product), detail={"equivalent": None})
    return product


def _fresh_number() -> int:
    """A number that no set has or had: a product that left a set may lead another one later."""
    ((found,),) = rows("select -nextval(pg_get_serial_sequence('catalog_equivalent', 'id'))")
    return int(found)


def _locked(product_ids: list[int], actor: Actor) -> list[Product]:
    """The products in the order asked, locked; NotFound or Forbidden as the policy says."""
    for pk in product_ids[:1]:
        get_visible(actor, Product, pk, "catalog.edit")
    if visible(actor, Product, "catalog.edit").filter(pk__in=product_ids).count() != len(set(product_ids)):
        raise NotFound("base.not_found")
    found = {one.pk: one for one in lock_rows(Product, set(product_ids), rank=Rank.NETWORK)}
    return [found[pk] for pk in product_ids]
