"""A progress bar on standard error: only for work that has lasted two seconds, and only for a person (or with --progress)."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

Item = TypeVar("Item")
PATIENCE = 2.0  # seconds before anything is shown
REFRESH = 0.2  # seconds between two drawings
WIDTH = 28


def add_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--progress", action="store_true", help="show progress even when standard error is not a terminal")


class Progress:
    """`with Progress("orders", total=500) as bar: bar.advance()`; total None: only a counter.

    `say` names what is being done now. Nothing is drawn in the first two seconds.
    """

    def __init__(self, label: str, total: int | None = None, *, force: bool = False, stream: TextIO | None = None) -> None:
        self.label = label
        self.total = total
        self.done = 0
        self.note = ""
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.wanted = force or self.terminal
        self.start = time.monotonic()
        self.drawn = 0.0
        self.visible = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *failure: object) -> None:
        if self.visible:
            self._draw(last=True)

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        self._maybe()

    def say(self, note: str) -> None:
        self.note = note
        self._maybe()

    def _maybe(self) -> None:
        now = time.monotonic()
        pause = REFRESH if self.terminal else PATIENCE  # a log file gets a line every two seconds
        if self.wanted and now - self.start >= PATIENCE and now - self.drawn >= pause:
            self.drawn = now
            self.visible = True
            self._draw()

    def line(self) -> str:
        """The bar as text: label, bar and share (or a count), time passed and time left."""
        passed = time.monotonic() - self.start
        text = f"{self.label} "
        if self.total:
            share = min(self.done / self.total, 1.0)
            full = round(share * WIDTH)
            left = passed / share - passed if share > 0 else None
            text += f"[{'#' * full}{'.' * (WIDTH - full)}] {share:4.0%} {self.done}/{self.total}"
            text += f" {_clock(passed)}" + (f", {_clock(left)} left" if left is not None and share < 1 else "")
        else:
            text += f"{self.done} {_clock(passed)}"
        return f"{text} {self.note}".rstrip()

    def _draw(self, last: bool = False) -> None:
        if self.terminal:
            self.stream.write("\r\x1b[K" + self.line() + ("\n" if last else ""))
        else:
            self.stream.write(self.line() + "\n")
        self.stream.flush()


def track(items: Iterable[Item], label: str, total: int | None = None, *, force: bool = False) -> Iterator[Item]:
    """Iterate with a progress bar; the total is taken from `len` where there is one."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    with Progress(label, total, force=force) as bar:
        for item in items:
            yield item
            bar.advance()


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
