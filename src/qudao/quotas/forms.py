"""What a declaration of scarce goods asks for."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.html import figures
from qudao.base.html.forms import Form, number_of
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language
from qudao.catalog.queries import products
from qudao.quotas.models import Share
from qudao.quotas.states import Unused


class QuotaTerms(Form):
    """What of a quota can be changed."""

    layout = "grid"

    total = forms.DecimalField(
        label=_("Quantity"), min_value=0, max_digits=18, decimal_places=4, required=False, help_text=_("In the base unit; empty: what is on hand now.")
    )
    valid_to = forms.DateField(label=pgettext_lazy("quota", "To"), help_text=_("The last day."))
    unused = forms.ChoiceField(label=_("What is unused"), choices=Unused.choices)
    release_on = forms.DateField(label=_("Released on"), required=False, help_text=_("Only if it is released."))


class QuotaForm(QuotaTerms):
    """A product that is scarce for some days."""

    product = PickField(label=_("Product"), kind="catalog.product", among=products, gives="pk", few=0)
    valid_from = forms.DateField(label=pgettext_lazy("quota", "From"))
    as_before = forms.BooleanField(label=_("With the shares of the period before"), required=False, initial=True)

    field_order = ("product", "valid_from", "valid_to", "total", "unused", "release_on", "as_before")


def _holder(share: Any) -> str:
    """Whose share it is, by name and code."""
    who = share.group or share.buyer
    return f"{by_language(who.name, who.name_en)} {who.code}"


class SharesForm(Form):
    """How much each holder has, and holders to add."""

    layout = "grid"

    added = forms.CharField(
        label=_("Who else has a share"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=_("One a line: the code of a group of buyers or of a buyer, and the quantity."),
    )

    def __init__(self, *args: Any, shares: Sequence[Share] = (), unit: str = "", **kwargs: Any) -> None:
        self.base_fields = {
            **{
                f"share_{one.pk}": forms.DecimalField(
                    label=_holder(one),
                    min_value=0,
                    max_digits=18,
                    decimal_places=4,
                    initial=f"{one.qty.normalize():f}",
                    help_text=_("{taken} are ordered").format(taken=figures.qty(one.taken, unit)),
                )
                for one in shares
            },
            **type(self).base_fields,  # type: ignore[attr-defined]
        }
        super().__init__(*args, **kwargs)

    def clean_added(self) -> dict[str, Decimal]:
        """Code → quantity of each line typed."""
        found: dict[str, Decimal] = {}
        for n, text in enumerate(self.cleaned_data["added"].splitlines(), 1):
            code, _space, qty = text.strip().rpartition(" ")
            number = number_of(qty)
            if text.strip() and (not code or number is None):
                raise forms.ValidationError(_("Line {n}: give a code and a quantity.").format(n=n))
            if code and number is not None:
                found[code.strip()] = number
        return found
