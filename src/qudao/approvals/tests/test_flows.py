"""Flows: drafted, published, superseded, and never changed once they were in use; by page and action."""

from decimal import Decimal
from importlib import import_module

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from qudao.approvals import actions, queries
from qudao.approvals.models import Flow, Node, Version
from qudao.approvals.rules import Branch, FlowDraft, RuleDraft, Step, When, branches_of
from qudao.approvals.tests.make import KIND, document, make_rule, open_for, sign
from qudao.base.access import system_actor
from qudao.base.audit import timeline
from qudao.base.db import run
from qudao.base.subject import Subject
from qudao.base.tests.page_text import text
from qudao.kernel.errors import Forbidden, Invalid, NotFound, Refused
from qudao.people.queries import unscoped_system_role
from qudao.people.tests.make import sign_in

SYSTEM = system_actor()


def code(error):
    return error.value.faults[0].code


def a_draft(role="hq_clerk", amount="100", **when):
    return FlowDraft(KIND, "Orders", (Branch("Big", When(Decimal(amount), **when), (Step(unscoped_system_role(role)),)),))


def states(flow):
    return list(Version.unscoped.filter(flow=flow).order_by("no").values_list("no", "state"))


def test_a_request_goes_on_by_the_version_it_was_opened_under(cast):
    flow = actions.save_draft(cast.lh.pk, a_draft(), actor=cast.hq_admin)
    with pytest.raises(ValueError, match="asks for nothing"):
        open_for(document(cast.lh, cast.d001), cast.dealer)  # a draft asks nobody
    first = actions.publish_flow(flow.pk, actor=cast.hq_admin)
    old = open_for(document(cast.lh, cast.d001), cast.dealer)
    actions.save_draft(cast.lh.pk, a_draft("hq_finance"), actor=cast.hq_admin)
    second = actions.publish_flow(flow.pk, actor=cast.hq_admin)
    new = open_for(document(cast.lh, cast.d001, 43), cast.dealer)
    assert (old.version_id, new.version_id, states(flow)) == (first.pk, second.pk, [(1, "superseded"), (2, "published")])
    assert (old.facts, new.amount) == ({"amount": "1000"}, 1000)
    assert [(n.role.code, n.branch, n.amount_from) for n in Node.unscoped.order_by("pk")] == [("hq_clerk", "Big", 100), ("hq_finance", "Big", 100)]
    assert sign(old.subject, cast.hq_clerk).state == "approved"
    told = timeline(Subject("approvals.flow", flow.pk)).last()
    assert (told.after, told.detail["version"]) == ("published", 2)


def test_what_was_published_stays_as_it_is(cast):
    version = make_rule(cast.lh, "hq_clerk")
    for change in ({"branches": []}, {"min_amount": 5}, {"state": "draft", "published_at": None}, {"no": 9}):
        with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
            Version.unscoped.filter(pk=version.pk).update(**change)
    with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
        Version.unscoped.filter(pk=version.pk).delete()
    actions.retire_flow(version.flow_id, actor=SYSTEM)
    with pytest.raises(IntegrityError, match="stays as it is"), transaction.atomic():
        Version.unscoped.filter(pk=version.pk).update(state="published", ended_at=None)


def test_a_rule_is_one_more_branch_at_once_and_a_draft_gets_it_too(cast):
    make_rule(cast.lh, "hq_clerk", "100", actor=cast.hq_admin)
    flow = actions.save_draft(cast.lh.pk, a_draft("hq_finance", "900"), actor=cast.hq_admin)
    made = make_rule(cast.lh, "hq_admin", "200", 2, actor=cast.hq_admin)
    assert (made.no, len(branches_of(made.branches)), made.min_amount) == (2, 2, 100)
    (drafted,) = Version.unscoped.filter(flow=flow, state="draft")
    assert [one.when.amount_from for one in branches_of(drafted.branches)] == [900, 200]
    with pytest.raises(Refused) as error:
        make_rule(cast.lh, "hq_admin", "200", 2)
    assert code(error) == "approvals.rule_exists"


