"""What documents do with credit: hold, shift and release.

Hold locks the account, decides in `rules`, writes; shift needs no decision: the constraints of the account refuse a bucket below zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from qudao.base.access import Actor
from qudao.base.action import emit, part
from qudao.base.db import rows, run
from qudao.base.lock import Rank, note_rank
from qudao.base.subject import Subject
from qudao.funds import queries, rules
from qudao.funds.events import BalanceDue, ExposureReduced
from qudao.funds.rules import Part, Shift
from qudao.funds.states import Bucket, EntryKind
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Refused, raise_if_any
from qudao.kernel.period import month_of

# One row of entries per bucket that changes; the limit is kept with it, so that a hold can be judged years later. A shared limit is changed after its
# account, always in this order: what it answers is what all use now, whoever else was at it a moment ago.
CHANGE = """WITH a AS (
        UPDATE funds_account f SET ordered = ordered + %s, shipped = shipped + %s, invoiced = invoiced + %s, unapplied = unapplied + %s
        FROM agreements_agreement g
        WHERE g.id = %s AND (f.seller_id, f.buyer_id, f.currency, f.prepaid, f.transfers) = (g.seller_id, g.buyer_id, g.currency, g.prepaid, g.transfers)
        RETURNING f.id, f.seller_id, f.buyer_id, f.prepaid, ordered + shipped + invoiced - unapplied AS exposure, f.shared_id,
            limit_amount + CASE WHEN temp_until >= %s THEN temp_limit ELSE 0 END AS limit_amount
    ), h AS (
        UPDATE funds_sharedlimit f SET used = used + %s FROM a WHERE f.id = a.shared_id
        RETURNING used, f.limit_amount + CASE WHEN temp_until >= %s THEN temp_limit ELSE 0 END AS limit_amount
    ), written AS (
        INSERT INTO funds_entry (account_id, month, at, kind, bucket, amount, exposure, limit_amount, shared_used, subject_kind, subject_id, number, note)
        SELECT a.id, %s, %s, %s, d.bucket, d.amount, a.exposure, coalesce(h.limit_amount, a.limit_amount), h.used, %s, %s, %s, %s
        FROM a LEFT JOIN h ON true, unnest(%s::text[], %s::numeric[]) d(bucket, amount)
    )
    SELECT seller_id, buyer_id, prepaid, h.used, h.limit_amount, a.shared_id FROM a LEFT JOIN h ON true"""

# The same for many: entries in the order in which they are told, each with the exposure of its account as it was after it. Agreements of the same two
# share an account, so everything is summed by account.
CHANGE_ALL = f"""WITH d AS (
        SELECT d.*, a.id AS account_id, CASE d.bucket WHEN 'unapplied' THEN -d.amount ELSE d.amount END AS used
        FROM unnest(%(of)s::bigint[], %(buckets)s::text[], %(amounts)s::numeric[], %(kinds)s::text[], %(ids)s::bigint[], %(numbers)s::text[])
            WITH ORDINALITY d(agreement_id, bucket, amount, subject_kind, subject_id, number, n)
        JOIN ({queries.SHARED}) ON g.id = d.agreement_id
    ), held AS (
        SELECT id FROM funds_account WHERE id IN (SELECT account_id FROM d) ORDER BY id FOR UPDATE
    ), a AS (
        UPDATE funds_account f SET ordered = f.ordered + coalesce(s.ordered, 0), shipped = f.shipped + coalesce(s.shipped, 0),
            invoiced = f.invoiced + coalesce(s.invoiced, 0), unapplied = f.unapplied + coalesce(s.unapplied, 0)
        FROM held JOIN (
            SELECT account_id, sum(amount) FILTER (WHERE bucket = 'ordered') AS ordered, sum(amount) FILTER (WHERE bucket = 'shipped') AS shipped,
                sum(amount) FILTER (WHERE bucket = 'invoiced') AS invoiced, sum(amount) FILTER (WHERE bucket = 'unapplied') AS unapplied
            FROM d GROUP BY 1) s ON s.account_id = held.id
        WHERE f.id = held.id
        RETURNING f.id, f.seller_id, f.buyer_id, f.prepaid, f.shared_id, f.ordered + f.shipped + f.invoiced - f.unapplied AS exposure,
            f.limit_amount + CASE WHEN f.temp_until >= %(today)s THEN f.temp_limit ELSE 0 END AS limit_amount
    ), pools AS (
        SELECT id FROM funds_sharedlimit WHERE id IN (SELECT shared_id FROM a) ORDER BY id FOR UPDATE
    ), h AS (
        UPDATE funds_sharedlimit f SET used = f.used + s.used
        FROM pools JOIN (SELECT a.shared_id, sum(d.used) AS used FROM d JOIN a ON a.id = d.account_id GROUP BY 1) s ON s.shared_id = pools.id
        WHERE f.id = pools.id
        RETURNING f.id, f.used, f.limit_amount + CASE WHEN f.temp_until >= %(today)s THEN f.temp_limit ELSE 0 END AS limit_amount
    ), written AS (
        INSERT INTO funds_entry (account_id, month, at, kind, bucket, amount, exposure, limit_amount, shared_used, subject_kind, subject_id, number, note)
        SELECT a.id, %(month)s, %(now)s, %(kind)s, d.bucket, d.amount, a.exposure + d.used - sum(d.used) OVER (PARTITION BY a.id ORDER BY d.n DESC),
            coalesce(h.limit_amount, a.limit_amount), h.used + d.used - sum(d.used) OVER (PARTITION BY h.id ORDER BY d.n DESC),
            d.subject_kind, d.subject_id, d.number, ''
        FROM d JOIN a ON a.id = d.account_id LEFT JOIN h ON h.id = a.shared_id ORDER BY d.n
    )
    SELECT DISTINCT d.agreement_id, a.seller_id, a.buyer_id, a.prepaid, CASE WHEN h.id IS NULL THEN a.shared_id END
    FROM d JOIN a ON a.id = d.account_id LEFT JOIN h ON h.id = a.shared_id"""
# An account may have come to share a limit while a statement waited for it, which then does not see that limit: what it used is added by one that does.
LATE = """UPDATE funds_sharedlimit SET used = used + %s WHERE id = %s"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a document moves on the account of an agreement."""

    agreement_id: int
    moves: Sequence[Shift]
    subject: Subject


