"""What an order may do, decided without a database: every refusal of a placing at once, prices to amounts, states to next states."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from qudao.kernel.errors import Fault, Invalid, Refused
from qudao.kernel.money import ZERO, cumulative, net_and_tax, round_to
from qudao.kernel.quantity import plain
from qudao.orders.states import FREE_OF_MINIMUM, OPEN, TRANSITIONS, Allocation, Approval, Billing, Fulfilment, Kind, Payment, Status

MAX_LINES = 2000
#: minutes within which the same lines ordered again are taken for a mistake, until somebody says they are not
TWIN_MINUTES = 10
MAX_QTY = Decimal("1000000000")


#: refusals for which an order may wait; a stopped account takes none
CREDIT_ONLY = ("funds.limit", "funds.shared_limit", "funds.prepaid", "funds.overdue", "funds.by_hand_hold", "funds.line_limit", "funds.deposit")


def lacks_credit(faults: Iterable[Any]) -> bool:
    """Whether nothing but money is missing: an order that may wait is then held, and tried again when some comes."""
    codes = [fault.code for fault in faults]
    return bool(codes) and all(code in CREDIT_ONLY for code in codes)


@dataclass(frozen=True)
class NewLine:
    """A line asked for: product by id (None when the code was unknown; then `text` is what was typed), quantity in base units."""

    product_id: int | None
    qty: Decimal
    text: str = ""


@dataclass(frozen=True)
class Placing:
    """What a buyer asks of a seller. `requested_on` = wanted delivery day; `po_number` = the buyer's own number."""

    seller_id: int
    buyer_id: int
    lines: Sequence[NewLine]
    requested_on: date | None = None
    po_number: str = ""
    note: str = ""
    #: one of the buyer's delivery addresses; None = its default, or its own name and place when it has none
    address_id: int | None = None
    #: when only credit is missing: keep the order until there is some, instead of refusing it
    may_wait: bool = False
    #: what becomes of it when there is not enough (`inventory.states.Short`); "" = as the agreement says
    short: str = ""
    #: whether the same lines of the same buyer some minutes ago are a reason to ask first (at the edges where people order; never for files)
    guarded: bool = False
    #: `states.Kind`
    kind: str = Kind.REGULAR
    #: in which currency; "" = that of the only agreement the two have
    currency: str = ""


@dataclass(frozen=True)
class Destination:
    """Where the goods of an order go, as it stands on paper."""

    name: str
    phone: str
    address: str


@dataclass(frozen=True)
class PricedLine:
    """A line with its amounts; `steps` say how the unit price came about."""

    no: int
    product_id: int
    product_code: str
    unit: str
    qty: Decimal
    unit_price: Decimal
    price_source: str
    steps: list
    tax_rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal


class Held(NamedTuple):
    """A line to hold credit and stock for; `scarce`: and a part of a quota."""

    id: int
    no: int
    product_id: int
    qty: Decimal
    net: Decimal
    gross: Decimal
    given_up: Decimal = ZERO
    scarce: bool = False

    @property
    def wanted(self) -> Decimal:
        return self.qty - self.given_up


def next_status(status: str, event: str) -> str:
    """The state after `event`; Refused orders.illegal when the table has no such arrow."""
    try:
        return TRANSITIONS[(Status(status), event)]
    except KeyError:
        raise Refused("orders.illegal", status=Status(status).label, event=event) from None


def kind_between(placing: Placing, outside: bool) -> str:
    """The type of an order between its two sides; `outside`: the seller has nobody here. Raises Invalid for a type that these two cannot have."""
    if placing.kind == Kind.TRANSFER:
        raise Invalid("orders.kind_unknown", field="kind")
    if outside and placing.kind == Kind.REGULAR:
        return Kind.EXTERNAL
    if outside != (placing.kind == Kind.EXTERNAL):
        raise Invalid("orders.kind_sides", field="kind")
    return placing.kind


def number_form(seller: str, buyer: str, kind: str) -> str:
    """How the orders between two organisations (codes) are numbered: counted for the pair, so that a number betrays nobody's volume."""
    return f"PO-{seller}" if kind == Kind.EXTERNAL else f"TR-{buyer}" if kind == Kind.TRANSFER else f"SO-{buyer}"


def hides_steps(order: Any, org_id: int | None) -> bool:
    """Whether how prices came about stays hidden from an organisation: who gives the goods of a transfer is not told its receiver's terms with their seller."""
    return order.kind == Kind.TRANSFER and org_id == order.seller_id


