"""What a decision on an order asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from qudao.base.files import KINDS
from qudao.base.html.forms import Form
from qudao.inventory.states import Short
from qudao.network.queries import Address


class ReasonForm(Form):
    """A reason that the other side reads."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


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


class RemarkForm(Form):
    """A remark one may leave."""

    reason = forms.CharField(label=_("Remark"), max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}))


class ApproveForm(RemarkForm):
    """A remark, and what happens when goods or only credit are missing."""

    short = forms.ChoiceField(label=_("If goods are short"), choices=[("", _("As the order says")), *Short.choices], required=False)
    may_wait = forms.BooleanField(label=_("If only credit is missing, keep the order; it is confirmed by itself when money arrives"), required=False)
