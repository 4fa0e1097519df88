"""One among many is typed: who paid, by code, name or initials; only what the person may choose is ever offered or taken."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from qudao.agreements.tests.make import make_agreement
from qudao.base.html.picks import PickField
from qudao.base.outbox import drain
from qudao.base.tests.page_text import text
from qudao.network.queries import organisations
from qudao.network.tests.make import make_org
from qudao.payments.forms import partners_of
from qudao.payments.models import Payment
from qudao.payments.tests.test_pages import typed
from qudao.people.tests.make import sign_in

#: more dealers than a plain list shows
MANY = 13


@pytest.fixture
def many(world):
    """So many further dealers with an agreement, two of them of one name, and one of another brand's branch without."""
    lh = world.cast.lh
    made = [make_org("dealer", f"K{n:02d}", lh, name=f"康乐电器{n}号店") for n in range(MANY - 2)]
    made += [make_org("dealer", code, lh, name="双胞胎电器") for code in ("TW1", "TW2")]
    for one in made:
        make_agreement(lh, one)
    make_org("dealer", "K99", lh, name="康乐无协议")
    drain()  # the credit accounts of the agreements
    return made


def picks(client, actor, words, name="payment_new", field="partner"):
    sign_in(client, actor)
    return [one["value"] for one in client.get(reverse(name), {"pick": field, "q": words}).json()["results"]]


def test_what_fits_the_words_is_offered_best_first_to_who_may_choose_it(world, many, client):
    finance = world.cast.hq_finance
    assert picks(client, finance, "K03") == ["K03"]
    assert picks(client, finance, "kldq") == [f"K{n:02d}" for n in range(8)], "pinyin initials; the first eight"
    assert picks(client, finance, "康乐 5号") == ["K05"], "each word"
    assert "K99" not in picks(client, finance, "康乐无"), "no agreement, so no payment"
    assert picks(client, finance, "") == [] and picks(client, finance, "康乐", field="amount") == []
    assert picks(client, world.dealer, "K", name="payment_announcement") == [], "a dealer finds no other dealer"


@pytest.mark.parametrize("said", ["K03", "k03", "K03 康乐电器3号店", "康乐电器3号店", "id"])
def test_code_name_or_the_id_of_a_link_is_taken(world, many, client, said):
    k03 = many[3]
    sign_in(client, world.cast.hq_finance)
    done = client.post(reverse("payment_new"), typed(k03, "5") | {"partner": k03.pk if said == "id" else said})
    assert done.status_code == 302, text(done, done.status_code)
    assert Payment.unscoped.get().buyer_id == k03.pk


@pytest.mark.parametrize(("said", "answer"), [("NOBODY", "“NOBODY” is not known here"), ("双胞胎电器", "Several are called"), ("K99", "is not known here")])
def test_what_is_not_one_of_them_is_said_at_the_field_and_stays(world, many, client, said, answer):
    sign_in(client, world.cast.hq_finance)
    back = client.post(reverse("payment_new"), typed(many[0], "5") | {"partner": said})
    page = text(back, 422)
    assert answer in page and f'value="{said}"' in back.content.decode() and not Payment.unscoped.exists()


def test_a_link_with_an_id_shows_code_and_name(world, many, client):
    sign_in(client, world.cast.hq_finance)
    assert 'value="K03 康乐电器3号店"' in client.get(reverse("payment_new"), {"partner": many[3].pk}).content.decode()


def test_few_are_a_plain_list_and_the_work_does_not_grow(world, client, django_assert_max_num_queries):
    finance = world.cast.hq_finance
    field = PickField(label="x", among=lambda actor: partners_of(actor, "seller"), gives="code", required=False)
    field.begin(finance, "x")
    assert field.offered and "D001" in field.offered and field.clean("D001") == "D001" and field.clean("") == ""
    for n in range(MANY):
        make_agreement(world.cast.lh, make_org("dealer", f"M{n:02d}", world.cast.lh), valid_from=date(2026, 1, 1))
    typed_field = PickField(label="x", among=organisations, gives="pk")
    with django_assert_max_num_queries(2):
        typed_field.begin(finance, "x")
        assert [one["value"] for one in typed_field.suggest("m07")] == ["M07"]
    assert typed_field.offered is None
