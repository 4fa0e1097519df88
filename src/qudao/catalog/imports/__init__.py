"""The catalogue from files: products, and the tree of their categories."""

from qudao.catalog.imports.categories import Categories
from qudao.catalog.imports.products import Products

__all__ = ["KINDS", "Categories", "Products"]

KINDS = (Products, Categories)
