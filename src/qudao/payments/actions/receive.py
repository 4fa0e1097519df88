"""Money from buyer to seller: recorded, announced, confirmed, applied. Never more than was paid, never more than an invoice still owes.

Whoever pays an invoice holds the lock of its order, so matching is decided on what nobody else can change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from qudao.approvals.actions import signed
from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import rows
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.notify import notify
from qudao.billing.actions import PaidInvoice, pay_all_invoices, pay_invoices
from qudao.funds.actions import Change, shift, shift_all
from qudao.funds.rules import Shift
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Invalid, NotFound, Refused
from qudao.kernel.money import ZERO
from qudao.ledger.actions import Posting, post, post_all, settle_items
from qudao.ledger.states import Account
from qudao.orders.actions import lock_trades
from qudao.payments import rules
from qudao.payments.actions import asked
from qudao.payments.actions.duties import check_not_announced, check_not_ordered
from qudao.payments.events import PaymentAnnounced, PaymentApplied, PaymentReceived
from qudao.payments.models import Payment
from qudao.payments.policies import check_owner, check_pair
from qudao.payments.queries import Pair, Pairs, meant, unscoped_pairs, unscoped_payment
from qudao.payments.rules import Application, PaymentFacts
from qudao.payments.states import UNAPPLIED, Method, State

# The number is counted per buyer, and taken with the row it numbers, before the books, which carry it.
WRITE = """WITH series AS (
        INSERT INTO base_series (key, next) VALUES ('payment:' || %(seller_id)s || ':' || %(buyer_id)s, 2)
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1 AS n
    ), payment AS (
        INSERT INTO payments_payment (seller_id, buyer_id, agreement_id, number, amount, currency, applied, paid_on, reference, method, note, state,
            state_since, recorded_at, recorded_by)
        SELECT %(seller_id)s, %(buyer_id)s, %(agreement_id)s, 'RC-' || o.code || '-' || lpad(n::text, greatest(5, length(n::text)), '0'),
            %(amount)s, %(currency)s, %(applied)s, %(paid_on)s, %(reference)s, %(method)s, %(note)s, %(state)s, %(now)s, %(now)s, %(by)s
        FROM series, network_organisation o WHERE o.id = %(buyer_id)s
        RETURNING id, number
    ), application AS (
        INSERT INTO payments_application (payment_id, invoice_id, amount, how, at, by)
        SELECT payment.id, d.*, %(now)s, %(by)s FROM payment, unnest(%(invoices)s::bigint[], %(amounts)s::numeric[], %(hows)s::text[]) d
    )
    SELECT id, number FROM payment"""
WRITE_ALL = """WITH asked AS (
        SELECT * FROM unnest(%(seller_id)s::bigint[], %(buyer_id)s::bigint[], %(agreement_id)s::bigint[], %(amount)s::numeric[], %(currency)s::text[],
            %(applied)s::numeric[], %(paid_on)s::date[], %(reference)s::text[], %(method)s::text[], %(note)s::text[], %(state)s::text[]) WITH ORDINALITY
            d(seller_id, buyer_id, agreement_id, amount, currency, applied, paid_on, reference, method, note, state, i)
    ), counted AS (
        SELECT 'payment:' || seller_id || ':' || buyer_id AS key, seller_id, buyer_id, count(*) AS n FROM asked GROUP BY seller_id, buyer_id ORDER BY 1
    ), series AS (
        INSERT INTO base_series (key, next) SELECT key, n + 1 FROM counted
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + excluded.next - 1 RETURNING key, next
    ), numbered AS (
        SELECT a.*, o.code, s.next - c.n - 1 + row_number() OVER (PARTITION BY a.seller_id, a.buyer_id ORDER BY a.i) AS no
        FROM asked a JOIN counted c USING (seller_id, buyer_id) JOIN series s USING (key) JOIN network_organisation o ON o.id = a.buyer_id
    ), named AS (
        SELECT *, 'RC-' || code || '-' || lpad(no::text, greatest(5, length(no::text)), '0') AS number FROM numbered
    ), payment AS (
        INSERT INTO payments_payment (seller_id, buyer_id, agreement_id, number, amount, currency, applied, paid_on, reference, method, note, state,
            state_since, recorded_at, recorded_by)
        SELECT seller_id, buyer_id, agreement_id, number, amount, currency, applied, paid_on, reference, method, note, state, %(now)s, %(now)s, %(by)s
        FROM named ORDER BY i
        RETURNING id, seller_id, number
    ), application AS (
        INSERT INTO payments_application (payment_id, invoice_id, amount, how, at, by)
        SELECT payment.id, d.invoice_id, d.amount, d.how, %(now)s, %(by)s
        FROM unnest(%(of)s::bigint[], %(invoices)s::bigint[], %(amounts)s::numeric[], %(hows)s::text[]) d(i, invoice_id, amount, how)
        JOIN named USING (i) JOIN payment USING (seller_id, number)
    )
    SELECT named.i, payment.id, payment.number FROM payment JOIN named USING (seller_id, number) ORDER BY 1"""
# Guarded: a payment that lost its state or its rest meanwhile is not touched.
APPLY = """WITH payment AS (
        UPDATE payments_payment SET applied = applied + %(applied)s, state_since = %(now)s, paid_on = coalesce(%(paid_on)s, paid_on),
            state = CASE WHEN applied + %(applied)s = amount THEN 'applied' WHEN applied + %(applied)s = 0 THEN 'received' ELSE 'partially_applied' END
        WHERE id = %(id)s AND state = ANY(%(states)s) AND applied + %(applied)s <= amount
        RETURNING id, applied, state
    ), application AS (
        INSERT INTO payments_application (payment_id, invoice_id, amount, how, at, by)
        SELECT payment.id, d.*, %(now)s, %(by)s FROM payment, unnest(%(invoices)s::bigint[], %(amounts)s::numeric[], %(hows)s::text[]) d
        RETURNING id
    )
    SELECT applied, state, (SELECT min(id) FROM application) FROM payment"""

#: (invoice id, amount) pairs a person chose; None lets the rules match; () leaves all unapplied
Chosen = Sequence[tuple[int, Decimal]] | None


@dataclass(frozen=True)
class Money:
    """What there is to apply: between whom, how much, and what the payer wrote."""

    seller_id: int
    buyer_id: int
    amount: Decimal
    reference: str


@dataclass(frozen=True)
class Paid:
    """What a payment pays: applications as decided, invoices as they stand after it."""

    applications: list[Application]
    invoices: list[PaidInvoice]

    @property
    def total(self) -> Decimal:
        return sum((a.amount for a in self.applications), ZERO)

    def columns(self) -> dict[str, list]:
        return {
            "invoices": [a.invoice_id for a in self.applications],
            "amounts": [a.amount for a in self.applications],
            "hows": [str(a.how) for a in self.applications],
        }


@signed(asked.OUT, asked.supplier_asks, asked.supplier_card)
@action("payments.record")
def record_payment(facts: PaymentFacts, applications: Chosen = None, *, actor: Actor) -> Payment:
    """Record money the own organisation received, and apply it; what matches nothing stays unapplied and gives credit back.

    Both books, both open items, credit and orders move in the same transaction. Locks orders, invoices, payment, funds, ledger.
    Emits PaymentReceived. Raises Invalid for bad input, Refused for every application that is too much.
    """
    rules.check_facts(facts, clock.today())
    check_pair(actor, facts.seller_id)
    pair = pair_of(facts.seller_id, facts.buyer_id, facts.currency)
    paid = pay_debts(pair, Money(facts.seller_id, facts.buyer_id, facts.amount, facts.reference), applications, actor)
    payment = write_payment(facts, pair, rules.state_of(facts.amount, paid.total), paid, actor)
    _book_received(payment, paid, actor)
    return payment


@dataclass(frozen=True)
class Received:
    """A line of a bank's file: the money, and which invoices it pays if somebody said so."""

    facts: PaymentFacts
    applications: Chosen = None


