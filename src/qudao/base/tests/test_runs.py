"""Work on many rows: exact after a crash, each refusal with its row, the person's own only; saved views; cells edited in place."""

import io
from datetime import timedelta

import pytest
from django import forms
from django.conf import settings as conf
from django.db import transaction
from django.db.models import Q
from django.http import QueryDict
from django.utils import translation
from python_calamine import CalamineWorkbook

from qudao.base import jobs, runs, sheets
from qudao.base import pages as kit
from qudao.base.access import Scope, system_actor, visible
from qudao.base.action import action
from qudao.base.html import bulk as bulks
from qudao.base.html.bulk import Bulk, Skip, Weighed
from qudao.base.html.columns import Column, Edit
from qudao.base.html.edits import text
from qudao.base.html.forms import Form
from qudao.base.html.pages import ListPage
from qudao.base.html.sums import bounded_sums
from qudao.base.html.tables import Tab, Table
from qudao.base.models import ActionLog, Delivery, Run
from qudao.base.tests.test_html import ask, person
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Refused

pytestmark = [pytest.mark.django_db, pytest.mark.urls("qudao.base.tests.test_html")]
VERBS = ("base.operate", "base.runs", "base.views", "base.export")
ANN = person(*VERBS)
BROKEN = "breaks"


class NoteForm(Form):
    note = forms.CharField(label="Note", max_length=20)


@action("base.operate")
def finish(pk, *, note="", actor):
    """Finish a delivery; those called "refused" are refused, one is broken."""
    row = Delivery.unscoped.select_for_update().get(pk=pk)
    if row.handler.startswith("refused"):
        raise Refused("base.changed")
    if row.handler == BROKEN:
        raise RuntimeError("a fault of ours")
    if row.done_at:
        raise Refused("base.busy")
    row.done_at, row.error = clock.now(), note
    row.save()
    return row


def change(row, value, actor):
    if value == "no":
        raise Refused("base.changed")
    rename(row, value, actor=actor)


@action("base.operate")
def rename(row, value, *, actor):
    Delivery.unscoped.filter(pk=row.pk).update(error=value)


class DeliveryTable(Table):
    columns = (
        Column("handler", "Handler", "link", sort="handler"),
        Column("attempts", "Attempts", "number", total=True, sum="attempts"),
        Column("error", "Note", edit=Edit("base.operate", text(10), change)),
        Column("event_id", "Event", hidden=True),
    )
    tabs = (Tab("open", "Open", Q(done_at=None)), Tab("all", "All"))
    order = ("handler",)
    per_page = 5

    def url(self, row):
        return f"/deliveries/{row.pk}/"


class Deliveries(ListPage):
    verb, title, table = "base.operate", "Deliveries", DeliveryTable

    def query(actor):
        return visible(actor, Delivery)

    def bulk(self):
        skips = [Skip(Q(done_at__isnull=False), "already finished"), Skip(lambda actor: Q(parked=True), "parked")]
        return [Bulk("finish", "Finish", finish, "base.operate", skips=skips, says="They end.", form=NoteForm)]


@pytest.fixture(autouse=True)
def who(monkeypatch):
    """A job finds its person again by the membership."""
    monkeypatch.setattr(conf, "ACTOR_OF_MEMBERSHIP", f"{__name__}.found")


def found(membership_id, channel):
    return ANN if membership_id == ANN.membership_id else None


def deliveries(*names, **facts):
    return [Delivery.unscoped.create(event_id=n, handler=name, attempts=n, **facts).pk for n, name in enumerate(names, 1)]


def started(pks, given=None, actor=ANN):
    task = runs.Task(Deliveries.path(), "finish", "/deliveries/?tab=open", pks, given or {"note": "x"})
    return runs.start_run(task, actor=actor)


def test_each_row_is_its_own_transaction_and_a_refusal_names_its_row():
    pks = deliveries("a", "refused b", BROKEN, "d")
    run = started(pks)
    runs.work_off(run.pk)
    run.refresh_from_db()
    assert (run.state, run.position, run.failed, run.succeeded) == ("done", 4, 2, 2)
    assert list(Delivery.unscoped.filter(done_at__isnull=False).values_list("handler", "error")) == [("a", "x"), ("d", "x")]
    assert list(runs.faults(run).values_list("row_id", "code")) == [(pks[1], "base.changed"), (pks[2], "base.unexpected")]


def test_a_second_worker_goes_on_exactly_where_the_first_was_killed():
    pks = deliveries("a", "b", "c")
    run = started(pks)
    finish(pks[0], note="x", actor=ANN)
    Run.unscoped.filter(pk=run.pk).update(position=1, state="running")
    jobs.work_off(run.pk)
    runs.work_off(run.pk)  # and once more: nothing
    run.refresh_from_db()
    assert (run.state, run.position, run.failed) == ("done", 3, 0)


