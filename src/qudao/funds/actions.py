"""Every change of credit: hold, shift and release for documents; limits and freezes by the seller's finance.

Hold locks the account, decides in `rules`, writes; shift needs no decision: the constraints of the account refuse a bucket below zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, emit, part, record
from qudao.base.db import rows, update_rows
from qudao.base.lock import Rank, lock_one, lock_rows, note_rank
from qudao.base.subject import Subject
from qudao.funds import queries, rules
from qudao.funds.events import BalanceDue, ExposureReduced, LimitChanged
from qudao.funds.models import Account
from qudao.funds.rules import LimitTerms, Shift
from qudao.funds.states import Bucket, EntryKind
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, NotFound, Refused, raise_if_any
from qudao.kernel.period import month_of

__all__ = ["LimitTerms"]

# One row of entries per bucket that changes; the limit is kept with it, so that a hold can be judged years later.
CHANGE = """WITH a AS (
        UPDATE funds_account SET ordered = ordered + %s, shipped = shipped + %s, invoiced = invoiced + %s, unapplied = unapplied + %s
        WHERE agreement_id = %s
        RETURNING id, seller_id, buyer_id, prepaid, ordered + shipped + invoiced - unapplied AS exposure,
            limit_amount + CASE WHEN temp_until >= %s THEN temp_limit ELSE 0 END AS limit_amount
    ), written AS (
        INSERT INTO funds_entry (account_id, month, at, kind, bucket, amount, exposure, limit_amount, subject_kind, subject_id, number, note)
        SELECT a.id, %s, %s, %s, d.bucket, d.amount, a.exposure, a.limit_amount, %s, %s, %s, %s
        FROM a, unnest(%s::text[], %s::numeric[]) d(bucket, amount)
    )
    SELECT seller_id, buyer_id, prepaid FROM a"""

# The same for many accounts: sums by account, entries in the order in which they are told. `later` is what the entries after one add to the
# exposure of its account, so that each entry keeps the exposure as it was after it.
CHANGE_ALL = """WITH held AS (
        SELECT id, agreement_id FROM funds_account WHERE agreement_id = ANY(%(agreements)s::bigint[]) ORDER BY agreement_id FOR UPDATE
    ), a AS (
        UPDATE funds_account f SET ordered = f.ordered + d.ordered, shipped = f.shipped + d.shipped, invoiced = f.invoiced + d.invoiced,
            unapplied = f.unapplied + d.unapplied
        FROM held JOIN unnest(%(agreements)s::bigint[], %(ordered)s::numeric[], %(shipped)s::numeric[], %(invoiced)s::numeric[],
            %(unapplied)s::numeric[]) d(agreement_id, ordered, shipped, invoiced, unapplied) USING (agreement_id)
        WHERE f.id = held.id
        RETURNING f.id, f.agreement_id, f.seller_id, f.buyer_id, f.prepaid, f.ordered + f.shipped + f.invoiced - f.unapplied AS exposure,
            f.limit_amount + CASE WHEN f.temp_until >= %(today)s THEN f.temp_limit ELSE 0 END AS limit_amount
    ), written AS (
        INSERT INTO funds_entry (account_id, month, at, kind, bucket, amount, exposure, limit_amount, subject_kind, subject_id, number, note)
        SELECT a.id, %(month)s, %(now)s, %(kind)s, d.bucket, d.amount, a.exposure - d.later, a.limit_amount, d.subject_kind, d.subject_id, d.number, ''
        FROM unnest(%(of)s::bigint[], %(buckets)s::text[], %(amounts)s::numeric[], %(later)s::numeric[], %(kinds)s::text[], %(ids)s::bigint[],
            %(numbers)s::text[]) WITH ORDINALITY d(agreement_id, bucket, amount, later, subject_kind, subject_id, number, n)
        JOIN a USING (agreement_id) ORDER BY d.n
    )
    SELECT agreement_id, seller_id, buyer_id, prepaid FROM a"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a document moves on the account of an agreement."""

    agreement_id: int
    moves: Sequence[Shift]
    subject: Subject


class Desk:
    """Accounts locked together, for documents that ask for credit one after the other; what they get is written at once (`grant`)."""

    def __init__(self, cards: dict[int, queries.CreditCard]) -> None:
        self.cards = cards
        self.granted: list[Change] = []

    def faults(self, agreement_id: int, amount: Decimal) -> list[Fault]:
        """Every reason why `amount` does not pass now."""
        card = self.cards.get(agreement_id)
        return [Fault("funds.no_account")] if card is None else rules.may_hold(card.position, amount, card.on)

    def take(self, agreement_id: int, amount: Decimal, subject: Subject) -> None:
        """Use credit; the caller has asked for the faults."""
        card = self.cards[agreement_id]
        self.cards[agreement_id] = replace(card, position=replace(card.position, ordered=card.position.ordered + amount))
        self.granted.append(Change(agreement_id, [(None, Bucket.ORDERED, amount)], subject))


