"""`qudao verify`: what it prints, what it returns, and that each check finds the fault it is there for."""

from __future__ import annotations

import json

import pytest
from django.db import transaction

from qudao.base.db import run
from qudao.base.invariants import Check, all_checks
from qudao.web import cli, selftest, verify

pytestmark = pytest.mark.django_db


def command(*arguments: str) -> int:
    from qudao.web.commands import verify as module

    return module.run(cli._parser(["verify"]).parse_args(["verify", *arguments]))


def test_it_tells_by_module_what_was_looked_at(demo_world, capsys):
    assert command() == cli.OK
    lines = capsys.readouterr().out.splitlines()
    modules = [line.split()[0] for line in lines[:-1]]
    assert modules[0] == "base", "lowest storey first"
    assert modules.index("inventory") < modules.index("orders") < modules.index("payments") < modules.index("web")
    assert lines[-1].startswith(f"{len(all_checks())} of {len(all_checks())} checks hold")


def test_an_offending_row_is_named_and_the_exit_code_says_so(demo_world, capsys):
    with transaction.atomic():
        run("UPDATE inventory_stock SET on_hand = on_hand + 7 WHERE id = (SELECT max(id) FROM inventory_stock)")
        assert command("inventory") == cli.FAILED
        said = capsys.readouterr().out
        assert command("inventory", "--json") == cli.FAILED
        told = json.loads(capsys.readouterr().out)
        transaction.set_rollback(True)
    assert "inventory.stock_is_sum_of_moves: 1 rows" in said
    assert "but its moves sum to" in said
    (module,) = told["modules"]
    assert module["rows"] > 0
    assert [check["name"] for check in module["checks"] if check["count"]] == ["inventory.stock_is_sum_of_moves"]


def test_only_the_checks_asked_for_run(demo_world, capsys):
    assert command("ledger", "--list") == cli.OK
    assert {line.partition(".")[0] for line in capsys.readouterr().out.split()} == {"ledger"}
    assert command("nothing.of.the.kind") == cli.USAGE


def test_checks_have_unique_names_that_begin_with_their_module():
    names = [check.name for check in all_checks()]
    assert len(names) == len(set(names))
    assert all("." in name for name in names)


def test_every_module_with_documents_states_what_must_hold():
    modules = {check.name.partition(".")[0] for check in all_checks()}
    assert modules >= {"base", "network", "catalog", "agreements", "pricing", "inventory", "ledger", "funds", "orders", "fulfilment", "billing", "payments"}


def test_each_planted_fault_is_found_and_taken_back(demo_world):
    planted = list(selftest.plant_all())
    assert {one.name for one in planted} == {check.name for check in all_checks()}
    assert [(one.name, one.fault) for one in planted if one.fault] == []
    assert all(one.note for one in planted)


def test_a_check_that_cannot_fail_is_a_fault(demo_world, monkeypatch):
    nothing = "SELECT id, 'never' AS note FROM base_event WHERE false"
    bad = [
        Check("x.without_plant", nothing),
        Check("x.blind", nothing, "UPDATE base_event SET number = 'x' WHERE id = 0"),
        Check("x.cannot_be_planted", nothing, "UPDATE no_such_table SET x = 1"),
        Check("x.broken_before", "SELECT 1 AS id, 'always' AS note", "SELECT 1"),
    ]
    monkeypatch.setattr(verify, "all_checks", lambda: bad)
    monkeypatch.setattr("qudao.base.invariants.all_checks", lambda: bad)
    faults = {one.name: one.fault for one in selftest.plant_all()}
    assert faults["x.without_plant"] == "it has no plant"
    assert faults["x.blind"] == "it was planted and not found"
    assert faults["x.cannot_be_planted"].startswith("it cannot be planted: relation")
    assert faults["x.broken_before"].startswith("it is broken before anything is planted")


def test_a_row_without_words_is_not_named(demo_world):
    check = Check("x.mute", "SELECT id, '' AS note FROM base_event WHERE number = 'mute'", "UPDATE base_event SET number = 'mute'")
    assert selftest._plant(check, [check]).fault == "it was found, but no row is named"
