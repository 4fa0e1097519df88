"""What people write about money."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Count, QuerySet
from django.utils.translation import gettext_lazy as _

from qudao.agreements.queries import Agreement, agreements
from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.forms import Form, LineEditor, LineField
from qudao.base.html.picks import PickField
from qudao.base.html.tables import by_language, join
from qudao.billing.queries import InvoiceLine
from qudao.kernel import clock
from qudao.network.queries import Organisation, organisations, unscoped_parties
from qudao.payments.queries import paid_for, payers_to
from qudao.payments.rules import MAX_TEXT, CreditAsk, Open, match
from qudao.payments.states import PAID_BY, Reason


def _trades(actor: Actor, side: str) -> QuerySet[Agreement]:
    """The agreements in which the own organisation is the seller or the buyer, and money may be open."""
    return agreements(actor, side=side).exclude(state="draft")


def partners_of(actor: Actor, side: str) -> QuerySet[Organisation]:
    """The organisations on the other side of these agreements, by code."""
    other = "buyer_id" if side == "seller" else "seller_id"
    return unscoped_parties(_trades(actor, side).order_by().values(other))


class _PaymentForm(Form):
    """A payment between the own organisation and a partner of an agreement."""

    layout = "grid"
    #: the side of the own organisation
    side = "seller"
    other = "buyer"

    partner = PickField(label=_("Buyer"), among=lambda actor: partners_of(actor, "seller"), gives="pk")
    amount = forms.DecimalField(label=_("Amount"), min_value=Decimal("0.01"), max_digits=18, decimal_places=2)
    #: asked only of somebody who trades with one of them in several
    currency = forms.ChoiceField(label=_("Currency"), required=False, help_text=_("Needed where you trade with it in several."))
    paid_on = forms.DateField(label=_("Paid on"), widget=forms.DateInput)
    method = forms.ChoiceField(label=_("Method"), choices=[(method.value, method.label) for method in PAID_BY])
    reference = forms.CharField(
        label=_("Reference"), max_length=MAX_TEXT, required=False, help_text=_("As on the bank statement. Invoice numbers in it decide what is paid.")
    )
    note = forms.CharField(label=_("Note"), max_length=MAX_TEXT, required=False)
    #: ids of the invoices it is meant for, chosen on the account page
    invoices = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_invoices(self) -> list[int]:
        """The ids; anything else is left out."""
        return [int(word) for word in self.cleaned_data["invoices"].split(",") if word.isdigit()]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["paid_on"].initial = clock.today()
        trades = _trades(self.actor, self.side).order_by()
        if trades.values(self.other).annotate(several=Count("currency", distinct=True)).filter(several__gt=1).exists():
            currencies = trades.values_list("currency", flat=True).distinct().order_by("currency")
            self.fields["currency"].choices = [("", "—"), *((one, one) for one in currencies)]  # type: ignore[attr-defined]
        else:
            del self.fields["currency"]


class RecordForm(_PaymentForm):
    """Money the own organisation received."""

    apply = forms.BooleanField(
        label=_("Apply at once"), required=False, initial=True, help_text=_("First what the reference names, then the only exact amount, then the oldest due.")
    )
    field_order = ("partner", "amount", "currency", "paid_on", "method", "reference", "note", "apply")


class AnnounceForm(_PaymentForm):
    """Money the own organisation has sent."""

    side, other = "buyer", "seller"

    partner = PickField(label=_("Seller"), among=lambda actor: partners_of(actor, "buyer"), gives="pk")


def chosen_for(debts: Sequence[Open], invoice_ids: Sequence[int], amount: Decimal | None = None) -> list[tuple[int, Decimal]]:
    """(invoice id, amount) that `amount` pays of the chosen invoices, oldest due first; all that is open of them without an amount."""
    found, left = [], amount
    for debt in (d for d in debts if d.id in set(invoice_ids)):
        part = debt.open if left is None else min(debt.open, left)
        if part > 0:
            found.append((debt.id, part))
        left = None if left is None else left - part
    return found


def meant_for(debts: Sequence[Open], invoice_ids: Sequence[int]) -> dict[str, Any]:
    """What the form shows first for chosen invoices: their sum, and their numbers as the reference while they fit."""
    chosen = [d for d in debts if d.id in set(invoice_ids)]
    reference = ""
    for debt in chosen:
        longer = f"{reference} {debt.number}".strip()
        if len(longer) > MAX_TEXT:
            break
        reference = longer
    total = sum((d.open for d in chosen), Decimal(0))
    return {"amount": total, "reference": reference, "invoices": ",".join(str(d.id) for d in chosen)} if chosen else {}


class _PoolForm(Form):
    """One payment of a head office for its branches."""

    layout = "grid"

    partner = forms.TypedChoiceField(label=_("Payer"), coerce=int)
    amount = forms.DecimalField(label=_("Amount"), min_value=Decimal("0.01"), max_digits=18, decimal_places=2)
    currency = forms.CharField(label=_("Currency"), max_length=3, required=False, help_text=_("Only where the branches have several."))
    paid_on = forms.DateField(label=_("Paid on"), widget=forms.DateInput)
    method = forms.ChoiceField(label=_("Method"), choices=[(method.value, method.label) for method in PAID_BY])
    reference = forms.CharField(
        label=_("Reference"),
        max_length=MAX_TEXT,
        required=False,
        help_text=_("Invoice numbers in it decide what is paid; else the oldest due of all branches."),
    )
    note = forms.CharField(label=_("Note"), max_length=MAX_TEXT, required=False)
    rest = forms.TypedChoiceField(
        label=_("What is left is kept for"), coerce=int, required=False, empty_value=None, help_text=_("Empty: the branch with the oldest due.")
    )

    def choose(self, partners: dict[int, Any], branches: dict[int, Any]) -> None:
        """Offer these organisations."""
        named = [
            sorted(((pk, f"{one.code} {by_language(one.name, one.name_en)}") for pk, one in found.items()), key=lambda item: item[1])
            for found in (partners, branches)
        ]
        self.fields["partner"].choices = named[0] if len(named[0]) == 1 else [("", "—"), *named[0]]  # type: ignore[attr-defined]
        self.fields["rest"].choices = [("", "—"), *named[1]]  # type: ignore[attr-defined]
        self.fields["paid_on"].initial = clock.today()


class PoolForm(_PoolForm):
    """Money that the own organisation received from a head office."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = list(payers_to(self.actor))
        self.choose({one.payer_id: one.payer for one in found}, {one.agreement.buyer_id: one.agreement.buyer for one in found})