@action("payments.record")
def record_payments(received: Sequence[Received], *, actor: Actor) -> list[Payment]:
    """`record_payment` for a bank's file, all or none, in as many statements as for one payment; each pays what those before it left open.

    Raises Conflict when somebody paid one of these orders meanwhile.
    """
    for one in received:
        rules.check_facts(one.facts, clock.today())
        check_pair(actor, one.facts.seller_id)
    pairs = unscoped_pairs([(one.facts.seller_id, one.facts.buyer_id) for one in received])
    decided, own = [], []
    for one in received:
        sides = (one.facts.seller_id, one.facts.buyer_id)
        own.append(pair_among(pairs, *sides, one.facts.currency))
        decided.append(_decide(own[-1], Money(*sides, one.facts.amount, one.facts.reference), one.applications))
        pairs[sides][own[-1].currency] = own[-1].after(decided[-1])
    amounts: dict[int, Decimal] = {}
    for a in (a for applications in decided for a in applications):
        amounts[a.invoice_id] = amounts.get(a.invoice_id, ZERO) + a.amount
    seen = {d.order_id: d.order_paid for pair in own for d in pair.debts if d.id in amounts}
    trades = lock_trades(seen, actor=actor) if seen else []
    if any(t.paid != seen[t.id] for t in trades):
        raise Conflict("base.changed")
    invoices = {p.id: p for p in pay_all_invoices(amounts, trades, actor=actor)}
    paid = [Paid(applications, [replace(invoices[a.invoice_id], amount=a.amount) for a in applications]) for applications in decided]
    payments = write_all([one.facts for one in received], own, paid, actor)
    both = list(zip(payments, paid, strict=True))
    moves = [(p, agreement_id, moved) for p, done in both for agreement_id, moved in moves_of(p, done, [(None, "unapplied", p.left)]).items()]
    shift_all([Change(agreement_id, moved, p.subject) for p, agreement_id, moved in moves], actor=actor)
    post_all([(posting, p.subject) for p, done in both for posting in postings_of(p, done)], actor=actor)
    settle_items([("billing.invoice", pk, amount) for pk, amount in amounts.items()], actor=actor)
    for p, done in both:
        tell_received(p, done, actor)
    return payments


