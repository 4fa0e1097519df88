"""Pages of products, brands, and what stands in for a product."""

from qudao.catalog.pages import products, related
from qudao.catalog.pages.products import ProductList

__all__ = ["ProductList", "routes"]

routes = [*products.routes, *related.routes]
