"""Products for tests, made through the actions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from qudao.base.access import Actor, system_actor
from qudao.catalog import actions
from qudao.catalog.models import Category, Product
from qudao.catalog.rules import ProductDraft
from qudao.network.models import Organisation


def make_product(owner: Organisation, code: str, *, actor: Actor | None = None, **facts: Any) -> Product:
    """An active product in pieces at 13 % tax."""
    facts.setdefault("name", f"产品 {code}")
    facts.setdefault("unit", "台")
    return actions.register_product(owner.pk, ProductDraft(code=code, **facts), actor=actor or system_actor())


def make_category(owner: Organisation, code: str, parent: Category | None = None, *, actor: Actor | None = None) -> Category:
    """A category named after its code."""
    draft = actions.CategoryDraft(code, f"类别 {code}", parent_id=parent.pk if parent else None)
    return actions.register_category(owner.pk, draft, actor=actor or system_actor())


RATE = Decimal("0.13")
