"""Every sentence is translated, every template is safe and used; each check is proven able to fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_tree import Check, Tree, listed, prove
from house_words import CHECKS, Sentence, placeholders, sentences_of

by_name = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.find.__name__)


@by_name
def test_the_tree_keeps_the_rule(check: Check, tree: Tree) -> None:
    found = list(check.find(tree))
    assert not found, listed(check.says, found)


@by_name
def test_the_rule_can_fail(check: Check, tmp_path: Path) -> None:
    prove(check, tmp_path)


def test_sentences_are_found_in_code_and_templates(tree: Tree) -> None:
    found = [one for one in sentences_of(tree) if isinstance(one, Sentence)]
    assert any(s.place.startswith("src/qudao/base/sentences.py") for s in found) and any(".html" in s.place for s in found)


def test_placeholders() -> None:
    assert placeholders("{n} of {what:d}, %(who)s, 5 %, %%s") == {"n", "what", "%(who)s"}
    assert placeholders("a { b") == {"a lone brace"}
