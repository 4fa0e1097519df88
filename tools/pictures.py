"""The pictures of README and handbook, taken from a running demo: `python tools/pictures.py [address]`, after `make run` in another terminal.

Each of the ten main pages is taken in Chinese and in English, at a desk and on a phone, as the person who works there. They are WebP files.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

try:
    from PIL import Image
    from playwright.sync_api import Browser, Page, sync_playwright
except ModuleNotFoundError:  # they are in the environment that the tests make
    if Path(sys.prefix) == ROOT / ".venv" or not PYTHON.exists():
        sys.exit("Playwright is missing: run 'python3 bootstrap.py setup --dev' first.")
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

ADDRESS = "http://localhost:8000"
FOLDER = ROOT / "docs" / "pictures"
LANGUAGES = {"zh": "zh-hans", "en": "en"}
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
#: the buyer's number of an order of the demo that waits for the clerk: `web.demo.stories`, the last one
ORDER = "PO-2647"
MOST_BYTES = 150_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


def first_row(page: Page, path: str) -> None:
    """Open the first document of a list."""
    page.goto(path)
    page.goto(page.locator("#list tbody tr[data-href]").first.get_attribute("data-href") or path)


def order(page: Page) -> None:
    """The order of the pictures, with the reason of its first price open."""
    page.goto(f"/orders/?q={ORDER}")
    page.goto(page.locator("#list tbody tr[data-href]").first.get_attribute("data-href") or "/orders/")
    page.locator("button.why").first.click()


def typed(page: Page) -> None:
    """The clerk's desk with three lines typed."""
    first_row(page, "/orders/?side=sell&tab=closed")
    page.goto(f"/orders/new/?again={page.url.rstrip('/').rpartition('/')[2]}")
    page.locator("[data-lines] input").first.focus()
    page.wait_for_timeout(1200)


def filled(page: Page) -> None:
    """A basket filled once from the last order, its toast gone."""
    page.goto("/basket/")
    if page.locator("[name=lines-qty], .q-qty input").count():
        return
    page.goto("/")
    page.locator("a[href*=reorder], form[action*=reorder] button, form[action*=again] button, a[href*=again]").locator("visible=true").first.click()
    page.wait_for_load_state("networkidle")
    page.goto("/basket/")


def charts(page: Page) -> None:
    """The year with its chart drawn."""
    page.goto("/insight/")
    page.locator("[data-chart][data-drawn]").wait_for()
    page.wait_for_timeout(1200)


@dataclass(frozen=True)
class Shot:
    """One page: its name, who looks at it, and how one gets there (an address, or steps)."""

    name: str
    person: str
    way: str | Callable[[Page], None]
    #: how much of the page is shown at a desk
    height: int = DESK["height"]


SHOTS = (
    Shot("home", "clerk", "/", 960),
    Shot("orders", "clerk", "/orders/?side=sell"),
    Shot("order", "admin", order),  # who reads margins
    Shot("desk", "clerk", typed),
    Shot("approvals", "clerk", "/approvals/"),
    Shot("insight", "clerk", charts),
    Shot("account", "finance", lambda page: first_row(page, "/accounts/")),
    Shot("buyer", "dealer", "/", 1040),
    Shot("shop", "dealer", "/shop/"),
    Shot("basket", "dealer", filled),
    Shot("receipt", "dealer", lambda page: first_row(page, "/shipments/?side=buy&tab=to_receive")),
)


def take(browser: Browser, address: str, shot: Shot, short: str, *, phone: bool) -> None:
    """One picture; too large a file is an error."""
    more = {"is_mobile": True, "has_touch": True} if phone else {}
    size = PHONE if phone else {**DESK, "height": shot.height}
    context = browser.new_context(base_url=address, viewport=size, reduced_motion="reduce", **more)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/sign-in/")
    page.locator(f"button[name=person][value={shot.person}]").click()
    page.wait_for_url(f"{address}/")
    context.add_cookies([{"name": "qudao_language", "value": LANGUAGES[short], "url": address}])
    if callable(shot.way):
        shot.way(page)
    else:
        page.goto(shot.way)
    page.evaluate("document.fonts.ready")
    page.wait_for_load_state("networkidle")  # pictures and parts that come after the page
    page.mouse.move(0, 0)
    target = FOLDER / f"{shot.name}{'.phone' if phone else ''}.{short}.webp"
    with Image.open(io.BytesIO(page.screenshot(animations="disabled", caret="hide"))) as picture:
        picture.convert("RGB").save(target, "WEBP", quality=82, method=6)
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {size / 1000:.0f} kB")
    if size > MOST_BYTES:
        sys.exit(f"{target.name} is larger than {MOST_BYTES // 1000} kB.")
    context.close()


def main(address: str, names: list[str]) -> None:
    """All pictures, or those of some names."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = os.environ.get("QUDAO_CHROMIUM") or next((p for p in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(p).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for shot in SHOTS:
            for short in LANGUAGES:
                for phone in (False, True):
                    if not names or shot.name in names:
                        take(browser, address, shot, short, phone=phone)
        browser.close()


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main((arguments[:1] or [ADDRESS])[0].rstrip("/"), arguments[1:])
