"""Stock from files: what lies there, which products are tracked by lot, who is served from where, and on which terms."""

from qudao.inventory.imports.places import Places, Shifts
from qudao.inventory.imports.stock import Opening, Serving
from qudao.inventory.imports.supply import SupplyTerms
from qudao.inventory.imports.tracking import Tracking

__all__ = ["KINDS", "Opening", "Serving"]

KINDS = (Opening, Places, Shifts, Tracking, Serving, SupplyTerms)