def shape_faults(placing: Placing, today: date) -> list[Fault]:
    """What is wrong with the input itself, line by line (numbered from 1)."""
    faults = []
    if not placing.lines:
        faults.append(Fault("orders.no_lines", "lines"))
    if len(placing.lines) > MAX_LINES:
        faults.append(Fault("orders.too_many_lines", "lines", {"limit": MAX_LINES}))
    for no, line in enumerate(placing.lines, 1):
        if line.product_id is None:
            faults.append(Fault("orders.unknown_product", f"lines.{no}.product", {"product": line.text}))
        if not line.qty.is_finite() or line.qty <= 0:
            faults.append(Fault("orders.qty_not_positive", f"lines.{no}.qty"))
        elif line.qty >= MAX_QTY or line.qty != round_to(line.qty, 4):
            faults.append(Fault("orders.qty_too_fine", f"lines.{no}.qty", {"limit": MAX_QTY}))
    if placing.kind not in Kind.values:
        faults.append(Fault("orders.kind_unknown", "kind"))
    if placing.kind == Kind.SAMPLE and not placing.note.strip():
        faults.append(Fault("orders.sample_reason", "note"))
    if placing.requested_on and placing.requested_on < today:
        faults.append(Fault("orders.date_passed", "requested_on", {"day": placing.requested_on}))
    if placing.seller_id == placing.buyer_id:
        faults.append(Fault("orders.same_sides", "buyer"))
    return faults


def side_faults(terms: Any | None, today: date, currency: str = "") -> list[Fault]:
    """Whether the two sides may trade today (C8: dealer active, agreement in force), in this currency."""
    if terms is None:
        code, field = ("orders.no_agreement_in", "currency") if currency else ("orders.no_agreement", "buyer")
        return [Fault(code, field, {"day": today, "currency": currency})]
    if terms.choice:
        return [Fault("orders.currency_needed", "currency", {"currencies": ", ".join(terms.choice)})]
    sides = (("seller", terms.seller), ("buyer", terms.buyer))
    faults = [Fault("orders.dealer_not_active", side, {"name": card.name}) for side, card in sides if card.state != "active"]
    if terms.state != "active":
        faults.append(Fault("orders.agreement_suspended", "buyer", {"agreement": terms.code}))
    return faults


def minimum_faults(terms: Any, kind: str, net: Decimal) -> list[Fault]:
    """Whether an order is too small as a whole, before tax."""
    missing = ZERO if kind in FREE_OF_MINIMUM else terms.lacks(net)
    about = {"net": net, "least": terms.min_order, "missing": missing, "currency": terms.currency}
    return [Fault("orders.below_amount", "", about)] if missing else []


def line_faults(lines: Sequence[NewLine], cards: Mapping[int, Any], refused: Mapping[int, bool], priced: Collection[Any], today: date) -> list[Fault]:
    """Every line that may not be ordered: authorisation, product, minimum, pack, price (C8's order of checks). `priced` holds line numbers; `refused`
    says of a product whether it is because the seller does not show it to the buyer."""
    faults: list[Fault] = []
    for no, line in enumerate(lines, 1):
        if line.product_id is None:
            continue
        card = cards.get(line.product_id)
        if card is None:
            faults.append(Fault("orders.unknown_product", f"lines.{no}.product", {"product": line.text or line.product_id}))
            continue
        about = {"product": card.code, "unit": card.unit, "no": no}
        if line.product_id in refused:
            faults.append(Fault("orders.not_offered" if refused[line.product_id] else "orders.not_authorised", f"lines.{no}.product", about))
        if card.state != "active":
            faults.append(Fault("orders.product_blocked", f"lines.{no}.product", about))
        if line.qty < card.min_qty:
            faults.append(Fault("orders.below_minimum", f"lines.{no}.qty", about | {"minimum": card.min_qty}))
        elif card.multiple > 0 and line.qty % card.multiple:
            lower = (line.qty / card.multiple).to_integral_value(ROUND_DOWN) * card.multiple
            faults.append(Fault("orders.not_multiple", f"lines.{no}.qty", about | {"multiple": card.multiple, "lower": lower, "upper": lower + card.multiple}))
        if no not in priced and line.product_id not in refused:
            faults.append(Fault("orders.no_price", f"lines.{no}.product", about | {"day": today}))
    return faults + maximum_faults(lines, cards, {})


