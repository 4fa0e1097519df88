"""The desk with an order in it that is not final: what it shows, what comes of a change, who may not."""

from decimal import Decimal as D
from uuid import uuid4

import pytest
from django.urls import reverse

from qudao.approvals.models import Request
from qudao.approvals.tests.make import make_rule
from qudao.base.tests.page_text import text
from qudao.orders.actions import approve_order, cancel_order, return_order
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world, place
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(client):
    client.cookies["qudao_language"] = "en"
    made = make_world((100, 100, 100))
    make_rule(made.cast.lh, "hq_clerk", "300")
    return made


def at(order):
    return reverse("order_edit", args=[order.pk])


def sent(world, *lines, **more):
    codes, quantities = zip(*lines, strict=True)
    return {"agreement": world.agreement.pk, "lines-code": codes, "lines-qty": quantities, "client_id": str(uuid4()), **more}


def test_a_returned_order_is_changed_on_the_desk_and_submitted(client, world):
    order = place(world, 4, 2, po_number="A-1", note="soon")
    return_order(order.pk, reason="fewer of P1", actor=world.cast.hq_clerk)
    sign_in(client, world.dealer)
    page = text(client.get(at(order)))
    assert "fewer of P1" in page and "Submit again" in page and 'value="A-1"' in page and 'value="P1"' in page and "data-draft" not in page
    body = sent(world, ("P1", "3"), ("P3", "2"), po_number="A-2", note="soon", kind="regular", address="")
    for _time in range(2):  # a double click
        assert client.post(at(order), body).status_code == 302
    order.refresh_from_db()
    assert (order.status, order.gross, order.po_number) == ("in_review", D(500), "A-2")
    assert list(Line.unscoped.filter(order=order).order_by("no").values_list("product__code", "qty")) == [("P1", 3), ("P3", 2)]
    assert Request.unscoped.filter(subject_id=order.pk).count() == 2
    assert_sound()


def test_what_is_wrong_stands_at_its_line_and_nothing_typed_is_lost(client, world):
    order = place(world, 4)
    sign_in(client, world.dealer)
    assert "asked again" in text(client.get(at(order)))
    answer = client.post(at(order), sent(world, ("P1", "3"), ("NONE", "2"), po_number="mine"))
    page = text(answer, 422)
    assert "no product" in page and 'value="mine"' in page and 'value="NONE"' in page
    order.refresh_from_db()
    assert (order.status, order.gross) == ("in_review", D(400))
    assert client.post(at(order), sent(world, ("P1", "4"))).status_code == 422, "nothing was changed"


def test_a_sample_is_priced_as_a_sample(client, world):
    order = place(world, 4, kind="sample", note="fair", actor=world.cast.hq_clerk)
    assert order.status == "confirmed"
    cancel_order(order.pk, reason="no", actor=world.dealer)
    sign_in(client, world.cast.hq_clerk)
    page = text(client.get(reverse("order_new") + f"?again={order.pk}"))
    assert 'value="sample" selected' in page


def test_who_may_not_and_what_is_final(client, world):
    order = place(world, 4)
    for actor, status in ((world.cast.stranger, 404), (world.cast.hq_finance, 403), (world.cast.hq_clerk, 200)):
        sign_in(client, actor)
        assert client.get(at(order)).status_code == status
    approve_order(order.pk, actor=world.cast.hq_clerk)
    sign_in(client, world.dealer)
    answer = client.get(at(order))
    assert (answer.status_code, answer.url) == (302, order.get_absolute_url())
    assert client.post(at(order), sent(world, ("P1", "1"))).status_code == 302
    order.refresh_from_db()
    assert order.gross == D(400)


def test_the_inbox_signs_only_what_it_showed(client, world):
    order = place(world, 4)
    sign_in(client, world.cast.hq_clerk)
    seen = Request.unscoped.get(subject_id=order.pk).pk
    assert f'name="seen" value="{seen}"' in text(client.get(reverse("approvals")))
    assert f'name="seen" value="{order.pk}.{seen}"' in text(client.get(reverse("approvals_bulk")))
    sign_in(client, world.dealer)
    client.post(at(order), sent(world, ("P1", "50")))
    sign_in(client, world.cast.hq_clerk)
    answer = client.post(reverse("approval_approve", args=[order.pk]), {"seen": seen})
    assert "changed after you opened it" in text(answer, 409)
    order.refresh_from_db()
    assert (order.status, order.gross) == ("in_review", D(5000))
