"""Every place of a person's menu is a few letters away."""

from __future__ import annotations

import html

import pytest
from django.urls import reverse

from qudao.orders.tests.make import make_world
from qudao.people.tests.make import sign_in

pytestmark = pytest.mark.django_db
PALETTE = {"HX-Request": "true", "HX-Target": "palette-list"}


@pytest.mark.parametrize("who", ["hq_admin", "hq_warehouse", "dealer_admin"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_place_of_the_menu_is_found_by_its_name(client, who, language):
    sign_in(client, getattr(make_world().cast, who))
    client.cookies["qudao_language"] = language
    frame = client.get("/orders/").context["frame"]
    places = [(str(one["label"]), one["url"]) for section in frame.sections for one in section.get("_all", ())]
    assert len(places) > 10

    def offered(words):
        return html.unescape(client.get(reverse("search"), {"q": words}, headers=PALETTE).content.decode())

    everything = offered("")
    for label, url in places:
        assert f'href="{url}"' in everything, url
        assert f'href="{url}"' in offered(label), label
