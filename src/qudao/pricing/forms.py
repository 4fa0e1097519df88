"""What people write about prices."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.agreements import queries as agreements
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor
from qudao.base.html.forms import Form
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language
from qudao.catalog import queries as products
from qudao.kernel import clock
from qudao.network import queries as network
from qudao.network.states import OrgKind


class ListForm(Form):
    """A price list; currency and tax are chosen once."""

    layout = "grid"

    code = forms.CharField(label=_("Code"), max_length=64)
    name = forms.CharField(label=_("Name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=120, required=False)
    is_base = forms.BooleanField(label=_("Base list"), required=False, help_text=_("What a buyer pays when nothing else says otherwise."))
    mixes = forms.BooleanField(label=_("Mixed quantities"), required=False, help_text=_("Quantity prices count all products of the list in an order together."))


class NewListForm(ListForm):
    """A new price list; who keeps an outside supplier may make one of what it charges."""

    owner = forms.TypedChoiceField(label=_("Prices of"), coerce=int, required=False, empty_value=None)
    currency = forms.CharField(label=_("Currency"), min_length=3, max_length=3, initial="CNY")
    tax_inclusive = forms.BooleanField(label=_("Prices include tax"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.actor.stands_for:
            del self.fields["owner"]
            return
        known = sorted(network.unscoped_cards(self.actor.stands_for).values(), key=lambda one: one.code)
        suppliers = [(str(one.id), f"{one.code} {by_language(one.name, one.name_en)}") for one in known]
        self.fields["owner"].choices = [("", _("Own organisation")), *suppliers]  # type: ignore[attr-defined]


class PriceForm(Form):
    """A price of a product."""

    product_code = PickField(label=_("Product"), kind="catalog.product", among=products.products, gives="pk", few=0)
    amount = forms.DecimalField(label=_("Price"), max_digits=18, decimal_places=6, help_text=_("For one base unit."))
    min_qty = forms.DecimalField(label=_("From quantity"), max_digits=18, decimal_places=4, initial=0)
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)
    valid_to = forms.DateField(
        label=pgettext_lazy("validity", "To"), required=False, help_text=_("Empty: until the next price. After a temporary price the old one goes on.")
    )


class SpecialForm(PriceForm):
    """A price for one buyer."""

    reason = forms.CharField(label=_("Reason"), max_length=500)


class EndForm(Form):
    """The last day of a price."""

    last_day = forms.DateField(label=_("Last day"), initial=clock.today)
    reason = forms.CharField(label=_("Reason"), max_length=500, required=False)


class ReasonForm(Form):
    """Why."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


def _own_sales(actor: Actor) -> QuerySet[agreements.Agreement]:
    """The agreements by which the own organisation sells, without those that ended."""
    return agreements.agreements(actor, side="seller", transfers=False).exclude(state=AgreementState.ENDED)


class AssignForm(Form):
    """Which buyer pays by the list."""

    agreement = PickField(label=_("Agreement"), of="buyer", among=_own_sales)
    priority = forms.IntegerField(label=_("Priority"), initial=0, help_text=_("Of several lists that with the larger number goes first."))


class RateForm(Form):
    """What a currency is worth in another."""

    layout = "grid"

    from_currency = forms.CharField(label=_("From currency"), min_length=3, max_length=3, help_text=_("That of the price list."))
    to_currency = forms.CharField(label=_("To currency"), min_length=3, max_length=3, help_text=_("That of the agreement."))
    rate = forms.DecimalField(label=_("Exchange rate"), max_digits=18, decimal_places=6, help_text=_("What one of the first is worth in the second."))
    day = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today, help_text=_("It counts until the next rate."))


class LevelForm(Form):
    """Which buyers pay by the list: those of a group, or those of a region and channel."""

    layout = "grid"

    group_id = forms.TypedChoiceField(label=_("Group of buyers"), required=False, coerce=int, empty_value=None)
    region_id = forms.TypedChoiceField(label=_("Region"), required=False, coerce=int, empty_value=None, help_text=_("With all below it; not beside a group."))
    area_code = forms.CharField(label=_("Area code"), max_length=12, required=False, help_text=_("The first digits are enough: 33 is all of Zhejiang."))
    channel = forms.CharField(label=_("Channel"), max_length=40, required=False, help_text=_("As the agreements of these buyers name it."))
    priority = forms.IntegerField(label=_("Priority"), initial=0, help_text=_("Of several lists that with the larger number goes first."))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups = agreements.groups(self.actor).filter(owner_id=self.actor.org_id)
        regions = network.organisations(self.actor).filter(kind=OrgKind.REGION)[:500]
        for name, found in (("group_id", groups), ("region_id", regions)):
            self.fields[name].choices = [("", "—"), *((one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in found)]  # type: ignore[attr-defined]


class ChangeForm(Form):
    """What a change of prices is about, and on which days."""

    title = forms.CharField(label=_("What it is about"), max_length=120)
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)
    valid_to = forms.DateField(
        label=pgettext_lazy("validity", "To"), required=False, help_text=_("Empty: until the next price. After a temporary price the old one goes on.")
    )


class BlockForm(Form):
    """Prices as a block pasted from a sheet, or as a file."""

    block = forms.CharField(label=_("Product code, price, from quantity (may be empty); a row each"), required=False, widget=forms.Textarea(attrs={"rows": 10}))
    file = forms.FileField(label=_("Or a file (xlsx or csv) with these columns"), required=False)


class PercentForm(Form):
    """All prices of the list by some per cent."""

    percent = forms.DecimalField(label=_("Per cent (-5 = lower)"), max_digits=7, decimal_places=3)
    places = forms.TypedChoiceField(label=_("Rounded to"), coerce=int, choices=[(2, "0.01"), (1, "0.1"), (0, "1"), (-1, "10")], initial=2)
    search = forms.CharField(label=_("Only products with (empty: all)"), max_length=80, required=False)
