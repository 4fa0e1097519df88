"""Which invoices a payment pays (domain C14): what a person says, what the reference names, the only exact amount, else the oldest due first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any
from qudao.kernel.money import ZERO, cumulative
from qudao.payments.states import MOST_DIFFERENCE, PAID_BY, How, Method, Reason, State

MAX_TEXT = 200


@dataclass(frozen=True)
class PaymentFacts:
    """What is known of a payment: both sides, amount, the day the money came (None = today); `currency` "" where they have agreements in one."""

    seller_id: int
    buyer_id: int
    amount: Decimal
    reference: str = ""
    method: str = Method.TRANSFER
    paid_on: date | None = None
    note: str = ""
    currency: str = ""


@dataclass(frozen=True)
class PoolFacts:
    """What is known of a payment of a head office: as `PaymentFacts`; `currency` "" where its branches have one; what pays no invoice is kept for
    `rest_buyer_id` (None: the branch with the oldest due)."""

    seller_id: int
    payer_id: int
    amount: Decimal
    reference: str = ""
    method: str = Method.TRANSFER
    paid_on: date | None = None
    note: str = ""
    currency: str = ""
    rest_buyer_id: int | None = None


@dataclass(frozen=True)
class Open:
    """An invoice with `open` still to pay."""

    id: int
    number: str
    due_on: date
    open: Decimal


@dataclass(frozen=True)
class Application:
    """`amount` of a payment for an invoice, and by what rule."""

    invoice_id: int
    amount: Decimal
    how: str


def check_facts(facts: PaymentFacts | PoolFacts, today: date) -> None:
    """Raises Invalid with every fault of the input at its field."""
    faults = []
    if not is_amount(facts.amount):
        faults.append(Fault("payments.amount", "amount"))
    if facts.method not in PAID_BY:
        faults.append(Fault("payments.method", "method"))
    if facts.paid_on and facts.paid_on > today:
        faults.append(Fault("payments.future", "paid_on"))
    faults += [Fault("payments.too_long", name, {"limit": MAX_TEXT}) for name in ("reference", "note") if len(getattr(facts, name)) > MAX_TEXT]
    raise_if_any(faults, Invalid)


def is_amount(amount: Decimal) -> bool:
    """More than zero, whole cents."""
    return isinstance(amount, Decimal) and amount.is_finite() and amount > 0 and amount == amount.quantize(Decimal("0.01"))


def match(amount: Decimal, invoices: Iterable[Open], reference: str = "") -> list[Application]:
    """Which invoices `amount` pays without anybody saying so; what is left over stays unapplied.

    A reference that names open invoices decides alone, because the payer has said what the money is for.
    """
    due = sorted((i for i in invoices if i.open > 0), key=lambda i: (i.due_on, i.id))
    named = [i for i in due if _names(reference, i.number) or _names_whole(reference, i.number)]
    if named:
        return _fill(amount, named, How.REFERENCE)
    exact = [i for i in due if i.open == amount]
    if len(exact) == 1:
        return [Application(exact[0].id, amount, How.EXACT)]
    return _fill(amount, due, How.OLDEST)


def split(amount: Decimal, applications: Iterable[Application], buyer_of: Mapping[int, int], rest_to: int) -> dict[int, tuple[Decimal, list[Application]]]:
    """`amount` of a head office by branch: (its part, what the part pays). What pays no invoice goes to `rest_to`; the parts sum to the amount."""
    found: dict[int, list[Application]] = {}
    for one in applications:
        found.setdefault(buyer_of[one.invoice_id], []).append(one)
    parts = {buyer: (sum((a.amount for a in pays), ZERO), pays) for buyer, pays in found.items()}
    rest = amount - sum((part for part, _pays in parts.values()), ZERO)
    if rest:
        part, pays = parts.get(rest_to, (ZERO, []))
        parts[rest_to] = (part + rest, pays)
    return dict(sorted(parts.items()))


def naming(numbers: Iterable[str]) -> str:
    """A reference that names these invoices, as many as fit."""
    found = ""
    for number in numbers:
        if len(f"{found} {number}") > MAX_TEXT:
            break
        found = f"{found} {number}".strip()
    return found


def _names_whole(reference: str, number: str) -> bool:
    """Whether a reference names the collective invoice of which this is a part ("INV-LH-000012/3" of "INV-LH-000012"), and no single part of it."""
    whole, cut, place = number.rpartition("/")
    found = rf"(?<![0-9a-z]){re.escape(whole)}(?![0-9a-z]|/[0-9])"
    return bool(cut and place.isdecimal() and whole.startswith("INV-")) and re.search(found, reference, re.IGNORECASE) is not None


def _names(reference: str, number: str) -> bool:
    """Whether a reference names a number as a whole word; case does not matter."""
    return bool(number) and re.search(rf"(?<![0-9a-z]){re.escape(number)}(?![0-9a-z])", reference, re.IGNORECASE) is not None


def _fill(amount: Decimal, invoices: Sequence[Open], how: str) -> list[Application]:
    """Pay one after the other until nothing is left."""
    found, left = [], amount
    for invoice in invoices:
        if left <= 0:
            break
        part = min(left, invoice.open)
        found.append(Application(invoice.id, part, how))
        left -= part
    return found


def spread(owed: Iterable[tuple[int, Decimal]], paid: Iterable[tuple[int, Decimal]]) -> list[tuple[int, int, Decimal]]:
    """Which payment pays how much of which invoice, both taken in their order: (payment id, invoice id, amount)."""
    found, rest = [], list(owed)
    for payment, left in paid:
        while left > 0 and rest:
            invoice, open_ = rest[0]
            part = min(left, open_)
            found.append((payment, invoice, part))
            left -= part
            rest[:1] = [(invoice, open_ - part)] if open_ > part else []
    return found


def check_explicit(amount: Decimal, wanted: Sequence[tuple[int, Decimal]], invoices: Iterable[Open]) -> list[Application]:
    """What a person said, as applications; raises Invalid or Refused with every fault (fields "applications.<invoice id>")."""
    known = {i.id: i for i in invoices}
    faults: list[Fault] = []
    over: list[Fault] = []
    seen: set[int] = set()
    for invoice_id, part in wanted:
        at = f"applications.{invoice_id}"
        if invoice_id in seen:
            faults.append(Fault("payments.twice", at))
        seen.add(invoice_id)
        if not is_amount(part):
            faults.append(Fault("payments.amount", at))
        elif invoice_id not in known:
            over.append(Fault("payments.unknown_invoice", at))
        elif part > known[invoice_id].open:
            over.append(Fault("payments.more_than_open", at, {"number": known[invoice_id].number, "open": str(known[invoice_id].open)}))
    raise_if_any(faults, Invalid)
    applied = sum((part for _id, part in wanted), ZERO)
    if applied > amount:
        over.append(Fault("payments.more_than_left", "applications", {"applied": str(applied), "left": str(amount)}))
    raise_if_any(over, Refused)
    return [Application(invoice_id, part, How.EXPLICIT) for invoice_id, part in wanted]


def check_small(amount: Decimal, limit: Decimal, currency: str) -> None:
    """Whether an amount may be closed as a small difference; raises Refused."""
    if amount <= 0:
        raise Refused("payments.nothing_left")
    if amount > limit:
        raise Refused("payments.not_small", amount=str(amount), limit=str(limit), currency=currency)


def check_limit(currency: str, amount: Decimal) -> None:
    """A limit of small differences; raises Invalid with every fault."""
    faults = []
    if not re.fullmatch(r"[A-Z]{3}", currency):
        faults.append(Fault("payments.currency", "currency"))
    if not (amount.is_finite() and 0 <= amount <= MOST_DIFFERENCE and amount == amount.quantize(Decimal("0.01"))):
        faults.append(Fault("payments.limit", "amount", {"most": str(MOST_DIFFERENCE)}))
    raise_if_any(faults, Invalid)


def check_refund(amount: Decimal, left: Decimal, note: str) -> None:
    """Money to send back of what is left of a payment; raises Invalid or Refused."""
    faults = [] if is_amount(amount) else [Fault("payments.amount", "amount")]
    if len(note) > MAX_TEXT:
        faults.append(Fault("payments.too_long", "note", {"limit": MAX_TEXT}))
    raise_if_any(faults, Invalid)
    if amount > left:
        raise Refused("payments.refund_over_left", field="amount", left=str(left))


class Withdrawable(Protocol):
    """What the rule needs of a payment."""

    number: str
    state: str
    method: str
    pool_id: int | None


def withdraw_fault(payment: Withdrawable, *, whole: bool = False) -> Fault | None:
    """Why a payment cannot be withdrawn; a part of a payment of a head office only with the `whole`."""
    said: dict[str, Any] = {"number": payment.number}
    if payment.pool_id and not whole:
        return Fault("payments.part_of_pool", "", said)
    if payment.method not in PAID_BY:
        return Fault("payments.withdraw_credit", "", said)
    if payment.state in (State.PARTIALLY_APPLIED, State.APPLIED):
        return Fault("payments.withdraw_applied", "", said)
    return None if payment.state == State.RECEIVED else Fault("payments.illegal", "", {**said, "state": State(payment.state).label})


def state_of(amount: Decimal, applied: Decimal) -> str:
    """The state of a received payment by what of it is applied."""
    if applied >= amount:
        return State.APPLIED
    return State.PARTIALLY_APPLIED if applied else State.RECEIVED


class InvoicedLine(Protocol):
    """What the rules need of an invoice line: its quantity and amounts, and what of them is credited already."""

    id: int
    product_id: int
    tax_rate: Decimal
    qty: Decimal
    net: Decimal
    gross: Decimal
    credited_qty: Decimal
    credited_net: Decimal
    credited: Decimal


@dataclass(frozen=True)
class CreditAsk:
    """How much of an invoice line goes back: `qty` at its price, or an `amount` (incl. tax) when only the price was too high."""

    line_id: int
    qty: Decimal | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class CreditPart:
    """What a credit note takes of an invoice line; net + tax = gross."""

    line_id: int
    qty: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    product_id: int
    tax_rate: Decimal


def check_credit(reason: str, note: str) -> None:
    """Raises Invalid with every fault of the head of a credit note."""
    faults = [] if reason in Reason.values else [Fault("payments.reason", "reason")]
    if len(note) > MAX_TEXT:
        faults.append(Fault("payments.too_long", "note", {"limit": MAX_TEXT}))
    raise_if_any(faults, Invalid)


def credit_parts(asked: Sequence[CreditAsk], lines: Iterable[InvoicedLine]) -> list[CreditPart]:
    """The parts of a credit note. Whatever is credited in parts sums to the line's net, tax and gross to the cent.

    Raises Invalid or Refused with every fault (fields "lines.<line id>.qty" and ".amount").
    """
    known = {line.id: line for line in lines}
    faults: list[Fault] = []
    over: list[Fault] = []
    parts, seen = [], set()
    for ask in asked:
        at = f"lines.{ask.line_id}"
        line = known.get(ask.line_id)
        if line is None or ask.line_id in seen:
            faults.append(Fault("payments.unknown_line" if line is None else "payments.twice", at))
            continue
        seen.add(ask.line_id)
        wrong = _ask_fault(ask, at)
        if wrong:
            faults.append(wrong)
            continue
        gross = _credited(ask, line)
        if ask.qty is not None and ask.qty > line.qty - line.credited_qty:
            over.append(Fault("payments.credit_qty_left", f"{at}.qty", {"left": line.qty - line.credited_qty}))
        elif gross <= 0 or gross > line.gross - line.credited:
            over.append(Fault("payments.credit_amount_left", f"{at}.{'qty' if ask.qty else 'amount'}", {"left": str(line.gross - line.credited)}))
        else:
            net = cumulative(line.net, line.credited + gross, line.gross, line.credited_net)
            parts.append(CreditPart(line.id, ask.qty or ZERO, net, gross - net, gross, line.product_id, line.tax_rate))
    raise_if_any(faults, Invalid)
    raise_if_any(over, Refused)
    if not parts:
        raise Invalid("payments.nothing_to_credit", field="lines")
    return parts


def _ask_fault(ask: CreditAsk, at: str) -> Fault | None:
    """What is wrong with what was typed for a line."""
    if ask.qty is not None and ask.amount is not None:
        return Fault("payments.credit_both", f"{at}.amount")
    if ask.qty is not None and not (ask.qty.is_finite() and ask.qty > 0):
        return Fault("payments.credit_qty", f"{at}.qty")
    if ask.qty is None and (ask.amount is None or not is_amount(ask.amount)):
        return Fault("payments.amount", f"{at}.amount")
    return None


def _credited(ask: CreditAsk, line: InvoicedLine) -> Decimal:
    """The gross of what is asked. The last piece takes all that is left, whatever was taken off its price before."""
    if ask.amount is not None:
        return ask.amount
    done = line.credited_qty + (ask.qty or ZERO)
    share = cumulative(line.gross, done, line.qty, cumulative(line.gross, line.credited_qty, line.qty, ZERO))
    return line.gross - line.credited if done == line.qty else min(share, line.gross - line.credited)
