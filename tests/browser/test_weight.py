"""What a page weighs on its way: a cold visit before anything is painted, and each page after it; and how soon its largest part stands there."""

from __future__ import annotations

import gzip
import os
import re
import statistics
import subprocess
from pathlib import Path
from typing import Any

import pytest
from browser_visit import Visit
from browser_world import World
from playwright.sync_api import Response

pytestmark = pytest.mark.browser

#: kilobytes on the wire
COLD, NEXT = 180, 30
#: bytes of our own style sheet
OWN_STYLE = 8192
ROOT = Path(__file__).resolve().parents[2]
PAGES = ("/", "/orders/", "/orders/new/", "/approvals/", "/shipments/", "/invoices/", "/products/", "/accounts/")
PACKED = re.compile(r"\.(webp|png|jpe?g|woff2)(\?|$)")
#: kilobytes of a first screen of pictures
PICTURES = 120
JUMPS = """window.jumped = 0; window.slowest = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((e) => { if (!e.hadRecentInput) window.jumped += e.value; }))
    .observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver((list) => list.getEntries().forEach((e) => { window.slowest = Math.max(window.slowest, e.duration); }))
    .observe({ type: "event", durationThreshold: 16, buffered: true });"""
LARGEST = """() => new Promise((done) => { let last = 0; new PerformanceObserver((list) => { last = list.getEntries().at(-1).startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true }); setTimeout(() => done(last), 600); })"""


class Scales:
    """Weighs what a page asks for, compressed as the server in production sends it (the test server leaves files of the build as they are)."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.wire = visit.page.context.new_cdp_session(visit.page)
        self.answers: list[Response] = []
        visit.page.on("response", lambda answer: self.answers.append(answer))

    def weigh(self, address: str, *, cold: bool = False) -> float:
        """Kilobytes of one visit; cold: with an empty cache."""
        if cold:
            self.wire.send("Network.clearBrowserCache")
        self.answers.clear()
        self.visit.go(address)
        self.visit.page.wait_for_load_state("networkidle")
        fresh = [one for one in self.answers if one.ok and (cold or "/static/" not in one.url)]
        return sum(len(one.body()) if PACKED.search(one.url) else len(gzip.compress(one.body(), 6)) for one in fresh) / 1000


def test_our_own_style_sheet_stays_small() -> None:
    """What Tabler has is not written again; the limit is 8 KiB, minified and compressed."""
    command = [ROOT / "node_modules" / ".bin" / "esbuild", "--minify", ROOT / "assets" / "css" / "qudao.css"]
    small = subprocess.run(command, check=True, capture_output=True).stdout
    assert len(gzip.compress(small, 9)) <= OWN_STYLE, "delete rules that nothing uses, or use Tabler's"


def test_a_page_weighs_little_cold_and_less_after_that(enter: Any) -> None:
    scales = Scales(enter("clerk"))
    found = {address: scales.weigh(address, cold=True) for address in PAGES[:2]}
    after = {address: scales.weigh(address) for address in PAGES}
    print("cold kB", {k: round(v, 1) for k, v in found.items()}, "next kB", {k: round(v, 1) for k, v in after.items()})
    assert max(found.values()) <= COLD, found
    assert max(after.values()) <= NEXT, after


def test_the_pages_of_a_buyer_weigh_little_too(enter: Any, world: World) -> None:
    """The catalogue with its pictures, the basket, an order; cold, and each after it with what it shows."""
    scales = Scales(enter("buyer"))
    cold = scales.weigh("/shop/", cold=True)
    after = {
        address: scales.weigh(address) for address in ("/", "/basket/", "/orders/", "/shipments/", "/invoices/", f"/orders/{world.order({'KT-17': 2}).pk}/")
    }
    print("catalogue cold kB", round(cold, 1), "next kB", {k: round(v, 1) for k, v in after.items()})
    assert cold <= COLD + PICTURES and max(after.values()) <= NEXT, (cold, after)


def test_nothing_jumps_and_a_click_is_answered_soon(enter: Any) -> None:
    """Cumulative layout shift of the main pages, and how long the page takes to show that it heard a key (the longest event of ten)."""
    visit = enter("clerk")
    visit.page.add_init_script(JUMPS)
    shifts, slowest = {}, 0.0
    for address in ("/", "/orders/", "/orders/new/", "/approvals/"):
        visit.go(address)
        visit.page.wait_for_load_state("networkidle")
        visit.page.keyboard.press("j")
        visit.page.keyboard.press("k")
        visit.page.wait_for_timeout(300)
        shift, event = visit.page.evaluate("[window.jumped, window.slowest]")
        shifts[address], slowest = shift, max(slowest, event)
    print("layout shift", {k: round(v, 3) for k, v in shifts.items()}, "slowest event ms", round(slowest))
    assert max(shifts.values()) <= 0.1, shifts
    assert slowest < 2000  # the aim is 200 on a quiet machine: docs/performance.md has what was measured


def test_the_largest_part_stands_soon_on_a_slow_machine(enter: Any) -> None:
    clerk = enter("clerk")
    scales = Scales(clerk)
    scales.wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    times = []
    for _run in range(5 if os.environ.get("QUDAO_SLOW") else 2):
        scales.weigh("/orders/", cold=True)
        times.append(clerk.page.evaluate(LARGEST))
    scales.wire.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    print("largest paint ms", [round(t) for t in times], "median", round(statistics.median(times)))
    assert 0 < statistics.median(times) < 6000  # the aim is 1,500 on a quiet machine: docs/performance.md has what was measured
