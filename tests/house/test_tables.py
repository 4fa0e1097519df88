"""Tables: foreign keys point down, every model has a policy, names are the house's, the migrations make what the models say."""

from __future__ import annotations

from pathlib import Path

import grimp
import house_contract
import pytest
from django.apps import apps
from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test.utils import isolate_apps
from django.utils import translation
from house_tables import (
    Link,
    bad_migrations,
    badly_named,
    forks,
    links_of,
    our_models,
    own_labels,
    storeys,
    unlisted_packages,
    upward_links,
    without_policy,
)
from house_tree import Tree, listed, write_all

from qudao.base import access

HEIGHTS = {"base": 1, "network": 2, "people": 3, "pricing": 5, "ledger": 5}


def test_foreign_keys_point_down(tree: Tree) -> None:
    links = list(links_of(our_models()))
    assert len(links) > 10, "the walk over the models found nothing"
    found = list(upward_links(links, storeys(tree)))
    assert not found, listed("A foreign key to another module points down, related_name='+', PROTECT", found)


@pytest.mark.parametrize(
    "link",
    [
        Link("network.Org", "boss", "people.User", "+", "PROTECT"),
        Link("pricing.Price", "entry", "ledger.Entry", "+", "PROTECT"),
        Link("people.User", "org", "network.Org", None, "PROTECT"),
        Link("people.User", "org", "network.Org", "+", "CASCADE"),
        Link("people.User", "group", "auth.Group", "+", "PROTECT"),
        Link("base.Log", "user", "base2.User", "+", "PROTECT"),
    ],
    ids=lambda link: link.place,
)
def test_a_foreign_key_that_does_not_is_found(link: Link) -> None:
    assert list(upward_links([link], HEIGHTS))


def test_a_foreign_key_that_does_is_not_found() -> None:
    assert not list(
        upward_links([Link("people.User", "org", "network.Org", "+", "PROTECT"), Link("people.User", "by", "people.User", None, "CASCADE")], HEIGHTS)
    )


@isolate_apps("qudao.network", "qudao.people")
def test_the_walk_sees_what_a_model_declares() -> None:
    class Low(models.Model):
        __module__ = "qudao.network.models"

        class Meta:
            app_label = "network"

    class High(models.Model):
        __module__ = "qudao.people.models"
        low = models.ForeignKey(Low, on_delete=models.CASCADE, related_name="+")
        many = models.ManyToManyField(Low)

        class Meta:
            app_label = "people"

    links = list(links_of([Low, High]))
    assert links[0] == Link("people.High", "low", "network.Low", "+", "CASCADE") and links[1].name == "many"
    assert len(list(upward_links(links, HEIGHTS))) == 3, "CASCADE, the reverse accessor of the many-to-many, and its missing PROTECT"


def test_the_contracts_know_every_package(tree: Tree) -> None:
    found = list(unlisted_packages(tree))
    assert not found, listed("pyproject.toml lists every package and the rooms of every module", found)


def test_a_package_that_no_contract_knows_is_found(tmp_path: Path) -> None:
    project = '[[tool.importlinter.contracts]]\ntype = "layers"\nlayers = ["(b)", "(a) | (kernel)"]\n'
    project += '[[tool.importlinter.contracts]]\ntype = "rooms"\ncontainers = ["qudao.a"]\n'
    planted = write_all(tmp_path, {f"src/qudao/{m}/__init__.py": "" for m in ("a", "b", "c", "kernel")} | {"pyproject.toml": project})
    assert storeys(planted) == {"a": 0, "kernel": 0, "b": 1}
    assert list(unlisted_packages(planted)) == [
        "src/qudao/b: its rooms are in no contract", "src/qudao/c: no storey in the layers contract", "src/qudao/c: its rooms are in no contract",
    ]  # fmt: skip


