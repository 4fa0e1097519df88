"""Reads of payments, and what a payment between two organisations may pay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from qudao.base.access import Actor, visible
from qudao.base.audit import ActionLog
from qudao.base.db import rows
from qudao.billing.models import InvoiceLine
from qudao.billing.queries import Invoice, invoices
from qudao.kernel.errors import Invalid
from qudao.kernel.money import ZERO, RateSum, by_rate
from qudao.kernel.period import DateSpan
from qudao.ledger.queries import check_books
from qudao.ledger.states import Side
from qudao.network.states import OrgKind
from qudao.payments import rules
from qudao.payments.models import Application, CreditLine, CreditNote, Payer, Payment, Pool, Tolerance
from qudao.payments.rules import Open
from qudao.payments.states import SMALL, How, State

# In each currency the agreement that holds unapplied money: the one in force, else the latest. Open invoices come along, those of older agreements too.
ACCOUNTS = """WITH terms AS (
        SELECT DISTINCT ON (a.seller_id, a.buyer_id, a.currency) a.seller_id, a.buyer_id, a.currency, a.id, a.valid_from,
            CASE WHEN a.state <> 'active' THEN 2 WHEN a.transfers THEN 1 ELSE 0 END AS rank
        FROM agreements_agreement a JOIN unnest(%s::bigint[], %s::bigint[]) d(seller_id, buyer_id) USING (seller_id, buyer_id)
        WHERE a.state <> 'draft'
        ORDER BY a.seller_id, a.buyer_id, a.currency, a.state = 'active' DESC, a.transfers, a.valid_from DESC, a.id DESC
    )
    SELECT terms.seller_id, terms.buyer_id, terms.id, terms.currency, terms.rank, i.id, i.number, i.due_on, i.gross - i.paid, i.order_id, i.agreement_id, o.paid
    FROM terms
    LEFT JOIN billing_invoice i ON i.seller_id = terms.seller_id AND i.buyer_id = terms.buyer_id AND i.state <> 'paid' AND i.currency = terms.currency
    LEFT JOIN orders_order o ON o.id = i.order_id
    ORDER BY terms.rank, terms.valid_from DESC, terms.id DESC, i.due_on, i.id"""


#: the rank of a currency in which no agreement is in force
OVER = 2

ORDERERS = """SELECT o.id, coalesce(o.number, ''), array_remove(array_agg(DISTINCT s.user_id) || o.placed_by, NULL)
    FROM billing_invoice i JOIN orders_order o ON o.id = i.order_id
    LEFT JOIN approvals_request r ON r.subject_kind = 'orders.order' AND r.subject_id = o.id
    LEFT JOIN approvals_signature s ON s.request_id = r.id AND s.decision = 'approve'
    WHERE i.id = ANY(%s) GROUP BY o.id ORDER BY o.id"""

TAXES = """SELECT currency, rate, sum(net), sum(tax), sum(back), sum(back_tax) FROM (
        SELECT i.currency, CASE WHEN NOT l.exempt THEN l.tax_rate END AS rate, l.net, l.tax, 0 AS back, 0 AS back_tax
        FROM billing_invoice i JOIN billing_invoiceline l ON l.invoice_id = i.id
        WHERE i.{own} = %(org)s AND i.date BETWEEN %(start)s AND coalesce(%(end)s::date, i.date) AND i.{other} = coalesce(%(partner)s::bigint, i.{other})
        UNION ALL
        SELECT p.currency, CASE WHEN NOT l.exempt THEN l.tax_rate END, 0, 0, c.net, c.tax
        FROM payments_payment p JOIN payments_creditnote n ON n.payment_id = p.id JOIN payments_creditline c ON c.credit_id = n.id
        JOIN billing_invoiceline l ON l.id = c.invoice_line_id
        WHERE p.{own} = %(org)s AND p.paid_on BETWEEN %(start)s AND coalesce(%(end)s::date, p.paid_on) AND p.{other} = coalesce(%(partner)s::bigint, p.{other})
    ) d GROUP BY currency, rate ORDER BY currency, rate DESC NULLS LAST"""


@dataclass(frozen=True)
class TaxRow:
    """What was invoiced and credited under one rate in one currency; the rate None is exempt from tax."""

    currency: str
    rate: Decimal | None
    billed: Decimal
    billed_tax: Decimal
    credited: Decimal
    credited_tax: Decimal

    @property
    def pk(self) -> str:
        """What names the row in a table."""
        return f"{self.currency}{self.rate}"

    @property
    def net(self) -> Decimal:
        """Without tax, after credit notes."""
        return self.billed - self.credited

    @property
    def tax(self) -> Decimal:
        """The tax after credit notes."""
        return self.billed_tax - self.credited_tax

    @property
    def gross(self) -> Decimal:
        """With the tax."""
        return self.net + self.tax


def taxes(actor: Actor, side: str, span: DateSpan, partner_id: int | None = None) -> list[TaxRow]:
    """Invoices less credit notes of the own organisation by currency and tax rate: what it sold or bought in these days. One statement."""
    check_books(actor, actor.org_id)
    own, other = ("seller_id", "buyer_id") if side == Side.RECEIVABLE else ("buyer_id", "seller_id")
    params = {"org": actor.org_id, "start": span.start, "end": span.end, "partner": partner_id}
    return [TaxRow(*row) for row in rows(TAXES.format(own=own, other=other), params)]


@dataclass(frozen=True)
class Debt(Open):
    """An open invoice with the order that is locked before it; `order_paid` shows later whether somebody was faster."""

    order_id: int
    agreement_id: int
    order_paid: Decimal


@dataclass(frozen=True)
class Pair:
    """What stands between a seller and a buyer in a currency: agreement, open invoices, oldest due first. `rank`: 0 in force, 1 for transfers, 2 over."""

    agreement_id: int
    currency: str
    debts: list[Debt]
    rank: int = 0

    def after(self, applications: Iterable[rules.Application]) -> Pair:
        """What is open when these are paid."""
        paid: dict[int, Decimal] = {}
        for one in applications:
            paid[one.invoice_id] = paid.get(one.invoice_id, ZERO) + one.amount
        return replace(self, debts=[replace(d, open=d.open - paid.get(d.id, ZERO)) for d in self.debts])


#: what stands between each (seller, buyer), by currency, what is in force first
Pairs = dict[tuple[int, int], dict[str, Pair]]


def unscoped_pairs(sides: Iterable[tuple[int, int]]) -> Pairs:
    """What stands between each (seller, buyer), not locked; one without an agreement is missing. One statement."""
    asked = sorted(set(sides))
    found: Pairs = {}
    for seller, buyer, agreement_id, currency, rank, *debt in rows(ACCOUNTS, ([s for s, _b in asked], [b for _s, b in asked])):
        of = found.setdefault((seller, buyer), {})
        pair = of.get(currency) or of.setdefault(currency, Pair(agreement_id, currency, [], rank))
        if debt[0] is not None:
            pair.debts.append(Debt(*debt))
    return found


def meant(of: Mapping[str, Pair], currency: str = "") -> Pair | None:
    """Of what stands between two that of a currency; "": of the only one in force, else the latest. None without it. Raises Invalid where it must be said."""
    if currency or not of:
        return of.get(currency)
    first, *others = of.values()
    several = sorted({first.currency, *(one.currency for one in others if one.rank == first.rank < OVER)})
    if len(several) > 1:
        raise Invalid("payments.currency_needed", field="currency", currencies=", ".join(several))
    return first


def payer_of(actor: Actor, agreement_id: int) -> Payer | None:
    """Who pays what is invoiced under an agreement; None: its buyer. One statement."""
    return visible(actor, Payer).select_related("payer").filter(agreement_id=agreement_id).first()


def paid_for(actor: Actor) -> QuerySet[Payer]:
    """The agreements of branches for which the own organisation pays, while it stands above them."""
    stands = visible(actor, Payer).filter(payer_id=actor.org_id, agreement__buyer__path__startswith=F("payer__path"))
    return stands.select_related("agreement__seller", "agreement__buyer")


def branch_invoices(actor: Actor) -> QuerySet[Invoice]:
    """What the own organisation has to pay for its branches: their open invoices, by branch, the oldest due first."""
    found = Invoice.unscoped.filter(agreement__in=paid_for(actor).values("agreement_id")).exclude(state="paid")
    return found.select_related("seller", "buyer", "order").order_by("buyer__code", "due_on", "id")


def payers_to(actor: Actor) -> QuerySet[Payer]:
    """Who pays for buyers of the own organisation."""
    return visible(actor, Payer).filter(agreement__seller_id=actor.org_id).select_related("payer", "agreement__buyer")


def pools(actor: Actor, *, side: str = "") -> QuerySet[Pool]:
    """The payments of head offices the actor may see, newest first, with both sides."""
    return visible(actor, Pool, side=side).select_related("seller", "payer").order_by("-id")


def parts_of(pool: Pool) -> QuerySet[Payment]:
    """The part of each branch of a payment the actor was shown."""
    return pool.parts.select_related("buyer").order_by("id")


def unscoped_branches(seller_id: int, payer_ids: Iterable[int]) -> dict[int, dict[int, dict[int, str]]]:
    """For whom organisations pay a seller: by payer the agreements of each branch that stands below it, with their currencies. One statement."""
    found: dict[int, dict[int, dict[int, str]]] = {}
    for payer, buyer, agreement, currency in rows(
        """SELECT p.payer_id, a.buyer_id, a.id, a.currency FROM payments_payer p JOIN agreements_agreement a ON a.id = p.agreement_id
           JOIN network_organisation b ON b.id = a.buyer_id JOIN network_organisation h ON h.id = p.payer_id
           WHERE a.seller_id = %s AND p.payer_id = ANY(%s) AND a.state <> 'draft' AND starts_with(b.path, h.path) ORDER BY 1, 2, 3""",
        (seller_id, list(payer_ids)),
    ):
        found.setdefault(payer, {}).setdefault(buyer, {})[agreement] = currency
    return found


def unscoped_payment(payment_id: int) -> Payment | None:
    """A payment as it stands, not locked. One statement."""
    return Payment.unscoped.filter(pk=payment_id).first()


def unscoped_tolerance(seller_id: int, currency: str) -> Decimal:
    """Up to how much a difference is small for a seller. One statement."""
    kept = Tolerance.unscoped.filter(seller_id=seller_id, currency=currency).first()
    return kept.amount if kept else SMALL


def tolerances(actor: Actor) -> QuerySet[Tolerance]:
    """The limits of small differences that the own organisation set."""
    return visible(actor, Tolerance).filter(seller_id=actor.org_id).order_by("currency")


def short_paid(actor: Actor) -> QuerySet[Invoice]:
    """Invoices of the own organisation that are paid but for a small difference."""
    own = Tolerance.unscoped.filter(seller=OuterRef("seller"), currency=OuterRef("currency")).values("amount")[:1]
    found = invoices(actor, side="seller").filter(state="partially_paid")
    return found.annotate(limit=Coalesce(Subquery(own), SMALL)).filter(gross__lte=F("paid") + F("limit"))


def differences(actor: Actor) -> QuerySet[Application]:
    """Small differences of the own organisation's invoices and payments that stand, newest first."""
    found = visible(actor, Application).filter(how=How.DIFFERENCE, reverses=None, reversal=None)
    return found.select_related("payment", "invoice").order_by("-id")


