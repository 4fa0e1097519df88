"""The commands of bootstrap.py. The first stage runs in the system's Python and makes the environment; the second takes over inside it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading

from boot import assets, environment, fonts
from boot.common import BUNDLE, ROOT, WINDOWS, Failure, Times, check_disk, say, settings

STAGE = "QUDAO_STAGE"


def main(argv: list[str]) -> int:
    options = _parse(argv)
    os.chdir(ROOT)
    os.environ.setdefault("PYTHONUTF8", "1")
    times = Times()
    try:
        if options.command == "steps":
            from boot import prepare

            return prepare.steps(options.names)
        if options.command == "lock":
            return _lock(times)
        if options.command == "bundle":
            return _bundle(times, options.dev)
        return _second(options, times) if os.environ.get(STAGE) == "2" else _first(options, times, argv)
    except Failure as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    except OSError as error:
        if error.errno in (28, 122):  # no space, quota
            print(f"The disk is full: {error.filename or ROOT} cannot be written.", file=sys.stderr)
            return 1
        raise


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bootstrap.py", description="Set up and run or test Qudao.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("run", help="set up and run with demo people and goods")
    setup = commands.add_parser("setup", help="only set up: environment, assets, translations")
    setup.add_argument("--dev", action="store_true", help="with what tests and linters need")
    test = commands.add_parser("test", help="set up and run linters, types, import contracts and all tests")
    test.add_argument("--python", help="only with this Python version (3.12): install, rule tests and one story")
    test.add_argument("--only", help="only these parts, separated by commas: lint, types, imports, tests, pythons")
    cores = os.cpu_count() or 1
    jobs = min(cores + 1, 4) if cores > 1 else 0  # one more than the cores: tests wait for pages and the database
    test.add_argument("--jobs", type=int, default=jobs, help="tests side by side (default: one more than the cores, 4 at most)")
    test.add_argument("rest", nargs="*", help="arguments for pytest, after --")
    bundle = commands.add_parser("bundle", help=f"make {BUNDLE.name}/ for installing without a network")
    bundle.add_argument("--dev", action="store_true", help="with what tests and linters need")
    commands.add_parser("lock", help="write the requirement locks anew from pyproject.toml")
    steps = commands.add_parser("steps")
    steps.add_argument("names", nargs="+")
    return parser.parse_args(argv)


def _first(options: argparse.Namespace, times: Times, argv: list[str]) -> int:
    """In the system's Python: what can be wrong is found before anything is fetched; packages, assets and fonts come side by side."""
    dev = options.command == "test" or getattr(options, "dev", False)
    settings()
    if options.command == "run":
        from boot import run

        run.claim().close()
    check_disk()
    python = _install(times, dev, with_fonts=options.command != "run")
    env = {**os.environ, STAGE: "2", "QUDAO_TIMES": times.export()}
    command = [str(python), str(ROOT / "bootstrap.py"), *argv]
    if WINDOWS:
        return subprocess.call(command, env=env)
    sys.stdout.flush()
    os.execve(python, command, env)
    return 0


def _install(times: Times, dev: bool, *, with_fonts: bool):
    """Packages in this thread and assets in another; the first fault of either counts. `run` fetches the fonts later, beside the server."""
    faults: list[Exception] = []
    apart = Times()

    def build() -> None:
        try:
            assets.ensure(apart, dev=dev)
            if with_fonts:
                fonts.ensure(apart)
        except Exception as error:
            faults.append(error)

    thread = threading.Thread(target=build, daemon=True)
    thread.start()
    python = environment.ensure(times, dev=dev)
    with times.part("waiting for the assets"):
        thread.join()
    if faults:
        raise faults[0]
    times.parts |= {f"({name}, side by side)": seconds for name, seconds in apart.parts.items()}
    return python


def _second(options: argparse.Namespace, times: Times) -> int:
    del os.environ[STAGE]
    os.environ.pop("QUDAO_TIMES", None)
    assets.catalogues(times)
    if options.command == "run":
        from boot import run

        return run.run(times)
    if options.command == "test":
        from boot import check

        return check.check(times, options)
    say(f"Set up.\n{times.table()}")
    return 0


def _bundle(times: Times, dev: bool) -> int:
    assets.ensure(times)
    fonts.ensure(times)
    environment.make_bundle(times, dev=dev, marks={"assets": assets.mark(), "fonts": fonts.mark()})
    say(f"{BUNDLE} is made: copy it into a clone of the same commit on the same kind of machine.\n{times.table()}")
    return 0


def _lock(times: Times) -> int:
    """Pins with hashes for every platform; the development lock keeps the pins of the other."""
    environment.ensure(times, dev=True)
    uv = environment.program(environment.folder(), "uv")
    common = ("pip", "compile", "-q", "--universal", "--generate-hashes", "--no-annotate", "--python-version", "3.11", "--upgrade")
    note = ("--custom-compile-command", "python3 bootstrap.py lock")
    for extra, target in (((), "requirements.lock"), (("--extra", "dev", "-c", "requirements.lock"), "requirements-dev.lock")):
        code = subprocess.call([str(uv), *common, *note, *extra, "pyproject.toml", "-o", target], env={**os.environ, "UV_SYSTEM_CERTS": "1"})
        if code:
            return code
    return 0
