"""The access matrix: every page and every API operation × every role × own, foreign and absent rows.

One test per address; its message lists every cell that is wrong. Rules of the ladder: not signed in → sign-in page or 401; verb not granted →
403; foreign row → 404, exactly like an absent one; else the thing itself. Writes go with an empty and with a smallest valid body; never a 500.
"""

from __future__ import annotations

import pytest
from matrix_ladder import MOST_STATEMENTS, needed, values_of, visit_all
from matrix_routes import Route, all_routes
from matrix_rules import rule_of
from matrix_visit import Visitor

pytestmark = pytest.mark.django_db
#: what the matrix leaves to other tests is named in its table, with the reason
VISITED = [r for r in all_routes() if (rule := rule_of(r)) is None or not rule.skip]
LISTS = [r for r in VISITED if not r.parameters and "GET" in r.methods and rule_of(r) is not None]


@pytest.mark.parametrize("route", VISITED, ids=lambda r: r.label)
def test_who_may_do_what(route: Route, visitor: Visitor) -> None:
    wrong = list(visit_all(route, needed(route), visitor))
    assert not wrong, "\n  ".join([f"/{route.address}", *wrong])


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.label)
def test_lists_are_frugal(route: Route, visitor: Visitor) -> None:
    rule = needed(route)
    for role in ("hq_admin", "dealer_admin"):
        visitor.go(role, route, "GET", values_of(visitor.world, route, rule, "", 0))  # fills the caches of the process
        answer = visitor.go(role, route, "GET", values_of(visitor.world, route, rule, "", 0), count=True)
        assert answer.statements or rule.public, "nothing was counted"
        assert len(answer.statements) <= MOST_STATEMENTS, "\n".join([f"/{route.address} as {role}: {len(answer.statements)} statements", *answer.statements])
