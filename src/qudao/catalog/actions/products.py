"""Products and their pictures. Products are locked before they change; unique codes decide a race to register."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, emit, record
from qudao.base.built import built_on, erase
from qudao.base.db import update_rows
from qudao.base.lock import Rank, lock_one, lock_rows
from qudao.base.subject import Subject
from qudao.catalog import queries, rules
from qudao.catalog.events import ProductsRegistered, ProductsSorted, ProductStateChanged
from qudao.catalog.models import Brand, Category, Product
from qudao.catalog.rules import ProductDraft
from qudao.catalog.states import ProductState
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.pinyin import spelled


def subject_of(product: Product) -> Subject:
    """The product as the subject of a log line or an event."""
    return Subject("catalog.product", product.pk, product.owner_id, None, product.code)


@action("catalog.edit")
def register_product(owner_id: int, draft: ProductDraft, *, actor: Actor) -> Product:
    """Add one product to the catalogue of `owner_id`. Emits ProductsRegistered. Raises Invalid at the field."""
    return _register(owner_id, [draft], [""], actor)[0]


@action("catalog.edit")
def register_products(owner_id: int, drafts: Sequence[ProductDraft], *, actor: Actor) -> list[Product]:
    """Add many products at once, all or none: four statements whatever their number. Raises Invalid with every fault at "rows.<n>.<field>"."""
    return _register(owner_id, drafts, [f"rows.{n}." for n in range(len(drafts))], actor) if drafts else []


def _register(owner_id: int, drafts: Sequence[ProductDraft], at: Sequence[str], actor: Actor) -> list[Product]:
    queries.require_acting(actor, owner_id, "catalog.edit")
    drafts = _taxed(owner_id, drafts)
    faults = [fault for draft, where in zip(drafts, at, strict=True) for fault in rules.draft_faults(draft, where)]
    faults += _taken(owner_id, drafts, at)
    faults += _foreign_groups(owner_id, drafts)
    raise_if_any(faults, Invalid)
    made = Product.unscoped.bulk_create([Product(owner_id=owner_id, **_columns(draft)) for draft in drafts])
    for one in made:
        record(subject_of(one), after=one.state)
    first = made[0]
    emit(ProductsRegistered(owner_id=owner_id, product_ids=[one.pk for one in made]), subject_of(first))
    return made


@action("catalog.edit")
def change_product(product_id: int, draft: ProductDraft, *, actor: Actor) -> Product:
    """Describe a product anew. Locks it; documents keep what they were made with. Raises Invalid at the field."""
    get_visible(actor, Product, product_id, "catalog.edit")
    product = lock_one(Product, product_id, rank=Rank.NETWORK)
    (draft,) = _taxed(product.owner_id, [draft])
    faults = rules.draft_faults(draft)
    if draft.code.strip() != product.code:
        faults += _taken(product.owner_id, [draft], [""])
    faults += _foreign_groups(product.owner_id, [draft])
    raise_if_any(faults, Invalid)
    if changed := _describe(product, draft):
        product.save(update_fields=list(changed))
        record(subject_of(product), detail=changed)
        _tell_sorted([product], {product.pk: changed})
    return product


@action("catalog.edit")
def change_products(drafts: Mapping[int, ProductDraft], *, actor: Actor) -> dict[int, dict[str, list]]:
    """Describe many products anew, by id, all or none: seven statements whatever their number. Their codes stay. Locks them.

    Returns by product what changed, [before, after]. Raises Invalid with every fault at "rows.<id>.<field>", NotFound.
    """
    if visible(actor, Product, "catalog.edit").filter(pk__in=drafts).count() != len(drafts):
        raise NotFound("base.not_found")
    locked = lock_rows(Product, drafts, rank=Rank.NETWORK)
    for owner in {one.owner_id for one in locked}:
        mine = [one.pk for one in locked if one.owner_id == owner]
        drafts = {**drafts, **dict(zip(mine, _taxed(owner, [drafts[pk] for pk in mine]), strict=True))}
    faults = [fault for one in locked for fault in rules.draft_faults(drafts[one.pk], f"rows.{one.pk}.")]
    faults += [Fault("catalog.code_stays", f"rows.{one.pk}.code") for one in locked if drafts[one.pk].code.strip() != one.code]
    for owner in {one.owner_id for one in locked}:
        faults += _foreign_groups(owner, [drafts[one.pk] for one in locked if one.owner_id == owner])
    raise_if_any(faults, Invalid)
    found = {one.pk: changed for one in locked if (changed := _describe(one, drafts[one.pk]))}
    update_rows([one for one in locked if one.pk in found], sorted({name for changed in found.values() for name in changed}))
    for one in locked:
        if one.pk in found:
            record(subject_of(one), detail=found[one.pk])
    _tell_sorted(locked, found)
    return found


@action("catalog.edit")
def remove_products(product_ids: Iterable[int], *, actor: Actor) -> None:
    """Let products disappear that were registered by mistake, with their packs: only what nothing was built on. Locks them; the log keeps them.

    Raises Refused `catalog.built_on` at "rows.<id>" for every product that somebody uses, NotFound.
    """
    wanted = set(product_ids)
    if visible(actor, Product, "catalog.edit").filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("base.not_found")
    locked = lock_rows(Product, wanted, rank=Rank.NETWORK)
    used = built_on(Product, wanted)
    raise_if_any([Fault("catalog.built_on", f"rows.{pk}", {"where": where}) for pk, where in used.items()], Refused)
    for one in locked:
        record(subject_of(one), before=one.state, after="removed")
    erase(Product, wanted, "catalog.product")


def _tell_sorted(products: Iterable[Product], changed: Mapping[int, Mapping[str, list]]) -> None:
    """Emit ProductsSorted for the owners of products that lie in another category now or have another brand."""
    first = {one.owner_id: one for one in products if {"category_id", "brand_id"} & set(changed.get(one.pk, ()))}
    for owner_id, one in first.items():
        emit(ProductsSorted(owner_id=owner_id), subject_of(one))


def _describe(product: Product, draft: ProductDraft) -> dict[str, list]:
    """Write a draft into a product that is locked, not yet into its table; what changed, [before, after]."""
    changed = {}
    for name, value in _columns(draft).items():
        if (before := getattr(product, name)) != value:
            changed[name] = [before, value]
            setattr(product, name, value)
    return changed


@action("catalog.block")
def block_product(product_id: int, reason: str, *, actor: Actor) -> Product:
    """Stop new orders of a product; what is ordered goes on. Locks it; emits ProductStateChanged."""
    return _set_state(product_id, ProductState.BLOCKED, reason, actor)


@action("catalog.block")
def unblock_product(product_id: int, reason: str = "", *, actor: Actor) -> Product:
    """Allow orders of a blocked product again. Locks it; emits ProductStateChanged."""
    return _set_state(product_id, ProductState.ACTIVE, reason, actor)


def _set_state(product_id: int, state: str, reason: str, actor: Actor) -> Product:
    get_visible(actor, Product, product_id, "catalog.block")
    product = lock_one(Product, product_id, rank=Rank.NETWORK)
    before = product.state
    if before == state:
        raise Refused("catalog.already_blocked" if state == ProductState.BLOCKED else "catalog.not_blocked", product=product.code)
    product.state = state
    product.save(update_fields=["state"])
    record(subject_of(product), before=before, after=state, reason=reason)
    emit(ProductStateChanged(product_id=product.pk, before=before, after=state), subject_of(product))
    return product


@action("catalog.edit")
def set_picture(product_id: int, content: bytes, *, actor: Actor) -> Product:
    """Give a product its picture, drawn anew as WebP in two sizes; the same picture again changes nothing. Locks the product.

    `content` is the sent file (JPEG, PNG, WebP, GIF, BMP). Raises Invalid at `picture` for another kind or too large a file.
    """
    get_visible(actor, Product, product_id, "catalog.edit")
    large, thumb = rules.drawn(content)
    digest = hashlib.sha256(large).hexdigest()[:32]
    for side, body in ((rules.PICTURE, large), (rules.THUMB, thumb)):
        path = queries.picture_path(digest, side)
        if not default_storage.exists(path):  # before the row: a file without a row harms nobody, a row without its file does
            default_storage.save(path, ContentFile(body))
    return _picture(product_id, digest, actor)


@action("catalog.edit")
def remove_picture(product_id: int, *, actor: Actor) -> Product:
    """Take a product's picture away; the drawn placeholder stands in its place. Locks the product."""
    get_visible(actor, Product, product_id, "catalog.edit")
    return _picture(product_id, "", actor)