@part
def open_desk(agreement_ids: Iterable[int], *, actor: Actor) -> Desk:
    """Lock the accounts of several orders, to decide on each in turn. One statement."""
    note_rank(Rank.FUNDS)
    return Desk(queries.unscoped_all_locked(agreement_ids, clock.today()))


@part
def grant(desk: Desk, *, actor: Actor) -> None:
    """Write what the orders at the desk were given. One statement; the accounts are locked since the desk was opened."""
    _change_all(desk.granted, EntryKind.HOLD)


@part
def recheck_all(agreement_ids: Iterable[int], *, actor: Actor) -> dict[int, list[Fault]]:
    """`recheck` for many: why goods may not leave, by agreement; one that may is missing. Locks the accounts; one statement."""
    note_rank(Rank.FUNDS)
    cards = queries.unscoped_all_locked(agreement_ids, clock.today())
    found = {pk: rules.may_ship(cards[pk].position) if pk in cards else [Fault("funds.no_account")] for pk in agreement_ids}
    return {pk: faults for pk, faults in found.items() if faults}


@part
def shift_all(changes: Sequence[Change], *, actor: Actor) -> None:
    """`shift` for the documents of a batch. Locks the accounts; one statement for all."""
    note_rank(Rank.FUNDS)
    sides = _change_all(changes, EntryKind.SHIFT)
    for change in changes:
        if changed := rules.changes(change.moves):
            _tell(change.agreement_id, sides[change.agreement_id], changed, change.subject)


def _tell(agreement_id: int, account: tuple[int, int, bool], changed: dict[str, Decimal], subject: Subject) -> None:
    """What follows from changed buckets of an account (seller, buyer, prepaid): held orders try again, a prepaid invoice is paid."""
    seller, buyer, prepaid = account
    less = -rules.exposure_change(changed)
    if less > 0:
        emit(ExposureReduced(agreement_id, seller, buyer, less), subject)
    if prepaid and changed.get(Bucket.INVOICED, rules.ZERO) > 0:
        emit(BalanceDue(agreement_id, seller, buyer, changed[Bucket.INVOICED]), subject)


def _change_all(changes: Sequence[Change], kind: EntryKind) -> dict[int, tuple[int, int, bool]]:
    """Write changes of many accounts; return seller, buyer and whether it is prepaid, by agreement. Raises Refused when one has no account."""
    sums: dict[int, dict[str, Decimal]] = {}
    entries: list[tuple[int, str, Decimal, Decimal, Subject]] = []
    for change in reversed(changes):
        changed = rules.changes(change.moves)
        if changed:
            own = sums.setdefault(change.agreement_id, {})
            after = rules.exposure_change(own)
            entries += [(change.agreement_id, bucket, amount, after, change.subject) for bucket, amount in reversed(changed.items())]
            for bucket, amount in changed.items():
                own[bucket] = own.get(bucket, rules.ZERO) + amount
    if not entries:
        return {}
    entries.reverse()
    now = clock.now()
    today = clock.date_of(now)
    of = sorted(sums)
    params: dict[str, Any] = {"agreements": of, "today": today, "month": month_of(today), "now": now, "kind": str(kind)}
    params |= {bucket: [sums[pk].get(bucket, rules.ZERO) for pk in of] for bucket in Bucket.values}
    params |= {"of": [e[0] for e in entries], "buckets": [e[1] for e in entries], "amounts": [e[2] for e in entries], "later": [e[3] for e in entries]}
    subjects = [e[4] for e in entries]
    params |= {"kinds": [s.kind for s in subjects], "ids": [s.id for s in subjects], "numbers": [s.number for s in subjects]}
    found = rows(CHANGE_ALL, params)
    if len(found) != len(of):
        raise Refused("funds.no_account")
    return {pk: (seller, buyer, prepaid) for pk, seller, buyer, prepaid in found}


