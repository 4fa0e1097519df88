"""What people write about products."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.html.forms import Form
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language
from qudao.catalog import queries
from qudao.catalog.rules import ProductDraft
from qudao.catalog.states import MOST_LEAD_DAYS
from qudao.kernel import clock

#: the fields of a product that choose something of its owner's, and what there is to choose
KINDS = (("category_id", queries.categories), ("brand_id", queries.brands), ("tax_class_id", queries.tax_classes))


class ProductForm(Form):
    """The description of a product."""

    layout = "grid"

    code = forms.CharField(label=_("Code"), max_length=64, help_text=_("Short and lasting; it stands on documents."))
    name = forms.CharField(label=_("Name"), max_length=200)
    name_en = forms.CharField(label=_("English name"), max_length=200, required=False)
    gtin = forms.CharField(label=_("Barcode"), max_length=20, required=False, help_text=_("GTIN with 8, 12, 13 or 14 digits."))
    category_id = forms.TypedChoiceField(label=_("Category"), required=False, coerce=int, empty_value=None)
    brand_id = forms.TypedChoiceField(label=_("Brand"), required=False, coerce=int, empty_value=None)
    unit = forms.CharField(label=_("Base unit"), max_length=20, help_text=_("Stock and prices are kept in it."))
    tax_rate = forms.DecimalField(label=_("Tax rate"), max_digits=5, decimal_places=4, initial=Decimal("0.13"), help_text=_("13 % is written 0.13."))
    tax_class_id = forms.TypedChoiceField(label=_("Tax class"), required=False, coerce=int, empty_value=None, help_text=_("Its rate is taken."))
    min_qty = forms.DecimalField(label=_("Smallest quantity"), max_digits=18, decimal_places=4, initial=0)
    pack_multiple = forms.DecimalField(label=_("Quantity step"), max_digits=18, decimal_places=4, initial=1, help_text=_("Ordered in whole multiples of it."))
    max_qty = forms.DecimalField(
        label=_("Largest quantity"), max_digits=18, decimal_places=4, initial=0, required=False, help_text=_("Of one order; 0: as much as one likes.")
    )
    lead_days = forms.IntegerField(
        label=_("Lead time"),
        min_value=0,
        max_value=MOST_LEAD_DAYS,
        initial=0,
        required=False,
        help_text=_("Working days until it leaves; 0: as the terms say."),
    )

    weight = forms.DecimalField(
        label=_("Weight"), max_digits=14, decimal_places=4, initial=0, required=False, help_text=_("Kilograms of one base unit; 0: not known.")
    )
    volume = forms.DecimalField(
        label=_("Volume"), max_digits=14, decimal_places=6, initial=0, required=False, help_text=_("Cubic metres of one base unit; 0: not known.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, found in KINDS:
            own = found(self.actor).filter(owner_id=self.actor.org_id)
            self.fields[name].choices = [("", "—"), *((one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in own)]  # type: ignore[attr-defined]

    @staticmethod
    def draft(cleaned: dict[str, Any]) -> ProductDraft:
        """The cleaned description."""
        usual = {name: cleaned[name] or Decimal(0) for name in ("weight", "volume", "max_qty")}
        return ProductDraft(**cleaned | usual | {"lead_days": cleaned["lead_days"] or 0})


class PackForm(Form):
    """A larger unit of a product."""

    name = forms.CharField(label=_("Name of the pack"), max_length=40, help_text=_("An existing name changes that pack."))
    name_en = forms.CharField(label=_("English name"), max_length=40, required=False)
    factor = forms.DecimalField(label=_("Base units in one"), max_digits=18, decimal_places=4)
    gtin = forms.CharField(label=_("Barcode"), max_length=20, required=False)


class PictureForm(Form):
    """A picture to send; it is drawn anew before it is kept."""

    picture = forms.FileField(
        label=_("Picture"), widget=forms.ClearableFileInput(attrs={"accept": "image/*"}), help_text=_("JPEG, PNG or WebP; kept as 480 pixels without metadata.")
    )


class ReasonForm(Form):
    """A reason that stays in the log."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class CategoryForm(Form):
    """A category of the own catalogue."""

    code = forms.CharField(label=_("Code"), max_length=64)
    name = forms.CharField(label=_("Name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=120, required=False)
    parent_id = forms.TypedChoiceField(label=_("Under"), required=False, coerce=int, empty_value=None)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = queries.categories(self.actor).filter(owner_id=self.actor.org_id)
        self.fields["parent_id"].choices = [("", "—"), *((one.pk, f"{one.code} {by_language(one.name, one.name_en)}") for one in own)]  # type: ignore[attr-defined]


class BrandForm(Form):
    """A brand of the own catalogue."""

    code = forms.CharField(label=_("Code"), max_length=64)
    name = forms.CharField(label=_("Name"), max_length=120)
    name_en = forms.CharField(label=_("English name"), max_length=120, required=False)


class SuccessorForm(Form):
    """What takes the place of a product."""

    product_code = PickField(label=_("Product"), kind="catalog.product", among=queries.products, gives="pk", few=0)
    valid_from = forms.DateField(
        label=pgettext_lazy("validity", "From"), initial=clock.today, help_text=_("From this day on the successor is offered instead.")
    )


class EquivalentForm(Form):
    """What can stand in for a product."""

    product_code = PickField(
        label=_("Product"),
        kind="catalog.product",
        among=queries.products,
        gives="pk",
        few=0,
        help_text=_("All that stand in for either of the two then stand in for one another."),
    )


class CostForm(Form):
    """What a base unit costs from a day on."""

    amount = forms.DecimalField(
        label=_("Cost"),
        max_digits=18,
        decimal_places=6,
        min_value=0,
        help_text=_("Of one base unit, without tax. Only those of your organisation who may see costs read it."),
    )
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)


class TaxRateForm(Form):
    """A rate from a day on."""

    rate = forms.DecimalField(label=_("Tax rate"), max_digits=5, decimal_places=4, help_text=_("13 % is written 0.13."))
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)


class TaxClassForm(BrandForm):
    """A tax class with its first rate."""

    rate = forms.DecimalField(label=_("Tax rate"), max_digits=5, decimal_places=4, help_text=_("13 % is written 0.13."))
    valid_from = forms.DateField(label=pgettext_lazy("validity", "From"), initial=clock.today)
    exempt = forms.BooleanField(label=_("Exempt"), required=False)
