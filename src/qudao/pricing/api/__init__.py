"""Prices over the API: lists with their prices, and changes of prices as documents."""

from qudao.pricing.api import changes
from qudao.pricing.api.lists import routes

__all__ = ["changes", "routes"]
