"""What a decision on an order asks for."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from qudao.agreements.queries import Agreement, agreements
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor
from qudao.base.files import KINDS
from qudao.base.html import figures
from qudao.base.html.forms import Form, LineField, number_of
from qudao.base.html.picks import PickField
from qudao.inventory.states import Short
from qudao.network.queries import Address, Organisation, unscoped_parties


class ReasonForm(Form):
    """A reason that the other side reads."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class DecideForm(ReasonForm):
    """A reason that the other side reads, of a decision on what was looked at."""

    seen = forms.IntegerField(required=False, label="", widget=forms.HiddenInput)


class FileForm(Form):
    """One file to attach."""

    file = forms.FileField(label=_("File"), widget=forms.ClearableFileInput(attrs={"accept": ",".join(f".{kind}" for kind in KINDS)}))


class AddressForm(Form):
    """One of the buyer's addresses."""

    address = forms.ChoiceField(label=_("Delivery address"), required=False)

    def __init__(self, *args: Any, known: Sequence[Address] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["address"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(one.pk), one.line) for one in known] or [("", _("The buyer's own address"))]


class ConfirmedForm(Form):
    """What an outside seller confirmed."""

    layout = "grid"

    promised_on = forms.DateField(label=_("Promised for"), widget=forms.DateInput(), help_text=_("The day on which the goods are here."))
    seller_number = forms.CharField(label=_("Seller's number"), max_length=40, required=False, help_text=_("The number the seller gave the order."))
    note = forms.CharField(label=_("Remark"), max_length=500, required=False)


class KeepForm(Form):
    """Until when goods are kept."""

    layout = "grid"

    until = forms.DateField(label=_("Goods kept until"), widget=forms.DateInput(), help_text=_("The last day; they are free for others on the next."))
    reason = forms.CharField(label=_("Remark"), max_length=500, required=False)


TRANSFER_LINES = (
    LineField("product", _("Product"), kind="product", required=True, placeholder=_("code")),
    LineField("qty", _("Quantity"), kind="qty", required=True),
)


def _sales(actor: Actor) -> QuerySet[Agreement]:
    """The agreements in force by which the own organisation sells."""
    return agreements(actor, state=AgreementState.ACTIVE, side="seller", transfers=False).order_by()


def buyers_of(actor: Actor) -> QuerySet[Organisation]:
    """Who buys from the own organisation now, by code."""
    return unscoped_parties(_sales(actor).values("buyer_id"))


class TransferForm(Form):
    """Who passes goods on to whom, both buyers of the own organisation."""

    layout = "grid"

    giver = PickField(label=_("Who gives the goods"), among=buyers_of, gives="pk", help_text=_("It is asked to accept, ships them and issues the invoice."))
    receiver = PickField(label=_("Who gets them"), among=buyers_of, gives="pk", help_text=_("It pays its own price of today with you."))
    #: asked only where a buyer has agreements in several
    currency = forms.ChoiceField(label=_("Currency"), required=False, help_text=_("Needed where the receiver buys from you in several."))
    requested_on = forms.DateField(label=_("Requested delivery"), required=False)
    short = forms.ChoiceField(label=_("If goods are short"), choices=Short.choices, required=False)
    note = forms.CharField(label=_("Note"), max_length=500, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = _sales(self.actor)
        if found.values("buyer").annotate(several=Count("pk")).filter(several__gt=1).exists():
            currencies = found.values_list("currency", flat=True).distinct().order_by("currency")
            self.fields["currency"].choices = [("", ""), *((one, one) for one in currencies)]  # type: ignore[attr-defined]
        else:
            del self.fields["currency"]


class AmendForm(Form):
    """The quantities of the lines, and products to add."""

    layout = "grid"

    added = forms.CharField(
        label=_("Products to add"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One a line: code and quantity in the base unit."),
    )
    reason = forms.CharField(label=_("Remark"), max_length=500, required=False)

    def __init__(self, *args: Any, lines: Sequence[Any] = (), **kwargs: Any) -> None:
        self.base_fields = {
            **{
                f"line_{line.pk}": forms.DecimalField(
                    label=f"{line.shown_name} {line.product.code}",
                    min_value=0,
                    max_digits=18,
                    decimal_places=4,
                    initial=f"{line.wanted.normalize():f}",
                    help_text=figures.qty(line.wanted, line.unit),
                )
                for line in lines
            },
            **type(self).base_fields,  # type: ignore[attr-defined]
        }
        super().__init__(*args, **kwargs)

    def clean_added(self) -> list[tuple[str, Decimal]]:
        """(code, quantity) of each line typed."""
        found = []
        for n, text in enumerate(self.cleaned_data["added"].splitlines(), 1):
            code, _space, qty = text.strip().rpartition(" ")
            number = number_of(qty)
            if text.strip() and (not code or number is None):
                raise forms.ValidationError(_("Line {n}: give a code and a quantity.").format(n=n))
            if code and number is not None:
                found.append((code.strip(), number))
        return found


class SplitForm(Form):
    """How much of each line becomes an order of its own, for which day, and where it goes."""

    layout = "grid"

    requested_on = forms.DateField(label=_("Wanted on"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    address = forms.ChoiceField(label=_("Delivery address"), required=False)
    reason = forms.CharField(label=_("Remark"), max_length=500, required=False)

    def __init__(self, *args: Any, lines: Sequence[tuple[Any, Decimal]] = (), known: Sequence[Address] = (), **kwargs: Any) -> None:
        self.base_fields = {
            **{
                f"line_{line.pk}": forms.DecimalField(
                    label=f"{line.shown_name} {line.product.code}",
                    min_value=0,
                    max_value=most,
                    max_digits=18,
                    decimal_places=4,
                    initial=0,
                    help_text=_("of {qty}").format(qty=figures.qty(most, line.unit)),
                )
                for line, most in lines
            },
            **type(self).base_fields,  # type: ignore[attr-defined]
        }
        super().__init__(*args, **kwargs)
        field = self.fields["address"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("As the order")), *((str(one.pk), one.line) for one in known)]


class MonthsForm(Form):
    """Over how many months purchases count."""

    months = forms.IntegerField(label=_("Months"), min_value=1, max_value=60, initial=12)


class RemarkForm(Form):
    """A remark one may leave."""

    reason = forms.CharField(label=_("Remark"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class ApproveForm(RemarkForm):
    """A remark, and what happens when goods or only credit are missing."""

    short = forms.ChoiceField(label=_("If goods are short"), choices=[("", _("As the order says")), *Short.choices], required=False)
    seen = forms.IntegerField(required=False, label="", widget=forms.HiddenInput)
    may_wait = forms.BooleanField(label=_("If only credit is missing, keep the order; it is confirmed by itself when money arrives"), required=False)
