"""`qudao bench pages`: what lists, documents, home, search and pulse cost in the server, at 1 %, 10 % and all of a world of the asked size."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

BUDGET_MS, GROWTH = 100.0, 1.3
#: below this the clock says nothing about growth
NOISE_MS = 15.0


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


def world(scale: float, rounds: int) -> dict[str, Any]:
    """Build a world in a database of its own, measure it there, drop it."""
    from qudao.web.selftest import scratch, scratch_environment

    with scratch() as url, tempfile.TemporaryDirectory(prefix="qudao-bench-") as folder:
        env = {**scratch_environment(url, folder), "QUDAO_DEMO": "1", "QUDAO_LOG_LEVEL": "ERROR"}
        steps = (["qudao.web.cli", "migrate"], ["qudao.web.bench.pages_world", str(scale)], ["qudao.web.bench.pages_probe", str(rounds)])
        outputs = []
        for step in steps:
            begin = time.monotonic()
            done = subprocess.run([sys.executable, "-m", *step], env=env, stdout=subprocess.PIPE, text=True, check=True)
            outputs.append(done.stdout)
            _say(f"{step[0].rpartition('.')[2]} at scale {scale:g}: {time.monotonic() - begin:.0f} s")
    return {"scale": scale, **json.loads(outputs[1].splitlines()[-1]), "pages": json.loads(outputs[2].splitlines()[-1])}


def judged(worlds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures side by side, and what misses its goal: p95 in the largest world, growth of the CPU time from the first to the second."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for one in worlds:
        for page in one["pages"]:
            row = rows.setdefault((page["page"], page["person"]), {"page": page["page"], "person": page["person"], "sizes": []})
            row["sizes"].append({name: page[name] for name in ("p50", "p95", "cpu", "sql")})
    for row in rows.values():
        sizes = row["sizes"]
        first, second = sizes[0]["cpu"], sizes[min(1, len(sizes) - 1)]["cpu"]
        row["growth"] = round(max(second, NOISE_MS) / max(first, NOISE_MS), 2)
        row["slow"], row["grows"] = sizes[-1]["p95"] >= BUDGET_MS, row["growth"] > GROWTH
    sizes_of = [{k: v for k, v in one.items() if k != "pages"} for one in worlds]
    return {"worlds": sizes_of, "pages": list(rows.values()), "slow": sum(r["slow"] for r in rows.values()), "grow": sum(r["grows"] for r in rows.values())}


def _table(found: dict[str, Any]) -> str:
    head = "".join(f"{one['orders']:>12,} orders  p95  CPU SQL" for one in found["worlds"])
    lines = [f"{'page, p50 and p95 in ms':<50}{'for':<11}{head}  growth"]
    for row in sorted(found["pages"], key=lambda r: -r["sizes"][-1]["p95"]):
        figures = "".join(f"{size['p50']:>19.1f}{size['p95']:>6.0f}{size['cpu']:>6.1f}{size['sql']:>4}" for size in row["sizes"])
        lines.append(f"{row['page']:<50}{row['person']:<11}{figures}{row['growth']:>8}{'  SLOW' if row['slow'] else ''}{'  GROWS' if row['grows'] else ''}")
    return "\n".join([*lines, f"{found['slow']} of {len(found['pages'])} pages at {BUDGET_MS:g} ms or more, {found['grow']} grow by more than {GROWTH}"])


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; exit 1 when a page misses its goal."""
    parser = argparse.ArgumentParser(prog="qudao bench pages", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="1 = 10,000 orders of ten lines and 1,000 dealers; 100 = a million (default 1)")
    parser.add_argument("--rounds", type=int, default=20, help="times each page is read (default 20)")
    parser.add_argument("--only", action="store_true", help="only the full size, without 1 %% and 10 %% of it")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    options = parser.parse_args(argv)
    from qudao.web.cli import set_up

    set_up()
    shares = (1.0,) if options.only else (0.01, 0.1, 1.0)
    found = judged([world(options.scale * share, options.rounds) for share in shares])
    sys.stdout.write((json.dumps(found, ensure_ascii=False) if options.json else _table(found)) + "\n")
    return 1 if found["slow"] or found["grow"] else 0


if __name__ == "__main__":
    sys.exit(main())
