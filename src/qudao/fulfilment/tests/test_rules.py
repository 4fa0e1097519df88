"""What may be picked and received, and the credit that goes with it, without a database."""

from dataclasses import dataclass
from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.fulfilment import rules
from qudao.fulfilment.rules import Count, Sent
from qudao.fulfilment.states import State
from qudao.kernel.errors import Invalid, Refused


@dataclass
class Line:
    """An order line as the rules see it."""

    qty: D
    gross: D
    shipped: D = D(0)
    received: D = D(0)
    settled_short: D = D(0)
    invoiced: D = D(0)
    id: int = 1
    no: int = 1

    @property
    def ready(self) -> D:
        return self.qty - self.shipped


SENT = [Sent(11, 1, 7, D(5)), Sent(12, 2, 8, D(3))]


def faults(caught):
    return [(f.code, f.field) for f in caught.value.faults]


def test_a_shipment_is_picked_dispatched_and_received_in_this_order():
    assert rules.next_state(State.CREATED, "start_pick", "SH-1") == State.PICKING
    assert rules.next_state(State.PICKING, "dispatch", "SH-1") == State.SHIPPED
    assert rules.next_state(State.SHIPPED, "receive", "SH-1") == State.RECEIVED


@pytest.mark.parametrize(
    ("state", "event"), [("created", "dispatch"), ("shipped", "cancel_pick"), ("received", "receive"), ("cancelled", "start_pick"), ("shipped", "void")]
)
def test_every_other_step_is_refused(state, event):
    with pytest.raises(Refused) as caught:
        rules.next_state(state, event, "SH-1")
    assert faults(caught) == [("fulfilment.illegal", "")]


def test_what_is_picked_elsewhere_is_not_planned_again():
    lines = [Line(D(5), D(50)), Line(D(4), D(40), shipped=D(4), id=2), Line(D(3), D(30), id=3)]
    assert rules.left_to_plan(lines, {1: D(2), 3: D(3)}) == {1: D(3)}


def test_only_what_is_free_can_be_chosen():
    free = {1: D(3), 2: D(2)}
    assert rules.choose({1: D(2), 2: D(0)}, free, code="fulfilment.more_than_open", name="open") == {1: D(2)}
    with pytest.raises(Refused) as caught:
        rules.choose({1: D(4), 2: D(3)}, free, code="fulfilment.more_than_open", name="open")
    assert faults(caught) == [("fulfilment.more_than_open", "lines.1.qty"), ("fulfilment.more_than_open", "lines.2.qty")]
    with pytest.raises(Invalid) as caught:
        rules.choose({9: D(1), 1: D(-1)}, free, code="x", name="open")
    assert faults(caught) == [("fulfilment.unknown_line", "lines.9"), ("fulfilment.quantity", "lines.1.qty")]
    with pytest.raises(Invalid) as caught:
        rules.choose({1: D(0)}, free, code="x", name="open")
    assert faults(caught) == [("fulfilment.no_lines", "lines")]


def test_a_line_nobody_counted_arrived_as_shipped():
    first, second = rules.count_receipt(SENT, [Count(12, D(2), D(1))])
    assert (first.received, first.lost, first.differs) == (D(5), D(0), False)
    assert (second.received, second.damaged, second.short, second.lost) == (D(2), D(1), D(0), D(1))


def test_what_is_missing_follows_from_the_rest_unless_it_is_said():
    (first, _second) = rules.count_receipt(SENT, [Count(11, D(2), D(1))])
    assert first.short == D(2)
    with pytest.raises(Invalid) as caught:
        rules.count_receipt(SENT, [Count(11, D(2), D(1), D(1))])
    assert faults(caught) == [("fulfilment.counts_differ", "lines.11.received")]


def test_more_than_was_shipped_belongs_into_too_many():
    with pytest.raises(Invalid) as caught:
        rules.count_receipt(SENT, [Count(11, D(6)), Count(99, D(1)), Count(12, D("0.00001")), Count(12, D(1))])
    assert faults(caught) == [
        ("fulfilment.counts_differ", "lines.11.received"),
        ("fulfilment.unknown_line", "lines.99"),
        ("fulfilment.quantity", "lines.12.received"),
        ("fulfilment.twice", "lines.12"),
    ]
    (first, _second) = rules.count_receipt(SENT, [Count(11, D(5), over=D(2))])
    assert (first.over, first.lost, first.differs) == (D(2), D(0), True)


def test_differences_carry_the_gross_they_stand_for():
    lines = {1: Line(D(5), D("10.00")), 2: Line(D(3), D("10.00"), id=2)}
    counted = rules.count_receipt(SENT, [Count(11, D(2), D(1), D(2)), Count(12, D(3), over=D(1))])
    found = [(f.shipment_line_id, f.kind, f.qty, f.amount) for f in rules.differences(counted, lines)]
    assert found == [(11, "damaged", D(1), D("2.00")), (11, "short", D(2), D("4.00")), (12, "over", D(1), D("3.33"))]


@given(
    gross=st.decimals(0, 10_000, places=2),
    steps=st.lists(st.tuples(st.integers(1, 7), st.integers(0, 7)), min_size=1, max_size=6),
)
def test_what_is_shipped_is_exactly_what_is_invoiced_and_what_is_lost(gross, steps):
    """Shipments of a line, each received less some pieces: the shipped credit is used up to the cent when everything has arrived."""
    line = Line(D(sum(sent for sent, _lost in steps)), gross)
    shipped = lost_amount = D(0)
    for sent, lost in steps:
        shipped += rules.gross_leaving(line, D(sent))
        line.shipped += sent
        lost = min(sent, lost)
        lost_amount += rules.gross_lost(line, D(sent - lost), D(lost))
        line.received += sent - lost
        line.settled_short += lost
        assert shipped - lost_amount - rules.gross_of(line, line.received) == 0
    assert shipped == gross
