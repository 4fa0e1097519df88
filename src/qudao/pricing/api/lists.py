"""Prices over the API: the same actions as the pages, verbs as addresses."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Schema

from qudao.agreements.queries import agreement
from qudao.base.access import Actor
from qudao.base.rest import Router, idempotent, page_of, reply
from qudao.kernel import clock
from qudao.pricing import actions, queries
from qudao.pricing.actions import ListDraft
from qudao.pricing.models import PriceList
from qudao.pricing.queries import Item
from qudao.pricing.rules import PriceDraft, RateDraft, SpecialDraft, Wide
from qudao.pricing.states import Source

routes = Router(tags=["prices"])

LIST = ("id", "owner_id", "code", "name", "name_en", "currency", "tax_inclusive", "is_base", "mixes")
PRICE = ("id", "product_id", "product__code", "min_qty", "amount", "valid_from", "valid_to")
SPECIAL = (*PRICE, "agreement_id", "source", "reason")
ASSIGNED = ("id", "agreement_id", "list_id", "priority")
LEVEL = ("id", "list_id", "group_id", "region_id", "area_code", "channel", "priority")
RATE = ("id", "from_currency", "to_currency", "day", "rate")
NO_PRICE: dict[str, Any] = {"amount": None, "tax_inclusive": None, "source": None, "steps": []}
RENAMED = {"product__code": "product_code"}


class ListIn(Schema):
    """A price list; currency and tax do not change once it exists."""

    code: str = Field(..., max_length=64)
    name: str = Field(..., max_length=120)
    name_en: str = Field("", max_length=120)
    currency: str = Field("CNY", min_length=3, max_length=3)
    tax_inclusive: bool = True
    is_base: bool = False
    #: quantity prices count all products of the list in an order together
    mixes: bool = False


class NewListIn(ListIn):
    """`owner_id`: an outside supplier that the caller's organisation keeps; without it, the caller's organisation itself."""

    owner_id: int | None = None


class ListOut(ListIn):
    id: int
    owner_id: int


class ListPage(Schema):
    items: list[ListOut]
    next_after: int | None


class PriceIn(Schema):
    """A price per base unit from `min_qty` base units on; without `valid_to` until the next one."""

    product_id: int
    amount: Decimal
    valid_from: date
    valid_to: date | None = None
    min_qty: Decimal = Decimal(0)


class PricesIn(Schema):
    """Many prices, all or none."""

    prices: list[PriceIn] = Field(..., max_length=5000)


class PriceOut(PriceIn):
    id: int
    product_code: str


class PricePage(Schema):
    items: list[PriceOut]
    next_after: int | None


class PricesAsked(Schema):
    """Which prices of a list are asked for."""

    limit: int = 50
    after: int | None = None
    on: date | None = None
    search: str = ""


class EndIn(Schema):
    """The last day on which the price holds."""

    last_day: date
    reason: str = Field("", max_length=500)


class AssignIn(Schema):
    list_id: int
    priority: int = 0


class AssignOut(AssignIn):
    id: int
    agreement_id: int


class LevelIn(Schema):
    """Whose list it becomes: a group's, or (without one) a region's with all below it, an area code's first digits, a channel."""

    group_id: int | None = None
    region_id: int | None = None
    area_code: str = Field("", max_length=12)
    channel: str = Field("", max_length=40)
    priority: int = 0


class LevelOut(LevelIn):
    id: int
    list_id: int


class RateIn(Schema):
    """One `from_currency` is worth `rate` of `to_currency` from `day` on, until the next rate."""

    from_currency: str = Field(..., min_length=3, max_length=3)
    to_currency: str = Field(..., min_length=3, max_length=3)
    day: date
    rate: Decimal


class RatesIn(Schema):
    """Many rates, all or none."""

    rates: list[RateIn] = Field(..., max_length=5000)


class RateOut(RateIn):
    id: int


class RatePage(Schema):
    items: list[RateOut]
    next_after: int | None


class SpecialIn(PriceIn):
    """A price for the buyer of one agreement only; it goes before every list."""

    source: Source = Source.MANUAL
    reason: str = Field("", max_length=500)


class SpecialsIn(Schema):
    """Many special prices, all or none."""

    prices: list[SpecialIn] = Field(..., max_length=5000)


class SpecialOut(PriceOut):
    agreement_id: int
    source: str
    reason: str


class QuoteIn(Schema):
    """What to price: product and quantity in base units."""

    product_id: int
    qty: Decimal


class QuotesIn(Schema):
    on: date | None = None
    items: list[QuoteIn] = Field(..., max_length=2000)


