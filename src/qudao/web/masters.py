"""Masters of a scenario (demo, replay), through the actions and only when they are missing, so that a second run makes nothing twice.

Each function does what belongs together in one transaction: a process killed in between leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from qudao.agreements import actions as agreements
from qudao.agreements.queries import agreements as agreements_seen
from qudao.agreements.rules import AgreementDraft, Grant
from qudao.base.access import Actor, Channel, system_actor
from qudao.base.action import unit
from qudao.base.db import run
from qudao.catalog.actions import CategoryDraft, register_category, register_products, set_pack
from qudao.catalog.queries import categories as categories_seen
from qudao.catalog.queries import unscoped_ids_by_code
from qudao.catalog.rules import ProductDraft
from qudao.funds.actions import LimitTerms, ensure_account, set_limit
from qudao.inventory.actions import OpeningLine, ensure_places, receive_opening
from qudao.inventory.queries import unscoped_places
from qudao.network.actions import add_address, register_organisation
from qudao.network.queries import OrgCard, unscoped_cards, unscoped_cards_by_code
from qudao.network.rules import AddressFacts, OrgFacts
from qudao.people.actions import enrol_person, ensure_system_roles, set_password
from qudao.people.actions.members import PersonFacts, Post
from qudao.people.queries import people as people_seen
from qudao.people.queries import unscoped_actor_of_membership, unscoped_system_role
from qudao.pricing.actions import ListDraft, assign_list, create_list, set_prices
from qudao.pricing.queries import price_lists
from qudao.pricing.rules import PriceDraft

SYSTEM = system_actor(channel=Channel.FILE)


@dataclass(frozen=True)
class Pack:
    """A pack of a product: how many base units are in one."""

    name: str
    name_en: str
    factor: int
    gtin: str = ""


def hurry() -> None:
    """Let this session not wait for the disk at each commit: a power cut may lose the last steps, and the next run does them again."""
    run("SET synchronous_commit = off")


def roles() -> None:
    """The system roles, as the product defines them now."""
    ensure_system_roles(actor=SYSTEM)


def organisation(kind: str, facts: OrgFacts, parent: OrgCard | None = None, addresses: Sequence[AddressFacts] = ()) -> OrgCard:
    """An organisation by its code, with its standard places and delivery addresses."""
    known = unscoped_cards_by_code([facts.code])
    if facts.code in known:
        return known[facts.code]

    def make() -> int:
        pk = register_organisation(kind, facts, parent.id if parent else None, actor=SYSTEM).pk
        ensure_places(pk, actor=SYSTEM)
        for address in addresses:
            add_address(pk, address, actor=SYSTEM)
        return int(pk)

    pk = unit(make)
    return unscoped_cards([pk])[pk]


def person(facts: PersonFacts, org: OrgCard, role: str, password: str = "", hashed: str = "") -> Actor:
    """Somebody who works for an organisation, as the actor through whom a file speaks. A known person keeps role and password.
    `hashed`: how the password is kept, if that was worked out before.
    """
    email = facts.email.lower()
    known = people_seen(SYSTEM).filter(user__email=email, org_id=org.id).values_list("pk", flat=True).first()

    def make() -> int:
        member = enrol_person(facts, Post(org.id, unscoped_system_role(role)), actor=SYSTEM)
        if password:
            set_password(member.user_id, password, hashed=hashed, actor=SYSTEM)
        return int(member.pk)

    actor = unscoped_actor_of_membership(known or unit(make), Channel.FILE)
    if actor is None:
        raise LookupError(f"{email} may not act for {org.code} any more")
    return actor


def categories(owner: OrgCard, drafts: Sequence[CategoryDraft]) -> dict[str, int]:
    """Categories by code. A parent is named by `parent_id` and must be there."""
    found = dict(categories_seen(SYSTEM).filter(owner_id=owner.id).values_list("code", "pk"))
    for draft in drafts:
        if draft.code not in found:
            found[draft.code] = register_category(owner.id, draft, actor=SYSTEM).pk
    return found


def products(owner: OrgCard, drafts: Sequence[ProductDraft], packs: Mapping[str, Sequence[Pack]] | None = None) -> dict[str, int]:
    """Products by code; missing ones are registered with their `packs` (by product code) in one transaction."""
    known = unscoped_ids_by_code(owner.id, [draft.code for draft in drafts])
    missing = [draft for draft in drafts if draft.code not in known]

    def make() -> dict[str, int]:
        made = {one.code: one.pk for one in register_products(owner.id, missing, actor=SYSTEM)}
        for code, pk in made.items():
            for pack in (packs or {}).get(code, ()):
                set_pack(pk, pack.name, Decimal(pack.factor), name_en=pack.name_en, gtin=pack.gtin, actor=SYSTEM)
        return made

    return known | (unit(make) if missing else {})


def price_list(owner: OrgCard, draft: ListDraft, prices: Iterable[PriceDraft] = ()) -> int:
    """A price list by its code, filled when it is new."""
    known = price_lists(SYSTEM).filter(owner_id=owner.id, code=draft.code).values_list("pk", flat=True).first()

    def make() -> int:
        made = create_list(owner.id, draft, actor=SYSTEM)
        set_prices(made.pk, list(prices), actor=SYSTEM)
        return int(made.pk)

    return known or unit(make)


def agreement(draft: AgreementDraft, limit: Decimal | None, lists: Sequence[int] = (), grants: Sequence[Grant] = (), *, grace_days: int = 0) -> int:
    """An active agreement by seller, buyer and code, with its authorisations (all products without any), price lists and credit limit; None: it keeps
    the one it begins with.
    """
    known = agreements_seen(SYSTEM).filter(seller_id=draft.seller_id, buyer_id=draft.buyer_id, code=draft.code).values_list("pk", flat=True).first()

    def make() -> int:
        made = agreements.draft_agreement(draft, actor=SYSTEM)
        for grant in grants or [Grant(draft.valid_from)]:
            agreements.authorise(made.pk, grant, actor=SYSTEM)
        agreements.activate_agreement(made.pk, actor=SYSTEM)
        for priority, list_id in enumerate(reversed(lists)):
            assign_list(made.pk, list_id, priority, actor=SYSTEM)
        account = ensure_account(made.pk, actor=SYSTEM)
        if limit is not None:
            set_limit(account.pk, LimitTerms(limit, grace_days=grace_days, watch_percent=80 if grace_days else None), "按协议", actor=SYSTEM)
        return int(made.pk)

    return known or unit(make)


def main_place(org: OrgCard) -> int:
    """The id of the organisation's MAIN place."""
    return unscoped_places([org.id])[org.id, "stock"]


def opening(place_id: int, quantities: Mapping[int, Decimal], reason: str, client_id: UUID) -> None:
    """Opening stock by product id; `client_id` makes it happen once."""
    lines = [OpeningLine(product, qty) for product, qty in quantities.items() if qty]
    if lines:
        receive_opening(place_id, lines, reason, actor=SYSTEM, client_id=client_id)
