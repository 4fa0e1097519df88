"""Money that was recorded by mistake is withdrawn: by payment, and by payment of a head office with all its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html.pages import ActionPage, Button
from qudao.payments import actions, queries, rules
from qudao.payments.forms import ReasonForm
from qudao.payments.models import Payment, Pool
from qudao.payments.states import State


class Withdraw(ActionPage):
    """A payment of which nothing is applied."""

    verb = "payments.record"
    query = queries.payments
    form = ReasonForm  # type: ignore[assignment]
    title = submit = gettext_lazy("Withdraw")
    said = gettext_lazy("The payment is withdrawn.")
    above = "payment"
    danger = True

    def says(self, obj: Any) -> Any:
        return _("For money that was recorded by mistake. Both books get the opposite entry today; the other side reads the reason.")

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.withdraw_payments([obj.pk], cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return self.back


class WithdrawPool(Withdraw):
    """A payment of a head office with all its parts."""

    query = queries.pools  # type: ignore[assignment]
    above = "pool"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.withdraw_payments([], cleaned["reason"], [obj.pk], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


def withdrawing(payment: Payment) -> list[Button]:
    """The seller's way to withdraw a payment, if it can be withdrawn."""
    return [] if rules.withdraw_fault(payment) else [_button("payment_withdrawal", payment.pk)]


def withdrawing_pool(pool: Pool, parts: Sequence[Payment]) -> list[Button]:
    """The same of a payment of a head office."""
    able = pool.state == State.RECEIVED and not any(rules.withdraw_fault(one, whole=True) for one in parts)
    return [_button("pool_withdrawal", pool.pk)] if able else []


def _button(place: str, pk: int) -> Button:
    return Button(_("Withdraw"), reverse(place, args=[pk]), "x", verb="payments.record", danger=True, ask=True)


routes = [
    path("payments/<int:pk>/withdrawal", Withdraw.as_view(), name="payment_withdrawal"),
    path("pooled-payments/<int:pk>/withdrawal", WithdrawPool.as_view(), name="pool_withdrawal"),
]
