"""Rules about verbs, facts and their READMEs: what may be done is registered, tested and written down."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from importlib import import_module

from house_tree import Tree, functions

import qudao

#: verbs that no action carries because they only open pages and lists are found by this tail
LOOKS = "view"


def import_everything() -> None:
    """Load every module of the product, so that actions, policies and reactions have registered themselves."""
    for found in pkgutil.walk_packages(qudao.__path__, "qudao."):
        if not {"tests", "migrations", "commands", "wsgi", "bench"}.intersection(found.name.split(".")):
            import_module(found.name)


def own_actions() -> dict[str, str]:
    """qualified name → verb of the product's actions (tests register some of their own)."""
    from qudao.base.action import ACTIONS

    return {name: verb for name, verb in ACTIONS.items() if name.startswith("qudao.") and ".tests." not in name and "<locals>" not in name}


def unregistered(actions: Mapping[str, str], verbs: Collection[str]) -> Iterator[str]:
    for name, verb in sorted(actions.items()):
        if verb not in verbs:
            yield f"{name} asks for {verb!r}, which no policies.VERBS has: nobody can ever do it"


def untested(actions: Iterable[str], tree: Tree) -> Iterator[str]:
    """Every action is named in a test file (the checks of the house do not count)."""
    files = [s for s in tree.files("src/*.py", "tests/*.py") if s.is_test and not s.path.startswith(("tests/house/", "tests/matrix/"))]
    words = set().union(*(re.findall(r"\w+", s.text) for s in files))
    for name in sorted(actions):
        if name.rsplit(".", 1)[1] not in words:
            yield f"{name}: no test file names this action"


def unused_verbs(verbs: Iterable[str], tree: Tree) -> Iterator[str]:
    """Every registered verb is asked for somewhere besides the list that registers it and the roles that grant it."""
    seen: set[str] = set()
    for source in tree.code():
        if source.path == "src/qudao/people/states.py":
            continue
        skip = {id(k) for k in _registered(source.tree)}
        seen |= {n.value for n in ast.walk(source.tree) if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in skip}
    for source in tree.files("src/*.html"):
        seen |= set(re.findall(r"[\"']([a-z]+\.[a-z_]+)[\"']", source.text))
    for verb in sorted(verbs):
        if verb not in seen:
            yield f"{verb} is registered and granted, but nothing asks for it"


def _registered(tree: ast.Module) -> Iterator[ast.AST]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(getattr(t, "id", "") == "VERBS" for t in targets):
                yield from (k for k in node.value.keys if k is not None)


def dead_patterns(roles: Mapping[str, Iterable[str]], verbs: Collection[str]) -> Iterator[str]:
    """Every pattern of a role grants (or takes) something: a misspelt right is a right nobody has."""
    for role, patterns in roles.items():
        for pattern in patterns:
            if not any(fnmatchcase(verb, pattern.removeprefix("!")) for verb in verbs):
                yield f"role {role}: {pattern!r} matches no registered verb"


def silent_readmes(tree: Tree, verbs: Iterable[str]) -> Iterator[str]:
    """Each module has a README.md that names its verbs ("close short", `close_short` or `orders.close_short`)."""
    for module in rooms_of(tree):
        readme = f"src/qudao/{module}/README.md"
        if readme not in tree.paths:
            yield f"{readme} is missing"
            continue
        text = _readme(tree, module).lower()
        for verb in sorted(verbs):
            owner, _dot, tail = verb.partition(".")
            if owner == module and not re.search(rf"\b({re.escape(verb)}|{tail}|{tail.replace('_', '[ -]')})\b", text) and not tail.startswith(LOOKS):
                yield f"{readme} does not name the verb {verb}"


def rooms_of(tree: Tree) -> list[str]:
    """The capability modules: everything but the floor, the toolkit and the project."""
    return [m for m in tree.modules() if m not in ("kernel", "base", "web")]


def _readme(tree: Tree, module: str) -> str:
    return "".join(s.text for s in tree.files(f"src/qudao/{module}/README.md"))


def facts_of(tree: Tree) -> dict[str, str]:
    """fact → module, of every class in an events.py."""
    return {n.name: s.module for s in tree.files("src/qudao/*/events.py") for n in s.tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")}


def reactions_of(tree: Tree) -> list[tuple[str, str, str]]:
    """(fact, module that reacts, handler) of every `@reacts(Fact)`: the list a person would ask for."""
    found = []
    for source in tree.files("src/qudao/*.py"):
        if source.is_test or source.module in ("", "base"):
            continue
        for function in functions(source):
            for mark in function.decorator_list:
                if isinstance(mark, ast.Call) and getattr(mark.func, "id", getattr(mark.func, "attr", "")) == "reacts" and mark.args:
                    fact = mark.args[0]
                    found.append((getattr(fact, "id", getattr(fact, "attr", "?")), source.module, function.name))
    return sorted(found)


def untold_facts(tree: Tree) -> Iterator[str]:
    """READMEs tell which facts go out of a module and which come in, and tell of none that does not exist."""
    facts = facts_of(tree)
    for fact, module in sorted(facts.items()):
        if module in rooms_of(tree) and not re.search(rf"\b{fact}\b", _readme(tree, module)):
            yield f"src/qudao/{module}/README.md does not name the fact {fact} that goes out"
    reacting: dict[str, set[str]] = {}
    for fact, module, handler in reactions_of(tree):
        reacting.setdefault(module, set()).add(fact)
        if not re.search(rf"\b{fact}\b", _readme(tree, module)):
            yield f"src/qudao/{module}/README.md does not name the fact {fact} that {handler} reacts to"
    known = {**facts, "NoticeAsked": "base"}
    for module in rooms_of(tree):
        for direction, told in re.findall(r"Events (out|in)\b(.*?)(?=Events (?:out|in)\b|\n\s*\n|$)", _readme(tree, module), re.DOTALL):
            for fact in re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]+)+\b", told):
                if fact not in known:
                    yield f"src/qudao/{module}/README.md tells of {fact}, which no events.py has"
                elif direction == "in" and fact not in reacting.get(module, ()) and known[fact] != module:
                    yield f"src/qudao/{module}/README.md says that {fact} comes in, but no reaction takes it"


def upward_reactions(tree: Tree, heights: Mapping[str, int]) -> Iterator[str]:
    """A reaction takes a fact of a lower module; its own action may do the work itself."""
    facts = {**facts_of(tree), "NoticeAsked": "base"}
    for fact, module, handler in reactions_of(tree):
        if fact not in facts:
            yield f"src/qudao/{module}: {handler} reacts to {fact}, which no events.py has"
        elif heights.get(facts[fact], 99) >= heights.get(module, -1):
            yield f"src/qudao/{module}: {handler} reacts to {facts[fact]}.{fact}, which does not come from below"
