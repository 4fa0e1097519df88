"""What people write when goods leave and arrive."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.html import figures
from qudao.base.html.forms import Form, LineEditor, LineField
from qudao.base.html.tables import by_language
from qudao.fulfilment.models import ShipmentLine
from qudao.fulfilment.rules import MAX_NOTE, NOTHING, Count
from qudao.fulfilment.states import Liable, Outcome
from qudao.kernel.quantity import plain


class WayForm(Form):
    """How the goods travel."""

    layout = "grid"

    carrier = forms.CharField(label=_("Carrier"), max_length=80, required=False)
    tracking = forms.CharField(label=_("Tracking number"), max_length=80, required=False)


class CarrierForm(Form):
    """Who takes many shipments at once."""

    carrier = forms.CharField(label=_("Carrier"), max_length=80, required=False)


class ReceiptForm(Form):
    """A remark on the whole receipt; the counts stand below."""

    note = forms.CharField(label=_("Remark"), max_length=500, required=False)

    def is_multipart(self) -> bool:
        """Photos of what is wrong come along."""
        return True


class BearForm(Form):
    """Who bears a difference, and a remark for both sides."""

    liable = forms.ChoiceField(label=_("Who bears it"), choices=[("", _("Choose…")), *Liable.choices])
    note = forms.CharField(label=_("Remark"), max_length=MAX_NOTE, required=False, help_text=_("Both sides read it."))


class SettleForm(BearForm):
    """The same, with what became of the goods."""

    outcome = forms.ChoiceField(label=_("What became of the goods"), widget=forms.RadioSelect, choices=Outcome.choices)
    field_order = ("outcome", "liable", "note")


DISPATCH_LINES = (
    LineField("product", _("Product"), kind="show", width="w-l"),
    LineField("picked", _("Picked"), kind="figure"),
    LineField("qty", _("Ship now"), kind="qty", required=True),
)
RECEIPT_LINES = (
    LineField("product", _("Product"), kind="show", width="w-l"),
    LineField("shipped", _("Shipped"), kind="figure"),
    LineField("received", _("Received well"), kind="qty", required=True),
    LineField("damaged", _("Damaged"), kind="qty"),
    LineField("over", _("Too many"), kind="qty"),
    LineField("note", _("Remark")),
)


def editor_of(fields: Sequence[LineField], lines: Sequence[ShipmentLine], data: Any = None) -> LineEditor:
    """One row for each line of a shipment, filled as if everything left or arrived as it is; rows cannot be added."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        text = plain(line.qty)
        told = f"{by_language(line.product.name, line.product.name_en)} {line.product.code}"
        figure = figures.qty(line.qty, line.line.unit)
        rows.append({"ref": line.pk, "product": told, "picked": figure, "shipped": figure, "qty": text, "received": text})
    editor = LineEditor(fields, data=data, initial=rows, fixed=True)
    known = {str(one["ref"]): one for one in rows}
    for row in editor.lines:
        row.shown = known.get(row.ref, {})
    return editor


def quantities_of(editor: LineEditor) -> dict[int, Decimal]:
    """Shipment line id → quantity to ship, from a valid editor."""
    return {int(line.ref): line.clean["qty"] for line in editor.lines}


def counts_of(editor: LineEditor) -> list[Count]:
    """The counts of a valid editor; what is missing follows."""
    return [
        Count(
            int(line.ref),
            line.clean["received"],
            line.clean.get("damaged") or NOTHING,
            None,
            line.clean.get("over") or NOTHING,
            line.clean.get("note") or "",
        )
        for line in editor.lines
    ]
