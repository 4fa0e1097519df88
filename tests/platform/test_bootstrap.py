"""The set-up's own rules: one sentence for each thing that can be wrong, and stamps that know when nothing is to do."""

import ast
import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from boot import assets, common, environment, prepare, run  # noqa: E402

from qudao.web import config  # noqa: E402


@pytest.fixture
def state(tmp_path, monkeypatch):
    """Settings of their own: a state folder below tmp_path."""
    monkeypatch.setenv("QUDAO_STATE_DIR", str(tmp_path / "state"))
    config.current.cache_clear()
    yield tmp_path / "state"
    monkeypatch.undo()
    config.current.cache_clear()


def test_any_python_can_read_bootstrap_so_that_a_wrong_one_gets_a_sentence():
    source = (ROOT / "bootstrap.py").read_text()
    ast.parse(source, feature_version=(3, 4))
    assert "from __future__" not in source


def test_a_wrong_python_is_told_what_to_install(monkeypatch):
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", ROOT / "bootstrap.py")
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    monkeypatch.setattr(bootstrap, "OLDEST", (3, 98))
    monkeypatch.setattr(bootstrap, "NEWEST", (3, 99))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 to 3\.14 and this is .*apt install python3 python3-venv"):
        bootstrap.right_python()


def test_a_busy_port_names_the_setting(state, monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        monkeypatch.setenv("QUDAO_PORT", str(other.getsockname()[1]))
        config.current.cache_clear()
        with pytest.raises(common.Failure, match=r"Port \d+ is used by another program: set QUDAO_PORT"):
            run.claim()


def test_a_second_run_from_the_same_folder_is_refused(state, monkeypatch):
    monkeypatch.setattr(run, "check_port", lambda: None)
    first = run.claim()
    with pytest.raises(common.Failure, match="already runs from this folder"):
        run.claim()
    first.close()
    run.claim().close()


def test_what_a_killed_run_left_is_stopped_and_strangers_are_not(state, monkeypatch):
    monkeypatch.setattr(run, "check_port", lambda: None)
    sleep = "import time; time.sleep(60)"
    ours = subprocess.Popen([sys.executable, "-c", sleep, str(ROOT)], start_new_session=True)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True, cwd="/")
    try:
        state.mkdir(parents=True)
        time.sleep(0.2)
        (state / "run.json").write_text(json.dumps({"supervisor": 1, "groups": [ours.pid, stranger.pid, 999999]}))
        run.claim().close()
        assert ours.wait(5) != 0
        assert stranger.poll() is None
        assert not (state / "run.json").exists()
    finally:
        ours.kill()
        stranger.kill()
        stranger.wait()


def test_a_full_disk_is_one_sentence(state, monkeypatch):
    monkeypatch.setattr(common, "DISK_NEEDED", 10**18)
    with pytest.raises(common.Failure, match=r"is nearly full \(\d+ MB are free\)"):
        common.check_disk()


def test_wrong_settings_are_all_in_the_failure(state, monkeypatch):
    monkeypatch.setenv("QUDAO_PORT", "x")
    monkeypatch.setenv("QUDAO_LANGUAGE", "x")
    config.current.cache_clear()
    with pytest.raises(common.Failure, match=r"(?s)port must be.*language must be|language must be.*port must be"):
        common.settings()


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("error: Temporary failure in name resolution", "There is no network to fetch"),
        ("npm error code EAI_AGAIN", "There is no network to fetch"),
        ("OSError: [Errno 28] No space left on device", "The disk is full: fetch failed."),
        ("x\nERROR: no matching distribution\ny", "Failed to fetch: ERROR: no matching distribution"),
    ],
)
def test_a_failed_installation_step_is_explained(output, sentence, monkeypatch, tmp_path):
    monkeypatch.setattr(common, "BUILD", tmp_path)
    assert str(common.explain("fetch", output)).startswith(sentence)


def test_a_python_without_venv_is_told_the_debian_package(monkeypatch, tmp_path):
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(common.Failure, match="apt install python3-venv"):
        environment._make(tmp_path / "venv", sys.executable)


