"""Pages of products, categories, brands, tax classes, and what stands in for a product."""

from qudao.catalog.pages import categories, costs, products, related, tax
from qudao.catalog.pages.products import ProductList

__all__ = ["ProductList", "routes"]

routes = [*products.routes, *categories.routes, *related.routes, *tax.routes, *costs.routes]
