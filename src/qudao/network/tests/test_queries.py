"""Who sees what of the network, and the cards other modules read."""

import pytest

from qudao.base.access import Scope, visible
from qudao.kernel.errors import Forbidden, NotFound
from qudao.network import queries
from qudao.network.models import Organisation
from qudao.network.tests.conftest import actor_in

pytestmark = pytest.mark.django_db


def codes(rows):
    return sorted(org.code for org in rows)


def test_everybody_sees_the_line_above_and_the_own_branch_never_siblings(net):
    assert codes(queries.organisations(net.hq)) == ["D001", "D002", "LH", "S001"]
    assert codes(queries.organisations(net.dealer)) == ["D001", "LH", "S001"]
    assert codes(queries.organisations(net.stranger)) == ["D002", "LH"]
    assert codes(queries.organisations(net.sub)) == ["D001", "LH", "S001"]
    assert codes(queries.organisations(actor_in(net.d001, Scope.ORG))) == ["D001", "LH"]


def test_changing_reaches_the_own_branch_only(net):
    assert codes(visible(net.dealer, Organisation, "network.change")) == ["D001", "S001"]
    assert codes(visible(net.sub, Organisation, "network.change")) == ["S001"]
    assert codes(visible(net.hq, Organisation, "network.change")) == ["D001", "D002", "LH", "S001"]


def test_a_sibling_does_not_exist_and_the_seller_cannot_be_changed(net):
    with pytest.raises(NotFound):
        queries.organisation(net.dealer, net.d002.pk)
    with pytest.raises(Forbidden):
        queries.organisation(net.dealer, net.lh.pk, "network.change")
    with pytest.raises(Forbidden):
        queries.organisations(actor_in(net.d001, Scope.ALL, "people.view"))


def test_of_the_line_above_only_names_are_known(net):
    assert queries.knows_fully(net.hq, net.s001.path)
    assert queries.knows_fully(net.dealer, net.s001.path)
    assert not queries.knows_fully(net.dealer, net.lh.path)
    assert not queries.knows_fully(net.sub, net.d001.path)
    assert [org.code for org in queries.line_above(net.sub, net.s001)] == ["LH", "D001"]
    assert codes(queries.directly_below(net.dealer, net.d001)) == ["S001"]


def test_cards_come_in_one_statement(net, django_assert_num_queries):
    with django_assert_num_queries(1):
        cards = queries.unscoped_cards([net.d001.pk, net.lh.pk, 0])
    assert set(cards) == {net.d001.pk, net.lh.pk}
    card = cards[net.d001.pk]
    assert (card.code, card.kind, card.tier, card.active, card.path) == ("D001", "dealer", 1, True, net.d001.path)
    assert (card.name_in("en"), card.name_in("zh-hans")) == ("Hangzhou Lakeside", "杭州湖畔家电")
    with django_assert_num_queries(0):
        assert queries.unscoped_cards([]) == {}
    assert queries.unscoped_cards_by_code([" d001", "nobody"])["D001"].id == net.d001.pk
