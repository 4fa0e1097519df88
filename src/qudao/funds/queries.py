"""Reads of credit: the account under lock for actions, the credit card of a buyer for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from django.db.models import Case, Count, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import get_language

from qudao.agreements.models import Agreement
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.funds.models import Account, DepositEntry, Entry, House, LimitRequest, SharedLimit, StateChange, SubLimit
from qudao.funds.rules import NO_LIMIT, USES, LineUse, Part, Patience, Position, Shared, Standing, line_faults, may_hold, standing_of
from qudao.kernel import clock
from qudao.kernel.errors import Fault, NotFound
from qudao.kernel.money import ZERO

#: which account `a` an agreement `g` uses: that of the two in its currency, whatever agreements they had before
SHARED = """agreements_agreement g JOIN funds_account a
        ON (a.seller_id, a.buyer_id, a.currency, a.prepaid, a.transfers) = (g.seller_id, g.buyer_id, g.currency, g.prepaid, g.transfers)"""
#: the agreements under one account, for a condition
AGREEMENTS = f"(SELECT g.id FROM {SHARED} WHERE a.id = %(account)s)"

# How long a buyer is overdue comes from the seller's open items: an index-only look at what is open (ledger_openitem_open).
_CARD = """SELECT a.limit_amount, a.temp_limit, a.temp_until, a.ordered, a.shipped, a.invoiced, a.unapplied,
        CASE WHEN a.by_hand_until < %s::date THEN '' ELSE a.by_hand END, a.grace_days, a.tolerance, a.stop_days, a.watch_percent,
        coalesce(o.overdue, 0), coalesce(%s::date - o.oldest, 0), a.prepaid,
        CASE WHEN a.deposit_first THEN greatest(a.deposit_required - a.deposit_held, 0) ELSE 0 END,
        a.id, a.seller_id, a.buyer_id, a.currency, a.state, a.lined, {of}, a.shared_id, h.id, h.limit_amount, h.temp_limit, h.temp_until, h.used
    FROM {source} LEFT JOIN funds_sharedlimit h ON h.id = a.shared_id
    LEFT JOIN LATERAL (
        SELECT sum(i.open_amount) AS overdue, min(i.due_on) AS oldest FROM ledger_openitem i
        WHERE i.org_id = a.seller_id AND i.side = 'receivable' AND i.counterparty_id = a.buyer_id AND i.open_amount > 0
          AND i.currency = a.currency AND i.due_on < %s::date
    ) o ON true
    WHERE {which}"""
POSITION = _CARD.format(of="g.id", source=SHARED, which="g.id = %s")
LOCKED_POSITION = f"{POSITION} FOR UPDATE OF a"
LOCKED_POSITIONS = _CARD.format(of="g.id", source=SHARED, which="g.id = ANY(%s) ORDER BY a.id FOR UPDATE OF a")
ACCOUNTS = _CARD.format(of="a.id", source="funds_account a", which="a.id = ANY(%s)")
LOCKED_ACCOUNTS = f"{ACCOUNTS} ORDER BY a.id FOR UPDATE OF a"
EVERY = _CARD.format(of="a.id", source="funds_account a", which="true")
#: the accounts of some (seller, buyer), and those that share their limits
BESIDE = """SELECT x.id FROM unnest(%s::bigint[], %s::bigint[]) d(seller_id, buyer_id) JOIN funds_account m USING (seller_id, buyer_id)
    CROSS JOIN LATERAL (SELECT m.id UNION SELECT s.id FROM funds_account s WHERE s.shared_id = m.shared_id) x"""
BETWEEN = _CARD.format(of="a.id", source="funds_account a", which=f"a.id IN ({BESIDE})")


@dataclass(frozen=True, slots=True)
class CreditCard:
    """The credit of one buyer at one seller, for people: limit and buckets, what is in use and what is free on `on`."""

    account_id: int
    seller_id: int
    buyer_id: int
    currency: str
    state: str
    lined: bool
    position: Position
    on: date
    shared_id: int | None = None

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
    shared = Shared(*row[25:29]) if row[23] and row[23] == row[24] else None
    position = Position(*(*row[:8], Patience(*row[8:12]), *row[12:16], shared))
    return CreditCard(*(*row[16:22], position, on, row[23]))


def unscoped_locked(agreement_id: int, on: date) -> CreditCard | None:
    """The account an agreement uses, locked, with what is overdue at its seller; None when there is none. One statement."""
    found = rows(LOCKED_POSITION, (on, on, on, agreement_id))
    card = _card(found[0], on) if found else None
    if card and card.shared_id and not card.position.shared:  # it joined while one waited for it: the statement did not see what it shares
        return unscoped_shared_locked({0: card})[0]
    return card


def unscoped_all_locked(agreement_ids: Iterable[int], on: date) -> dict[int, CreditCard]:
    """The accounts of agreements by agreement, all locked; one without an account is missing, and two may share one. One statement."""
    return {row[22]: _card(row, on) for row in rows(LOCKED_POSITIONS, (on, on, on, sorted(set(agreement_ids))))}


def unscoped_shared_locked(cards: Mapping[int, CreditCard]) -> dict[int, CreditCard]:
    """Cards of locked accounts with the limits that they share, locked in the order of their ids. One statement, none where nothing is shared."""
    ids = sorted({card.shared_id for card in cards.values() if card.shared_id})
    if not ids:
        return dict(cards)
    found = rows("SELECT id, limit_amount, temp_limit, temp_until, used FROM funds_sharedlimit WHERE id = ANY(%s) ORDER BY id FOR UPDATE", (ids,))
    now = {row[0]: Shared(*row[1:]) for row in found}
    return {key: replace(card, position=replace(card.position, shared=now.get(card.shared_id or 0))) for key, card in cards.items()}


def unscoped_accounts_locked(account_ids: Iterable[int], on: date) -> dict[int, CreditCard]:
    """Accounts by id, locked in that order, then the limits they share. One statement, and one where something is shared."""
    return unscoped_shared_locked({row[22]: _card(row, on) for row in rows(LOCKED_ACCOUNTS, (on, on, on, sorted(set(account_ids))))})


def unscoped_card(agreement_id: int) -> CreditCard | None:
    """The credit of an agreement as it stands now, without a lock; None when there is no account. One statement."""
    on = clock.today()
    found = rows(POSITION, (on, on, on, agreement_id))
    return _card(found[0], on) if found else None


def unscoped_card_of(account_id: int) -> CreditCard | None:
    """An account as it stands now, without a lock. One statement."""
    on = clock.today()
    found = rows(ACCOUNTS, (on, on, on, [account_id]))
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
    wanted = _add({}, ((product, amount) for _line, product, amount in asked))
    return line_faults(_lines(card.account_id, wanted, more or NOTHING, [line for line, _product, _amount in asked if line]))


def unscoped_try(card: CreditCard, amount: Decimal, category_id: int | None = None) -> list[Fault]:
    """Every reason why an order of `amount` of a product line (None: of none that has a limit) would not pass now."""
    found = may_hold(card.position, amount, card.on)
    return found + line_faults(unscoped_lines(card, category_id, amount)) if category_id else found


def unscoped_lines(card: CreditCard, category_id: int | None = None, amount: Decimal = ZERO) -> list[LineUse]:
    """The limits for product lines of an account with what uses them, in tree order; `amount` of a category would be asked of them."""
    if not card.lined:
        return []
    found = _lines(card.account_id)
    if category_id is None:
        return found
    above = {pk for (pk,) in rows("SELECT c.id FROM catalog_category c JOIN catalog_category k ON starts_with(k.path, c.path) WHERE k.id = %s", (category_id,))}
    return [replace(line, asked=amount if line.category_id in above else ZERO) for line in found]


def _add(sums: dict[int, Decimal], parts: Iterable[tuple[int, Decimal]]) -> dict[int, Decimal]:
    for product_id, amount in parts:
        sums[product_id] = sums.get(product_id, ZERO) + amount
    return sums


#: what is used, and the limited lines with those products of them that are used or asked for; `{}` for what each module uses
LINES = """WITH used AS ({}), named AS (SELECT product_id FROM used UNION SELECT unnest(%(products)s::bigint[]))
    SELECT n, of, rest, product_id, amount, no, '' AS path, '', '', '', NULL::bigint[] FROM used
    UNION ALL
    SELECT -1, c.id, s.amount, NULL, NULL, NULL, c.path, c.code, c.name, c.name_en, ARRAY(
        SELECT p.id FROM named JOIN catalog_product p ON p.id = named.product_id JOIN catalog_category k ON k.id = p.category_id
        WHERE starts_with(k.path, c.path))
    FROM funds_sublimit s JOIN catalog_category c ON c.id = s.category_id WHERE s.account_id = %(account)s
    ORDER BY 1, path, of, no"""

NOTHING: Mapping[int, Decimal] = MappingProxyType({})


@cache
def _lines_sql() -> str:
    """Made once, when every module has said what uses credit."""
    return LINES.format(" UNION ALL ".join(f"SELECT {n} AS n, u.* FROM ({uses.sql}) u(of, no, rest, product_id, amount)" for n, uses in enumerate(USES)))


def _lines(account_id: int, asked: Mapping[int, Decimal] = NOTHING, more: Mapping[int, Decimal] = NOTHING, without: Sequence[int] = ()) -> list[LineUse]:
    """The limited lines of an account with what open orders and invoices of all its agreements, and `more`, use. One statement."""
    used = dict(more)
    read: dict[int, list[tuple]] = {}
    for row in rows(_lines_sql(), {"account": account_id, "without": list(without), "products": sorted({*asked, *used})}):
        read.setdefault(row[0], []).append(row[1:])
    for n, uses in enumerate(USES):
        _add(used, uses.share(row[:4] for row in read.get(n, ())))
    english, found = (get_language() or "").startswith("en"), []
    for pk, limit, _product, _amount, _no, _path, code, name, name_en, products in read.get(-1, ()):
        sums = [sum((amounts.get(product, ZERO) for product in products), ZERO) for amounts in (used, asked)]
        found.append(LineUse(pk, f"{code} {name_en if english and name_en else name}", limit, *sums))
    return found


def unscoped_moved(on: date, *, accounts: Iterable[int] | None = None, sides: Iterable[tuple[int, int]] | None = None) -> list[int]:
    """Which of these accounts (or those of these sellers and buyers with all that share a limit with them; None: of all) are in another state than was
    noted, or have a wish by hand that is over. One statement, two for all.
    """
    days = (on, on, on)
    if accounts is not None:
        found = rows(ACCOUNTS, (*days, sorted(set(accounts))))
    elif sides is not None:
        asked = sorted(set(sides))
        found = rows(BETWEEN, (*days, [seller for seller, _b in asked], [buyer for _s, buyer in asked]))
    else:
        found = rows(EVERY, days)
    over = Account.unscoped.filter(by_hand_until__lt=on).values_list("pk", flat=True) if accounts is None and sides is None else ()
    cards = [_card(row, on) for row in found]
    return sorted({card.account_id for card in cards if card.state != card.standing.state} | set(over))


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
    mine, card = visible(actor, Account), unscoped_card(agreement_id)
    if card is None or not mine.filter(pk=card.account_id).exists():
        raise NotFound("funds.no_account")
    return card


def unscoped_accounts_of(agreement_ids: Iterable[int]) -> dict[int, int]:
    """By agreement the account it uses. One statement."""
    return dict(rows(f"SELECT g.id, a.id FROM {SHARED} WHERE g.id = ANY(%s)", (sorted(set(agreement_ids)),)))


def unscoped_agreements(account_ids: Iterable[int]) -> dict[int, list[Agreement]]:
    """The agreements under each of these accounts, drafts left out: the one in force first, then the newest. Two statements."""
    pairs = rows(f"SELECT a.id, g.id FROM {SHARED} WHERE a.id = ANY(%s) AND g.state <> 'draft'", (sorted(set(account_ids)),))
    known = Agreement.unscoped.in_bulk([agreement for _account, agreement in pairs])
    found: dict[int, list[Agreement]] = {}
    for account, agreement in pairs:
        found.setdefault(account, []).append(known[agreement])
    for under in found.values():
        under.sort(key=lambda one: (one.state == AgreementState.ACTIVE, one.valid_from, one.pk), reverse=True)
    return found


def accounts(actor: Actor) -> QuerySet[Account]:
    """The credit accounts the actor may see, with both sides and `limit_now`, `exposure`, `available` as of today.

    Of a prepaid one: its balance, what is frozen of it, and what is free; of one without a limit of its own, or that shares one, None and None.
    """
    valid = Case(When(temp_until__gte=clock.today(), then=F("temp_limit")), default=Value(ZERO), output_field=Account._meta.get_field("temp_limit"))
    found = visible(actor, Account).select_related("seller", "buyer")
    ahead = Case(When(prepaid=True, then=F("unapplied")), default=Value(ZERO), output_field=Account._meta.get_field("unapplied"))
    used = F("ordered") + F("shipped") + F("invoiced") - F("unapplied")
    limit = NullIf("limit_amount", Value(NO_LIMIT, Account._meta.get_field("limit_amount")))
    own = Case(When(shared=None, then=limit + valid + ahead), default=None, output_field=Account._meta.get_field("limit_amount"))
    found = found.annotate(limit_now=own, exposure=used + ahead)
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


def shared_limits(actor: Actor) -> QuerySet[SharedLimit]:
    """The limits that head offices share with those below them, for their sellers and the head offices; with `limit_now`, `available` and `members`."""
    money = SharedLimit._meta.get_field("limit_amount")
    valid = Case(When(temp_until__gte=clock.today(), then=F("temp_limit")), default=Value(ZERO), output_field=money)
    sharing = Account.unscoped.filter(shared=OuterRef("pk")).order_by().values("shared").annotate(n=Count("pk")).values("n")
    found = visible(actor, SharedLimit).select_related("seller", "head").annotate(limit_now=F("limit_amount") + valid)
    members = Coalesce(Subquery(sharing), Value(0))
    return found.annotate(available=F("limit_now") - F("used"), members=members).order_by("seller__code", "head__code", "currency")


def shared_limit(actor: Actor, shared_id: int) -> SharedLimit:
    """One of them; NotFound when the actor does not see it."""
    found = shared_limits(actor).filter(pk=shared_id).first()
    if found is None:
        raise NotFound("funds.shared_gone")
    return found


def unscoped_members(shared: SharedLimit) -> list[Account]:
    """The accounts that share a limit the actor was shown, each with what it uses (`exposure`), by buyer. One statement."""
    used = F("ordered") + F("shipped") + F("invoiced") - F("unapplied")
    return list(Account.unscoped.filter(shared=shared).select_related("buyer").annotate(exposure=used).order_by("buyer__code"))


def may_share(actor: Actor, head_path: str, currency: str) -> list[Account]:
    """The accounts on which the actor's organisation gives credit to an organisation or those below it, by buyer. One statement."""
    kinds = {"seller_id": actor.org_id, "currency": currency, "prepaid": False, "transfers": False}
    found = visible(actor, Account).filter(buyer__path__startswith=head_path, **kinds).select_related("buyer", "shared__head")
    return list(found.order_by("buyer__code"))


def all_given(actor: Actor) -> QuerySet[Account]:
    """The accounts on which the actor's organisation gives credit."""
    return visible(actor, Account).filter(seller_id=actor.org_id)


def requests(actor: Actor, *, account_id: int | None = None) -> QuerySet[LimitRequest]:
    """What was asked for limits of the accounts the actor sees (or of one), the newest first."""
    found = visible(actor, LimitRequest).select_related("account__buyer", "account__seller", "org").order_by("-id")
    return found.filter(account_id=account_id) if account_id else found


def deposit_entries(actor: Actor, account_id: int) -> QuerySet[DepositEntry]:
    """What happened to the deposit of an account, newest first; none when the actor may not see it."""
    mine = visible(actor, Account).filter(pk=account_id).values("pk")
    return visible(actor, DepositEntry).filter(account_id__in=mine).order_by("-id")


def entries_of(actor: Actor, account_id: int) -> QuerySet[Entry]:
    """What changed the buckets of an account, newest first; empty when the actor may not see it."""
    mine = visible(actor, Account).filter(pk=account_id).values("pk")
    return visible(actor, Entry).filter(account_id__in=mine).order_by("-at", "-id")