@part
def hold(agreement_id: int, amount: Decimal, subject: Subject, *, actor: Actor, note: str = "") -> None:
    """Use credit for an order, if it passes (domain C10). Locks the account; two statements.

    `note`: finance lets it pass whatever the rule says, and this is why. Raises Refused with every reason: `funds.limit` (with limit,
    exposure, available, short), `funds.frozen`, `funds.overdue`; or `funds.no_account`.
    """
    rules.check_amount(amount)
    note_rank(Rank.FUNDS)
    card = queries.unscoped_locked(agreement_id, clock.today())
    if card is None:
        raise Refused("funds.no_account")
    if not note:
        raise_if_any(rules.may_hold(card.position, amount, card.on), Refused)
    if amount:
        _change(agreement_id, {Bucket.ORDERED.value: amount}, EntryKind.HOLD, subject, note)


@part
def recheck(agreement_id: int, *, actor: Actor) -> None:
    """Before goods leave: frozen or overdue is refused, the limit is not asked again. Locks the account; one statement."""
    note_rank(Rank.FUNDS)
    card = queries.unscoped_locked(agreement_id, clock.today())
    if card is None:
        raise Refused("funds.no_account")
    raise_if_any(rules.may_ship(card.position), Refused)


@part
def shift(agreement_id: int, moves: Sequence[Shift], subject: Subject, *, actor: Actor) -> None:
    """Move amounts between buckets (None: from or to outside). Locks the account; one statement.

    A payment is (None, "unapplied"); applying it is ("unapplied", None) with ("invoiced", None) of the same amount. Emits ExposureReduced
    when less credit is used afterwards, BalanceDue when an invoice stands under prepaid terms. A bucket below zero is refused by its constraint
    ("funds.account_<bucket>_not_negative"); so is taking money that is frozen ("funds.account_prepaid_covered").
    """
    _shift(agreement_id, moves, EntryKind.SHIFT, subject)


@part
def hand_over(agreement_id: int, amount: Decimal, subject: Subject, to: Subject, *, actor: Actor) -> None:
    """Let a part of what is held for an order be held for another under the same agreement; nothing is asked and nothing becomes free.
    Locks the account; one statement.
    """
    note_rank(Rank.FUNDS)
    moves = [Change(agreement_id, [(Bucket.ORDERED, None, amount)], subject), Change(agreement_id, [(None, Bucket.ORDERED, amount)], to)]
    _change_all(moves, EntryKind.SHIFT)


@part
def release(agreement_id: int, amount: Decimal, subject: Subject, *, actor: Actor) -> None:
    """Give back credit that was held for an order and is not shipped. Locks the account; one statement; emits ExposureReduced."""
    _shift(agreement_id, [(Bucket.ORDERED, None, amount)], EntryKind.RELEASE, subject)


@part
def ensure_account(agreement_id: int, *, actor: Actor) -> Account:
    """The account of an agreement that is no draft; opened with a limit of zero when there is none. Three statements; harmless when repeated."""
    rows(
        """INSERT INTO funds_account (agreement_id, seller_id, buyer_id, currency, prepaid, limit_amount, temp_limit, grace_days,
               tolerance, ordered, shipped, invoiced, unapplied, frozen, frozen_reason, state_since)
           SELECT id, seller_id, buyer_id, currency, prepaid, 0, 0, 0, 0, 0, 0, 0, 0, false, '', %s FROM agreements_agreement
           WHERE id = %s AND state <> 'draft'
           ON CONFLICT (agreement_id) DO NOTHING""",
        (clock.now(), agreement_id),
    )
    found = Account.unscoped.filter(agreement_id=agreement_id).first()
    if found is None:
        raise NotFound("funds.no_account")
    return found


@action("funds.open_account")
def open_account(agreement_id: int, *, actor: Actor) -> Account:
    """Open the account of an agreement by hand; usually its activation does it."""
    account = ensure_account(agreement_id, actor=actor)
    get_visible(actor, Account, account.pk, "funds.open_account")
    return account


@action("funds.set_limit")
def set_limit(account_id: int, terms: LimitTerms, reason: str, *, actor: Actor) -> Account:
    """Set the limits and the patience of an account of the own organisation as seller. Locks it; emits LimitChanged."""
    rules.check_terms(terms, clock.today())
    account = _lock(account_id, "funds.set_limit", reason, actor)
    raise_if_any(rules.prepaid_faults(terms) if account.prepaid else [], Invalid)
    if detail := _limit(account, terms, reason):
        account.save(update_fields=list(detail))
        _changed(account)
    return account


