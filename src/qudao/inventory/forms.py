"""What people write about stock, on pages and in files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.agreements import queries as agreements
from qudao.base.access import Actor, visible
from qudao.base.html.forms import Form, LineField, number_of
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language
from qudao.base.sentences import Said, say
from qudao.catalog.queries import products
from qudao.inventory.actions import OpeningLine
from qudao.inventory.models import Place
from qudao.inventory.rules import check_quantities
from qudao.inventory.states import (
    MOST_HELD,
    MOST_KEEPS_DAYS,
    MOST_LEAD_DAYS,
    MOST_LOT,
    MOST_PRIORITY,
    MOST_RECEIPT_DAYS,
    MOST_RESERVE_DAYS,
    PlaceKind,
    Short,
    Shows,
)
from qudao.kernel.errors import Fault, Invalid
from qudao.network import queries as network
from qudao.network.states import OrgKind


class PlaceFactsForm(Form):
    """What is written about a place."""

    layout = "grid"

    name = forms.CharField(label=_("Name"), max_length=120, required=False)
    name_en = forms.CharField(label=_("English name"), max_length=120, required=False)
    address = forms.CharField(label=_("Address"), max_length=240, required=False)
    contact = forms.CharField(label=_("Contact"), max_length=80, required=False)
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)


class PlaceForm(PlaceFactsForm):
    """Another warehouse."""

    code = forms.CharField(label=_("Code"), max_length=32, help_text=_("Short and lasting; it stands on documents."))

    field_order = ["code", "name", "name_en", "address", "contact", "phone"]


class CloseForm(Form):
    """Why a warehouse closes."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class ShiftForm(Form):
    """From where to where goods are moved; the lines stand below."""

    layout = "grid"

    from_place: forms.ModelChoiceField = forms.ModelChoiceField(label=_("From warehouse"), queryset=None)
    to_place: forms.ModelChoiceField = forms.ModelChoiceField(label=_("To warehouse"), queryset=None)
    reason = forms.CharField(label=_("Reason"), max_length=500, help_text=_("It stays in the log."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = visible(self.actor, Place, "inventory.move").filter(kind=PlaceKind.STOCK, closed=False).order_by("code")
        for name in ("from_place", "to_place"):
            self.fields[name].queryset = mine  # type: ignore[attr-defined]


class SupplyForm(Form):
    """Out of which warehouse an agreement is supplied, how soon, what the buyer is told, and what becomes of orders that are short or urgent."""

    layout = "grid"

    place: forms.ModelChoiceField = forms.ModelChoiceField(label=_("Warehouse"), queryset=None)
    lead_days = forms.IntegerField(
        label=_("Lead time"), min_value=0, max_value=MOST_LEAD_DAYS, help_text=_("Working days until goods leave; orders are promised for that day.")
    )
    shows = forms.ChoiceField(label=_("The buyer is told"), choices=Shows.choices)
    short = forms.ChoiceField(label=_("If goods are short"), choices=Short.choices, help_text=_("An order or its approver may choose something else."))
    priority = forms.IntegerField(
        label=_("Served when goods come in"), min_value=0, max_value=MOST_PRIORITY, help_text=_("Waiting orders: the highest number first, then the oldest.")
    )
    surcharge = forms.DecimalField(
        label=_("Surcharge of emergencies (%)"), min_value=0, max_value=100, max_digits=5, decimal_places=2, help_text=_("On each price of an emergency order.")
    )
    reserve_days = forms.IntegerField(
        label=_("Goods are kept for days"), min_value=1, max_value=MOST_RESERVE_DAYS, required=False, help_text=_("Of an order nobody picks; empty: always.")
    )
    keeps_days = forms.IntegerField(
        label=_("Lots keep for days more"), min_value=0, max_value=MOST_KEEPS_DAYS, help_text=_("What expires sooner is not shipped to this buyer.")
    )
    keeps_percent = forms.IntegerField(
        label=_("Or for % of the shelf life"), min_value=0, max_value=100, help_text=_("Of products whose shelf life is known; the longer counts.")
    )
    receipt_days = forms.IntegerField(
        label=_("Received by itself after days"),
        min_value=0,
        max_value=MOST_RECEIPT_DAYS,
        help_text=_("After they should have arrived, goods nobody counted count as received as sent; 0: never."),
    )
    photos = forms.BooleanField(
        label=_("Damaged or wrong goods need a photo"), required=False, help_text=_("Whoever counts them sends at least one with the line.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = visible(self.actor, Place, "inventory.manage_places").filter(kind=PlaceKind.STOCK, closed=False).order_by("code")
        self.fields["place"].queryset = mine  # type: ignore[attr-defined]


class ServingForm(Form):
    """Who is served out of which warehouses, in their order."""

    buyer = PickField(
        label=_("Buyer"), among=network.organisations, gives="code", few=0, required=False, help_text=_("Or one of the next three; nothing means everybody.")
    )
    group_id = forms.TypedChoiceField(label=_("Group of buyers"), required=False, coerce=int, empty_value=None)
    region_id = forms.TypedChoiceField(label=_("Region"), required=False, coerce=int, empty_value=None, help_text=_("With all below it."))
    area_code = forms.CharField(label=_("Area code"), max_length=12, required=False, help_text=_("The first digits are enough: 33 is all of Zhejiang."))
    places = forms.CharField(label=_("Warehouses in order"), max_length=200, help_text=_("Their codes, for example MAIN, NORTH."))
    splits = forms.BooleanField(
        label=_("A line may come out of several of them"),
        required=False,
        initial=True,
        help_text=_("Otherwise an order comes out of the first that has all of it."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = visible(self.actor, Place, "inventory.manage_places").filter(kind=PlaceKind.STOCK, closed=False).order_by("code").values_list("code", flat=True)
        self.fields["places"].help_text = _("Their codes: {codes}.").format(codes=", ".join(mine[:20]))
        groups = agreements.groups(self.actor).filter(owner_id=self.actor.org_id)
        regions = network.organisations(self.actor).filter(kind=OrgKind.REGION)[:500]
        for name, found in (("group_id", groups), ("region_id", regions)):
            self.fields[name].choices = [("", "—"), *((one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in found)]  # type: ignore[attr-defined]


class TrackForm(Form):
    """How long a product keeps that is tracked by lot."""

    shelf_days = forms.IntegerField(
        label=_("Shelf life in days"), min_value=1, max_value=MOST_KEEPS_DAYS, required=False, help_text=_("From the day it is made; empty: not known.")
    )


class HoldForm(Form):
    """Why goods are blocked or released."""

    reason = forms.CharField(label=_("Reason"), max_length=MOST_HELD, help_text=_("The warehouse reads it, and it stays in the log."))


class CountForm(Form):
    """What was counted, and why it differs."""

    counted = forms.DecimalField(label=_("Counted quantity"), min_value=0, max_digits=18, decimal_places=4)
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class OpeningForm(Form):
    """Where the opening stock lies; the lines stand below."""

    layout = "grid"

    place: forms.ModelChoiceField = forms.ModelChoiceField(label=_("Warehouse"), queryset=None)
    reason = forms.CharField(label=_("Reason"), max_length=500, help_text=_("It stays in the log, for example the number of the count sheet."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = visible(self.actor, Place, "inventory.receive").filter(kind=PlaceKind.STOCK, closed=False).order_by("code")
        self.fields["place"].queryset = mine  # type: ignore[attr-defined]


OPENING_LINES = (
    LineField("product", _("Product"), kind="product", required=True, placeholder=_("code")),
    LineField("qty", _("Quantity"), kind="qty", required=True),
    LineField("lot", _("Lot")),
    LineField("expires_on", _("Good until"), kind="day"),
)


SHIFT_LINES = OPENING_LINES[:3]


def opening_rows(rows: Sequence[dict[str, str]], actor: Actor) -> tuple[list[OpeningLine], list[tuple[int, str, Said]]]:
    """The good lines and, by row and column, what is wrong with the others. One statement for all codes; writes nothing."""
    codes = {row["product"].strip().upper() for row in rows}
    known = {code.upper(): pk for code, pk in products(actor).filter(code__in=codes).order_by().values_list("code", "pk")}
    good, faults = [], []
    for row in rows:
        line, number = int(row["row"]), number_of(row["qty"])
        product = known.get(row["product"].strip().upper())
        if product is None:
            faults.append((line, "product", say(Fault("inventory.no_product"))))
        until = row.get("expires_on", "")
        if until and not _day(until):
            faults.append((line, "expires_on", say(Fault("base.import_day", "", {"text": until}))))
        if not _fits(number):
            faults.append((line, "qty", say(Fault("inventory.quantity"))))
        elif product is not None and number is not None:
            good.append(OpeningLine(product, number, row.get("lot", "").strip()[: MOST_LOT + 1], _day(until)))
    return good, faults


def _day(text: str) -> date | None:
    """A day as the editor sends it; what is none was told at its cell."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _fits(number: Decimal | None) -> bool:
    try:
        check_quantities([(number or Decimal(0), None)])
    except Invalid:
        return False
    return True