class Desk:
    """Accounts locked together, for documents that ask for credit one after the other; what they get is written at once (`grant`)."""

    def __init__(self, cards: dict[int, queries.CreditCard]) -> None:
        self.accounts = {card.account_id: card for card in cards.values()}
        self.uses = {agreement: card.account_id for agreement, card in cards.items()}
        self.shared = {card.shared_id: card.position.shared for card in cards.values() if card.shared_id}
        self.granted: list[Change] = []
        self.by_product: dict[int, dict[int, Decimal]] = {}

    def faults(self, agreement_id: int, amount: Decimal, parts: Iterable[Part] = ()) -> list[Fault]:
        """Every reason why `amount`, made up of `parts`, does not pass now."""
        if agreement_id not in self.uses:
            return [Fault("funds.no_account")]
        card = self._card(agreement_id)
        return rules.may_hold(card.position, amount, card.on) + queries.unscoped_line_faults(card, parts, self.by_product.get(card.account_id))

    def _card(self, agreement_id: int) -> queries.CreditCard:
        """The account of an agreement as the orders before left it; so is the limit it shares."""
        card = self.accounts[self.uses[agreement_id]]
        return replace(card, position=replace(card.position, shared=self.shared[card.shared_id])) if card.shared_id else card

    def take(self, agreement_id: int, amount: Decimal, subject: Subject, parts: Iterable[Part] = ()) -> None:
        """Use credit; the caller has asked for the faults. What other agreements of the account ask for next finds it used."""
        card = self._card(agreement_id)
        if card.lined:
            given = self.by_product.setdefault(card.account_id, {})
            for _line, product_id, asked in parts:
                given[product_id] = given.get(product_id, rules.ZERO) + asked
        self.accounts[card.account_id] = after = replace(card, position=card.position.using(amount))
        if card.shared_id:
            self.shared[card.shared_id] = after.position.shared
        self.granted.append(Change(agreement_id, [(None, Bucket.ORDERED, amount)], subject))


@part
def open_desk(agreement_ids: Iterable[int], *, actor: Actor) -> Desk:
    """Lock the accounts of several orders, to decide on each in turn. One statement, and one for the limits that are shared."""
    note_rank(Rank.FUNDS)
    return Desk(queries.unscoped_shared_locked(queries.unscoped_all_locked(agreement_ids, clock.today())))


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
    if less > 0 or (less == 0 and changed.get(Bucket.INVOICED, rules.ZERO) < 0 and not prepaid):
        # Money that was there pays an invoice: nothing more is free, but what was overdue may be paid.
        emit(ExposureReduced(agreement_id, seller, buyer, less), subject)
    if prepaid and changed.get(Bucket.INVOICED, rules.ZERO) > 0:
        emit(BalanceDue(agreement_id, seller, buyer, changed[Bucket.INVOICED]), subject)


