"""The catalogue from files: products with their packs and replacements, and what they are sorted and taxed by."""

from qudao.catalog.imports.categories import Categories
from qudao.catalog.imports.costs import Costs
from qudao.catalog.imports.groups import Brands, TaxClasses
from qudao.catalog.imports.packs import Packs
from qudao.catalog.imports.products import Products
from qudao.catalog.imports.replacements import Replacements

__all__ = ["KINDS", "Categories", "Packs", "Products"]

KINDS = (Products, Packs, Categories, Brands, TaxClasses, Replacements, Costs)
