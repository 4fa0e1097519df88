"""Pages of agreements, of groups of buyers and of what is shown to whom."""

from qudao.agreements.pages import assortments, groups, terms
from qudao.agreements.pages.assortments import agreement_panel, product_panel

routes = [*terms.routes, *groups.routes, *assortments.routes]

__all__ = ["agreement_panel", "product_panel", "routes"]
