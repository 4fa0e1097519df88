"""A long basket after one change: only the lines that changed are priced; the others count with what the page says they came to before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.db.models import Q

from qudao.base.access import Actor
from qudao.baskets.models import Line
from qudao.baskets.queries import basket_under, lines_of, unscoped_number_of_lines
from qudao.portal.queries.desk import Rest, Trade, Whole
from qudao.portal.queries.shop import Filled, read_basket, tell_breaks

#: lines up to which a basket is priced as a whole
FEW = 100
#: products of one change up to which the rest is taken as known
MOST = 20


@dataclass(frozen=True)
class Before:
    """What a basket came to before a change, and the lines the change is about."""

    version: int
    wrong: int
    net: Decimal
    tax: Decimal
    gross: Decimal
    products: frozenset[int]
    lines: list[Line]


def before(actor: Actor, trade: Trade, said: str, product_ids: Iterable[int | None]) -> Before | None:
    """What the page knows of a long basket (`Filled.known`) and the lines of some products as they are; None where the whole is to be priced.

    Nothing is trusted but shown: an order is priced anew when it is placed. Two statements for a long basket.
    """
    ids = frozenset(pk for pk in product_ids if pk)
    try:
        version, number, wrong, *sums = said.split(":")
        net, tax, gross = (Decimal(one) for one in sums)
        if int(number) <= FEW or not 0 < len(ids) <= MOST:
            return None
        basket = basket_under(actor, trade.agreement_id)
        if basket is None or basket.version != int(version):
            return None
        return Before(int(version), int(wrong), net, tax, gross, ids, list(lines_of(actor, basket.pk).filter(product_id__in=ids)))
    except (ValueError, InvalidOperation):
        return None


def after(actor: Actor, trade: Trade, was: Before | None, near: Callable[[Line], bool], newest: int = 0) -> Filled | None:
    """The basket after a change of the lines of `was`, with the `newest` lines beside them; None where it changed otherwise too, or the whole decides."""
    basket = basket_under(actor, trade.agreement_id) if was else None
    if was is None or basket is None or basket.version != was.version + 1:
        return None
    mine = lines_of(actor, basket.pk)
    latest = list(mine.order_by("-id").values_list("pk", flat=True)[:newest]) if newest else []
    lines = list(mine.filter(Q(product_id__in=was.products) | Q(pk__in=latest)))
    before = [*was.lines, *(one for one in lines if one.product_id not in was.products)]
    others = unscoped_number_of_lines(basket.pk) - len(lines)
    try:
        old = read_basket(actor, trade, basket, before, Rest(max(others, 1), whole=True))
        about = old.looked
        rest = Rest(others, was.net - about.net, was.tax - about.tax, was.gross - about.gross, whole=True) if about else Rest(others)
        found = tell_breaks(read_basket(actor, trade, basket, lines, rest), near)
    except Whole:
        return None
    found.others, found.others_wrong = others, max(was.wrong - old.wrong, 0)
    return found
