"""Pages of invoices: of one order, and of many together."""

from qudao.billing.pages import collective, invoices
from qudao.billing.pages.collective import agreement_panel
from qudao.billing.pages.invoices import order_panel

__all__ = ["agreement_panel", "order_panel", "routes"]

routes = [*collective.routes, *invoices.routes]
