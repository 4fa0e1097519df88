"""Pure decisions about agreements and authorisations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from qudao.agreements.states import TRANSITIONS, AgreementState, InvoiceOn
from qudao.kernel.errors import Fault, Refused


@dataclass(frozen=True)
class AgreementDraft:
    """The terms two organisations agree on. `payment_days` after the invoice date; `valid_to` None = until ended, both days included.

    `prepaid`: the buyer pays before he orders; days of payment are then none, whatever is written there.
    """

    seller_id: int
    buyer_id: int
    code: str
    valid_from: date
    valid_to: date | None = None
    currency: str = "CNY"
    payment_days: int = 30
    invoice_on: str = InvoiceOn.RECEIPT
    tax_inclusive: bool = True
    channel: str = ""
    prepaid: bool = False


@dataclass(frozen=True)
class GroupDraft:
    """A group of buyers as its owner describes it."""

    code: str
    name: str
    name_en: str = ""


@dataclass(frozen=True)
class Grant:
    """What an authorisation covers: one product, a category with everything below it, or (neither) all products; `allowed` False forbids."""

    valid_from: date
    product_id: int | None = None
    category_id: int | None = None
    allowed: bool = True
    valid_to: date | None = None


def draft_faults(draft: AgreementDraft) -> list[Fault]:
    """Everything wrong with a draft, each fault at its field."""
    faults = []
    if draft.seller_id == draft.buyer_id:
        faults.append(Fault("agreements.same_sides", "buyer_id"))
    if not draft.code.strip():
        faults.append(Fault("agreements.code_missing", "code"))
    if draft.valid_to is not None and draft.valid_to < draft.valid_from:
        faults.append(Fault("agreements.span_wrong", "valid_to"))
    if not 0 <= draft.payment_days <= 365:
        faults.append(Fault("agreements.payment_days_wrong", "payment_days"))
    if not re.fullmatch(r"[A-Z]{3}", draft.currency):
        faults.append(Fault("agreements.currency_wrong", "currency"))
    if draft.invoice_on not in InvoiceOn.values:
        faults.append(Fault("agreements.invoice_on_wrong", "invoice_on"))
    return faults


def next_state(state: str, verb: str, code: str) -> str:
    """The state after a verb; raises Refused `agreements.state`."""
    after = TRANSITIONS.get((state, verb))
    if after is None:
        raise Refused("agreements.state", agreement=code, state=AgreementState(state).label)
    return after


def may_activate(code: str, valid_to: date | None, today: date) -> None:
    """An agreement whose last day is over cannot come alive; raises Refused `agreements.past`."""
    if valid_to is not None and valid_to < today:
        raise Refused("agreements.past", agreement=code, valid_to=valid_to)


def grant_faults(grant: Grant) -> list[Fault]:
    """Everything wrong with an authorisation, each fault at its field."""
    faults = []
    if grant.product_id is not None and grant.category_id is not None:
        faults.append(Fault("agreements.grant_target", "category_id"))
    if grant.valid_to is not None and grant.valid_to < grant.valid_from:
        faults.append(Fault("agreements.span_wrong", "valid_to"))
    return faults


def channel_of(text: str) -> str:
    """A channel as it is kept and compared: in lower case, one space between words."""
    return " ".join(text.lower().split())


def overlaps(one: tuple[date, date | None], other: tuple[date, date | None]) -> bool:
    """Whether two spans of days, both ends included, None = open, share a day."""
    return (one[1] is None or other[0] <= one[1]) and (other[1] is None or one[0] <= other[1])
