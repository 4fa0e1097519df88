"""Agreements, groups of buyers and assortments over the API."""

from qudao.agreements.api.assortments import routes

__all__ = ["routes"]
