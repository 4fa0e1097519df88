"""A person at a browser: signed in or not, at a desk or on a phone, with everything that goes wrong on a page noted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, Response

DESK: Mapping[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: Mapping[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
#: a finger's width, in CSS pixels
FINGER = 44
#: milliseconds that a page may take on a machine that others use too
PATIENCE = 15_000
#: what a form may answer when it refuses: the page says why
REFUSALS = (409, 422, 429)
#: bytes of the largest picture
PICTURE = 300_000
# A window of Chromium brings two pages of its own with it, for an address bar that nobody sees: 0.5 of the 0.8 s of CPU that each window costs. Such a
# list takes the place of Playwright's, so what is in that one is said again.
WITHOUT = (
    "WebUIOmniboxPopup,WebUIOmniboxFullPopup,WebUIOmniboxAimPopup,"
    "AimEnabled,AvoidCorsURLLoaderRestartOnRedirect,AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsFirstBalancedModeAutoEnable,"
    "HttpsUpgrades,LensOverlay,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding,PreconnectToSearch,ThirdPartyStoragePartitioning"
)
# As stack.md 2.4 found them: in a container as root, without a GPU, and without Chromium calling home.
FLAGS = [
    f"--disable-features={WITHOUT}",
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
#: what is not allowed to be found by axe; "moderate" and "minor" are advice
GRAVE = ("serious", "critical")
LATIN = re.compile(r"[A-Za-z][a-z]{2,}")
CHINESE = re.compile(r"[\u4e00-\u9fff]+")

VIOLATIONS = "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber))"
TEXTS = """() => {
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("script, style, svg, template, kbd, .code");
  while (walker.nextNode()) {
    const text = walker.currentNode.data.replace(/\\s+/g, " ").trim();
    if (text && shown(walker.currentNode.parentElement)) found.add(text);
  }
  for (const name of ["title", "placeholder", "aria-label"])
    for (const e of document.querySelectorAll(`[${name}]`)) if (shown(e) && e.getAttribute(name).trim()) found.add(e.getAttribute(name).trim());
  found.add(document.title);
  return [...found];
}"""
# What sticks out to the right although nothing around it scrolls or cuts it off.
WIDE = """() => {
  const root = document.documentElement, over = root.scrollWidth - root.clientWidth;
  if (over <= 0) return "";
  const out = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > root.clientWidth + 0.5);
  const last = out.at(-1);
  return `${over} px too wide: ${last ? last.outerHTML.slice(0, 160) : "?"}`;
}"""
# Rules that can only advise are not run at all: they cost a third of the time.
AXE_RUN = """async () => (await axe.run(document, { resultTypes: ["violations"], runOnly: axe._audit.rules
    .filter((r) => r.enabled && !r.tags.includes("experimental") && !["minor", "moderate"].includes(r.impact)).map((r) => r.id) })).violations
  .map((v) => ({ id: v.id, impact: v.impact, help: v.help, at: v.nodes.slice(0, 3).map((n) => `${n.target.join(" ")} ${n.html.slice(0, 140)}`) }))"""


@cache
def axe_source() -> str:
    """The script of axe-core."""
    return AXE.read_text(encoding="utf-8")


@dataclass(eq=False)
class Visit:
    """One person's page. `faults` collects errors of scripts, of the content policy and of the server; the fixture fails the test when there are any."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE)
        self.page.add_init_script(VIOLATIONS)
        self.page.on("pageerror", lambda error: self.faults.append(f"{self.page.url}: script error: {error.stack or error}"))
        self.page.on("console", self._note_words)
        self.page.on("response", self._note_answer)

    def _note_words(self, message: ConsoleMessage) -> None:
        # That a resource could not be loaded is judged by its answer, where the method is known.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.faults.append(f"{self.page.url}: console: {message.text}")

    def _note_answer(self, answer: Response) -> None:
        refused = answer.request.method == "POST" and answer.status in REFUSALS
        if answer.status >= 400 and not refused:
            self.faults.append(f"{answer.request.method} {answer.url}: {answer.status}")
        if answer.request.resource_type == "image" and answer.url.startswith("http") and int(answer.headers.get("content-length", 0)) > PICTURE:
            self.faults.append(f"{answer.url}: a picture of {answer.headers['content-length']} bytes")

    def turn(self, width: Mapping[str, Any]) -> None:
        """As wide as a desk's window or a phone's."""
        if self.page.viewport_size != width["viewport"]:  # each time costs 15 ms
            self.page.set_viewport_size(width["viewport"])

    def go(self, address: str) -> Response | None:
        """Open an address of the product."""
        return self.page.goto(self.url + address, wait_until="load")

    def at(self, pattern: str) -> None:
        """Wait until the address is one: a pattern with * for anything."""
        self.page.wait_for_url(f"{self.url}{pattern}")

    def button(self, name: str | re.Pattern[str], *, inside: str = "main") -> Locator:
        """The visible button or link of this name."""
        area = self.page.locator(inside)
        return area.get_by_role("button", name=name).or_(area.get_by_role("link", name=name)).locator("visible=true").first

    def field(self, label: str) -> Locator:
        return self.page.locator("main, dialog").get_by_label(label).locator("visible=true").first

    def says(self, *words: str) -> None:
        """The page shows each of these words."""
        for one in words:
            self.page.locator("body").get_by_text(one).locator("visible=true").first.wait_for()

    def texts(self) -> list[str]:
        """What a person reads, and what is read aloud."""
        return list(self.page.evaluate(TEXTS))

    def wide(self) -> str:
        """What makes the page scroll sideways, "" when nothing does."""
        return str(self.page.evaluate(WIDE))

    def grave(self) -> list[str]:
        """What axe finds serious or critical. Evaluated by the browser's debugger, so the content policy stays in force."""
        if not self.page.evaluate("typeof window.axe === 'object'"):
            self.page.evaluate(f"{axe_source()};undefined")
        found = self.page.evaluate(AXE_RUN)
        return [f"axe {v['impact']}: {v['id']}: {v['help']}: {json.dumps(v['at'], ensure_ascii=False)}" for v in found if v["impact"] in GRAVE]

    def small(self, *targets: Locator) -> list[str]:
        """Targets too small for a finger."""
        found = []
        for one in targets:
            box = one.bounding_box() or {"width": 0, "height": 0}
            if box["height"] < FINGER - 0.5 or box["width"] < FINGER - 0.5:
                found.append(f"{one.inner_text()!r} is {box['width']:.0f} × {box['height']:.0f}")
        return found


