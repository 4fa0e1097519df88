"""Pages of approvals: flows and their versions, working hours; deputies; the panel on a document. The inbox is a page of the portal."""

from qudao.approvals.pages import course, draft, flows, habits, what_if
from qudao.approvals.pages.course import course_panel

__all__ = ["course_panel", "routes"]

routes = [*habits.routes, *flows.routes, *draft.routes, *what_if.routes, *course.routes]
