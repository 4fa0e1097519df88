"""Home, the order desk and the inbox of approvals."""

from qudao.portal.pages import approvals, desk, home

routes = [*home.routes, *desk.routes, *approvals.routes]
