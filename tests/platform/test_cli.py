"""The one command: exit codes, help without loading everything, outages in one sentence."""

import json
import os
import subprocess
import sys

import pytest

from qudao.web import cli, config
from qudao.web.commands import config as config_command


def call(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("QUDAO_", "DATABASE_URL", "DJANGO_"))}
    return subprocess.run([sys.executable, "-m", "qudao.web.cli", *arguments], env={**clean, **env}, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", sorted(cli.COMMANDS))
def test_every_command_has_its_own_help(name, capsys):
    assert cli.main([name, "--help"]) == cli.OK
    assert f"qudao {name}" in capsys.readouterr().out


def test_a_wrong_command_and_a_wrong_option_are_wrong_use(capsys):
    assert cli.main(["dance"]) == cli.USAGE
    assert cli.main(["config", "--dance"]) == cli.USAGE
    assert "unrecognized arguments: --dance" in capsys.readouterr().err


def test_wrong_settings_are_listed_with_exit_code_2():
    done = call("config", QUDAO_PORT="x", QUDAO_LANGUAGE="tlh")
    assert done.returncode == cli.USAGE
    assert "port must be a whole number" in done.stderr
    assert "language must be one of" in done.stderr


def test_config_prints_what_a_script_can_read(capsys):
    assert cli.main(["config", "--json"]) == cli.OK
    assert {"port", "database_url"} <= {row["name"] for row in json.loads(capsys.readouterr().out)}


def test_config_as_text_is_a_file_that_can_be_used(capsys):
    import tomllib

    assert cli.main(["config"]) == cli.OK
    assert tomllib.loads(capsys.readouterr().out)["port"] == config.current().port
    assert config_command.NEEDS == "settings"


@pytest.mark.slow
def test_a_database_out_of_reach_is_one_sentence_and_exit_code_3(tmp_path):
    done = call("verify", DATABASE_URL="postgresql://u:p@127.0.0.1:1/d", QUDAO_STATE_DIR=str(tmp_path))
    assert done.returncode == cli.UNAVAILABLE, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("The database at 127.0.0.1:1 cannot be reached")
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_verify_on_an_empty_database_holds(capsys):
    from qudao.web.commands import verify

    assert cli._parser(["verify"]) is not None
    args = cli._parser(["verify"]).parse_args(["verify", "--json", "base"])
    assert verify.run(args) == cli.OK
    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.django_db
def test_events_lists_parked_deliveries_and_opens_them_again(capsys):
    from qudao.base.db import run as execute
    from qudao.web.commands import events

    execute(
        """INSERT INTO base_event (at, month, name, version, payload, subject_kind, subject_id, number, dispatched_at)
           VALUES (now(), '2026-01-01', 'test.Happened', 1, '{}', 'test', 0, 'T-1', now());
           INSERT INTO base_delivery (event_id, handler, attempts, error, parked) SELECT max(id), 'test.react', 8, 'ValueError: no', true FROM base_event"""
    )
    parser = cli._parser(["events"])
    assert events.run(parser.parse_args(["events"])) == cli.FAILED, "something waits for a person"
    assert "test.Happened → test.react" in capsys.readouterr().out
    assert events.run(parser.parse_args(["events", "--all"])) == cli.OK
    capsys.readouterr()
    assert events.run(parser.parse_args(["events"])) == cli.OK
    assert "No delivery is parked" in capsys.readouterr().out
