"""Agreements and authorisations over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.agreements import actions, queries
from qudao.agreements.models import Authorisation, Group
from qudao.agreements.rules import AgreementDraft, Grant, GroupDraft
from qudao.agreements.states import AgreementState, InvoiceOn
from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.kernel.money import ZERO

routes = Router(tags=["agreements"])

AGREEMENT = (
    *("id", "code", "state", "seller_id", "buyer_id", "currency", "valid_from", "valid_to", "payment_days", "invoice_on", "tax_inclusive", "channel"),
    *("prepaid", "min_order"),
    *("seller__code", "buyer__code"),
)
RENAMED = {"seller__code": "seller_code", "buyer__code": "buyer_code"}
GRANT = ("id", "product_id", "category_id", "allowed", "valid_from", "valid_to")


class TermsIn(Schema):
    """The terms; `payment_days` after the invoice date, both days of the span included."""

    code: str = Field(..., max_length=64)
    valid_from: date
    valid_to: date | None = None
    currency: str = Field("CNY", min_length=3, max_length=3)
    payment_days: int = 30
    invoice_on: InvoiceOn = InvoiceOn.RECEIPT
    tax_inclusive: bool = True
    #: through which the buyer sells, in the seller's words; prices may follow it
    channel: str = Field("", max_length=40)
    #: orders pass within what was paid before; `payment_days` is then 0
    prepaid: bool = False
    #: the least an order must come to before tax, in its currency; emergencies, samples and transfers need not
    min_order: Decimal = Field(ZERO, ge=0, decimal_places=2)


class AgreementIn(TermsIn):
    """A new agreement; without `seller_id` the caller's organisation sells."""

    seller_id: int | None = None
    buyer_id: int


class AgreementOut(TermsIn):
    id: int
    state: AgreementState
    seller_id: int
    seller_code: str
    buyer_id: int
    buyer_code: str


class AgreementPage(Schema):
    items: list[AgreementOut]
    next_after: int | None


class AgreementsAsked(Schema):
    """Which agreements are asked for."""

    limit: int = 50
    after: int | None = None
    state: str = ""
    side: str = ""
    code: str = ""
    #: those under which two buyers of one seller pass goods on, instead of the others
    transfers: bool = False


class GrantIn(Schema):
    """What is authorised: a product, a category with all below it, or (neither) everything; `allowed` false forbids."""

    valid_from: date
    valid_to: date | None = None
    product_id: int | None = None
    category_id: int | None = None
    allowed: bool = True


class GrantOut(GrantIn):
    id: int


class ChannelIn(Schema):
    channel: str = Field("", max_length=40)


class MinOrderIn(Schema):
    min_order: Decimal = Field(..., ge=0, decimal_places=2)


class GroupIn(Schema):
    """A group of buyers: a grade, a kind of shop."""

    code: str = Field(..., max_length=64)
    name: str = Field(..., max_length=120)
    name_en: str = Field("", max_length=120)


class GroupOut(GroupIn):
    id: int
    owner_id: int


class MembersIn(Schema):
    """Buyers that come into a group, from a day on; without `valid_to` until taken out."""

    buyer_ids: list[int] = Field(..., max_length=5000)
    valid_from: date
    valid_to: date | None = None


class MemberOut(Schema):
    id: int
    buyer_id: int
    buyer_code: str
    valid_from: date
    valid_to: date | None


class MemberPage(Schema):
    items: list[MemberOut]
    next_after: int | None


class LastDayIn(Schema):
    last_day: date


class ReasonIn(Schema):
    reason: str = Field("", max_length=500)


def _one(agreement_id: int, actor: Actor, status: int = 200) -> HttpResponse:
    queries.agreement(actor, agreement_id)
    row = queries.agreements(actor).filter(pk=agreement_id).values(*AGREEMENT).get()
    return reply(_told(row), status, location=f"/api/v1/agreements/{agreement_id}")


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in row.items()}


