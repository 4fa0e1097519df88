"""The one list of settings: every field of `Config`, with its type, default and meaning.

Sources, later ones win: the defaults, the file `qudao.toml` (or the one that QUDAO_CONFIG names), `QUDAO_<NAME>`, and `QUDAO_<NAME>_FILE` (a file
that holds the value, as container platforms mount secrets). `DATABASE_URL` is taken for `database_url` where QUDAO_DATABASE_URL is not set.
`load` collects all faults and reports them at once.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import secrets
import sys
import tomllib
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

PREFIX = "QUDAO_"
# Variables of the same prefix that are no settings: they steer tools, tests and the embedded server.
OTHER = {"CONFIG", "TEST", "TEST_DB", "DATA", "REQUIRE_ALL", "PG_BIN", "PG_BASE", "PG_OSUSER", "STAGE", "TIMES", "PARENT", "NODE", "CHROMIUM", "PYTHON"}
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off", ""}
HIDDEN = "********"


class ConfigError(Exception):
    """One or more settings are wrong; `faults` has one line for each, beginning with the setting's name."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def setting(default: Any, meaning: str, *, secret: bool = False, check: Callable[[Any], str | None] | None = None) -> Any:
    """A field of `Config`; `check` returns the fault of a value or None."""
    kind: dict[str, Any] = {"default_factory": lambda: list(default)} if isinstance(default, list) else {"default": default}
    return field(metadata={"meaning": meaning, "secret": secret, "check": check}, **kind)


