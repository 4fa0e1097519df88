"""Reads that combine modules: the order desk, and where the work stands."""

from qudao.portal.queries.desk import Asked, Look, Trade, look, read_lines, trades
from qudao.portal.queries.flow import STAGES, Days, Overdue, Stage, arriving, days, flow, last_order, open_differences, overdue
from qudao.portal.queries.inbox import Case, Task, case, pending
from qudao.portal.queries.search import Group, Hit, find

__all__ = [
    "Asked",
    "Case",
    "Days",
    "Group",
    "Hit",
    "Look",
    "Overdue",
    "STAGES",
    "Stage",
    "Task",
    "Trade",
    "arriving",
    "case",
    "days",
    "find",
    "flow",
    "last_order",
    "look",
    "open_differences",
    "overdue",
    "pending",
    "read_lines",
    "trades",
]
