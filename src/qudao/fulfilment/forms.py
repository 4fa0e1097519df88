"""What people write when goods leave and arrive."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.html import figures
from qudao.base.html.forms import Form, LineEditor, LineField, number_of
from qudao.base.html.tables import by_language
from qudao.catalog.queries import unscoped_codes
from qudao.fulfilment.models import ShipmentLine
from qudao.fulfilment.queries import unscoped_settlers
from qudao.fulfilment.rules import MAX_NOTE, NOTHING, Count, total
from qudao.fulfilment.states import Liable, Outcome, PackageKind, Remedy
from qudao.inventory.rules import LotQty
from qudao.kernel.errors import Invalid
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


class PartForm(ReceiptForm):
    """The same of what may be a part only."""

    more = forms.BooleanField(
        label=_("The rest is still under way"),
        required=False,
        help_text=_("What you do not count now is received later; only the last receipt says what is missing."),
    )
    field_order = ("more", "note")


class EndForm(Form):
    """A remark on a rest that does not come."""

    note = forms.CharField(label=_("Remark"), max_length=500, required=False)


class ArrivalForm(ReceiptForm):
    """The same of goods that an outside seller sent."""

    delivery_note = forms.CharField(label=_("Delivery note"), max_length=80, required=False, help_text=_("The number of the seller's paper."))
    field_order = ("delivery_note", "note")


class BearForm(Form):
    """Who bears a difference, and a remark for both sides."""

    liable = forms.ChoiceField(label=_("Who bears it"), choices=[("", _("Choose…")), *Liable.choices])
    note = forms.CharField(label=_("Remark"), max_length=MAX_NOTE, required=False, help_text=_("Both sides read it."))


class SettleForm(BearForm):
    """The same, with what became of the goods, and what the buyer gets."""

    outcome = forms.ChoiceField(label=_("What became of the goods"), choices=Outcome.choices)
    remedy = forms.ChoiceField(label=_("What the buyer gets"), required=False, choices=Remedy.choices)
    field_order = ("outcome", "remedy", "liable", "note")


class TakeForm(Form):
    """Who takes a difference, and until when."""

    owner = forms.TypedChoiceField(label=_("Who takes it"), coerce=int)
    due_on = forms.DateField(label=_("Until"), required=False, widget=forms.DateInput())
    note = forms.CharField(label=_("Remark"), max_length=MAX_NOTE, required=False, help_text=_("Both sides read it."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].choices = unscoped_settlers(self.actor.org_id)  # type: ignore[attr-defined]


class RefuseForm(Form):
    """Why a whole shipment is not taken."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class PackForm(Form):
    """How what was picked is put into parcels."""

    how = forms.ChoiceField(
        label=_("How"),
        choices=[("one", _("Everything in one parcel")), ("packs", _("Each full pack is a parcel")), ("units", _("So many units in each parcel"))],
        initial="one",
    )
    per = forms.DecimalField(label=_("Units in each parcel"), required=False, max_digits=18, decimal_places=4)
    kind = forms.ChoiceField(label=pgettext_lazy("parcel", "Kind"), choices=PackageKind.choices)


class ParcelForm(Form):
    """What a parcel is and weighs; its lines stand below."""

    layout = "grid"

    kind = forms.ChoiceField(label=pgettext_lazy("parcel", "Kind"), choices=PackageKind.choices)
    weight = forms.DecimalField(label=_("Gross weight (kg)"), required=False, max_digits=10, decimal_places=3)


PARCEL_LINES = (
    LineField("product", _("Product"), kind="show", width="w-l"),
    LineField("left", _("Not in a parcel"), kind="figure"),
    LineField("qty", _("In this parcel"), kind="qty"),
)
PARCEL_LOT = LineField("lots", _("Lots"), placeholder=_("what expires first"))
DISPATCH_LINES = (
    LineField("product", _("Product"), kind="show", width="w-l"),
    LineField("picked", _("Picked"), kind="figure"),
    LineField("qty", _("Ship now"), kind="qty", required=True),
)
#: where a product is tracked by lot
LOT_FIELD = LineField("lots", _("Lots"), placeholder=_("number × quantity, …"))
RECEIPT_LINES = (
    LineField("product", _("Product"), kind="show", width="w-l"),
    LineField("shipped", pgettext_lazy("goods", "Under way"), kind="figure"),
    LineField("received", _("Received well"), kind="qty", required=True),
    LineField("damaged", _("Damaged"), kind="qty"),
    LineField("over", _("Too many"), kind="qty"),
    LineField("refused", pgettext_lazy("difference", "Refused"), kind="qty"),
    LineField("wrong", _("Wrong goods"), kind="qty"),
    LineField("wrong_product", _("Code of what came")),
    LineField("note", _("Remark")),
)