def test_a_row_and_its_count_are_one_transaction():
    (pk,) = deliveries("a")
    run = started([pk])

    def killed(row_id):
        finish(row_id, note="x", actor=ANN)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), transaction.atomic():
        runs._row(run.pk, 0, pk, killed)
    assert Delivery.unscoped.get(pk=pk).done_at is None and Run.unscoped.get(pk=run.pk).position == 0


def test_it_stops_before_the_next_row_when_asked():
    pks = deliveries(*"abcdefghijklmnopqrstuvwxyz")
    run = started(pks)
    assert run.state == "waiting"  # more than can be waited for: a job
    assert runs.cancel_run(run.pk, actor=ANN).state == "cancelled"
    runs.work_off(run.pk)
    assert not Delivery.unscoped.filter(done_at__isnull=False).exists()
    other = started(pks)
    Run.unscoped.filter(pk=other.pk).update(state="running", cancel_asked=True)
    runs.work_off(other.pk)
    other.refresh_from_db()
    assert (other.state, other.position) == ("cancelled", 0)


def test_what_cannot_be_started_is_refused():
    with pytest.raises(Refused, match="base.no_rows"):
        started([])
    with pytest.raises(Refused, match="base.too_many_rows"):
        started(range(runs.MOST + 1))
    with pytest.raises(Refused, match="base.no_person"):
        started([1], actor=system_actor())
    with pytest.raises(Forbidden):
        started([1], actor=person("base.operate"))


def test_nobody_acts_any_more_when_the_person_has_left(monkeypatch):
    monkeypatch.setattr(conf, "ACTOR_OF_MEMBERSHIP", f"{__name__}.nobody")
    run = started(deliveries("a"))
    runs.work_off(run.pk)
    run.refresh_from_db()
    assert run.state == "failed" and runs.faults(run).get().code == "base.no_person"


def nobody(membership_id, channel):
    return None


def test_reports_are_forgotten_after_their_days():
    run = started(deliveries("a"))
    Run.unscoped.filter(pk=run.pk).update(at=clock.now() - timedelta(days=runs.DAYS + 1))
    jobs.forget_runs(0)
    assert not Run.unscoped.exists() and ActionLog.unscoped.filter(subject_kind="base.run").exists()
    with pytest.raises(Forbidden):
        runs.forget_runs(actor=person())


# --- weighing ---


def test_a_bulk_is_weighed_by_set_and_each_row_has_one_reason(django_assert_num_queries):
    pks = deliveries("a", "b", "c", "d")
    Delivery.unscoped.filter(pk=pks[1]).update(done_at=clock.now())
    Delivery.unscoped.filter(pk=pks[2]).update(parked=True)
    page = Deliveries.standing_for(ANN)
    (bulk,) = page.bulk()
    with django_assert_num_queries(3):
        found = bulks.weigh(bulk, page.rows(QueryDict("tab=all")), ANN)
    assert found.ready == [pks[0], pks[3]] and found.groups(bulk) == [("already finished", [pks[1]]), ("parked", [pks[2]])]
    far = person(*VERBS, scope=Scope.ORG)
    assert bulks.weigh(bulk, Delivery.unscoped.all(), far).ready == []


def test_the_preview_says_what_happens_and_nothing_happens():
    pks = deliveries("a", "b")
    Delivery.unscoped.filter(pk=pks[1]).update(parked=True)
    data = {"page": Deliveries.signed_path(), "do": "finish", "query": "tab=all", "from": "/deliveries/", "pick": pks}
    page = ask(kit.preview, ANN, "/jobs/new", data).content.decode()
    assert "1 row will be done" in page and "1 row is skipped:" in page and "parked" in page and "They end." in page and "Finish (1)" in page
    assert not Delivery.unscoped.filter(done_at__isnull=False).exists() and not Run.unscoped.exists()
    dialog = ask(kit.preview, ANN, "/jobs/new", {**data, "pick": [], "all": "1"}, htmx="ask").content.decode()
    assert "<html" not in dialog and "1 row will be done" in dialog
    assert ask(kit.preview, ANN, "/jobs/new", {**data, "pick": []}).status_code == 409
    assert ask(kit.preview, ANN, "/jobs/new", {**data, "page": "forged"}).status_code == 404
    assert ask(kit.preview, person("base.runs"), "/jobs/new", data).status_code == 403


def begun(pks, **more):
    from_preview = Weighed(list(pks)).frozen()
    data = {"page": Deliveries.signed_path(), "do": "finish", "query": "", "from": "/deliveries/", "rows": from_preview, "note": "seen", **more}
    return ask(kit.jobs, ANN, "/jobs/", data)


