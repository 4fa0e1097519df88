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


@dataclass(frozen=True)
class ProductsSorted:
    """Products of an owner lie in another category or have another brand, or a category moved."""

    version: ClassVar[int] = 1
    owner_id: int


@dataclass(frozen=True)
class AudienceDue:
    """What a seller shows may have changed and is to be worked out again. `buyer_ids`: to whom; none: to any of its buyers."""

    version: ClassVar[int] = 1
    seller_id: int
    buyer_ids: list
