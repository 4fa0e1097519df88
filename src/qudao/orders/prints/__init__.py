"""The order on paper: what was agreed, with prices for those who see them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from qudao.base import printing
from qudao.base.access import Actor, sees_prices, visible
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.printing import Column, Document, Paper
from qudao.orders.models import Line, Order
from qudao.orders.queries import orders
from qudao.orders.states import Status

#: the seller has agreed: before that, the paper only says what was asked for
AGREED = (Status.CONFIRMED, Status.IN_FULFILMENT, Status.DELIVERED, Status.CLOSED, Status.CLOSED_SHORT)


def confirmations(actor: Actor, ids: Sequence[int]) -> list[Paper]:
    """Orders as letters from seller to buyer; outside purchases from buyer to seller. Two statements. NotFound when one of them is not in sight."""
    found = printing.in_order(ids, orders(actor).filter(pk__in=ids).select_related("agreement"))
    lines: dict[int, list[Line]] = {order.pk: [] for order in found}
    for line in visible(actor, Line).filter(order_id__in=list(lines)).select_related("product__tax_class").order_by("order_id", "no"):
        lines[line.order_id].append(line)
    return [_paper(order, lines[order.pk], sees_prices(actor, order.seller_id, order.buyer_id)) for order in found]


def _days(number: int) -> str:
    return ngettext("{n} day after the invoice", "{n} days after the invoice", number).format(n=number)


def _paper(order: Order, lines: Sequence[Line], clear: bool) -> Paper:
    agreed = order.status in AGREED
    facts = [
        (_("Order date"), printing.full_day(order.ordered_on)),
        (_("Your order number"), order.seller_number if order.outside else order.po_number),
        (_("Requested"), printing.full_day(order.requested_on)),
        (_("Promised"), printing.full_day(order.promised_on)),
        (_("Delivery address"), ", ".join(order.ship_lines)),
        (_("Terms"), _("Prepaid") if order.agreement.prepaid else _days(order.payment_days)),
        (_("State"), "" if agreed else str(Status(order.status).label)),
    ]
    columns = [Column("#", "right"), Column(_("Product"), wide=True), Column(_("Quantity"), "right")]
    if clear:
        columns += [Column(label, "right") for label in (_("Unit price"), _("Net"), _("Tax"), _("Amount (incl. tax)"))]
    taxes = [(taxed_at(line), line.net, line.tax) for line in lines]
    title = _("Order confirmation") if agreed else pgettext("document", "Order")
    lead = _("We confirm your order with these products and quantities.") if agreed else _("This order is not confirmed yet.")
    ends = (order.seller, order.buyer, _("Buyer"))
    if order.transfer:
        title = _("Transfer order")
    if order.outside:  # the buyer writes to a seller that has nobody here
        title, ends = _("Purchase order"), (order.buyer, order.seller, _("Seller"))
        lead = _("We order these products. Please confirm the quantities and the day of delivery.") if agreed else _("This order is not final yet.")
    return Paper(
        title=title,
        number=order.number or f"#{order.pk}",
        on=order.ordered_on,
        sender=printing.party(ends[0]),
        receiver=printing.party(ends[1]),
        receiver_label=ends[2],
        facts=facts,
        lead=lead,
        columns=columns,
        rows=[_row(line, clear) for line in lines],
        totals=printing.tax_lines(taxes, order.currency) if clear else (),
        total=(_("Total (incl. tax)"), figures.money(order.gross, order.currency)) if clear else (),
        notes=[one for one in (order.note, printing.capitals(order.gross, order.currency) if clear else "") if one],
        foot=printing.foot(ends[0]),
    )


def taxed_at(line: Line) -> Decimal | None:
    """The rate of a line; None when its product is exempt, which is not the rate zero."""
    kind = line.product.tax_class
    return None if kind and kind.exempt and not line.tax_rate else line.tax_rate


def _row(line: Line, clear: bool) -> list[object]:
    row: list[object] = [str(line.no), (by_language(line.product.name, line.product.name_en), line.product.code), figures.qty(line.qty, line.unit)]
    if clear:
        row += [
            figures.price(line.unit_price),
            figures.amount(line.net),
            (figures.amount(line.tax), printing.share(taxed_at(line))),
            figures.amount(line.gross),
        ]
    return row


CONFIRMATION = Document("orders.confirmation", gettext_lazy("Order confirmation"), "orders.order", "orders.view", "orders", confirmations)
DOCUMENTS = (CONFIRMATION,)