def maximum_faults(lines: Sequence[NewLine], cards: Mapping[int, Any], have: Mapping[int, Decimal]) -> list[Fault]:
    """Every line of a product of which the whole order, with what it has (`have`, by product), would take more than the largest quantity; each
    names the most that is allowed at it.
    """
    if not any(card.max_qty for card in cards.values()):
        return []
    total = dict(have)
    for line in lines:
        if line.product_id is not None:
            total[line.product_id] = total.get(line.product_id, ZERO) + line.qty
    faults = []
    for no, line in enumerate(lines, 1):
        card = cards.get(line.product_id or 0)
        if card is None or not card.max_qty or total[card.id] <= card.max_qty:
            continue
        most = max(card.max_qty - (total[card.id] - line.qty), ZERO)
        if card.multiple > 0:
            most = (most / card.multiple).to_integral_value(ROUND_DOWN) * card.multiple
        about = {"product": card.code, "unit": card.unit, "no": no, "maximum": card.max_qty, "most": most}
        faults.append(Fault("orders.above_maximum", f"lines.{no}.qty", about))
    return faults


def of_kind(quote: Any, kind: str, surcharge: Decimal) -> tuple[Decimal, str, list]:
    """(unit price, its source, its steps) in an order of a kind: nothing for samples, the agreement's surcharge (percent) in an emergency."""
    if kind == Kind.SAMPLE:
        amount = ZERO
    elif kind == Kind.EMERGENCY and surcharge:
        amount = round_to(quote.amount * (1 + surcharge / 100), 6)
    else:
        return quote.amount, quote.source, quote.steps
    code = "" if kind == Kind.SAMPLE else f"+{plain(surcharge)} %"
    step = {"level": str(kind), "code": code, "amount": str(amount), "tax_inclusive": quote.tax_inclusive, "verdict": "chosen"}
    return amount, str(kind), [*quote.steps, step]


def price_order(
    lines: Sequence[NewLine], cards: Mapping[int, Any], quotes: Mapping[Any, Any], kind: str = Kind.REGULAR, surcharge: Decimal = ZERO
) -> list[PricedLine]:
    """Amounts of each line: quantity × unit price rounded once, tax taken out or put on as the price says (C0, C6)."""
    priced = []
    for no, line in enumerate(lines, 1):
        assert line.product_id is not None
        card, quote = cards[line.product_id], quotes[no]
        price, source, steps = of_kind(quote, kind, surcharge)
        net, tax, gross = net_and_tax(round_to(line.qty * price), card.tax_rate, inclusive=quote.tax_inclusive)
        priced.append(PricedLine(no, line.product_id, card.code, card.unit, line.qty, price, source, steps, card.tax_rate, net, tax, gross))
    return priced


def told_changes(changes: Sequence[Sequence[str]]) -> str:
    """What changed, in figures that need no language: "P1 10 → 6, P3 +4"; of many the first ones."""
    found = [f"{code} {before} → {after}" if before else f"{code} +{after}" for code, before, after in changes]
    return ", ".join(found[:5]) + (f" (+{len(found) - 5})" if len(found) > 5 else "")


def may_edit(order: Any) -> bool:
    """Whether an order can still be changed as a whole and submitted again: until it is final, and never a transfer, which neither side began."""
    return (Status(order.status), "edit") in TRANSITIONS and not order.transfer


def change_waits(order: Any) -> bool:
    """Whether somebody must sign what was added to an order after it was confirmed."""
    return order.approval == Approval.PENDING and order.status not in (Status.SUBMITTED, Status.IN_REVIEW)


def check_holds(order: Any) -> None:
    """Refused orders.lapsed for an order whose goods went back: they are reserved again before it is changed."""
    if order.allocation == Allocation.LAPSED:
        raise Refused("orders.lapsed")


def may_keep(order: Any) -> bool:
    """Whether the day until which the goods of an order are kept can be moved, or its goods be reserved again."""
    return order.status == Status.CONFIRMED and (order.reserved_until is not None or order.allocation == Allocation.LAPSED)


def is_quantity(qty: Decimal) -> bool:
    """Zero or more, storable."""
    return qty.is_finite() and 0 <= qty < MAX_QTY and qty == round_to(qty, 4)


def places_in(text: str) -> tuple[int, ...]:
    """The places that serve an order after its first, as it keeps them."""
    return tuple(int(pk) for pk in text.split(",")) if text else ()


def may_take_back(line: Any, *, picked: bool) -> Decimal:
    """How much of a line can be given up: all that is open until the warehouse begins, afterwards only what waits for goods."""
    return line.backordered if picked else line.wanted - max(line.shipped, line.invoiced)


