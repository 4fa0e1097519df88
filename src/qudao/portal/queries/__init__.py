"""Reads that combine modules: the order desk, and where the work stands."""

from qudao.portal.queries.attention import Dock, Lack, Owing, Waiting, announced, differences_by_kind, dock, late_payers, past_wish, short_products, to_remind
from qudao.portal.queries.channel import Dealer, Dealers, by_one_hand, coming_changes, dealers, stopped
from qudao.portal.queries.desk import Asked, Look, Trade, look, read_lines, trades
from qudao.portal.queries.flow import STAGES, Overdue, Stage, arriving, bought, came, flow, has_sold, last_order, overdue
from qudao.portal.queries.inbox import Case, Task, case, oldest_pending, pending, pending_step
from qudao.portal.queries.search import Group, Hit, find, opened, order_hits

__all__ = [
    "announced",
    "arriving",
    "Asked",
    "bought",
    "by_one_hand",
    "came",
    "Case",
    "case",
    "coming_changes",
    "dealers",
    "Dealer",
    "Dealers",
    "differences_by_kind",
    "dock",
    "Dock",
    "find",
    "flow",
    "Group",
    "has_sold",
    "Hit",
    "Lack",
    "last_order",
    "late_payers",
    "look",
    "Look",
    "opened",
    "order_hits",
    "Overdue",
    "overdue",
    "Owing",
    "past_wish",
    "oldest_pending",
    "pending",
    "pending_step",
    "read_lines",
    "short_products",
    "Stage",
    "stopped",
    "STAGES",
    "Task",
    "Trade",
    "to_remind",
    "trades",
    "Waiting",
]
