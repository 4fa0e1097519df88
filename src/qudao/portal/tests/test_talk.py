"""Conversations, internal notes and tasks: for the two sides of a document, notes for one of them, whatever way one looks."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from PIL import Image

from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.base.models import ActionLog, Event, StoredFile
from qudao.base.outbox import drain
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound, Refused
from qudao.messages import jobs, queries
from qudao.messages.actions import assign, finish_task, note, reopen_task, tell_due_tasks, write
from qudao.messages.models import Message, Note, Notice, Task, Thread
from qudao.messages.rules import TaskDraft
from qudao.orders.tests.make import make_downstream, make_world, place
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
SECRET = "margin-is-thin-do-not-tell"


@pytest.fixture
def world(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return make_world()


@pytest.fixture
def order(world):
    found = place(world, 1)
    drain()
    Notice.unscoped.all().delete()
    return found


def photo(name="box.jpg"):
    out = BytesIO()
    Image.new("RGB", (60, 40), "teal").save(out, "JPEG")
    return SimpleUploadedFile(name, out.getvalue())


def say(order, actor, text="When does it come?", act=write, **more):
    return act("orders.order", order.pk, text, actor=actor, **more)


def notices_of(actor):
    drain()
    return [(one.code, queries.sentence(one)) for one in Notice.unscoped.filter(user_id=actor.user_id).order_by("pk")]


def test_both_sides_read_what_either_writes_and_are_told_once(world, order):
    cast = world.cast
    said = say(order, world.dealer, f"@{cast.hq_clerk.name} when?", files=[photo()])
    answer = say(order, cast.hq_clerk, "Tomorrow")
    for actor in (world.dealer, cast.hq_clerk):
        assert list(queries.messages(actor, order.subject)) == [said, answer]
        assert queries.message_count(actor, order.subject) == 2
        assert [one.pk for one in queries.said_about(actor, order.subject)[0].shown_files] == [StoredFile.unscoped.get().pk]
    assert [code for code, _text in notices_of(cast.hq_clerk)] == ["messages.mentioned"]
    ((code, text),) = notices_of(world.dealer)
    assert code == "messages.written" and "Tomorrow" in text and cast.hq_clerk.name in text
    thread = Thread.unscoped.get()
    assert (thread.count, thread.seller_id, thread.buyer_id) == (2, order.seller_id, order.buyer_id)
    assert [x.verb for x in timeline(order.subject) if x.verb == "messages.write"] == ["messages.write"] * 2


def test_nobody_else_reads_or_writes(world, order):
    make_downstream(world)
    cast = world.cast
    said = say(order, world.dealer)
    for actor in (cast.stranger, cast.sub_dealer):
        assert list(queries.messages(actor, order.subject)) == []
        with pytest.raises(NotFound):
            queries.message(actor, said.pk)
        with pytest.raises(NotFound):
            say(order, actor)
        with pytest.raises(NotFound):
            say(order, actor, act=note)
    with pytest.raises(NotFound):
        write("orders.line", 1, "x", actor=world.dealer)
    with pytest.raises(NotFound):
        write("orders.order", 10**15, "x", actor=world.dealer)


def test_headquarters_does_not_read_what_two_dealers_say_to_each_other(world, client):
    from decimal import Decimal

    from qudao.orders.actions import place_order
    from qudao.orders.rules import NewLine, Placing

    make_downstream(world)
    cast = world.cast
    below = place_order(Placing(cast.d001.pk, cast.s001.pk, [NewLine(world.products[0].pk, Decimal(1))]), actor=cast.sub_dealer)
    said = say(below, cast.sub_dealer, "our price of 3079.13")
    page = sign_in(client, cast.hq_admin).get(reverse("order", args=[below.pk])).content.decode()
    assert "3079.13" not in page and 'id="talk"' not in page
    assert client.get(reverse("order_messages", args=[below.pk])).status_code == 404
    assert list(queries.messages(cast.hq_admin, below.subject)) == []
    with pytest.raises(NotFound):
        queries.message(cast.hq_admin, said.pk)


def test_an_internal_note_reaches_the_other_side_by_no_way(world, order, client, mailoutbox):
    cast = world.cast
    say(order, world.dealer, "Is it in stock?")
    say(order, cast.hq_clerk, "Yes")
    drain()
    before = ActionLog.unscoped.filter(buyer_id=order.buyer_id).count(), Event.unscoped.filter(buyer_id=order.buyer_id).count()
    told = Notice.unscoped.filter(user_id=world.dealer.user_id).count()
    noted = say(order, cast.hq_clerk, f"{SECRET} @{world.dealer.name} @{cast.hq_finance.name}", act=note, files=[photo("secret.jpg")])
    drain()
    file = StoredFile.unscoped.get(subject_kind="messages.note")
    # No row that names the buyer's side came into being, and nobody there was told, though named.
    assert before == (ActionLog.unscoped.filter(buyer_id=order.buyer_id).count(), Event.unscoped.filter(buyer_id=order.buyer_id).count())
    assert Notice.unscoped.filter(user_id=world.dealer.user_id).count() == told and mailoutbox == []
    assert (file.seller_id, file.buyer_id) == (order.seller_id, None) and Thread.unscoped.get().count == 2
    assert SECRET not in json.dumps([one.payload for one in Event.unscoped.all()])
    code, text = notices_of(cast.hq_finance)[-1]
    assert code == "messages.noted" and SECRET not in text
    # The other side, by page, region, timeline, file, address, API and search.
    sign_in(client, world.dealer)
    at = f"/orders/{order.pk}/"
    for address in (
        at,
        f"{at}messages",
        f"/api/v1{at}messages",
        f"/api/v1{at}timeline",
        f"/api/v1{at}files",
        f"/search/?q={SECRET[:9]}",
        "/notices/",
        "/tasks/",
    ):
        answer = client.get(address, headers={"HX-Request": "true", "HX-Target": "talk"} if address.endswith("/messages") else {})
        body = answer.content.decode()
        assert answer.status_code in (200, 302) and SECRET not in body and "secret.jpg" not in body, address
    assert client.get(reverse("note", args=[noted.pk])).status_code == 404
    assert client.get(reverse("note_file", args=[noted.pk, file.pk])).status_code == 404
    assert client.get(reverse("message_file", args=[Message.unscoped.first().pk, file.pk])).status_code == 404
    assert client.get(f"/api/v1{at}files/{file.pk}").status_code == 404
    assert list(queries.notes(world.dealer, order.subject)) == [] and not any(isinstance(x, Note) for x in queries.said_about(world.dealer, order.subject))
    # The own side does see it.
    page = sign_in(client, cast.hq_finance).get(at).content.decode()
    assert SECRET in page and "internal" in page
    answer = client.get(reverse("note_file", args=[noted.pk, file.pk]))
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/jpeg"
    b"".join(answer.streaming_content)


def test_what_was_written_is_neither_changed_nor_taken_back(world, order):
    said, noted = say(order, world.dealer), say(order, world.dealer, act=note)
    for row in (said, noted):
        for change in (lambda row=row: type(row).unscoped.filter(pk=row.pk).update(text="x"), lambda row=row: type(row).unscoped.filter(pk=row.pk).delete()):
            with pytest.raises(IntegrityError), transaction.atomic():
                change()


@pytest.mark.parametrize(
    ("table", "change", "constraint"),
    [
        (Thread, {"buyer_id": None}, "messages_thread_two_sides"),
        (Note, {"org_id": 0, "seller_id": 1, "buyer_id": 2}, "messages_note_org_is_a_side"),
        (Note, {"text": "", "files": 0}, "messages_note_says_something"),
        (Message, {"text": "", "files": 0}, "messages_message_says_something"),
        (Task, {"title": ""}, "messages_task_title_given"),
        (Task, {"seller_id": 1, "buyer_id": 2, "org_id": 3}, "messages_task_orgs_are_sides"),
        (Task, {"done_at": "2026-01-01T00:00Z"}, "messages_task_done_fits"),
    ],
)
def test_the_database_holds_the_line(world, order, table, change, constraint):
    say(order, world.dealer), say(order, world.dealer, act=note), give(order, world.dealer, world.dealer)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        table.unscoped.update(**change)


def test_a_document_has_one_conversation(world, order):
    say(order, world.dealer)
    with pytest.raises(IntegrityError, match="messages_thread_subject_unique"), transaction.atomic():
        Thread.unscoped.create(count=1, last_at=order.placed_at, **order.subject.columns())


def test_a_retry_says_it_once(world, order):
    client_id = uuid4()
    first, again = (say(order, world.dealer, client_id=client_id) for _ in range(2))
    assert first.pk == again.pk and Message.unscoped.count() == 1


def give(order, actor, to, title="Call the carrier", **more):
    return assign("orders.order", order.pk, TaskDraft(title, to.user_id, **more), actor=actor)


def test_a_task_for_the_other_side_is_seen_by_both_and_ticked_off(world, order):
    cast = world.cast
    said = say(order, world.dealer)
    task = give(order, cast.hq_clerk, world.dealer, message_id=said.pk)
    assert queries.open_tasks(world.dealer) == 1 and queries.open_tasks(cast.hq_clerk) == 0
    assert list(queries.tasks(world.dealer)) == list(queries.tasks(cast.hq_finance)) == [task] and list(queries.tasks(cast.stranger)) == []
    assert "messages.assigned" in [code for code, _text in notices_of(world.dealer)]
    with pytest.raises(NotFound):
        finish_task(task.pk, actor=cast.stranger)
    finish_task(task.pk, actor=world.dealer)
    with pytest.raises(Refused):
        finish_task(task.pk, actor=world.dealer)
    assert queries.open_tasks(world.dealer) == 0 and notices_of(cast.hq_clerk)[-1][0] == "messages.finished"
    reopen_task(task.pk, actor=world.dealer)
    with pytest.raises(Refused):
        reopen_task(task.pk, actor=world.dealer)
    assert queries.open_tasks(world.dealer) == 1 and [x.after for x in timeline(task.subject)] == ["open", "done", "open"]


def test_a_task_tells_on_its_day_and_once_when_it_is_over(world, order):
    cast, today = world.cast, clock.today()
    task = give(order, cast.hq_clerk, world.dealer)
    give(order, cast.hq_clerk, world.dealer)
    notices_of(world.dealer)
    Notice.unscoped.all().delete()

    def told(due_on):
        Task.unscoped.filter(pk=task.pk).update(due_on=due_on)
        jobs.tell_due_tasks(0)
        jobs.tell_due_tasks(0)
        found = [[code for code, _text in notices_of(who)] for who in (world.dealer, cast.hq_clerk)]
        Notice.unscoped.all().delete()
        return found

    assert told(today + timedelta(days=1)) == [[], []]
    assert told(today) == [["messages.task_due"], []]
    assert told(today - timedelta(days=1)) == [["messages.task_overdue"], ["messages.task_overdue"]]
    assert told(today - timedelta(days=2)) == [[], []]
    Task.unscoped.filter(pk=task.pk).update(told="")
    finish_task(task.pk, actor=world.dealer)
    Notice.unscoped.all().delete()
    assert told(today)[0] == [] and tell_due_tasks(actor=system_actor()) == 0


def test_a_task_for_a_colleague_stays_inside(world, order, client):
    cast = world.cast
    task = give(order, cast.hq_clerk, cast.hq_finance, SECRET)
    assert list(queries.tasks(world.dealer)) == [] and list(queries.tasks(cast.hq_finance)) == [task]
    assert (
        not ActionLog.unscoped.filter(reason=SECRET, buyer_id=order.buyer_id).exists()
        and not ActionLog.unscoped.filter(reason=SECRET, seller_id=order.buyer_id).exists()
    )
    assert SECRET not in sign_in(client, world.dealer).get(reverse("order", args=[order.pk])).content.decode()
    assert client.get(reverse("task", args=[task.pk])).status_code == 404
    assert client.post(reverse("task_completion", args=[task.pk])).status_code == 404


@pytest.mark.parametrize(
    ("title", "who", "code"), [("", "dealer", "messages.title_missing"), ("x" * 201, "dealer", "messages.too_long"), ("x", "stranger", "messages.nobody")]
)
def test_a_task_needs_words_and_somebody_who_sees_the_document(world, order, title, who, code):
    with pytest.raises(Invalid) as caught:
        give(order, world.cast.hq_clerk, getattr(world.cast, who), title)
    assert [fault.code for fault in caught.value.faults] == [code]


def test_a_task_does_not_point_at_what_was_said_elsewhere(world, order):
    other = say(place(world, 1), world.dealer)
    with pytest.raises(Invalid):
        give(order, world.dealer, world.dealer, message_id=other.pk)


# --- pages and API ---


def test_the_page_takes_words_and_photos_and_shows_them(world, order, client, django_assert_max_num_queries):
    at = reverse("order_messages", args=[order.pk])
    sign_in(client, world.dealer)
    assert (
        client.post(at, {"text": "Box is <b>wet</b>", "file": [photo(), SimpleUploadedFile("a.pdf", b"%PDF")]}).headers["Location"]
        == f"/orders/{order.pk}/#talk"
    )
    sign_in(client, world.cast.hq_clerk)
    with django_assert_max_num_queries(20):
        page = client.get(reverse("order", args=[order.pk])).content.decode()
    assert "Box is &lt;b&gt;wet&lt;/b&gt;" in page and "a.pdf" in page and "1 message" in page
    small = client.get(page.partition('class="q-shot" src="')[2].partition('"')[0])
    assert small.headers["Content-Type"] == "image/jpeg" and small.headers["Content-Disposition"].startswith("inline")
    b"".join(small.streaming_content)
    paper = client.get(reverse("message_file", args=[Message.unscoped.get().pk, StoredFile.unscoped.get(kind="pdf").pk]))
    assert paper.headers["Content-Disposition"].startswith("attachment")
    b"".join(paper.streaming_content)


def test_the_region_comes_back_alone_and_a_refusal_keeps_the_words(world, order, client):
    at, alone = reverse("order_messages", args=[order.pk]), {"HX-Request": "true", "HX-Target": "talk"}
    sign_in(client, world.dealer)
    answer = client.post(at, {"text": "Hello"}, headers=alone)
    assert answer.status_code == 200 and answer.content.decode().startswith("<section") and "Hello" in answer.content.decode()
    answer = client.post(at, {"text": "Kept", "internal": "1", "file": SimpleUploadedFile("x.exe", b"MZ")}, headers=alone)
    assert answer.status_code == 422 and "Kept" in answer.content.decode() and "checked" in answer.content.decode()
    assert client.post(at, {"text": " "}).status_code == 422 and "<html" in client.get(at).content.decode()
    assert Message.unscoped.count() == 1 and not Note.unscoped.exists()
    client.post(at, {"text": "Inside", "internal": "1"})
    assert Note.unscoped.get().text == "Inside"


def test_names_are_offered_of_both_sides_and_of_nobody_else(world, order, client):
    cast = world.cast
    found = sign_in(client, world.dealer).get(reverse("order_people", args=[order.pk]), {"q": cast.hq_clerk.name[:2]}).json()["results"]
    assert cast.hq_clerk.name in [one["name"] for one in found]
    every = {
        one["name"] for letter in "abcdefghijklmnopqrstuvwxyz" for one in client.get(reverse("order_people", args=[order.pk]), {"q": letter}).json()["results"]
    }
    assert cast.stranger.name not in every and world.dealer.name not in every
    assert sign_in(client, cast.stranger).get(reverse("order_people", args=[order.pk])).status_code == 404


def test_tasks_by_page(world, order, client):
    sign_in(client, world.cast.hq_clerk)
    at = reverse("order_tasks", args=[order.pk])
    said = say(order, world.dealer, "Please send the papers")
    form = client.get(at, {"message": said.pk}).content.decode()
    assert "Please send the papers" in form
    given = {"title": "Send papers", "assignee": world.cast.hq_clerk.user_id, "message": said.pk, "due_on": "2020-01-01"}
    assert client.post(at, given).headers["Location"] == f"/orders/{order.pk}/#talk"
    assert client.post(at, {**given, "title": ""}).status_code == 422
    task = Task.unscoped.get()
    page = client.get(reverse("tasks")).content.decode()
    assert "Send papers" in page and task.late
    assert client.get(reverse("task", args=[task.pk])).headers["Location"] == f"/orders/{order.pk}/#talk"
    assert client.post(reverse("task_completion", args=[task.pk]), {"from": "tasks"}).headers["Location"] == "/tasks/"
    assert client.post(reverse("task_completion", args=[task.pk])).status_code == 409
    assert "Send papers" in client.get(reverse("tasks"), {"tab": "done"}).content.decode()
    assert client.post(reverse("task_reopening", args=[task.pk])).headers["Location"] == f"/orders/{order.pk}/#talk"
    assert queries.open_tasks(world.cast.hq_clerk) == 1


def test_the_list_of_tasks_costs_the_same_for_one_and_for_many(world, order, client, django_assert_max_num_queries):
    for n in range(12):
        give(order, world.cast.hq_clerk, world.dealer, f"Task {n}")
    sign_in(client, world.dealer)
    with django_assert_max_num_queries(15):
        assert "Task 11" in client.get(reverse("tasks")).content.decode()


def test_by_api(world, order):
    dealer, clerk, stranger = Api(world.dealer), Api(world.cast.hq_clerk), Api(world.cast.stranger)
    at = f"/orders/{order.pk}/messages"
    status, said = dealer("post", at, {"text": "Hi @Nobody"})
    assert status == 201 and said["text"] == "Hi @Nobody" and said["internal"] is False
    assert clerk("post", at, {"text": SECRET, "internal": True})[0] == 201
    assert [one["internal"] for one in clerk("get", at)[1]] == [False, True]
    assert [one["text"] for one in dealer("get", at)[1]] == ["Hi @Nobody"]
    assert stranger("get", at)[0] == stranger("post", at, {"text": "x"})[0] == 404
    assert dealer("post", at, {"text": ""})[0] == 422
    status, task = clerk("post", f"/orders/{order.pk}/tasks", {"title": "Call", "assignee": world.dealer.user_id})
    assert status == 201 and dealer("get", "/tasks")[1]["items"][0]["title"] == "Call" and stranger("get", "/tasks")[1]["items"] == []
    assert dealer("post", f"/tasks/{task['id']}/completion")[1]["done_at"] and stranger("post", f"/tasks/{task['id']}/completion")[0] == 404
    assert dealer("post", f"/tasks/{task['id']}/reopening")[1]["done_at"] is None