def _grant(one: Authorisation) -> dict[str, Any]:
    return {name: getattr(one, name) for name in GRANT}


@routes.get("/agreements", response=AgreementPage, summary="Agreements, newest first")
def index(request: HttpRequest, asked: AgreementsAsked = Query(...)) -> HttpResponse:
    """One keyset page. `side` seller or buyer: where the caller's organisation stands; `after` = the last id of the page before."""
    found = queries.agreements(request.actor, state=asked.state, side=asked.side, transfers=asked.transfers)  # type: ignore[attr-defined]
    if asked.code:
        found = found.filter(code=asked.code)
    page, limit = page_of(found, limit=asked.limit, after=asked.after)
    items = [_told(row) for row in page.values(*AGREEMENT)]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/agreements", response={201: AgreementOut}, summary="Draft an agreement")
@idempotent
def draft(request: HttpRequest, body: AgreementIn) -> HttpResponse:
    """Nothing follows from a draft until it is activated."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    values = body.dict() | {"seller_id": body.seller_id or actor.org_id}
    return _one(actions.draft_agreement(AgreementDraft(**values), actor=actor).pk, actor, 201)


@routes.get("/agreements/{int:agreement_id}", response=AgreementOut, summary="One agreement")
def one(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """As its two sides and the branches above them see it."""
    return _one(agreement_id, request.actor)  # type: ignore[attr-defined]


@routes.put("/agreements/{int:agreement_id}", response=AgreementOut, summary="Change a draft")
@idempotent
def change(request: HttpRequest, agreement_id: int, body: TermsIn) -> HttpResponse:
    """Only a draft changes; the two sides stay."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    known = queries.agreement(actor, agreement_id)
    draft = AgreementDraft(known.seller_id, known.buyer_id, **body.dict())
    actions.change_agreement(agreement_id, draft, actor=actor)
    return _one(agreement_id, actor)


@routes.post("/agreements/{int:agreement_id}/activation", response=AgreementOut, summary="Activate")
@idempotent
def activate(request: HttpRequest, agreement_id: int, body: ReasonIn) -> HttpResponse:
    """Let the two trade: from draft, or again after a suspension."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.activate_agreement(agreement_id, body.reason, actor=actor)
    return _one(agreement_id, actor)


@routes.post("/agreements/{int:agreement_id}/suspension", response=AgreementOut, summary="Suspend")
@idempotent
def suspend(request: HttpRequest, agreement_id: int, body: ReasonIn) -> HttpResponse:
    """No new orders; what is under way goes on. Needs a reason."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.suspend_agreement(agreement_id, body.reason, actor=actor)
    return _one(agreement_id, actor)


@routes.post("/agreements/{int:agreement_id}/end", response=AgreementOut, summary="End for good")
@idempotent
def end(request: HttpRequest, agreement_id: int, body: ReasonIn) -> HttpResponse:
    """Open documents are worked off. Needs a reason."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.end_agreement(agreement_id, body.reason, actor=actor)
    return _one(agreement_id, actor)


@routes.get("/agreements/{int:agreement_id}/authorisations", response=list[GrantOut], summary="What the buyer may buy")
def authorisations(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """Latest start first, at most 2,000."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    queries.agreement(actor, agreement_id)
    return reply([_grant(one) for one in queries.authorisations(actor, agreement_id)[:2000]])


@routes.post("/agreements/{int:agreement_id}/authorisations", response={201: GrantOut}, summary="Authorise or forbid")
@idempotent
def authorise(request: HttpRequest, agreement_id: int, body: GrantIn) -> HttpResponse:
    """A product is refused when nothing allows it or something forbids it."""
    made = actions.authorise(agreement_id, Grant(**body.dict()), actor=request.actor)  # type: ignore[attr-defined]
    return reply(_grant(made), 201)


