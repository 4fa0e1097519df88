"""A document under any sequence of signatures, rejections, hand-overs, signers added, deputies, going back, time running out and taking back: who signs
is always one of those who may, nothing refused changes anything, and every invariant of approvals holds. `QUDAO_SLOW=1` runs it long.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from qudao.approvals import actions
from qudao.approvals.actions import AbsenceDraft
from qudao.approvals.models import Node, Request, Signature
from qudao.approvals.rules import Branch, FlowDraft, Step, When
from qudao.approvals.tests.make import KIND, document, open_for, sign, withdraw
from qudao.base.access import Actor, system_actor
from qudao.base.invariants import all_checks, offending
from qudao.kernel import clock
from qudao.kernel.errors import DomainError
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import Cast, actor_of, cast, make_member

pytestmark = [pytest.mark.django_db, pytest.mark.machine]
SLOW = os.environ.get("QUDAO_SLOW") == "1"
RUN = settings(max_examples=120 if SLOW else 8, stateful_step_count=40 if SLOW else 16, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
SYSTEM = system_actor()
PERSON = st.integers(0, 6)
DOCUMENT = st.integers(1, 3)
CHECKS = [check for check in all_checks() if check.name.startswith("approvals.")]


class ApprovalLife(RuleBasedStateMachine):
    """Two clerks, two of finance and the administrators of a seller sign one after another; the buyer submits, and somebody outside tries, too."""

    cast: Cast
    people: list[Actor]

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.now = clock.now()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    def subject(self, n: int) -> Any:
        return document(self.cast.lh, self.cast.d001, n)

    def request(self, n: int) -> Request | None:
        return Request.unscoped.filter(subject_id=n).order_by("-pk").first()

    def picture(self) -> tuple[list[tuple], list[tuple], int]:
        nodes = Node.unscoped.order_by("pk").values_list("pk", "state", "void", "stage", "position", "round")
        return list(Request.unscoped.order_by("pk").values_list("pk", "state")), list(nodes), Signature.unscoped.count()

    def attempt(self, act: Any, *args: Any, **kwargs: Any) -> Any:
        before = self.picture()
        try:
            with transaction.atomic(), clock.freeze(self.now):
                return act(*args, **kwargs)
        except DomainError:
            assert self.picture() == before, "a refused act changed something"
            return None

    @rule(n=DOCUMENT)
    def submit(self, n: int) -> None:
        found = self.request(n)
        if found is None or found.state != "pending":
            with clock.freeze(self.now):
                open_for(self.subject(n), self.cast.dealer)

    @rule(n=DOCUMENT, who=PERSON, decision=st.sampled_from(["approve", "approve", "approve", "reject", "return"]))
    def decide(self, n: int, who: int, decision: str) -> None:
        person, before = self.people[who], self.request(n)
        done = self.attempt(sign, self.subject(n), person, decision, "as agreed")
        if done is None:
            return
        assert before is not None and before.state == "pending" and person.org_id == self.cast.lh.pk
        assert person.user_id != before.submitted_by_id, "who submits does not sign"
        signed = list(Signature.unscoped.filter(request=before, node__void=False, decision="approve").values_list("user_id", flat=True))
        assert len(signed) == len(set(signed)), "nobody signs a document twice"

    @rule(n=DOCUMENT, who=PERSON, to=PERSON)
    def hand_on(self, n: int, who: int, to: int) -> None:
        if found := self.request(n):
            self.attempt(actions.delegate, found.pk, self.people[to].user_id, "on leave", actor=self.people[who])

    @rule(n=DOCUMENT, who=PERSON, to=PERSON, first=st.booleans())
    def add_signer(self, n: int, who: int, to: int, first: bool) -> None:
        if found := self.request(n):
            self.attempt(actions.add_signer, found.pk, self.people[to].user_id, first, "knows the buyer", actor=self.people[who])

    @rule(n=DOCUMENT, who=PERSON, position=st.integers(1, 5))
    def send_back(self, n: int, who: int, position: int) -> None:
        if found := self.request(n):
            self.attempt(actions.send_back, found.pk, position, "look again", actor=self.people[who])

    @rule(who=PERSON, deputy=PERSON, days=st.integers(1, 9))
    def be_away(self, who: int, deputy: int, days: int) -> None:
        today = clock.date_of(self.now)
        draft = AbsenceDraft(self.people[deputy].user_id or 0, today, today + timedelta(days=days))
        self.attempt(actions.name_deputy, draft, actor=self.people[who])

    @rule(n=DOCUMENT, by_cancel=st.booleans())
    def take_back(self, n: int, by_cancel: bool) -> None:
        self.attempt(withdraw, self.subject(n), self.cast.dealer, by_cancel=by_cancel)

    @rule(hours=st.integers(1, 60))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.attempt(actions.remind, actor=SYSTEM)
        self.attempt(actions.time_out, actor=SYSTEM)

    @invariant()
    def what_must_hold_holds(self) -> None:
        for check in CHECKS:
            assert offending(check) == (0, []), check.name
        for found in Request.unscoped.all():
            waits = Node.unscoped.filter(request=found, state="current").exists()
            assert waits == (found.state == "pending")


def test_approvals_under_any_sequence(db):
    people = cast()
    clerk = actor_of(make_member("clerk2@example.com", people.lh, "hq_clerk"))
    finance = actor_of(make_member("finance2@example.com", people.lh, "hq_finance"))
    steps = (
        Step(unscoped_system_role("hq_clerk"), 1),
        Step(unscoped_system_role("hq_finance"), 2),
        Step(unscoped_system_role("hq_clerk"), 3),
        Step(unscoped_system_role("hq_admin"), 4),
    )
    flow = actions.save_draft(people.lh.pk, FlowDraft(KIND, "", (Branch("", When(), steps),)), actor=SYSTEM)
    actions.publish_flow(flow.pk, actor=SYSTEM)
    everybody = [people.hq_clerk, clerk, people.hq_finance, finance, people.hq_admin, people.dealer, people.stranger]
    run_state_machine_as_test(type("Approvals", (ApprovalLife,), {"cast": people, "people": everybody}), settings=RUN)
    assert not Request.unscoped.exists(), "every example is rolled back"
