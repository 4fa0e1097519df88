"""The pulse: who is told of a change, by which page, and how little asking costs."""

import time

import pytest

from qudao.base.access import Actor, Scope
from qudao.base.db import rows, run
from qudao.base.pulse import mark_of
from qudao.network.tests.make import make_org
from qudao.web import pulse

pytestmark = pytest.mark.django_db


class Document:
    """As much of a document as a mark needs."""

    def __init__(self, pk, seller_id, buyer_id):
        self.pk, self.seller_id, self.buyer_id = pk, seller_id, buyer_id


@pytest.fixture
def watch(monkeypatch):
    made = pulse.Watch()
    monkeypatch.setattr(pulse, "WATCH", made)
    monkeypatch.setattr(pulse, "LOOK", 0.0)
    made.look()
    return made


@pytest.fixture
def network():
    hq = make_org("hq", "LH")
    dealer = make_org("dealer", "D1", hq)
    return hq, dealer, make_org("dealer", "D11", dealer), make_org("dealer", "D2", hq)


def of(org, scope=Scope.ORG):
    return Actor(1, 1, org.pk, org.path, org.kind, "x", frozenset(), scope)


def happens(kind, pk, seller, buyer, line=None):
    run(
        """
        INSERT INTO base_actionlog (id, at, month, verb, channel, actor_kind, actor_name, before, after, reason, detail, subject_kind, subject_id,
            seller_id, buyer_id, number)
        VALUES (coalesce(%s, nextval(pg_get_serial_sequence('base_actionlog', 'id'))), now(), current_date, 'x', 'page', 'person', '', '', '', '', '{}',
            %s, %s, %s, %s, '')
        """,
        (line, kind, pk, seller.pk, buyer.pk),
    )


def ask(client, mark, since=""):
    return client.get("/pulse/", {"at": mark, "since": since})


def test_a_page_is_told_of_what_it_shows_to_its_reader(client, watch, network):
    hq, dealer, sub, other = network
    pages = {
        "hq list": mark_of(of(hq, Scope.ALL), "orders.order"),
        "dealer list": mark_of(of(dealer), "orders.order"),
        "branch list": mark_of(of(dealer, Scope.BRANCH), "orders.order"),
        "home": mark_of(of(sub), ""),
        "document": mark_of(of(sub), "orders.order", Document(7, dealer.pk, sub.pk)),
        "another document": mark_of(of(sub), "orders.order", Document(8, hq.pk, sub.pk)),
        "products": mark_of(of(sub), "catalog.product"),
        "stranger": mark_of(of(other), "orders.order"),
        "stranger's branch": mark_of(of(other, Scope.BRANCH), ""),
    }
    since = {name: ask(client, mark)["Pulse"] for name, mark in pages.items()}
    happens("orders.order", 7, dealer, sub)
    told = {name: ask(client, mark, since[name]) for name, mark in pages.items()}
    changed = {name for name, answer in told.items() if answer.status_code == 200}
    assert changed == {"hq list", "dealer list", "branch list", "home", "document"}
    again = {name: ask(client, mark, told[name]["Pulse"]).status_code for name, mark in pages.items()}
    assert set(again.values()) == {204}, "once is enough"


def test_a_shipment_changes_the_page_of_its_order_and_a_suborder_not_the_branch_above(client, watch, network):
    hq, dealer, sub, _other = network
    order = mark_of(of(hq), "orders.order", Document(7, hq.pk, dealer.pk))
    since = ask(client, order)["Pulse"]
    happens("fulfilment.shipment", 1, dealer, sub)
    answer = ask(client, order, since)
    assert answer.status_code == 204
    happens("fulfilment.shipment", 2, hq, dealer)
    assert ask(client, order, answer["Pulse"]).status_code == 200


def test_what_happened_before_the_first_look_of_a_process_is_told_too(client, watch, network, monkeypatch):
    hq, dealer, _sub, _other = network
    mark = mark_of(of(hq), "orders.order")
    happens("orders.order", 7, hq, dealer)
    monkeypatch.setattr(pulse, "WATCH", pulse.Watch())
    assert ask(client, mark).status_code == 200


