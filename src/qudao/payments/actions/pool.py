"""One payment of a head office for several branches: a part for each, all of them in one transaction, under one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from qudao.agreements.queries import Agreement
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.db import rows
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.billing.actions import pay_all_invoices
from qudao.funds.actions import Change, shift_all
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Forbidden, Invalid, Refused
from qudao.kernel.money import ZERO
from qudao.ledger.actions import post_all, settle_items
from qudao.network.queries import unscoped_cards
from qudao.orders.actions import lock_trades
from qudao.payments import rules
from qudao.payments.actions.duties import check_not_announced
from qudao.payments.actions.receive import Chosen, Paid, moves_of, postings_of, tell_received, write_applied
from qudao.payments.models import Payer, Payment, Pool
from qudao.payments.policies import check_pair
from qudao.payments.queries import Debt, Pair, Pairs, meant, unscoped_branches, unscoped_pairs
from qudao.payments.rules import Application, PoolFacts
from qudao.payments.states import State

# The number is of the series of the payer's own payments; the parts carry it and their place in it. Pool, parts and applications in one statement.
WRITE = """WITH series AS (
        INSERT INTO base_series (key, next) VALUES ('payment:' || %(seller_id)s || ':' || %(payer_id)s, 2)
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1 AS n
    ), pool AS (
        INSERT INTO payments_pool (seller_id, payer_id, number, amount, currency, part_count, paid_on, reference, method, note, state,
            state_since, recorded_at, recorded_by)
        SELECT %(seller_id)s, %(payer_id)s, 'RC-' || o.code || '-' || lpad(n::text, greatest(5, length(n::text)), '0'), %(amount)s, %(currency)s,
            %(part_count)s, %(paid_on)s, %(reference)s, %(method)s, %(note)s, %(state)s, %(now)s, %(now)s, %(by)s
        FROM series, network_organisation o WHERE o.id = %(payer_id)s
        RETURNING *
    ), part AS (
        INSERT INTO payments_payment (seller_id, buyer_id, agreement_id, pool_id, number, amount, currency, applied, paid_on, reference, method, note,
            state, state_since, recorded_at, recorded_by, refunded)
        SELECT pool.seller_id, d.buyer_id, d.agreement_id, pool.id, pool.number || '/' || d.i, d.amount, pool.currency, d.applied, pool.paid_on,
            d.reference, pool.method, pool.note, d.state, %(now)s, %(now)s, %(by)s, 0
        FROM pool, unnest(%(buyers)s::bigint[], %(agreements)s::bigint[], %(part_amounts)s::numeric[], %(applied)s::numeric[], %(references)s::text[],
            %(states)s::text[]) WITH ORDINALITY d(buyer_id, agreement_id, amount, applied, reference, state, i) ORDER BY d.i
        RETURNING id, number, buyer_id
    ), application AS (
        INSERT INTO payments_application (payment_id, invoice_id, amount, how, at, by)
        SELECT part.id, d.invoice_id, d.amount, d.how, %(now)s, %(by)s
        FROM unnest(%(of)s::bigint[], %(invoices)s::bigint[], %(amounts)s::numeric[], %(hows)s::text[]) d(buyer_id, invoice_id, amount, how)
        JOIN part USING (buyer_id)
    )
    SELECT part.buyer_id, part.id, part.number, pool.id, pool.number FROM pool, part"""


#: the agreements of each branch, with their currencies
Branches = Mapping[int, Mapping[int, str]]


@dataclass(frozen=True)
class Share:
    """What one branch gets of the payment: its account, the amount, what it pays of its invoices."""

    buyer_id: int
    pair: Pair
    amount: Decimal
    pays: list[Application]


@action("payments.set_payer")
def set_payer(agreement_id: int, payer_id: int | None, *, actor: Actor) -> Payer | None:
    """Name the organisation above the buyer that pays what is invoiced under an agreement; None: the buyer pays itself. Only the seller may.

    Convergent. Locks the row. Raises Refused payments.payer_not_above.
    """
    agreement = get_visible(actor, Agreement, agreement_id)
    if not actor.acts_as(agreement.seller_id):
        raise Forbidden("base.forbidden", verb="payments.set_payer")
    found = Payer.unscoped.filter(agreement_id=agreement_id).values_list("pk", flat=True).first()
    kept = lock_one(Payer, found, rank=Rank.NETWORK) if found else None
    cards = unscoped_cards({agreement.buyer_id} | {pk for pk in (payer_id, kept.payer_id if kept else None) if pk})
    before = cards[kept.payer_id].code if kept else ""
    if payer_id is None:
        if kept:
            kept.delete()
    else:
        card, buyer = cards.get(payer_id), cards[agreement.buyer_id]
        if card is None or payer_id in (agreement.buyer_id, agreement.seller_id) or not buyer.path.startswith(card.path):
            raise Refused("payments.payer_not_above", field="payer")
        if kept and kept.payer_id == payer_id:
            return kept
        kept = kept or Payer(agreement_id=agreement_id)
        kept.payer_id = payer_id
        kept.save()
    after = cards[payer_id].code if payer_id else ""
    if before != after:
        about = Subject("agreements.agreement", agreement.pk, agreement.seller_id, agreement.buyer_id, agreement.code)
        record(about, detail={"payer": [before, after]})
    return kept if payer_id else None


@action("payments.record")
def record_pool(facts: PoolFacts, applications: Chosen = None, *, actor: Actor) -> Pool:
    """Record one payment of a head office that the own organisation received, and apply it over the invoices of all its branches.

    Each branch with a part has its payment, books, credit and orders moved as by a payment of its own, all or none. Locks orders, invoices, payments,
    funds, ledger. Emits PaymentReceived for each part. Raises Conflict when somebody paid one of the orders meanwhile.
    """
    rules.check_facts(facts, clock.today())
    check_pair(actor, facts.seller_id)
    shares, currency = _plan(facts, applications)
    done = _pay(shares, actor)
    pool, parts = write_pool(facts, currency, shares, State.RECEIVED, actor)
    _book(parts, [done[share.buyer_id] for share in shares], actor)
    record(pool.subject, after=pool.state, detail={"amount": str(pool.amount), "parts": pool.part_count})
    tell_pool("payments.pool_received", pool, pool.payer_id, "payments.view", actor)
    return pool


@action("payments.announce")
def announce_pool(facts: PoolFacts, applications: Chosen = None, *, actor: Actor) -> Pool:
    """Tell a seller that one payment for several branches is on its way. Each part names the invoices it is for; nothing moves until it is confirmed."""
    rules.check_facts(facts, clock.today())
    check_pair(actor, facts.payer_id)
    shares, currency = _plan(facts, applications)
    pool, _parts = write_pool(facts, currency, shares, State.ANNOUNCED, actor)
    record(pool.subject, after=pool.state, detail={"amount": str(pool.amount), "parts": pool.part_count})
    tell_pool("payments.pool_announced", pool, pool.seller_id, "payments.record", actor, reference=pool.reference)
    return pool


@action("payments.record")
def confirm_pool(pool_id: int, *, actor: Actor) -> Pool:
    """Say that an announced payment for several branches arrived today: each part pays the invoices it was announced for, else those of its branch by
    the rules. All parts or none. Locks and emits as `record_pool`."""
    pool = _announced(pool_id, actor)
    check_not_announced(pool, actor)
    parts = list(Payment.unscoped.filter(pool=pool).order_by("pk"))
    pairs = unscoped_pairs([(pool.seller_id, one.buyer_id) for one in parts])
    shares = []
    for one in parts:
        pair = pairs[pool.seller_id, one.buyer_id][one.currency]
        shares.append(Share(one.buyer_id, pair, one.amount, rules.match(one.amount, pair.debts, one.reference)))
    done = _pay(shares, actor)
    pool = change_pool(pool_id, State.RECEIVED, "", actor)
    for one in parts:
        write_applied(one, done[one.buyer_id], (State.ANNOUNCED,), actor, received=pool.state_since)
    _book(parts, [done[one.buyer_id] for one in parts], actor, before=State.ANNOUNCED)
    tell_pool("payments.pool_received", pool, pool.payer_id, "payments.view", actor)
    return pool


@action("payments.record")
def decline_pool(pool_id: int, reason: str, *, actor: Actor) -> Pool:
    """Say that announced money for several branches did not arrive, with a reason the payer reads: all its parts are declined. Locks pool and parts."""
    if not reason.strip():
        raise Invalid("payments.reason_needed", field="reason")
    _announced(pool_id, actor)
    pool = change_pool(pool_id, State.DECLINED, reason.strip(), actor)
    Payment.unscoped.filter(pool=pool).update(state=State.DECLINED, state_since=pool.state_since)
    for one in Payment.unscoped.filter(pool=pool).order_by("pk"):
        record(one.subject, before=State.ANNOUNCED, after=State.DECLINED, reason=reason.strip())
    tell_pool("payments.pool_declined", pool, pool.payer_id, "payments.view", actor, reason=reason.strip())
    return pool


def _announced(pool_id: int, actor: Actor) -> Pool:
    pool = get_visible(actor, Pool, pool_id)
    if not actor.acts_as(pool.seller_id):
        raise Forbidden("base.forbidden", verb="payments.record")
    return _check(pool)


def _check(pool: Pool) -> Pool:
    if pool.state != State.ANNOUNCED:
        raise Refused("payments.illegal", number=pool.number, state=State(pool.state).label)
    return pool


def change_pool(pool_id: int, state: str, reason: str, actor: Actor) -> Pool:
    """The pool, locked and brought out of announced."""
    pool = _check(lock_one(Pool, pool_id, rank=Rank.PAYMENT))
    before, since = pool.state, pool.state_since
    pool.state, pool.state_since = state, clock.now()
    if state == State.RECEIVED:
        pool.paid_on = clock.date_of(pool.state_since)
    pool.save(update_fields=["state", "state_since", "paid_on"])
    record(pool.subject, before=before, after=pool.state, reason=reason, since=since, detail={"parts": pool.part_count})
    return pool


def _plan(facts: PoolFacts, chosen: Chosen) -> tuple[list[Share], str]:
    """The share of each branch, and the currency. Raises Refused."""
    branches = unscoped_branches(facts.seller_id, [facts.payer_id]).get(facts.payer_id)
    if not branches:
        raise Refused("payments.no_branches", field="partner")
    return plan_shares(facts, chosen, branches, unscoped_pairs([(facts.seller_id, buyer) for buyer in branches]))


def plan_shares(facts: PoolFacts, chosen: Chosen, branches: Branches, pairs_of: Pairs) -> tuple[list[Share], str]:
    """The share of each branch, and the currency, by what the branches owe; writes nothing. Raises Refused."""
    found: dict[int, Pair] = {}
    for buyer, own in branches.items():
        of = {one: pair for one, pair in pairs_of.get((facts.seller_id, buyer), {}).items() if one in own.values()}
        try:
            pair = meant(of, facts.currency)
        except Invalid as error:
            raise Refused("payments.pool_currency", field="currency") from error
        if pair:
            found[buyer] = replace(pair, debts=[d for d in pair.debts if d.agreement_id in own])
    currencies = {pair.currency for pair in found.values()}
    if len(currencies) != 1:
        raise Refused("payments.pool_currency", field="currency")
    currency, pairs = currencies.pop(), found
    if facts.rest_buyer_id is not None and facts.rest_buyer_id not in pairs:
        raise Refused("payments.rest_elsewhere", field="rest")
    debts = sorted(((d, buyer) for buyer, pair in pairs.items() for d in pair.debts), key=lambda one: (one[0].due_on, one[0].id))
    owed: Sequence[Debt] = [d for d, _buyer in debts]
    decided = rules.match(facts.amount, owed, facts.reference) if chosen is None else rules.check_explicit(facts.amount, chosen, owed)
    rest_to = facts.rest_buyer_id or (debts[0][1] if debts else min(pairs))
    parts = rules.split(facts.amount, decided, {d.id: buyer for d, buyer in debts}, rest_to)
    return [Share(buyer, pairs[buyer], amount, pays) for buyer, (amount, pays) in parts.items()], currency


def _pay(shares: Sequence[Share], actor: Actor) -> Mapping[int, Paid]:
    """Lock the orders of all shares at once and pay their invoices: what was paid, by branch."""
    amounts = {a.invoice_id: a.amount for share in shares for a in share.pays}
    seen = {d.order_id: d.order_paid for share in shares for d in share.pair.debts if d.id in amounts}
    trades = lock_trades(seen, actor=actor) if seen else []
    if any(t.paid != seen[t.id] for t in trades):
        raise Conflict("base.changed")
    invoices = {p.id: p for p in pay_all_invoices(amounts, trades, actor=actor)}
    return {share.buyer_id: Paid(share.pays, [invoices[a.invoice_id] for a in share.pays]) for share in shares}


def write_pool(facts: PoolFacts, currency: str, shares: Sequence[Share], state: State, actor: Actor) -> tuple[Pool, list[Payment]]:
    """The numbered whole with its parts and their applications, in one statement; announced, nothing is applied yet."""
    note_rank(Rank.PAYMENT)
    now, announced = clock.now(), state == State.ANNOUNCED
    head: dict[str, Any] = {
        "seller_id": facts.seller_id, "amount": facts.amount, "currency": currency, "paid_on": facts.paid_on or clock.date_of(now),
        "reference": facts.reference.strip(), "method": str(facts.method), "note": facts.note.strip(),
    }  # fmt: skip
    heads: list[dict[str, Any]] = []
    for share in shares:
        numbers = {d.id: d.number for d in share.pair.debts}
        applied = ZERO if announced else sum((a.amount for a in share.pays), ZERO)
        part: dict[str, Any] = {"buyer_id": share.buyer_id, "agreement_id": share.pair.agreement_id, "amount": share.amount, "applied": applied}
        part["reference"] = rules.naming(numbers[a.invoice_id] for a in share.pays) if announced else head["reference"]
        part["state"] = str(state if announced else rules.state_of(share.amount, applied))
        heads.append(part)
    pays = [] if announced else [(share.buyer_id, a) for share in shares for a in share.pays]
    columns = {"buyers": "buyer_id", "agreements": "agreement_id", "part_amounts": "amount", "applied": "applied", "references": "reference", "states": "state"}
    found = rows(
        WRITE,
        {
            **head, "payer_id": facts.payer_id, "part_count": len(shares), "state": str(state), "now": now, "by": actor.user_id,
            **{name: [one[key] for one in heads] for name, key in columns.items()}, "of": [buyer for buyer, _a in pays],
            "invoices": [a.invoice_id for _b, a in pays], "amounts": [a.amount for _b, a in pays], "hows": [str(a.how) for _b, a in pays],
        },
    )  # fmt: skip
    about = {"state_since": now, "recorded_at": now, "recorded_by": actor.user_id}
    written = {row[0]: row[1:] for row in found}
    pool = Pool(id=found[0][3], number=found[0][4], payer_id=facts.payer_id, part_count=len(shares), state=str(state), **head, **about)
    parts = [Payment(id=written[one["buyer_id"]][0], number=written[one["buyer_id"]][1], pool_id=pool.pk, **{**head, **one}, **about) for one in heads]
    return pool, parts


def _book(parts: Sequence[Payment], paid: Sequence[Paid], actor: Actor, before: str = "") -> None:
    """Credit, both books and open items of every part, and who is told: a statement of each kind for all."""
    both = list(zip(parts, paid, strict=True))
    moves = [(p, agreement, moved) for p, done in both for agreement, moved in moves_of(p, done, [(None, "unapplied", p.left)]).items()]
    shift_all([Change(agreement, moved, p.subject) for p, agreement, moved in moves], actor=actor)
    post_all([(posting, p.subject) for p, done in both for posting in postings_of(p, done)], actor=actor)
    settle_items([("billing.invoice", a.invoice_id, a.amount) for done in paid for a in done.applications], actor=actor)
    for p, done in both:
        tell_received(p, done, actor, before)


def tell_pool(code: str, pool: Pool, org_id: int, verb: str, actor: Actor, **said: Any) -> None:
    said |= {"number": pool.number, "amount": str(pool.amount), "currency": pool.currency, "parts": pool.part_count}
    notify(code, pool.subject, org_id=org_id, verb=verb, except_user=actor.user_id, **said)
