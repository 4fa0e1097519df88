"""The page on which a debt is paid from the deposit of a buyer."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html import figures
from qudao.base.html.pages import ActionPage
from qudao.funds.queries import accounts
from qudao.ledger.queries import open_items
from qudao.ledger.states import Side
from qudao.payments import actions
from qudao.payments.forms import DeductionForm


class Deduction(ActionPage):
    """What the buyer owes is paid from the deposit."""

    verb = "payments.deduct"
    query = accounts
    title = submit = gettext_lazy("Pay a debt from the deposit")
    said = gettext_lazy("It is deducted.")
    danger = True
    above = "fund"

    def form(self, *args: Any, **kwargs: Any) -> DeductionForm:  # type: ignore[override]
        made = DeductionForm(*args, **kwargs)
        obj = self.find(**self.kwargs)
        found = open_items(self.actor, self.actor.org_id, side=Side.RECEIVABLE, counterparty_id=obj.buyer_id).filter(subject_kind="billing.invoice")
        choices = [(item.subject_id, f"{item.number} {figures.money(item.open_amount, item.currency)}") for item in found.filter(currency=obj.currency)[:200]]
        made.fields["invoice_id"].choices = [("", "—"), *choices]  # type: ignore[attr-defined]
        return made

    def initial(self, obj: Any) -> dict[str, Any]:
        return {}

    def says(self, obj: Any) -> Any:
        return _("{held} are held. What is deducted pays invoices in both books and cannot be taken back.").format(
            held=figures.money(obj.deposit_held, obj.currency)
        )

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        asked = (cleaned["amount"], cleaned["reason"], cleaned["invoice_id"])
        return actions.deduct_deposit(obj.pk, *asked, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]
