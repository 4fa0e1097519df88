"""What leaves over the API in bulk, and every paper, stands in the log: who, what, how many rows, when, and the mark of what carries one."""

from __future__ import annotations

import pytest

from qudao.base import rest
from qudao.base.audit import ActionLog
from qudao.base.sheets import find_mark
from qudao.catalog.tests.make import make_product
from qudao.orders.tests.make import make_world, place
from qudao.people.tests.make import bearer, cast

pytestmark = pytest.mark.django_db


def get(client, actor, path):
    answer = client.get(f"/api/v1{path}", headers=bearer(actor))
    assert answer.status_code == 200, answer.content
    return answer


def exports():
    return [(line.actor_name.split()[0], line.detail["what"], line.detail["rows"]) for line in ActionLog.unscoped.filter(verb="base.export").order_by("id")]


def test_a_page_of_many_rows_is_an_export_and_so_is_every_page_after_the_first(client, monkeypatch):
    monkeypatch.setattr(rest, "BULK", 3)
    people = cast()
    for n in range(5):
        make_product(people.lh, f"P{n}")
    name = people.hq_clerk.name
    few = get(client, people.hq_clerk, "/products?limit=2")
    assert not exports() and "X-Export-Mark" not in few, "what a screen shows is none"
    many = get(client, people.hq_clerk, "/products?limit=3")
    assert exports() == [(name, "GET /api/v1/products", 3)]
    assert many["X-Export-Mark"] == ActionLog.unscoped.get(verb="base.export").number
    after = few.json()["next_after"]
    get(client, people.hq_clerk, f"/products?limit=2&after={after}")
    assert exports()[1:] == [(name, "GET /api/v1/products", 2)], "small pages are no way round"
    get(client, people.hq_clerk, "/products?limit=2&after=1")
    assert len(exports()) == 2, "nothing was taken"


def test_who_may_not_take_lists_as_files_is_written_down_all_the_same(client, monkeypatch):
    monkeypatch.setattr(rest, "BULK", 1)
    people = cast()
    make_product(people.lh, "P1")
    get(client, people.stranger, "/organisations")
    assert [(who, rows >= 1) for who, _what, rows in exports()] == [(people.stranger.name, True)]


def test_a_paper_over_the_api_is_written_down_with_its_rows(client):
    world = make_world()
    orders = [place(world, 1), place(world, 2)]
    get(client, world.dealer, f"/prints/orders.confirmation?ids={orders[0].pk},{orders[1].pk}")
    line = ActionLog.unscoped.get(verb="base.print")
    assert find_mark(line.number) == line.number
    assert (line.actor_name.split()[0], line.detail["document"], line.detail["rows"], line.channel) == (
        world.dealer.name,
        "orders.confirmation",
        [o.pk for o in orders],
        "api",
    )