def _picture(product_id: int, digest: str, actor: Actor) -> Product:
    product = lock_one(Product, product_id, rank=Rank.NETWORK)
    if product.picture != digest:
        record(subject_of(product), detail={"picture": [product.picture, digest]})
        product.picture = digest
        product.save(update_fields=["picture"])
    return product


def _columns(draft: ProductDraft) -> dict[str, object]:
    values: dict[str, object] = {one.name: getattr(draft, one.name) for one in fields(draft)}
    for name in ("code", "name", "name_en", "unit"):
        values[name] = str(values[name]).strip()
    return values | {"gtin": rules.gtin14(draft.gtin) or "", "initials": rules.initials(draft.name), "pinyin": spelled(draft.name)}


def _taken(owner_id: int, drafts: Sequence[ProductDraft], at: Sequence[str]) -> list[Fault]:
    """Codes used twice in the drafts or already in the catalogue, each at its field; the unique constraint decides a race."""
    codes = [draft.code.strip() for draft in drafts]
    known = queries.unscoped_ids_by_code(owner_id, codes)
    faults, seen = [], set()
    for code, where in zip(codes, at, strict=True):
        if code in known:
            faults.append(Fault("catalog.code_taken", f"{where}code", {"code": code}))
        elif code in seen:
            faults.append(Fault("catalog.code_twice", f"{where}code", {"code": code}))
        seen.add(code)
    return faults


