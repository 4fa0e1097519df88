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
#: below this the CPU time says nothing about growth; and so many blocks of 8 KB may be read by what counts up to 5,000 rows with a look-up each
NOISE_MS, NOISE_BLOCKS = 15.0, 10_000


def _say(text: str) -> None:
    sys.stderr.write(f"bench: {text}\n")


def worlds(scales: Sequence[float], rounds: int) -> list[dict[str, Any]]:
    """Build a world of each scale in a database of its own, measure it there, drop it. What all have in common, the demo's network, is made once."""
    from qudao.web.selftest import scratch, scratch_environment

    found = []
    with scratch() as common, tempfile.TemporaryDirectory(prefix="qudao-bench-") as folder:
        _step(scratch_environment(common, folder), "the network of the demo", "qudao.web.cli", "migrate")
        _step(scratch_environment(common, folder), "the network of the demo", "qudao.web.bench.pages_world", "0")
        for scale in scales:
            with scratch(common.rpartition("/")[2]) as url:
                env = scratch_environment(url, folder)
                size = _step(env, f"a world of scale {scale:g}", "qudao.web.bench.pages_world", str(scale))
                pages = _step(env, f"its pages, {rounds} times", "qudao.web.bench.pages_probe", str(rounds))
            found.append({"scale": scale, **json.loads(size), "pages": json.loads(pages)})
    return found


def _step(env: dict[str, str], what: str, *program: str) -> str:
    """Run one of our programs in a scratch database; returns the last line it wrote."""
    begin = time.monotonic()
    env = {**env, "QUDAO_DEMO": "1", "QUDAO_LOG_LEVEL": "ERROR"}
    done = subprocess.run([sys.executable, "-m", *program], env=env, stdout=subprocess.PIPE, text=True, check=True)
    _say(f"{what}: {time.monotonic() - begin:.0f} s")
    return (done.stdout.splitlines() or [""])[-1]


def judged(worlds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The figures side by side, and what misses its goal: p95 in the largest world, growth of the CPU time from the first to the second."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for one in worlds:
        for page in one["pages"]:
            row = rows.setdefault((page["page"], page["person"]), {"page": page["page"], "person": page["person"], "sizes": []})
            row["sizes"].append({name: page[name] for name in ("p50", "p95", "cpu", "read", "sql")})
    for row in rows.values():
        sizes = row["sizes"]
        row["growth"] = _growth(sizes, "cpu", NOISE_MS)
        row["read_growth"] = _growth(sizes, "read", NOISE_BLOCKS)
        row["slow"], row["grows"] = sizes[-1]["p95"] >= BUDGET_MS, row["growth"] > GROWTH
    sizes_of = [{k: v for k, v in one.items() if k != "pages"} for one in worlds]
    return {"worlds": sizes_of, "pages": list(rows.values()), "slow": sum(r["slow"] for r in rows.values()), "grow": sum(r["grows"] for r in rows.values())}


def _growth(sizes: Sequence[dict[str, Any]], name: str, noise: float) -> float:
    """By how much a figure grows from the first world to the second."""
    first, second = sizes[0][name], sizes[min(1, len(sizes) - 1)][name]
    return round(max(second, noise) / max(first, noise), 2)


def _table(found: dict[str, Any]) -> str:
    head = "".join(f"{one['orders']:>12,} orders  p95  CPU   blocks SQL" for one in found["worlds"])
    lines = [f"{'page, p50 and p95 in ms':<50}{'for':<11}{head}  growth"]
    for row in sorted(found["pages"], key=lambda r: -r["sizes"][-1]["p95"]):
        figures = "".join(f"{size['p50']:>19.1f}{size['p95']:>6.0f}{size['cpu']:>6.1f}{size['read']:>8,}{size['sql']:>4}" for size in row["sizes"])
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
    found = judged(worlds([options.scale * share for share in shares], options.rounds))
    sys.stdout.write((json.dumps(found, ensure_ascii=False) if options.json else _table(found)) + "\n")
    return 1 if found["slow"] or found["grow"] else 0


if __name__ == "__main__":
    sys.exit(main())