@action("payments.announce")
def announce_payment(facts: PaymentFacts, *, actor: Actor) -> Payment:
    """Tell a seller that money is on its way. Nothing moves until the seller confirms. Emits PaymentAnnounced."""
    rules.check_facts(facts, clock.today())
    check_pair(actor, facts.buyer_id)
    pair = pair_of(facts.seller_id, facts.buyer_id, facts.currency)
    check_not_ordered(facts.buyer_id, (a.invoice_id for a in rules.match(facts.amount, pair.debts, facts.reference)), actor)
    payment = write_payment(facts, pair, State.ANNOUNCED, Paid([], []), actor)
    record(payment.subject, after=payment.state, detail={"amount": str(payment.amount)})
    emit(PaymentAnnounced(payment.pk, payment.seller_id, payment.buyer_id, payment.amount, payment.currency), payment.subject)
    tell("payments.payment_announced", payment, payment.seller_id, "payments.record", actor, reference=payment.reference)
    return payment


@action("payments.record")
def confirm_payment(payment_id: int, applications: Chosen = None, *, actor: Actor) -> Payment:
    """Say that an announced payment arrived today, and apply it as in record_payment. Locks and emits as there."""
    payment = _payment(payment_id, "payments.record", actor)
    if payment.state != State.ANNOUNCED or payment.pool_id:
        raise _illegal(payment)
    check_not_announced(payment, actor)
    pair = pair_of(payment.seller_id, payment.buyer_id, payment.currency)
    paid = pay_debts(pair, Money(payment.seller_id, payment.buyer_id, payment.amount, payment.reference), applications, actor)
    write_applied(payment, paid, (State.ANNOUNCED,), actor, received=clock.now())
    _book_received(payment, paid, actor, before=State.ANNOUNCED)
    return payment


@action("payments.record")
def decline_payment(payment_id: int, reason: str, *, actor: Actor) -> Payment:
    """Say that announced money did not arrive, with a reason the buyer reads. Locks the payment."""
    if not reason.strip():
        raise Invalid("payments.reason_needed", field="reason")
    _payment(payment_id, "payments.record", actor)
    payment = lock_one(Payment, payment_id, rank=Rank.PAYMENT)
    if payment.state != State.ANNOUNCED or payment.pool_id:
        raise _illegal(payment)
    before, since = payment.state, payment.state_since
    payment.state, payment.state_since = State.DECLINED, clock.now()
    payment.save(update_fields=["state", "state_since"])
    record(payment.subject, before=before, after=payment.state, reason=reason.strip(), since=since)
    tell("payments.payment_declined", payment, payment.buyer_id, "payments.view", actor, reason=reason.strip())
    return payment


@action("payments.apply")
def apply_payment(payment_id: int, applications: Chosen = None, *, actor: Actor) -> Payment:
    """Apply what is left of a received payment: as chosen, or as the rules match. Credit in use does not change.

    Locks orders, invoices, payment, funds, ledger. Emits PaymentApplied. Raises Refused when nothing matches, or anything would be too much.
    """
    payment = _payment(payment_id, "payments.apply", actor)
    if payment.state not in UNAPPLIED:
        raise _illegal(payment)
    sides = (payment.seller_id, payment.buyer_id)
    paid = pay_debts(pair_of(*sides, payment.currency), Money(*sides, payment.left, payment.reference), applications, actor)
    if not paid.applications:
        raise Refused("payments.nothing_to_apply")
    before, since = payment.state, payment.state_since
    first = write_applied(payment, paid, UNAPPLIED, actor)
    shift_paid(payment, paid, [("unapplied", None, paid.total)], actor)
    (seller, buyer), today, key = sides, clock.today(), f"application:{first}"
    entries = ((seller, Account.UNAPPLIED_IN, Account.RECEIVABLE, buyer), (buyer, Account.PAYABLE, Account.UNAPPLIED_OUT, seller))
    postings = [
        Posting(org, today, "application", key, ((debit, other, paid.total), (credit, other, -paid.total)), payment.currency)
        for org, debit, credit, other in entries
    ]
    post(postings, payment.subject, actor=actor)
    settle(paid, actor)
    record(payment.subject, before=before, after=payment.state, since=since, detail={"applied": str(paid.total)})
    emit(PaymentApplied(payment.pk, *sides, paid.total, payment.currency), payment.subject)
    return payment


