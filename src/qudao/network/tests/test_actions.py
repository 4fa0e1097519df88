"""Every change of an organisation: success, refusal, log, facts, and each constraint violated once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from qudao.base.access import Scope
from qudao.base.audit import timeline
from qudao.base.invariants import offending
from qudao.base.models import Event
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.network import actions, queries
from qudao.network.invariants import CHECKS
from qudao.network.models import FormerPlace, Organisation
from qudao.network.rules import OrgFacts
from qudao.network.tests.conftest import actor_in
from qudao.network.tests.make import make_org

pytestmark = pytest.mark.django_db


def faults(error):
    return [(f.code, f.field) for f in error.value.faults]


def test_a_registered_organisation_stands_on_the_path_of_its_parent(net):
    org = actions.register_organisation("outlet", OrgFacts(code=" s009 ", name="九店"), net.s001.pk, actor=net.dealer)
    org.refresh_from_db()
    assert org.code == "S009"
    assert org.path == f"{net.s001.path}{org.pk}/"
    assert org.tier == 3
    assert [line.verb for line in timeline(actions.subject_of(org))] == ["network.register"]
    event = Event.unscoped.get(name="network.OrganisationRegistered", subject_id=org.pk)
    assert event.payload == {"organisation_id": org.pk, "kind": "outlet"}


def test_registering_refuses_what_is_wrong_at_its_field(net):
    with pytest.raises(Invalid) as error:
        actions.register_organisation("region", OrgFacts(code="R1", name="", tax_no="91110000600037342L"), net.d001.pk, actor=net.hq)
    assert faults(error) == [("network.name_missing", "name"), ("network.tax_no", "tax_no"), ("network.parent_kind", "parent")]
    with pytest.raises(Invalid) as error:
        actions.register_organisation("dealer", OrgFacts(code="d001", name="又一个"), net.lh.pk, actor=net.hq)
    assert faults(error) == [("network.code_taken", "code")]


def test_registering_happens_only_in_the_own_branch(net):
    with pytest.raises(Forbidden):  # the seller is visible, but not under the dealer
        actions.register_organisation("dealer", OrgFacts(code="X", name="X"), net.lh.pk, actor=net.dealer)
    with pytest.raises(NotFound):
        actions.register_organisation("dealer", OrgFacts(code="X", name="X"), net.d002.pk, actor=net.dealer)
    with pytest.raises(Forbidden):
        actions.register_organisation("dealer", OrgFacts(code="X", name="X"), net.d001.pk, actor=actor_in(net.d001, Scope.BRANCH, "network.view"))


def test_registering_twice_with_one_client_id_makes_one(net):
    key = "6f1c2f1e-6a56-4a52-9a44-4d3b9f7c1a11"
    first = actions.register_organisation("dealer", OrgFacts(code="X1", name="X"), net.lh.pk, actor=net.hq, client_id=key)
    assert actions.register_organisation("dealer", OrgFacts(code="X1", name="X"), net.lh.pk, actor=net.hq, client_id=key) == first


def test_a_change_is_logged_with_before_and_after(net):
    facts = OrgFacts(code="D001", name="湖畔电器", currency="CNY", phone="0571-1")
    org = actions.change_organisation(net.d001.pk, facts, actor=net.hq)
    assert (org.name, org.phone, org.name_en) == ("湖畔电器", "0571-1", "")
    line = timeline(actions.subject_of(org)).last()
    assert line.detail["name"] == ["杭州湖畔家电", "湖畔电器"]
    assert "code" not in line.detail


def test_an_organisation_changes_only_how_to_reach_it(net):
    known = OrgFacts(code="D001", name="杭州湖畔家电", name_en="Hangzhou Lakeside")
    assert actions.change_organisation(net.d001.pk, OrgFacts(**{**vars(known), "phone": "1"}), actor=net.dealer).phone == "1"
    with pytest.raises(Refused) as error:
        actions.change_organisation(net.d001.pk, OrgFacts(**{**vars(known), "phone": "1", "name": "别的"}), actor=net.dealer)
    assert faults(error) == [("network.own_field", "name")]
    assert actions.change_organisation(net.s001.pk, OrgFacts(code="S001", name="新名"), actor=net.dealer).name == "新名"


def test_a_change_refuses_a_taken_code_and_a_foreign_organisation(net):
    with pytest.raises(Invalid, match="code_taken"):
        actions.change_organisation(net.s001.pk, OrgFacts(code="d002", name="x"), actor=net.hq)
    with pytest.raises(NotFound):
        actions.change_organisation(net.d002.pk, OrgFacts(code="D002", name="x"), actor=net.dealer)


def test_moving_a_branch_rewrites_all_paths_in_one_statement(net, django_assert_num_queries):
    shop = make_org("outlet", "S010", net.s001)
    supplier = make_org("supplier", "V010", net.s001)
    # lock tree, see org (1) and verb (1), see parent (2), where it stood (2), UPDATE, log, outbox; savepoint pair
    with django_assert_num_queries(11):
        moved = actions.move_organisation(net.s001.pk, net.lh.pk, "直营", actor=net.hq)
    for org in (shop, supplier):
        org.refresh_from_db()
    net.s001.refresh_from_db()
    assert (net.s001.path, net.s001.tier, net.s001.parent_id) == (f"{net.lh.path}{net.s001.pk}/", 1, net.lh.pk)
    assert (shop.path, shop.tier, shop.parent_id) == (f"{net.s001.path}{shop.pk}/", 2, net.s001.pk)
    assert (supplier.path, supplier.tier) == (f"{net.s001.path}{supplier.pk}/", 0)
    assert (moved.path, moved.tier) == (net.s001.path, net.s001.tier)
    assert not offending(CHECKS[0])[0]
    assert Event.unscoped.get(name="network.OrganisationMoved").payload["path"] == net.s001.path


def test_moving_refuses_below_itself_without_reason_and_the_own_organisation(net):
    with pytest.raises(Refused, match="parent_below"):
        actions.move_organisation(net.d001.pk, net.s001.pk, "x", actor=net.hq)
    with pytest.raises(Invalid, match="reason_missing"):
        actions.move_organisation(net.s001.pk, net.d002.pk, " ", actor=net.hq)
    with pytest.raises(Refused, match="own_organisation"):
        actions.move_organisation(net.d001.pk, net.d001.pk, "x", actor=net.dealer)
    with pytest.raises(NotFound):
        actions.move_organisation(net.s001.pk, net.d002.pk, "x", actor=net.dealer)


def test_a_suspended_organisation_can_be_resumed(net):
    org = actions.suspend_organisation(net.d001.pk, "欠款", actor=net.hq)
    assert org.state == "suspended"
    with pytest.raises(Refused, match=r"network\.state"):
        actions.suspend_organisation(net.d001.pk, "欠款", actor=net.hq)
    assert actions.resume_organisation(net.d001.pk, actor=net.hq).state == "active"
    lines = [(line.before, line.after, line.reason) for line in timeline(actions.subject_of(org))]
    assert lines[1:] == [("active", "suspended", "欠款"), ("suspended", "active", "")]
    assert Event.unscoped.filter(name="network.OrganisationStateChanged").count() == 2


def test_nobody_suspends_himself_or_a_stranger(net):
    with pytest.raises(Refused, match="own_organisation"):
        actions.suspend_organisation(net.d001.pk, "x", actor=net.dealer)
    with pytest.raises(Forbidden):
        actions.suspend_organisation(net.lh.pk, "x", actor=net.dealer)
    with pytest.raises(NotFound):
        actions.suspend_organisation(net.d002.pk, "x", actor=net.dealer)
    with pytest.raises(Invalid, match="reason_missing"):
        actions.suspend_organisation(net.s001.pk, "", actor=net.dealer)
    with pytest.raises(Refused, match=r"network\.state"):
        actions.resume_organisation(net.s001.pk, actor=net.dealer)


def test_closing_asks_that_everything_below_is_closed(net):
    with pytest.raises(Refused, match="has_open_below"):
        actions.close_organisation(net.d001.pk, "退出", actor=net.hq)
    actions.close_organisation(net.s001.pk, "退出", actor=net.hq)
    assert actions.close_organisation(net.d001.pk, "退出", actor=net.hq).state == "closed"
    with pytest.raises(Refused, match="parent_closed"):
        make_org("outlet", "S011", net.d001)
    assert not any(offending(check)[0] for check in CHECKS)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"code": "d002"}, "network_organisation_code_unique"),
        ({"kind": "club"}, "network_organisation_kind_known"),
        ({"state": "asleep"}, "network_organisation_state_known"),
        ({"parent": None}, "network_organisation_parent_by_kind"),
        ({"path": "/1/2/3"}, "network_organisation_path_ends_in_id"),
        ({"name": ""}, "network_organisation_code_name_present"),
        ({"currency": "cny"}, "network_organisation_currency_iso"),
        ({"gs1_prefix": "690"}, "network_organisation_gs1_prefix_digits"),
    ],
)
def test_the_database_refuses(net, changes, name):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        Organisation.unscoped.filter(pk=net.d001.pk).update(**changes)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_each_invariant_finds_its_planted_fault(net, check):
    assert offending(check)[0] == 0
    with connection.cursor() as cursor:
        cursor.execute(check.plant)
    assert offending(check)[0] > 0


def test_who_was_under_whom_on_a_day_is_known_after_moves(net):
    first = datetime(2026, 3, 2, 4, tzinfo=UTC)
    with clock.freeze(first):
        region = actions.register_organisation("region", OrgFacts(code="R7", name="七区"), net.hq.org_id, actor=net.hq)
        other = actions.register_organisation("region", OrgFacts(code="R8", name="八区"), net.hq.org_id, actor=net.hq)
        dealer = actions.register_organisation("dealer", OrgFacts(code="D7", name="七商"), region.pk, actor=net.hq)
        shop = actions.register_organisation("outlet", OrgFacts(code="S7", name="七店"), dealer.pk, actor=net.hq)
    for day, parent in ((10, other), (10, region), (20, other)):
        with clock.freeze(first + timedelta(days=day)):
            actions.move_organisation(dealer.pk, parent.pk, "regions were cut anew", actor=net.hq)

    def above(org, day):
        return [one.code for one in queries.line_above_on(net.hq, Organisation.unscoped.get(pk=org.pk), day)]

    def below(org, day):
        return [one.code for one in queries.directly_below_on(net.hq, org, day)]

    assert above(shop, date(2026, 3, 2))[1:] == ["R7", "D7"] and above(shop, date(2026, 3, 21))[1:] == ["R7", "D7"]
    assert above(shop, date(2026, 3, 22))[1:] == ["R8", "D7"] and above(shop, clock.today())[1:] == ["R8", "D7"]
    assert below(region, date(2026, 3, 21)) == ["D7"] and below(region, date(2026, 3, 22)) == []
    assert below(other, date(2026, 3, 22)) == ["D7"] and below(other, date(2026, 3, 12)) == []
    assert below(region, date(2026, 3, 1)) == above(dealer, date(2026, 3, 1)) == []  # before anybody was registered
    assert [(one.above.code, one.since, one.until) for one in queries.former_places(net.hq, dealer)] == [
        ("R7", date(2026, 3, 12), date(2026, 3, 22)), ("R8", date(2026, 3, 12), date(2026, 3, 12)), ("R7", date(2026, 3, 2), date(2026, 3, 12)),
    ]  # fmt: skip
    dealer.refresh_from_db()
    assert queries.former_places(actor_in(dealer, Scope.BRANCH), dealer)[0].above is None  # whose branch it was in is nobody's to see now
    assert not any(offending(check)[0] for check in CHECKS)


def test_where_an_organisation_stood_never_overlaps(net):
    place = {"organisation": net.s001, "parent": net.d001, "since": date(2026, 1, 1)}
    FormerPlace.unscoped.create(**place, until=date(2026, 2, 1))
    for until in (date(2026, 1, 15), date(2025, 12, 31)):
        with pytest.raises(IntegrityError), transaction.atomic():
            FormerPlace.unscoped.create(**place, until=until)
