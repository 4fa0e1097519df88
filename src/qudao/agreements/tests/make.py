"""Agreements for tests, made through the actions."""

from __future__ import annotations

from datetime import date
from typing import Any

from qudao.agreements import actions
from qudao.agreements.models import Agreement, Group
from qudao.agreements.rules import AgreementDraft, Grant, GroupDraft
from qudao.base.access import Actor, system_actor
from qudao.network.models import Organisation

START = date(2026, 1, 1)


def draft(seller: Organisation, buyer: Organisation, *, actor: Actor | None = None, **facts: Any) -> Agreement:
    """A draft in CNY, open-ended from the start of 2026; the code names the two sides."""
    facts.setdefault("code", f"A-{seller.code}-{buyer.code}")
    facts.setdefault("valid_from", START)
    return actions.draft_agreement(AgreementDraft(seller.pk, buyer.pk, **facts), actor=actor or system_actor())


def make_agreement(seller: Organisation, buyer: Organisation, *, everything: bool = True, actor: Actor | None = None, **facts: Any) -> Agreement:
    """An active agreement; with `everything` the buyer may buy all products."""
    actor = actor or system_actor()
    made = draft(seller, buyer, actor=actor, **facts)
    if everything:
        actions.authorise(made.pk, Grant(made.valid_from), actor=actor)
    return actions.activate_agreement(made.pk, actor=actor)


def make_group(owner: Organisation, code: str, *buyers: Organisation, since: date = START) -> Group:
    """A group of buyers, named after its code, with its members from the start of 2026 on."""
    made = actions.create_group(owner.pk, GroupDraft(code, f"组 {code}"), actor=system_actor())
    actions.add_members(made.pk, {buyer.pk: (since, None) for buyer in buyers}, actor=system_actor())
    return made
