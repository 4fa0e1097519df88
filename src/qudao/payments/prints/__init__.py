"""The credit note and the refund on paper, for those who see their amounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base import printing
from qudao.base.access import Actor, sees_prices, visible
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.printing import Column, Document, Paper
from qudao.kernel.errors import Forbidden, NotFound
from qudao.payments.models import Application, CreditLine, CreditNote, Payment
from qudao.payments.queries import payments
from qudao.payments.states import How, Reason


def may(actor: Actor, payment: Any) -> bool:
    """Money that came is no paper of ours; a credit note is, for who sees the prices of the trade."""
    return payment.is_credit and sees_prices(actor, payment.seller_id, payment.buyer_id)


def papers(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """Credit notes as letters from seller to buyer. Three statements. NotFound when one is not in sight or no credit note, Forbidden without its amounts."""
    found = printing.in_order(ids, payments(actor).filter(pk__in=ids))
    if not all(payment.is_credit for payment in found):
        raise NotFound("base.not_found")
    if not all(may(actor, payment) for payment in found):
        raise Forbidden("base.forbidden", verb="payments.view")
    heads = {credit.payment_id: credit for credit in visible(actor, CreditNote).filter(payment_id__in=ids).select_related("invoice")}
    lines: dict[int, list[CreditLine]] = {payment.pk: [] for payment in found}
    read = visible(actor, CreditLine).filter(credit__payment_id__in=ids).select_related("invoice_line__product", "credit").order_by("credit_id", "no")
    for line in read:
        lines[line.credit.payment_id].append(line)
    return [_paper(payment, heads[payment.pk], lines[payment.pk]) for payment in found]


def _paper(payment: Payment, credit: CreditNote, lines: Sequence[CreditLine]) -> Paper:
    facts = [
        (_("Date"), printing.full_day(payment.paid_on)),
        (_("For invoice"), f"{credit.invoice.number} · {printing.full_day(credit.invoice.date)}"),
        (_("Reason"), str(Reason(credit.reason).label)),
        (_("Note"), payment.note),
        (_("Currency"), payment.currency),
        (_("Your tax number"), payment.buyer.tax_no),
    ]
    columns = [Column("#", "right"), Column(_("Product"), wide=True), Column(_("Quantity"), "right")]
    columns += [Column(label, "right") for label in (_("Net"), _("Tax"), _("Amount (incl. tax)"))]
    return Paper(
        title=_("Credit note"),
        number=payment.number,
        on=payment.paid_on,
        sender=printing.party(payment.seller),
        receiver=printing.party(payment.buyer),
        receiver_label=_("Buyer"),
        facts=[fact for fact in facts if fact[1]],
        columns=columns,
        rows=[_row(line) for line in lines],
        totals=printing.tax_lines([(line.invoice_line.taxed_at, line.net, line.tax) for line in lines], payment.currency),
        total=(_("Credited (incl. tax)"), figures.money(payment.amount, payment.currency)),
        notes=[one for one in [printing.capitals(payment.amount, payment.currency)] if one],
        foot=printing.foot(payment.seller),
    )


def _row(line: CreditLine) -> list[object]:
    own = line.invoice_line
    product = (by_language(own.product.name, own.product.name_en), own.product.code)
    quantity = figures.qty(line.qty, own.unit) if line.qty else _("price only")
    tax = (figures.amount(line.tax), printing.share(own.taxed_at))
    return [str(line.no), product, quantity, figures.amount(line.net), tax, figures.amount(line.gross)]


def refunded(actor: Actor, payment: Any) -> bool:
    """Something of it was sent back, and the reader sees the prices of the trade."""
    return bool(payment.refunded) and sees_prices(actor, payment.seller_id, payment.buyer_id)


def refunds(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """What was sent back of payments, as letters from seller to buyer. Two statements. NotFound and Forbidden as `papers`."""
    found = printing.in_order(ids, payments(actor).filter(pk__in=ids))
    if not all(payment.refunded for payment in found):
        raise NotFound("base.not_found")
    if not all(refunded(actor, payment) for payment in found):
        raise Forbidden("base.forbidden", verb="payments.view")
    sent: dict[int, list[Application]] = {payment.pk: [] for payment in found}
    for one in visible(actor, Application).filter(payment_id__in=ids, how=How.REFUND).order_by("id"):
        sent[one.payment_id].append(one)
    return [_refund(payment, sent[payment.pk]) for payment in found]


def _refund(payment: Payment, sent: Sequence[Application]) -> Paper:
    last = printing.business_day(sent[-1].at)
    amount = figures.money(payment.refunded, payment.currency)
    return Paper(
        title=_("Refund advice"),
        number=payment.number,
        on=last,
        sender=printing.party(payment.seller),
        receiver=printing.party(payment.buyer),
        receiver_label=_("Buyer"),
        facts=[
            (_("Date"), printing.full_day(last)),
            (_("Of payment"), f"{payment.number} · {printing.full_day(payment.paid_on)}"),
            (_("Reference"), payment.reference),
            (_("Currency"), payment.currency),
        ],
        columns=[Column(_("Date")), Column(_("Reference"), wide=True), Column(_("Amount"), "right")],
        rows=[[printing.full_day(printing.business_day(one.at)), one.note, figures.amount(one.amount)] for one in sent],
        total=(_("Sent back"), amount),
        notes=[one for one in [printing.capitals(payment.refunded, payment.currency)] if one],
        foot=printing.foot(payment.seller),
    )


CREDIT = Document("payments.credit", gettext_lazy("Credit note"), "payments.payment", "payments.view", "payments", papers, fits=may)
REFUND = Document("payments.refund", gettext_lazy("Refund advice"), "payments.payment", "payments.view", "payments", refunds, fits=refunded)
DOCUMENTS = (CREDIT, REFUND)
