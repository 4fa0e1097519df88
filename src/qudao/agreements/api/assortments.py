"""What is shown to which buyers over the API."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Schema

from qudao.agreements import actions, queries
from qudao.agreements.api.terms import routes
from qudao.agreements.models import AssortmentRule
from qudao.agreements.rules import RuleDraft
from qudao.base.access import Actor
from qudao.base.rest import idempotent, page_of, reply
from qudao.catalog import queries as products
from qudao.kernel.errors import NotFound

RULE = (
    *("id", "shown", "valid_from", "valid_to", "buyer_id", "group_id", "region_id", "area_code", "channel", "tier"),
    *("product_id", "category_id", "brand_id"),
)


class RuleChangeIn(Schema):
    """Whether the products are shown, and the last day (none: until ended)."""

    shown: bool
    valid_to: date | None = None


class RuleIn(RuleChangeIn):
    """Whom: a buyer, or a group, or region, area, channel and tier together, or everybody. What: a product, a category, a brand, or everything."""

    valid_from: date
    buyer_id: int | None = None
    group_id: int | None = None
    region_id: int | None = None
    area_code: str = Field("", max_length=12)
    channel: str = Field("", max_length=40)
    tier: int | None = Field(None, ge=0, le=20)
    product_id: int | None = None
    category_id: int | None = None
    brand_id: int | None = None


class RuleOut(RuleIn):
    id: int


class RulePage(Schema):
    items: list[RuleOut]
    next_after: int | None


class ShownOut(Schema):
    """Whether a product is shown under an agreement, and by which rule of the seller (none: no rule, or the seller does not see it itself)."""

    product_id: int
    product_code: str
    shown: bool
    rule_id: int | None


class ShownPage(Schema):
    items: list[ShownOut]
    next_after: int | None


def _rule(one: AssortmentRule, status: int = 200) -> HttpResponse:
    return reply({name: getattr(one, name) for name in RULE}, status, location=f"/api/v1/assortment-rules/{one.pk}")


@routes.get("/assortment-rules", response=RulePage, summary="Rules of what is shown to which buyers, newest first")
def rules(request: HttpRequest, limit: int = 50, after: int | None = None) -> HttpResponse:
    """Those of the caller's organisation, also past and planned ones."""
    page, limit = page_of(queries.assortment_rules(request.actor), limit=limit, after=after)  # type: ignore[attr-defined]
    items = list(page.values(*RULE))
    return reply({"items": items, "next_after": items[-1]["id"] if len(items) == limit else None})


@routes.post("/assortment-rules", response={201: RuleOut}, summary="Show products, or hide them")
@idempotent
def set_rule(request: HttpRequest, body: RuleIn) -> HttpResponse:
    """The same whom, what and first day again changes the rule. What buyers see follows within seconds."""
    return _rule(actions.set_rule(RuleDraft(**body.dict()), actor=request.actor), 201)  # type: ignore[attr-defined]


@routes.get("/assortment-rules/{int:rule_id}", response=RuleOut, summary="One rule")
def one_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Of the caller's organisation."""
    return _rule(queries.assortment_rule(request.actor, rule_id))  # type: ignore[attr-defined]


@routes.put("/assortment-rules/{int:rule_id}", response=RuleOut, summary="Turn a rule round, or give it another last day")
@idempotent
def change_rule(request: HttpRequest, rule_id: int, body: RuleChangeIn) -> HttpResponse:
    """Whom, what and the first day stay."""
    return _rule(actions.change_rule(rule_id, body.shown, body.valid_to, actor=request.actor))  # type: ignore[attr-defined]


@routes.delete("/assortment-rules/{int:rule_id}", response=RuleOut, summary="End a rule")
@idempotent
def end_rule(request: HttpRequest, rule_id: int) -> HttpResponse:
    """With yesterday; one that has not begun by then disappears."""
    one = queries.assortment_rule(request.actor, rule_id)  # type: ignore[attr-defined]
    actions.end_rule(rule_id, actor=request.actor)  # type: ignore[attr-defined]
    return _rule(one)


@routes.get("/agreements/{int:agreement_id}/assortment", response=ShownPage, summary="What an agreement shows its buyer, and why")
def assortment(request: HttpRequest, agreement_id: int, product_id: int | None = None, limit: int = 50, after: int | None = None) -> HttpResponse:
    """For its seller: what it sells, the newest first, or one product; only of active agreements."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if not queries.offers(actor).filter(pk=agreement_id).exists():
        raise NotFound("base.not_found")
    found = products.carried(actor).annotate(hidden=queries.unscoped_hidden_under(agreement_id))
    page, limit = page_of(found.filter(pk=product_id) if product_id is not None else found, limit=limit, after=after)
    shown: list[Any] = list(page)
    why = queries.reasons(actor, [agreement_id], [one.pk for one in shown])
    items = [{"product_id": one.pk, "product_code": one.code, "shown": not one.hidden, "rule_id": _id(why.get((agreement_id, one.pk)))} for one in shown]
    return reply({"items": items, "next_after": shown[-1].pk if len(shown) == limit else None})


def _id(rule: AssortmentRule | None) -> int | None:
    return rule.pk if rule else None
