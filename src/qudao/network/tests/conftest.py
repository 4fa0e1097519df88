"""The standing network as a fixture, and actors built by hand: this storey knows no people."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from qudao.base.access import Actor, Scope, all_verbs
from qudao.network.models import Organisation
from qudao.network.tests.make import make_network


def actor_in(org: Organisation, scope: Scope, *verbs: str) -> Actor:
    """A person of an organisation with some verbs (all of this module when none is named)."""
    granted = verbs or tuple(v for v in all_verbs() if v.startswith("network."))
    return Actor(1, 1, org.pk, org.path, org.kind, "Li Lei", frozenset(granted), scope)


@pytest.fixture
def net(db: None) -> SimpleNamespace:
    """LH, D001, D002, S001 and an actor for each: hq (all), dealer and stranger (branch), sub (own organisation)."""
    orgs = make_network()
    return SimpleNamespace(
        **{code.lower(): org for code, org in orgs.items()},
        hq=actor_in(orgs["LH"], Scope.ALL),
        dealer=actor_in(orgs["D001"], Scope.BRANCH),
        stranger=actor_in(orgs["D002"], Scope.BRANCH),
        sub=actor_in(orgs["S001"], Scope.ORG),
    )
