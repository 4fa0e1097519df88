"""What a bank's file says, in one transaction: money of buyers, of head offices for their branches, and money that was announced before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.billing.actions import PaidInvoice, pay_all_invoices
from qudao.funds.actions import Change, shift_all
from qudao.kernel import clock
from qudao.kernel.errors import Conflict, Forbidden, Refused
from qudao.kernel.money import ZERO
from qudao.ledger.actions import post_all, settle_items
from qudao.orders.actions import lock_trades
from qudao.payments import rules
from qudao.payments.actions.duties import check_not_announced
from qudao.payments.actions.pool import Share, change_pool, plan_shares, tell_pool, write_pool
from qudao.payments.actions.receive import Paid, moves_of, pair_among, postings_of, tell_received, write_all, write_applied
from qudao.payments.models import Payment, Pool
from qudao.payments.policies import check_pair
from qudao.payments.queries import Pairs, unscoped_branches, unscoped_pairs
from qudao.payments.rules import PaymentFacts, PoolFacts
from qudao.payments.states import State

#: what a line says: new money of a buyer or of a head office, or that a payment that was announced is here
Line = PaymentFacts | PoolFacts | Payment | Pool


@action("payments.record")
def record_bank(seller_id: int, lines: Sequence[Line], *, actor: Actor) -> list[Payment | Pool]:
    """Book all lines of a bank's file, all or none, in their order: each pays what those before it left open. What each became, in the same order.

    Announced money pays what it was announced for, else by the rules. A fixed number of statements, two more for each announced payment and each payment
    for branches. Locks orders, invoices, payments, funds, ledger. Raises Conflict when somebody paid one of these orders meanwhile.
    """
    _check(seller_id, lines, actor)
    parts: dict[int, list[Payment]] = {}
    for one in Payment.unscoped.filter(pool__in=[line.pk for line in lines if isinstance(line, Pool)]).order_by("pk"):
        parts.setdefault(one.pool_id or 0, []).append(one)
    shares, pairs = _decide(seller_id, lines, parts)
    paid = _pay(shares, pairs, actor)
    made: list[Payment | Pool] = []
    booked: list[tuple[Payment, Paid, str]] = []
    single = [n for n, line in enumerate(lines) if isinstance(line, PaymentFacts)]
    heads = [line for line in lines if isinstance(line, PaymentFacts)]
    fresh = dict(zip(single, write_all(heads, [shares[n][0].pair for n in single], [paid[n][0] for n in single], actor) if single else [], strict=True))
    for n, line in enumerate(lines):
        whole: Payment | Pool
        before = ""
        if isinstance(line, PaymentFacts):
            own, whole = [fresh[n]], fresh[n]
        elif isinstance(line, PoolFacts):
            pool, own = write_pool(line, shares[n][0].pair.currency, shares[n], State.RECEIVED, actor)
            record(pool.subject, after=pool.state, detail={"amount": str(pool.amount), "parts": pool.part_count})
            whole = pool
        else:
            whole = change_pool(line.pk, State.RECEIVED, "", actor) if isinstance(line, Pool) else line
            own, before = parts[line.pk] if isinstance(line, Pool) else [line], State.ANNOUNCED
            since = whole.state_since if isinstance(line, Pool) else clock.now()
            for one, done in zip(own, paid[n], strict=True):
                write_applied(one, done, (State.ANNOUNCED,), actor, received=since)
        made.append(whole)
        booked += [(one, done, before) for one, done in zip(own, paid[n], strict=True)]
    _book(booked, actor)
    for whole_pool in [one for one in made if isinstance(one, Pool)]:
        tell_pool("payments.pool_received", whole_pool, whole_pool.payer_id, "payments.view", actor)
    return made


def _check(seller_id: int, lines: Sequence[Line], actor: Actor) -> None:
    """All is the own organisation's, and what was announced is not here yet."""
    check_pair(actor, seller_id)
    for line in lines:
        if line.seller_id != seller_id:
            raise Forbidden("payments.not_your_side")
        if isinstance(line, PaymentFacts | PoolFacts):
            rules.check_facts(line, clock.today())
        elif line.state != State.ANNOUNCED or (isinstance(line, Payment) and line.pool_id):
            raise Refused("payments.illegal", number=line.number, state=State(line.state).label)
        else:
            check_not_announced(line, actor)


def _decide(seller_id: int, lines: Sequence[Line], parts: dict[int, list[Payment]]) -> tuple[list[list[Share]], Pairs]:
    """What each line pays, by branch, and what stood open before. Three statements."""
    payers = [line.payer_id for line in lines if isinstance(line, PoolFacts)]
    branches = unscoped_branches(seller_id, payers)
    buyers = {line.buyer_id for line in lines if isinstance(line, PaymentFacts | Payment)}
    buyers |= {one.buyer_id for of in parts.values() for one in of} | {buyer for of in branches.values() for buyer in of}
    before = unscoped_pairs([(seller_id, buyer) for buyer in buyers])
    pairs, found = {sides: dict(of) for sides, of in before.items()}, list[list[Share]]()
    for line in lines:
        if isinstance(line, PoolFacts):
            if line.payer_id not in branches:
                raise Refused("payments.no_branches", field="payer")
            own, _currency = plan_shares(line, None, branches[line.payer_id], pairs)
        else:
            own = [_share(one, pairs) for one in (parts[line.pk] if isinstance(line, Pool) else [line])]
        for share in own:
            of, currency = pairs[seller_id, share.buyer_id], share.pair.currency
            of[currency] = of[currency].after(share.pays)
        found.append(own)
    return found, before


def _share(one: PaymentFacts | Payment, pairs: Pairs) -> Share:
    pair = pair_among(pairs, one.seller_id, one.buyer_id, one.currency)
    return Share(one.buyer_id, pair, one.amount, rules.match(one.amount, pair.debts, one.reference))


def _pay(shares: Sequence[Sequence[Share]], pairs: Pairs, actor: Actor) -> list[list[Paid]]:
    """Lock the orders of all lines at once and pay their invoices: what was paid, by line and share."""
    amounts: dict[int, Decimal] = {}
    for a in (a for own in shares for share in own for a in share.pays):
        amounts[a.invoice_id] = amounts.get(a.invoice_id, ZERO) + a.amount
    seen = {d.order_id: d.order_paid for of in pairs.values() for pair in of.values() for d in pair.debts if d.id in amounts}
    trades = lock_trades(seen, actor=actor) if seen else []
    if any(t.paid != seen[t.id] for t in trades):
        raise Conflict("base.changed")
    invoices: dict[int, PaidInvoice] = {p.id: p for p in pay_all_invoices(amounts, trades, actor=actor)} if amounts else {}
    return [[Paid(share.pays, [replace(invoices[a.invoice_id], amount=a.amount) for a in share.pays]) for share in own] for own in shares]


def _book(booked: Sequence[tuple[Payment, Paid, str]], actor: Actor) -> None:
    """Credit, both books and open items of all payments, and who is told: a statement of each kind."""
    moves = [(p, agreement, moved) for p, done, _b in booked for agreement, moved in moves_of(p, done, [(None, "unapplied", p.left)]).items()]
    shift_all([Change(agreement, moved, p.subject) for p, agreement, moved in moves], actor=actor)
    post_all([(posting, p.subject) for p, done, _b in booked for posting in postings_of(p, done)], actor=actor)
    settle_items([("billing.invoice", a.invoice_id, a.amount) for _p, done, _b in booked for a in done.applications], actor=actor)
    for p, done, before in booked:
        tell_received(p, done, actor, before)
