"""Pages of prices: the lists with who pays by them, and a page per verb. Also the panel of prices on an agreement."""

from qudao.pricing.pages import changes, levels, lists, rates
from qudao.pricing.pages.lists import agreement_panel

__all__ = ["agreement_panel", "routes"]

routes = [*lists.routes, *changes.routes, *levels.routes, *rates.routes]
