"""Prices for tests, made through the actions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from qudao.agreements.tests.make import START
from qudao.base.access import Actor, system_actor
from qudao.network.models import Organisation
from qudao.pricing import actions
from qudao.pricing.actions import ListDraft
from qudao.pricing.models import Price, PriceList, SpecialPrice
from qudao.pricing.rules import PriceDraft, SpecialDraft


def make_list(owner: Organisation, code: str, *, actor: Actor | None = None, **facts: Any) -> PriceList:
    """An empty list named after its code, in CNY, tax inclusive."""
    return actions.create_list(owner.pk, ListDraft(code, f"价目 {code}", **facts), actor=actor or system_actor())


def make_price(price_list: PriceList, product_id: int, amount: str, min_qty: str = "0", *, since: date = START, **facts: Any) -> Price:
    """A price from the start of 2026 on."""
    return actions.set_price(price_list.pk, PriceDraft(product_id, Decimal(amount), since, min_qty=Decimal(min_qty), **facts), actor=system_actor())


def make_special(agreement_id: int, product_id: int, amount: str, *, since: date = START, **facts: Any) -> SpecialPrice:
    """A special price from the start of 2026 on."""
    return actions.grant_special_price(SpecialDraft(agreement_id, product_id, Decimal(amount), since, **facts), actor=system_actor())
