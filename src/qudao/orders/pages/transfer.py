"""The page on which the seller of two buyers arranges that one passes goods on to the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from qudao.base.html.pages import FormPage, LineEditor
from qudao.base.sentences import Said
from qudao.catalog.queries import unscoped_carried_by_code
from qudao.kernel.errors import DomainError, Fault, Invalid
from qudao.orders import actions
from qudao.orders.forms import TRANSFER_LINES, TransferForm
from qudao.orders.models import Order
from qudao.orders.rules import NewLine, Placing


class TransferNew(FormPage):
    """Who gives, who gets, and what."""

    verb = "orders.arrange"
    form = TransferForm
    template = "orders/transfer.html"
    title = submit = gettext_lazy("Arrange a transfer")
    said = gettext_lazy("Arranged; who gives the goods is asked to accept.")
    above = "orders"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.editor = LineEditor(TRANSFER_LINES, data=request.POST, suggest_url=reverse("order_suggest"))
        return super().post(request, *args, **kwargs)

    def page(self, obj: Any, form: Any, faults: Sequence[Said] = (), status: int = 200) -> HttpResponse:
        self.editor = getattr(self, "editor", None) or LineEditor(TRANSFER_LINES, suggest_url=reverse("order_suggest"))
        return super().page(obj, form, faults, status)

    def show(self, template: str, context: Any, status: int = 200) -> HttpResponse:
        return super().show(template, {**context, "editor": self.editor}, status)

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Order:
        if not self.editor.is_valid():
            raise Invalid("orders.no_lines" if not self.editor.lines else "orders.lines_wrong")
        codes = {line.raw["product"].strip() for line in self.editor.lines}
        known = unscoped_carried_by_code(self.actor.org_id, codes)
        lines = [NewLine(known.get(line.raw["product"].strip()), line.clean["qty"], line.raw["product"].strip()) for line in self.editor.lines]
        facts = {name: cleaned[name] for name in ("requested_on", "note", "short")} | {"currency": cleaned.get("currency", "")}
        try:
            return actions.arrange_transfer(Placing(cleaned["giver"], cleaned["receiver"], lines, **facts), actor=self.actor, client_id=client_id)
        except DomainError as error:
            self.editor.refuse(error)
            told = [Fault(one.code, FIELDS.get(one.field, one.field), one.params) for one in error.faults if not one.field.startswith("lines.")]
            raise type(error).of(told or [Fault("orders.lines_wrong")]) from error


#: the fields of the form by the sides of the order
FIELDS = {"seller": "giver", "buyer": "receiver"}
