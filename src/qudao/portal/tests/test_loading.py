"""The line about the loading of the demo: there while it loads, gone when it is over, and never asked for where there is no demo."""

import pytest
from django.test import Client

from qudao.base.outbox import beat
from qudao.orders.tests.make import make_world
from qudao.people.tests.make import sign_in
from qudao.portal.pages import loading

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def unheard(monkeypatch, settings):
    """Each test finds a process that has not asked yet, and asks at each visit."""
    settings.DEMO = True
    monkeypatch.setattr(loading, "FRESH", 0.0)
    for name, value in (("detail", None), ("at", 0.0), ("over", False)):
        monkeypatch.setattr(loading._Known, name, value)


@pytest.fixture
def home():
    client = Client()
    sign_in(client, make_world().cast.hq_clerk)

    def visit(language="en"):
        client.cookies["qudao_language"] = language
        return client.get("/").content.decode()

    return visit


def told(**news):
    beat("demo", **{"size": "full", "last": "2026-11-21", "stage": 2, "done": 2310, "total": 8400, "left": 118.0, **news})


def test_home_says_how_far_the_loading_is_in_both_languages(home):
    told()
    assert "The rest of the demo is being loaded: 2,310 of 8,400 orders, about 2 min left." in home()
    assert "已完成 2,310 / 8,400 张订单，大约还需 2 分钟" in home("zh-hans")


def test_the_line_is_gone_when_the_demo_is_complete_and_nobody_asks_again(home, django_assert_num_queries):
    told(done=8400)
    assert 'id="loading"' not in home()
    with django_assert_num_queries(0):
        assert loading.sentence() == ""


@pytest.mark.parametrize("news", [{"stage": 1}, None])
def test_before_the_second_stage_there_is_no_line(news, home):
    if news:
        told(**news)
    assert 'id="loading"' not in home()


def test_an_installation_without_a_demo_never_asks(settings, django_assert_num_queries):
    settings.DEMO = False
    told()
    with django_assert_num_queries(0):
        assert loading.sentence() == ""


def test_an_answer_is_used_for_some_seconds(monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(loading, "FRESH", 60.0)
    monkeypatch.setattr(loading._Known, "at", -1e9)
    told()
    with django_assert_num_queries(1):
        assert loading.sentence() == loading.sentence() != ""
