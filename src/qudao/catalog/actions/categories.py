"""The tree of categories. Whatever changes its shape locks the whole tree of its owner, so that two moves never make a ring."""

from __future__ import annotations

from dataclasses import dataclass

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, emit, record
from qudao.base.built import built_on, erase
from qudao.base.db import rows, run
from qudao.base.lock import Rank, lock_rows
from qudao.base.subject import Subject
from qudao.catalog import queries
from qudao.catalog.events import ProductsSorted
from qudao.catalog.models import Category
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any


@dataclass(frozen=True)
class CategoryDraft:
    """A category as its owner describes it; `parent_id` None = at the top."""

    code: str
    name: str
    name_en: str = ""
    parent_id: int | None = None


@action("catalog.edit")
def register_category(owner_id: int, draft: CategoryDraft, *, actor: Actor) -> Category:
    """Add a category to an owner's tree. Locks the tree. Raises Invalid at the field."""
    queries.require_acting(actor, owner_id, "catalog.edit")
    tree = _locked(owner_id)
    _faults(draft, tree)
    parent = tree[draft.parent_id] if draft.parent_id else None
    ((pk,),) = rows("select nextval(pg_get_serial_sequence('catalog_category', 'id'))")
    category = Category(
        pk=pk,
        owner_id=owner_id,
        parent=parent,
        path=f"{parent.path if parent else '/'}{pk}/",  # the path ends in the row's own id, so the id comes first
        code=draft.code.strip(),
        name=draft.name.strip(),
        name_en=draft.name_en.strip(),
    )
    category.save(force_insert=True)
    record(_subject(category))
    return category


@action("catalog.edit")
def change_category(category_id: int, draft: CategoryDraft, *, actor: Actor) -> Category:
    """Rename a category or hang it elsewhere: the paths of the branch follow in one statement. Locks the tree. Raises Invalid at the field."""
    tree = _locked(get_visible(actor, Category, category_id, "catalog.edit").owner_id)
    category = tree[category_id]
    _faults(draft, tree, category)
    parent = tree[draft.parent_id] if draft.parent_id else None
    if parent and parent.path.startswith(category.path):
        raise Invalid("catalog.category_loop", field="parent_id")
    before, path = category.path, f"{parent.path if parent else '/'}{category.pk}/"
    category.parent, category.code, category.name, category.name_en = parent, draft.code.strip(), draft.name.strip(), draft.name_en.strip()
    category.save(update_fields=["parent", "code", "name", "name_en"])
    if path != before:
        run("update catalog_category set path = %s || substr(path, %s) where path like %s", [path, len(before) + 1, f"{before}%"])
        category.path = path
        emit(ProductsSorted(owner_id=category.owner_id), _subject(category))
    record(_subject(category), detail={"from": before, "to": path})
    return category


@action("catalog.edit")
def remove_category(category_id: int, *, actor: Actor) -> int:
    """Take an empty category out of its tree; its owner is returned. Locks the tree.

    Raises Refused `catalog.category_used` when a product, a category or a rule of another module names it.
    """
    tree = _locked(get_visible(actor, Category, category_id, "catalog.edit").owner_id)
    category = tree[category_id]
    if where := built_on(Category, [category_id]).get(category_id):
        raise Refused("catalog.category_used", category=category.code, where=where)
    erase(Category, [category_id], "")
    record(_subject(category), after="removed")
    return int(category.owner_id)


def _subject(category: Category) -> Subject:
    return Subject("catalog.category", category.pk, category.owner_id, None, category.code)


def _locked(owner_id: int) -> dict[int, Category]:
    """The whole tree of an owner by id, fresh: it has tens of categories, not thousands."""
    ids = Category.unscoped.filter(owner_id=owner_id).values_list("pk", flat=True)
    return {one.pk: one for one in lock_rows(Category, ids, rank=Rank.NETWORK)}


def _faults(draft: CategoryDraft, tree: dict[int, Category], known: Category | None = None) -> None:
    code, faults = draft.code.strip(), []
    if not code:
        faults.append(Fault("catalog.code_missing", "code"))
    elif any(one.code == code for one in tree.values() if one is not known):
        faults.append(Fault("catalog.category_taken", "code", {"code": code}))
    if not draft.name.strip():
        faults.append(Fault("catalog.name_missing", "name"))
    if draft.parent_id and draft.parent_id not in tree:
        faults.append(Fault("catalog.category_foreign", "parent_id"))
    raise_if_any(faults, Invalid)
