"""Rules about tables, read from `_meta`: foreign keys point down, every model has a policy, constraints have names of the house."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models
from django.db.migrations.loader import MigrationLoader
from house_tree import Source, Tree

VERBS = "create|add|fill|require|drop|change|index|rename|move|guard|split|merge_rows"
MIGRATION = re.compile(rf"^(\d{{4}})_({VERBS})_[a-z0-9]+(_[a-z0-9]+)*$")
GENERATED = re.compile(r"_(auto|merge)(_|$)|_initial$")


@dataclass(frozen=True)
class Link:
    """A relation between two tables as its model declares it."""

    owner: str
    name: str
    target: str
    related_name: str | None
    on_delete: str

    @property
    def place(self) -> str:
        return f"{self.owner}.{self.name} → {self.target}"


def our_models() -> list[type[models.Model]]:
    """The models of our own modules, many-to-many tables included."""
    return [m for m in apps.get_models(include_auto_created=True) if m.__module__.startswith("qudao.")]


def label_of(model: type[models.Model]) -> str:
    """ "orders.Order": by the module's name, because an application's label may differ from it (messages)."""
    module = model.__module__.split(".")[1] if model.__module__.startswith("qudao.") else model._meta.app_label
    return f"{module}.{model.__name__}"


def links_of(found: Iterable[type[models.Model]]) -> Iterator[Link]:
    """Every relation that these models declare, with labels "module.Model"."""
    for model in found:
        for one in [*model._meta.fields, *model._meta.many_to_many]:
            if one.is_relation and one.remote_field is not None and not model._meta.auto_created:
                rule: Any = getattr(one.remote_field, "on_delete", None)
                target: Any = one.related_model
                yield Link(label_of(model), one.name, label_of(target), one.remote_field.related_name, getattr(rule, "__name__", "none"))


def storeys(tree: Tree) -> dict[str, int]:
    """module → height, from the layers contract of pyproject.toml; modules on one storey have the same height."""
    for contract in _contracts(tree):
        if contract["type"] == "layers":
            rows = [[name.strip(" ()") for name in layer.split("|")] for layer in contract["layers"]]
            return {name: height for height, row in enumerate(reversed(rows)) for name in row}
    return {}


def _contracts(tree: Tree) -> list[dict[str, Any]]:
    for source in tree.files("pyproject.toml"):
        return tomllib.loads(source.text)["tool"]["importlinter"]["contracts"]
    return []


def upward_links(links: Iterable[Link], heights: Mapping[str, int]) -> Iterator[str]:
    """A foreign key to another module points down, without a reverse accessor, and protects its target; base points nowhere."""
    for link in links:
        owner, target = (label.split(".")[0] for label in (link.owner, link.target))
        if owner == target:
            continue
        if owner == "base":
            yield f"{link.place}: base stores ids of other modules as plain numbers"
        if target not in heights:
            yield f"{link.place}: points to a table outside the house"
        elif heights.get(owner, -1) <= heights[target]:
            yield f"{link.place}: points up or sideways"
        if link.related_name != "+":
            yield f"{link.place}: related_name is {link.related_name!r}, not '+': a reverse accessor is an import no linter sees"
        if link.on_delete != "PROTECT":
            yield f"{link.place}: on_delete is {link.on_delete}, not PROTECT"


def unlisted_packages(tree: Tree) -> Iterator[str]:
    """The contracts in pyproject.toml know every package and every module's rooms."""
    heights = storeys(tree)
    containers = {c for contract in _contracts(tree) if contract["type"] == "rooms" for c in contract["containers"]}
    for name in tree.modules():
        if name not in heights:
            yield f"src/qudao/{name}: no storey in the layers contract"
        if name not in ("kernel", "base", "web") and f"qudao.{name}" not in containers:
            yield f"src/qudao/{name}: its rooms are in no contract"


def without_policy(found: Iterable[type[models.Model]], known: Iterable[type[models.Model]]) -> Iterator[str]:
    have = set(known)
    for model in found:
        if model not in have and not model._meta.auto_created:
            yield f"{model._meta.label} has no policy"


def badly_named(found: Iterable[type[models.Model]]) -> Iterator[str]:
    """<module>_<model>_<what holds>, within PostgreSQL's 63 characters; unique_together has no name at all.

    Django allows an index only 30 characters, so there the module is enough.
    """
    for model in found:
        meta = model._meta
        module = label_of(model).split(".")[0]
        start = f"{module}_{meta.model_name}_"
        for one in [*meta.constraints, *meta.indexes]:
            wanted = f"{module}_" if isinstance(one, models.Index) else start
            if not one.name.startswith(wanted):
                yield f"{meta.label}: “{one.name}” does not begin with {wanted}"
            if len(one.name) > 63:
                yield f"{meta.label}: “{one.name}” is longer than 63 characters"
        if meta.unique_together:
            yield f"{meta.label}: unique_together has no name; use UniqueConstraint"


def bad_migrations(tree: Tree) -> Iterator[str]:
    """NNNN_verb_noun, one after the other, each on its predecessor; rows are filled in files of their own."""
    for module in tree.modules():
        files = [s for s in tree.files(f"src/qudao/{module}/migrations/*.py") if s.parts[-1] != "__init__"]
        for number, source in enumerate(files, 1):
            name = source.parts[-1]
            match = MIGRATION.match(name)
            if not match or GENERATED.search(name):
                yield f"{source.path}: the name is not NNNN_verb_noun ({VERBS.replace('|', ', ')})"
            elif int(match[1]) != number:
                yield f"{source.path}: number {match[1]} where {number:04d} is due; the line of migrations has a gap or a fork"
            before = {b for a, b in _dependencies(source) if a in (module, f"qudao_{module}")}
            wanted = {files[number - 2].parts[-1]} if number > 1 else set()
            if before != wanted:
                yield f"{source.path}: follows {sorted(before)}, not {sorted(wanted)}"
            fills = any(isinstance(n, ast.Attribute) and n.attr == "RunPython" for n in ast.walk(source.tree))
            shapes = any(
                isinstance(n, ast.Attribute) and re.match("(Create|Delete|Rename)Model$|(Add|Remove|Alter)Field$", n.attr) for n in ast.walk(source.tree)
            )
            if fills and shapes:
                yield f"{source.path}: fills rows and changes the schema in one file"


def _dependencies(source: Source) -> list[tuple[str, str]]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "dependencies" for t in node.targets) and isinstance(node.value, ast.List):
            return [tuple(e.value for e in pair.elts if isinstance(e, ast.Constant)) for pair in node.value.elts if isinstance(pair, ast.Tuple)]  # type: ignore[misc]
    return []


def own_labels() -> list[str]:
    """The labels of our applications."""
    return [c.label for c in apps.get_app_configs() if c.name.startswith("qudao.")]


def forks(loader: MigrationLoader, labels: Iterable[str]) -> Iterator[str]:
    """Each application's migrations end in one place."""
    for module in labels:
        ends = loader.graph.leaf_nodes(module)
        if len(ends) > 1:
            yield f"{module}: several migrations are last: {[name for _app, name in ends]}"
