"""The font of printed documents, from npm by a lock of its own: two weights are kept, of the ninety megabytes that come with them nothing else.

Pages need no font of ours, so that a first start does not wait for this: `run` fetches it beside the running server, and until it is there
printing says so in words. Full files, not subsets: a name may hold any character of GB 18030.
"""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

from boot import assets
from boot.common import BUILD, BUNDLE, ROOT, Failure, Stamp, Times, digest, explain, say

SOURCE = ROOT / "tools" / "fonts"
TARGET = BUILD / "fonts"
PACKAGE = Path("node_modules") / "@expo-google-fonts" / "noto-sans-sc"
KEPT = ("400Regular/NotoSansSC_400Regular.ttf", "700Bold/NotoSansSC_700Bold.ttf", "LICENSE_FONT")


def mark() -> str:
    return digest(KEPT, files=[SOURCE / "package.json", SOURCE / "package-lock.json"])


def _stamp() -> Stamp:
    return Stamp(BUILD / "stamps" / "fonts")


def there() -> bool:
    """Whether the fonts of this lock are in place."""
    return _stamp().fresh(mark()) and all((TARGET / Path(name).name).exists() for name in KEPT)


def ensure(times: Times) -> None:
    """Bring build/fonts up to date, from the bundle when it has them; nothing is left half done by a killed run."""
    if there():
        return
    with times.part("fonts"):
        if not _from_bundle():
            _fetch(times)
        _stamp().write(mark())


def beside(report: Path) -> None:
    """The same in a thread of its own while the server runs; a fault is one line and the whole of it in `report`. Tried again at the next start."""

    def work() -> None:
        try:
            ensure(Times())
        except Exception as error:
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(str(error))
            say(f"The fonts of printed documents are not there yet (see {report}); everything else works.")

    if not there():
        threading.Thread(target=work, daemon=True).start()


def _from_bundle() -> bool:
    try:
        fits = json.loads((BUNDLE / "bundle.json").read_text()).get("fonts") == mark()
    except (OSError, ValueError):
        return False
    if fits:
        shutil.rmtree(TARGET, ignore_errors=True)
        shutil.copytree(BUNDLE / "fonts", TARGET)
    return fits


def _fetch(times: Times) -> None:
    """npm ci in a folder that is thrown away, and the files we keep renamed into place as one folder."""
    _node, path = assets.node(times)
    work, fresh = BUILD / "fonts.npm", BUILD / "fonts.new"
    for folder in (work, fresh):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCE / name, work / name)
    code, output = assets.npm_ci(path, folder=work)
    if code:
        raise explain("fetch the fonts of printed documents", output)
    for name in KEPT:
        try:
            shutil.move(work / PACKAGE / name, fresh / Path(name).name)
        except OSError as error:
            raise Failure(f"The font package lacks {name}: {error}.") from None
    shutil.rmtree(TARGET, ignore_errors=True)
    fresh.rename(TARGET)
    shutil.rmtree(work, ignore_errors=True)
