"""The world of `qudao bench orders`, built through the actions in an empty database: one seller, dealers, products, prices, stock, credit.

Run as a program (`python -m qudao.web.bench.world`) with DATABASE_URL set; prints what the clients need as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qudao.base.access import Actor
    from qudao.web.bench.terms import Buyer

DEALERS = 200
LIMIT = Decimal(1_000_000_000_000)


@dataclass(frozen=True)
class Dealer:
    """One buyer: organisation id and the token of its buyer."""

    id: int
    token: str


@dataclass(frozen=True)
class World:
    """What a client needs: ids and tokens. `staff` may ship, invoice and receive payments at the seller."""

    seller_id: int
    staff: str
    dealers: list[Dealer]
    products: list[int]


def build() -> World:
    """Make the world with everything in use (`terms`); about 30 s for 200 dealers and 1,000 products."""
    from qudao.agreements.actions.assortments import follow_assortments
    from qudao.base.access import system_actor
    from qudao.base.outbox import drain
    from qudao.inventory.queries import unscoped_places
    from qudao.kernel import clock
    from qudao.network.actions import register_organisation
    from qudao.network.rules import OrgFacts
    from qudao.people.actions import ensure_system_roles
    from qudao.pricing.actions import ListDraft, create_list, set_prices
    from qudao.pricing.rules import PriceDraft
    from qudao.web.bench import terms

    system = system_actor()
    ensure_system_roles(actor=system)
    seller = register_organisation("hq", OrgFacts(code="BENCH", name="Bench"), None, actor=system)
    staff, token = _person("staff@bench.example", seller, "hq_admin")
    products, unseen = terms.goods(seller.pk, staff)
    start = clock.today() - timedelta(days=400)
    base = create_list(seller.pk, ListDraft(code="BASE", name="Base", is_base=True), actor=system)
    set_prices(base.pk, [PriceDraft(p, terms.PRICE, start) for p in [*products, *unseen]], actor=system)
    _places(seller.pk)
    terms.stock(unscoped_places([seller.pk])[(seller.pk, "stock")], products, staff)
    _approval_rule(seller.pk)
    made: list[tuple[Dealer, Buyer]] = []
    for number in range(DEALERS):
        branch = 0 < number % terms.HOUSE <= terms.BRANCHES
        made.append(_dealer(seller, number + 1, start, made[number - number % terms.HOUSE][1].org_id if branch else None))
    terms.agree(seller.pk, [buyer for _dealer, buyer in made], products, unseen, staff)
    drain()
    follow_assortments(actor=system)
    return World(seller.pk, token, [dealer for dealer, _buyer in made], products)


def _dealer(seller: object, number: int, start: object, head_id: int | None) -> tuple[Dealer, Buyer]:
    from qudao.agreements.actions import activate_agreement, authorise, draft_agreement
    from qudao.agreements.rules import AgreementDraft, Grant
    from qudao.base.access import system_actor
    from qudao.base.action import unit
    from qudao.funds.actions import ensure_account, set_limit
    from qudao.funds.rules import LimitTerms
    from qudao.network.actions import register_organisation
    from qudao.network.rules import OrgFacts
    from qudao.web.bench.terms import Buyer

    system = system_actor()
    code = f"D{number:04d}"
    org = register_organisation("dealer", OrgFacts(code=code, name=f"Dealer {number}"), head_id or seller.pk, actor=system)  # type: ignore[attr-defined]
    channel = "online" if number % 3 == 0 else ""
    terms = {"valid_from": start, "payment_days": 30, "channel": channel, "min_order": Decimal(1)}
    agreement = draft_agreement(AgreementDraft(seller.pk, org.pk, code=f"A-{code}", **terms), actor=system)  # type: ignore[attr-defined, arg-type]
    authorise(agreement.pk, Grant(agreement.valid_from), actor=system)
    activate_agreement(agreement.pk, actor=system)
    account = unit(lambda: ensure_account(agreement.pk, actor=system))
    set_limit(account.pk, LimitTerms(LIMIT), "bench", actor=system)
    _places(org.pk)
    _actor, token = _person(f"{code}@bench.example", org, "dealer_buyer")
    return Dealer(org.pk, token), Buyer(org.pk, agreement.pk, account.pk, head_id)


def _places(org_id: int) -> None:
    from qudao.base.access import system_actor
    from qudao.base.action import unit
    from qudao.inventory.actions import ensure_places

    unit(lambda: ensure_places(org_id, actor=system_actor()))


def _person(email: str, org: object, role: str) -> tuple[Actor, str]:
    """A new person in a system role, and a token for the API."""
    from qudao.base.access import system_actor
    from qudao.people.actions import enrol_person
    from qudao.people.actions.members import PersonFacts, Post
    from qudao.people.actions.sessions import make_token
    from qudao.people.queries import unscoped_actor_of_membership, unscoped_system_role

    post = Post(org.pk, unscoped_system_role(role), None)  # type: ignore[attr-defined]
    member = enrol_person(PersonFacts(email, email.partition("@")[0], "en"), post, actor=system_actor())
    actor = unscoped_actor_of_membership(member.pk)
    assert actor is not None
    return actor, make_token("bench", actor=actor)[1]


def _approval_rule(seller_id: int) -> None:
    """A rule that is asked at every order and that no order of the bench reaches."""
    from qudao.approvals.actions import add_rule
    from qudao.approvals.rules import RuleDraft
    from qudao.base.access import system_actor
    from qudao.people.queries import unscoped_system_role

    draft = RuleDraft(kind="orders.order", min_amount=LIMIT, role_id=unscoped_system_role("hq_admin"))
    add_rule(seller_id, draft, actor=system_actor())


def main() -> int:
    """Build and print."""
    from qudao.web.cli import set_up

    set_up()
    json.dump(asdict(build()), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