def test_flows_are_refused(cast):
    with pytest.raises(Invalid) as error:
        actions.add_rule(cast.lh.pk, RuleDraft(KIND, 0, Decimal(-1)), actor=SYSTEM)
    assert {fault.field for fault in error.value.faults} == {"min_amount", "role_id"}
    with pytest.raises(Invalid):
        actions.save_draft(cast.lh.pk, FlowDraft(" ", ""), actor=SYSTEM)
    flow = actions.save_draft(cast.lh.pk, FlowDraft(KIND, ""), actor=cast.hq_admin)
    for act, refusal in ((actions.publish_flow, "approvals.flow_empty"), (actions.retire_flow, "approvals.flow_retired")):
        with pytest.raises(Refused) as error:
            act(flow.pk, actor=cast.hq_admin)
        assert code(error) == refusal
    assert states(actions.discard_draft(flow.pk, actor=cast.hq_admin)) == []
    for act in (actions.publish_flow, actions.discard_draft):
        with pytest.raises(Refused) as error:
            act(flow.pk, actor=cast.hq_admin)
        assert code(error) == "approvals.no_draft"
    for owner, actor in ((cast.lh, cast.dealer_admin), (cast.d001, cast.hq_admin), (cast.d001, cast.dealer)):
        with pytest.raises(Forbidden):
            actions.save_draft(owner.pk, a_draft(), actor=actor)
    with pytest.raises(NotFound):
        actions.publish_flow(flow.pk, actor=cast.dealer_admin)


def test_a_flow_is_drawn_published_and_retired_on_pages(client, cast, monkeypatch):
    monkeypatch.setattr(queries, "KNOWN", {"categories": lambda house, codes: set(codes) - {"wine"}, "groups": lambda house, codes: set(codes)})
    hq, clerk, warehouse = sign_in(client, cast.hq_admin), unscoped_system_role("hq_clerk"), unscoped_system_role("hq_finance")
    assert "Add a rule to let somebody sign" in text(hq.get(reverse("approval_flows")))
    assert hq.post(reverse("approval_flow_new"), {"kind": KIND, "name": "Our orders"}).status_code == 302
    flow = Flow.unscoped.get()
    at = {name: reverse(f"approval_flow_{name}", args=[flow.pk]) for name in ("publication", "discard", "retirement")}
    assert "No branch yet" in text(hq.get(flow.get_absolute_url()))
    new = reverse("approval_branch", args=[flow.pk, 0])
    form = {
        "name": "Cheap",
        "amount_from": "100",
        "amount_to": "50",
        "types": ["sample"],
        "first": "yes",
        "categories": "tea, juice",
        "tiers": "1,2",
        "groups": "VIP",
    }
    assert hq.post(new, form).status_code == 422
    assert hq.post(new, {**form, "tiers": "x"}).status_code == 422
    unknown = hq.post(new, {**form, "amount_to": "500", "categories": "tea, wine"})
    assert (unknown.status_code, "No document can be this: wine." in unknown.content.decode()) == (422, True)
    assert hq.post(new, {**form, "amount_to": "500", "discount_from": "5", "credit": "hold"}).status_code == 302
    step = reverse("approval_step", args=[flow.pk, 1, 0])
    assert hq.post(step, {"who": "role", "mode": "any", "role_id": clerk, "position": "1"}).status_code == 302
    assert hq.post(step, {"who": "role", "mode": "any", "role_id": warehouse, "position": "2", "remind_hours": "4"}).status_code == 302
    page = text(hq.get(flow.get_absolute_url()))
    for words in (
        "from 100.00 to below 500.00",
        "Sample",
        "discount of 5 % or more",
        "first order of the buyer",
        "product lines tea, juice",
        "tier 1, 2",
        "group VIP",
    ):
        assert words in page
    assert "2. Finance clerk · reminded after 4 h" in page
    change = reverse("approval_branch", args=[flow.pk, 1])
    assert "tea, juice" in hq.get(change).content.decode()
    assert hq.post(change, {"amount_from": "0", "first": "no"}).status_code == 302
    assert hq.post(reverse("approval_step", args=[flow.pk, 1, 2]), {"who": "role", "mode": "any", "role_id": warehouse, "position": "3"}).status_code == 302
    assert hq.post(reverse("approval_step_removal", args=[flow.pk, 1, 1])).status_code == 302
    assert "not the first order" in text(hq.get(flow.get_absolute_url()))
    assert "What already waits goes on" in text(hq.get(at["publication"])) and hq.post(at["publication"]).status_code == 302
    (branch,) = branches_of(Version.unscoped.get(state="published").branches)
    assert branch == Branch("", When(first=False), (Step(warehouse, 3),))
    assert hq.post(reverse("approval_branch_removal", args=[flow.pk, 1])).status_code == 302  # the draft begins with what is in use
    assert states(flow) == [(1, "published"), (2, "draft")]
    assert hq.get(reverse("approval_branch", args=[flow.pk, 1])).status_code == 409
    assert hq.post(at["discard"]).status_code == 302 and hq.post(at["retirement"]).status_code == 302
    assert states(flow) == [(1, "superseded")] and "Not in use" in text(hq.get(reverse("approval_flows")))


