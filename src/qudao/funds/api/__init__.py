"""Credit over the API: accounts, and requests for limits."""

from qudao.funds.api.requests import routes

__all__ = ["routes"]
