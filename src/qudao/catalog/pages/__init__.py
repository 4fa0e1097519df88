"""Pages of products, brands, tax classes, and what stands in for a product."""

from qudao.catalog.pages import products, related, tax
from qudao.catalog.pages.products import ProductList

__all__ = ["ProductList", "routes"]

routes = [*products.routes, *related.routes, *tax.routes]
