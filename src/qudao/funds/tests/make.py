"""Credit for tests, built through the actions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from qudao.agreements.actions import activate_agreement, draft_agreement
from qudao.agreements.models import Agreement
from qudao.agreements.rules import AgreementDraft
from qudao.base.access import system_actor
from qudao.base.action import unit
from qudao.base.invariants import offending
from qudao.base.subject import Subject
from qudao.funds import invariants
from qudao.funds.actions import LimitTerms, ensure_account, set_limit, shift
from qudao.funds.models import Account
from qudao.kernel import clock
from qudao.network.models import Organisation

T = TypeVar("T")


def in_unit(body: Callable[..., T], *args: object, **kwargs: object) -> T:
    """Call a part as an action of an upper module would, by the system."""
    return unit(lambda: body(*args, actor=system_actor(), **kwargs))


def order(n: int) -> Subject:
    return Subject("orders.order", n, number=f"SO-{n}")


def make_agreement(seller: Organisation, buyer: Organisation) -> Agreement:
    """An active agreement from today on."""
    draft = AgreementDraft(seller.pk, buyer.pk, f"A-{buyer.code}", clock.today())
    return activate_agreement(draft_agreement(draft, actor=system_actor()).pk, actor=system_actor())


def make_account(agreement: Agreement, terms: LimitTerms | None = None) -> Account:
    """The account of an agreement; with a limit of 1,000.00 unless terms are given."""
    account = in_unit(ensure_account, agreement.pk)
    return set_limit(account.pk, terms or LimitTerms(Decimal("1000.00")), "first limit", actor=system_actor())


def fill(agreement: Agreement, **buckets: str) -> None:
    """Bring amounts into buckets from outside."""
    in_unit(shift, agreement.pk, [(None, bucket, Decimal(amount)) for bucket, amount in buckets.items()], order(0))


def assert_sound() -> None:
    """Every invariant of credit holds."""
    for check in invariants.CHECKS:
        assert offending(check) == (0, []), check.name
