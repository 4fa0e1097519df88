"""The pictures of the README, taken from a running demo: `python tools/pictures.py [address]`, after `make run` in another terminal.

Each is taken in Chinese and in English: the home page of the order clerk, an order with the reason of a price open, the same order on a phone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

try:
    from playwright.sync_api import Browser, Page, sync_playwright
except ModuleNotFoundError:  # it is in the environment that the tests make
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
MOST_BYTES = 300_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@contextmanager
def signed_in(browser: Browser, address: str, language: str, *, phone: bool = False) -> Iterator[Page]:
    """A window of the demo's order clerk."""
    more = {"is_mobile": True, "has_touch": True} if phone else {}
    context = browser.new_context(viewport=PHONE if phone else DESK, reduced_motion="reduce", **more)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(f"{address}/sign-in/")
    page.locator("button[name=person][value=clerk]").click()
    page.wait_for_url(f"{address}/")
    context.add_cookies([{"name": "qudao_language", "value": language, "url": address}])
    yield page
    context.close()


def take(page: Page, name: str) -> None:
    """Write the picture of what is in the window; too large a file is an error."""
    page.evaluate("document.fonts.ready")
    page.mouse.move(0, 0)
    target = FOLDER / f"{name}.png"
    page.screenshot(path=target, animations="disabled", caret="hide")
    size = target.stat().st_size
    print(f"{target.relative_to(ROOT)}: {size / 1000:.0f} kB")
    if size > MOST_BYTES:
        sys.exit(f"{target.name} is larger than {MOST_BYTES // 1000} kB.")


def order_address(page: Page, address: str) -> str:
    """The address of the order of the pictures."""
    page.goto(f"{address}/orders/?q={ORDER}")
    return address + (page.locator("#list tbody a[href^='/orders/']").first.get_attribute("href") or "")


def main(address: str) -> None:
    """All six pictures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = os.environ.get("QUDAO_CHROMIUM") or next((p for p in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(p).exists()), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        for short, language in LANGUAGES.items():
            with signed_in(browser, address, language) as page:
                page.goto(f"{address}/")
                take(page, f"home.{short}")
                page.goto(order_address(page, address))
                page.locator("button.why").first.click()
                take(page, f"order.{short}")
                order = page.url
            with signed_in(browser, address, language, phone=True) as page:
                page.goto(order)
                take(page, f"phone-order.{short}")
        browser.close()


if __name__ == "__main__":
    main((sys.argv[1:] or [ADDRESS])[0].rstrip("/"))