class PoolAnnounceForm(_PoolForm):
    """Money that the own organisation sent for its branches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["partner"].label = _("Seller")
        found = [one.agreement for one in paid_for(self.actor)]
        self.choose({one.seller_id: one.seller for one in found}, {one.buyer_id: one.buyer for one in found})


class PayerForm(Form):
    """Who pays what is invoiced under an agreement."""

    payer = PickField(
        label=_("Payer"), among=organisations, gives="pk", required=False, help_text=_("An organisation above the buyer. Empty: the buyer pays itself.")
    )


class ReasonForm(Form):
    """A reason that the other side reads."""

    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class NoteForm(Form):
    """A note for those who look later."""

    note = forms.CharField(label=_("Note"), max_length=MAX_TEXT, required=False)


class DeductionForm(Form):
    """What of a debt is paid from the deposit, and why."""

    amount = forms.DecimalField(label=_("Amount"), max_digits=18, decimal_places=2, min_value=0)
    invoice_id = forms.TypedChoiceField(label=_("Invoice"), required=False, coerce=int, empty_value=None, help_text=_("Empty: the oldest due first."))
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("The buyer reads it."))


class RefundForm(Form):
    """How much goes back, and what the bank is told."""

    amount = forms.DecimalField(label=_("Amount"), min_value=Decimal("0.01"), max_digits=18, decimal_places=2)
    note = forms.CharField(label=_("Reference"), max_length=MAX_TEXT, required=False, help_text=_("The buyer reads it on the bank statement."))


class LimitForm(Form):
    """Up to how much a difference is small."""

    currency = forms.CharField(label=_("Currency"), max_length=3)
    amount = forms.DecimalField(label=_("Up to"), min_value=Decimal(0), max_digits=18, decimal_places=2)


APPLY_LINES = (
    LineField("invoice", _("Invoice"), kind="show", width="w-m"),
    LineField("due", _("Due"), kind="figure"),
    LineField("open", _("Still to pay"), kind="figure"),
    LineField("amount", _("Apply"), kind="money"),
)


def apply_editor(debts: Sequence[Open], left: Decimal, reference: str, data: Any = None) -> LineEditor:
    """One row for each open invoice, with what the rules suggest."""
    suggested = {a.invoice_id: a.amount for a in match(left, debts, reference)}
    rows: list[dict[str, Any]] = [
        {
            "ref": debt.id,
            "invoice": debt.number,
            "due": figures.day(debt.due_on),
            "open": figures.amount(debt.open),
            "amount": str(suggested[debt.id]) if debt.id in suggested else "",
        }
        for debt in debts
    ]
    editor = LineEditor(APPLY_LINES, data=data, initial=rows, fixed=True)
    known = {str(row["ref"]): row for row in rows}
    for line in editor.lines:
        line.shown = known.get(line.ref, {})
    return editor


def chosen_of(editor: LineEditor) -> list[tuple[int, Decimal]]:
    """(invoice id, amount) of the rows with an amount, from a valid editor."""
    return [(int(line.ref), line.clean["amount"]) for line in editor.lines if line.clean.get("amount")]


class CreditForm(Form):
    """Why a part of an invoice goes back."""

    layout = "grid"

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose…")), *Reason.choices])
    note = forms.CharField(label=_("Note"), max_length=MAX_TEXT, required=False, help_text=_("The buyer reads it."))


CREDIT_LINES = (
    LineField("product", _("Product"), kind="show", width="w-l"),
    LineField("invoiced", _("Invoiced"), kind="figure", hide_on_phone=True),
    LineField("left", _("Can be credited"), kind="figure"),
    LineField("qty", _("Quantity back"), kind="qty"),
    LineField("amount", _("or amount (incl. tax)"), kind="money"),
)


def credit_editor(lines: Sequence[InvoiceLine], data: Any = None) -> LineEditor:
    """One row for each line of an invoice of which something is left, nothing filled in."""
    rows: list[dict[str, Any]] = []
    for line in lines:
        if line.credited < line.gross:
            left = join(figures.qty(line.qty - line.credited_qty, line.unit), figures.amount(line.gross - line.credited))
            told = f"{by_language(line.product.name, line.product.name_en)} {line.product.code}"
            rows.append({"ref": line.pk, "product": told, "invoiced": figures.qty(line.qty, line.unit), "left": left})
    editor = LineEditor(CREDIT_LINES, data=data, initial=rows, fixed=True)
    known = {str(one["ref"]): one for one in rows}
    for row in editor.lines:
        row.shown = known.get(row.ref, {})
    return editor


def asked_of(editor: LineEditor) -> list[CreditAsk]:
    """What a valid editor asks to credit; rows left blank are left out."""
    return [CreditAsk(int(line.ref), line.clean.get("qty"), line.clean.get("amount")) for line in editor.lines if not line.blank]
