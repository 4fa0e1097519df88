"""Organisations over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.kernel.errors import NotFound
from qudao.network import actions
from qudao.network.models import Address, Organisation
from qudao.network.queries import address_of, addresses, knows_fully, line_above, line_above_on, organisation, organisations
from qudao.network.rules import AddressFacts, OrgFacts

routes = Router(tags=["organisations"])

OPEN = ("id", "kind", "code", "name", "name_en")
GUARDED = ("parent_id", "tier", "state", "currency", "tax_no", "area_code", "address", "phone", "email", "gs1_prefix", "created_at")


class FactsIn(Schema):
    """The card of an organisation."""

    code: str = Field(..., max_length=32)
    name: str = Field(..., max_length=120)
    name_en: str = Field("", max_length=160)
    currency: str = Field("CNY", min_length=3, max_length=3)
    tax_no: str = Field("", max_length=32)
    area_code: str = Field("", max_length=12)
    address: str = Field("", max_length=240)
    phone: str = Field("", max_length=40)
    email: str = Field("", max_length=254)
    gs1_prefix: str = Field("", max_length=20)


class OrgIn(FactsIn):
    """A new organisation: its kind and the organisation above it."""

    kind: str
    parent_id: int | None = None


class MoveIn(Schema):
    parent_id: int
    reason: str = Field("", max_length=500)


class ReasonIn(Schema):
    reason: str = Field("", max_length=500)


class OrgOut(Schema):
    """An organisation; of those above the caller only code and names, the rest is null."""

    id: int
    kind: str
    code: str
    name: str
    name_en: str
    parent_id: int | None
    tier: int | None
    state: str | None
    currency: str | None
    tax_no: str | None
    area_code: str | None
    address: str | None
    phone: str | None
    email: str | None
    gs1_prefix: str | None
    created_at: datetime | None


class AddressIn(Schema):
    """Where goods for an organisation may go."""

    recipient: str = Field(..., max_length=80)
    phone: str = Field(..., max_length=40)
    street: str = Field(..., max_length=240)
    label: str = Field("", max_length=40)
    area_code: str = Field("", max_length=12)
    postcode: str = Field("", max_length=12)


class AddressOut(AddressIn):
    """An address; `is_default`: used where none is chosen; not `active`: no longer offered."""

    id: int
    organisation_id: int
    is_default: bool
    active: bool


class OrgPage(Schema):
    items: list[OrgOut]
    next_after: int | None


def _shown(org: Organisation, actor: Actor) -> dict[str, Any]:
    full = knows_fully(actor, org.path)
    return {**{name: getattr(org, name) for name in OPEN}, **{name: getattr(org, name) if full else None for name in GUARDED}}


def _one(org: Organisation, actor: Actor, status: int = 200) -> HttpResponse:
    return reply(_shown(org, actor), status, location=f"/api/v1/organisations/{org.pk}")


@routes.get("/organisations", response=OrgPage, summary="Organisations, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, kind: str = "", code: str = "") -> HttpResponse:
    """One keyset page of the own branch and the line above it; `after` = the last id of the page before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = organisations(actor).select_related(None)
    if kind:
        found = found.filter(kind__in=kind.split(","))
    if code:
        found = found.filter(code__iexact=code)
    page, limit = page_of(found, limit=limit, after=after)
    items = [_shown(org, actor) for org in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/organisations", response={201: OrgOut}, summary="Register an organisation")
@idempotent
def register(request: HttpRequest, body: OrgIn) -> HttpResponse:
    """Put a new organisation into the tree under one of the own branch."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    facts = OrgFacts(**body.dict(exclude={"kind", "parent_id"}))
    return _one(actions.register_organisation(body.kind, facts, body.parent_id, actor=actor), actor, 201)


@routes.get("/organisations/{int:org_id}", response=OrgOut, summary="One organisation")
def one(request: HttpRequest, org_id: int) -> HttpResponse:
    """The card, as far as the caller may read it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(organisation(actor, org_id), actor)


@routes.get("/organisations/{int:org_id}/line", response=list[OrgOut], summary="Who stands, or stood, above one")
def line(request: HttpRequest, org_id: int, on: date | None = None) -> HttpResponse:
    """The organisations above one from the root down; with `on` as at the end of that day, for those who answer for it (else 404)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    org = organisation(actor, org_id)
    if on and not knows_fully(actor, org.path):
        raise NotFound("base.not_found")
    return reply([_shown(one, actor) for one in (line_above_on(actor, org, on) if on else line_above(actor, org))])


@routes.put("/organisations/{int:org_id}", response=OrgOut, summary="Change the card")
@idempotent
def change(request: HttpRequest, org_id: int, body: FactsIn) -> HttpResponse:
    """Replace the card; about itself an organisation changes only how to reach it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.change_organisation(org_id, OrgFacts(**body.dict()), actor=actor), actor)