@routes.delete("/authorisations/{int:authorisation_id}", response=AgreementOut, summary="Withdraw an authorisation")
@idempotent
def withdraw(request: HttpRequest, authorisation_id: int) -> HttpResponse:
    """It ends with yesterday."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.withdraw_authorisation(authorisation_id, actor=actor).pk, actor)


@routes.post("/agreements/{int:agreement_id}/channel", response=AgreementOut, summary="Name the channel of the buyer")
@idempotent
def set_channel(request: HttpRequest, agreement_id: int, body: ChannelIn) -> HttpResponse:
    """A mark, not a term: it may change while the two trade."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.set_channel(agreement_id, body.channel, actor=actor).pk, actor)


@routes.put("/agreements/{int:agreement_id}/minimum", response=AgreementOut, summary="Say what an order must at least come to")
@idempotent
def set_min_order(request: HttpRequest, agreement_id: int, body: MinOrderIn) -> HttpResponse:
    """Before tax, in the currency of the agreement; it counts for orders placed from now on. 0 takes it away."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.set_min_order(agreement_id, body.min_order, actor=actor).pk, actor)


GROUP = ("id", "owner_id", "code", "name", "name_en")
MEMBER = ("id", "buyer_id", "buyer__code", "valid_from", "valid_to")


def _group(one: Group, status: int = 200) -> HttpResponse:
    return reply({name: getattr(one, name) for name in GROUP}, status, location=f"/api/v1/buyer-groups/{one.pk}")


@routes.get("/buyer-groups", response=list[GroupOut], summary="Groups of buyers")
def groups(request: HttpRequest) -> HttpResponse:
    """Those of the caller's organisation, by code; at most 5,000."""
    return reply(list(queries.groups(request.actor).values(*GROUP)[:5000]))  # type: ignore[attr-defined]


@routes.post("/buyer-groups", response={201: GroupOut}, summary="Make a group of buyers")
@idempotent
def create_group(request: HttpRequest, body: GroupIn) -> HttpResponse:
    """Empty; what follows from it is said elsewhere (a price list, what is shown)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _group(actions.create_group(actor.org_id, GroupDraft(**body.dict()), actor=actor), 201)


@routes.get("/buyer-groups/{int:group_id}", response=GroupOut, summary="One group of buyers")
def one_group(request: HttpRequest, group_id: int) -> HttpResponse:
    """Without its members."""
    return _group(queries.group(request.actor, group_id))  # type: ignore[attr-defined]


@routes.put("/buyer-groups/{int:group_id}", response=GroupOut, summary="Rename a group of buyers")
@idempotent
def change_group(request: HttpRequest, group_id: int, body: GroupIn) -> HttpResponse:
    """Who is in it stays."""
    return _group(actions.change_group(group_id, GroupDraft(**body.dict()), actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/buyer-groups/{int:group_id}/members", response=MemberPage, summary="Who is in a group, newest first")
def members(request: HttpRequest, group_id: int, on: date | None = None, limit: int = 50, after: int | None = None) -> HttpResponse:
    """`on` keeps those of a day; without it also past and planned ones."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    queries.group(actor, group_id)
    page, limit = page_of(queries.members(actor, group_id, on=on), limit=limit, after=after)
    items = [_told(row) for row in page.values(*MEMBER)]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/buyer-groups/{int:group_id}/members", response={201: list[int]}, summary="Put buyers into a group")
@idempotent
def add_members(request: HttpRequest, group_id: int, body: MembersIn) -> HttpResponse:
    """All or none; who is in it already stays. Answers with the ids of the memberships, in the order asked."""
    since = dict.fromkeys(body.buyer_ids, (body.valid_from, body.valid_to))
    return reply([one.pk for one in actions.add_members(group_id, since, actor=request.actor)], 201)  # type: ignore[attr-defined]


@routes.post("/group-members/{int:member_id}/end", response=GroupOut, summary="Take a buyer out of a group")
@idempotent
def end_membership(request: HttpRequest, member_id: int, body: LastDayIn) -> HttpResponse:
    """One planned for later disappears."""
    return _group(actions.end_membership(member_id, body.last_day, actor=request.actor))  # type: ignore[attr-defined]
