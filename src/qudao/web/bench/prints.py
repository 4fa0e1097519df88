"""`qudao bench prints`: milliseconds a paper of each kind, and 500 of a kind as one PDF, over the papers of this installation."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice
from typing import Any

RUN = 500


def main(argv: Sequence[str]) -> int:
    """Print the figures; 1 when the installation has no document of any kind, 2 when a figure is above its limit."""
    parser = argparse.ArgumentParser(prog="qudao bench prints", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the figures, as JSON")
    parser.add_argument("--times", type=int, default=20, help="papers of each kind, one by one")
    args = parser.parse_args(list(argv))
    from qudao.web import cli

    cli.set_up()
    found = measured(args.times)
    if args.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for name, row in found.items():
            figures = ", ".join(f"{key} {value}" for key, value in row.items())
            sys.stdout.write(f"{name:<28}{figures}\n")
    if not found:
        return 1
    return 2 if any(row["median_ms"] >= 100 or row["run_s"] >= 10 for row in found.values()) else 0


def measured(times: int) -> dict[str, dict[str, Any]]:
    """Figures by kind: one paper with reading it (median and worst of `times`, after the first), and `RUN` papers as one PDF with the reading of them.

    Where the installation has fewer rows, rows are printed several times in the run.
    """
    from django.apps import apps
    from django.utils import translation

    from qudao.base import printing
    from qudao.base.access import system_actor
    from qudao.base.db import rows
    from qudao.base.html.pages.prints import CHUNK, documents

    found = {}
    ((seller_id,),) = rows("SELECT seller_id FROM fulfilment_shipment GROUP BY 1 ORDER BY count(*) DESC LIMIT 1") or [(0,)]
    actor = replace(system_actor(), org_id=seller_id)  # pick lists are the sender's own, statements those of the own books
    for document in documents().values():
        if document.options:  # the accounts of the own books are named by the other side
            ids = [pk for (pk,) in rows("SELECT buyer_id FROM fulfilment_shipment WHERE seller_id = %s GROUP BY 1 ORDER BY 1 LIMIT %s", (seller_id, RUN))]
        else:
            model: Any = apps.get_model(document.subject)
            own = {"seller_id": seller_id} if document.verb == "fulfilment.pick" else {}
            ids = list(model.objects.visible(actor).filter(**own).order_by("-pk").values_list("pk", flat=True)[:RUN])
        if not ids:
            continue
        printing.pdf_of(document, actor, ids[:1], language="zh-hans")
        single = []
        for pk in islice(cycle(ids), 1, times + 1):
            start = time.perf_counter()
            printing.pdf_of(document, actor, [pk], language="zh-hans")
            single.append((time.perf_counter() - start) * 1000)
        start, cpu = time.perf_counter(), _cpu()
        many = list(islice(cycle(ids), RUN))
        with translation.override("zh-hans"):
            papers = [paper for at in range(0, RUN, CHUNK) for paper in document.make(actor, many[at : at + CHUNK])]
        size = len(printing.pdf_many(document, papers, language="zh-hans"))
        found[document.name] = {
            "median_ms": round(statistics.median(single), 1),
            "worst_ms": round(max(single), 1),
            "run": RUN,
            "run_s": round(time.perf_counter() - start, 2),
            "run_cpu_s": round(_cpu() - cpu, 2),
            "run_bytes": size,
        }
    return found


def _cpu() -> float:
    """CPU seconds of this process and of those it waited for: what a busy machine does not change."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
