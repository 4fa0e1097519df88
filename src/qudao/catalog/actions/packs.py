"""The larger units of products. Their products are locked before they change; documents hold base units, so nothing refers to a pack."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, record
from qudao.base.db import update_rows
from qudao.base.lock import Rank, lock_one, lock_rows
from qudao.catalog import queries, rules
from qudao.catalog.actions.products import subject_of
from qudao.catalog.models import Pack, Product
from qudao.catalog.rules import PackDraft
from qudao.kernel.errors import Fault, Invalid, NotFound, raise_if_any

TOLD = ("name_en", "factor", "gtin")


@action("catalog.edit")
def set_pack(product_id: int, name: str, factor: Decimal, *, name_en: str = "", gtin: str = "", actor: Actor) -> Pack:
    """Add a pack to a product, or change the one of this name. `factor` = base units in one. Locks the product. Raises Invalid at the field."""
    get_visible(actor, Product, product_id, "catalog.edit")
    return _set([PackDraft(product_id, name, factor, name_en, gtin)], [""])[0]


@action("catalog.edit")
def set_packs(drafts: Sequence[PackDraft], *, actor: Actor) -> list[Pack]:
    """Add packs to many products or change those of the same name, all or none: six statements an owner whatever their number. Locks the products.

    Raises Invalid with every fault at "rows.<n>.<field>", NotFound.
    """
    wanted = {draft.product_id for draft in drafts}
    if visible(actor, Product, "catalog.edit").filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("base.not_found")
    return _set(drafts, [f"rows.{n}." for n in range(len(drafts))]) if drafts else []


def _set(drafts: Sequence[PackDraft], at: Sequence[str]) -> list[Pack]:
    drafts = [draft.clean() for draft in drafts]
    products = {one.pk: one for one in lock_rows(Product, {draft.product_id for draft in drafts}, rank=Rank.NETWORK)}
    raise_if_any([fault for draft, where in zip(drafts, at, strict=True) for fault in rules.pack_faults(draft, where)] + _taken(drafts, at, products), Invalid)
    known = {(one.product_id, one.name): one for one in Pack.unscoped.filter(product_id__in=products)}
    new, changed = [], []
    for draft in drafts:
        found = known.get((draft.product_id, draft.name))
        values = {"factor": draft.factor, "name_en": draft.name_en, "gtin": rules.gtin14(draft.gtin) or ""}
        if found is None:
            found = known[draft.product_id, draft.name] = Pack(product=products[draft.product_id], name=draft.name, **values)
            new.append(found)
        elif any(getattr(found, name) != value for name, value in values.items()):
            changed.append(found)
            for name, value in values.items():
                setattr(found, name, value)
        else:
            continue
        record(subject_of(products[draft.product_id]), detail={"pack": draft.name, "factor": str(draft.factor)})
    Pack.unscoped.bulk_create(new)
    update_rows(changed, TOLD)
    return [known[draft.product_id, draft.name] for draft in drafts]


def _taken(drafts: Sequence[PackDraft], at: Sequence[str], products: dict[int, Product]) -> list[Fault]:
    """Barcodes that another product or pack of the owner has, also one of these drafts, each at its field."""
    holders: dict[tuple[int, str], set[tuple[str, int, str | None]]] = {}
    for owner in {one.owner_id for one in products.values()}:
        mine = {rules.gtin14(draft.gtin) or "" for draft in drafts if products[draft.product_id].owner_id == owner} - {""}
        for gtin, code, product_id, pack in queries.unscoped_gtin_holders(owner, mine) if mine else ():
            holders.setdefault((owner, gtin), set()).add((code, product_id, pack))
    faults = []
    for draft, where in zip(drafts, at, strict=True):
        product, digits = products[draft.product_id], rules.gtin14(draft.gtin)
        if not digits:
            continue
        held = holders.setdefault((product.owner_id, digits), set())
        others = sorted(code for code, pk, pack in held if (pk, pack) != (product.pk, draft.name))
        faults += [Fault("catalog.gtin_taken", f"{where}gtin", {"code": code}) for code in others[:1]]
        held.add((product.code, product.pk, draft.name))
    return faults


@action("catalog.edit")
def remove_pack(pack_id: int, *, actor: Actor) -> Product:
    """Take a pack off its product; documents hold quantities in the base unit, so nothing refers to it."""
    pack = get_visible(actor, Pack, pack_id, "catalog.edit")
    product = lock_one(Product, pack.product_id, rank=Rank.NETWORK)
    pack.delete()
    record(subject_of(product), detail={"pack": pack.name, "removed": True})
    return product


@action("catalog.edit")
def remove_packs(pack_ids: Iterable[int], *, actor: Actor) -> None:
    """Take many packs off their products, all or none. Locks the products. Raises NotFound."""
    wanted = set(pack_ids)
    found = list(visible(actor, Pack, "catalog.edit").filter(pk__in=wanted).select_related("product"))
    if len(found) != len(wanted):
        raise NotFound("base.not_found")
    lock_rows(Product, {one.product_id for one in found}, rank=Rank.NETWORK)
    Pack.unscoped.filter(pk__in=wanted).delete()
    for one in found:
        record(subject_of(one.product), detail={"pack": one.name, "removed": True})
