"""The house tests read the tree as text and syntax; what each check looks for is in the `house_*.py` files beside this one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # last, so that nothing here can hide a module of the standard library

from house_tree import ROOT, Tree


@pytest.fixture(scope="session")
def tree() -> Tree:
    """The tree as it stands."""
    return Tree(ROOT)