class QuoteOut(Schema):
    """The price of one item; `amount` null = no price. `steps` hold every candidate with its verdict.

    `lacking` names the exchange rates ("USD-CNY") that keep price lists from answering when there is no price.
    """

    product_id: int
    qty: Decimal
    amount: Decimal | None
    tax_inclusive: bool | None
    source: str | None
    steps: list[dict[str, Any]]
    lacking: list[str]


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in row.items()}


def _list(one: PriceList, status: int = 200) -> HttpResponse:
    return reply({name: getattr(one, name) for name in LIST}, status, location=f"/api/v1/price-lists/{one.pk}")


def _page(found: Any, fields: tuple[str, ...], limit: int, after: int | None) -> HttpResponse:
    page, limit = page_of(found, limit=limit, after=after)
    items = [_told(row) for row in page.values(*fields)]
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.get("/price-lists", response=ListPage, summary="Price lists, newest first")
def index(request: HttpRequest, limit: int = 50, after: int | None = None, code: str = "") -> HttpResponse:
    """The own lists, those assigned to the caller as a buyer, and the base lists of its sellers."""
    found = queries.price_lists(request.actor)  # type: ignore[attr-defined]
    return _page(found.filter(code=code) if code else found, LIST, limit, after)


@routes.post("/price-lists", response={201: ListOut}, summary="Make a price list")
@idempotent
def create(request: HttpRequest, body: NewListIn) -> HttpResponse:
    """An empty list of the caller's organisation, or of an outside supplier of it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    values = body.dict()
    owner = values.pop("owner_id") or actor.org_id
    return _list(actions.create_list(owner, ListDraft(**values), actor=actor), 201)


@routes.get("/price-lists/{int:list_id}", response=ListOut, summary="One price list")
def one(request: HttpRequest, list_id: int) -> HttpResponse:
    """Without its prices."""
    return _list(queries.price_list(request.actor, list_id))  # type: ignore[attr-defined]


@routes.put("/price-lists/{int:list_id}", response=ListOut, summary="Rename a list or make it the base list")
@idempotent
def change(request: HttpRequest, list_id: int, body: ListIn) -> HttpResponse:
    """Currency and tax stay as they are."""
    return _list(actions.change_list(list_id, ListDraft(**body.dict()), actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/price-lists/{int:list_id}/prices", response=PricePage, summary="The prices of a list, newest first")
def prices(request: HttpRequest, list_id: int, asked: PricesAsked = Query(...)) -> HttpResponse:
    """`on` keeps those valid on a day; without it also past and planned ones."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    queries.price_list(actor, list_id)
    return _page(queries.prices(actor, list_id, on=asked.on, search=asked.search), PRICE, asked.limit, asked.after)


