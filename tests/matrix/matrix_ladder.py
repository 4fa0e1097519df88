"""The ladder: what an answer should have been, and what it must not betray. Pure enough to be tested with made-up answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from matrix_routes import Route
from matrix_rows import ROWS, SEES, SEES_PRICES, SEES_TERMS, Rows
from matrix_rule import Rule
from matrix_rules import rule_of
from matrix_visit import ANONYMOUS, Answer, Visitor
from matrix_world import ROLES, World

ABSENT = 6_999_999
MOST_STATEMENTS = 15
#: what an allowed write may answer to a body that says nothing
SAFE = {200, 201, 202, 204, 302, 303, 403, 405, 409, 422}


def needed(route: Route) -> Rule:
    """The rule of an address; a new address without one fails."""
    rule = rule_of(route)
    assert rule is not None, f"/{route.address}: a new address needs a line in matrix_rules.RULES (who may open it, whose rows it shows)"
    return rule


@cache
def rows(world: World, kind: str) -> Rows:
    """The rows of a kind: their ids, and who sees which."""
    return ROWS[kind](world)


@cache
def secrets(world: World, role: str) -> re.Pattern[str]:
    """What a role must never read: everything of trades it does not see, prices of those whose prices it may not."""
    hidden: set[str] = set()
    for trade, kinds in world.secrets.items():
        if trade not in SEES.get(role, ()):
            hidden |= kinds["names"]
        if trade not in SEES_PRICES.get(role, ()):
            hidden |= kinds["prices"]
    for trade in SEES_TERMS.get(role, ()):
        hidden -= world.secrets[trade]["terms"]
    return re.compile(rf"(?<![\d.\w])(?:{'|'.join(sorted(hidden, key=len, reverse=True)) or '(?!)'})(?![\d\w])")


def targets(world: World, rule: Rule, role: str, method: str) -> list[tuple[str, int, bool]]:
    """(key, id, whether the role sees it) of the rows to try, an absent one last; one empty target where the address names no row.

    Every row is looked at; verbs go to one known and one foreign row, and anonymous visitors to one row.
    """
    if not rule.row:
        return [("", 0, True)]
    found = rows(world, rule.row)
    every = [(key, pk, key in found.sees.get(role, ())) for key, pk in found.ids.items()]
    if role == ANONYMOUS:
        return every[:1]
    if method != "GET" or rule.look == rule.do:
        every = [*[t for t in every if t[2]][:1], *[t for t in every if not t[2]][:1]]
    return [*every, ("absent", ABSENT, False)]


def values_of(world: World, route: Route, rule: Rule, key: str, pk: int) -> dict[str, object]:
    """What fills the address: the row first, then what the rule says."""
    first, *others = [*route.parameters, ""]
    more = {name: value(world, key) if callable(value) else value for name, value in (rule.more or {}).items()}
    missing = [name for name in (others if rule.row else [first, *others]) if name and name not in more]
    assert not missing, f"/{route.address}: its rule does not say what {missing} is"
    return {**({first: pk} if rule.row else {}), **more}


def wrong_look(route: Route, rule: Rule, role: str, known: bool, verbs: frozenset[str], answer: Answer) -> str:
    """What is wrong with the answer to a GET; "" when it is as the ladder says."""
    if rule.public:
        return "" if answer.status in SAFE | {410, 429} else "no fault, it is public"
    if role == ANONYMOUS:
        fine = answer.status == 401 if route.api else answer.to_sign_in
        return "" if fine or answer.status == 405 else "the sign-in page" if not route.api else "401"
    if rule.look and rule.look not in verbs:
        return "" if answer.status == 403 or (answer.status == 404 and not known) else f"403, {rule.look} is not granted"
    if not known:
        return "" if answer.status in rule.hidden | {405} else f"{sorted(rule.hidden)}, the row is foreign or absent"
    asking = rule.look == rule.do and bool(rule.row)  # the page of a verb may say at once that it does not reach this row, or not now
    return "" if answer.status in ({200, 302, 403, 405, 409} if asking else {200, 302, 405}) | rule.also else "200"


def wrong_write(route: Route, rule: Rule, role: str, known: bool, verbs: frozenset[str], answer: Answer) -> str:
    """What is wrong with the answer to a write; an API call whose body has the wrong shape may be told so first."""
    shape = route.api and answer.status == 422 and "base.invalid" in answer.text
    if answer.status == 405 or shape:
        return "" if role != ANONYMOUS or answer.status == 405 else "401"
    if rule.public:
        return "" if answer.status in SAFE | {400, 401, 404, 429} else "no fault of the server"
    if role == ANONYMOUS:
        fine = answer.status == 401 if route.api else answer.to_sign_in
        return "" if fine else "401" if route.api else "the sign-in page"
    if rule.do and rule.do not in verbs:
        return "" if answer.status == 403 or (answer.status == 404 and not known) else f"403, {rule.do} is not granted"
    if not known:
        # 422: what was sent is wrong by itself, said before any row is looked at
        return "" if answer.status in rule.hidden | {422} else f"{sorted(rule.hidden)}, the row is foreign or absent"
    # 404: what was sent names something that is absent
    return "" if answer.status in SAFE | {404} | rule.also else f"one of {sorted(SAFE)}"


def visit_all(route: Route, rule: Rule, visitor: Visitor) -> Iterator[str]:
    """Every cell of an address; yields what is wrong."""
    world = visitor.world
    for role in (ANONYMOUS, *ROLES):
        verbs = frozenset() if role == ANONYMOUS else world.actor(role).verbs
        for method in route.methods:
            hidden: dict[bool, dict[str, int]] = {}
            asked = rule.look if method == "GET" else rule.do
            for key, pk, known in targets(world, rule, role, method):
                values = values_of(world, route, rule, key, pk)
                smallest = route.bodies.get(method)
                bodies = [None] if method == "GET" else [{}, smallest] if smallest and (known or not rule.row) else [smallest or {}]
                for body in bodies:
                    refused = role != ANONYMOUS and (not known or bool(asked and asked not in verbs))
                    # a refusal is asked for as htmx does: the same door, without drawing the frame around it a thousand times
                    answer = visitor.go(role, route, method, values, body=body, target="refused" if refused else "")
                    cell = f"{method} {key or 'list'} as {role}{' (smallest body)' if body else ''}: {answer.status}"
                    judge = wrong_look if method == "GET" else wrong_write
                    if wrong := judge(route, rule, role, known, verbs, answer):
                        yield f"{cell} {answer.location}, due {wrong} {answer.error}"
                    if not known:
                        hidden.setdefault(bool(body), {})[key] = answer.status
                    yield from leaks(world, role, pk, answer, cell)
            for found in hidden.values():
                if len(set(found.values())) > 1:
                    yield f"{method} as {role}: foreign and absent rows answer differently ({found}), which tells that the foreign one exists"


def leaks(world: World, role: str, asked: int, answer: Answer, cell: str) -> Iterator[str]:
    """Numbers, ids and prices in the answer that this role must not read; the id in the address is the asker's own."""
    found = {m for m in secrets(world, role).findall(answer.text) if m != str(asked)}
    if found:
        yield f"{cell}, betrays {sorted(found)[:5]}"
