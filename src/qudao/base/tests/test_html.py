"""The page kit, on the toolkit's own table of log lines: lists, documents, forms and actions, with and without HTMX."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django import forms
from django.contrib.messages.storage.fallback import FallbackStorage
from django.db import connection
from django.db.models import Index, Q
from django.http import HttpResponse, QueryDict
from django.test import RequestFactory
from django.urls import include, path
from django.utils import translation
from python_calamine import CalamineWorkbook

from qudao.base import pages as kit
from qudao.base import sheets
from qudao.base.access import Actor, Scope, visible
from qudao.base.html import figures, tables
from qudao.base.html.meters import Meter
from qudao.base.html.pages import ActionPage, Button, DetailPage, Form, FormPage, Head, LineEditor, LineField, ListPage, Panel, Step, door
from qudao.base.html.tables import Column, Filter, Tab, Table, bounded_counts, walked
from qudao.base.models import ActionLog, StoredFile, ViewChoice
from qudao.base.sentences import say
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Refused

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def person(*verbs, scope=Scope.ALL, org=1):
    return Actor(5, 6, org, f"/{org}/", "hq", "Li Lei", frozenset(verbs), scope, language="en")


def lines_of(number, seller=1):
    return ActionLog.unscoped.bulk_create(
        ActionLog(
            at=NOON - timedelta(hours=n), month=clock.today().replace(day=1), verb="orders.place" if n % 2 else "orders.approve", channel="page",
            actor_kind="person", actor_name="Li <Lei>", before="a", after="b", reason=f"r{n}", detail={}, subject_kind="orders.order", subject_id=n,
            seller_id=seller, buyer_id=2, number=f"SO-{n:03}", stage_seconds=n,
        )
        for n in range(number)
    )  # fmt: skip


class LogTable(Table):
    columns = (
        Column("number", "Number", "link", sort="number", hide_on_phone=True),
        Column("actor_name", "Who"),
        Column("after", "State", "state", tones={"b": "wrong"}),
        Column("stage_seconds", "Seconds", "number", total=True),
        Column("reason", "Reason", grant="cost"),
    )
    tabs = (Tab("all", "All"), Tab("placed", "Placed", Q(verb="orders.place"), wrong=True))
    filters = (Filter("channel", "Channel", choices=[("page", "Page"), ("api", "API")]),)
    search = ("number__icontains",)
    order = ("number",)
    per_page = 20

    def url(self, row):
        return f"/log/{row.pk}/"


def logs(actor):
    return visible(actor, ActionLog)


class LogList(ListPage):
    verb, title, table, query = "base.view_log", "Log", LogTable, logs

    def buttons(self):
        return [Button("New", "/log/new/", "plus", primary=True), Button("Secret", "/x", verb="nobody.may")]

    def bulk(self):
        return [Button("Mark", "/log/mark/")]


def facts(request, obj):
    return Panel("Facts", "parts/panel_facts.html", {"facts": [("Who", obj.actor_name)]}, aside=True)


class LogPage(DetailPage):
    verb, query, kind, panels = "base.view_log", logs, "base.log", (facts,)

    def head(self, obj):
        return Head(obj.number, (obj.after, "move"))

    def steps(self, obj):
        return [("past", Step("Placed")), ("now", Step("Ship", "today", ["Shanghai"], "late"))]

    def buttons(self, obj):
        return [Button("Ship", "/ship", primary=True), Button("Cancel", "/cancel", danger=True, ask=True)]


CALLS = []


def rename(pk=None, *, name, actor, client_id=None):
    if name == "bad":
        raise Refused.of([Fault("base.changed", "name"), Fault("base.busy")])
    CALLS.append((pk, name, client_id))


class NameForm(Form):
    name = forms.CharField(label="Name", help_text="As on the door.")


class Rename(FormPage):
    title, form, action, said, back = "Rename", NameForm, rename, "Renamed.", "/done/"


class Mark(ActionPage):
    verb, title, form, query, action, back, submit = "base.view_log", "Mark", NameForm, logs, rename, "/done/", "Mark it"

    def says(self, obj):
        return f"{obj.number} will be marked."


@door("base.view_log")
def plain(request):
    raise Refused("base.changed")


urlpatterns = [*kit.routes, path("", plain, name="home"), path("i18n/", include("django.conf.urls.i18n"))]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def no_calls():
    CALLS.clear()


def ask(view, actor, target="/log/", data=None, *, htmx="", **kwargs):
    make = RequestFactory()
    request = make.post(target, data) if data is not None else make.get(target)
    request.actor, request.session = actor, {}
    request._messages = FallbackStorage(request)
    if htmx:
        request.META.update(HTTP_HX_REQUEST="true", HTTP_HX_TARGET=htmx)
    with translation.override("en"), clock.freeze(NOON):
        return view(request, **kwargs)


READER = person("base.view_log", "base.export")


# --- the door ---


def test_nobody_is_sent_to_sign_in_and_comes_back():
    answer = ask(LogList.as_view(), None, "/log/?tab=placed")
    assert answer.status_code == 302 and answer["Location"].endswith("?next=/log/%3Ftab%3Dplaced")


def test_a_verb_not_granted_is_a_worded_403_and_a_foreign_row_a_404():
    (row,) = lines_of(1, seller=9)
    refused = ask(LogList.as_view(), person())
    assert refused.status_code == 403 and "You are not allowed to do this." in refused.content.decode()
    foreign = person("base.view_log", scope=Scope.ORG, org=77)
    assert ask(LogPage.as_view(), foreign, pk=row.pk).status_code == 404
    assert ask(plain, READER).status_code == 409


# --- lists ---


def test_a_list_answers_in_three_statements(django_assert_num_queries):
    lines_of(30)
    with django_assert_num_queries(3):  # counts, rows, the frame's memberships
        page = ask(LogList.as_view(), READER).content.decode()
    assert "SO-000" in page and "SO-019" in page and "SO-020" not in page
    assert "Li &lt;Lei&gt;" in page and "<Lei>" not in page
    assert 'All<span class="n">30' in page and '<span class="n t-wrong">15' in page
    assert "190" in page  # the page's total
    assert "Reason" not in page and "Secret" not in page  # no grant, no verb
    assert 'style="' not in page and "<script>" not in page and "onclick" not in page


def test_the_address_holds_tab_search_filter_sort_and_page():
    lines_of(30)
    page = ask(LogList.as_view(), READER, "/log/?tab=placed&q=SO-00&channel=page&sort=-number").content.decode()
    assert page.index("SO-009") < page.index("SO-001") and "SO-011" not in page
    assert "Channel <b>Page</b>" in page and 'aria-sort="descending"' in page
    assert "SO-025" in ask(LogList.as_view(), READER, "/log/?page=2").content.decode()
    assert "Nothing matches" in ask(LogList.as_view(), READER, "/log/?q=zzz").content.decode()
    assert ask(LogList.as_view(), READER, "/log/?page=x&sort=nonsense&channel=%00").status_code == 200


def test_a_list_longer_than_its_count_sorts_only_along_an_index(monkeypatch):
    lines_of(30)
    page = ask(LogList.as_view(), READER, "/log/?sort=-number").content.decode()
    assert page.index("SO-029") < page.index("SO-011") and 'href="?sort=number"' in page
    monkeypatch.setattr(tables, "CAP", 20)
    page = ask(LogList.as_view(), READER, "/log/?sort=-number").content.decode()
    assert page.index("SO-000") < page.index("SO-011") and "aria-sort" not in page and "sort=number" not in page
    monkeypatch.setattr(ActionLog._meta, "indexes", [*ActionLog._meta.indexes, Index(fields=["number"], name="for_a_test")])
    page = ask(LogList.as_view(), READER, "/log/?sort=-number").content.decode()
    assert page.index("SO-029") < page.index("SO-011") and 'aria-sort="descending"' in page


def test_a_search_of_few_letters_is_counted_less_far(monkeypatch):
    lines_of(30)
    monkeypatch.setattr(tables, "SEARCHED", {1: 20, 2: 20, 3: 20})
    few, more = (ask(LogList.as_view(), READER, f"/log/?q={typed}").content.decode() for typed in ("SO-", "SO-0"))
    assert "20+" in few and "20+" not in more and "30" in more
    assert few.count("data-row=") == more.count("data-row=") == LogTable.per_page


def test_an_index_is_found_by_its_first_column_and_through_links():
    assert walked(StoredFile, "-pk") and walked(ActionLog, "id")
    assert not walked(ActionLog, "reason") and not walked(ActionLog, "no_such_field")
    assert walked(ViewChoice, "view__id") and not walked(ViewChoice, "view__query")


def test_htmx_gets_the_region_only():
    lines_of(1)
    part = ask(LogList.as_view(), READER, htmx="list").content.decode()
    assert "<html" not in part and "SO-000" in part


def test_the_export_is_what_is_shown_and_is_logged():
    lines_of(30)
    answer = ask(LogList.as_view(), READER, "/log/?tab=placed&export=xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.content)).get_sheet_by_index(0).to_python()
    assert rows[0] == ["Number", "Who", "State", "Seconds"] and len(rows) == 16 and rows[1][0] == "SO-001"
    assert ActionLog.unscoped.get(verb="base.export").detail == {"what": "Log", "rows": 15}
    assert ask(LogList.as_view(), person("base.view_log"), "/log/?export=csv").status_code == 403


def test_counts_stop_at_their_cap():
    lines_of(12)
    assert bounded_counts({"a": logs(READER), "b": logs(READER).none()}, cap=10) == {"a": 11, "b": 0}
    assert figures.count(11, 10) == "10+"


def test_sheets_keep_numbers_and_disarm_formulas():
    text = sheets.write_csv(["a", "a"], [("=1+1", Decimal("1.50"))]).decode("utf-8-sig")
    assert text.splitlines() == ["a,a 2", "'=1+1,1.50"]
    book = sheets.write_xlsx(["编码", "数量"], [("001", Decimal("12"))])
    assert list(sheets.read("a.xlsx", book)) == [["编码", "数量"], ["001", "12"]]
    assert list(sheets.read("a.csv", "编码,数量\n001,2".encode("gb18030"))) == [["编码", "数量"], ["001", "2"]]
    with pytest.raises(DomainError):
        list(sheets.read("a.xlsx", b"no workbook"))


# --- documents ---


def test_a_document_shows_state_next_action_and_panels():
    (row,) = lines_of(1)
    page = ask(LogPage.as_view(), READER, pk=row.pk).content.decode()
    assert "SO-000" in page and 'class="status s-move"' in page and 'aria-current="step"' in page
    assert page.count("btn-primary") >= 2 and "Facts" in page and "data-ask" in page  # the next action stands in the head and in the phone's bar


# --- forms ---


def test_a_form_ends_in_its_action_and_a_second_submit_is_harmless():
    key = str(uuid4())
    answer = ask(Rename.as_view(), READER, data={"name": "Ann", "client_id": key})
    assert answer.status_code == 302 and answer["Location"] == "/done/"
    assert [(pk, name, str(c)) for pk, name, c in CALLS] == [(None, "Ann", key)]
    assert ask(Rename.as_view(), READER, data={"name": "Ann"}, htmx="x")["HX-Redirect"] == "/done/"


def test_a_refusal_stands_at_its_field_with_its_remedy_and_nothing_typed_is_lost():
    key = str(uuid4())
    answer = ask(Rename.as_view(), READER, data={"name": "bad", "client_id": key})
    page = answer.content.decode()
    assert answer.status_code == 409 and 'value="bad"' in page and f'value="{key}"' in page
    assert "Somebody changed this meanwhile." in page and "Reload the page and try again." in page and 'aria-invalid="true"' in page
    assert page.index("Somebody else is working") < page.index('name="name"') < page.index("Somebody changed this")
    assert ask(Rename.as_view(), READER, data={"name": ""}).status_code == 422


def test_an_action_page_asks_first_and_is_a_dialog_for_htmx():
    (row,) = lines_of(1)
    page = ask(Mark.as_view(), READER, pk=row.pk).content.decode()
    assert "SO-000 will be marked." in page and "<html" in page
    dialog = ask(Mark.as_view(), READER, pk=row.pk, htmx="ask").content.decode()
    assert "SO-000 will be marked." in dialog and "<html" not in dialog
    assert ask(Mark.as_view(), READER, data={"name": "x"}, pk=row.pk)["Location"] == "/done/"
    assert CALLS[0][0] == row.pk


FIELDS = [LineField("code", "Code", "product", required=True), LineField("qty", "Quantity", "qty", required=True), LineField("name", "Name", "show")]


def test_the_line_editor_ignores_blank_rows_and_keeps_what_is_wrong():
    data = QueryDict("lines-code=A&lines-qty=1,200&lines-code=&lines-qty=&lines-code=B&lines-qty=two&lines-code=&lines-qty=3")
    editor = LineEditor(FIELDS, data=data)
    with translation.override("en"):
        assert not editor.is_valid()
    assert [line.clean.get("qty") for line in editor.lines] == [Decimal(1200), None, Decimal(3)]
    page = editor.render()
    assert "“two” is not a number." in page and "Code is missing." in page and 'value="two"' in page
    assert page.count('class="ln') == 3 + 6 + 1  # typed, blank without JavaScript, the template


def test_a_fault_of_a_line_stands_at_that_line():
    editor = LineEditor(FIELDS, data=QueryDict("lines-code=A&lines-qty=1&lines-code=B&lines-qty=2"))
    assert editor.is_valid()
    rest = editor.refuse(Refused.of([Fault("base.busy", "lines.2"), Fault("base.changed", "buyer")]))
    assert [s.field for s in rest] == ["buyer"] and [len(line.faults) for line in editor.lines] == [0, 1]


# --- figures ---


@pytest.mark.parametrize(
    ("call", "english", "chinese"),
    [
        (lambda: figures.money(Decimal("-1234.5")), "−¥1,234.50", "−¥1,234.50"),
        (lambda: figures.money(Decimal("-0.001")), "¥0.00", "¥0.00"),
        (lambda: figures.amount(Decimal("-1200")), "−1,200.00", "−1,200.00"),
        (lambda: figures.qty(Decimal("1200.5000"), "台"), "1,200.5 台", "1,200.5 台"),
        (lambda: figures.qty(1, "PCS"), "1 pc", "1 件"),
        (lambda: figures.qty(Decimal("12.0000"), "PCS"), "12 pcs", "12 件"),
        (lambda: [figures.bare(one, "PCS") for one in ("3 pcs", "1pc", "3 件", "3大件", "12", "PCS")], *[["3", "1", "3", "3大件", "12", "PCS"]] * 2),
        (
            lambda: say(Fault("network.has_open_below", "", {"name": "A", "count": 1})).sentence,
            "Not closed below A: 1 organisation.",
            "A 之下还有 1 个组织没有关闭。",
        ),
        (lambda: figures.price(Decimal("1.234500")), "1.2345", "1.2345"),
        (lambda: figures.day(NOON), "21 Nov", "11-21"),
        (lambda: figures.day(datetime(2025, 1, 2, 0, 0, tzinfo=UTC)), "2 Jan 2025", "2025-01-02"),
        (lambda: figures.day_long(NOON), "21 Nov", "11月21日"),
        (lambda: figures.moment(NOON), "21 Nov 12:00", "11-21 12:00"),
        (lambda: figures.amount(None), "—", "—"),
    ],
)
def test_figures_are_written_as_the_reader_expects(call, english, chinese):
    with translation.override("en"), clock.freeze(NOON):
        assert call() == english
    with translation.override("zh-hans"), clock.freeze(NOON):
        assert call() == chinese


def test_an_age_has_two_units_at_most():
    spans = [timedelta(days=1, hours=6), timedelta(hours=4, minutes=5), timedelta(seconds=90), timedelta(days=18, hours=3)]
    with translation.override("en"):
        assert [figures.age(span) for span in spans] == ["1 d 6 h", "4 h", "1 min", "18 d"]


def test_the_credit_meter_is_the_worked_example_of_the_domain():
    used = {"invoiced": 210000, "shipped": 60000, "ordered": 120000, "unapplied": 15000, "this": 190000}
    meter = Meter(Decimal(500000), Decimal(50000), **{name: Decimal(value) for name, value in used.items()})
    assert (meter.used, meter.available, meter.beyond) == (Decimal(375000), Decimal(175000), Decimal(15000))
    drawn = meter.svg("x")
    assert "style" not in drawn and 'class="b6"' in drawn and "url(#hatch-x)" in drawn
    assert 'text-anchor="end"' in drawn
    with translation.override("en"):
        assert [row[1] for row in replace(meter, bought=True).key][::3] == ["Payable, not due", "Less payments not applied"]
    beyond = Meter(Decimal(1000), ordered=Decimal(5000), this=Decimal(1000)).svg()
    shares = map(float, re.findall(r'<rect class="b[1-6]" [^>]*width="([\d.]+)%"', beyond))
    assert sum(shares) == pytest.approx(100, abs=0.02), "the bars end where the card ends"
    assert 'text-anchor="start"' in Meter(Decimal(1000), this=Decimal(50000)).svg(), "far beyond the limit its word would stick out to the left"


def test_a_page_is_planned_for_its_own_values_and_a_post_is_not():
    seen = []

    @door()
    def view(request):
        seen.append(connection.connection.prepare_threshold)
        return HttpResponse()

    connection.ensure_connection()
    usual = connection.connection.prepare_threshold
    for made in (RequestFactory().get("/"), RequestFactory().post("/")):
        made.actor = READER
        view(made)
    assert seen == [None, usual] and usual is not None
    assert connection.connection.prepare_threshold == usual