@routes.post("/organisations/{int:org_id}/move", response=OrgOut, summary="Move in the tree")
@idempotent
def move(request: HttpRequest, org_id: int, body: MoveIn) -> HttpResponse:
    """Hang the organisation with everything below it under another one."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.move_organisation(org_id, body.parent_id, body.reason, actor=actor), actor)


@routes.post("/organisations/{int:org_id}/suspension", response=OrgOut, summary="Suspend")
@idempotent
def suspend(request: HttpRequest, org_id: int, body: ReasonIn) -> HttpResponse:
    """No new business; what is under way goes on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.suspend_organisation(org_id, body.reason, actor=actor), actor)


@routes.delete("/organisations/{int:org_id}/suspension", response=OrgOut, summary="Resume")
@idempotent
def resume(request: HttpRequest, org_id: int) -> HttpResponse:
    """Business as before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.resume_organisation(org_id, actor=actor), actor)


@routes.post("/organisations/{int:org_id}/closure", response=OrgOut, summary="Close for good")
@idempotent
def close(request: HttpRequest, org_id: int, body: ReasonIn) -> HttpResponse:
    """The end; everything below it must be closed before."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _one(actions.close_organisation(org_id, body.reason, actor=actor), actor)


def _address(found: Address, status: int = 200) -> HttpResponse:
    shown = {name: getattr(found, name) for name in AddressOut.model_fields}
    return reply(shown, status, location=f"/api/v1/addresses/{found.pk}")


@routes.get("/organisations/{int:org_id}/addresses", response=list[AddressOut], summary="Delivery addresses")
def org_addresses(request: HttpRequest, org_id: int) -> HttpResponse:
    """The addresses in use, the default first; empty for an organisation above the caller."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = addresses(actor, organisation(actor, org_id).pk)
    return reply([{name: getattr(one, name) for name in AddressOut.model_fields} for one in found])


@routes.post("/organisations/{int:org_id}/addresses", response={201: AddressOut}, summary="Add a delivery address")
@idempotent
def add(request: HttpRequest, org_id: int, body: AddressIn) -> HttpResponse:
    """The first one becomes the default."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _address(actions.add_address(org_id, AddressFacts(**body.dict()), actor=actor), 201)


@routes.get("/addresses/{int:address_id}", response=AddressOut, summary="One delivery address")
def one_address(request: HttpRequest, address_id: int) -> HttpResponse:
    """Also one that is no longer used."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _address(address_of(actor, address_id))


@routes.put("/addresses/{int:address_id}", response=AddressOut, summary="Change a delivery address")
@idempotent
def change_one_address(request: HttpRequest, address_id: int, body: AddressIn) -> HttpResponse:
    """Documents keep what they were sent to."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _address(actions.change_address(address_id, AddressFacts(**body.dict()), actor=actor))


@routes.post("/addresses/{int:address_id}/default", response=AddressOut, summary="Make it the default")
@idempotent
def default(request: HttpRequest, address_id: int) -> HttpResponse:
    """Used where none is chosen."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _address(actions.make_address_default(address_id, actor=actor))


@routes.post("/addresses/{int:address_id}/retirement", response=AddressOut, summary="Retire a delivery address")
@idempotent
def retire(request: HttpRequest, address_id: int) -> HttpResponse:
    """No longer offered; of the others the oldest becomes the default when this one was it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return _address(actions.retire_address(address_id, actor=actor))
