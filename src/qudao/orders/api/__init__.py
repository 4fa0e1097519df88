"""Orders over the API."""

from qudao.orders.api.changes import routes

__all__ = ["routes"]
