"""Invoices over the API: of one order, and of many together."""

from qudao.billing.api.collective import routes

__all__ = ["routes"]
