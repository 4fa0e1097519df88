"""Pages that combine modules: home, figures of the year, the order desk, desk_file, the inbox of approvals, search, scan, help."""

from qudao.portal.pages import approvals, desk, desk_file, help, home, insight, scan, search

routes = [*home.routes, *insight.routes, *desk.routes, *desk_file.routes, *approvals.routes, *search.routes, *scan.routes, *help.routes]
