"""The lines of an order from a file: every row checked as placing would, then put into the desk; what is wrong as one file to correct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.translation import gettext as _

from qudao.base import sheets
from qudao.base.access import Actor, Channel
from qudao.base.html import figures
from qudao.base.html.pages import door
from qudao.base.sentences import Said, say
from qudao.kernel.errors import DomainError, Fault, Invalid
from qudao.orders.actions import note_refused
from qudao.orders.rules import MAX_LINES, Placing
from qudao.portal.forms import FileForm
from qudao.portal.pages.desk import Desk, desk_of, editor_of, offer, show
from qudao.portal.queries.desk import Asked, Look, look, read_lines
from qudao.portal.rules import lines_in
from qudao.portal.tables import fill

#: rows of one file that are checked
MOST_ROWS = 5_000
#: faults shown on the page; all of them are in the file
MOST_SHOWN = 5


@dataclass
class Checked:
    """A file that was read: the sheet's row number of each line, the lines as typed, what they would come to."""

    rows: list[int]
    typed: list[tuple[str, str]]
    looked: Look

    @property
    def faults(self) -> list[tuple[int, Fault, Asked]]:
        """(row of the sheet, fault, line), in the order of the sheet."""
        found = [(int(f.field.split(".")[1]), f) for f in self.looked.faults if f.field.startswith("lines.")]
        return [(self.rows[no - 1], fault, self.looked.asked[no - 1]) for no, fault in sorted(found, key=lambda one: one[0])]

    @property
    def too_many(self) -> bool:
        """Whether it is more than one order can hold; then nothing is taken over."""
        return len(self.typed) > MAX_LINES


def check(desk: Desk, name: str, content: bytes) -> Checked:
    """Read and check a file. Raises Invalid when it is none, empty or longer than what is checked; seven statements more than its reading."""
    if desk.trade is None:
        raise Invalid("portal.no_agreement", field="agreement")
    found = lines_in(sheets.read(name, content), MOST_ROWS)
    if not found:
        raise Invalid("portal.file_empty", field="file")
    if len(found) > MOST_ROWS:
        raise Invalid("portal.file_too_long", field="file", limit=MOST_ROWS)
    typed = [(code, qty) for _row, code, qty in found]
    asked = read_lines(desk.actor, desk.trade.seller_id, typed)
    return Checked([row for row, _code, _qty in found], typed, look(desk.actor, desk.trade, asked))


def _fix(fault: Fault, asked: Asked) -> str:
    """What to write instead, as far as it is known."""
    if fault.code == "orders.unknown_product" and asked.similar:
        return _("Perhaps {codes}").format(codes=", ".join(one.code for one in asked.similar))
    return str(say(fault).remedy)


def errors_of(checked: Checked) -> bytes:
    """One sheet of everything wrong: row, column, what stands there, why, what to do."""
    heads = [_("Row"), _("Column"), _("What it says"), _("Why"), _("What to do")]
    lines = []
    for row, fault, asked in checked.faults:
        quantity = fault.field.endswith(".qty")
        lines.append((row, _("Quantity") if quantity else _("Code"), asked.qty_text if quantity else asked.text, str(say(fault).sentence), _fix(fault, asked)))
    return sheets.write_xlsx(heads, lines)


def said_of(checked: Checked) -> dict[str, Any]:
    """What the page says of a checked file."""
    faults = checked.faults
    wrong = len({row for row, _fault, _asked in faults})
    shown = [{"row": row, "said": say(fault), "fix": _fix(fault, asked)} for row, fault, asked in faults[:MOST_SHOWN]]
    return {
        "checked": checked,
        "number": figures.count(len(checked.typed)),
        "good": figures.count(len(checked.typed) - wrong),
        "wrong": wrong,
        "more": len(faults) - len(shown),
        "shown": shown,
        "limit": figures.count(MAX_LINES),
    }


@door("orders.place")
def order_file(request: HttpRequest) -> HttpResponse:
    """The form for a file; its lines in the desk (as JSON for the desk's script), or with `errors` the sheet of what is wrong."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    desk = desk_of(request)
    form = FileForm(request.POST or None, request.FILES or None, actor=actor)
    if request.method != "POST":
        return _ask(request, desk, form)
    scripted = "json" in request.headers.get("Accept", "")
    try:
        if not form.is_valid():
            raise Invalid("portal.file_empty", field="file")
        sent = form.cleaned_data["file"]
        checked = check(desk, sent.name, sent.read())
        if checked.faults and desk.trade and "errors" not in request.POST:
            asked = Placing(desk.trade.seller_id, desk.trade.buyer_id, [a.new_line for a in checked.looked.asked])
            note_refused(asked, checked.looked.faults, actor=actor.through(Channel.FILE))
    except DomainError as error:
        faults = form.refuse(error)
        if scripted:
            every = [say(fault) for fault in error.faults]
            return JsonResponse({"rows": [], "said": render_to_string("parts/faults.html", {"faults": every}, request)}, status=error.status)
        return _ask(request, desk, form, faults, error.status)
    if "errors" in request.POST:
        name = _("errors of {file}").format(file=sent.name.rpartition(".")[0])
        return HttpResponse(errors_of(checked), content_type=sheets.XLSX, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}.xlsx"})
    said = said_of(checked)
    if scripted:
        rows = [] if checked.too_many else checked.typed
        return JsonResponse({"rows": rows, "said": render_to_string("portal/desk_file_said.html", said | {"scripted": True}, request)})
    if checked.too_many:
        return _ask(request, desk, form, [say(Fault("orders.too_many_lines", "", {"limit": MAX_LINES}))], 422)
    editor = editor_of(initial=[{"code": code, "qty": qty} for code, qty in checked.typed])
    fill(editor, checked.looked)
    return show(request, desk_of(request, editor), [], checked.looked)


def _ask(request: HttpRequest, desk: Desk, form: FileForm, faults: list[Said] | None = None, status: int = 200) -> HttpResponse:
    offer(desk)
    context = {"title": _("Order from a file"), "back": reverse("order_new"), "form": form, "desk": desk, "faults": faults or []}
    context["limit"] = figures.count(MAX_LINES)
    return render(request, "portal/desk_file.html", context, status=status)


routes = [path("orders/new/file/", order_file, name="order_file")]
