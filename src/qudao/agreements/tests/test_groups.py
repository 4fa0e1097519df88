"""Groups of buyers and the channel of an agreement: actions, pages, API, file."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.agreements import actions, queries
from qudao.agreements.models import Group, GroupMember
from qudao.agreements.rules import GroupDraft, overlaps
from qudao.agreements.tests.make import START, make_agreement, make_group
from qudao.approvals.tests.make import Api
from qudao.base.access import system_actor
from qudao.base.import_runs import Told, begin_import, run_import, undo_import, undoing_of
from qudao.kernel import clock
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.tests.make import sign_in

SYSTEM, ON, DAY = system_actor(), date(2026, 6, 15), timedelta(days=1)


def test_two_spans_overlap_when_they_share_a_day():
    assert overlaps((START, None), (ON, ON)) and overlaps((START, ON), (ON, None))
    assert not overlaps((START, ON), (ON + DAY, None)) and not overlaps((ON + DAY, ON + DAY), (START, ON))


def test_a_buyer_comes_into_a_group_and_leaves_it(cast):
    group = make_group(cast.lh, "GOLD", cast.d001)
    first = actions.add_members(group.pk, {cast.d001.pk: (ON, None), cast.d002.pk: (ON, None)}, actor=cast.hq_admin)
    assert [one.buyer_id for one in first] == [cast.d001.pk, cast.d002.pk] and GroupMember.unscoped.count() == 2  # who is in it stays
    with pytest.raises(Refused) as error:
        actions.add_members(group.pk, {cast.d002.pk: (START, ON)}, actor=SYSTEM)
    assert error.value.faults[0].code == "agreements.member_already"
    with pytest.raises(Invalid):
        actions.add_members(group.pk, {cast.s001.pk: (ON, START)}, actor=SYSTEM)
    actions.end_membership(first[0].pk, ON, actor=cast.hq_admin)
    assert [one.buyer.code for one in queries.members(SYSTEM, group.pk, on=ON)] == ["D001", "D002"]
    assert [one.buyer.code for one in queries.members(SYSTEM, group.pk, on=ON + DAY)] == ["D002"]
    with pytest.raises(Refused) as error:
        actions.end_membership(first[0].pk, ON, actor=SYSTEM)
    assert error.value.faults[0].code == "agreements.member_left"
    actions.end_membership(first[1].pk, ON - DAY, actor=SYSTEM)  # it would only have begun
    assert GroupMember.unscoped.count() == 1
    actions.remove_members([first[0].pk], actor=SYSTEM)
    assert not GroupMember.unscoped.exists()


def test_a_group_is_its_owners_own_affair(cast):
    group = make_group(cast.lh, "GOLD", cast.d001)
    member = GroupMember.unscoped.get()
    assert queries.groups(cast.hq_clerk).get() == group
    assert not queries.groups(cast.dealer_admin).exists() and not queries.members(cast.dealer_admin).exists()
    for call in (
        lambda: actions.change_group(group.pk, GroupDraft("X", "x"), actor=cast.dealer_admin),
        lambda: actions.end_membership(member.pk, ON, actor=cast.dealer_admin),
        lambda: actions.remove_members([member.pk], actor=cast.dealer_admin),
        lambda: actions.add_members(group.pk, {cast.s001.pk: (ON, None)}, actor=cast.dealer_admin),
    ):
        with pytest.raises(NotFound):
            call()
    with pytest.raises(Forbidden):
        actions.create_group(cast.lh.pk, GroupDraft("X", "x"), actor=cast.hq_clerk)
    own = actions.create_group(cast.d001.pk, GroupDraft("X", "x"), actor=cast.dealer_admin)
    with pytest.raises(NotFound):  # a buyer of somebody else is not seen
        actions.add_members(own.pk, {cast.d002.pk: (ON, None)}, actor=cast.dealer_admin)


def test_codes_are_unique_and_names_needed(cast):
    group = make_group(cast.lh, "GOLD")
    for draft, code in ((GroupDraft("GOLD", "x"), "agreements.group_taken"), (GroupDraft("", "x"), "agreements.group_incomplete")):
        with pytest.raises(Invalid) as error:
            actions.create_group(cast.lh.pk, draft, actor=SYSTEM)
        assert error.value.faults[0].code == code
    assert actions.change_group(group.pk, GroupDraft("GOLD", "金牌", "Gold"), actor=cast.hq_admin).name_en == "Gold"


BROKEN = {
    "agreements_group_owner_code_unique": lambda g, m: Group(owner=g.owner, code=g.code, name="x"),
    "agreements_group_code_name_present": lambda g, m: Group(owner=g.owner, code="", name="x"),
    "agreements_groupmember_valid_from_to_ordered": lambda g, m: GroupMember(group=g, buyer=g.owner, valid_from=ON, valid_to=START),
    "agreements_groupmember_no_overlap": lambda g, m: GroupMember(group=g, buyer=m.buyer, valid_from=ON),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_constraint_holds(cast, name):
    group = make_group(cast.lh, "GOLD", cast.d001)
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        BROKEN[name](group, GroupMember.unscoped.get()).save(force_insert=True)


def test_every_constraint_is_broken_above():
    assert {c.name for model in (Group, GroupMember) for c in model._meta.constraints} == set(BROKEN)


def test_the_channel_of_an_agreement_may_change_while_it_lives(cast):
    agreement = make_agreement(cast.lh, cast.d001, channel=" Key  Account ")
    assert agreement.channel == "key account"
    assert actions.set_channel(agreement.pk, "Online", actor=cast.hq_admin).channel == "online"
    with pytest.raises(Forbidden):
        actions.set_channel(agreement.pk, "x", actor=cast.dealer_admin)
    actions.end_agreement(agreement.pk, "exit", actor=SYSTEM)
    with pytest.raises(Refused):
        actions.set_channel(agreement.pk, "x", actor=SYSTEM)


def test_groups_live_through_the_forms(client, cast, django_assert_max_num_queries):
    agreement = make_agreement(cast.lh, cast.d001)
    hq = sign_in(client, cast.hq_admin)
    assert hq.post(reverse("buyer_group_new"), {"code": "GOLD", "name": "金牌"}).status_code == 302
    group = Group.unscoped.get()
    to = {name: reverse(f"buyer_group_{name}", args=[group.pk]) for name in ("change", "members")}
    for address in (*to.values(), reverse("buyer_groups"), reverse("group_members"), reverse("buyer_group_new"), group.get_absolute_url()):
        with django_assert_max_num_queries(15):
            assert hq.get(address).status_code == 200
    assert hq.post(to["change"], {"code": "GOLD", "name": "金牌经销商"}).status_code == 302
    bad = hq.post(to["members"], {"buyers": "D001 NOPE", "valid_from": "2026-01-01"})
    assert bad.status_code == 422 and "NOPE" in bad.content.decode()
    assert hq.post(to["members"], {"buyers": "d001，D002", "valid_from": "2026-01-01"}).status_code == 302
    page = hq.get(group.get_absolute_url()).content.decode()
    assert "D001" in page and "D002" in page and "金牌经销商" in page
    member = GroupMember.unscoped.get(buyer=cast.d001)
    at = reverse("group_member_end", args=[member.pk])
    assert hq.get(at).status_code == 200 and hq.post(at, {"last_day": str(clock.today())}).status_code == 302
    at = reverse("agreement_channel", args=[agreement.pk])
    assert hq.get(at).status_code == 200 and hq.post(at, {"channel": "Online"}).status_code == 302
    assert "online" in hq.get(agreement.get_absolute_url()).content.decode()
    assert sign_in(client, cast.dealer_admin).get(group.get_absolute_url()).status_code == 404


def test_groups_over_the_api(cast):
    hq, dealer = Api(cast.hq_admin), Api(cast.dealer_admin)
    status, made = hq("post", "/buyer-groups", {"code": "GOLD", "name": "金牌"})
    at = f"/buyer-groups/{made['id']}"
    assert status == 201 and hq("put", at, {"code": "GOLD", "name": "金"})[1]["name"] == "金"
    status, (member,) = hq("post", f"{at}/members", {"buyer_ids": [cast.d001.pk], "valid_from": "2026-01-01"})
    assert status == 201
    assert [one["buyer_code"] for one in hq("get", f"{at}/members?on=2026-06-01")[1]["items"]] == ["D001"]
    assert [one["code"] for one in hq("get", "/buyer-groups")[1]] == ["GOLD"] and hq("get", at)[0] == 200
    assert dealer("get", at)[0] == dealer("get", f"{at}/members")[0] == dealer("post", f"/group-members/{member}/end", {"last_day": "2026-02-01"})[0] == 404
    assert hq("post", f"/group-members/{member}/end", {"last_day": "2026-02-01"})[0] == 200
    agreement = make_agreement(cast.lh, cast.d001)
    assert hq("post", f"/agreements/{agreement.pk}/channel", {"channel": "KA"})[1]["channel"] == "ka"


def test_members_come_from_a_file_and_go_back(cast, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    group = make_group(cast.lh, "GOLD", cast.d002)
    sheet = "客户组,客户编码,生效日期\nGOLD,D001,2026-03-01\nGOLD,D002,\nGOLD,NOPE,\nNONE,D001,\n"
    run = run_import(
        begin_import("agreements.members", ContentFile(sheet.encode(), "m.csv"), actor=cast.hq_admin).pk, Told(skip_wrong=True), actor=cast.hq_admin
    )
    assert (run.made, run.same) == (1, 1)
    assert [one.buyer.code for one in queries.members(SYSTEM, group.pk)] == ["D001", "D002"]
    assert undoing_of(run, cast.hq_admin)
    undo_import(run.pk, actor=cast.hq_admin)
    assert [one.buyer.code for one in queries.members(SYSTEM, group.pk)] == ["D002"]
