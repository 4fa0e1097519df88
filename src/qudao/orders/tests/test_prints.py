"""The order on paper: both sides print it in their language, nobody else does, and prices stay with those who see them."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from django.urls import reverse

from qudao.base import printing, runs
from qudao.base.html.pages.prints import log_print, named, print_buttons
from qudao.base.models import ActionLog, Run
from qudao.base.printing import pdf_of
from qudao.base.sheets import find_mark
from qudao.base.tests.page_text import text as html
from qudao.base.tests.pdf_text import pages_of
from qudao.kernel.errors import Forbidden, NotFound
from qudao.orders.actions import place_order
from qudao.orders.pages.lists import OrderList
from qudao.orders.prints import CONFIRMATION
from qudao.orders.rules import NewLine, Placing
from qudao.orders.tests.make import make_downstream, make_world, place
from qudao.orders.tests.outside import make_outside
from qudao.people.tests.make import bearer, sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db):
    return make_world()


def text(actor, *ids, language="en"):
    return "\n".join(pages_of(pdf_of(CONFIRMATION, actor, ids, language=language)))


def test_both_sides_print_a_confirmed_order_in_both_languages(world):
    order = place(world, 3, 2, po_number="PO-77")
    for actor in (world.cast.hq_clerk, world.dealer):
        english, chinese = text(actor, order.pk), text(actor, order.pk, language="zh-hans")
        assert f"Order confirmation {order.number}" in english and "PO-77" in english and "¥500.00" in english
        assert f"订单确认书 {order.number}" in chinese and "大写：伍佰元整" in chinese and "第 1 页，共 1 页" in chinese


def test_an_outside_purchase_is_a_letter_to_its_seller(world):
    outside = make_outside(world.cast)
    order = outside.order(3)
    english, chinese = text(outside.buyer, order.pk), text(outside.buyer, order.pk, language="zh-hans")
    assert f"Purchase order {order.number}" in english and "Please confirm" in english and "¥132.74" in english
    assert f"采购订单 {order.number}" in chinese and "请确认" in chinese
    assert english.index("Hangzhou Lakeside") < english.index("Eastern Parts"), "from the buyer to the seller"


def test_others_do_not_even_learn_that_there_is_one(world):
    order = place(world, 1)
    for stranger in (world.cast.stranger, world.cast.sub_dealer):
        with pytest.raises(NotFound):
            text(stranger, order.pk)
    with pytest.raises(NotFound):
        text(world.dealer, 999_999)
    with pytest.raises(Forbidden):
        text(replace(world.dealer, verbs=frozenset()), order.pk)


def test_who_does_not_see_prices_prints_none(world):
    make_downstream(world)
    people = world.cast
    order = place_order(Placing(people.d001.pk, people.s001.pk, [NewLine(world.products[0].pk, Decimal(2))]), actor=people.sub_dealer)
    assert "¥260.00" in text(people.sub_dealer, order.pk) and "¥260.00" in text(people.hq_finance, order.pk)
    hidden = text(people.hq_clerk, order.pk)
    assert order.number in hidden and "260" not in hidden and "Unit price" not in hidden and "Total" not in hidden


def test_many_orders_take_as_many_statements_as_one_and_keep_their_order(world, django_assert_max_num_queries):
    orders = [place(world, 1) for _ in range(5)]
    with django_assert_max_num_queries(2):
        body = pdf_of(CONFIRMATION, world.dealer, [o.pk for o in reversed(orders)], language="en")
    assert [o.number in page for o, page in zip(reversed(orders), pages_of(body), strict=True)] == [True] * 5


def test_an_order_that_nobody_confirmed_does_not_say_so(world):
    order = place(world, 1)
    order.status = "in_review"
    order.save(update_fields=["status"])
    shown = text(world.dealer, order.pk)
    assert "This order is not confirmed yet." in shown and "Order confirmation" not in shown


def test_the_address_shows_the_pdf_and_writes_a_line_of_the_log(world, client):
    order = place(world, 1)
    sign_in(client, world.dealer)
    answer = client.get(f"/orders/{order.pk}/confirmation.pdf", {"lang": "zh"})
    assert answer.status_code == 200 and answer["Content-Type"] == printing.PDF and answer["Content-Disposition"].startswith("inline")
    assert "订单确认书" in pages_of(answer.content)[0]
    line = ActionLog.unscoped.filter(verb="base.print").get()
    assert (line.actor_name, line.number, line.detail["rows"]) == (world.dealer.name, "orders.confirmation", [order.pk])
    assert "confirmation.pdf" in client.get(f"/orders/{order.pk}/").content.decode(), "the document offers it"
    sign_in(client, world.cast.stranger)
    assert client.get(f"/orders/{order.pk}/confirmation.pdf").status_code == 404
    api = client.get(f"/api/v1/orders/{order.pk}/confirmation.pdf?lang=en", headers=bearer(world.dealer))
    assert "Order confirmation" in pages_of(api.content)[0]


def test_the_api_prints_many_and_says_what_is_wrong_with_the_list(world, client):
    orders, headers = [place(world, 1) for _ in range(2)], bearer(world.dealer)

    def get(ids, name="orders.confirmation"):
        return client.get(f"/api/v1/prints/{name}", {"ids": ids, "lang": "en"}, headers=headers)

    assert len(pages_of(get(f"{orders[0].pk},{orders[1].pk}").content)) == 2
    assert get("1,x").status_code == 422 and get("").status_code == 422
    many = get(",".join(str(n) for n in range(1, printing.MOST + 2)))
    assert many.status_code == 422 and many.json()["code"] == "base.too_many_papers"
    assert get("1", "orders.nothing").status_code == 404


def test_many_papers_of_one_run_say_who_took_them_and_one_for_the_partner_does_not(world, client):
    orders = [place(world, 1) for _ in range(2)]
    sign_in(client, world.dealer)
    one = client.get(f"/orders/{orders[0].pk}/confirmation.pdf", {"lang": "en"})
    assert find_mark(pages_of(one.content)[0]) == "" and "X-Export-Mark" not in one
    both = client.get("/api/v1/prints/orders.confirmation", {"ids": f"{orders[0].pk},{orders[1].pk}", "lang": "zh"}, headers=bearer(world.dealer))
    code = both["X-Export-Mark"]
    assert code in both["Content-Disposition"] and all(code in page and world.dealer.name in page and "打印" in page for page in pages_of(both.content))
    line = ActionLog.unscoped.filter(verb="base.print").latest("pk")
    assert (line.number, line.detail["document"], line.detail["rows"]) == (code, "orders.confirmation", [one.pk for one in orders])
    found = html(sign_in(client, world.cast.dealer_admin).get("/log/", {"number": f"confirmation-{code.lower()}.pdf"}))
    assert found.count("data-row=") == 1 and code in found
    note, label, statement = (named(name) for name in ("fulfilment.delivery_note", "fulfilment.label", "ledger.statement"))
    assert not label.marked(50) and statement.marked(1) and not note.marked(1) and note.marked(2)


def test_printing_is_a_right_of_its_own(world):
    with pytest.raises(Forbidden):
        log_print("orders.confirmation", [1], "en", actor=replace(world.dealer, verbs=world.dealer.verbs - {"base.print"}))
    assert not print_buttons("orders.order", place(world, 1), replace(world.dealer, verbs=world.dealer.verbs - {"base.print"}))
    assert next(b.url.rpartition("/")[2] for b in print_buttons("orders.order", place(world, 1), world.dealer)) == "confirmation.pdf"


def chosen(client, orders, **more):
    data = {"page": OrderList.signed_path(), "query": "tab=all", "from": "/orders/", "pick": [o.pk for o in orders], **more}
    return client.post("/prints/orders.confirmation", data)


def test_chosen_rows_of_a_list_come_at_once_and_many_as_a_job(world, client, monkeypatch):
    orders = [place(world, 1) for _ in range(3)]
    sign_in(client, world.dealer)
    assert "/prints/orders.confirmation" in client.get("/orders/").content.decode()
    assert len(pages_of(chosen(client, orders).content)) == 3
    assert chosen(client, []).status_code == 409
    monkeypatch.setattr(printing, "BESIDE", 2)
    gone = chosen(client, [], all="1")
    run = Run.unscoped.get()
    assert gone["Location"] == f"/jobs/{run.pk}/" and run.prints == "orders.confirmation" and run.total == 3
    runs.work_off(run.pk)
    run.refresh_from_db()
    assert (run.state, run.position) == ("done", 3)
    assert "Order confirmation" in client.get(f"/jobs/{run.pk}/").content.decode()
    file = client.get(f"/jobs/{run.pk}/file")
    assert file["Content-Type"] == printing.PDF and len(pages_of(b"".join(file.streaming_content))) == 3
    sign_in(client, world.cast.stranger)
    assert client.get(f"/jobs/{run.pk}/file").status_code == 404


def test_more_than_one_pdf_takes_is_refused(world, client, monkeypatch):
    orders = [place(world, 1) for _ in range(2)]
    sign_in(client, world.dealer)
    monkeypatch.setattr(printing, "MOST", 1)
    assert chosen(client, orders).status_code == 409


def test_a_row_of_the_list_is_printed_in_one_click(world, client):
    order = place(world, 1)
    at = reverse("orders_confirmation_pdf", args=[order.pk])
    for actor in (world.cast.hq_clerk, world.dealer):
        page = html(sign_in(client, actor).get("/orders/"))
        assert f'href="{at}" target="_blank"' in page and f'aria-label="Order confirmation: {order.number}"' in page
        assert client.get(at)["Content-Type"] == "application/pdf"
    nobody = replace(world.dealer, verbs=world.dealer.verbs - {"base.print"})
    assert OrderList.standing_for(nobody).papers([order]) is None