def payments(actor: Actor, *, side: str = "") -> QuerySet[Payment]:
    """The payments the actor may see, newest first, with both sides; `side` as in `visible`."""
    return visible(actor, Payment, side=side).select_related("seller", "buyer").order_by("-id")


def unscoped_orderers(invoice_ids: Iterable[int]) -> list[tuple[int, str, list[int]]]:
    """Of the orders of invoices: id, number, and the people who placed or signed them. One statement, none without invoices."""
    wanted = list(invoice_ids)
    return rows(ORDERERS, (wanted,)) if wanted else []


def unscoped_by_one_hand() -> Q:
    """Payments in which one person did two duties: announced and confirmed it, recorded it and sent money back, or ordered what it pays and paid it."""
    log = ActionLog.unscoped.filter(subject_kind="payments.payment", subject_id=OuterRef("pk"), actor_user=OuterRef("recorded_by"))
    confirmed = log.filter(verb="payments.record", before=State.ANNOUNCED).exclude(after=State.DECLINED)
    applied = Application.unscoped.filter(payment=OuterRef("pk"))
    refunded = applied.filter(how=How.REFUND, by=OuterRef("recorded_by"))
    ordered = applied.filter(invoice__order__placed_by=OuterRef("recorded_by"))
    paid = Q(seller__kind=OrgKind.SUPPLIER) | Q(Exists(log.filter(verb="payments.announce")))
    return Q(recorded_by__isnull=False) & (Q(Exists(confirmed)) | Q(Exists(refunded)) | (paid & Q(Exists(ordered))))


