"""What an order may do, as sentences; no database."""

from datetime import date
from decimal import Decimal as D
from types import SimpleNamespace as Row

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qudao.kernel.errors import Refused
from qudao.orders import rules
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import TRANSITIONS, Billing, Fulfilment, Payment, Status

DAY = date(2026, 11, 21)
CARD = Row(id=7, code="A-1", unit="台", tax_rate=D("0.13"), state="active", min_qty=D(1), multiple=D(0), max_qty=D(0))


def codes(faults):
    return [(f.code, f.field) for f in faults]


def placing(*lines, **kw):
    return Placing(1, 2, [NewLine(*x) for x in lines], **kw)


def test_the_life_of_an_order_has_no_way_back_from_its_ends():
    for (status, event), _to in TRANSITIONS.items():
        if event not in ("unpay", "again", "again_whole"):  # money taken back, or goods sent once more, open what was settled
            assert status not in (Status.CLOSED, Status.CANCELLED, Status.REJECTED, Status.CLOSED_SHORT)


def test_one_order_takes_no_more_than_the_largest_quantity_however_it_is_split():
    boxed = Row(**{**vars(CARD), "max_qty": D(20), "multiple": D(6)})
    assert rules.maximum_faults([NewLine(7, D(20))], {7: boxed}, {}) == [] == rules.maximum_faults([NewLine(7, D(99))], {7: CARD}, {})
    (fault,) = rules.maximum_faults([NewLine(7, D(24))], {7: boxed}, {})
    assert (fault.code, fault.field, fault.params["most"]) == ("orders.above_maximum", "lines.1.qty", 18)
    assert [fault.params["most"] for fault in rules.maximum_faults([NewLine(7, D(12))] * 2, {7: boxed}, {})] == [6, 6]
    assert rules.maximum_faults([NewLine(7, D(6))], {7: boxed}, {7: D(18)})[0].params["most"] == 0, "what the order has counts, too"


def test_an_illegal_move_is_refused_in_words():
    with pytest.raises(Refused) as caught:
        rules.next_status(Status.CLOSED, "cancel")
    assert caught.value.faults[0].code == "orders.illegal"
    assert rules.next_status(Status.CONFIRMED, "cancel") == Status.CANCELLED


def test_every_fault_of_the_input_is_said_at_once():
    asked = placing((None, D(0), "XX"), (7, D("0.00001")), (7, D("NaN")), requested_on=date(2026, 11, 20))
    assert codes(rules.shape_faults(asked, DAY)) == [
        ("orders.unknown_product", "lines.1.product"),
        ("orders.qty_not_positive", "lines.1.qty"),
        ("orders.qty_too_fine", "lines.2.qty"),
        ("orders.qty_not_positive", "lines.3.qty"),
        ("orders.date_passed", "requested_on"),
    ]
    assert codes(rules.shape_faults(Placing(1, 1, []), DAY)) == [("orders.no_lines", "lines"), ("orders.same_sides", "buyer")]
    assert codes(rules.shape_faults(placing(*[(7, D(1))] * 2001), DAY)) == [("orders.too_many_lines", "lines")]


def test_a_suspended_side_or_agreement_takes_no_orders():
    terms = Row(code="AG-1", state="suspended", choice=(), seller=Row(state="active", name="HQ"), buyer=Row(state="suspended", name="D1"))
    assert codes(rules.side_faults(terms, DAY)) == [("orders.dealer_not_active", "buyer"), ("orders.agreement_suspended", "buyer")]
    assert codes(rules.side_faults(None, DAY)) == [("orders.no_agreement", "buyer")]


def test_lines_are_checked_for_authorisation_product_minimum_pack_and_price():
    blocked = Row(**{**vars(CARD), "id": 8, "code": "B", "state": "blocked"})
    packed = Row(**{**vars(CARD), "id": 9, "code": "C", "min_qty": D(12), "multiple": D(6)})
    lines = [NewLine(7, D(1)), NewLine(8, D(1)), NewLine(9, D(6)), NewLine(9, D(20)), NewLine(99, D(1)), NewLine(7, D(2))]
    faults = rules.line_faults(lines, {7: CARD, 8: blocked, 9: packed}, {8: False}, {1, 3, 4}, DAY)
    assert codes(faults) == [
        ("orders.not_authorised", "lines.2.product"),
        ("orders.product_blocked", "lines.2.product"),
        ("orders.below_minimum", "lines.3.qty"),
        ("orders.not_multiple", "lines.4.qty"),
        ("orders.unknown_product", "lines.5.product"),
        ("orders.no_price", "lines.6.product"),
    ]
    assert (faults[3].params["lower"], faults[3].params["upper"]) == (D(18), D(24))


def quote(amount, inclusive=True):
    return Row(amount=D(amount), tax_inclusive=inclusive, source="list", steps=[])


def test_an_amount_is_rounded_once_at_the_line():
    (line,) = rules.price_order([NewLine(7, D(3))], {7: CARD}, {1: quote("950.33")})
    assert (line.net, line.tax, line.gross) == (D("2523.00"), D("327.99"), D("2850.99"))
    (line,) = rules.price_order([NewLine(7, D("1.5"))], {7: CARD}, {1: quote("0.333333", False)})
    assert (line.net, line.tax, line.gross) == (D("0.50"), D("0.07"), D("0.57"))


@given(st.lists(st.tuples(st.integers(1, 500), st.decimals(0, 10**5, places=4), st.booleans()), min_size=1, max_size=20))
def test_totals_are_the_sums_of_the_lines(rows):
    lines = [NewLine(7, D(qty)) for qty, _price, _inclusive in rows]
    priced = rules.price_order(lines, {7: CARD}, {no: quote(price, inclusive) for no, (_q, price, inclusive) in enumerate(rows, 1)})
    net, tax, gross = rules.totals(priced)
    assert gross == net + tax == sum(x.gross for x in priced)


def line(wanted=10, shipped=0, received=0, short=0, invoiced=0, billable=None):
    return Row(wanted=D(wanted), shipped=D(shipped), received=D(received), settled_short=D(short), invoiced=D(invoiced), billable=D(billable or wanted))


@pytest.mark.parametrize(
    ("lines", "picking", "state"),
    [
        ([line()], False, Fulfilment.NONE),
        ([line()], True, Fulfilment.PICKING),
        ([line(shipped=10), line()], False, Fulfilment.PARTIAL),
        ([line(shipped=10), line(shipped=10)], False, Fulfilment.SHIPPED),
        ([line(shipped=10, received=9, short=1)], False, Fulfilment.RECEIVED),
        ([line(wanted=0), line(shipped=10, received=10)], False, Fulfilment.RECEIVED),
    ],
)
def test_the_fulfilment_state_follows_the_counters(lines, picking, state):
    assert rules.fulfilment_of(lines, picking) == state


def test_billing_and_payment_follow_what_was_delivered():
    assert rules.billing_of([line()]) == Billing.NONE
    assert rules.billing_of([line(invoiced=9, billable=9), line()]) == Billing.PARTIAL
    assert rules.billing_of([line(invoiced=9, billable=9)]) == Billing.FULL
    assert rules.payment_of(Billing.FULL, D(10), D(10)) == Payment.PAID
    assert rules.payment_of(Billing.FULL, D(10), D(9)) == Payment.PARTIAL
    assert rules.payment_of(Billing.NONE, D(0), D(0)) == Payment.NONE