def test_a_few_rows_are_done_at_once_and_a_second_submit_does_nothing_more():
    pks = deliveries("a", "b")
    key = "6a1d5f0e-0000-4000-8000-000000000001"
    answer = begun(pks, client_id=key)
    assert answer.status_code == 302 and answer["Location"] == "/deliveries/"
    again = begun(pks, client_id=key)
    assert again.status_code == 422 and Run.unscoped.count() == 1  # nothing is left to do
    assert begun(deliveries("c"), note="").status_code == 422  # the form's own fault


def test_the_report_names_failures_and_retries_only_them():
    pks = deliveries("a", "refused b", "c")
    answer = begun(pks)
    run = Run.unscoped.get()
    assert answer["Location"] == f"/jobs/{run.pk}/"
    page = ask(kit.job, ANN, pk=run.pk).content.decode()
    assert "Finish: Deliveries" in page and "Somebody changed this meanwhile." in page and "Retry the failed ones" in page and "every 1s" not in page
    Delivery.unscoped.filter(pk=pks[1]).update(handler="now fine")
    assert ask(kit.retry, ANN, data={}, pk=run.pk).status_code == 302
    second = Run.unscoped.exclude(pk=run.pk).get()
    assert second.row_ids == [pks[1]] and (second.position, second.failed, second.state) == (1, 0, "done")
    listed = ask(kit.jobs, ANN).content.decode()
    assert "Finish: Deliveries" in listed
    for view in (kit.job, kit.job_file):
        assert ask(view, person(*VERBS, org=9), pk=run.pk).status_code == 404
    shown = ask(Deliveries.as_view(), ANN, f"/deliveries/?tab=all&run={run.pk}").content.decode()
    assert "Rows of one job" in shown and "now fine" in shown


def test_a_running_job_shows_its_progress_and_can_be_stopped():
    run = started(deliveries(*"abcdefghijklmnopqrstuvwxyz"))
    page = ask(kit.job, ANN, pk=run.pk).content.decode()
    assert 'hx-trigger="every 1s"' in page and "0 of 26 rows" in page
    part = ask(kit.job, ANN, pk=run.pk, htmx="job").content.decode()
    assert "<html" not in part and "Stop" in part
    assert ask(kit.cancel, ANN, data={}, pk=run.pk).status_code == 302
    assert Run.unscoped.get(pk=run.pk).state == "cancelled"


# --- columns, sums, exports ---


def test_columns_come_from_the_address_in_its_order():
    deliveries("a")
    usual = ask(Deliveries.as_view(), ANN, "/deliveries/").content.decode()
    assert ">Event<" not in usual.partition("<tbody>")[0].partition("<thead>")[2]
    page = ask(Deliveries.as_view(), ANN, "/deliveries/?columns=event_id,handler,nonsense").content.decode()
    head = page.partition("<thead>")[2].partition("</thead>")[0]
    assert head.index("Event") < head.index("Handler") and "Attempts" not in head
    answer = ask(Deliveries.as_view(), ANN, "/deliveries/?columns=event_id&columns=handler&export=csv")
    assert answer.content.decode("utf-8-sig").splitlines() == ["Event,Handler", "1,a"] and answer.content.startswith(b"\xef\xbb\xbf")


def test_sums_are_of_the_whole_result_until_it_is_too_long(django_assert_num_queries):
    deliveries(*"abcdefgh")
    page = ask(Deliveries.as_view(), ANN, "/deliveries/?page=1").content.decode()
    assert "8 in all" in page and "36" in page.partition("<tfoot>")[2]
    table, rows = DeliveryTable(), Delivery.unscoped.all()
    columns = [c for c in table.columns if c.total]
    with django_assert_num_queries(1):
        assert bounded_sums(table, rows, columns, ANN, cap=7) is None
    assert bounded_sums(table, rows.none(), columns, ANN) == {"attempts": {}}


def test_a_long_export_is_a_job_whose_file_only_its_owner_gets(monkeypatch, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(sheets, "AT_ONCE", 3)
    deliveries(*"abcde")
    answer = ask(Deliveries.as_view(), ANN, "/deliveries/?tab=all&sort=-handler&export=xlsx")
    run = Run.unscoped.get()
    assert answer["Location"] == f"/jobs/{run.pk}/"
    assert ask(Deliveries.as_view(), ANN, "/deliveries/?tab=all&sort=-handler&export=xlsx")["Location"] == f"/jobs/{run.pk}/"  # the same one
    with translation.override("en"):
        runs.work_off(run.pk)
    run.refresh_from_db()
    assert run.state == "done" and "Download" in ask(kit.job, ANN, pk=run.pk).content.decode()
    content = b"".join(ask(kit.job_file, ANN, pk=run.pk).streaming_content)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["Handler", "e", "d", "c", "b", "a"]
    line = ActionLog.unscoped.get(verb="base.export")
    assert line.detail["rows"] == 5 and line.number in run.file_name
    assert ask(kit.job_file, person(*VERBS, org=9), pk=run.pk).status_code == 404