def applications_of(payment: Payment) -> QuerySet[Application]:
    """What a payment the actor was shown pays."""
    return payment.applications.select_related("invoice", "reversal").order_by("id")


def applications_to_order(actor: Actor, order_id: int) -> QuerySet[Application]:
    """What was paid of the invoices of an order, as far as the actor may see the payments; oldest first."""
    return visible(actor, Application).filter(invoice__order_id=order_id).select_related("payment", "invoice", "reversal").order_by("id")


def applications_to_invoice(actor: Actor, invoice_id: int) -> QuerySet[Application]:
    """What was paid of an invoice, as far as the actor may see the payments; oldest first."""
    return visible(actor, Application).filter(invoice_id=invoice_id).select_related("payment", "invoice", "reversal").order_by("id")


def open_invoices(actor: Actor, seller_id: int, buyer_id: int, currency: str = "") -> dict[str, list[Open]]:
    """What a buyer has to pay to a seller by currency, or in one, for people of either side; nothing for anybody else. One statement."""
    if actor.kind != "system" and actor.org_id not in (seller_id, buyer_id):
        return {}
    of = unscoped_pairs([(seller_id, buyer_id)]).get((seller_id, buyer_id), {})
    return {pair.currency: list(pair.debts) for pair in of.values() if currency in ("", pair.currency) and pair.debts}