@action("funds.set_limit")
def set_limits(terms: Mapping[int, LimitTerms], reason: str, *, actor: Actor) -> dict[int, dict[str, list]]:
    """`set_limit` for many accounts, by id, all or none, in four statements. Returns by account what changed, [before, after].

    Raises Invalid with every fault at its account ("rows.<id>.<field>"), NotFound.
    """
    if not reason.strip():
        raise Invalid("funds.reason_missing", field="reason")
    if visible(actor, Account, "funds.set_limit").filter(pk__in=terms).count() != len(terms):
        raise NotFound("funds.no_account")
    today = clock.today()
    raise_if_any([replace(fault, field=f"rows.{pk}.{fault.field}") for pk, one in terms.items() for fault in rules.term_faults(one, today)], Invalid)
    locked = lock_rows(Account, terms, rank=Rank.FUNDS)
    paid = [replace(fault, field=f"rows.{one.pk}.{fault.field}") for one in locked if one.prepaid for fault in rules.prepaid_faults(terms[one.pk])]
    raise_if_any(paid, Invalid)
    found = {one.pk: detail for one in locked if (detail := _limit(one, terms[one.pk], reason))}
    update_rows([one for one in locked if one.pk in found], sorted({name for detail in found.values() for name in detail}))
    for one in locked:
        if one.pk in found:
            _changed(one)
    return found


def _limit(account: Account, terms: LimitTerms, reason: str) -> dict[str, list]:
    """Write terms into an account that is locked, not yet into its table, and the line of the log; what changed, [before, after]."""
    before, detail = str(account.limit_amount), dict[str, list]()
    new = {
        "limit_amount": terms.limit,
        "temp_limit": terms.temp_limit,
        "temp_until": terms.temp_until if terms.temp_limit else None,
        "grace_days": terms.grace_days,
        "tolerance": terms.tolerance,
    }
    for name, value in new.items():
        if getattr(account, name) != value:
            detail[name] = [getattr(account, name), value]
            setattr(account, name, value)
    if detail:
        told = {name: [str(value) for value in pair] for name, pair in detail.items()}
        record(_subject(account), before=before, after=str(terms.limit), reason=reason, detail=told)
    return detail


@action("funds.freeze")
def freeze(account_id: int, reason: str, *, actor: Actor) -> Account:
    """Let no further order pass. Locks the account; emits LimitChanged."""
    account = _lock(account_id, "funds.freeze", reason, actor)
    if account.frozen:
        raise Refused("funds.already_frozen")
    return _set_frozen(account, True, reason)


@action("funds.unfreeze")
def unfreeze(account_id: int, reason: str, *, actor: Actor) -> Account:
    """Let orders pass again. Locks the account; emits LimitChanged."""
    account = _lock(account_id, "funds.unfreeze", reason, actor)
    if not account.frozen:
        raise Refused("funds.not_frozen")
    return _set_frozen(account, False, reason)


def _shift(agreement_id: int, moves: Sequence[Shift], kind: EntryKind, subject: Subject) -> None:
    changed = rules.changes(moves)
    note_rank(Rank.FUNDS)
    if not changed:
        return
    _tell(agreement_id, _change(agreement_id, changed, kind, subject, ""), changed, subject)


def _change(agreement_id: int, changed: dict[str, Decimal], kind: EntryKind, subject: Subject, note: str) -> tuple[int, int, bool]:
    """Change buckets and write their entries in one statement; return seller, buyer and whether it is prepaid. Raises Refused without an account."""
    now = clock.now()
    today = clock.date_of(now)
    steps = [changed.get(bucket, rules.ZERO) for bucket in Bucket.values]
    written = (month_of(today), now, str(kind), subject.kind, subject.id, subject.number, note)
    found = rows(CHANGE, (*steps, agreement_id, today, *written, list(changed), list(changed.values())))
    if not found:
        raise Refused("funds.no_account")
    seller, buyer, prepaid = found[0]
    return seller, buyer, prepaid


def _lock(account_id: int, verb: str, reason: str, actor: Actor) -> Account:
    if not reason.strip():
        raise Invalid("funds.reason_missing", field="reason")
    get_visible(actor, Account, account_id, verb)
    return lock_one(Account, account_id, rank=Rank.FUNDS)


def _set_frozen(account: Account, frozen: bool, reason: str) -> Account:
    words = ("frozen", "open") if not frozen else ("open", "frozen")
    record(_subject(account), before=words[0], after=words[1], reason=reason, since=account.state_since)
    account.frozen, account.frozen_reason, account.state_since = frozen, reason[:200] if frozen else "", clock.now()
    account.save(update_fields=["frozen", "frozen_reason", "state_since"])
    _changed(account)
    return account


def _changed(account: Account) -> None:
    limit = account.limit_amount + account.temp_limit
    emit(LimitChanged(account.agreement_id, account.seller_id, account.buyer_id, limit, account.frozen), _subject(account))


def _subject(account: Account) -> Subject:
    return Subject("funds.account", account.pk, account.seller_id, account.buyer_id)
