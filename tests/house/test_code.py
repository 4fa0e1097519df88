"""The rules about code as text and syntax hold, and each of them can fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from house_code import CHECKS
from house_tree import Check, Tree, listed, prove

by_name = pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.find.__name__)


@by_name
def test_the_tree_keeps_the_rule(check: Check, tree: Tree) -> None:
    found = list(check.find(tree))
    assert not found, listed(check.says, found)


@by_name
def test_the_rule_can_fail(check: Check, tmp_path: Path) -> None:
    prove(check, tmp_path)
