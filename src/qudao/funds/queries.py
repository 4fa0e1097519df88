"""Reads of credit: the account under lock for actions, the credit card of a buyer for pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Case, F, QuerySet, Value, When

from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.funds.models import Account, Entry, House, StateChange
from qudao.funds.rules import Patience, Position, Standing, may_hold, standing_of
from qudao.kernel import clock
from qudao.kernel.errors import Fault, NotFound
from qudao.kernel.money import ZERO

# How long a buyer is overdue comes from the seller's open items: an index-only look at what is open (ledger_openitem_open).
POSITION = """SELECT a.limit_amount, a.temp_limit, a.temp_until, a.ordered, a.shipped, a.invoiced, a.unapplied,
        CASE WHEN a.by_hand_until < %s::date THEN '' ELSE a.by_hand END, a.grace_days, a.tolerance, a.stop_days, a.watch_percent,
        coalesce(o.overdue, 0), coalesce(%s::date - o.oldest, 0), a.prepaid, a.id, a.agreement_id, a.seller_id, a.buyer_id, a.currency, a.state
    FROM funds_account a
    LEFT JOIN LATERAL (
        SELECT sum(i.open_amount) AS overdue, min(i.due_on) AS oldest FROM ledger_openitem i
        WHERE i.org_id = a.seller_id AND i.side = 'receivable' AND i.counterparty_id = a.buyer_id AND i.open_amount > 0
          AND i.currency = a.currency AND i.due_on < %s::date
    ) o ON true
    WHERE a.agreement_id = %s"""
LOCKED_POSITION = f"{POSITION} FOR UPDATE OF a"
POSITIONS = POSITION.replace("a.agreement_id = %s", "a.agreement_id = ANY(%s)")
LOCKED_POSITIONS = f"{POSITIONS} ORDER BY a.agreement_id FOR UPDATE OF a"


@dataclass(frozen=True, slots=True)
class CreditCard:
    """The credit of one buyer at one seller, for people: limit and buckets, what is in use and what is free on `on`."""

    account_id: int
    agreement_id: int
    seller_id: int
    buyer_id: int
    currency: str
    state: str
    position: Position
    on: date

    @property
    def standing(self) -> Standing:
        """What it lets pass on `on`, and why; `state` is what was noted last."""
        return standing_of(self.position, self.on)

    @property
    def limit(self) -> Decimal:
        return self.position.limit_on(self.on)

    @property
    def exposure(self) -> Decimal:
        return self.position.exposure

    @property
    def available(self) -> Decimal:
        return self.position.available_on(self.on)


def _card(row: tuple, on: date) -> CreditCard:
    position = Position(*(*row[:8], Patience(*row[8:12]), *row[12:15]))
    return CreditCard(*(*row[15:], position, on))


def unscoped_locked(agreement_id: int, on: date) -> CreditCard | None:
    """The account of an agreement, locked, with what is overdue at its seller; None when there is none. One statement."""
    found = rows(LOCKED_POSITION, (on, on, on, agreement_id))
    return _card(found[0], on) if found else None


def unscoped_all_locked(agreement_ids: Iterable[int], on: date) -> dict[int, CreditCard]:
    """The accounts of agreements by agreement, locked in that order; one without an account is missing. One statement."""
    cards = [_card(row, on) for row in rows(LOCKED_POSITIONS, (on, on, on, sorted(set(agreement_ids))))]
    return {card.agreement_id: card for card in cards}


def unscoped_card(agreement_id: int) -> CreditCard | None:
    """The credit of an agreement as it stands now, without a lock; None when there is no account. One statement."""
    on = clock.today()
    found = rows(POSITION, (on, on, on, agreement_id))
    return _card(found[0], on) if found else None


def unscoped_what_if(agreement_id: int, amount: Decimal) -> list[Fault]:
    """Every reason why an order of `amount` would not pass now; nothing is locked or held. One statement."""
    card = unscoped_card(agreement_id)
    return may_hold(card.position, amount, card.on) if card else [Fault("funds.no_account")]


def unscoped_moved(agreement_ids: Iterable[int] | None, on: date) -> list[int]:
    """Agreements, of these or of all, whose account is in another state than was noted, or has a wish by hand that is over. One statement."""
    asked = (on, on, on) if agreement_ids is None else (on, on, on, sorted(set(agreement_ids)))
    found = [_card(row, on) for row in rows(POSITION.replace("a.agreement_id = %s", "true") if agreement_ids is None else POSITIONS, asked)]
    over = Account.unscoped.filter(by_hand_until__lt=on).values_list("agreement_id", flat=True) if agreement_ids is None else ()
    return sorted({card.agreement_id for card in found if card.state != card.standing.state} | set(over))


def unscoped_house(seller_id: int) -> Patience:
    """The rules of a seller for its accounts; none without any. One statement."""
    found = House.unscoped.filter(seller_id=seller_id).values_list("grace_days", "tolerance", "stop_days", "watch_percent").first()
    return Patience(*found) if found else Patience()


def house(actor: Actor) -> Patience:
    """The rules of the actor's organisation for its accounts, for those who set them. One statement."""
    found = visible(actor, House, "funds.set_rules").values_list("grace_days", "tolerance", "stop_days", "watch_percent").first()
    return Patience(*found) if found else Patience()


def changes_of(actor: Actor, account_id: int) -> QuerySet[StateChange]:
    """The states an account went through, newest first; none when the actor may not see it."""
    mine = visible(actor, Account).filter(pk=account_id).values("pk")
    return visible(actor, StateChange).filter(account_id__in=mine).order_by("-id")


def credit(actor: Actor, agreement_id: int) -> CreditCard:
    """The credit of an agreement, for its two sides; raises NotFound for everybody else. Two statements."""
    if not visible(actor, Account).filter(agreement_id=agreement_id).exists():
        raise NotFound("funds.no_account")
    card = unscoped_card(agreement_id)
    if card is None:
        raise NotFound("funds.no_account")
    return card


def accounts(actor: Actor) -> QuerySet[Account]:
    """The credit accounts the actor may see, with both sides and `limit_now`, `exposure`, `available` as of today.

    Of a prepaid one: its balance, what is frozen of it, and what is free.
    """
    valid = Case(When(temp_until__gte=clock.today(), then=F("temp_limit")), default=Value(ZERO), output_field=Account._meta.get_field("temp_limit"))
    found = visible(actor, Account).select_related("seller", "buyer", "agreement")
    ahead = Case(When(prepaid=True, then=F("unapplied")), default=Value(ZERO), output_field=Account._meta.get_field("unapplied"))
    used = F("ordered") + F("shipped") + F("invoiced") - F("unapplied")
    found = found.annotate(limit_now=F("limit_amount") + valid + ahead, exposure=used + ahead)
    return found.annotate(available=F("limit_now") - F("exposure")).order_by("seller__code", "buyer__code", "id")


def account(actor: Actor, account_id: int) -> Account:
    """One credit account as in `accounts`; raises NotFound when it does not exist for this actor."""
    found = accounts(actor).filter(pk=account_id).first()
    if found is None:
        raise NotFound("funds.no_account")
    return found


def entries_of(actor: Actor, account_id: int) -> QuerySet[Entry]:
    """What changed the buckets of an account, newest first; empty when the actor may not see it."""
    mine = visible(actor, Account).filter(pk=account_id).values("pk")
    return visible(actor, Entry).filter(account_id__in=mine).order_by("-at", "-id")
