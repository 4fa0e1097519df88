"""How the portal shows figures of lower modules: the credit of an account as the meter of every screen."""

from __future__ import annotations

from typing import Any

from qudao.base.html.meters import Meter
from qudao.funds.queries import CreditCard


def meter_of(card: CreditCard, this: Any) -> Meter:
    """The credit meter of an account, with the amount of the order being decided."""
    position = card.position
    overdue = min(position.overdue, position.invoiced)
    return Meter(
        limit=position.limit, temp_limit=card.limit - position.limit, temp_until=position.temp_until, overdue=overdue,
        invoiced=position.invoiced - overdue, shipped=position.shipped, ordered=position.ordered, unapplied=position.unapplied,
        this=this, currency=card.currency,
    )  # fmt: skip