def english(texts: list[str], known: frozenset[str]) -> Iterator[str]:
    """Texts of a Chinese page with an English word in them that is no name."""
    for text in texts:
        words = {word for word in LATIN.findall(re.sub(r"\S+@\S+", "", text)) if word not in known}
        if words:
            yield f"{text!r} ({', '.join(sorted(words))})"


def chinese(texts: list[str], known: frozenset[str]) -> Iterator[str]:
    """Texts of an English page with Chinese in them that is no name."""
    for text in texts:
        words = {word for word in CHINESE.findall(text) if word not in known}
        if words:
            yield f"{text!r} ({', '.join(sorted(words))})"


class Crowd:
    """Opens browsers for people, and at the end says what went wrong on anybody's page."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url
        self.visits: list[Visit] = []
        self.contexts: list[BrowserContext] = []

    def open(self, cookies: list[dict[str, str]] | None = None, *, phone: bool = False, language: str = "en", axe: bool = False) -> Visit:
        """A new window; without cookies nobody is signed in and the browser asks for `language`. With `axe` it stands on each page from its
        start: who looks at every page with it sends it once.
        """
        locale = "zh-CN" if language.startswith("zh") else "en-GB"
        context = self.browser.new_context(**(PHONE if phone else DESK), locale=locale)
        context.add_cookies(cookies or [])  # type: ignore[arg-type]
        self.contexts.append(context)
        if axe:
            context.add_init_script(axe_source())
        visit = Visit(context.new_page(), self.url)
        self.visits.append(visit)
        return visit

    def faults(self) -> list[str]:
        return [fault for visit in self.visits for fault in visit.faults]

    def leave(self) -> None:
        for context in self.contexts:
            context.close()
        self.visits.clear()
        self.contexts.clear()