def credit_of(actor: Actor, payment: Payment) -> CreditNote:
    """What makes a payment a credit note, with its invoice."""
    found: CreditNote = visible(actor, CreditNote).select_related("invoice").get(payment=payment)
    return found


def credit_lines_of(actor: Actor, payment: Payment) -> QuerySet[CreditLine]:
    """The lines of a credit note, with their products."""
    return visible(actor, CreditLine).filter(credit__payment=payment).select_related("invoice_line__product").order_by("no")


def taxes_of(lines: Iterable[CreditLine]) -> list[RateSum]:
    """The lines of a credit note summed up by the tax rate of what they take back."""
    return by_rate((line.invoice_line.taxed_at, line.net, line.tax) for line in lines)


def credits_of_invoice(actor: Actor, invoice_id: int) -> QuerySet[CreditNote]:
    """The credit notes of an invoice, oldest first, with their payments."""
    return visible(actor, CreditNote).filter(invoice_id=invoice_id).select_related("payment").order_by("id")


def creditable(actor: Actor, invoice_id: int) -> bool:
    """Whether anything of an invoice is left to credit."""
    return visible(actor, InvoiceLine).filter(invoice_id=invoice_id, credited__lt=F("gross")).exists()


def unscoped_to_credit(difference_id: int) -> tuple[Decimal, list[tuple[int, int, Decimal]]]:
    """What of a settled difference was not invoiced yet, and the (invoice, its line, quantity) that take back the rest, the latest first. One statement."""
    found = rows(
        """SELECT d.qty, i.invoice_id, i.id, i.qty - i.credited_qty FROM fulfilment_difference d
           JOIN fulfilment_receiptline r ON r.id = d.receipt_line_id JOIN fulfilment_shipmentline s ON s.id = r.shipment_line_id
           JOIN billing_invoiceline i ON i.line_id = s.line_id WHERE d.id = %s AND i.qty > i.credited_qty ORDER BY i.id DESC""",
        (difference_id,),
    )
    left, parts = (found[0][0] if found else Decimal(1)), list[tuple[int, int, Decimal]]()
    for _qty, invoice, line, free in found:
        if left > 0:
            parts.append((invoice, line, min(left, free)))
            left -= parts[-1][2]
    return left, parts


