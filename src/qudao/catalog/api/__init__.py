"""The catalogue over the API: products, and what they are sorted and taxed by."""

from qudao.catalog.api import costs
from qudao.catalog.api.groups import routes

__all__ = ["costs", "routes"]
