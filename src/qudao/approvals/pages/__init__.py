"""Pages of approvals: flows and their versions; deputies; the panel on a document. The inbox is a page of the portal."""

from qudao.approvals.pages import course, flows, what_if
from qudao.approvals.pages.course import course_panel

__all__ = ["course_panel", "routes"]

routes = [*flows.routes, *what_if.routes, *course.routes]
