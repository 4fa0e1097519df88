"""The ladder itself can fail: each wrong answer, made up here, is found; each right one is not."""

from __future__ import annotations

import pytest
from matrix_ladder import leaks, secrets, wrong_look, wrong_write
from matrix_routes import Route, all_routes, key_of, sample
from matrix_rows import EVERYTHING
from matrix_rule import Rule
from matrix_rules import rule_of
from matrix_visit import ANONYMOUS, Answer, Visitor, readable

pytestmark = pytest.mark.django_db
PAGE = Route("orders/#", "orders/<int:pk>/", False, ("GET", "POST"))
CALL = Route("orders/#", "api/v1/orders/{order_id}", True, ("GET", "POST"))
RULE = Rule("orders.view", "orders.approve", "orders")
VIEW = frozenset({"orders.view"})
BOTH = VIEW | {"orders.approve"}


def answer(status: int, text: str = "", location: str = "") -> Answer:
    return Answer(status, location, text, [])


@pytest.mark.parametrize(
    ("route", "role", "known", "verbs", "status", "fine"),
    [
        (PAGE, "dealer", True, VIEW, 200, True),
        (PAGE, "dealer", True, VIEW, 500, False),
        (PAGE, "dealer", True, VIEW, 404, False),
        (PAGE, "dealer", True, frozenset(), 200, False),
        (PAGE, "dealer", True, frozenset(), 404, False),
        (PAGE, "dealer", True, frozenset(), 403, True),
        (PAGE, "dealer", False, VIEW, 404, True),
        (PAGE, "dealer", False, VIEW, 403, False),
        (PAGE, "dealer", False, VIEW, 200, False),
        (PAGE, ANONYMOUS, True, frozenset(), 200, False),
        (CALL, ANONYMOUS, True, frozenset(), 401, True),
        (CALL, ANONYMOUS, True, frozenset(), 403, False),
    ],
)
def test_a_wrong_look_is_found(route: Route, role: str, known: bool, verbs: frozenset[str], status: int, fine: bool) -> None:
    assert (wrong_look(route, RULE, role, known, verbs, answer(status)) == "") is fine


@pytest.mark.parametrize(
    ("route", "role", "known", "verbs", "given", "fine"),
    [
        (PAGE, "dealer", True, BOTH, answer(302), True),
        (PAGE, "dealer", True, BOTH, answer(500), False),
        (PAGE, "dealer", True, VIEW, answer(302), False),
        (PAGE, "dealer", True, VIEW, answer(409), False),
        (PAGE, "dealer", True, VIEW, answer(403), True),
        (PAGE, "dealer", False, BOTH, answer(404), True),
        (PAGE, "dealer", False, BOTH, answer(409), False),
        (PAGE, "dealer", False, BOTH, answer(200), False),
        (CALL, "dealer", True, VIEW, answer(422, '"code": "base.invalid"'), True),
        (CALL, "dealer", True, VIEW, answer(422, '"code": "orders.reason_needed"'), False),
        (CALL, ANONYMOUS, True, frozenset(), answer(422, '"code": "base.invalid"'), False),
        (PAGE, ANONYMOUS, True, frozenset(), answer(302, location="/elsewhere/"), False),
    ],
)
def test_a_wrong_write_is_found(route: Route, role: str, known: bool, verbs: frozenset[str], given: Answer, fine: bool) -> None:
    assert (wrong_write(route, RULE, role, known, verbs, given) == "") is fine


def test_a_new_address_has_no_rule_until_somebody_writes_one() -> None:
    assert rule_of(Route("never/heard/of", "never/heard/of", False, ("GET",))) is None
    assert rule_of(Route("orders/#", "orders/<int:pk>/", False, ("GET",))) is not None


def test_the_walk_finds_pages_and_operations() -> None:
    labels = {route.label for route in all_routes()}
    assert {"page:orders/#", "api:orders/#", "page:orders/#/approval", "api:orders/#/approval"} <= labels
    assert key_of("api/v1/orders/{int:order_id}/approval") == key_of("orders/<int:pk>/approval/")


def test_the_smallest_body_has_what_is_required() -> None:
    schema = {"components": {"schemas": {"Line": {"type": "object", "properties": {"qty": {"anyOf": [{"type": "number"}]}}, "required": ["qty"]}}}}
    shape = {
        "type": "object", "required": ["lines", "day"],
        "properties": {
            "lines": {"type": "array", "items": {"$ref": "#/components/schemas/Line"}}, "day": {"type": "string", "format": "date"}, "note": {"type": "string"},
        },
    }  # fmt: skip
    assert sample(shape, schema) == {"lines": [{"qty": 1}], "day": "2026-01-31"}


def test_a_foreign_figure_is_found_however_it_is_written(visitor: Visitor) -> None:
    world = visitor.world
    assert all(world.secrets[trade]["names"] and world.secrets[trade]["prices"] for trade in EVERYTHING), "the world has nothing to betray"
    foreign, own = world.trades["t2"].orders[0], world.trades["t1"].orders[0]

    def betrayed(role: str, text: str, kind: str = "text/html") -> bool:
        return bool(list(leaks(world, role, 0, answer(200, readable(text.encode(), kind)), "cell")))

    amount = f"{foreign.gross:,}"
    for text in (
        f"<td>{foreign.number}</td>",
        f'href="/orders/{foreign.pk}/"',
        f"¥{amount}",
        f"{foreign.gross}0000",
        "unit price 2203.59 each",
        "2,203.590000",
    ):
        assert betrayed("dealer", text), text
        assert not betrayed("stranger", text) and not betrayed("hq_clerk", text), text  # a side of the trade
    for text in (f"{own.number} {own.pk} {own.gross:,}", "12203.59", f"x{foreign.pk}1", "2203.58"):
        assert not betrayed("dealer", text), text
    assert betrayed("hq_warehouse", "3,079.13") and not betrayed("hq_warehouse", str(world.trades["t3"].orders[0].pk))
    assert not list(leaks(world, "dealer", foreign.pk, answer(404, f"/orders/{foreign.pk}/"), "cell")), "what was asked for may be repeated"
    assert secrets(world, "hq_admin").search("2203.59 3079.13") is None, "nothing is hidden from who may see all"
