"""Prices from files: the lists, their prices, who pays by them, what one buyer pays, and exchange rates."""

from qudao.pricing.imports.lists import Assignments, Lists
from qudao.pricing.imports.prices import Prices, Rates
from qudao.pricing.imports.specials import Specials

__all__ = ["KINDS", "Prices", "Rates"]

KINDS = (Prices, Lists, Assignments, Specials, Rates)
