"""Delivery addresses: kept by those who answer for an organisation, one default, each constraint violated once, pages and API."""

import json

import pytest
from django.db import IntegrityError, transaction
from django.test import RequestFactory
from django.urls import reverse

from qudao.base.access import Scope
from qudao.base.audit import timeline
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.network import actions, api
from qudao.network.models import Address
from qudao.network.queries import address_of, addresses
from qudao.network.rules import AddressFacts
from qudao.network.tests.conftest import actor_in
from qudao.network.tests.test_pages import call, text

pytestmark = pytest.mark.django_db

STORE = AddressFacts("王芳", "0571-8899", "杭州市西湖区文三路 1 号", label="总仓")
SHOP = AddressFacts("李雷", "138-0000", "杭州市余杭区西溪路 2 号")


def faults(error):
    return [(f.code, f.field) for f in error.value.faults]


def test_the_first_address_is_the_default_until_another_is(net):
    first = actions.add_address(net.d001.pk, STORE, actor=net.dealer)
    second = actions.add_address(net.d001.pk, SHOP, actor=net.dealer)
    assert [one.pk for one in addresses(net.dealer, net.d001.pk)] == [first.pk, second.pk]
    actions.make_address_default(second.pk, actor=net.dealer)
    actions.make_address_default(second.pk, actor=net.dealer)
    assert [one.pk for one in addresses(net.dealer, net.d001.pk)] == [second.pk, first.pk]
    assert [line.verb for line in timeline(actions.subject_of(net.d001))].count("network.address") == 3


def test_an_incomplete_address_is_refused_at_each_field(net):
    with pytest.raises(Invalid) as error:
        actions.add_address(net.d001.pk, AddressFacts(street=" ", area_code="33"), actor=net.dealer)
    assert [field for _code, field in faults(error)] == ["recipient", "phone", "street", "area_code"]
    with pytest.raises(Invalid) as error:
        actions.change_address(actions.add_address(net.d001.pk, STORE, actor=net.dealer).pk, AddressFacts("王芳"), actor=net.dealer)
    assert [field for _code, field in faults(error)] == ["phone", "street"]


def test_a_retired_address_is_offered_no_more_and_hands_the_default_on(net):
    first = actions.add_address(net.d001.pk, STORE, actor=net.dealer)
    second = actions.add_address(net.d001.pk, SHOP, actor=net.dealer)
    actions.retire_address(first.pk, actor=net.dealer)
    assert [(one.pk, one.is_default) for one in addresses(net.dealer, net.d001.pk)] == [(second.pk, True)]
    for act in (actions.retire_address, actions.make_address_default):
        with pytest.raises(Refused) as error:
            act(first.pk, actor=net.dealer)
        assert faults(error) == [("network.address_retired", "address")]


def test_addresses_are_kept_in_the_own_branch_and_seen_by_whoever_delivers(net):
    shop = actions.add_address(net.s001.pk, SHOP, actor=net.sub)
    assert actions.change_address(shop.pk, STORE, actor=net.dealer).label == "总仓"  # the seller above, who delivers
    assert address_of(net.hq, shop.pk) == shop
    with pytest.raises(NotFound):
        address_of(net.stranger, shop.pk)
    own = actions.add_address(net.d001.pk, STORE, actor=net.dealer)
    assert not addresses(net.sub, net.d001.pk).exists()
    with pytest.raises(NotFound):
        actions.change_address(own.pk, SHOP, actor=net.sub)
    with pytest.raises(Forbidden):  # the organisation above is known by name, not answered for
        actions.add_address(net.d001.pk, SHOP, actor=net.sub)
    with pytest.raises(Forbidden):
        actions.add_address(net.d001.pk, SHOP, actor=actor_in(net.d001, Scope.ORG, "network.view"))


@pytest.mark.parametrize(
    ("values", "constraint"),
    [
        ({"is_default": True}, "network_address_one_default"),
        ({"is_default": True, "active": False}, "network_address_default_in_use"),
        ({"street": ""}, "network_address_complete"),
    ],
)
def test_the_database_keeps_addresses_whole(net, values, constraint):
    actions.add_address(net.d001.pk, STORE, actor=net.dealer)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Address.unscoped.create(**{"organisation": net.d001, "recipient": "A", "phone": "1", "street": "B", **values})


def test_the_pages_add_change_and_retire(net):
    card = reverse("organisation", args=[net.d001.pk])
    answer = call(net.dealer, "post", reverse("organisation_address_new", args=[net.d001.pk]), vars(STORE))
    assert (answer.status_code, answer.url) == (302, card)
    one = addresses(net.dealer, net.d001.pk).get()
    assert "文三路" in text(call(net.dealer, "get", card)) and "文三路" in text(call(net.hq, "get", card))
    assert "文三路" not in text(call(net.sub, "get", card))
    assert call(net.dealer, "post", reverse("address_change", args=[one.pk]), vars(STORE) | {"phone": ""}).status_code == 422
    assert call(net.dealer, "post", reverse("address_change", args=[one.pk]), vars(SHOP)).url == card
    assert call(net.dealer, "post", reverse("address_default", args=[one.pk])).url == card
    assert call(net.dealer, "post", reverse("address_retirement", args=[one.pk])).url == card
    assert "西溪路" not in text(call(net.dealer, "get", card))


def test_the_api_keeps_addresses(net):
    def ask(function, *args, **body):
        request = RequestFactory().post("/", json.dumps(body), content_type="application/json")
        request.actor = net.dealer
        return function(request, *args, *([api.AddressIn(**body)] if body else []))

    made = json.loads(ask(api.add, net.d001.pk, **vars(STORE)).content)
    assert made["is_default"] and made["active"] and made["organisation_id"] == net.d001.pk
    assert [one["id"] for one in json.loads(ask(api.org_addresses, net.d001.pk).content)] == [made["id"]]
    assert json.loads(ask(api.change_one_address, made["id"], **vars(SHOP)).content)["recipient"] == "李雷"
    assert json.loads(ask(api.default, made["id"]).content)["is_default"]
    assert not json.loads(ask(api.retire, made["id"]).content)["active"]
    assert not json.loads(ask(api.one_address, made["id"]).content)["active"]
