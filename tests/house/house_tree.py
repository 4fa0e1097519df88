"""The tree as the checks see it, and what a check is: a search for offending places, with a plant that proves it can fail."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SKIP = {"__pycache__", "node_modules", "build", ".venv"}


@dataclass(frozen=True)
class Source:
    """One file: `path` as written in messages ("src/qudao/orders/rules.py"), with the module and room it belongs to."""

    root: Path
    path: str

    @cached_property
    def text(self) -> str:
        return (self.root / self.path).read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def parts(self) -> tuple[str, ...]:
        return Path(self.path).with_suffix("").parts

    @property
    def module(self) -> str:
        """The capability ("orders"); "" outside src/qudao."""
        return self.parts[2] if self.parts[:2] == ("src", "qudao") and len(self.parts) > 3 else ""

    @property
    def room(self) -> str:
        """The room ("actions", "pages"…), whether it is a file or a package; "" outside src/qudao."""
        return self.parts[3] if self.module else ""

    @property
    def is_test(self) -> bool:
        return "tests" in self.parts

    def at(self, node: Any, message: str) -> str:
        """A finding in words: path, line, what is wrong."""
        return f"{self.path}:{getattr(node, 'lineno', node)}: {message}"


class Tree:
    """All files of interest under a root; each is read and parsed once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[str, Source] = {}

    @cached_property
    def paths(self) -> list[str]:
        found = []
        for top in ("src", "tools", "tests", "locale"):
            for path in (self.root / top).rglob("*"):
                if path.is_file() and not SKIP.intersection(path.relative_to(self.root).parts):
                    found.append(path.relative_to(self.root).as_posix())
        found += [name for name in ("bootstrap.py", "pyproject.toml") if (self.root / name).exists()]
        return sorted(found)

    def files(self, *patterns: str) -> Iterator[Source]:
        """The files that match one of the patterns ("src/*.py" crosses folders)."""
        for path in self.paths:
            if any(fnmatchcase(path, pattern) for pattern in patterns):
                yield self._known.setdefault(path, Source(self.root, path))

    def code(self, *, tests: bool = False) -> Iterator[Source]:
        """The Python of the product: src, tools and bootstrap.py."""
        for source in self.files("src/*.py", "tools/*.py", "bootstrap.py"):
            if tests or not source.is_test:
                yield source

    def modules(self) -> list[str]:
        """The packages under src/qudao."""
        return sorted({p.split("/")[2] for p in self.paths if fnmatchcase(p, "src/qudao/*/__init__.py") and p.count("/") == 3})


@dataclass(frozen=True)
class Check:
    """A rule of the house. `find` yields the offending places; every file of `plant` must be among them, no file of `clean` may be."""

    says: str
    find: Callable[[Tree], Iterable[str]]
    plant: Mapping[str, str]
    clean: Mapping[str, str] = field(default_factory=dict)


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def dotted(node: ast.AST) -> str:
    """`a.b.c` of an attribute chain, "" when it does not start at a name."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *names[::-1]]) if isinstance(node, ast.Name) else ""


def write_all(root: Path, files: Mapping[str, str]) -> Tree:
    """A small tree of its own with these files."""
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return Tree(root)


def prove(check: Check, folder: Path) -> None:
    """The check names every planted file and no clean one: a check that cannot fail is no check."""
    assert check.plant, f"“{check.says}” has no plant"
    found = list(check.find(write_all(folder, {**check.plant, **check.clean})))
    missed = [path for path in check.plant if not any(path in line for line in found)]
    assert not missed, f"“{check.says}” does not see what is planted in {missed}; it found {found}"
    wrong = [line for path in check.clean for line in found if path in line]
    assert not wrong, f"“{check.says}” takes offence at clean files: {wrong}"


def listed(says: str, found: Iterable[str]) -> str:
    """The message of a broken rule: the rule, then every place."""
    return "\n  ".join([f"{says}:", *found])