def pay_debts(pair: Pair, money: Money, chosen: Chosen, actor: Actor) -> Paid:
    """Decide what is paid, lock the orders concerned, decide again when somebody was faster, and pay the invoices."""
    if not (decided := _decide(pair, money, chosen)):
        return Paid([], [])
    check_not_ordered(money.buyer_id, (a.invoice_id for a in decided), actor)
    seen = {d.order_id: d.order_paid for d in pair.debts if d.id in {a.invoice_id for a in decided}}
    trades = lock_trades(seen, actor=actor)
    if any(t.paid != seen[t.id] for t in trades):
        fresh = pair_of(money.seller_id, money.buyer_id, pair.currency)
        fresh = replace(fresh, debts=[d for d in fresh.debts if d.order_id in seen])
        decided = _decide(fresh, money, chosen)
    invoices = pay_invoices({a.invoice_id: a.amount for a in decided}, trades, actor=actor) if decided else []
    return Paid(decided, invoices)


def _decide(pair: Pair, money: Money, chosen: Chosen) -> list[Application]:
    if chosen is None:
        return rules.match(money.amount, pair.debts, money.reference)
    return rules.check_explicit(money.amount, chosen, pair.debts)


def _book_received(payment: Payment, paid: Paid, actor: Actor, before: str = "") -> None:
    """Credit, both books and open items of money that has just come, and who is told."""
    shift_paid(payment, paid, [(None, "unapplied", payment.amount - paid.total)], actor)
    post(postings_of(payment, paid), payment.subject, actor=actor)
    settle(paid, actor)
    tell_received(payment, paid, actor, before)


def postings_of(payment: Payment, paid: Paid) -> list[Posting]:
    """The money in both books, from the bank or from a deposit; a line of zero is left out."""
    seller, buyer, amount, rest = payment.seller_id, payment.buyer_id, payment.amount, payment.left
    into, out = (Account.DEPOSIT_IN, Account.DEPOSIT_OUT) if payment.method == Method.DEPOSIT else (Account.BANK, Account.BANK)
    received = ((into, buyer, amount), (Account.RECEIVABLE, buyer, -paid.total), (Account.UNAPPLIED_IN, buyer, -rest))
    sent = ((Account.PAYABLE, seller, paid.total), (Account.UNAPPLIED_OUT, seller, rest), (out, seller, -amount))
    key = f"payment:{payment.pk}"
    return [
        Posting(org, payment.paid_on, "payment", key, tuple(line for line in lines if line[2]), payment.currency)
        for org, lines in ((seller, received), (buyer, sent))
    ]


def tell_received(payment: Payment, paid: Paid, actor: Actor, before: str = "") -> None:
    record(payment.subject, before=before, after=payment.state, detail={"amount": str(payment.amount), "applied": str(paid.total)})
    emit(PaymentReceived(payment.pk, payment.seller_id, payment.buyer_id, payment.amount, paid.total, payment.currency), payment.subject)
    tell("payments.payment_received", payment, payment.buyer_id, "payments.view", actor)


def shift_paid(payment: Payment, paid: Paid, own: list[Shift], actor: Actor) -> None:
    """Paid invoices leave the credit account of their agreement; `own` moves happen on the payment's. One statement for each agreement."""
    for agreement_id, moves in sorted(moves_of(payment, paid, own).items()):
        shift(agreement_id, moves, payment.subject, actor=actor)


def moves_of(payment: Payment, paid: Paid, own: list[Shift]) -> dict[int, list[Shift]]:
    moves: dict[int, list[Shift]] = {payment.agreement_id: [m for m in own if m[2]]}
    for invoice in paid.invoices:
        moves.setdefault(invoice.agreement_id, []).append(("invoiced", None, invoice.amount))
    return moves