def test_another_process_may_have_seen_it_a_moment_later(client, watch, network):
    hq, dealer, _sub, _other = network
    mark = mark_of(of(hq), "orders.order")
    ask(client, mark)
    happens("orders.order", 7, hq, dealer)
    watch.look()
    assert ask(client, mark, f"0-{time.time() + 1}").status_code == 200
    assert ask(client, mark, f"0-{time.time() + 60}").status_code == 204


def test_a_forged_mark_is_refused(client, watch, network):
    mark = mark_of(of(network[0]), "orders.order")
    assert ask(client, mark[:-1] + ("A" if mark[-1] != "A" else "B")).status_code == 403
    assert ask(client, "").status_code == 403


def test_a_line_whose_transaction_ended_after_later_ones_is_told_too(client, watch, network):
    hq, dealer, _sub, _other = network
    mark = mark_of(of(hq), "orders.order")
    happens("x.y", 1, hq, dealer)
    ((late,),) = rows("SELECT nextval(pg_get_serial_sequence('base_actionlog', 'id'))")
    happens("x.y", 2, hq, dealer)
    since = ask(client, mark)["Pulse"]
    happens("orders.order", 7, hq, dealer, late)
    assert watch.newest > late
    assert ask(client, mark, since).status_code == 200


def test_asking_costs_no_session_and_a_statement_a_second(client, watch, network, monkeypatch, django_assert_num_queries):
    hq, _dealer, _sub, _other = network
    mark = mark_of(of(hq), "orders.order")
    monkeypatch.setattr(pulse, "LOOK", 3600.0)
    watch.looked = time.time()
    with django_assert_num_queries(0):
        begin = time.perf_counter()
        for _page in range(200):
            assert ask(client, mark, f"{pulse._ME}-{time.time()}").status_code == 204
    print(f"{(time.perf_counter() - begin) * 5:.2f} ms an answer, the test client included")


def orders_of(watch):
    """organisation → how many lines about orders are remembered as lying in its reach."""
    parts = {org: sum(one.kind == "orders.order" for one in part) for org, part in watch.of_org.items()}
    return {org: number for org, number in parts.items() if number}


def test_what_is_forgotten_is_forgotten_by_all_that_it_concerned(watch, network, monkeypatch):
    hq, dealer, sub, other = network
    for pk, buyer in enumerate((dealer, other)):
        happens("orders.order", pk, hq, buyer)
    happens("orders.order", 9, dealer, sub)
    watch.look()
    assert orders_of(watch) == {hq.pk: 3, dealer.pk: 2, sub.pk: 1, other.pk: 1}
    monkeypatch.setattr(pulse, "MOST", 1)
    watch.look()
    assert orders_of(watch) == {hq.pk: 1, dealer.pk: 1, sub.pk: 1}
    monkeypatch.setattr(pulse, "MEMORY", -1.0)
    watch.look()
    assert (len(watch.news), dict(watch.of_org)) == (0, {})


def test_an_answer_walks_only_what_concerns_its_reader(watch, network):
    hq, dealer, _sub, other = network
    watch.look()
    for pk in range(50):
        happens("orders.order", pk, hq, other)
    happens("orders.order", 99, hq, dealer)
    watch.look()
    marks = {
        "list": mark_of(of(dealer), "orders.order"),
        "branch": mark_of(of(dealer, Scope.BRANCH), ""),
        "document": mark_of(of(hq, Scope.ALL), "orders.order", Document(99, hq.pk, dealer.pk)),
    }
    for name, mark in marks.items():
        near = watch._near(pulse.signing.loads(mark, salt=pulse.SALT))
        assert [one.subject_id for one in near if one.kind == "orders.order"] == [99], name
    assert sum(one.kind == "orders.order" for one in watch.news) == 51
