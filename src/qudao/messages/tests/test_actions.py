"""From an asked notice to the bell and the mail, each exactly once."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from qudao.base import models as base
from qudao.base import outbox
from qudao.base.access import system_actor
from qudao.base.notify import NoticeAsked, notify
from qudao.base.outbox import drain
from qudao.base.subject import Subject
from qudao.base.work import current, unit
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Refused
from qudao.messages import actions, jobs, queries
from qudao.messages.models import Notice, Preference
from qudao.messages.states import TOPIC_LABELS

SYSTEM = system_actor()
SUBJECT = Subject("orders.order", 42, 1, 2, "SO-42")


def ask(code="approvals.waiting", **facts):
    """Ask for a notice as an action would, and let the dispatcher deliver it."""
    facts.setdefault("amount", "10.00")

    def body():
        current().doing.append(("orders.test", SYSTEM))
        notify(code, SUBJECT, **facts)

    unit(body)
    drain()


def told():
    return sorted(Notice.unscoped.values_list("user_id", flat=True))


def test_people_named_and_people_with_the_verb_are_told_once(cast):
    ask(org_id=cast.lh.pk, verb="people.view", user_ids=[cast.hq_clerk.user_id, cast.dealer.user_id], except_user=cast.hq_finance.user_id)
    assert told() == sorted([cast.hq_admin.user_id, cast.hq_clerk.user_id, cast.dealer.user_id])
    notice = Notice.unscoped.get(user_id=cast.dealer.user_id)
    assert (notice.code, notice.params, notice.subject) == ("approvals.waiting", {"amount": "10.00"}, SUBJECT)


def test_an_event_delivered_twice_tells_nobody_twice(cast):
    ask(user_ids=[cast.dealer.user_id])
    event = base.Event.unscoped.get(name="base.NoticeAsked")
    facts = outbox._revive(NoticeAsked, event.payload)
    again = outbox.Event(event.id, event.name, SUBJECT, facts, event.at)
    unit(lambda: actions.deliver([again, again], actor=SYSTEM))
    assert told() == [cast.dealer.user_id]


def test_a_batch_costs_a_fixed_number_of_statements(cast, django_assert_num_queries):
    facts = NoticeAsked("approvals.waiting", cast.lh.pk, "people.view", [], {}, None)
    events = [outbox.Event(n, "base.NoticeAsked", SUBJECT, facts, clock.now()) for n in range(1, 50)]
    with django_assert_num_queries(6):  # begin, who holds the verb, who sees own work only, notices, who wants mail, commit
        unit(lambda: actions.deliver(events, actor=SYSTEM))
    assert Notice.unscoped.count() == 49 * 3
    with django_assert_num_queries(2):
        unit(lambda: actions.deliver([], actor=SYSTEM))


def test_notices_are_read_by_their_person_only(cast):
    ask(user_ids=[cast.dealer.user_id, cast.hq_clerk.user_id])
    ask(user_ids=[cast.dealer.user_id])
    mine = list(queries.notices(cast.dealer))
    actions.mark_read([mine[0].pk], actor=cast.hq_clerk)
    assert queries.unread_count(cast.dealer) == 2
    actions.mark_read([mine[0].pk], actor=cast.dealer)
    assert (queries.unread_count(cast.dealer), queries.unread_count(cast.hq_clerk)) == (1, 1)
    actions.mark_read(actor=cast.dealer)
    assert (queries.unread_count(cast.dealer), queries.unread_count(cast.hq_clerk)) == (0, 1)
    first = Notice.unscoped.get(pk=mine[0].pk).read_at
    actions.mark_read(actor=cast.dealer)
    assert Notice.unscoped.get(pk=mine[0].pk).read_at == first
    with pytest.raises(Refused) as error:
        actions.mark_read(actor=SYSTEM)
    assert error.value.faults[0].code == "messages.no_person"


def queued(name=actions.MAIL_JOB):
    return list(ProcrastinateJob.objects.filter(task_name=name).values_list("args", flat=True))


def test_mail_goes_only_to_who_asked_for_it_in_their_language(cast):
    ask(user_ids=[cast.dealer.user_id])
    assert queued() == []
    actions.choose_email(True, actor=cast.dealer)
    ask(user_ids=[cast.dealer.user_id, cast.stranger.user_id])
    ((job),) = queued()
    jobs.send_mail(**job)
    jobs.send_mail(**job)  # tried twice, sent once
    (sent,) = mail.outbox
    assert sent.to == ["dealer@example.com"]
    assert sent.subject == "SO-42 over 10.00 waits for your approval."
    assert f"/notices/{Notice.unscoped.filter(user_id=cast.dealer.user_id).last().pk}/" in sent.body
    actions.choose_email(False, actor=cast.dealer)
    ask(user_ids=[cast.dealer.user_id])
    assert len(queued()) == 1
    assert not queries.wants_email(cast.dealer)


def test_a_mail_that_fails_is_sent_at_the_next_try(cast, monkeypatch):
    actions.choose_email(True, actor=cast.dealer)
    ask(user_ids=[cast.dealer.user_id])
    (job,) = queued()
    with monkeypatch.context() as broken:
        broken.setattr(actions.notices, "send_mail", lambda *args: (_ for _ in ()).throw(OSError("no mail server")))
        with pytest.raises(OSError, match="no mail server"):
            jobs.send_mail(**job)
    assert Notice.unscoped.get().emailed_at is None
    jobs.send_mail(**job)
    assert len(mail.outbox) == 1 and Notice.unscoped.get().emailed_at is not None


def test_who_has_changed_his_mind_gets_no_mail(cast):
    actions.choose_email(True, actor=cast.dealer)
    ask(user_ids=[cast.dealer.user_id])
    actions.choose_email(False, actor=cast.dealer)
    jobs.send_mail(**queued()[0])
    assert mail.outbox == []


def test_only_a_person_chooses(cast):
    with pytest.raises(Refused):
        actions.choose_email(True, actor=SYSTEM)
    mute = type(cast.dealer)(**{**vars(cast.dealer), "verbs": frozenset()})
    with pytest.raises(Forbidden):
        actions.choose_email(True, actor=mute)
    with pytest.raises(Forbidden):
        actions.mail_notice(1, 1, actor=mute)
    assert queries.unread_count(mute) == 0


BROKEN = {
    "messages_notice_event_user_unique": {},
    "messages_notice_read_after_created": {"event_id": 8, "read_at": -1},
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(cast, name):
    now = clock.now()
    values = {"user_id": cast.dealer.user_id, "event_id": 7, "code": "x", "created_at": now, **SUBJECT.columns()}
    Notice.unscoped.create(**values)
    change = {**BROKEN[name]}
    if "read_at" in change:
        change["read_at"] = now - timedelta(seconds=1)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Notice.unscoped.create(**{**values, **change})


def test_every_constraint_is_broken_above():
    assert {c.name for model in (Notice, Preference) for c in model._meta.constraints} == set(BROKEN)


def test_a_topic_switched_off_does_not_call_but_may_still_be_mailed(cast):
    topics = set(TOPIC_LABELS)
    actions.choose_topics(topics - {"messages"}, {"messages"}, actor=cast.dealer)
    assert queries.preferences(cast.dealer)["messages"] == (False, True) and queries.preferences(cast.dealer)["orders"] == (True, False)
    ask("messages.written", user_ids=[cast.dealer.user_id])
    assert queries.unread_count(cast.dealer) == 0 and len(queued()) == 1
    jobs.send_mail(**queued()[0])
    assert len(mail.outbox) == 1
    actions.choose_topics(topics - {"messages"}, set(), actor=cast.dealer)
    ask("messages.written", user_ids=[cast.dealer.user_id])
    ask("orders.rejected", user_ids=[cast.dealer.user_id])
    assert queries.unread_count(cast.dealer) == 1 and len(queued()) == 1 and Notice.unscoped.count() == 2
    with pytest.raises(Refused):
        actions.choose_topics(topics, set(), actor=SYSTEM)


def test_mails_are_collected_into_one_a_day_but_signatures_are_asked_for_at_once(cast):
    topics = set(TOPIC_LABELS)
    actions.choose_topics(topics - {"billing"}, topics - {"payments"}, True, actor=cast.dealer)
    for code in ("orders.rejected", "messages.written", "billing.invoice_issued", "payments.payment_received"):
        ask(code, user_ids=[cast.dealer.user_id])
    assert queued() == [], "a mail of its own for what can wait"
    ask("approvals.waiting", user_ids=[cast.dealer.user_id])
    assert len(queued()) == 1
    actions.mark_read([Notice.unscoped.get(code="messages.written").pk], actor=cast.dealer)
    jobs.send_digests(0)
    assert queued("messages.send_digest") == [{"user_id": cast.dealer.user_id}]
    jobs.send_digest(cast.dealer.user_id)
    jobs.send_digest(cast.dealer.user_id)  # tried twice, sent once
    (sent,) = mail.outbox
    assert sent.to == ["dealer@example.com"] and "2" in sent.subject
    told = [f"/notices/{n.pk}/" in sent.body for n in Notice.unscoped.filter(code__in=("orders.rejected", "billing.invoice_issued"))]
    assert told == [True, True], "what does not call in the product is still mailed"
    assert f"/notices/{Notice.unscoped.get(code='messages.written').pk}/" not in sent.body, "what was read needs no mail"
    assert actions.mail_digest(cast.dealer.user_id, actor=SYSTEM) == 0


def test_a_marking_is_taken_back_and_no_other(cast):
    ask(user_ids=[cast.dealer.user_id])
    actions.mark_read(actor=cast.dealer)
    ask(user_ids=[cast.dealer.user_id])
    at = actions.mark_read(actor=cast.dealer)
    assert actions.unmark_read(at, actor=cast.stranger) == 0 and queries.unread_count(cast.dealer) == 0
    assert actions.unmark_read(at, actor=cast.dealer) == 1 and queries.unread_count(cast.dealer) == 1
