"""Issuing invoices. The order is locked first, so nothing of it is billed twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from qudao.base.access import Actor
from qudao.base.action import action, emit, record
from qudao.base.db import rows
from qudao.base.lock import Rank, note_rank
from qudao.base.notify import notify
from qudao.billing import rules
from qudao.billing.events import InvoiceIssued
from qudao.billing.models import Invoice
from qudao.billing.policies import check_issuer
from qudao.billing.queries import COLLECTED
from qudao.billing.rules import Part
from qudao.funds.actions import Change, shift, shift_all
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO
from qudao.ledger.actions import ItemSpec, Posting, open_items, post, post_all
from qudao.ledger.rules import of_goods
from qudao.ledger.states import Account
from qudao.orders.actions import lock_trades, record_all_invoiced, record_invoiced, record_paid
from qudao.orders.queries import Trade

# The number is taken with the row it numbers and before the books, which carry it: no gap, because it rolls back with the invoice.
ISSUE = """WITH series AS (
        INSERT INTO base_series (key, next) VALUES ('invoice:' || %(seller)s, 2)
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + 1 RETURNING next - 1 AS n
    ), invoice AS (
        INSERT INTO billing_invoice (seller_id, buyer_id, order_id, agreement_id, number, date, due_on, currency, net, tax, gross, paid, state,
            state_since, issued_at, issued_by, line_count)
        SELECT %(seller)s, %(buyer)s, %(order)s, %(agreement)s, 'INV-' || o.code || '-' || lpad(n::text, greatest(6, length(n::text)), '0'),
            %(date)s, %(due_on)s, %(currency)s, %(net)s, %(tax)s, %(gross)s, 0, %(state)s, %(now)s, %(now)s, %(by)s, %(count)s
        FROM series, network_organisation o WHERE o.id = %(seller)s
        RETURNING id, number
    ), line AS (
        INSERT INTO billing_invoiceline (invoice_id, line_id, product_id, no, unit, qty, unit_price, tax_rate, net, tax, gross, exempt)
        SELECT invoice.id, d.*, d.tax_rate = 0 AND EXISTS (
                SELECT FROM catalog_product p JOIN catalog_taxclass t ON t.id = p.tax_class_id WHERE p.id = d.product_id AND t.exempt)
        FROM invoice, unnest(%(lines)s::bigint[], %(products)s::bigint[], %(nos)s::int[], %(units)s::text[],
            %(quantities)s::numeric[], %(prices)s::numeric[], %(rates)s::numeric[], %(nets)s::numeric[], %(taxes)s::numeric[], %(grosses)s::numeric[])
            d(line_id, product_id, no, unit, qty, unit_price, tax_rate, net, tax, gross)
    )
    SELECT id, number FROM invoice"""
# The same for the invoice of an outside seller, whose own number it has.
ISSUE_NAMED = "WITH series AS (SELECT %(number)s::text AS n)" + ISSUE[ISSUE.index(", invoice AS") :].replace(
    "'INV-' || o.code || '-' || lpad(n::text, greatest(6, length(n::text)), '0')", "n"
)
# The same for many: the series of each seller moves once, and its invoices take the numbers in the order asked for.
ISSUE_ALL = """WITH asked AS (
        SELECT * FROM unnest(%(seller)s::bigint[], %(buyer)s::bigint[], %(order)s::bigint[], %(agreement)s::bigint[], %(due_on)s::date[],
            %(currency)s::text[], %(net)s::numeric[], %(tax)s::numeric[], %(gross)s::numeric[], %(state)s::text[], %(count)s::int[]) WITH ORDINALITY
            d(seller_id, buyer_id, order_id, agreement_id, due_on, currency, net, tax, gross, state, line_count, i)
    ), counted AS (
        SELECT seller_id, count(*) AS n FROM asked GROUP BY seller_id ORDER BY seller_id
    ), series AS (
        INSERT INTO base_series (key, next) SELECT 'invoice:' || seller_id, n + 1 FROM counted
        ON CONFLICT (key) DO UPDATE SET next = base_series.next + excluded.next - 1 RETURNING key, next
    ), numbered AS (
        SELECT a.*, o.code, s.next - c.n - 1 + row_number() OVER (PARTITION BY a.seller_id ORDER BY a.i) AS no
        FROM asked a JOIN counted c USING (seller_id) JOIN series s ON s.key = 'invoice:' || a.seller_id
        JOIN network_organisation o ON o.id = a.seller_id
    ), invoice AS (
        INSERT INTO billing_invoice (seller_id, buyer_id, order_id, agreement_id, number, date, due_on, currency, net, tax, gross, paid, state,
            state_since, issued_at, issued_by, line_count)
        SELECT seller_id, buyer_id, order_id, agreement_id, 'INV-' || code || '-' || lpad(no::text, greatest(6, length(no::text)), '0'),
            %(date)s, due_on, currency, net, tax, gross, 0, state, %(now)s, %(now)s, %(by)s, line_count
        FROM numbered ORDER BY i
        RETURNING id, number, order_id
    ), line AS (
        INSERT INTO billing_invoiceline (invoice_id, line_id, product_id, no, unit, qty, unit_price, tax_rate, net, tax, gross, exempt)
        SELECT invoice.id, d.line_id, d.product_id, d.no, d.unit, d.qty, d.unit_price, d.tax_rate, d.net, d.tax, d.gross, d.tax_rate = 0 AND EXISTS (
                SELECT FROM catalog_product p JOIN catalog_taxclass t ON t.id = p.tax_class_id WHERE p.id = d.product_id AND t.exempt)
        FROM unnest(%(orders)s::bigint[], %(lines)s::bigint[], %(products)s::bigint[], %(nos)s::int[], %(units)s::text[], %(quantities)s::numeric[],
            %(prices)s::numeric[], %(rates)s::numeric[], %(nets)s::numeric[], %(taxes)s::numeric[], %(grosses)s::numeric[])
            d(order_id, line_id, product_id, no, unit, qty, unit_price, tax_rate, net, tax, gross)
        JOIN invoice USING (order_id)
    )
    SELECT id, number, order_id FROM invoice"""


@dataclass(frozen=True)
class Paper:
    """What stands on the invoice that an outside seller sent. `due_on` None: by the terms; `gross` None: nobody compared it."""

    number: str
    on: date
    due_on: date | None = None
    gross: Decimal | None = None


@action("billing.issue")
def issue_invoices(order_id: int, *, on: date | None = None, actor: Actor) -> list[Invoice]:
    """Bill what was received (or shipped, by the terms) of an order and is not billed yet; nothing to bill gives [].

    Convergent. Both books, both open items and the credit account move in the same transaction. Locks order, number series, funds, ledger.
    Emits InvoiceIssued.
    """
    (trade,) = lock_trades([order_id], actor=actor)
    check_issuer(actor, trade.seller_id, trade.id)
    if trade.outside:
        raise Refused("billing.sellers_paper")
    parts = rules.parts_to_bill(trade.lines)
    return [_issue(trade, parts, Paper("", on or clock.today()), actor)] if parts else []


@action("billing.issue")
def record_invoice(order_id: int, paper: Paper, *, actor: Actor) -> Invoice:
    """Enter the invoice of an outside seller for what was received (or sent, by the terms) of an order and is not invoiced yet, under its own number.

    Both books, both open items and the credit account move as with every invoice. Locks order, funds, ledger. Emits InvoiceIssued. Raises Invalid at
    the field, Refused billing.nothing_received, billing.differs when its total is not what was received at the agreed prices,
    billing.sellers_number for an order whose seller issues its invoices here.
    """
    raise_if_any(rules.paper_faults(paper, clock.today()), Invalid)
    (trade,) = lock_trades([order_id], actor=actor)
    check_issuer(actor, trade.seller_id, trade.id)
    if not trade.outside:
        raise Refused("billing.sellers_number", field="number")
    parts = rules.parts_to_bill(trade.lines)
    if not parts:
        raise Refused("billing.nothing_received")
    ours = rules.totals(parts).gross
    if paper.gross not in (None, ours):
        raise Refused("billing.differs", field="gross", ours=ours, theirs=paper.gross, currency=trade.currency)
    if Invoice.unscoped.filter(seller_id=trade.seller_id, number=paper.number.strip()).exists():
        raise Refused("billing.invoice_number_unique", field="number")
    return _issue(trade, parts, paper, actor)


def _issue(trade: Trade, parts: Sequence[Part], paper: Paper, actor: Actor) -> Invoice:
    """Write an invoice over parts of a locked order, and move everything that follows from it."""
    # before the invoice is numbered, because the series keeps all invoicing of the seller waiting until the end
    record_invoiced(trade, {p.line.id: p.qty for p in parts}, rules.totals(parts).gross, actor=actor)
    invoice = _write(trade, parts, paper, actor)
    if invoice.gross:
        shift(trade.agreement_id, [("shipped", "invoiced", invoice.gross)], invoice.subject, actor=actor)
        post(_postings(invoice, parts), invoice.subject, actor=actor)
        open_items([ItemSpec(invoice.subject, invoice.date, invoice.due_on, invoice.gross, invoice.currency)], actor=actor)
    else:  # goods given for nothing: there is nothing to wait for
        record_paid(trade, ZERO, actor=actor)
    tell(invoice, actor)
    return invoice


@action("billing.issue")
def issue_all_invoices(order_ids: Iterable[int], *, actor: Actor) -> list[Invoice]:
    """`issue_invoices` of today for many orders, all or none, in as many statements as for one. Convergent; emits InvoiceIssued for each.

    What is invoiced together by its agreement waits for its day (`issue_collective`); outside sellers send their invoices.
    """
    trades = lock_trades(order_ids, also=COLLECTED, actor=actor)
    bills: list[tuple[Trade, Sequence[Part]]] = []
    for trade in trades:
        check_issuer(actor, trade.seller_id, trade.id)
        if not (trade.also or trade.outside) and (parts := rules.parts_to_bill(trade.lines)):
            bills.append((trade, parts))
    if not bills:
        return []
    record_all_invoiced([(trade, {p.line.id: p.qty for p in parts}, rules.totals(parts).gross) for trade, parts in bills], actor=actor)
    invoices = _write_all(bills, clock.today(), actor)
    book([(invoice, parts) for invoice, (_trade, parts) in zip(invoices, bills, strict=True)], actor=actor)
    for invoice in invoices:
        tell(invoice, actor)
    return invoices


def book(bills: Sequence[tuple[Invoice, Sequence[Part]]], *, actor: Actor) -> None:
    """What follows from new invoices: credit goes from shipped to invoiced, both books and both open items. Three statements or four for all."""
    owed = [invoice for invoice, _parts in bills if invoice.gross]
    shift_all([Change(one.agreement_id, [("shipped", "invoiced", one.gross)], one.subject) for one in owed], actor=actor)
    post_all([(posting, one.subject) for one, parts in bills if one.gross for posting in _postings(one, parts)], actor=actor)
    open_items([ItemSpec(one.subject, one.date, one.due_on, one.gross, one.currency) for one in owed], actor=actor)


def _write_all(bills: Sequence[tuple[Trade, Sequence[Part]]], day: date, actor: Actor) -> list[Invoice]:
    """The numbered invoices with their lines, in one statement."""
    note_rank(Rank.INVOICE)
    now, heads = clock.now(), []
    for trade, parts in bills:
        sums = rules.totals(parts)
        heads.append(
            {
                "seller": trade.seller_id,
                "buyer": trade.buyer_id,
                "order": trade.id,
                "agreement": trade.agreement_id,
                "due_on": day + timedelta(days=trade.payment_days),
                "currency": trade.currency,
                "net": sums.net,
                "tax": sums.tax,
                "gross": sums.gross,
                "state": str(rules.state_of(sums.gross, ZERO)),
                "count": len(parts),
            }
        )
    params: dict[str, Any] = {name: [head[name] for head in heads] for name in heads[0]}
    lines = [(trade.id, p) for trade, parts in bills for p in parts]
    params |= {"date": day, "now": now, "by": actor.user_id, "orders": [order for order, _p in lines], **line_columns([p for _order, p in lines])}
    written = {order_id: (pk, number) for pk, number, order_id in rows(ISSUE_ALL, params)}
    return [
        Invoice(
            id=written[h["order"]][0], seller_id=h["seller"], buyer_id=h["buyer"], order_id=h["order"], agreement_id=h["agreement"],
            number=written[h["order"]][1], date=day, due_on=h["due_on"], currency=h["currency"], net=h["net"], tax=h["tax"], gross=h["gross"],
            paid=ZERO, state=h["state"], state_since=now, issued_at=now, issued_by=actor.user_id, line_count=h["count"],
        )
        for h in heads
    ]  # fmt: skip


def line_columns(parts: Sequence[Part]) -> dict[str, list]:
    return {
        "lines": [p.line.id for p in parts],
        "products": [p.line.product_id for p in parts],
        "nos": [p.line.no for p in parts],
        "units": [p.line.unit for p in parts],
        "quantities": [p.qty for p in parts],
        "prices": [p.line.unit_price for p in parts],
        "rates": [p.line.tax_rate for p in parts],
        "nets": [p.net for p in parts],
        "taxes": [p.tax for p in parts],
        "grosses": [p.gross for p in parts],
    }


def _write(trade: Trade, parts: Sequence[Part], paper: Paper, actor: Actor) -> Invoice:
    """The numbered invoice with its lines, in one statement."""
    note_rank(Rank.INVOICE)
    sums, now, day = rules.totals(parts), clock.now(), paper.on
    due_on = paper.due_on or day + timedelta(days=trade.payment_days)
    head = {"state": str(rules.state_of(sums.gross, ZERO)), "net": sums.net, "tax": sums.tax, "gross": sums.gross}
    params = {
        "seller": trade.seller_id,
        "buyer": trade.buyer_id,
        "order": trade.id,
        "agreement": trade.agreement_id,
        "date": day,
        "due_on": due_on,
        "currency": trade.currency,
        "now": now,
        "by": actor.user_id,
        "count": len(parts),
        **line_columns(parts),
    }
    named = {"number": paper.number.strip()} if paper.number else {}
    ((pk, number),) = rows(ISSUE_NAMED if named else ISSUE, params | head | named)
    return Invoice(
        id=pk, seller_id=trade.seller_id, buyer_id=trade.buyer_id, order_id=trade.id, agreement_id=trade.agreement_id, number=number, date=day,
        due_on=due_on, currency=trade.currency, paid=ZERO, state_since=now, issued_at=now, issued_by=actor.user_id, line_count=len(parts), **head,
    )  # fmt: skip


def _postings(invoice: Invoice, parts: Sequence[Part]) -> list[Posting]:
    """The same sale in both books, goods by product and tax rate, tax by rate."""
    seller, buyer = invoice.seller_id, invoice.buyer_id
    goods = [(part.line.product_id, part.line.tax_rate, part.net, part.tax) for part in parts]
    sale = [(Account.RECEIVABLE.value, buyer, invoice.gross), *of_goods(Account.REVENUE, Account.OUTPUT_TAX, buyer, goods, -1)]
    purchase = [*of_goods(Account.PURCHASES, Account.INPUT_TAX, seller, goods, 1), (Account.PAYABLE.value, seller, -invoice.gross)]
    key = f"invoice:{invoice.pk}"
    return [Posting(org, invoice.date, "invoice", key, tuple(lines), invoice.currency) for org, lines in ((seller, sale), (buyer, purchase))]


def tell(invoice: Invoice, actor: Actor, *, alone: bool = True) -> None:
    """Log and facts of a new invoice; the buyer is told of one that stands `alone`, and of a part by its whole."""
    subject = invoice.subject
    record(subject, after=invoice.state, detail={"order": invoice.order_id, "gross": str(invoice.gross)})
    emit(
        InvoiceIssued(
            invoice.pk, invoice.number, invoice.order_id, invoice.seller_id, invoice.buyer_id, invoice.date, invoice.due_on, invoice.net,
            invoice.tax, invoice.gross, invoice.currency,
        ),
        subject,
    )  # fmt: skip
    if not alone:
        return
    said: dict[str, Any] = {"number": invoice.number, "gross": str(invoice.gross), "currency": invoice.currency, "due_on": invoice.due_on.isoformat()}
    notify("billing.invoice_issued", subject, org_id=invoice.buyer_id, verb="billing.view", except_user=actor.user_id, **said)