@routes.post("/price-lists/{int:list_id}/prices", response={201: ListOut}, summary="Set prices")
@idempotent
def set_prices(request: HttpRequest, list_id: int, body: PricesIn) -> HttpResponse:
    """Each new price ends the one before; after a temporary one the old price goes on. All or none."""
    drafts = [PriceDraft(**one.dict()) for one in body.prices]
    return _list(actions.set_prices(list_id, drafts, actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.post("/prices/{int:price_id}/end", response=ListOut, summary="End a price")
@idempotent
def end(request: HttpRequest, price_id: int, body: EndIn) -> HttpResponse:
    """One planned for later disappears."""
    return _list(actions.end_price(price_id, body.last_day, body.reason, actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/agreements/{int:agreement_id}/price-lists", response=list[AssignOut], summary="The lists of an agreement")
def assignments(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """The larger priority goes first."""
    agreement(request.actor, agreement_id)  # type: ignore[attr-defined]
    return reply(list(queries.assignments(request.actor, agreement_id=agreement_id).values(*ASSIGNED)))  # type: ignore[attr-defined]


@routes.post("/agreements/{int:agreement_id}/price-lists", response={201: AssignOut}, summary="Assign a list")
@idempotent
def assign(request: HttpRequest, agreement_id: int, body: AssignIn) -> HttpResponse:
    """Assigning it again changes the priority."""
    made = actions.assign_list(agreement_id, body.list_id, body.priority, actor=request.actor)  # type: ignore[attr-defined]
    return reply({name: getattr(made, name) for name in ASSIGNED}, 201)


@routes.delete("/agreements/{int:agreement_id}/price-lists/{int:list_id}", response=ListOut, summary="Take a list off an agreement")
@idempotent
def unassign(request: HttpRequest, agreement_id: int, list_id: int) -> HttpResponse:
    """The next list, or the base list, answers."""
    return _list(actions.unassign_list(agreement_id, list_id, actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/price-lists/{int:list_id}/levels", response=list[LevelOut], summary="Groups, regions and channels that pay by a list")
def levels(request: HttpRequest, list_id: int) -> HttpResponse:
    """For who keeps the list; at most 1,000."""
    queries.price_list(request.actor, list_id)  # type: ignore[attr-defined]
    return reply(list(queries.levels(request.actor, list_id).values(*LEVEL)[:1000]))  # type: ignore[attr-defined]


@routes.post("/price-lists/{int:list_id}/levels", response={201: LevelOut}, summary="Assign a list to a group, or to a region and channel")
@idempotent
def assign_wide(request: HttpRequest, list_id: int, body: LevelIn) -> HttpResponse:
    """Assigning it there again changes the priority."""
    made = actions.assign_wide(list_id, Wide(**body.dict(exclude={"priority"})), body.priority, actor=request.actor)  # type: ignore[attr-defined]
    return reply({name: getattr(made, name) for name in LEVEL}, 201)


@routes.delete("/wide-assignments/{int:assignment_id}", response=ListOut, summary="Take a list off a group or region")
@idempotent
def unassign_wide(request: HttpRequest, assignment_id: int) -> HttpResponse:
    """The next list, or the base list, answers."""
    return _list(actions.unassign_wide(assignment_id, actor=request.actor))  # type: ignore[attr-defined]


@routes.get("/agreements/{int:agreement_id}/special-prices", response=list[SpecialOut], summary="The special prices of an agreement")
def specials(request: HttpRequest, agreement_id: int) -> HttpResponse:
    """Seen by its two sides; at most 5,000."""
    agreement(request.actor, agreement_id)  # type: ignore[attr-defined]
    found = queries.special_prices(request.actor, agreement_id).values(*SPECIAL)  # type: ignore[attr-defined]
    return reply([_told(row) for row in found[:5000]])


@routes.post("/agreements/{int:agreement_id}/special-prices", response={201: list[int]}, summary="Grant special prices")
@idempotent
def grant(request: HttpRequest, agreement_id: int, body: SpecialsIn) -> HttpResponse:
    """All or none; answers with their ids."""
    drafts = [SpecialDraft(agreement_id=agreement_id, **one.dict()) for one in body.prices]
    return reply([one.pk for one in actions.grant_special_prices(drafts, actor=request.actor)], 201)  # type: ignore[attr-defined]


@routes.post("/special-prices/{int:special_id}/end", response={200: dict}, summary="End a special price")
@idempotent
def end_special(request: HttpRequest, special_id: int, body: EndIn) -> HttpResponse:
    """Needs a reason."""
    actions.end_special_price(special_id, body.last_day, body.reason, actor=request.actor)  # type: ignore[attr-defined]
    return reply({"id": special_id, "last_day": body.last_day})


@routes.post("/agreements/{int:agreement_id}/quotes", response=list[QuoteOut], summary="What would it cost, and why")
def quote(request: HttpRequest, agreement_id: int, body: QuotesIn) -> HttpResponse:
    """Prices of an agreement the caller is a side of, in the order asked; writes nothing."""
    items = [Item(n, one.product_id, one.qty) for n, one in enumerate(body.items)]
    quotes = queries.quote(request.actor, agreement_id, items, body.on or clock.today())  # type: ignore[attr-defined]
    lacking = []
    if len(quotes) < len(items):
        lacking = [f"{source}-{target}" for source, target in queries.unscoped_lacking_rates(agreement_id, body.on or clock.today())]
    told = []
    for n, one in enumerate(body.items):
        found = quotes.get(n)
        facts = {name: getattr(found, name) for name in ("amount", "tax_inclusive", "source", "steps")} if found else NO_PRICE | {"lacking": lacking}
        told.append({"product_id": one.product_id, "qty": one.qty, "lacking": [], **facts})
    return reply(told)


@routes.get("/exchange-rates", response=RatePage, summary="Exchange rates, newest entry first")
def rates(request: HttpRequest, limit: int = 50, after: int | None = None) -> HttpResponse:
    """Those the caller's organisation keeps."""
    return _page(queries.rates(request.actor), RATE, limit, after)  # type: ignore[attr-defined]


@routes.post("/exchange-rates", response={201: list[int]}, summary="Enter exchange rates")
@idempotent
def set_rates(request: HttpRequest, body: RatesIn) -> HttpResponse:
    """All or none; one of the same day is overwritten. Answers with their ids."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return reply([one.pk for one in actions.set_rates(actor.org_id, [RateDraft(**one.dict()) for one in body.rates], actor=actor)], 201)


@routes.delete("/exchange-rates/{int:rate_id}", response={200: dict}, summary="Remove an exchange rate")
@idempotent
def remove_rate(request: HttpRequest, rate_id: int) -> HttpResponse:
    """The one before counts again."""
    actions.remove_rates([rate_id], actor=request.actor)  # type: ignore[attr-defined]
    return reply({"id": rate_id})
