"""Pages of credit."""

from qudao.funds.pages import accounts, requests, shared
from qudao.funds.pages.panels import meter_of, title_of

routes = [*accounts.routes, *requests.routes, *shared.routes]

__all__ = ["meter_of", "routes", "title_of"]
