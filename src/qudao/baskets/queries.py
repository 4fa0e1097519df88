"""Reads of baskets, templates and favourites."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.db.models import Count, QuerySet

from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import rows
from qudao.baskets.models import Basket, Favourite, Line, Template, TemplateLine
from qudao.catalog.models import Product
from qudao.catalog.policies import shown
from qudao.orders.models import Order


def baskets(actor: Actor) -> QuerySet[Basket]:
    """The actor's own baskets, the latest first."""
    return visible(actor, Basket).select_related("agreement").order_by("-changed_at", "-id")


def basket(actor: Actor, basket_id: int) -> Basket:
    """One own basket; NotFound for every other."""
    return get_visible(actor, Basket, basket_id)


def basket_under(actor: Actor, agreement_id: int) -> Basket | None:
    """The actor's basket under an agreement; None when nothing was ever put into it. One statement."""
    return visible(actor, Basket).filter(agreement_id=agreement_id).first()


def line(actor: Actor, line_id: int) -> Line:
    """One line of an own basket; NotFound for every other."""
    return get_visible(actor, Line, line_id)


def lines_of(actor: Actor, basket_id: int) -> QuerySet[Line]:
    """The lines of an own basket in the order in which they came, with product and category."""
    return visible(actor, Line).filter(basket_id=basket_id).select_related("product__category").order_by("id")


def templates(actor: Actor, agreement_id: int | None = None) -> QuerySet[Template]:
    """The templates the actor may load, by name, with `number` of their lines."""
    found = visible(actor, Template).annotate(number=Count("lines")).order_by("name", "id")
    return found if agreement_id is None else found.filter(agreement_id=agreement_id)


def template(actor: Actor, template_id: int) -> Template:
    """One template; NotFound for those of others that are not shared."""
    return get_visible(actor, Template, template_id)


def template_lines(actor: Actor, template_id: int) -> QuerySet[TemplateLine]:
    """The lines of a template the actor may load, by code."""
    return visible(actor, TemplateLine).filter(shown(actor, "product"), template_id=template_id).select_related("product").order_by("product__code")


def favourites(actor: Actor) -> QuerySet[Favourite]:
    """The actor's marked products, by code."""
    return visible(actor, Favourite).filter(shown(actor, "product")).select_related("product").order_by("product__code", "id")


def unscoped_order_under(buyer_id: int, client_id: UUID | str | None) -> Order | None:
    """The order that a buyer already placed with this client id. One statement."""
    return Order.unscoped.filter(buyer_id=buyer_id, client_id=client_id).first() if client_id else None


def visible_products(actor: Actor, product_ids: Iterable[int]) -> set[int]:
    """Those of the products that the actor may see. One statement."""
    return set(visible(actor, Product).filter(pk__in=list(product_ids)).values_list("pk", flat=True))


def unscoped_number_of_lines(basket_id: int) -> int:
    """How many lines a basket has. One statement."""
    ((number,),) = rows("SELECT count(*) FROM baskets_line WHERE basket_id = %s", (basket_id,))
    return number


def unscoped_order_lines(order_id: int) -> list[tuple[int, object]]:
    """(product id, quantity in base units) of an order the actor was shown, by its lines. One statement."""
    return rows("SELECT product_id, sum(qty - moved) FROM orders_line WHERE order_id = %s AND qty > moved GROUP BY product_id ORDER BY min(no)", (order_id,))
