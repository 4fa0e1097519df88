"""Orders over the API."""

from qudao.orders.api import margin
from qudao.orders.api.many import routes

__all__ = ["margin", "routes"]