@pytest.mark.slow
def test_no_network_is_one_sentence_that_names_the_bundle(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    with pytest.raises(common.Failure, match=r"There is no network to install the Python packages: .*qudao-bundle"):
        environment.ensure(common.Times(), venv=tmp_path / "venv")


def test_uv_learns_the_index_that_pip_is_set_to(monkeypatch):
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert environment._uv_environment(Path(sys.executable))["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"


def test_a_bundle_counts_only_for_its_own_lock_and_machine(monkeypatch, tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("a==1\n")
    monkeypatch.setattr(environment, "BUNDLE", tmp_path)
    facts = {"target": environment.target(), "locks": {lock.name: common.digest(files=[lock])}}
    (tmp_path / "bundle.json").write_text(json.dumps(facts))
    assert environment.bundled(lock) == tmp_path / "wheels"
    (tmp_path / "bundle.json").write_text(json.dumps({**facts, "target": "elsewhere 3.9"}))
    assert environment.bundled(lock) is None
    (tmp_path / "bundle.json").write_text(json.dumps(facts))
    lock.write_text("a==2\n")
    assert environment.bundled(lock) is None


def test_stamps_change_with_content_and_name_and_not_with_time(tmp_path):
    file = tmp_path / "a"
    file.write_text("1")
    first = common.digest("x", files=[file])
    os.utime(file, (1, 1))
    assert common.digest("x", files=[file]) == first
    file.write_text("2")
    assert common.digest("x", files=[file]) != first
    stamp = common.Stamp(tmp_path / "stamps" / "one")
    assert not stamp.fresh(first)
    stamp.write(first)
    assert stamp.fresh(first)


def test_times_go_on_in_the_second_stage(monkeypatch):
    times = common.Times()
    with times.part("venv"):
        time.sleep(0.06)
    monkeypatch.setenv("QUDAO_TIMES", times.export())
    again = common.Times()
    assert again.total() >= 0.06
    assert "venv" in again.table()
    assert again.table().splitlines()[-1].split()[0] == "all"


def test_locks_pin_every_package_with_hashes():
    for lock in ("requirements.lock", "requirements-dev.lock", "tools/requirements-uv.lock", "tools/requirements-node.lock"):
        text = (ROOT / lock).read_text()
        names = [line for line in text.splitlines() if line and line[0].isalnum()]
        assert names
        assert all("==" in line and line.endswith("\\") for line in names), lock
    packages = json.loads((ROOT / "package.json").read_text())
    pins = [*packages["dependencies"].values(), *packages["devDependencies"].values()]
    assert all(pin[0].isdigit() for pin in pins), "front-end packages by exact version"


def test_sources_of_the_assets_hold_the_lock_and_our_own_files():
    found = {path.relative_to(ROOT).as_posix() for path in assets.sources()}
    assert {"package-lock.json", "assets/build.mjs"} <= found


def test_a_fault_of_a_step_is_one_sentence(monkeypatch, tmp_path):
    def broken(names, times):
        with times.part("migrations"):
            raise ValueError("no such column\nmore")

    monkeypatch.setattr(prepare, "_steps", broken)
    monkeypatch.setattr(prepare, "BUILD", tmp_path)
    with pytest.raises(common.Failure, match=r"The set-up failed at migrations: no such column \(all of it in"):
        prepare.steps(["migrate"])


def played(monkeypatch, due, told, broken=""):
    """Let `_children` do what is due with children who only say that they did it, all but the `broken` step; `told` hears what happens in order."""

    def child(names):
        told.append(("child", *names))
        parts = {"migrate": "migrations", "static": "static files", "demo": "demo people and goods"}
        lines = [f"print('took {json.dumps({parts[name]: 1.5})}', flush=True)" if name != broken else "raise SystemExit(1)" for name in names]
        return subprocess.Popen([sys.executable, "-c", "; ".join(lines)], stdout=subprocess.PIPE, text=True)

    monkeypatch.setattr(prepare, "_child", child)
    times = common.Times()
    times.parts.clear()
    prepare._children(due, times, lambda: told.append(("ready", *times.parts)))
    return times.parts


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        (["migrate", "static", "demo"], [("child", "static"), ("child", "migrate", "demo"), ("ready", "migrations")]),
        (["demo"], [("child", "demo"), ("ready",)]),
        (["static"], [("child", "static"), ("ready",)]),
    ],
)
def test_the_web_server_may_come_up_once_schema_and_static_files_are_there(due, expected, monkeypatch):
    told = []
    parts = played(monkeypatch, due, told)
    assert told == expected
    assert len(parts) == len(due)


@pytest.mark.parametrize("broken", ["migrate", "static"])
def test_a_step_that_fails_lets_nothing_come_up(broken, monkeypatch):
    told = []
    with pytest.raises(SystemExit):
        played(monkeypatch, ["migrate", "static"], told, broken)
    assert told == [("child", "static"), ("child", "migrate")]
