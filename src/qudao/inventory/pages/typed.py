"""Pages where stock is typed line by line: what was there before the books began, and what is moved between own warehouses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy

from qudao.base.html.forms import Form, named_lines
from qudao.base.html.pages import FormPage, LineEditor, LineField
from qudao.base.sentences import Said
from qudao.inventory import actions
from qudao.inventory.actions import OpeningLine
from qudao.inventory.forms import OPENING_LINES, SHIFT_LINES, OpeningForm, ShiftForm, opening_rows
from qudao.inventory.models import Place
from qudao.kernel.errors import DomainError


class Wrong(DomainError):
    """Lines are wrong as typed; each says so itself."""

    status = 422


class StockOpening(FormPage):
    """Opening stock, line by line."""

    verb = "inventory.receive"
    form: type[Form] = OpeningForm
    fields: ClassVar[Sequence[LineField]] = OPENING_LINES
    template = "inventory/opening.html"
    title = submit = gettext_lazy("Enter opening stock")
    said = gettext_lazy("The opening stock is on the books.")
    above = "stock"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.editor = LineEditor(self.fields, data=request.POST)
        return super().post(request, *args, **kwargs)

    def page(self, obj: Any, form: Any, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        self.editor = getattr(self, "editor", None) or LineEditor(self.fields, initial=named_lines(self.request.GET.getlist("line"), "product"))
        for said in faults:  # what the action finds wrong with a line is told at the line
            where, _dot, no = said.field.partition(".")
            if where == "lines" and no.isdecimal() and int(no) < len(self.editor.lines):
                self.editor.lines[int(no)].faults.append(said)
        return super().page(obj, form, faults, status)

    def show(self, template: str, context: Any, status: int = 200) -> HttpResponse:
        return super().show(template, {**context, "editor": self.editor}, status)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        good = self.editor.is_valid()
        rows = [
            {"row": str(line.no), "product": line.raw["product"], **{name: line.raw.get(name) or "" for name in ("qty", "lot", "expires_on")}}
            for line in self.editor.lines
        ]
        lines, faults = opening_rows(rows, self.actor)
        for no, column, said in faults:
            line = self.editor.lines[no - 1]
            if not line.faults:
                line.faults.append(Said(said.code, column, said.sentence, said.remedy))
        if not good or faults:
            raise Wrong("inventory.lines_wrong" if rows else "inventory.no_lines")
        return self.write(cleaned, lines, client_id)

    def write(self, cleaned: dict[str, Any], lines: list[OpeningLine], client_id: UUID) -> Place:
        """What is done with the lines, once each is right by itself."""
        return actions.receive_opening(cleaned["place"].pk, lines, cleaned["reason"], actor=self.actor, client_id=client_id)

    def done(self, result: Place) -> str:
        return f"{reverse('stock')}?tab=all&place={result.pk}"


class StockShift(StockOpening):
    """Goods from one own warehouse into another, line by line."""

    verb = "inventory.move"
    form = ShiftForm
    fields = SHIFT_LINES
    title = submit = gettext_lazy("Move goods")
    said = gettext_lazy("The goods are in the other warehouse.")

    def write(self, cleaned: dict[str, Any], lines: list[OpeningLine], client_id: UUID) -> Place:
        ends = cleaned["from_place"].pk, cleaned["to_place"].pk
        return actions.move_between_places(*ends, lines, cleaned["reason"], actor=self.actor, client_id=client_id)


routes = [
    path("stock/opening", StockOpening.as_view(), name="stock_opening"),
    path("stock/shift", StockShift.as_view(), name="stock_shift"),
]
