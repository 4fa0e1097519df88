"""Facts the catalogue publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class ProductsRegistered:
    """Products of one owner came into being."""

    version: ClassVar[int] = 1
    owner_id: int
    product_ids: list


@dataclass(frozen=True)
class ProductStateChanged:
    """A product was blocked or unblocked."""

    version: ClassVar[int] = 1
    product_id: int
    before: str
    after: str
