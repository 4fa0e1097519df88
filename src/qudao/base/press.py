"""The press: Typst with our fonts and no others. Nothing of Django, so that a long run is a process of its own that starts in a tenth of a second.

A compiler is kept warm a template; a document then takes about 10 ms. Hundreds of papers in one pass take some 600 MB, which only the end of a process
gives back: that is what `apart` is for (`python -m qudao.base.press`, a job as JSON on standard input, the PDF on standard output).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typst


@dataclass(frozen=True)
class Job:
    """What to set: `template` below `root`, fonts from one folder, data as JSON text. `at`: the moment that stands in the PDF, in seconds."""

    root: str
    template: str
    fonts: str
    data: str
    at: int
    #: structure for screen readers
    tags: bool = True
    #: "pdf", or "png": one picture a page
    kind: str = "pdf"
    ppi: float = 144


class Press:
    """Compilers by template, each used by one thread at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fonts: dict[str, typst.Fonts] = {}
        self._compilers: dict[tuple[str, str], tuple[typst.Compiler, threading.Lock]] = {}

    def fonts(self, folder: str) -> typst.Fonts:
        """The fonts of a folder and no others: a PDF looks the same on every machine."""
        if folder not in self._fonts:
            self._fonts[folder] = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
        return self._fonts[folder]

    @contextmanager
    def _compiler(self, job: Job) -> Iterator[typst.Compiler]:
        key = (job.fonts, job.template)
        with self._lock:
            if key not in self._compilers:
                root = Path(job.root)
                made = typst.Compiler(root / job.template.lstrip("/"), root=root, font_paths=self.fonts(job.fonts), ignore_system_fonts=True)
                self._compilers[key] = made, threading.Lock()
            compiler, mine = self._compilers[key]
        with mine:
            yield compiler

    def set(self, job: Job) -> list[bytes]:
        """One PDF, or a picture a page. The same job gives the same bytes. Raises typst.TypstError for a fault of the template."""
        with self._compiler(job) as compiler:
            made = compiler.compile(format=job.kind, ppi=job.ppi, sys_inputs={"data": job.data}, timestamp=job.at, pdf_tags=job.tags)  # type: ignore[arg-type]
        return made if isinstance(made, list) else [made] if made else []


def apart(job: Job) -> bytes:
    """The PDF of a job, made by a process of its own. Raises RuntimeError with what it said when it could not."""
    done = subprocess.run([sys.executable, "-m", __name__], input=json.dumps(asdict(job)).encode(), capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    return done.stdout


def main() -> int:
    """One job from standard input."""
    job: Mapping[str, Any] = json.load(sys.stdin)
    sys.stdout.buffer.write(Press().set(Job(**job))[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