def test_the_two_contracts_of_the_house_can_fail() -> None:
    graph = grimp.ImportGraph()
    for name in ("qudao", "qudao.a", "qudao.a.models", "qudao.b", "qudao.b.actions", "qudao.b.queries", "qudao.b.states", "qudao.b.helpers"):
        graph.add_module(name)
    graph.add_import(importer="qudao.b.queries", imported="qudao.a.models")
    tables = house_contract.ForeignTables("tables", {}, {"root": "qudao", "readers": ["queries", "models"]})
    assert tables.check(graph, False).kept
    graph.add_import(importer="qudao.b.actions", imported="qudao.a.models")
    assert not tables.check(graph, False).kept
    session = {"root_packages": ["qudao"]}
    options = {"containers": ["qudao.b", "qudao.not_built"], "layers": ["(actions)", "(queries)", "(states)"], "exhaustive": "true"}
    assert not house_contract.Rooms("rooms", session, options).check(graph, False).kept, "a room called helpers"
    options["exhaustive"] = "false"
    assert house_contract.Rooms("rooms", session, options).check(graph, False).kept
    graph.add_import(importer="qudao.b.states", imported="qudao.b.actions")
    assert not house_contract.Rooms("rooms", session, options).check(graph, False).kept, "states may not know actions"


def test_every_table_has_a_policy() -> None:
    access.all_verbs()
    found = list(without_policy(our_models(), access._policies))
    assert not found, listed("Every model has a policy", found)
    assert list(without_policy(our_models()[:1], [])), "and a model without one is found"


def test_every_registered_policy_names_a_view_verb() -> None:
    verbs = access.all_verbs()
    found = [f"{type(p).__module__}.{type(p).__name__}: {p.view_verb!r}" for p in access._policies.values() if p.view_verb not in verbs]
    assert not found, listed("A policy's view_verb is registered in VERBS", found)


def test_constraints_and_indexes_have_names_of_the_house() -> None:
    found = list(badly_named(our_models()))
    assert not found, listed("Names are <module>_<model>_<what holds>, at most 63 characters", found)


@isolate_apps("qudao.network")
def test_a_badly_named_constraint_is_found() -> None:
    class Thing(models.Model):
        __module__ = "qudao.network.models"
        a = models.IntegerField()

        class Meta:
            app_label = "network"
            unique_together = [("id", "a")]
            constraints = [
                models.CheckConstraint(condition=models.Q(a__gt=0), name="a_positive"),
                models.CheckConstraint(condition=models.Q(a__gt=1), name="network_thing_" + "a" * 60),
                models.CheckConstraint(condition=models.Q(a__gt=2), name="network_thing_a_above_two"),
            ]

    assert len(list(badly_named([Thing]))) == 3


def test_migrations_are_named_numbered_and_linear(tree: Tree) -> None:
    found = [*bad_migrations(tree), *forks(MigrationLoader(None), own_labels())]
    assert not found, listed("Migrations are NNNN_verb_noun in one line", found)


def test_a_bad_migration_is_found(tmp_path: Path) -> None:
    head = "class Migration:\n    dependencies = [{}]\n    operations = [{}]\n"
    good = {"__init__": "", "0001_create_a": head.format("('b', '0009_x')", ""), "0002_add_a_hold": head.format("('a', '0001_create_a')", "")}
    bad = {
        "0003_auto_2026": head.format("('a', '0002_add_a_hold')", ""),
        "0004_merge_heads": head.format("('a', '0003_auto_2026')", ""),
        "0005_fill_a_hold": head.format("('a', '0004_merge_heads')", "m.RunPython(f), m.AddField()"),
        "0006_add_b": head.format("('a', '0001_create_a')", ""),
        "0008_drop_c": head.format("('a', '0006_add_b')", ""),
    }
    files = {f"src/qudao/a/migrations/{name}.py": text for name, text in {**good, **bad}.items()}
    found = list(bad_migrations(write_all(tmp_path, {**files, "src/qudao/a/__init__.py": ""})))
    assert [line.split(":")[0].rsplit("/", 1)[1][:-3] for line in found] == list(bad)


def _missing(state: ProjectState) -> list[str]:
    """What makemigrations would write to come from `state` to the models."""
    with translation.override(None):  # as the command does, so that lazy names compare in English
        changes = MigrationAutodetector(state, ProjectState.from_apps(apps)).changes(graph=MigrationLoader(None).graph)
    return [f"{app}: {op.describe()}" for app, found in changes.items() if app in own_labels() for m in found for op in m.operations]


def test_makemigrations_finds_nothing() -> None:
    state = MigrationLoader(None).project_state()
    found = _missing(state)
    assert not found, listed("The migrations do not make what the models say; run makemigrations", found)
    state.remove_field("base", "event", "cause")
    assert _missing(state), "and a missing migration is found"