def _taxed(owner_id: int, drafts: Sequence[ProductDraft]) -> list[ProductDraft]:
    """The drafts with the rates of their tax classes today. Raises Invalid for a class that is not the owner's."""
    wanted = {draft.tax_class_id for draft in drafts if draft.tax_class_id is not None}
    known = queries.unscoped_tax_rates(owner_id, wanted) if wanted else {}
    if wanted - set(known):
        raise Invalid("catalog.tax_class_foreign", field="tax_class_id")
    return [replace(draft, tax_rate=known[draft.tax_class_id]) if draft.tax_class_id is not None else draft for draft in drafts]


def _foreign_groups(owner_id: int, drafts: Iterable[ProductDraft]) -> list[Fault]:
    """Categories and brands of somebody else."""
    drafts = list(drafts)
    brands = {draft.brand_id for draft in drafts if draft.brand_id is not None}
    own = set(Brand.unscoped.filter(owner_id=owner_id, pk__in=brands).values_list("pk", flat=True)) if brands else set()
    faults = _foreign_categories(owner_id, [draft.category_id for draft in drafts])
    return [*faults, Fault("catalog.brand_foreign", "brand_id")] if brands - own else faults


def _foreign_categories(owner_id: int, category_ids: Iterable[int | None]) -> list[Fault]:
    wanted = {one for one in category_ids if one is not None}
    if not wanted:
        return []
    own = set(Category.unscoped.filter(owner_id=owner_id, pk__in=wanted).values_list("pk", flat=True))
    return [Fault("catalog.category_foreign", "category_id")] if wanted - own else []
