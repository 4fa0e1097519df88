"""The toolkit: one transaction, one log line, one delivery, no lock out of order."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import ClassVar
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from django.db.models import Q

from qudao.base import models, outbox
from qudao.base.access import Actor, Scope, acting, expand, own, system_actor, visible
from qudao.base.action import MissingActor, action, emit, part, record
from qudao.base.audit import timeline
from qudao.base.db import UnscopedQuery, rows
from qudao.base.lock import LockOrderError, Rank, note_rank
from qudao.base.numbering import take
from qudao.base.sentences import say
from qudao.base.sheets import find_mark, log_export, mark_for
from qudao.base.subject import Subject
from qudao.base.work import NoWork, unit
from qudao.kernel.errors import Fault, Forbidden, Refused

pytestmark = pytest.mark.django_db

SUBJECT = Subject("base.thing", 7, 1, 2, "T-1")


def person(*verbs, scope=Scope.ORG, org=1):
    return Actor(user_id=5, membership_id=6, org_id=org, org_path=f"/{org}/", org_kind="hq", name="Li Lei", verbs=frozenset(verbs), scope=scope, language="en")


@dataclass(frozen=True)
class ThingDone:
    version: ClassVar[int] = 1
    thing_id: int
    amount: Decimal


ThingDone.__module__ = "qudao.base.events"


@action("base.export")
def do_thing(fail=False, *, actor):
    record(SUBJECT, before="a", after="b", reason="because")
    emit(ThingDone(7, Decimal("1.50")), SUBJECT)
    row = models.Delivery.unscoped.create(event_id=0, handler=str(uuid4()))
    if fail:
        raise Refused("base.busy")
    return row


def test_an_action_writes_its_log_line_and_its_fact_in_one_transaction():
    do_thing(actor=person("base.export"))
    (line,) = timeline(SUBJECT)
    assert (line.verb, line.before, line.after, line.actor_name, line.channel, line.reason) == ("base.export", "a", "b", "Li Lei", "page", "because")
    assert models.Event.unscoped.get(name="base.ThingDone").payload == {"thing_id": 7, "amount": "1.50"}


def test_a_refused_action_leaves_nothing():
    with pytest.raises(Refused):
        do_thing(True, actor=person("base.export"))
    assert not models.ActionLog.unscoped.exists() and not models.Event.unscoped.exists() and not models.Delivery.unscoped.exists()


def test_an_action_refuses_a_missing_actor_and_a_verb_not_granted():
    with pytest.raises(MissingActor):
        do_thing(actor=None)
    with pytest.raises(Forbidden):
        do_thing(actor=person())


def test_a_client_id_returns_the_first_result_again():
    key = uuid4()
    first = do_thing(actor=person("base.export"), client_id=key)
    assert do_thing(actor=person("base.export"), client_id=key) == first
    assert models.Delivery.unscoped.count() == 1
    assert do_thing(actor=person("base.export", org=9), client_id=key) != first  # another organisation's id is another id


def test_an_action_without_a_row_is_repeated_as_nothing():
    @action("base.export")
    def tell(*, actor):
        return "shown once"

    key = uuid4()
    assert tell(actor=person("base.export"), client_id=key) == "shown once"
    assert tell(actor=person("base.export"), client_id=key) is None


def test_a_part_runs_only_inside_an_action():
    @part
    def step(*, actor):
        return 1

    with pytest.raises(NoWork):
        step(actor=system_actor())
    assert unit(lambda: step(actor=system_actor())) == 1


def test_the_log_cannot_be_changed():
    do_thing(actor=person("base.export"))
    with pytest.raises(IntegrityError):
        models.ActionLog.unscoped.update(reason="other")


def test_an_export_leaves_a_line_with_the_number_of_rows():
    mark = mark_for(person("base.export"))
    log_export("Orders", 7, mark, actor=person("base.export"))
    line = models.ActionLog.unscoped.get(subject_kind="base.export")
    assert (line.verb, line.number, line.detail, line.actor_user) == ("base.export", mark.code, {"what": "Orders", "rows": 7}, 5)
    assert mark.code in mark.text and find_mark(f"orders {mark.code.lower()}.csv") == mark.code and find_mark("SO-2026-1") == ""
    with pytest.raises(Forbidden):
        log_export("Orders", 7, mark, actor=person())


def test_objects_refuse_to_answer_without_an_actor():
    with pytest.raises(UnscopedQuery):
        models.ActionLog.objects.all()


def test_the_log_shows_only_the_sides_their_lines():
    do_thing(actor=person("base.export"))
    assert visible(person("base.view_log", org=2), models.ActionLog).count() == 1
    assert visible(person("base.view_log", org=3), models.ActionLog).count() == 0
    assert visible(person("base.view_log", org=3, scope=Scope.ALL), models.ActionLog).count() == 1
    with pytest.raises(Forbidden):
        visible(person(), models.ActionLog)


def test_a_lower_rank_after_a_higher_one_raises():
    def body():
        note_rank(Rank.STOCK)
        note_rank(Rank.ORDER)

    with pytest.raises(LockOrderError):
        unit(body)


def test_numbers_count_per_series():
    assert [unit(lambda: take("order:1:2", "SO-{n:05d}")) for _ in range(2)] == ["SO-00001", "SO-00002"]
    assert unit(lambda: take("order:1:3", "SO-{n:05d}")) == "SO-00001"


def test_roles_expand_patterns_and_take_away():
    assert "base.export" in expand(("base.*",))
    assert "base.operate" not in expand(("base.*", "!base.operate"))


def test_a_sentence_fills_its_parameters_and_has_a_remedy():
    said = say(Fault("base.invalid", "qty", {"message": Decimal("12.5000")}))
    assert "12.5" in said.sentence and "12.5000" not in said.sentence and said.field == "qty"
    assert say(Fault("base.busy")).remedy
    assert say(Fault("no.such_code")).sentence == "no.such_code"


@pytest.fixture
def reaction():
    seen = []
    mode = {"fail": 0}

    def on_thing(events, *, actor):
        seen.append([(e.payload, actor.cause) for e in events])
        if mode["fail"]:
            mode["fail"] -= 1
            raise RuntimeError("not now")

    on_thing.__module__ = "qudao.base.reactions"
    outbox.reacts(ThingDone, batch=True)(on_thing)
    yield seen, mode
    outbox.REACTIONS.pop("base.ThingDone")


def test_a_fact_reaches_its_handler_once_with_its_types(reaction):
    seen, _ = reaction
    do_thing(actor=person("base.export"))
    do_thing(actor=person("base.export"))
    assert outbox.drain() == 2
    ((first, second),) = seen
    assert first[0] == ThingDone(7, Decimal("1.50")) and first[1] is not None and second[0] == first[0]
    models.Event.unscoped.update(dispatched_at=None)  # as if the dispatcher had died before its last statement
    assert outbox.drain() == 2 and len(seen) == 1
    assert not rows("SELECT 1 FROM base_event WHERE dispatched_at IS NULL")


def test_a_failing_event_is_retried_alone_and_parked_in_the_end(reaction, monkeypatch):
    _seen, mode = reaction
    mode["fail"] = 100
    monkeypatch.setattr(outbox, "MAX_ATTEMPTS", 2)
    do_thing(actor=person("base.export"))
    outbox.drain()
    assert models.Delivery.unscoped.get(event_id__gt=0).attempts == 1 and outbox.oldest_open_seconds() >= 0
    models.Event.unscoped.update(retry_at=None)
    outbox.drain()
    parked = models.Delivery.unscoped.get(event_id__gt=0)
    assert parked.parked and "not now" in parked.error
    mode["fail"] = 0
    outbox.replay_parked(parked.event_id, parked.handler)
    outbox.drain()
    assert models.Delivery.unscoped.get(event_id__gt=0).done_at is not None


def test_the_statement_count_of_an_action_is_stated(django_assert_num_queries):
    with django_assert_num_queries(4):  # SAVEPOINT, row, log with fact, RELEASE (BEGIN and COMMIT outside tests)
        do_thing(actor=person("base.export"))
    assert connection.in_atomic_block


def test_who_stands_for_an_outside_seller_acts_for_it_and_lists_only_what_is_its_own():
    somebody = replace(person(org=7), stands_for=frozenset({40, 41}))
    assert [somebody.acts_as(pk) for pk in (7, 40, 42)] == [True, True, False]
    assert system_actor().acts_as(42)
    assert own(somebody, "seller") == own(person(org=7), "seller") == acting(person(org=7), "seller"), "nobody else pays for it"
    assert str(acting(somebody, "seller")) == str(own(somebody, "seller") | Q(seller_id__in=[40, 41]))
