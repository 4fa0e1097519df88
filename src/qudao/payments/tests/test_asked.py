"""Money out and write-offs that wait for signatures: the engine of proposals on a real document, by action, page and API."""

import json
from datetime import timedelta
from decimal import Decimal as D

import pytest
from django.urls import reverse

from qudao.approvals.actions import (
    add_rule,
    add_signer,
    decide_late,
    decide_proposal,
    delegate,
    publish_flow,
    retire_flow,
    save_draft,
    time_out,
    withdraw_proposal,
)
from qudao.approvals.models import Link, Proposal, Request
from qudao.approvals.queries import pending_for, waiting_number
from qudao.approvals.rules import Branch, FlowDraft, RuleDraft, Step, When
from qudao.approvals.tests.make import in_action
from qudao.base.access import system_actor
from qudao.base.models import ActionLog, Event
from qudao.base.work import unit
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused, Waits
from qudao.orders.tests.make import assert_sound
from qudao.payments import actions
from qudao.payments.models import Application, Payment
from qudao.payments.tests.test_actions import billed, pay
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db
SYSTEM = system_actor()
OUT = "payments.out"


def flow(world, *steps, kind=OUT, when=None):
    """Documents of a kind need these signatures in the brand's house."""
    draft = FlowDraft(kind, "", (Branch("", when or When(), steps or (Step(unscoped_system_role("hq_admin")),)),))
    return publish_flow(save_draft(world.cast.lh.pk, draft, actor=SYSTEM).pk, actor=SYSTEM)


def asked(world, payment, amount="10", actor=None, **more):
    with pytest.raises(Waits) as waits:
        actions.refund_payment(payment.pk, D(amount), "back", actor=actor or world.cast.hq_finance, **more)
    assert waits.value.faults[0].code == "approvals.asked" and waits.value.status == 202
    return Proposal.unscoped.get(pk=waits.value.faults[0].params["proposal"])


def refunds():
    return list(Application.unscoped.filter(how="refund").values_list("amount", flat=True))


def code(caught):
    return caught.value.faults[0].code


def test_without_a_flow_money_goes_out_at_once(world):
    assert actions.refund_payment(pay(world, "100").pk, D(10), actor=world.cast.hq_finance).refunded == 10
    assert not Proposal.unscoped.exists()


def test_it_waits_and_the_last_signature_sends_it_as_who_asked(world):
    flow(world)
    payment = pay(world, "100")
    logged = ActionLog.unscoped.filter(verb="payments.refund").count()
    made = asked(world, payment)
    assert (made.amount, made.currency, made.type, made.state, made.number, refunds()) == (10, "CNY", "refund", "waiting", payment.number, [])
    assert ActionLog.unscoped.filter(verb="payments.refund", subject_kind="payments.payment").count() == logged, "what was tried left no trace"
    assert waiting_number(world.cast.hq_admin) == 1 and waiting_number(world.cast.hq_finance) == 0
    with pytest.raises(Refused) as own:
        decide_proposal(made.pk, "approve", actor=world.cast.hq_finance)
    assert code(own) == "approvals.own_document"
    done = decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    kept = Application.unscoped.get(how="refund")
    assert (done.state, kept.amount, kept.note, kept.by) == ("done", 10, "back", world.cast.hq_finance.user_id)
    for again in ("approve", "reject"):
        with pytest.raises(Refused) as over:
            decide_proposal(made.pk, again, "no", actor=world.cast.hq_admin)
        assert code(over) == "approvals.proposal_over"
    assert refunds() == [10]
    assert_sound()


def test_what_would_be_refused_is_refused_at_once(world):
    flow(world)
    payment = pay(world, "100")
    for wrong in ("101", "0"):
        with pytest.raises((Invalid, Refused)):
            actions.refund_payment(payment.pk, D(wrong), actor=world.cast.hq_finance)
    with pytest.raises(Forbidden):
        actions.refund_payment(payment.pk, D(1), actor=world.cast.hq_clerk)
    assert not Proposal.unscoped.exists() and not Request.unscoped.exists()


def test_what_is_refused_at_the_last_signature_is_told_to_the_signer_and_nothing_is_signed(world):
    flow(world)
    payment = pay(world, "100")
    first, second = asked(world, payment, "60"), asked(world, payment, "70")
    decide_proposal(first.pk, "approve", actor=world.cast.hq_admin)
    with pytest.raises((Invalid, Refused)):
        decide_proposal(second.pk, "approve", actor=world.cast.hq_admin)
    second.refresh_from_db()
    assert second.state == "waiting" and waiting_number(world.cast.hq_admin) == 1 and refunds() == [60]
    with pytest.raises(Invalid):
        decide_proposal(second.pk, "reject", " ", actor=world.cast.hq_admin)
    assert decide_proposal(second.pk, "reject", "too much", actor=world.cast.hq_admin).state == "rejected"
    notice = Event.unscoped.filter(name="base.NoticeAsked", payload__code="approvals.refused").get()
    assert notice.payload["user_ids"] == [world.cast.hq_finance.user_id] and notice.payload["params"]["reason"] == "too much"
    assert_sound()