def credit_again(line: Any, qty: Decimal) -> tuple[Decimal, Decimal]:
    """What `qty` of a line that was lost and is sent again adds to the credit (ordered, shipped). What is invoiced already is not asked for twice."""

    def gross(some: Decimal) -> Decimal:
        return cumulative(line.gross, some, line.qty, ZERO)

    ordered = gross(max(line.shipped, line.invoiced)) - gross(max(line.shipped - qty, line.invoiced))
    lost = line.received + line.settled_short
    return ordered, (gross(lost) - gross(lost - qty) if line.by_receipt else ZERO) - ordered


def may_split(order: Any, *, buys: bool) -> bool:
    """Whether a part of an order can become one of its own; the buyer leaves it to the seller once the warehouse has begun."""
    return (
        order.status in (Status.IN_REVIEW, Status.CONFIRMED, *(() if buys else (Status.IN_FULFILMENT,)))
        and not change_waits(order)
        and order.allocation != Allocation.LAPSED
    )


def may_split_off(line: Any, status: str) -> Decimal:
    """How much of a line can become an order of its own: what is still to be shipped; once the warehouse has begun, what waits for goods."""
    return min(may_take_back(line, picked=status == Status.IN_FULFILMENT), line.wanted - max(line.shipped, line.invoiced))


def may_readdress(status: str, fulfilment: str) -> bool:
    """Whether goods can be sent elsewhere: until the first of them has left."""
    return status in OPEN and fulfilment in (Fulfilment.NONE, Fulfilment.PICKING)


def totals(lines: Sequence[PricedLine]) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of an order: sums of its rounded lines."""
    return sum((x.net for x in lines), ZERO), sum((x.tax for x in lines), ZERO), sum((x.gross for x in lines), ZERO)


def use_of(line: Any) -> Decimal:
    """The credit a line of a confirmed order uses until it is invoiced: what is neither given up, lost nor invoiced, in cents."""
    return cumulative(line.gross, max(line.qty - line.given_up - line.settled_short - line.invoiced, ZERO), line.qty, ZERO)


def kept(line: Any) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of what is ordered of a line and not given up; in steps that sum exactly to the whole line (C0)."""
    return kept_of(line, line.qty - line.given_up)


def kept_of(line: Any, wanted: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of a line of which so much is ordered and not given up."""
    net, gross = cumulative(line.net, wanted, line.qty, ZERO), cumulative(line.gross, wanted, line.qty, ZERO)
    return net, gross - net, gross


def kept_totals(lines: Iterable[Any]) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of an order: what its lines keep."""
    parts = [kept(line) for line in lines]
    return sum((p[0] for p in parts), ZERO), sum((p[1] for p in parts), ZERO), sum((p[2] for p in parts), ZERO)


def allocation_of(open_qty: Decimal, backordered: Decimal) -> str:
    """The allocation sub-state of a confirmed order: what waits for goods of what is still to be shipped."""
    if not backordered:
        return Allocation.FULL
    return Allocation.BACKORDER if backordered >= open_qty else Allocation.PARTIAL


def fulfilment_of(lines: Sequence[Any], picking: bool) -> str:
    """The fulfilment sub-state from the counters of the lines; a line's `wanted` is what is still to be delivered in all."""
    if all(x.received + x.settled_short >= x.wanted for x in lines) and any(x.shipped for x in lines):
        return Fulfilment.RECEIVED
    if all(x.shipped >= x.wanted for x in lines):
        return Fulfilment.SHIPPED
    if any(x.shipped for x in lines):
        return Fulfilment.PARTIAL
    return Fulfilment.PICKING if picking else Fulfilment.NONE


def billing_of(lines: Sequence[Any]) -> str:
    """The billing sub-state: full when every line is invoiced for all that stays delivered."""
    if all(x.invoiced >= x.billable for x in lines) and any(x.invoiced for x in lines):
        return Billing.FULL
    return Billing.PARTIAL if any(x.invoiced for x in lines) else Billing.NONE


def payment_of(billing: str, invoiced: Decimal, paid: Decimal) -> str:
    """The payment sub-state: paid when all is invoiced and all invoices are paid."""
    if billing == Billing.FULL and paid >= invoiced:
        return Payment.PAID
    return Payment.PARTIAL if paid > 0 else Payment.NONE


def discount_of(lines: Iterable[PricedLine]) -> Decimal:
    """By how many per cent an order lies below the base list, to two places; a line that the list does not have counts as without a discount."""
    full = paid = ZERO
    for line in lines:
        listed = max(
            (Decimal(str(x["amount"])) for x in line.steps if (x["level"], x["tax_inclusive"]) == ("base", line.steps[0]["tax_inclusive"])),
            default=line.unit_price,
        )
        full, paid = full + line.qty * listed, paid + line.qty * line.unit_price
    return round_to(max(ZERO, 100 * (full - paid) / full), 2) if full else ZERO
