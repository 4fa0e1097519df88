"""Confirming: credit held and stock reserved in the same transaction, all of it or none, and every refusal of both at once."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.subject import Subject
from qudao.funds.actions import hold
from qudao.inventory.actions import Demand, reserve
from qudao.kernel.errors import Fault, Refused, raise_if_any

#: a line to hold stock for: (line id, line no, product id, quantity)
Held = tuple[int, int, int, Decimal]


def hold_and_reserve(subject: Subject, agreement_id: int, place_id: int, gross: Decimal, lines: Sequence[Held], *, actor: Actor) -> None:
    """Hold credit for `gross` and reserve `lines`. Raises Refused with every fault of both."""
    faults: list[Fault] = []
    try:
        hold(agreement_id, gross, subject, actor=actor)
    except Refused as refusal:
        faults += refusal.faults
    try:
        reserve([Demand(place_id, product_id, qty, line_id) for line_id, _no, product_id, qty in lines], subject, actor=actor)
    except Refused as refusal:
        faults += at_lines(refusal.faults, lines)
    raise_if_any(faults)


def at_lines(faults: Sequence[Fault], lines: Sequence[Held]) -> list[Fault]:
    """Faults of stock carry the line's id; people count lines from 1."""
    number = {str(line_id): no for line_id, no, _product, _qty in lines}
    placed = []
    for fault in faults:
        head, _, ref = fault.field.partition(".")
        ref, _, rest = ref.partition(".")
        at = f"lines.{number[ref]}.{rest or 'qty'}" if head == "lines" and ref in number else fault.field
        placed.append(Fault(fault.code, at, {**fault.params, "no": number.get(ref, 0)}))
    return placed