def test_a_rule_is_added_on_its_page(client, cast):
    hq = sign_in(client, cast.hq_admin)
    form = {"kind": KIND, "min_amount": "100", "position": "1", "role_id": unscoped_system_role("hq_clerk")}
    assert "Order clerk" in text(hq.get(reverse("approval_rule_new")))
    assert hq.post(reverse("approval_rule_new"), form).status_code == 302
    assert hq.post(reverse("approval_rule_new"), form).status_code == 409
    assert "from 100.00" in text(hq.get(Flow.unscoped.get().get_absolute_url()))


def test_publishing_warns_of_a_signature_that_nobody_can_give(client, cast):
    role = unscoped_system_role("shop_owner")
    flow = actions.save_draft(cast.lh.pk, FlowDraft(KIND, "", (Branch("", When(), (Step(role),)),)), actor=SYSTEM)
    hq = sign_in(client, cast.hq_admin)
    assert "Nobody here can sign for: Shop owner." in text(hq.get(reverse("approval_flow_publication", args=[flow.pk])))


def test_others_do_not_come_in(client, cast):
    flow_id = make_rule(cast.lh, "hq_clerk").flow_id
    assert sign_in(client, cast.dealer).get(reverse("approval_flows")).status_code == 403
    admin = sign_in(client, cast.dealer_admin)
    assert admin.get(reverse("approval_flow", args=[flow_id])).status_code == 404
    assert admin.post(reverse("approval_flow_retirement", args=[flow_id])).status_code == 404
    assert admin.get(reverse("approval_branch", args=[flow_id, 0])).status_code == 404


RULES = """
    ALTER TABLE approvals_node ADD COLUMN rule_id bigint;
    CREATE TABLE approvals_rule (id bigint, owner_id bigint, kind text, min_amount numeric(18, 2), position smallint, role_id bigint, active bool,
        remind_hours smallint);
"""


def test_rules_of_before_become_branches_and_requests_keep_what_asked_for_them(cast):
    run(RULES)
    make_rule(cast.lh, "hq_clerk")
    request = open_for(document(cast.lh, cast.d001), cast.dealer)
    run("UPDATE approvals_request SET version_id = NULL, facts = '{}'")
    run("SET session_replication_role = replica; DELETE FROM approvals_version; DELETE FROM approvals_flow; SET session_replication_role = origin")
    clerk, finance = unscoped_system_role("hq_clerk"), unscoped_system_role("hq_finance")
    for pk, owner, amount, position, role, active, hours in (
        (7, cast.lh, 0, 1, clerk, True, 4), (8, cast.lh, 500, 2, finance, True, None), (9, cast.lh, 90, 1, finance, False, None),
        (10, cast.d001, 10, 1, clerk, True, None),
    ):  # fmt: skip
        run("INSERT INTO approvals_rule VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", [pk, owner.pk, KIND, amount, position, role, active, hours])
    run("UPDATE approvals_node SET rule_id = 8")
    run(import_module("qudao.approvals.migrations.0004_fill_flow").SPLIT)
    first, second, dealers = Version.unscoped.order_by("flow__owner__code", "no").filter(flow__owner=cast.lh).union(
        Version.unscoped.filter(flow__owner=cast.d001), all=True
    )  # fmt: skip
    assert [(v.no, v.state, v.min_amount) for v in (first, second, dealers)] == [(1, "superseded", 0), (2, "published", 0), (1, "published", 10)]
    assert branches_of(second.branches) == (Branch("", When(), (Step(clerk, 1, 4),)), Branch("", When(Decimal(500)), (Step(finance, 2),)))
    assert len(first.branches) == 3
    request.refresh_from_db()
    assert (request.version_id, request.facts, Node.unscoped.get().amount_from) == (first.pk, {"amount": "1000.00"}, 500)
    assert sign(request.subject, cast.hq_clerk).state == "approved"
