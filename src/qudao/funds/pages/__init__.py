"""Pages of credit."""

from qudao.funds.pages.accounts import routes
from qudao.funds.pages.panels import meter_of, title_of

__all__ = ["meter_of", "routes", "title_of"]