def test_it_is_taken_back_by_who_asked_until_somebody_signed(world):
    admin = Step(unscoped_system_role("hq_admin"))
    flow(world, Step(unscoped_system_role("hq_clerk")), Step(admin.role_id, 2))
    payment = pay(world, "100")
    made = asked(world, payment)
    with pytest.raises(Refused) as other:
        withdraw_proposal(made.pk, actor=world.cast.hq_admin)
    assert code(other) == "approvals.not_yours"
    assert withdraw_proposal(made.pk, actor=world.cast.hq_finance).state == "withdrawn"
    made = asked(world, payment)
    assert decide_proposal(made.pk, "approve", actor=world.cast.hq_clerk).state == "waiting" and refunds() == []
    with pytest.raises(Refused) as late:
        withdraw_proposal(made.pk, actor=world.cast.hq_finance)
    assert code(late) == "approvals.decided"
    assert decide_proposal(made.pk, "approve", actor=world.cast.hq_admin).state == "done" and refunds() == [10]


def test_small_amounts_and_other_types_need_nothing(world):
    flow(world, when=When(D(50), types=("refund",)))
    payment = pay(world, "100")
    actions.refund_payment(payment.pk, D("49.99"), actor=world.cast.hq_finance)
    asked(world, payment, "50")
    assert refunds() == [D("49.99")]


def test_the_same_is_kept_once_and_together_with_others_it_is_refused(world):
    flow(world)
    payment = pay(world, "100")
    ident = "7e57c0de-0000-4000-8000-000000000001"
    first = asked(world, payment, client_id=ident)
    assert asked(world, payment, client_id=ident) == first and Proposal.unscoped.count() == 1
    with pytest.raises(Refused) as twice:
        actions.refund_payment(payment.pk, D(10), "back", actor=world.cast.hq_finance)
    assert code(twice) == "approvals.proposal_same_unique"
    with pytest.raises(Refused) as many:
        unit(lambda: actions.refund_payment(payment.pk, D(11), actor=world.cast.hq_finance))
    assert code(many) == "approvals.asked_singly" and Proposal.unscoped.count() == 1


def test_who_left_meanwhile_has_nothing_done(world):
    from qudao.people.models import Membership

    flow(world)
    made = asked(world, pay(world, "100"))
    Membership.unscoped.filter(pk=world.cast.hq_finance.membership_id).update(state="ended")
    with pytest.raises(Refused) as gone:
        decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    assert code(gone) == "approvals.asker_gone" and refunds() == []
    assert decide_proposal(made.pk, "reject", "left", actor=world.cast.hq_admin).state == "rejected"


def test_a_flow_that_is_taken_out_of_use_lets_what_waits_go_on(world):
    version = flow(world)
    payment = pay(world, "100")
    made = asked(world, payment)
    retire_flow(version.flow_id, actor=SYSTEM)
    actions.refund_payment(payment.pk, D(5), actor=world.cast.hq_finance)
    decide_proposal(made.pk, "approve", actor=world.cast.hq_admin)
    assert sorted(refunds()) == [5, 10]


@pytest.mark.parametrize(("then", "below", "state"), [("pass", "50", "done"), ("pass", "5", "waiting"), ("reject", None, "rejected")])
def test_the_time_runs_out(world, then, below, state):
    flow(world, Step(unscoped_system_role("hq_admin"), late_hours=24, late_then=then, late_below=D(below) if below else None))
    made = asked(world, pay(world, "100"))
    with clock.freeze(clock.now() + timedelta(hours=25)):
        time_out(actor=SYSTEM)
        decide_late(actor=SYSTEM)
        assert decide_late(actor=SYSTEM) == 0
    made.refresh_from_db()
    assert made.state == state and refunds() == ([10] if state == "done" else [])


def test_it_is_handed_on_and_more_sign(world):
    flow(world, Step(unscoped_system_role("hq_clerk")))
    made = asked(world, pay(world, "100"))
    request = Request.unscoped.get()
    delegate(request.pk, world.cast.hq_admin.user_id, actor=world.cast.hq_clerk)
    assert not pending_for(world.cast.hq_clerk).exists()
    add_signer(request.pk, world.cast.hq_clerk.user_id, True, actor=world.cast.hq_admin)
    assert decide_proposal(made.pk, "approve", actor=world.cast.hq_clerk).state == "waiting"
    assert decide_proposal(made.pk, "approve", actor=world.cast.hq_admin).state == "done"


def test_small_differences_wait_too(world):
    add_rule(world.cast.lh.pk, RuleDraft("payments.write_off", unscoped_system_role("hq_admin"), D("0.50")), actor=SYSTEM)
    invoice = billed(world, 3)
    pay(world, "299.40")
    with pytest.raises(Waits):
        actions.close_short(invoice.pk, "fee", actor=world.cast.hq_finance)
    decide_proposal(Proposal.unscoped.get().pk, "approve", actor=world.cast.hq_admin)
    invoice.refresh_from_db()
    assert invoice.state == "paid"
    payment = pay(world, "0.40")
    assert actions.close_over(payment.pk, actor=world.cast.hq_finance).left == 0, "below the amount nobody signs"
    assert_sound()


