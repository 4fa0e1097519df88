"""Goods of many orders on one invoice: when that is done is said by agreement; each order keeps a part of its own, by which money is followed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from qudao.agreements.queries import unscoped_terms_of
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.db import rows
from qudao.base.lock import Rank, lock_one, note_rank
from qudao.base.notify import notify
from qudao.base.subject import Subject
from qudao.billing import queries, rules
from qudao.billing.actions.issue import ISSUE_ALL, book, line_columns, tell
from qudao.billing.models import Collective, Cycle, Invoice
from qudao.billing.queries import Agreement
from qudao.billing.rules import Part
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders.actions import lock_trades, record_all_invoiced
from qudao.orders.queries import Trade

# One number of the seller's series for the whole; its parts carry it and their place in it. The lines as for many invoices.
ISSUE = f"""WITH series AS (
        INSERT INTO base_series (key, next) VALUES ('invoice:' || %(seller)s, 2)
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1 AS n
    ), head AS (
        INSERT INTO billing_collective (seller_id, buyer_id, agreement_id, number, date, due_on, currency, net, tax, gross, part_count, issued_at, issued_by)
        SELECT %(seller)s, %(buyer)s, %(agreement)s, 'INV-' || o.code || '-' || lpad(n::text, greatest(6, length(n::text)), '0'),
            %(date)s, %(due_on)s, %(currency)s, %(net)s, %(tax)s, %(gross)s, %(parts)s, %(now)s, %(by)s
        FROM series, network_organisation o WHERE o.id = %(seller)s
        RETURNING id, number
    ), invoice AS (
        INSERT INTO billing_invoice (seller_id, buyer_id, order_id, agreement_id, collective_id, number, date, due_on, currency, net, tax, gross, paid, state,
            state_since, issued_at, issued_by, line_count)
        SELECT %(seller)s, %(buyer)s, d.order_id, %(agreement)s, head.id, head.number || '/' || d.i, %(date)s, %(due_on)s, %(currency)s, d.net, d.tax, d.gross,
            0, d.state, %(now)s, %(now)s, %(by)s, d.line_count
        FROM head, unnest(%(order)s::bigint[], %(part_net)s::numeric[], %(part_tax)s::numeric[], %(part_gross)s::numeric[], %(state)s::text[],
            %(count)s::int[]) WITH ORDINALITY d(order_id, net, tax, gross, state, line_count, i) ORDER BY d.i
        RETURNING id, number, order_id
    {ISSUE_ALL[ISSUE_ALL.index("), line AS (") : ISSUE_ALL.rindex("SELECT id")]}
    SELECT head.id, head.number, invoice.order_id, invoice.id, invoice.number FROM head, invoice"""


@action("billing.set_cycle")
def set_cycle(agreement_id: int, every: str, day: int, *, actor: Actor) -> Cycle:
    """Invoice what is delivered under an agreement together from now on, on these days. Only its seller may. Locks the terms. Raises Invalid."""
    agreement = _sold_by(agreement_id, actor, "billing.set_cycle")
    raise_if_any(rules.cycle_faults(every, day), Invalid)
    cycle = _lock(agreement_id) or Cycle(agreement_id=agreement_id)
    before = "" if cycle.pk is None else str(cycle)
    if (cycle.every, cycle.day) != (every, day):
        cycle.every, cycle.day, cycle.next_on = every, day, rules.next_day(every, day, clock.today())
        cycle.save()
        record(_about(agreement), detail={"invoiced": [before, str(cycle)], "next_on": cycle.next_on.isoformat()})
    return cycle


@action("billing.set_cycle")
def end_cycle(agreement_id: int, *, actor: Actor) -> Collective | None:
    """Invoice each delivery at once again; what waits is invoiced together a last time, now. Convergent. Locks as `issue_collective`."""
    agreement = _sold_by(agreement_id, actor, "billing.set_cycle")
    cycle = _lock(agreement_id)
    if cycle is None:
        return None
    made = _collect(agreement, clock.today(), actor)
    record(_about(agreement), detail={"invoiced": [str(cycle), ""]})
    cycle.delete()
    return made


@action("billing.issue")
def issue_collective(agreement_id: int, *, actor: Actor) -> Collective | None:
    """One invoice over everything that was received (or shipped, by the terms) under an agreement and is not invoiced yet, due by the terms from today.

    Both books, open items and credit move with each part. When the day of the terms has come, the next one is set. By the system convergent: None
    when there is nothing; a person is told so (Refused). Locks terms, orders, funds, ledger. Emits InvoiceIssued for each part.
    """
    agreement, today = _sold_by(agreement_id, actor, "billing.issue"), clock.today()
    cycle = _lock(agreement_id)
    if cycle is not None and cycle.next_on <= today:
        cycle.next_on = rules.next_day(cycle.every, cycle.day, today)
        cycle.save(update_fields=["next_on"])
    made = _collect(agreement, today, actor)
    if made is None and actor.kind != "system":
        raise Refused("billing.nothing_to_collect", agreement=agreement.code)
    return made


def _sold_by(agreement_id: int, actor: Actor, verb: str) -> Agreement:
    """The agreement, when the actor acts for its seller; NotFound when it is not seen, else Forbidden."""
    agreement = get_visible(actor, Agreement, agreement_id)
    if actor.kind != "system" and actor.org_id != agreement.seller_id:
        raise Forbidden("base.forbidden", verb=verb)
    return agreement


def _lock(agreement_id: int) -> Cycle | None:
    found = Cycle.unscoped.filter(agreement_id=agreement_id).values_list("pk", flat=True).first()
    return lock_one(Cycle, found, rank=Rank.NETWORK) if found else None


def _about(agreement: Agreement) -> Subject:
    return Subject("agreements.agreement", agreement.pk, agreement.seller_id, agreement.buyer_id, agreement.code)


def _collect(agreement: Agreement, day: date, actor: Actor) -> Collective | None:
    terms = unscoped_terms_of([agreement.pk])[agreement.pk]
    found = queries.unscoped_unbilled(agreement.pk, terms.currency)
    trades = lock_trades(found, actor=actor) if found else []
    bills = [(trade, parts) for trade in trades if not trade.outside and (parts := rules.parts_to_bill(trade.lines))]
    if not bills:
        return None
    record_all_invoiced([(trade, {p.line.id: p.qty for p in parts}, rules.totals(parts).gross) for trade, parts in bills], actor=actor)
    made, invoices = _write(bills, day, terms.payment_days, actor)
    book([(invoice, parts) for invoice, (_trade, parts) in zip(invoices, bills, strict=True)], actor=actor)
    for invoice in invoices:
        tell(invoice, actor, alone=False)
    record(made.subject, after="issued", detail={"parts": made.part_count, "gross": str(made.gross)})
    said: dict[str, Any] = {"number": made.number, "gross": str(made.gross), "currency": made.currency, "due_on": made.due_on.isoformat()}
    said["parts"] = made.part_count
    notify("billing.collective_issued", made.subject, org_id=made.buyer_id, verb="billing.view", except_user=actor.user_id, **said)
    return made


def _write(bills: Sequence[tuple[Trade, Sequence[Part]]], day: date, days: int, actor: Actor) -> tuple[Collective, list[Invoice]]:
    """The numbered whole with its parts and their lines, in one statement."""
    note_rank(Rank.INVOICE)
    sums, now, trade = [rules.totals(parts) for _trade, parts in bills], clock.now(), bills[0][0]
    net, tax = (sum((getattr(one, name) for one in sums), ZERO) for name in ("net", "tax"))
    head: dict[str, Any] = {"date": day, "due_on": day + timedelta(days=days), "currency": trade.currency}
    whole = {"net": net, "tax": tax, "gross": net + tax}
    states = [str(rules.state_of(one.gross, Decimal(0))) for one in sums]
    lines = [(one.id, p) for one, parts in bills for p in parts]
    found = rows(
        ISSUE,
        {
            **head, **whole, "seller": trade.seller_id, "buyer": trade.buyer_id, "agreement": trade.agreement_id, "parts": len(bills), "now": now,
            "by": actor.user_id, "order": [one.id for one, _parts in bills], "part_net": [one.net for one in sums], "part_tax": [one.tax for one in sums],
            "part_gross": [one.gross for one in sums], "state": states, "count": [len(parts) for _trade, parts in bills],
            "orders": [order for order, _p in lines], **line_columns([p for _order, p in lines]),
        },
    )  # fmt: skip
    written = {order_id: (pk, number) for _head, _number, order_id, pk, number in found}
    sides: dict[str, Any] = {"seller_id": trade.seller_id, "buyer_id": trade.buyer_id, "agreement_id": trade.agreement_id}
    stamp: dict[str, Any] = {"issued_at": now, "issued_by": actor.user_id}
    made = Collective(id=found[0][0], number=found[0][1], part_count=len(bills), **sides, **head, **whole, **stamp)
    parts = [
        Invoice(
            id=written[one.id][0], number=written[one.id][1], order_id=one.id, collective_id=made.pk, net=told.net, tax=told.tax, gross=told.gross, paid=ZERO,
            state=state, state_since=now, line_count=len(parts), **sides, **head, **stamp,
        )
        for (one, parts), told, state in zip(bills, sums, states, strict=True)
    ]  # fmt: skip
    return made, parts