def _database(value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in ("postgresql", "postgres"):
        return "must begin with postgresql://"
    try:
        if parts.port == 0:
            return "has no usable port"
    except ValueError:
        return "has no usable port"
    return None if parts.path.strip("/") else "must end with the name of a database, as in postgresql://user:password@host:5432/qudao"


def _email(value: str) -> str | None:
    return None if not value or urlsplit(value).scheme in ("smtp", "smtps", "file", "console") else "must begin with smtp://, smtps://, file:// or console:"


def _base_url(value: str) -> str | None:
    return None if not value or (urlsplit(value).scheme in ("http", "https") and urlsplit(value).netloc) else "must be like https://dms.example.com"


def _zone(value: str) -> str | None:
    return None if value in zoneinfo.available_timezones() else "is no time zone of the IANA list"


def _networks(value: list[str]) -> str | None:
    for one in value:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            return f"contains {one!r}, which is neither an address nor a network"
    return None


def _between(low: int, high: int) -> Callable[[int], str | None]:
    return lambda value: None if low <= value <= high else f"must be from {low} to {high}"


def _one_of(*known: str) -> Callable[[str], str | None]:
    return lambda value: None if value in known else f"must be one of {', '.join(known)}"


@dataclass(frozen=True)
class Config:
    """All settings of one installation."""

    database_url: str = setting("", "PostgreSQL 16 or newer; empty: the embedded server", secret=True, check=_database)
    state_dir: Path = setting(Path(".qudao"), "folder of everything that must be kept; relative to the file that sets it, else to the clone")
    media_dir: Path = setting(Path(), "folder of uploaded files; empty: media below state_dir")
    secret_key: str = setting("", "signs sessions and links; empty: made once and kept in state_dir", secret=True)
    debug: bool = setting(False, "show tracebacks to the browser; never in production")
    demo: bool = setting(False, "this installation holds demo people and goods and shows their sign-ins")
    demo_size: str = setting("full", "how much of the demo `make run` loads: a year of a whole network, or a hundredth of it", check=_one_of("full", "small"))
    hosts: list[str] = setting(["localhost", "127.0.0.1", "[::1]"], "host names answered to, separated by commas; * answers to all")
    base_url: str = setting("", "address in mails and on paper, as https://dms.example.com; empty: mails name the first host, paper none", check=_base_url)
    bind: str = setting("127.0.0.1", "address the web server listens on")
    port: int = setting(8000, "port the web server listens on", check=_between(1, 65535))
    web_workers: int = setting(2, "web server processes", check=_between(1, 64))
    web_threads: int = setting(4, "threads of each web server process", check=_between(1, 64))
    statement_timeout: int = setting(60, "seconds after which one database statement is given up; 0: never", check=_between(0, 86400))
    time_zone: str = setting("Asia/Shanghai", "time zone of dates and of business days", check=_zone)
    language: str = setting("zh-hans", "language for people who chose none", check=_one_of("zh-hans", "en"))
    email_url: str = setting("", "smtp://user:password@host:port, smtps://…, file:///folder or console:; empty: below state_dir", secret=True, check=_email)
    email_from: str = setting("qudao@localhost", "sender of mails")
    trusted_proxies: list[str] = setting([], "addresses or networks whose X-Forwarded-* headers are believed", check=_networks)
    tls: bool = setting(False, "people reach this installation over https: secure cookies, redirect")
    hsts_seconds: int = setting(0, "seconds a browser must keep to https; only with tls", check=_between(0, 63072000))
    log_level: str = setting("INFO", "least severe message that is logged", check=_one_of("DEBUG", "INFO", "WARNING", "ERROR"))

    @property
    def postgres_home(self) -> Path:
        """Folder of the embedded server; the tests have one of their own."""
        return self.state_dir / ("pg-test" if testing() else "pg")

    @property
    def address(self) -> str:
        """Where people find this installation, as far as the settings say."""
        host = next((host for host in self.hosts if host != "*"), "localhost").lstrip(".")
        return self.base_url or (f"https://{host}" if self.tls else f"http://{host}:{self.port}")


@dataclass
class _Raw:
    """A value as a source gave it: `origin` for the fault's text, `base` for relative paths."""

    value: Any
    origin: str
    base: Path


def testing() -> bool:
    """Whether this process is a test run."""
    return os.environ.get("QUDAO_TEST") == "1" or "pytest" in sys.modules


def project_root() -> Path:
    """The clone, when the package runs from one, else the current folder."""
    clone = Path(__file__).resolve().parents[3]
    return clone if (clone / "pyproject.toml").exists() else Path.cwd()


def load(env: Mapping[str, str] | None = None) -> Config:
    """Read all sources; raises ConfigError with every fault."""
    env = os.environ if env is None else env
    faults: list[str] = []
    raw = _from_file(env, faults) | _from_environment(env, faults)
    values: dict[str, Any] = {}
    kinds = get_type_hints(Config)
    for one in fields(Config):
        if one.name not in raw:
            continue
        source = raw[one.name]
        try:
            value = _convert(kinds[one.name], source)
        except ValueError as error:
            faults.append(f"{one.name} {error} (from {source.origin})")
            continue
        check = one.metadata["check"]
        fault = check(value) if check else None
        if fault:
            faults.append(f"{one.name} {fault} (from {source.origin})")
        values[one.name] = value
    if faults:
        raise ConfigError(faults)
    values["state_dir"] = (project_root() / values.get("state_dir", Config.state_dir)).absolute()
    values["media_dir"] = values["media_dir"] if values.get("media_dir", Path()) != Path() else values["state_dir"] / "media"
    return Config(**values)


@cache
def current() -> Config:
    """The settings of this process, read once."""
    return load()


def config_file(env: Mapping[str, str]) -> Path:
    return Path(env["QUDAO_CONFIG"]).absolute() if env.get("QUDAO_CONFIG") else project_root() / "qudao.toml"


def _from_file(env: Mapping[str, str], faults: list[str]) -> dict[str, _Raw]:
    path = config_file(env)
    if not path.exists():
        if env.get("QUDAO_CONFIG"):
            faults.append(f"QUDAO_CONFIG names {path}, which does not exist")
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        faults.append(f"{path} cannot be read: {error}")
        return {}
    names = [one.name for one in fields(Config)]
    for unknown in sorted(set(content) - set(names)):
        faults.append(f"{unknown} is no setting{_guess(unknown, names)} (from {path})")
    return {name: _Raw(content[name], str(path), path.parent) for name in names if name in content}


def _from_environment(env: Mapping[str, str], faults: list[str]) -> dict[str, _Raw]:
    found: dict[str, _Raw] = {}
    here = Path.cwd()
    if env.get("DATABASE_URL"):
        found["database_url"] = _Raw(env["DATABASE_URL"], "DATABASE_URL", here)
    names = [one.name for one in fields(Config)]
    for name in names:
        key = PREFIX + name.upper()
        if key in env:
            found[name] = _Raw(env[key], key, here)
        if env.get(f"{key}_FILE"):
            try:
                found[name] = _Raw(Path(env[f"{key}_FILE"]).read_text(encoding="utf-8").strip(), f"{key}_FILE", here)
            except (OSError, ValueError) as error:
                faults.append(f"{name} cannot be read from the file that {key}_FILE names: {error}")
    known = {name.upper() for name in names}
    for key in sorted(env):
        plain = key.removeprefix(PREFIX).removesuffix("_FILE")
        if key.startswith(PREFIX) and plain not in known and key.removeprefix(PREFIX) not in OTHER:
            guess = _guess(plain.lower(), names)
            if guess:  # a variable that resembles no setting may belong to something else
                faults.append(f"{key} is no setting{guess} (from the environment)")
    return found


def _guess(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""


def _convert(kind: Any, source: _Raw) -> Any:
    """The value in the type of its field; raises ValueError with what it must be."""
    value = source.value
    if kind is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in TRUE | FALSE:
            return value.strip().lower() in TRUE
        raise ValueError("must be true or false")
    if kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
            return int(value)
        raise ValueError("must be a whole number")
    if kind == list[str]:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, list) and all(isinstance(part, str) for part in value):
            return value
        raise ValueError("must be a list of texts")
    if not isinstance(value, str):
        raise ValueError("must be a text")
    if kind is Path:
        return source.base / Path(value).expanduser() if value else Path()
    return value


def secret_key(config: Config) -> str:
    """The configured key, else one made at the first start and kept in the state folder (mode 0600)."""
    if config.secret_key:
        return config.secret_key
    path = config.state_dir / "secret_key"
    if not path.exists():
        config.state_dir.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(secrets.token_urlsafe(50))
        try:
            os.link(fresh, path)  # whole or not at all, and the first one wins
        except FileExistsError:
            pass
        except OSError:
            os.replace(fresh, path)
        fresh.unlink(missing_ok=True)
    return path.read_text().strip()


def describe(config: Config) -> list[dict[str, Any]]:
    """Every setting with its value (secrets hidden), type, default and meaning, for `qudao config`."""
    kinds = get_type_hints(Config)
    rows = []
    for one in fields(Config):
        value = getattr(config, one.name)
        default = one.default_factory() if callable(one.default_factory) else one.default
        rows.append(
            {
                "name": one.name,
                "type": str(getattr(kinds[one.name], "__name__", kinds[one.name])),
                "value": HIDDEN if one.metadata["secret"] and value else value if isinstance(value, (bool, int, list)) else str(value),
                "default": default if isinstance(default, (bool, int, list)) else str(default) if default != Path() else "",
                "variable": PREFIX + one.name.upper(),
                "meaning": one.metadata["meaning"],
            }
        )
    return rows


def given(env: Mapping[str, str] | None = None) -> set[str]:
    """The names that some source sets; the others have their defaults."""
    env = os.environ if env is None else env
    return set(_from_file(env, []) | _from_environment(env, []))
