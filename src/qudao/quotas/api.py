"""Quotas of scarce goods over the API: the seller keeps them, a buyer asks what is left for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, reply
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.quotas import actions, queries
from qudao.quotas.models import Quota
from qudao.quotas.rules import Holder, QuotaDraft

routes = Router(tags=["quotas"])

NAMES = ("id", "seller_id", "product_id", "valid_from", "valid_to", "total", "carried", "taken", "unused", "release_on")
SHARE = ("id", "group_id", "buyer_id", "qty", "carried", "taken")


class QuotaTermsIn(Schema):
    """`total` null: what is on hand and not promised; when changing, as it is. `release_on` only for what is released."""

    valid_to: date
    total: Decimal | None = None
    unused: Literal["lapses", "carried", "released"] = "lapses"
    release_on: date | None = None


class QuotaIn(QuotaTermsIn):
    """A product that is scarce for some days; `as_before`: with the shares of the period before."""

    product_id: int
    valid_from: date
    as_before: bool = False


class ShareIn(Schema):
    """How much a holder may order: the code of a group of buyers or of an organisation. 0 takes the share away."""

    holder: str = Field(max_length=64)
    qty: Decimal


class SharesIn(Schema):
    """Shares to set; holders that are not named keep theirs."""

    shares: list[ShareIn]


class ShareOut(Schema):
    id: int
    group_id: int | None
    buyer_id: int | None
    qty: Decimal
    carried: Decimal
    taken: Decimal


class QuotaOut(Schema):
    id: int
    seller_id: int
    product_id: int
    valid_from: date
    valid_to: date
    total: Decimal
    carried: Decimal
    taken: Decimal
    unused: str
    release_on: date | None
    shares: list[ShareOut] | None = None


class LeftOut(Schema):
    """What the caller's organisation may order of a scarce product until a day; `shared` with others of its group."""

    product_id: int
    product: str
    unit: str
    left: Decimal
    until: date
    release_on: date | None
    shared: bool


def _told(one: Quota) -> dict[str, Any]:
    return {name: getattr(one, name) for name in NAMES}


def _whole(one: Quota, status: int = 200) -> HttpResponse:
    shares = [{name: getattr(share, name) for name in SHARE} for share in queries.unscoped_shares(one.pk)]
    return reply({**_told(one), "shares": shares}, status, location=f"/api/v1/quotas/{one.pk}")


@routes.get("/quotas", response=list[QuotaOut], summary="Quotas of scarce goods")
def quotas(request: HttpRequest) -> HttpResponse:
    """Those the caller keeps, newest first, without shares; at most 5,000."""
    return reply([_told(one) for one in queries.quotas(request.actor)[:5000]])  # type: ignore[attr-defined]


@routes.post("/quotas", response={201: QuotaOut}, summary="Declare a product scarce")
@idempotent
def declare(request: HttpRequest, body: QuotaIn) -> HttpResponse:
    """Nobody orders more of it in these days than his share."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _whole(actions.declare_quota(actor.org_id, QuotaDraft(**body.dict()), actor=actor), 201)


@routes.get("/quotas/{int:quota_id}", response=QuotaOut, summary="One quota with its shares")
def one_quota(request: HttpRequest, quota_id: int) -> HttpResponse:
    """Who has what, and how much of it is ordered."""
    return _whole(queries.quota(request.actor, quota_id))  # type: ignore[attr-defined]


@routes.put("/quotas/{int:quota_id}/change", response=QuotaOut, summary="Change a quota")
@idempotent
def change(request: HttpRequest, quota_id: int, body: QuotaTermsIn) -> HttpResponse:
    """Another quantity, last day, or fate of what is unused."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    known = queries.quota(actor, quota_id, "quotas.set")
    return _whole(actions.change_quota(quota_id, QuotaDraft(known.product_id, known.valid_from, **body.dict()), actor=actor))


@routes.put("/quotas/{int:quota_id}/shares", response=QuotaOut, summary="Set shares of a quota")
@idempotent
def shares(request: HttpRequest, quota_id: int, body: SharesIn) -> HttpResponse:
    """Groups of buyers and single buyers by code; all of these or none."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    queries.quota(actor, quota_id, "quotas.set")
    codes = [one.holder for one in body.shares]
    known = queries.holders(actor, codes)
    faults = [Fault("quotas.buyer_unknown", f"shares.{n}.holder", {"code": code}) for n, code in enumerate(codes) if code not in known]
    faults += [Fault("quotas.share_twice", f"shares.{n}.holder", {"code": code}) for n, code in enumerate(codes) if code in codes[:n]]
    raise_if_any(faults, Invalid)
    wanted: dict[Holder, Decimal] = {known[one.holder]: one.qty for one in body.shares}
    return _whole(actions.set_shares(quota_id, wanted, names={known[code]: code for code in codes}, actor=actor))


@routes.post("/quotas/{int:quota_id}/removal", response={204: None}, summary="Take a quota away")
@idempotent
def removal(request: HttpRequest, quota_id: int) -> HttpResponse:
    """As long as nobody has ordered from it."""
    actions.remove_quota(quota_id, actor=request.actor)  # type: ignore[attr-defined]
    return reply(None, 204)


@routes.get("/own-quotas", response=list[LeftOut], summary="What is left for us of scarce goods")
def own(request: HttpRequest, seller_id: int) -> HttpResponse:
    """Of all that a seller has declared scarce today and shows the caller's organisation."""
    found = queries.own_lefts(request.actor, seller_id)  # type: ignore[attr-defined]
    names = ("product_id", "unit", "until", "release_on", "shared")
    return reply([{**{name: getattr(one, name) for name in names}, "product": one.code, "left": one.qty} for one in found])
