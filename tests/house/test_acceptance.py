"""What docs/acceptance.md claims is proven by tests that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from house_tree import ROOT

NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
#: the rows of the table of what users expect that are claimed
ROWS = {*range(1, 27), *range(30, 34), 36, 37, *range(39, 43), 44}


def missing(text: str, root: Path) -> Iterator[str]:
    """Rows without a test, and tests that are not there."""
    rows = {int(found[1]): line for line in text.splitlines() if (found := re.match(r"\| (\d+) \|", line))}
    yield from (f"row {row} is not there" for row in sorted(ROWS - rows.keys()))
    for row, line in rows.items():
        named = NAMED.findall(line)
        if not named:
            yield f"row {row} names no test"
        for path, name in named:
            source = root / path
            if not source.is_file() or not re.search(rf"^def {name}\(", source.read_text(encoding="utf-8"), re.MULTILINE):
                yield f"row {row}: there is no {path}::{name}"


def test_every_row_names_tests_that_exist() -> None:
    found = list(missing((ROOT / "docs" / "acceptance.md").read_text(encoding="utf-8"), ROOT))
    assert not found, "\n".join(found)


def test_a_row_without_a_test_and_a_test_that_is_gone_are_found(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_that_is_there() -> None: ...\n", encoding="utf-8")
    table = "\n".join(f"| {row} | x | `test_one.py::test_that_is_there` | x |" for row in sorted(ROWS - {1, 2, 3}))
    planted = f"{table}\n| 1 | x | `test_one.py::test_that_is` | x |\n| 2 | x | `gone.py::test_that_is_there` | x |\n| 3 | x | by hand | x |"
    assert list(missing(planted, tmp_path)) == [
        "row 1: there is no test_one.py::test_that_is",
        "row 2: there is no gone.py::test_that_is_there",
        "row 3 names no test",
    ]
    assert list(missing(table, tmp_path)) == ["row 1 is not there", "row 2 is not there", "row 3 is not there"]