#: what comes from an outside seller: nobody shipped it here
ARRIVAL_LINES = (
    RECEIPT_LINES[0],
    LineField("shipped", _("Still to come"), kind="figure"),
    *RECEIPT_LINES[2:4],
    LineField("short", pgettext_lazy("difference", "Missing"), kind="qty"),
    *RECEIPT_LINES[4:],
)
ARRIVED_LOT = LineField("lots", _("Lots"), placeholder=_("number × quantity 2027-12-31, …"))


def arrival_editor(lines: Sequence[Any], by_lot: bool, data: Any = None) -> LineEditor:
    """One row for each order line of which something is still to come, filled as if all of it were here."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        told, rest = f"{by_language(line.product.name, line.product.name_en)} {line.product.code}", line.wanted - line.shipped
        rows.append({"ref": line.pk, "product": told, "shipped": figures.qty(rest, line.unit), "received": plain(rest), "most": plain(rest)})
    editor = LineEditor((*ARRIVAL_LINES, ARRIVED_LOT) if by_lot else ARRIVAL_LINES, data=data, initial=rows, fixed=True)
    known = {str(one["ref"]): one for one in rows}
    for row in editor.lines:
        row.shown = known.get(row.ref, {})
    return editor


def scannable(editor: LineEditor, lines: Sequence[Any], tally: str) -> None:
    """Give the rows of these lines the codes that a scanner may read for them, and what each was filled with in the column that it counts in. One
    statement.
    """
    products = {line.pk: line.product_id for line in lines}
    codes = unscoped_codes(products.values())
    for row in editor.lines:
        known = codes.get(products.get(int(row.ref or 0), 0), {})
        row.shown |= {"codes": "\n".join(f"{code.upper()}={plain(by)}" for code, by in known.items()), "fill": row.shown.get(tally, "")}


def arrived_lots(editor: LineEditor) -> dict[int, tuple[LotQty, ...]]:
    """By order line the lots that came: "L1 × 5 2027-12-31, L2 × 3"; one lot without a quantity is all of it. Raises Invalid at lots that cannot be
    read.
    """
    found: dict[int, tuple[LotQty, ...]] = {}
    for line in editor.lines:
        text, lots = line.clean.get("lots") or "", []
        whole = sum((line.clean.get(name) or NOTHING for name in ("received", "damaged", "short", "refused", "wrong")), NOTHING)
        for part in (one.strip() for one in re.split(r"[,;，；、]", text) if one.strip()):
            head, _space, day = part.rpartition(" ")
            expires = parse_date(day) if head and re.fullmatch(r"\d{4}-\d\d-\d\d", day) else None
            read = read_lots(head if expires else part, whole)
            lots += [LotQty(one.lot, expires, one.qty) for one in read]
        if lots:
            found[int(line.ref)] = tuple(lots)
    return found


def editor_of(fields: Sequence[LineField], lines: Sequence[ShipmentLine], data: Any = None) -> LineEditor:
    """One row for each line of a shipment, filled as if everything left or arrived as it is; rows cannot be added."""
    packed = any(line.packed for line in lines)  # then what is in parcels leaves
    rows: list[dict[str, Any]] = []
    for line in lines:
        text = plain(line.qty)
        leaves = plain(line.packed) if packed else text
        told = f"{by_language(line.product.name, line.product.name_en)} {line.product.code}"
        figure = figures.qty(line.qty, line.line.unit)
        lots = written_lots(getattr(line, "lots", ()))
        rows.append({"ref": line.pk, "product": told, "picked": figure, "shipped": figure, "qty": leaves, "received": text, "lots": lots, "most": text})
    editor = LineEditor(fields, data=data, initial=rows, fixed=True)
    known = {str(one["ref"]): one for one in rows}
    for row in editor.lines:
        row.shown = known.get(row.ref, {})
    return editor


def receipt_editor(fields: Sequence[LineField], lines: Sequence[ShipmentLine], here: Mapping[int, Decimal] | None, data: Any = None) -> LineEditor:
    """One row for each line of which something is under way, filled as if all of it were here, or what of it is `here` (by shipment line)."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        told = f"{by_language(line.product.name, line.product.name_en)} {line.product.code}"
        come = line.rest if here is None else min(line.rest, here.get(line.pk, NOTHING))
        rows.append({"ref": line.pk, "product": told, "shipped": figures.qty(line.rest, line.line.unit), "received": plain(come), "most": plain(line.rest)})
    editor = LineEditor(fields, data=data, initial=rows, fixed=True)
    known = {str(one["ref"]): one for one in rows}
    for row in editor.lines:
        row.shown = known.get(row.ref, {})
    return editor


