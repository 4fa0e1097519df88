"""Credit over the API: accounts, requests for limits, and limits that are shared."""

from qudao.funds.api.shared import routes

__all__ = ["routes"]