# What a payment pays of an invoice is worth what the whole was worth up to it less what it was worth before it, so that the parts sum to the cent.
# A credit note stands at the rate of the invoice it takes back. A rate that is kept the other way round counts by its inverse.
EXCHANGE = """WITH own AS (SELECT id, currency AS home FROM network_organisation WHERE id = %(org)s), paid AS (
        SELECT a.id, a.invoice_id, a.payment_id, a.amount, i.number AS invoice, p.number AS payment, i.currency, own.home, own.id AS org,
            CASE WHEN i.seller_id = own.id THEN i.buyer_id ELSE i.seller_id END AS other, CASE WHEN i.seller_id = own.id THEN 1 ELSE -1 END AS sign,
            CASE WHEN a.at = p.recorded_at THEN p.paid_on ELSE (a.at AT TIME ZONE %(zone)s)::date END AS day,
            i.date AS invoiced_on, coalesce((SELECT o.date FROM payments_creditnote n JOIN billing_invoice o ON o.id = n.invoice_id WHERE n.payment_id = p.id),
                                            p.paid_on) AS money_on
        FROM own JOIN billing_invoice i ON i.{own} = own.id AND i.currency <> own.home
        JOIN payments_application a ON a.invoice_id = i.id JOIN payments_payment p ON p.id = a.payment_id
    )
    SELECT d.id, d.day, d.invoice, d.invoice_id, d.payment, d.payment_id, o.name, o.name_en, d.amount, d.currency, d.home, d.invoiced_on, was.rate, was.day,
        d.money_on, now.rate, now.day, d.sign, round((before.i + d.amount) * was.rate, 2) - round(before.i * was.rate, 2),
        round((before.p + d.amount) * now.rate, 2) - round(before.p * now.rate, 2)
    FROM paid d JOIN network_organisation o ON o.id = d.other
    CROSS JOIN LATERAL (SELECT coalesce((SELECT sum(x.amount) FROM payments_application x WHERE x.invoice_id = d.invoice_id AND x.id < d.id), 0) AS i,
                               coalesce((SELECT sum(x.amount) FROM payments_application x WHERE x.payment_id = d.payment_id AND x.id < d.id), 0) AS p) before
    LEFT JOIN LATERAL ({rate}) was ON true LEFT JOIN LATERAL ({money_rate}) now ON true
    WHERE d.day BETWEEN %(start)s AND coalesce(%(end)s::date, d.day) ORDER BY d.day DESC, d.id DESC LIMIT %(most)s"""
_RATE = """SELECT CASE WHEN r.from_currency = d.currency THEN r.rate ELSE 1 / r.rate END AS rate, r.day FROM pricing_rate r
        WHERE r.owner_id = d.org AND (r.from_currency, r.to_currency) IN ((d.currency, d.home), (d.home, d.currency)) AND r.day <= d.{on}
        ORDER BY r.day DESC, r.from_currency = d.currency DESC LIMIT 1"""
#: rows of one report
MOST_EXCHANGES = 100_000


@dataclass(frozen=True)
class Exchange:
    """What paying an invoice in another currency gained (less than zero: lost) in the own one; None where a rate is missing."""

    pk: int
    day: date
    invoice: str
    invoice_id: int
    payment: str
    payment_id: int
    name: str
    name_en: str
    amount: Decimal
    foreign: str
    currency: str
    invoiced_on: date
    rate: Decimal | None
    rate_day: date | None
    money_on: date
    money_rate: Decimal | None
    money_rate_day: date | None
    sign: int
    value: Decimal | None
    money_value: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """In the own currency: the seller gains when its money is worth more than its invoice was, the buyer when it is worth less."""
        return None if self.value is None or self.money_value is None else self.sign * (self.money_value - self.value)


def exchanges(actor: Actor, side: str, span: DateSpan) -> list[Exchange]:
    """What was paid in these days of the own invoices (sold or bought) in other currencies than the own one, newest first. One statement."""
    check_books(actor, actor.org_id)
    params = {"org": actor.org_id, "start": span.start, "end": span.end, "zone": settings.TIME_ZONE, "most": MOST_EXCHANGES}
    own = "seller_id" if side == Side.RECEIVABLE else "buyer_id"
    return [Exchange(*row) for row in rows(EXCHANGE.format(own=own, rate=_RATE.format(on="invoiced_on"), money_rate=_RATE.format(on="money_on")), params)]


def lacking_rates(found: Iterable[Exchange]) -> list[tuple[str, str, date]]:
    """(from, to, first day) of the rates without which some of these have no value."""
    first: dict[tuple[str, str], date] = {}
    for one in found:
        for rate, on in ((one.rate, one.invoiced_on), (one.money_rate, one.money_on)):
            if rate is None:
                first[one.foreign, one.currency] = min(on, first.get((one.foreign, one.currency), on))
    return [(*pair, on) for pair, on in sorted(first.items())]
