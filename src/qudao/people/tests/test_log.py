"""The log of actions as a page, the marks of exports, and the page of whoever runs the system."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from qudao.base import sheets, system
from qudao.base.db import rows, run
from qudao.base.html.pages.log import logs
from qudao.base.models import ActionLog, Delivery, Event
from qudao.base.tests.page_text import text
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, NotFound
from qudao.kernel.period import month_of
from qudao.network import actions as network
from qudao.network.rules import OrgFacts
from qudao.people.actions import make_token
from qudao.people.queries import unscoped_actor_of_token
from qudao.people.tests.make import actor_of, make_member, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def hq(client, cast):
    return sign_in(client, cast.hq_admin)


def test_who_audits_finds_a_line_by_number_person_verb_and_day(hq, cast):
    found = network.register_organisation("dealer", OrgFacts(code="D777", name="东湖"), cast.lh.pk, actor=cast.hq_admin)
    network.suspend_organisation(found.pk, "licence expired", actor=cast.hq_admin)
    today, before = f"{clock.today()}", f"{clock.today() - timedelta(days=1)}"
    for query in ("", "?number=d777", f"?who={cast.hq_admin.name}", "?verb=network.suspend", f"?since={today}", "?channel=page"):
        assert "licence expired" in text(hq.get(f"/log/{query}")), query
    for query in ("?number=D778", "?who=nobody", "?verb=network.close", f"?until={before}", "?channel=mail", "?since=nonsense&number=D778"):
        assert "licence expired" not in text(hq.get(f"/log/{query}")), query
    line = ActionLog.unscoped.get(verb="network.suspend")
    page = text(hq.get(reverse("log_line", args=[line.pk])))
    assert "licence expired" in page and "Active → Suspended" in page and found.get_absolute_url() in page


def test_the_log_of_nobody_is_not_read_and_that_of_a_person_is_found_by_an_index(hq, cast):
    network.suspend_organisation(cast.d001.pk, "licence expired", actor=cast.hq_admin)
    with CaptureQueriesContext(connection) as asked:
        assert "licence expired" not in text(hq.get("/log/?who=unknown"))
    assert not [one for one in asked.captured_queries if "FROM base_actionlog" in one["sql"].replace('"', "")]
    _account, raw = make_token("Stock robot", actor=cast.hq_admin)
    robot = unscoped_actor_of_token(raw)
    network.resume_organisation(cast.d001.pk, "paid in full", actor=robot)
    shown = text(hq.get("/log/?who=robot"))
    assert "paid in full" in shown and "licence expired" not in shown  # what the person did without it is not the program's


def test_a_changed_field_is_told_to_the_own_side_only(client, cast):
    network.change_organisation(cast.d001.pk, OrgFacts(code="D001", name="新名", phone="0571-1"), actor=cast.hq_admin)
    line = ActionLog.unscoped.filter(verb="network.change", subject_id=cast.d001.pk).latest("pk")
    address = reverse("log_line", args=[line.pk])
    assert "0571-1" in text(sign_in(client, cast.hq_admin).get(address))
    page = text(sign_in(client, cast.dealer_admin).get(address))
    assert "0571-1" not in page and "Change" in page


def test_the_auditor_reads_everything_and_changes_no_document(client, cast):
    auditor = actor_of(make_member("audit@lanhe.example", cast.lh, "hq_auditor"))
    own = ("people.me", "people.token", "people.sign_in", "messages.", "base.")
    assert all(verb.endswith(".view") or verb.startswith(own) for verb in auditor.verbs)
    page = sign_in(client, auditor)
    for address in ("/log/", "/orders/", "/invoices/", "/accounts/", "/stock/", "/people/", "/agreements/"):
        assert page.get(address).status_code == 200, address
    assert page.get("/orders/new/").status_code == page.get("/system/").status_code == 403


def test_a_dealer_sees_its_own_lines_and_what_its_people_did_without_a_document(client, cast):
    buyer = sign_in(client, cast.dealer_admin)
    assert buyer.get("/organisations/?export=csv").status_code == 200
    seen = set(logs(cast.dealer_admin).values_list("verb", flat=True))
    assert "base.export" in seen
    assert not logs(cast.dealer_admin).exclude(actor_org=cast.d001.pk).exclude(seller_id=cast.d001.pk).exclude(buyer_id=cast.d001.pk).exists()
    assert sign_in(client, cast.hq_clerk).get("/log/").status_code == 403


@pytest.mark.parametrize("ending", ["xlsx", "csv"])
def test_an_export_carries_the_mark_by_which_the_log_names_who_took_it(hq, ending):
    answer = hq.get(f"/organisations/?export={ending}")
    code = sheets.find_mark(answer["Content-Disposition"])
    if ending == "xlsx":
        parts = zipfile.ZipFile(io.BytesIO(answer.content))
        inside = {name for name in parts.namelist() if code in parts.read(name).decode("utf-8", "ignore")}
        assert {"xl/worksheets/sheet1.xml", "xl/comments1.xml"} <= inside  # the foot of each page, the note on the first head
        assert code not in str(list(sheets.read("a.xlsx", answer.content)))
    else:
        assert code.encode() not in answer.content
    page = text(hq.get(f"/log/?number=orders {code.lower()}.{ending}"))
    assert code in page and len(re.findall("data-row=", page)) == 1


def test_each_export_has_a_mark_of_its_own(cast):
    assert len({sheets.mark_for(cast.hq_admin).code for _n in range(50)}) == 50


def parked():
    now = clock.now()
    known = {"name": "ReceiptConfirmed", "version": 1, "payload": {}, "subject_kind": "orders.order", "subject_id": 7, "number": "SO-7"}
    event = Event.unscoped.create(at=now, month=month_of(clock.today()), dispatched_at=now, **known)
    return Delivery.unscoped.create(event_id=event.pk, handler="billing.issue_on_receipt", attempts=9, parked=True, error="Traceback\nValueError: no rate")


def test_what_was_given_up_is_seen_with_its_error_and_delivered_again(hq, cast):
    delivery = parked()
    page = text(hq.get("/system/"))
    assert "billing.issue_on_receipt" in page and "ValueError: no rate" in page and "SO-7" in page and "1 stopped" in page
    system.deliver_again(delivery.pk, actor=cast.hq_admin)
    system.deliver_again(delivery.pk, actor=cast.hq_admin)  # again: nothing more
    delivery.refresh_from_db()
    assert not delivery.parked and Event.unscoped.get(pk=delivery.event_id).dispatched_at is None
    assert ActionLog.unscoped.filter(subject_kind="base.event").count() == 1
    assert "billing.issue_on_receipt" not in text(hq.get("/system/"))


def test_a_failed_job_is_seen_and_runs_once_more(hq, cast):
    ((job_id,),) = rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, attempts)"
        " VALUES ('default', 'messages.send_mail', '{\"event_id\": 3}', 'failed', 5) RETURNING id"
    )
    assert "messages.send_mail" in text(hq.get("/system/"))
    assert hq.get(reverse("system_job_retry", args=[job_id])).status_code == 405
    assert hq.post(reverse("system_job_retry", args=[job_id])).status_code == 302
    assert ProcrastinateJob.objects.get(pk=job_id).status == "todo"
    system.try_job_again(job_id, actor=cast.hq_admin)
    assert ActionLog.unscoped.filter(subject_kind="base.job").count() == 1
    with pytest.raises(NotFound):
        system.try_job_again(job_id + 1, actor=cast.hq_admin)
    run("DELETE FROM procrastinate_jobs WHERE id = %s", (job_id,))


def test_only_who_runs_the_system_gets_there(client, cast):
    delivery = parked()
    with pytest.raises(Forbidden):
        system.deliver_again(delivery.pk, actor=cast.hq_clerk)
    assert sign_in(client, cast.dealer_admin).get("/system/").status_code == 403
