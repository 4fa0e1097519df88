"""The Python environment: made by venv, filled from the lock with uv, else with pip, else from the offline bundle."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import sysconfig
from pathlib import Path

from boot.common import BUNDLE, ROOT, WINDOWS, Failure, Stamp, Times, digest, execute, explain, offline

TOOL_LOCK = ROOT / "tools" / "requirements-uv.lock"


def lock_file(dev: bool) -> Path:
    return ROOT / ("requirements-dev.lock" if dev else "requirements.lock")


def folder(version: str = "") -> Path:
    """The environment's folder; one for another Python version carries the version in its name."""
    return ROOT / (f".venv-{version}" if version else ".venv")


def program(venv: Path, name: str) -> Path:
    return venv / ("Scripts" if WINDOWS else "bin") / (f"{name}.exe" if WINDOWS else name)


def ensure(times: Times, *, dev: bool = False, venv: Path | None = None, python: str = sys.executable) -> Path:
    """Make and fill the environment unless its stamp fits; return its Python."""
    venv = venv or folder()
    runner = program(venv, "python")
    lock = lock_file(dev)
    stamp = Stamp(venv / f"stamp-{lock.stem}")
    mark = digest(str(venv), _version(python), files=[lock])
    if stamp.fresh(mark) and runner.exists():
        return runner
    stamp.clear()
    with times.part("Python environment"):
        _make(venv, python)
    with times.part("Python packages"):
        _fill(venv, lock)
        _link(venv)
    stamp.write(mark)
    if dev:  # the development lock holds all of the other
        Stamp(venv / f"stamp-{lock_file(False).stem}").write(digest(str(venv), _version(python), files=[lock_file(False)]))
    return runner


def _version(python: str) -> str:
    if Path(python) == Path(sys.executable):
        return f"{sys.version_info[0]}.{sys.version_info[1]}"
    return execute(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")[1].strip()


def _make(venv: Path, python: str) -> None:
    runner = program(venv, "python")
    if runner.exists():  # fits the version and still runs? Then only its packages are brought up to date.
        code, found = execute(runner, "-c", "import sys, pip; print('%d.%d' % sys.version_info[:2], sys.prefix)")
        if code == 0 and found.strip() == f"{_version(python)} {venv}":
            return
    shutil.rmtree(venv, ignore_errors=True)
    if Path(python) == Path(sys.executable) and importlib.util.find_spec("ensurepip") is None:
        raise Failure("This Python cannot make environments: run 'apt install python3-venv' as root and try again.")
    code, output = execute(_outside(python), "-m", "venv", venv)
    if code:
        shutil.rmtree(venv, ignore_errors=True)
        if "ensurepip" in output:
            raise Failure("This Python cannot make environments: run 'apt install python3-venv' as root and try again.")
        raise explain("make the Python environment", output)


def _outside(python: str) -> str:
    """The interpreter below an environment that we may ourselves run in: an environment made from another one breaks with it."""
    base = getattr(sys, "_base_executable", python)
    return base if Path(python) == Path(sys.executable) and sys.prefix != sys.base_prefix else python


def _fill(venv: Path, lock: Path) -> None:
    python = program(venv, "python")
    wheels = bundled(lock)
    if wheels:
        code, output = execute(python, "-m", "pip", "install", "-q", "--no-index", "--find-links", wheels, "--require-hashes", "-r", lock)
        if code == 0:
            return
        raise explain("install the packages of the offline bundle", output)
    pip = (python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r")
    code, output = execute(*pip, TOOL_LOCK)
    if code == 0:
        uv = (program(venv, "uv"), "pip", "install", "-q", "--python", python, "--require-hashes", "-r", lock)
        code, output = execute(*uv, env=_uv_environment(python))
        if code == 0:
            return
    elif offline(output):  # pip has tried several times: a second pip would only take as long again
        raise explain("install the Python packages", output)
    code, second = execute(*pip, lock)  # slower, but it knows every pip.conf and every company certificate
    if code:
        raise explain("install the Python packages", f"{output}\n{second}")


def _uv_environment(python: Path) -> dict[str, str]:
    """uv reads neither pip's variables nor pip.conf, where a mirror or a company's index is set."""
    env = {"UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "VIRTUAL_ENV": str(python.parent.parent)}
    for theirs, ours in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX")):
        if os.environ.get(theirs) and not os.environ.get(ours):
            env[ours] = os.environ[theirs]
    if not {"UV_DEFAULT_INDEX"} & (set(os.environ) | set(env)):
        code, value = execute(python, "-m", "pip", "config", "get", "global.index-url")
        if code == 0 and value.strip().startswith("http"):
            env["UV_DEFAULT_INDEX"] = value.strip()
    return env


def _link(venv: Path) -> None:
    """Put `src` on the environment's path and the `qudao` command beside its Python: no build step, and the clone's code runs."""
    python = program(venv, "python")
    code, site = execute(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    if code:
        raise explain("link the program into its environment", site)
    (Path(site.strip()) / "qudao.pth").write_text(f"{ROOT / 'src'}\n")
    if WINDOWS:
        program(venv, "qudao").with_suffix(".bat").write_text(f'@"{python}" -m qudao.web.cli %*\n')
        return
    command = program(venv, "qudao")
    command.write_text(f'#!/bin/sh\nexec "{python}" -m qudao.web.cli "$@"\n')
    command.chmod(0o755)


# --- the offline bundle ---


def bundled(lock: Path) -> Path | None:
    """The bundle's wheels, when they were made for this lock, Python and machine."""
    try:
        facts = json.loads((BUNDLE / "bundle.json").read_text())
    except (OSError, ValueError):
        return None
    fits = facts.get("locks", {}).get(lock.name) == digest(files=[lock]) and facts.get("target") == target()
    return BUNDLE / "wheels" if fits else None


def target() -> str:
    return f"{sysconfig.get_platform()} {sys.version_info[0]}.{sys.version_info[1]}"


def make_bundle(times: Times, *, dev: bool, marks: dict[str, str]) -> None:
    """Fetch the wheels of the lock and copy the built assets and the fonts into `qudao-bundle/`."""
    python = ensure(times, dev=dev)
    fresh = BUNDLE.with_name(f"{BUNDLE.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    lock = lock_file(dev)
    with times.part("wheels"):
        code, output = execute(
            *(python, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--only-binary", ":all:"),
            *("--require-hashes", "-d", fresh / "wheels", "-r", lock),
        )
        if code:
            raise explain("fetch the wheels", output)
    for made in ("static", "fonts"):
        if (ROOT / "build" / made).is_dir():
            shutil.copytree(ROOT / "build" / made, fresh / made)
    locks = {path.name: digest(files=[path]) for path in {lock, lock_file(False)}}
    (fresh / "bundle.json").write_text(json.dumps({"target": target(), "locks": locks, **marks}, indent=1))
    shutil.rmtree(BUNDLE, ignore_errors=True)
    fresh.rename(BUNDLE)
