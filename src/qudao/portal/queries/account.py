"""The account with one other organisation, as either side sees it: balance, what is open by age, credit, unapplied payments, statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from qudao.base.access import Actor, visible
from qudao.funds.models import Account as CreditAccount
from qudao.funds.queries import CreditCard, unscoped_agreements, unscoped_card_of
from qudao.kernel.errors import NotFound
from qudao.kernel.money import ZERO
from qudao.kernel.period import DateSpan
from qudao.ledger import queries as ledger
from qudao.ledger.models import OpenItem
from qudao.ledger.states import SIDE_ACCOUNTS, Side
from qudao.network.models import Organisation
from qudao.payments.models import Payment
from qudao.payments.queries import payments
from qudao.payments.states import UNAPPLIED, State

#: open items and payments of one page
MOST = 200


@dataclass(frozen=True)
class Whose:
    """One account: the books of the actor's own organisation with `other`, on one side, in one currency; which others there are to choose."""

    other: Organisation
    side: str
    currency: str
    sides: list[str]
    owed: Decimal
    unapplied: Decimal

    @property
    def selling(self) -> bool:
        """Whether the own organisation is the seller."""
        return self.side == Side.RECEIVABLE

    @property
    def balance(self) -> Decimal:
        """What is owed after everything that was paid: the last line of every statement up to today."""
        return self.owed - self.unapplied


def whose(actor: Actor, other_id: int, side: str = "", currency: str = "") -> Whose:
    """The account asked for, else the one with something on it. NotFound for an organisation one has no account with. Two statements."""
    kept = ledger.balances_with(actor, other_id)
    if not kept:
        raise NotFound("base.not_found")  # the name of an organisation is told to those who trade with it
    sides = [one.value for one in Side if any(b.account in SIDE_ACCOUNTS[one] for b in kept)]
    side = side if side in sides else sides[0]
    mine = [b for b in kept if b.account in SIDE_ACCOUNTS[side]]
    currency = currency if currency in {b.currency for b in mine} else mine[0].currency
    due, paid = SIDE_ACCOUNTS[side]
    sums = {b.account: abs(b.amount) for b in mine if b.currency == currency}
    return Whose(kept[0].counterparty, side, currency, sides, sums.get(due, ZERO), sums.get(paid, ZERO))


def party_account(actor: Actor, found: Whose) -> ledger.PartyAccount:
    """The account as the ledger names it."""
    return ledger.PartyAccount(actor.org_id, found.other.pk, found.side, found.currency)


def statement(actor: Actor, found: Whose, span: DateSpan) -> ledger.Statement:
    """Opening, every document with the balance after it, closing. One statement, which reads nothing before the first day."""
    return ledger.statement(actor, party_account(actor, found), span)


def open_with(actor: Actor, found: Whose) -> list[OpenItem]:
    """What is open, oldest due first. One statement."""
    items = ledger.open_items(actor, actor.org_id, side=found.side, counterparty_id=found.other.pk)
    return list(items.filter(currency=found.currency)[:MOST])


def aged(actor: Actor, found: Whose, on: date) -> ledger.AgeingRow | None:
    """What is open by days past due. One statement."""
    return ledger.ageing_of(actor, party_account(actor, found), on)


def waiting_payments(actor: Actor, found: Whose) -> list[Payment]:
    """Payments that are announced or not fully applied, oldest first. One statement."""
    if not actor.can("payments.view"):
        return []
    seller, buyer = (actor.org_id, found.other.pk) if found.selling else (found.other.pk, actor.org_id)
    mine = payments(actor).filter(seller_id=seller, buyer_id=buyer, currency=found.currency, state__in=[State.ANNOUNCED, *UNAPPLIED])
    return list(mine.order_by("paid_on", "id")[:MOST])


def credit_with(actor: Actor, found: Whose) -> CreditCard | None:
    """The credit the seller gives the buyer; None without one, or for somebody who may not see it. Four statements."""
    if not actor.can("funds.view"):
        return None
    seller, buyer = (actor.org_id, found.other.pk) if found.selling else (found.other.pk, actor.org_id)
    mine = visible(actor, CreditAccount).filter(seller_id=seller, buyer_id=buyer, currency=found.currency)
    under = unscoped_agreements(mine.values_list("pk", flat=True))
    newest = max((found[0].valid_from, pk) for pk, found in under.items()) if under else None
    return unscoped_card_of(newest[1]) if newest else None
