"""Adds translations to the Chinese catalogue, safely beside others: `python tools/words.py < pairs.json`, or `python tools/words.py missing`.

The input is a JSON list of [English, Chinese] or [English, Chinese, context] or {"id", "plural", "context", "zh"}. A sentence that is there already
keeps its translation unless --replace is given or the pair itself says "replace". The file is locked while it is written, and the compiled catalogue
beside it is made anew.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv" / "bin" / "python"

try:
    import polib

    sys.path.insert(0, str(ROOT / "tests" / "house"))
    from house_tree import Tree
    from house_words import Sentence, sentences_of
except ModuleNotFoundError:  # it is in the environment that the tests make
    os.execv(PYTHON, [str(PYTHON), *sys.argv])

CATALOGUE = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"


def add(pairs: list, *, replace: bool = False) -> tuple[int, int]:
    """Write what is new; (added, changed)."""
    with (CATALOGUE.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = polib.pofile(str(CATALOGUE), wrapwidth=0)
        known = {(e.msgid, e.msgctxt or ""): e for e in found}
        added = changed = 0
        for pair in pairs:
            one = pair if isinstance(pair, dict) else {"id": pair[0], "zh": pair[1], "context": pair[2] if len(pair) > 2 else ""}
            entry = known.get((one["id"], one.get("context") or ""))
            if entry is None:
                entry = polib.POEntry(msgid=one["id"], msgctxt=one.get("context") or None)
                if one.get("plural"):
                    entry.msgid_plural, entry.msgstr_plural = one["plural"], {0: one["zh"]}
                else:
                    entry.msgstr = one["zh"]
                if "{" in one["id"]:
                    entry.flags.append("python-brace-format")
                found.append(entry)
                known[(one["id"], one.get("context") or "")] = entry
                added += 1
            elif (replace or one.get("replace")) and not entry.msgid_plural and entry.msgstr != one["zh"]:
                entry.msgstr = one["zh"]
                changed += 1
        fresh = CATALOGUE.with_suffix(".fresh")
        found.save(str(fresh))
        fresh.replace(CATALOGUE)
        found.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    return added, changed


def missing() -> list[str]:
    """The sentences of the product that have no Chinese yet, as the house test finds them."""
    done = {(e.msgid, e.msgctxt or "") for e in polib.pofile(str(CATALOGUE)) if e.msgstr or e.msgstr_plural}
    lacking = {(s.text, s.context, s.place) for s in sentences_of(Tree(ROOT)) if isinstance(s, Sentence) and (s.text, s.context) not in done}
    return [f"{place}: {text!r}" + (f" (context {context})" if context else "") for text, context, place in sorted(lacking, key=lambda x: x[2])]


if __name__ == "__main__":
    if sys.argv[1:] == ["missing"]:
        print("\n".join(missing()) or "nothing is missing")
    else:
        print("added {}, changed {}".format(*add(json.load(sys.stdin), replace="--replace" in sys.argv)))
