"""Credit limits and deposits that wait for signatures: one by one, of many at once, and never round the flow by a file."""

from decimal import Decimal as D

import pytest

from qudao.approvals.actions import add_rule, decide_proposal
from qudao.approvals.models import Proposal
from qudao.approvals.pages.proposals import card_of
from qudao.approvals.rules import RuleDraft
from qudao.base.access import system_actor
from qudao.base.work import unit
from qudao.funds import actions
from qudao.funds.models import Account
from qudao.funds.rules import LimitTerms
from qudao.kernel.errors import Refused, Waits
from qudao.orders.tests.make import make_world
from qudao.people.queries import unscoped_system_role

pytestmark = pytest.mark.django_db
ADMIN = "hq_admin"


def waiting(kind, body, amount="0"):
    """What is kept of an action that a flow of `kind` lets wait."""
    with pytest.raises(Waits) as waits:
        body()
    return Proposal.unscoped.get(pk=waits.value.faults[0].params["proposal"], kind=kind)


@pytest.fixture
def world():
    made = make_world((100,))
    for kind in ("funds.limit", "payments.out"):
        add_rule(made.cast.lh.pk, RuleDraft(kind, unscoped_system_role(ADMIN), D(1000)), actor=system_actor())
    return made


def test_a_limit_waits_and_counts_when_it_is_signed(world):
    account, finance = world.account, world.cast.hq_finance
    before = Account.unscoped.get(pk=account.pk).limit_amount
    made = waiting("funds.limit", lambda: actions.set_limit(account.pk, LimitTerms(before + 5), "good payer", actor=finance))
    assert (made.type, made.amount) == ("raise", before + 5) and Account.unscoped.get(pk=account.pk).limit_amount == before
    assert "good payer" in [text for _label, text in card_of(made)]
    decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    assert Account.unscoped.get(pk=account.pk).limit_amount == before + 5
    assert actions.set_limit(account.pk, LimitTerms(D(999)), "small", actor=finance).limit_amount == 999, "below the amount nobody signs"


def test_what_was_asked_for_and_is_granted_does_not_pass_round_it(world):
    account = world.account
    request = actions.ask_limit(account.pk, actions.Wanted(D(600000)), "a new branch", actor=world.cast.hq_clerk)
    made = waiting("funds.limit", lambda: actions.grant_limit(request.pk, answer="good payer", actor=world.cast.hq_finance))
    told = [text for _label, text in card_of(made)]
    assert "good payer" in told and world.cast.hq_clerk.name in told
    request.refresh_from_db()
    assert request.state == "requested" and Account.unscoped.get(pk=account.pk).limit_amount == account.limit_amount
    decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    request.refresh_from_db()
    assert request.state == "granted" and Account.unscoped.get(pk=account.pk).limit_amount == 600000


def test_many_limits_and_those_of_product_lines_do_not_pass_round_it(world):
    account, finance = world.account, world.cast.hq_finance
    terms = {account.pk: LimitTerms(D(7000))}
    with pytest.raises(Refused) as together:
        unit(lambda: actions.set_limits(terms, "file", actor=finance))
    assert together.value.faults[0].code == "approvals.asked_singly"
    made = waiting("funds.limit", lambda: actions.set_limits(terms, "many", actor=finance))
    assert card_of(made)
    decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    assert Account.unscoped.get(pk=account.pk).limit_amount == 7000
    line = world.products[0].category_id
    if line:
        made = waiting("funds.limit", lambda: actions.set_line_limits(account.pk, {line: D(2000)}, "line", actor=finance))
        assert made.type == "lines" and card_of(made)
        decide_proposal(made.pk, "reject", "no", actor=world.cast.hq_admin)


def test_a_deposit_goes_back_when_it_is_signed(world):
    account, finance = world.account, world.cast.hq_finance
    actions.pay_deposit(account.pk, D(5000), "in", actor=finance)
    made = waiting("payments.out", lambda: actions.refund_deposit(account.pk, D(2000), "exit", actor=finance))
    assert made.type == "deposit" and card_of(made) and Account.unscoped.get(pk=account.pk).deposit_held == 5000
    decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    assert Account.unscoped.get(pk=account.pk).deposit_held == 3000