def test_only_the_own_house_sees_what_waits(world):
    flow(world)
    made = asked(world, pay(world, "100"))
    for stranger in (world.cast.dealer, world.cast.stranger):
        with pytest.raises((Forbidden, NotFound)):
            decide_proposal(made.pk, "approve", actor=stranger)
        with pytest.raises((Forbidden, NotFound)):
            withdraw_proposal(made.pk, actor=stranger)


def test_pages_ask_show_and_sign(world, client):
    flow(world, Step(unscoped_system_role("hq_clerk")), Step(unscoped_system_role("hq_admin"), 2))
    payment = pay(world, "100")
    sign_in(client, world.cast.hq_finance)
    answer = client.post(reverse("payment_refund", args=[payment.pk]), {"amount": "10", "note": "back"})
    made = Proposal.unscoped.get()
    address = reverse("approval_proposal", args=[made.pk])
    assert answer.status_code == 302 and answer.url == address and refunds() == []
    assert b"10.00" in client.get(address).content and payment.number in client.get(reverse("approval_proposals")).content.decode()
    assert address in client.get(payment.get_absolute_url()).content.decode()
    for actor, decision in (
        (world.cast.hq_clerk, "approval"),
        (world.cast.hq_admin, "back"),
        (world.cast.hq_clerk, "approval"),
        (world.cast.hq_admin, "approval"),
    ):
        sign_in(client, actor)
        assert address in client.get(reverse("approvals")).content.decode()
        page = reverse(f"approval_proposal_{decision}", args=[made.pk])
        assert client.get(page).status_code == 200
        assert client.post(page, {"reason": "look again", "position": "1"}).status_code == 302
        assert client.get(address).status_code == 200
    assert refunds() == [10]


def test_pages_of_colleagues_and_taking_back(world, client):
    flow(world, Step(unscoped_system_role("hq_clerk")))
    made = asked(world, pay(world, "100"))
    sign_in(client, world.cast.hq_clerk)
    other = {"user_id": str(world.cast.hq_admin.user_id), "reason": "", "when": "after"}
    for name in ("signers", "delegation"):
        page = reverse(f"approval_proposal_{name}", args=[made.pk])
        assert client.get(page).status_code == 200
        if name == "signers":
            assert client.post(page, other).status_code == 302
    assert client.post(reverse("approval_proposal_rejection", args=[made.pk]), {"reason": "no"}).status_code == 302
    again = asked(world, Payment.unscoped.get(), "7")
    sign_in(client, world.cast.hq_finance)
    page = reverse("approval_proposal_withdrawal", args=[again.pk])
    assert client.get(page).status_code == 200 and client.post(page).status_code == 302
    again.refresh_from_db()
    assert again.state == "withdrawn"


def test_the_api_answers_202_and_signs(world, client):
    flow(world)
    payment = pay(world, "100")
    head = bearer(world.cast.hq_finance)
    for _n in range(2):
        answer = client.post(
            f"/api/v1/payments/{payment.pk}/refund", {"amount": "10"}, content_type="application/json", headers={**head, "Idempotency-Key": "refund-10-once"}
        )
        assert answer.status_code == 202 and answer.json()["code"] == "approvals.asked"
    made = Proposal.unscoped.get()
    assert answer.json()["faults"][0]["params"]["proposal"] == made.pk
    told = client.get(f"/api/v1/approval-requests/{made.pk}", headers=head).json()
    assert (told["kind"], told["amount"], told["steps"][0]["role"]) == (OUT, "10.00", "hq_admin")
    assert [one["id"] for one in client.get("/api/v1/approval-requests?state=waiting", headers=head).json()["items"]] == [made.pk]
    sign = {"reason": "", "seen": told["request_id"]}
    admin = bearer(world.cast.hq_admin)
    answer = client.post(f"/api/v1/approval-requests/{made.pk}/approval", sign, content_type="application/json", headers=admin)
    assert answer.status_code == 200 and answer.json()["state"] == "done" and refunds() == [10]
    other = asked(world, payment, "5")
    answer = client.post(f"/api/v1/approval-requests/{other.pk}/rejection", {"reason": "no"}, content_type="application/json", headers=admin)
    assert answer.json()["state"] == "rejected"
    third = asked(world, payment, "6")
    assert client.post(f"/api/v1/approval-requests/{third.pk}/withdrawal", headers=head).json()["state"] == "withdrawn"


def test_a_mail_decides(world, client):
    from qudao.approvals.actions import letter_for

    flow(world)
    made = asked(world, pay(world, "100"))
    letter = in_action(SYSTEM, lambda: letter_for(made.asking, world.cast.hq_admin.user_id, actor=SYSTEM))
    page = client.get(f"/a/{letter.token}/")
    assert page.status_code == 200 and "10.00" in page.content.decode() and refunds() == []
    assert client.post(f"/a/{letter.token}/", {"decision": "approve"}).status_code == 200
    assert refunds() == [10] and not Link.unscoped.filter(ended_at=None).exists()
    assert json.loads(json.dumps(made.arguments)) == {"payment_id": Payment.unscoped.get().pk, "amount": "10", "note": "back"}
