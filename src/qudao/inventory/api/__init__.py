"""Stock over the API: what lies where, its places, lots, and what supplies whom."""

from qudao.inventory.api import holds  # noqa: F401 - its addresses register themselves
from qudao.inventory.api.places import routes

__all__ = ["routes"]
