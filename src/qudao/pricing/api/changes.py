"""Changes of prices over the API: the same actions as the pages."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.base.access import Actor
from qudao.base.html.pages.door import get_row
from qudao.base.rest import idempotent, page_of, reply
from qudao.pricing import actions, queries, rules
from qudao.pricing.actions import ChangeDraft
from qudao.pricing.api.lists import routes
from qudao.pricing.rules import NewPrice
from qudao.pricing.states import MOST_LINES

CHANGE = ("id", "number", "list_id", "title", "valid_from", "valid_to", "created_at", "created_name", "closed_at")


class NewPriceIn(Schema):
    """A price per base unit from `min_qty` base units on."""

    product_id: int
    amount: Decimal
    min_qty: Decimal = Decimal(0)


class ChangePricesIn(Schema):
    prices: list[NewPriceIn] = Field(..., max_length=MOST_LINES)


class ChangeIn(Schema):
    """What a change of prices is about, and on which days it counts; without `valid_to` until the next prices."""

    title: str = Field(..., max_length=120)
    valid_from: date
    valid_to: date | None = None


class NewChangeIn(ChangeIn):
    prices: list[NewPriceIn] = Field([], max_length=MOST_LINES)


class PercentIn(Schema):
    """All prices of the list by some per cent, rounded to `places` decimals; `search` keeps some of the products."""

    percent: Decimal
    places: int = Field(2, ge=-3, le=6)
    search: str = ""


class ChangeLineOut(NewPriceIn):
    """`before`: what the price takes the place of; null = there was none."""

    id: int
    product_code: str
    before: Decimal | None


class EffectOut(Schema):
    """How many prices, how many of them new, and by what share (0.05 = 5 %) the others change."""

    number: int
    new: int
    average: Decimal | None
    least: Decimal | None
    largest: Decimal | None


class PriceChangeOut(ChangeIn):
    """`state`: draft, waiting, scheduled, effective, superseded, dropped or recalled."""

    id: int
    number: str
    list_id: int
    state: str
    created_at: datetime
    created_name: str
    closed_at: datetime | None


class PriceChangeDetail(PriceChangeOut):
    effect: EffectOut
    lines: list[ChangeLineOut]


class PriceChangePage(Schema):
    items: list[PriceChangeOut]
    next_after: int | None


def _told(one: Any) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in CHANGE}, "state": queries.standing_of(one)}


def _detail(actor: Actor, pk: int) -> dict[str, Any]:
    """One change with its prices. Two statements."""
    one = get_row(queries.changes(actor), pk)
    lines: list[Any] = queries.unscoped_change_lines(one)
    effect = rules.effect_of([(line.was, line.amount) for line in lines])
    told = [{**{n: getattr(x, n) for n in ("id", "product_id", "amount", "min_qty")}, "product_code": x.product.code, "before": x.was} for x in lines]
    return {**_told(one), "effect": {name: getattr(effect, name) for name in EffectOut.model_fields}, "lines": told}


def _drafts(prices: list[NewPriceIn]) -> list[NewPrice]:
    return [NewPrice(**one.model_dump()) for one in prices]


@routes.get("/price-changes", response=PriceChangePage, summary="Changes of prices, newest first")
def changes(request: HttpRequest, limit: int = 50, after: int | None = None) -> HttpResponse:
    """One keyset page of those of the lists one keeps."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    page, limit = page_of(queries.changes(actor), limit=limit, after=after)
    items = [_told(one) for one in page]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/price-lists/{int:list_id}/changes", response={201: PriceChangeDetail}, summary="Draft a change of prices")
@idempotent
def draft(request: HttpRequest, list_id: int, body: NewChangeIn) -> HttpResponse:
    """Nothing follows from a draft."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    head = ChangeDraft(body.title, body.valid_from, body.valid_to)
    made = actions.draft_change(list_id, head, _drafts(body.prices), actor=actor)
    return reply(_detail(actor, made.pk), status=201)


@routes.get("/price-changes/{int:pk}", response=PriceChangeDetail, summary="One change with its prices and their effect")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """Before and after of each price."""
    return reply(_detail(request.actor, pk))  # type: ignore[attr-defined]


@routes.post("/price-changes/{int:pk}/edit", response=PriceChangeDetail, summary="Change title and days of a draft")
@idempotent
def edit(request: HttpRequest, pk: int, body: ChangeIn) -> HttpResponse:
    """Refused while it waits for a signature."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.edit_change(pk, ChangeDraft(**body.model_dump()), actor=actor)
    return reply(_detail(actor, pk))


@routes.post("/price-changes/{int:pk}/prices", response=PriceChangeDetail, summary="Put prices into a draft")
@idempotent
def put(request: HttpRequest, pk: int, body: ChangePricesIn) -> HttpResponse:
    """One of the same product and break takes the place of the other."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.put_prices(pk, _drafts(body.prices), actor=actor)
    return reply(_detail(actor, pk))


@routes.post("/price-changes/{int:pk}/percent", response=PriceChangeDetail, summary="Put all prices of the list in, by some per cent")
@idempotent
def percent(request: HttpRequest, pk: int, body: PercentIn) -> HttpResponse:
    """Those in force on the first day of the change."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.move_prices(pk, body.percent, body.places, body.search, actor=actor)
    return reply(_detail(actor, pk))


@routes.post("/price-changes/{int:pk}/removal/{int:line_id}", response=PriceChangeDetail, summary="Take a price out of a draft")
@idempotent
def take_out(request: HttpRequest, pk: int, line_id: int) -> HttpResponse:
    """What is gone already is left alone."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.remove_lines(pk, [line_id], actor=actor)
    return reply(_detail(actor, pk))


@routes.post("/price-changes/{int:pk}/release", response=PriceChangeDetail, summary="Let a change take effect on its day")
@idempotent
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """202 where a signature is asked for: it is kept and waits."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.release_change(pk, actor=actor)
    return reply(_detail(actor, pk))


@routes.post("/price-changes/{int:pk}/drop", response=PriceChangeDetail, summary="Give a draft up")
@idempotent
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """It can still be read."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.drop_change(pk, actor=actor)
    return reply(_detail(actor, pk))


class RecallIn(Schema):
    reason: str = Field(..., min_length=1, max_length=500)


@routes.post("/price-changes/{int:pk}/recall", response=PriceChangeDetail, summary="Take a released change back before its day")
@idempotent
def recall(request: HttpRequest, pk: int, body: RecallIn) -> HttpResponse:
    """All of its prices go, what stood before stands again; 409 when its day has come or a price was changed after it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    actions.recall_change(pk, body.reason, actor=actor)
    return reply(_detail(actor, pk))


@routes.post("/price-changes/{int:pk}/opposite", response={201: PriceChangeDetail}, summary="Draft the opposite of a change")
@idempotent
def oppose(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft with the prices that it took the place of, from today on."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply(_detail(actor, actions.oppose_change(pk, actor=actor).pk), status=201)
