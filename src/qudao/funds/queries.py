"""Reads of credit: the account under lock for actions, the credit card of a buyer for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import NullIf
from django.utils.translation import get_language

from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.funds.models import Account, DepositEntry, Entry, House, StateChange, SubLimit
from qudao.funds.rules import NO_LIMIT, USES, LineUse, Part, Patience, Position, Standing, line_faults, may_hold, standing_of
from qudao.kernel import clock
from qudao.kernel.errors import Fault, NotFound
from qudao.kernel.money import ZERO

# How long a buyer is overdue comes from the seller's open items: an index-only look at what is open (ledger_openitem_open).
POSITION = """SELECT a.limit_amount, a.temp_limit, a.temp_until, a.ordered, a.shipped, a.invoiced, a.unapplied,
        CASE WHEN a.by_hand_until < %s::date THEN '' ELSE a.by_hand END, a.grace_days, a.tolerance, a.stop_days, a.watch_percent,
        coalesce(o.overdue, 0), coalesce(%s::date - o.oldest, 0), a.prepaid,
        CASE WHEN a.deposit_first THEN greatest(a.deposit_required - a.deposit_held, 0) ELSE 0 END,
        a.id, a.agreement_id, a.seller_id, a.buyer_id, a.currency, a.state, a.lined
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
    lined: bool
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
    position = Position(*(*row[:8], Patience(*row[8:12]), *row[12:16]))
    return CreditCard(*(*row[16:], position, on))


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


def unscoped_what_if(agreement_id: int, amount: Decimal, parts: Iterable[Part] = ()) -> list[Fault]:
    """Every reason why an order of `amount` would not pass now; nothing is locked or held. One statement, more for an account with lines."""
    card = unscoped_card(agreement_id)
    if card is None:
        return [Fault("funds.no_account")]
    return may_hold(card.position, amount, card.on) + unscoped_line_faults(card, parts)


def unscoped_line_faults(card: CreditCard, parts: Iterable[Part], more: Mapping[int, Decimal] | None = None) -> list[Fault]:
    """The product lines of an account that these parts do not pass; `more`: what by product is to be used beside what is written.

    Nothing is read, and `parts` are not made, for an account without limits for lines.
    """
    if not card.lined:
        return []
    asked = list(parts)
    used = _used(card.agreement_id, [line for line, _product, _amount in asked if line])
    _add(used, (more or {}).items())
    return line_faults(_lines(card.account_id, used, _add({}, ((product, amount) for _line, product, amount in asked))))


def unscoped_try(card: CreditCard, amount: Decimal, category_id: int | None = None) -> list[Fault]:
    """Every reason why an order of `amount` of a product line (None: of none that has a limit) would not pass now."""
    found = may_hold(card.position, amount, card.on)
    return found + line_faults(unscoped_lines(card, category_id, amount)) if category_id else found


def unscoped_lines(card: CreditCard, category_id: int | None = None, amount: Decimal = ZERO) -> list[LineUse]:
    """The limits for product lines of an account with what uses them, in tree order; `amount` of a category would be asked of them."""
    if not card.lined:
        return []
    found = _lines(card.account_id, _used(card.agreement_id, ()), {})
    if category_id is None:
        return found
    above = {pk for (pk,) in rows("SELECT c.id FROM catalog_category c JOIN catalog_category k ON starts_with(k.path, c.path) WHERE k.id = %s", (category_id,))}
    return [replace(line, asked=amount if line.category_id in above else ZERO) for line in found]


def _used(agreement_id: int, without: Sequence[int]) -> dict[int, Decimal]:
    """By product what open orders and open invoices use; one statement for each module that knows some."""
    found: dict[int, Decimal] = {}
    for provider in USES:
        _add(found, provider(agreement_id, without))
    return found


def _add(sums: dict[int, Decimal], parts: Iterable[tuple[int, Decimal]]) -> dict[int, Decimal]:
    for product_id, amount in parts:
        sums[product_id] = sums.get(product_id, ZERO) + amount
    return sums


LINES = """SELECT c.id, c.code, c.name, c.name_en, s.amount, ARRAY(
        SELECT p.id FROM catalog_product p JOIN catalog_category k ON k.id = p.category_id WHERE p.id = ANY(%s) AND starts_with(k.path, c.path))
    FROM funds_sublimit s JOIN catalog_category c ON c.id = s.category_id WHERE s.account_id = %s ORDER BY c.path"""


def _lines(account_id: int, used: Mapping[int, Decimal], asked: Mapping[int, Decimal]) -> list[LineUse]:
    english, found = (get_language() or "").startswith("en"), []
    for pk, code, name, name_en, limit, products in rows(LINES, (sorted({*used, *asked}), account_id)):
        sums = [sum((amounts.get(product, ZERO) for product in products), ZERO) for amounts in (used, asked)]
        found.append(LineUse(pk, f"{code} {name_en if english and name_en else name}", limit, *sums))
    return found


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

    Of a prepaid one: its balance, what is frozen of it, and what is free; of one without a limit None and None.
    """
    valid = Case(When(temp_until__gte=clock.today(), then=F("temp_limit")), default=Value(ZERO), output_field=Account._meta.get_field("temp_limit"))
    found = visible(actor, Account).select_related("seller", "buyer", "agreement")
    ahead = Case(When(prepaid=True, then=F("unapplied")), default=Value(ZERO), output_field=Account._meta.get_field("unapplied"))
    used = F("ordered") + F("shipped") + F("invoiced") - F("unapplied")
    limit = NullIf("limit_amount", Value(NO_LIMIT, Account._meta.get_field("limit_amount")))
    found = found.annotate(limit_now=limit + valid + ahead, exposure=used + ahead)
    return found.annotate(available=F("limit_now") - F("exposure")).order_by("seller__code", "buyer__code", "id")


def account(actor: Actor, account_id: int) -> Account:
    """One credit account as in `accounts`; raises NotFound when it does not exist for this actor."""
    found = accounts(actor).filter(pk=account_id).first()
    if found is None:
        raise NotFound("funds.no_account")
    return found


def account_of_seller(actor: Actor, account_id: int, verb: str) -> Account:
    """An account on which the actor's organisation, its seller, does something; NotFound for a foreign one, Forbidden for the buyer."""
    return get_visible(actor, Account, account_id, verb)


def all_sublimits(actor: Actor) -> QuerySet[SubLimit]:
    """The limits for product lines that the actor may see."""
    return visible(actor, SubLimit).select_related("category").order_by("category__path")


def sublimits(actor: Actor, account_id: int) -> QuerySet[SubLimit]:
    """The limits for product lines of an account; none when the actor may not see it."""
    return all_sublimits(actor).filter(account_id=account_id)


def deposit_entries(actor: Actor, account_id: int) -> QuerySet[DepositEntry]:
    """What happened to the deposit of an account, newest first; none when the actor may not see it."""
    mine = visible(actor, Account).filter(pk=account_id).values("pk")
    return visible(actor, DepositEntry).filter(account_id__in=mine).order_by("-id")


def entries_of(actor: Actor, account_id: int) -> QuerySet[Entry]:
    """What changed the buckets of an account, newest first; empty when the actor may not see it."""
    mine = visible(actor, Account).filter(pk=account_id).values("pk")
    return visible(actor, Entry).filter(account_id__in=mine).order_by("-at", "-id")
