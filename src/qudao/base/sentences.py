"""From a fault to a sentence: rules raise codes, people read sentences in their own language with the remedy beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from qudao.base.html.figures import unit
from qudao.kernel.errors import Fault
from qudao.kernel.quantity import plain

SENTENCES: dict[str, Any] = {
    "base.forbidden": _("You are not allowed to do this."),
    "base.not_found": _("This does not exist, or you cannot see it."),
    "base.busy": _("Somebody else is working on the same documents just now."),
    "base.changed": _("Somebody changed this meanwhile."),
    "base.other_body": _("This idempotency key was used for a different request."),
    "base.bad_key": _("The idempotency key must have 8 to 200 printable characters."),
    "base.invalid": _("This value is not valid: {message}"),
    "base.no_person": _("Only a person can do this, and only as long as the person belongs to the organisation."),
    "base.no_rows": _("No row was chosen."),
    "base.too_many_rows": _("At most {most} rows at a time."),
    "base.unexpected": _("Something went wrong with this row; nothing of it was changed."),
    "base.file_kind": _("Files of these kinds can be attached: {kinds}."),
    "base.file_size": _("A file must not be empty and can have at most {most} MB."),
    "base.photo_broken": _("This is not a picture that can be read."),
    "base.photo_size": _("A picture can have at most {most} million points."),
    "base.import_number": _("“{text}” is not a number."),
    "base.import_day": _("“{text}” is not a day."),
    "base.import_flag": _("“{text}” is neither yes nor no."),
    "base.import_choice": _("“{text}” is none of these: {choices}."),
    "base.import_empty": _("This cell must not be empty."),
    "base.import_long": _("This text is too long; at most {most} characters."),
    "base.import_twice": _("Row {row} already says this."),
    "base.import_column": _("No head of the file is read as “{label}”."),
    "base.import_mapped_twice": _("Two heads are read as “{label}”."),
    "base.import_no_file": _("Choose a file first."),
    "base.import_nothing": _("This file has no rows below its heads."),
    "base.import_too_long": _("At most {most} rows can be imported at a time."),
    "base.import_wrong": _("Wrong: {rows} rows. Nothing was imported."),
    "base.import_no_change": _("Nothing in this file is new or different."),
    "base.import_again": _("This very file was imported before; importing it once more would add everything again."),
    "base.import_done": _("This file was already imported."),
    "base.import_too_late": _("An import can be undone within {hours} hours, and only once."),
    "base.import_changed_since": _("Somebody changed it after the import."),
    "base.import_gone": _("It is no longer there."),
    "base.import_built_on": _("It is already used: {where}."),
    "base.too_many_requests": _("Too many requests in a short time."),
    "base.unreadable_file": _("This file cannot be read as xlsx, xls, ods or csv."),
    "base.fonts_missing": _("The font of printed documents is still being fetched."),
    "base.nothing_to_print": _("None of the chosen rows has this paper: {document}."),
    "base.too_many_papers": _("At most {most} documents fit into one PDF."),
    "base.unauthenticated": _("Sign in, or send a valid token."),
}
REMEDIES: dict[str, Any] = {
    "base.photo_broken": _("Take a photo, or choose a JPEG, PNG or WebP picture."),
    "base.import_number": _("Write digits, for example 1234.50."),
    "base.import_day": _("Write it as 2026-12-01."),
    "base.import_flag": _("Write yes or no."),
    "base.import_choice": _("Write one of these words."),
    "base.import_empty": _("Fill it in, or remove the row."),
    "base.import_twice": _("Keep one of the rows."),
    "base.import_column": _("Choose the head that has it."),
    "base.import_mapped_twice": _("Choose one of them."),
    "base.import_nothing": _("Start from the template; the heads stand in the first row."),
    "base.import_too_long": _("Split the file."),
    "base.import_wrong": _("Correct the file, or leave the wrong rows out."),
    "base.import_again": _("Undo the first import, or say that you mean it."),
    "base.import_too_late": _("Bring a file with the right values instead."),
    "base.unreadable_file": _("Start from the template and save it again as xlsx."),
    "base.no_rows": _("Tick rows, or choose all that match."),
    "base.too_many_rows": _("Narrow the list with a filter."),
    "base.unexpected": _("Try it again; if it stays, tell your administrator."),
    "base.fonts_missing": _("Try again in a minute. On a machine without a network, run make bundle elsewhere and copy it here."),
    "base.too_many_papers": _("Choose fewer, or filter the list and print it in parts."),
    "base.forbidden": _("Ask your administrator for the right."),
    "base.busy": _("Try again in a moment; nothing was changed."),
    "base.changed": _("Reload the page and try again."),
    "base.other_body": _("Use a new key for a new request."),
}

#: what a sentence counts, where it says the number: the one form of English that a parameter changes
ONE = re.compile(r"(?<![\d.,])1 (day|hour|line|row|order|product|organisation|document|month|character|digit|time)s\b")
#: an amount as JSON keeps it
AMOUNT = re.compile(r"-?\d+\.\d\d")


@dataclass(frozen=True)
class Said:
    """A fault in words: one sentence, and what to do about it ("" when nothing helps)."""

    code: str
    field: str
    sentence: str
    remedy: str


@cache
def _texts(module: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if module == "base":
        return SENTENCES, REMEDIES
    try:
        states = import_module(f"qudao.{module}.states")
    except ModuleNotFoundError:
        return {}, {}
    return getattr(states, "SENTENCES", {}), getattr(states, "REMEDIES", {})


@cache
def _constraint_message(code: str) -> Any:
    """The message of a named constraint ("orders.line_qty_positive" is orders_line_qty_positive), or None."""
    name = code.replace(".", "_", 1)
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            if constraint.name == name:
                return constraint.violation_error_message
    return None


def shown(value: Any) -> Any:
    """An amount with its thousands apart, also one that JSON kept as text; a quantity without idle zeros."""
    if isinstance(value, Decimal):
        return f"{value:,}" if value.as_tuple().exponent == -2 else plain(value)
    return f"{Decimal(value):,}" if isinstance(value, str) and AMOUNT.fullmatch(value) else value


def say(fault: Fault) -> Said:
    """The sentence and remedy of a fault in the active language; an unknown code falls back to the constraint's message, then to the code."""
    sentences, remedies = _texts(fault.code.partition(".")[0])
    text = sentences.get(fault.code) or _constraint_message(fault.code) or fault.code
    params = {k: unit(str(v)) if k == "unit" else shown(v) for k, v in fault.params.items()}
    remedy = str(remedies.get(fault.code, ""))
    try:
        return Said(fault.code, fault.field, ONE.sub(r"1 \1", str(text).format(**params)), ONE.sub(r"1 \1", remedy.format(**params)))
    except (KeyError, IndexError):
        return Said(fault.code, fault.field, str(text), remedy)