def _change_all(changes: Sequence[Change], kind: EntryKind) -> dict[int, tuple[int, int, bool]]:
    """Write changes under many agreements; return seller, buyer and whether it is prepaid, by agreement. Raises Refused when one has no account."""
    entries = [(change, bucket, amount) for change in changes for bucket, amount in rules.changes(change.moves).items()]
    if not entries:
        return {}
    now = clock.now()
    today = clock.date_of(now)
    params: dict[str, Any] = {"today": today, "month": month_of(today), "now": now, "kind": str(kind)}
    params |= {"of": [e[0].agreement_id for e in entries], "buckets": [e[1] for e in entries], "amounts": [e[2] for e in entries]}
    subjects = [e[0].subject for e in entries]
    params |= {"kinds": [s.kind for s in subjects], "ids": [s.id for s in subjects], "numbers": [s.number for s in subjects]}
    found = rows(CHANGE_ALL, params)
    if len(found) != len(set(params["of"])):
        raise Refused("funds.no_account")
    late = {pk: shared for pk, _seller, _buyer, _prepaid, shared in found if shared}
    for shared in sorted(set(late.values())):
        run(LATE, (sum((rules.exposure_change(rules.changes(c.moves)) for c in changes if late.get(c.agreement_id) == shared), rules.ZERO), shared))
    return {pk: (seller, buyer, prepaid) for pk, seller, buyer, prepaid, _shared in found}


@part
def hold(agreement_id: int, amount: Decimal, subject: Subject, parts: Iterable[Part] = (), *, actor: Actor, note: str = "") -> None:
    """Use credit for an order, if it passes (domain C10), also in each product line with a limit. Locks the account, then the limit it shares, by
    changing it: its answer decides. Two statements.

    `note`: finance lets it pass whatever the rule says, and this is why. Raises Refused with every reason: `funds.limit` (with limit,
    exposure, available, short), `funds.shared_limit`, `funds.frozen`, `funds.overdue`; or `funds.no_account`.
    """
    rules.check_amount(amount)
    note_rank(Rank.FUNDS)
    card = queries.unscoped_locked(agreement_id, clock.today())
    if card is None:
        raise Refused("funds.no_account")
    if not note:
        raise_if_any(rules.may_hold(card.position, amount, card.on) + queries.unscoped_line_faults(card, parts), Refused)
    if amount:
        after = _change(agreement_id, {Bucket.ORDERED.value: amount}, EntryKind.HOLD, subject, note)
        if after.used is not None and after.used > after.limit and not note:  # somebody who shares the limit was faster
            raise Refused.of([rules.shared_fault(after.limit, after.used - amount, after.used - after.limit)])


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


def _shift(agreement_id: int, moves: Sequence[Shift], kind: EntryKind, subject: Subject) -> None:
    changed = rules.changes(moves)
    note_rank(Rank.FUNDS)
    if not changed:
        return
    after = _change(agreement_id, changed, kind, subject, "")
    _tell(agreement_id, (after.seller_id, after.buyer_id, after.prepaid), changed, subject)


class _After(NamedTuple):
    """Whose account was changed, whether it is prepaid, and what all use of the limit that it shares (None: it shares none)."""

    seller_id: int
    buyer_id: int
    prepaid: bool
    used: Decimal | None
    limit: Decimal
    shared_id: int | None


def _change(agreement_id: int, changed: dict[str, Decimal], kind: EntryKind, subject: Subject, note: str) -> _After:
    """Change buckets and write their entries in one statement. Raises Refused without an account."""
    now = clock.now()
    today = clock.date_of(now)
    steps = [changed.get(bucket, rules.ZERO) for bucket in Bucket.values]
    written = (month_of(today), now, str(kind), subject.kind, subject.id, subject.number, note)
    shared = (rules.exposure_change(changed), today)
    found = rows(CHANGE, (*steps, agreement_id, today, *shared, *written, list(changed), list(changed.values())))
    if not found:
        raise Refused("funds.no_account")
    after = _After(*found[0])
    if after.shared_id and after.used is None:
        run(LATE, (rules.exposure_change(changed), after.shared_id))
    return after