def parcel_editor(lines: Sequence[Any], own: Mapping[int, Sequence[LotQty]] | None = None, data: Any = None) -> LineEditor:
    """One row for each line of which something can be in a parcel: filled with what is in it (`own`), for a new one with all that is left. Lots are asked
    for where a product has some.
    """
    rows: list[dict[str, Any]] = []
    for line in lines:
        lots = (own or {}).get(line.pk, ())
        inside = total(lots)
        left = line.qty - line.packed + inside
        if left:
            told = f"{by_language(line.product.name, line.product.name_en)} {line.product.code}"
            qty, written = plain(left if own is None else inside), written_lots(lots) if all(one.lot for one in lots) else ""
            rows.append({"ref": line.pk, "product": told, "left": figures.qty(left, line.line.unit), "qty": qty, "lots": written, "most": plain(left)})
    fields = (*PARCEL_LINES, PARCEL_LOT) if any(line.by_lot for line in lines) else PARCEL_LINES
    editor = LineEditor(fields, data=data, initial=rows, fixed=True)
    known = {str(one["ref"]): one for one in rows}
    for row in editor.lines:
        row.shown = known.get(row.ref, {})
    return editor


def written_lots(lots: Sequence[LotQty]) -> str:
    """Lots as somebody would write them."""
    return ", ".join(f"{one.lot} × {plain(one.qty)}" for one in lots)


def read_lots(text: str, qty: Decimal) -> list[LotQty]:
    """What somebody wrote: "L1 × 5, L2 × 3"; one lot without a quantity is all of it. Raises Invalid."""
    found = []
    parts = [part for part in re.split(r"[,;，；、]", text) if part.strip()]
    for part in parts:
        lot, _sign, told = part.strip().rpartition("×") if "×" in part else part.strip().rpartition("*")
        number = number_of(told) if lot else (qty if len(parts) == 1 else None)
        if number is None or number <= 0:
            raise Invalid("fulfilment.lots_unreadable")
        found.append(LotQty((lot or told).strip(), None, number))
    return found


def quantities_of(editor: LineEditor) -> dict[int, Decimal | Sequence[LotQty]]:
    """Shipment line id → quantity to ship, or its lots where they are named, from a valid editor. Raises Invalid at lots that cannot be read."""
    found: dict[int, Decimal | Sequence[LotQty]] = {}
    for line in editor.lines:
        qty, text = line.clean["qty"], line.clean.get("lots") or ""
        lots = read_lots(text, qty) if qty and text != line.shown.get("lots") else []
        if lots and sum(one.qty for one in lots) != qty:
            raise Invalid("fulfilment.lots_unreadable", field=f"lines.{line.ref}.lots")
        found[int(line.ref)] = lots or qty
    return found


def inside_of(editor: LineEditor) -> dict[int, Decimal | Sequence[LotQty]]:
    """Shipment line id → what goes into a parcel, from a valid editor: the lots that are named; without, or where another quantity is typed beside the
    lots of before, a quantity. Raises Invalid at lots that cannot be read, or do not make the quantity.
    """
    found: dict[int, Decimal | Sequence[LotQty]] = {}
    for line in editor.lines:
        qty, text = line.clean.get("qty"), line.clean.get("lots") or ""
        if qty:
            lots = read_lots(text, qty)
            fits, typed = total(lots) == qty, text != line.shown.get("lots")
            if lots and typed and not fits:
                raise Invalid("fulfilment.lots_unreadable", field=f"lines.{line.ref}.lots")
            found[int(line.ref)] = lots if lots and fits else qty
    return found


def counts_of(editor: LineEditor) -> list[Count]:
    """The counts of a valid editor; what is missing follows."""
    return [
        Count(
            int(line.ref),
            line.clean["received"],
            line.clean.get("damaged") or NOTHING,
            line.clean.get("short"),
            line.clean.get("over") or NOTHING,
            line.clean.get("note") or "",
            line.clean.get("refused") or NOTHING,
            line.clean.get("wrong") or NOTHING,
            (line.clean.get("wrong_product") or "").strip(),
        )
        for line in editor.lines
    ]
