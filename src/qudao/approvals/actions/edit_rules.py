"""Rules: which documents need whose signature, and when the signer is reminded."""

from __future__ import annotations

from dataclasses import asdict

from qudao.approvals import queries, rules
from qudao.approvals.models import Rule
from qudao.approvals.rules import RuleDraft
from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.kernel.errors import Fault, Forbidden, Invalid, Refused, raise_if_any
from qudao.network import queries as network


@action("approvals.edit_rules")
def add_rule(owner_id: int, draft: RuleDraft, *, actor: Actor) -> Rule:
    """Let documents of a kind and size need a signature from now on; what already waits is not asked again. Raises Invalid, Refused."""
    _require_owner(owner_id, actor)
    _check_rule(owner_id, draft, but=None)
    rule = Rule.unscoped.create(owner_id=owner_id, **asdict(draft))
    record(_rule_subject(rule), detail=_told(rule))
    return rule


@action("approvals.edit_rules")
def change_rule(rule_id: int, draft: RuleDraft, *, actor: Actor) -> Rule:
    """Change a rule in use. Locks it; the log keeps what it was."""
    rule = _lock_rule(rule_id, actor)
    _check_rule(rule.owner_id, draft, but=rule.pk)
    before = _told(rule)
    for name, value in asdict(draft).items():
        setattr(rule, name, value)
    rule.save()
    record(_rule_subject(rule), detail={"before": before, "after": _told(rule)})
    return rule


@action("approvals.edit_rules")
def retire_rule(rule_id: int, *, actor: Actor) -> Rule:
    """Take a rule out of use. Locks it; requests it has opened go on."""
    rule = _lock_rule(rule_id, actor)
    rule.active = False
    rule.save(update_fields=["active"])
    record(_rule_subject(rule), before="active", after="retired", detail=_told(rule))
    return rule


def _require_owner(owner_id: int, actor: Actor) -> None:
    """Rules are kept by the organisation whose documents they hold up."""
    if actor.kind != "system" and owner_id != actor.org_id:
        network.organisation(actor, owner_id)
        raise Forbidden("base.forbidden", verb="approvals.edit_rules")


def _lock_rule(rule_id: int, actor: Actor) -> Rule:
    get_visible(actor, Rule, rule_id, "approvals.edit_rules")
    rule = lock_one(Rule, rule_id, rank=Rank.NETWORK)
    if not rule.active:
        raise Refused("approvals.rule_retired")
    return rule


def _check_rule(owner_id: int, draft: RuleDraft, but: int | None) -> None:
    faults = rules.draft_faults(draft)
    if not queries.unscoped_role_fits(draft.role_id, owner_id):
        faults.append(Fault("approvals.role_unknown", "role_id"))
    raise_if_any(faults, Invalid)
    same = {name: value for name, value in asdict(draft).items() if name != "remind_hours"}
    if Rule.unscoped.filter(owner_id=owner_id, active=True, **same).exclude(pk=but or 0).exists():
        raise Refused("approvals.rule_exists")


def _rule_subject(rule: Rule) -> Subject:
    return Subject("approvals.rule", rule.pk, rule.owner_id, None, rule.kind)


def _told(rule: Rule) -> dict[str, object]:
    told: dict[str, object] = {"kind": rule.kind, "min_amount": str(rule.min_amount), "position": rule.position, "role": rule.role_id}
    return told | ({"remind_hours": rule.remind_hours} if rule.remind_hours else {})
