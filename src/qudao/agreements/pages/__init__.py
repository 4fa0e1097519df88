"""Pages of agreements and of groups of buyers."""

from qudao.agreements.pages import groups, terms

routes = [*terms.routes, *groups.routes]
