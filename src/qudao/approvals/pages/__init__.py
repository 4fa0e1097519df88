"""Pages of approvals: flows and their versions, working hours; deputies; the panel on a document. The inbox is a page of the portal."""

from qudao.approvals.pages import course, draft, flows, habits, proposals, what_if
from qudao.approvals.pages.course import course_panel
from qudao.approvals.pages.proposals import about_panel

__all__ = ["about_panel", "course_panel", "routes"]

routes = [*habits.routes, *flows.routes, *draft.routes, *what_if.routes, *course.routes, *proposals.routes]
