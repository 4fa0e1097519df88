"""What becomes of a signature that nobody gives in time: it goes up, or the flow decides."""

from datetime import timedelta
from decimal import Decimal

import pytest

from qudao.approvals.actions import hand_up, time_out
from qudao.approvals.models import Node
from qudao.approvals.rules import Branch, Step, When, branch_faults
from qudao.approvals.tests.make import open_for, sign
from qudao.approvals.tests.test_signers import flow, sound, waits
from qudao.base.access import system_actor
from qudao.base.models import Event
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.people.queries import unscoped_system_role

SYSTEM = system_actor()


def step(then, **more):
    return Step(unscoped_system_role("hq_clerk"), late_hours=24, late_then=then, **more)


def after(hours):
    """How many steps were out of time so many hours from now; asked twice, because the job may run as often as it likes."""
    with clock.freeze(clock.now() + timedelta(hours=hours)):
        found = time_out(actor=SYSTEM)
        assert time_out(actor=SYSTEM) == 0
    return found


def decisions():
    return [event.payload["decision"] for event in Event.unscoped.filter(name="approvals.StepLate").order_by("pk")]


def test_it_goes_up_to_the_role_the_flow_names(cast):
    order = flow(cast, step("escalate", late_role_id=unscoped_system_role("hq_finance")))
    request = open_for(order, cast.dealer)
    assert after(23) == 0 and waits(request) == ["hq_clerk"]
    assert after(25) == 1 and waits(request) == ["hq_finance"] and not decisions()
    with pytest.raises(Refused):
        sign(order, cast.hq_clerk)
    assert sign(order, cast.hq_finance).state == "approved"
    sound()


def test_without_a_higher_role_the_administrators_decide(cast):
    order = flow(cast, step("escalate"))
    request = open_for(order, cast.dealer)
    assert after(25) == 1 and waits(request) == ["hq_admin"]
    assert sign(order, cast.hq_admin).state == "approved"


@pytest.mark.parametrize(("then", "amount", "decision"), [("pass", "999.99", "approve"), ("pass", "1000", None), ("reject", "5000", "reject")])
def test_the_flow_decides_below_its_amount_and_hands_up_the_others(cast, then, amount, decision):
    order = flow(cast, step(then, late_below=Decimal(1000) if then == "pass" else None))
    request = open_for(order, cast.dealer, amount)
    with pytest.raises(Refused):
        sign(order, SYSTEM, decision or "approve", "late")  # not before the time is out
    assert after(25) == 1 and decisions() == ([decision] if decision else [])
    if decision is None:
        assert waits(request) == ["hq_admin"]
        with pytest.raises(Refused):
            sign(order, SYSTEM)
        return
    other = {"approve": "reject", "reject": "approve"}[decision]
    with pytest.raises(Refused):
        sign(order, SYSTEM, other, "late")
    assert sign(order, SYSTEM, decision, "late").state == {"approve": "approved", "reject": "rejected"}[decision]
    assert not Node.unscoped.filter(request=request, signatures__isnull=False).exists()
    sound()


def test_a_person_may_still_be_faster_and_what_the_flow_cannot_decide_goes_up(cast):
    order = flow(cast, step("pass", late_below=Decimal(5000)))
    request = open_for(order, cast.dealer)
    assert after(25) == 1 and decisions() == ["approve"]
    assert hand_up(order, actor=SYSTEM) == 1 and waits(request) == ["hq_admin"]
    assert hand_up(order, actor=SYSTEM) == 0
    assert sign(order, cast.hq_admin).state == "approved"
    assert hand_up(order, actor=SYSTEM) == 0
    sound()


def test_a_time_out_says_when_and_what(cast):
    def faults(**more):
        return [fault.field for fault in branch_faults(Branch("", When(), (Step(1, **more),)))]

    assert faults(late_hours=24) == ["late_then"] and faults(late_then="reject") == ["late_then"]
    assert faults(late_hours=0, late_then="") == ["late_hours"] and faults(late_hours=24, late_then="pass") == ["late_below"]
    assert not faults(late_hours=24, late_then="pass", late_below=Decimal(10)) and not faults(late_hours=24, late_then="escalate")
