"""Home, the order desk, the inbox of approvals, and the search over everything."""

from qudao.portal.pages import approvals, desk, home, search

routes = [*home.routes, *desk.routes, *approvals.routes, *search.routes]
