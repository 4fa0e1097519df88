"""Verbs, facts and READMEs agree: what may be done is registered, tested, granted and written down."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_tables import storeys
from house_tree import Tree, listed, write_all
from house_verbs import (
    dead_patterns,
    import_everything,
    own_actions,
    reactions_of,
    silent_readmes,
    unregistered,
    untested,
    untold_facts,
    unused_verbs,
    upward_reactions,
)

from qudao.base import access, outbox
from qudao.people.states import ROLES


@pytest.fixture(scope="module")
def actions() -> dict[str, str]:
    import_everything()
    return own_actions()


def test_every_action_asks_for_a_registered_verb(actions: dict[str, str]) -> None:
    assert len(actions) > 10, "the walk over the actions found nothing"
    found = list(unregistered(actions, access.all_verbs()))
    assert not found, listed("An action's verb is registered in its module's policies.VERBS", found)
    assert list(unregistered({"qudao.a.actions.do": "a.undo"}, {"a.do"}))


def test_every_action_is_named_in_a_test(actions: dict[str, str], tree: Tree, tmp_path: Path) -> None:
    found = list(untested(actions, tree))
    assert not found, listed("Every action is tested", found)
    planted = write_all(tmp_path, {"src/qudao/a/tests/test_a.py": "do_this()\n", "src/qudao/a/actions.py": "do_that()\n"})
    assert list(untested(["qudao.a.actions.do_this", "qudao.a.actions.do_that"], planted)) == ["qudao.a.actions.do_that: no test file names this action"]


def test_every_verb_is_asked_for(tree: Tree, tmp_path: Path) -> None:
    found = list(unused_verbs(access.all_verbs(), tree))
    assert not found, listed("Every verb is asked for somewhere", found)
    planted = write_all(
        tmp_path,
        {
            "src/qudao/a/policies.py": 'VERBS = {"a.view": 1, "a.do": 2, "a.undo": 3}\nclass P:\n    view_verb = "a.view"\n',
            "src/qudao/a/actions.py": '@action("a.do")\ndef do(): ...\n',
            "src/qudao/people/states.py": 'ROLES = ("a.undo",)\n',
        },
    )
    assert list(unused_verbs(["a.view", "a.do", "a.undo"], planted)) == ["a.undo is registered and granted, but nothing asks for it"]


def test_every_pattern_of_a_role_grants_something() -> None:
    found = list(dead_patterns({code: role.verbs for code, role in ROLES.items()}, access.all_verbs()))
    found += list(dead_patterns({code: role.fields for code, role in ROLES.items()}, access.all_fields()))
    assert not found, listed("Every pattern of a role matches a right", found)
    assert list(dead_patterns({"r": ("a.*", "!a.undo", "b.do")}, {"a.do", "a.undo"})) == ["role r: 'b.do' matches no registered verb"]


def test_readmes_name_the_verbs(tree: Tree, tmp_path: Path) -> None:
    found = list(silent_readmes(tree, access.all_verbs()))
    assert not found, listed("Each module's README.md names its verbs", found)
    planted = write_all(tmp_path, {"src/qudao/a/__init__.py": "", "src/qudao/b/__init__.py": "", "src/qudao/a/README.md": "**Verbs** Close short, do.\n"})
    assert list(silent_readmes(planted, ["a.view", "a.do", "a.close_short", "a.undo"])) == [
        "src/qudao/a/README.md does not name the verb a.undo", "src/qudao/b/README.md is missing",
    ]  # fmt: skip


def test_readmes_tell_the_facts(tree: Tree, tmp_path: Path) -> None:
    found = list(untold_facts(tree))
    assert not found, listed("READMEs tell the facts that go out and come in", found)
    planted = write_all(
        tmp_path,
        {
            "src/qudao/a/__init__.py": "", "src/qudao/b/__init__.py": "",
            "src/qudao/a/events.py": "class ThingDone: ...\nclass ThingUndone: ...\n",
            "src/qudao/a/README.md": "**Events out** ThingDone, ThingDreamt. **Events in** none.\n",
            "src/qudao/b/reactions.py": "@reacts(ThingUndone)\ndef follow(events, *, actor): ...\n",
            "src/qudao/b/README.md": "**Events in** ThingDone.\n",
        },
    )  # fmt: skip
    assert reactions_of(planted) == [("ThingUndone", "b", "follow")]
    assert list(untold_facts(planted)) == [
        "src/qudao/a/README.md does not name the fact ThingUndone that goes out",
        "src/qudao/b/README.md does not name the fact ThingUndone that follow reacts to",
        "src/qudao/a/README.md tells of ThingDreamt, which no events.py has",
        "src/qudao/b/README.md says that ThingDone comes in, but no reaction takes it",
    ]


def test_reactions_take_facts_from_below_and_are_all_registered(tree: Tree, tmp_path: Path) -> None:
    found = list(upward_reactions(tree, storeys(tree)))
    written = {(module, handler) for _fact, module, handler in reactions_of(tree)}
    known = {tuple(r.name.split(".")) for some in outbox.REACTIONS.values() for r in some if r.handle.__module__.endswith(".reactions")}
    found += [f"src/qudao/{module}: {handler} is not registered when the applications are ready" for module, handler in sorted(written - known)]
    assert not found, listed("A reaction takes facts from below", found)
    planted = write_all(
        tmp_path,
        {
            "src/qudao/a/events.py": "class ThingDone: ...\n",
            "src/qudao/a/reactions.py": "@reacts(ThingDone)\ndef again(events, *, actor): ...\n@reacts(Ghost)\ndef never(events, *, actor): ...\n",
        },
    )
    assert len(list(upward_reactions(planted, {"a": 1}))) == 2