def settle(paid: Paid, actor: Actor) -> None:
    settle_items([("billing.invoice", a.invoice_id, a.amount) for a in paid.applications], actor=actor)


def write_payment(facts: PaymentFacts, pair: Pair, state: str, paid: Paid, actor: Actor) -> Payment:
    """The numbered payment with its applications, in one statement."""
    note_rank(Rank.PAYMENT)
    now = clock.now()
    columns = _payment_columns(facts, pair, state, paid)
    ((pk, number),) = rows(WRITE, {**columns, **paid.columns(), "now": now, "by": actor.user_id})
    return Payment(id=pk, number=number, state_since=now, recorded_at=now, recorded_by=actor.user_id, **columns)


def write_all(facts: Sequence[PaymentFacts], pairs: Sequence[Pair], paid: Sequence[Paid], actor: Actor) -> list[Payment]:
    """The numbered payments with their applications, in one statement."""
    note_rank(Rank.PAYMENT)
    now = clock.now()
    heads = [_payment_columns(f, pair, rules.state_of(f.amount, p.total), p) for f, pair, p in zip(facts, pairs, paid, strict=True)]
    params: dict[str, Any] = {name: [head[name] for head in heads] for name in heads[0]} | {"now": now, "by": actor.user_id}
    params["of"] = [n for n, p in enumerate(paid, 1) for _application in p.applications]
    params |= {name: [value for p in paid for value in p.columns()[name]] for name in ("invoices", "amounts", "hows")}
    written = {n: (pk, number) for n, pk, number in rows(WRITE_ALL, params)}
    about = {"state_since": now, "recorded_at": now, "recorded_by": actor.user_id}
    return [Payment(id=written[n][0], number=written[n][1], **about, **head) for n, head in enumerate(heads, 1)]


def _payment_columns(facts: PaymentFacts, pair: Pair, state: str, paid: Paid) -> dict[str, Any]:
    return {
        "seller_id": facts.seller_id, "buyer_id": facts.buyer_id, "agreement_id": pair.agreement_id, "amount": facts.amount, "currency": pair.currency,
        "applied": paid.total, "paid_on": facts.paid_on or clock.today(), "reference": facts.reference.strip(), "method": str(facts.method),
        "note": facts.note.strip(), "state": str(state),
    }  # fmt: skip


def write_applied(payment: Payment, paid: Paid, states: Sequence[str], actor: Actor, *, received: datetime | None = None) -> int | None:
    """Add applications to a payment still in one of `states` with that much left; `received`: when announced money came. Returns the first one's id."""
    note_rank(Rank.PAYMENT)
    now = received or clock.now()
    params: dict[str, Any] = {"applied": paid.total, "now": now, "paid_on": clock.date_of(now) if received else None}
    params |= {"id": payment.pk, "states": [str(s) for s in states], "by": actor.user_id, **paid.columns()}
    if not (found := rows(APPLY, params)):
        raise Conflict("base.changed")
    payment.applied, payment.state, first = found[0]
    payment.state_since, payment.paid_on = now, params["paid_on"] or payment.paid_on
    return first


def pair_of(seller_id: int, buyer_id: int, currency: str) -> Pair:
    return pair_among(unscoped_pairs([(seller_id, buyer_id)]), seller_id, buyer_id, currency)


def pair_among(pairs: Pairs, seller_id: int, buyer_id: int, currency: str) -> Pair:
    """What stands between two in a currency. Raises Refused without an agreement in it, Invalid where the currency must be said."""
    of = pairs.get((seller_id, buyer_id), {})
    if pair := meant(of, currency):
        return pair
    raise Refused("payments.no_agreement_in", field="currency", currency=currency) if of else Refused("payments.no_agreement", field="buyer")


def _payment(payment_id: int, verb: str, actor: Actor) -> Payment:
    """The payment as it stands, not locked yet: orders and invoices are locked before it."""
    payment = unscoped_payment(payment_id)
    if payment is None:
        raise NotFound("base.not_found")
    check_owner(actor, verb, payment.seller_id, payment.pk)
    return payment


def _illegal(payment: Payment) -> Refused:
    code = "payments.part_of_pool" if payment.pool_id and payment.state == State.ANNOUNCED else "payments.illegal"
    return Refused(code, number=payment.number, state=State(payment.state).label)


def tell(code: str, payment: Payment, org_id: int, verb: str, actor: Actor, **said: Any) -> None:
    said |= {"number": payment.number, "amount": str(payment.amount), "currency": payment.currency}
    notify(code, payment.subject, org_id=org_id, verb=verb, except_user=actor.user_id, **said)
