"""The life of an agreement and what may stand in a draft."""

from datetime import date, timedelta

import pytest

from qudao.agreements.rules import AgreementDraft, Grant, draft_faults, grant_faults, may_activate, next_state
from qudao.agreements.states import TRANSITIONS, AgreementState
from qudao.kernel.errors import Refused

DAY = date(2026, 6, 1)
VERBS = ("activate", "suspend", "end")


@pytest.mark.parametrize("state", AgreementState.values)
@pytest.mark.parametrize("verb", VERBS)
def test_only_the_arrows_of_the_table_are_legal(state, verb):
    if (state, verb) in TRANSITIONS:
        assert next_state(state, verb, "A") == TRANSITIONS[state, verb]
    else:
        with pytest.raises(Refused) as error:
            next_state(state, verb, "A")
        assert error.value.faults[0].code == "agreements.state"


def test_an_ended_agreement_has_no_way_back():
    assert not [arrow for arrow in TRANSITIONS if arrow[0] == AgreementState.ENDED]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, None),
        ({"buyer_id": 1}, ("agreements.same_sides", "buyer_id")),
        ({"code": " "}, ("agreements.code_missing", "code")),
        ({"valid_to": DAY - timedelta(1)}, ("agreements.span_wrong", "valid_to")),
        ({"valid_to": DAY}, None),
        ({"payment_days": -1}, ("agreements.payment_days_wrong", "payment_days")),
        ({"payment_days": 366}, ("agreements.payment_days_wrong", "payment_days")),
        ({"currency": "cny"}, ("agreements.currency_wrong", "currency")),
        ({"invoice_on": "never"}, ("agreements.invoice_on_wrong", "invoice_on")),
    ],
)
def test_a_draft_is_checked_field_by_field(change, fault):
    draft = AgreementDraft(**{"seller_id": 1, "buyer_id": 2, "code": "A", "valid_from": DAY, **change})
    assert [(f.code, f.field) for f in draft_faults(draft)] == ([fault] if fault else [])


def test_an_agreement_may_start_on_its_last_day_but_not_after_it():
    may_activate("A", None, DAY)
    may_activate("A", DAY, DAY)
    with pytest.raises(Refused):
        may_activate("A", DAY, DAY + timedelta(1))


def test_an_authorisation_names_one_thing_or_everything():
    assert grant_faults(Grant(DAY)) == grant_faults(Grant(DAY, product_id=1)) == grant_faults(Grant(DAY, category_id=1)) == []
    faults = grant_faults(Grant(DAY, 1, 1, valid_to=DAY - timedelta(1)))
    assert {f.code for f in faults} == {"agreements.grant_target", "agreements.span_wrong"}
