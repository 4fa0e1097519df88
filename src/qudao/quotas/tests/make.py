"""Quotas for tests, made through the actions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from qudao.base.access import system_actor
from qudao.kernel import clock
from qudao.network.models import Organisation
from qudao.quotas import actions
from qudao.quotas.models import Quota
from qudao.quotas.rules import Holder, QuotaDraft


def make_quota(seller: Organisation, product_id: int, total: int | None, shares: Mapping[Any, int] | None = None, **facts: Any) -> Quota:
    """A quota of ten days from today, with shares by group or organisation."""
    first: date = facts.pop("valid_from", clock.today())
    facts.setdefault("valid_to", first + timedelta(days=9))
    draft = QuotaDraft(product_id, first, total=None if total is None else Decimal(total), **facts)
    made = actions.declare_quota(seller.pk, draft, actor=system_actor())
    wanted = {Holder(buyer_id=who.pk) if isinstance(who, Organisation) else Holder(group_id=who.pk): Decimal(qty) for who, qty in (shares or {}).items()}
    return actions.set_shares(made.pk, wanted, actor=system_actor()) if wanted else made
