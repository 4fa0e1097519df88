"""`qudao`: the one entry for everything that is not a web page.

Each command is a small file in `commands/` with `add_arguments(parser)` and `run(args) -> int`; it is imported only when it is called.
Exit codes: 0 done, 1 failed or something was found, 2 wrong use or wrong settings, 3 something needed is not available.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from urllib.parse import urlsplit

from qudao import __version__
from qudao.web import config
from qudao.web.process import die_with_parent

OK, FAILED, USAGE, UNAVAILABLE = 0, 1, 2, 3

# name → (file below commands/, one line of help). The file's constant NEEDS says what must stand before `run`: "", "settings" or "django".
COMMANDS = {
    "serve": ("serve", "run the web server"),
    "worker": ("worker", "run background jobs and deliver events"),
    "migrate": ("migrate", "bring the database to the newest schema"),
    "demo": ("demo", "load demo people and goods"),
    "import": ("import_", "load a file of records (xlsx, csv)"),
    "replay": ("replay", "play a folder of historical orders through the live actions"),
    "events": ("events", "show parked events and deliver them again"),
    "verify": ("verify", "check every invariant of the books and documents"),
    "bench": ("bench", "measure this installation"),
    "shell": ("shell", "a Python shell with the models at hand"),
    "config": ("config", "list all settings with values and meanings"),
}


class Unavailable(Exception):
    """Something outside this command is missing; the text is one sentence for the operator."""


def main(argv: Sequence[str] | None = None) -> int:
    die_with_parent()
    argv = list(sys.argv[1:] if argv is None else argv)
    parser = _parser(argv)
    try:
        args, rest = parser.parse_known_args(argv)
        if rest and not getattr(args, "takes_rest", False):
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
    except SystemExit as stop:  # argparse has printed its reason
        return stop.code if isinstance(stop.code, int) else USAGE
    args.rest = rest
    return _run(args)


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """All commands by name; only the file of the one that is called is imported."""
    parser = argparse.ArgumentParser(prog="qudao", description="Qudao, the dealer management system.", epilog=EPILOG)
    parser.add_argument("--version", action="version", version=f"qudao {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    chosen = next((word for word in argv if not word.startswith("-")), "")
    for name, (module, summary) in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == chosen:
            import_module(f"qudao.web.commands.{module}").add_arguments(sub)
    return parser


EPILOG = "exit codes: 0 done, 1 failed or something was found, 2 wrong use or settings, 3 something needed is not available"


def _run(args: argparse.Namespace) -> int:
    command = import_module(f"qudao.web.commands.{COMMANDS[args.command][0]}")
    try:
        if command.NEEDS:
            config.current()
        if command.NEEDS == "django":
            set_up()
        code = command.run(args)
        return OK if code is None else int(code)
    except config.ConfigError as error:
        print("These settings are wrong:", *error.faults, sep="\n  ", file=sys.stderr)
        return USAGE
    except Unavailable as error:
        print(error, file=sys.stderr)
        return UNAVAILABLE
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `qudao … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception as error:
        sentence = _outage(error)
        if sentence is None:
            raise
        print(sentence, file=sys.stderr)
        return UNAVAILABLE


def set_up() -> None:
    """Provide the database (the embedded one is started) and load Django."""
    from qudao.web import postgres

    chosen = config.current()
    if not chosen.database_url:
        try:
            postgres.ensure(chosen.postgres_home, durable=not config.testing())
        except postgres.PostgresError as error:
            raise Unavailable(str(error)) from error
    else:
        _reach(chosen.database_url)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "qudao.web.settings")
    import django

    django.setup()


def _reach(url: str) -> None:
    """Find out at once what the connection pool would only say after its patience."""
    import psycopg

    where = urlsplit(url)
    try:
        with psycopg.connect(url, connect_timeout=10) as connection:
            version = connection.info.server_version // 10000
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise Unavailable(f"The database at {where.hostname}:{where.port or 5432} cannot be reached: {reason}") from None
    if version < 16:
        raise Unavailable(f"The database is PostgreSQL {version}, but Qudao needs 16 or newer.")


def _outage(error: Exception) -> str | None:
    """One sentence when `error` means that the database is out of reach, else None."""
    if "django" not in sys.modules:
        return None
    from django.db import OperationalError, connection

    if not isinstance(error, OperationalError):
        return None
    try:
        connection.ensure_connection()
    except OperationalError as reason:
        where = f"{connection.settings_dict['HOST']}:{connection.settings_dict['PORT']}"
        return f"The database at {where} cannot be reached: {str(reason).strip().splitlines()[0]}"
    return None


if __name__ == "__main__":  # by its real name, so that an exception class exists once and is caught
    sys.exit(import_module("qudao.web.cli").main())
