"""What an order would come to: agreements one may order under, typed lines read, priced and checked without placing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.db.models import Q
from django.utils.translation import gettext as _

from qudao.agreements.models import Agreement
from qudao.agreements.queries import unscoped_refused, unscoped_terms_of
from qudao.approvals.queries import unscoped_rules_for
from qudao.base.access import Actor, visible
from qudao.base.html.tables import by_language
from qudao.catalog.models import Pack, Product
from qudao.catalog.queries import ProductCard, products, unscoped_cards
from qudao.funds.queries import CreditCard, unscoped_card
from qudao.inventory.queries import Available, available_for
from qudao.kernel import clock
from qudao.kernel.errors import Fault
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.rules import NewLine, Placing, PricedLine
from qudao.portal.rules import folded, quantity_of
from qudao.pricing.queries import Item, unscoped_quote


@dataclass(frozen=True)
class Trade:
    """An agreement under which this person may order, seen from the own side."""

    agreement_id: int
    seller_id: int
    buyer_id: int
    label: str
    currency: str


def trades(actor: Actor) -> list[Trade]:
    """The agreements under which the actor may order: as the buyer, or as the seller's clerk for a buyer. One statement."""
    today = clock.today()
    mine = Q(buyer_id=actor.org_id)
    if actor.can("orders.place_for"):
        mine |= Q(seller_id=actor.org_id)
    found = visible(actor, Agreement).filter(mine, Q(valid_to=None) | Q(valid_to__gte=today), state="active", valid_from__lte=today)
    found = found.select_related("seller", "buyer").order_by("buyer__code", "seller__code")
    made = []
    for row in found:
        other = row.seller if row.buyer_id == actor.org_id else row.buyer
        made.append(Trade(row.pk, row.seller_id, row.buyer_id, f"{by_language(other.name, other.name_en)} ({other.code})", row.currency))
    return made


@dataclass
class Asked:
    """One typed line: what was typed, the product and base quantity it means, and what is wrong with the reading."""

    text: str
    qty_text: str
    card: ProductCard | None = None
    qty: Decimal = ZERO
    faults: list[Fault] = field(default_factory=list)
    similar: list[Product] = field(default_factory=list)

    @property
    def new_line(self) -> NewLine:
        return NewLine(self.card.id if self.card else None, self.qty, self.text)


def read_lines(actor: Actor, seller_id: int, typed: Sequence[tuple[str, str]]) -> list[Asked]:
    """What typed (code, quantity) pairs mean, in three statements whatever their number; a code may be a GTIN. Faults are at `lines.<no>`."""
    asked = [Asked(folded(code), qty) for code, qty in typed]
    codes = {a.text for a in asked if a.text}
    gtins = {c.zfill(14) for c in codes if c.isdigit() and len(c) >= 8}
    by_code: dict[str, int] = {}
    for pk, code, gtin, owner in products(actor).filter(Q(code__in=codes) | Q(gtin__in=gtins)).values_list("pk", "code", "gtin", "owner_id"):
        for key in (code.upper(), (gtin or "").lstrip("0")):
            if key and (key not in by_code or owner == seller_id):
                by_code[key] = pk
    cards = unscoped_cards(by_code.values())
    packs = unscoped_packs(cards)
    for no, one in enumerate(asked, 1):
        one.card = cards.get(by_code.get(one.text) or by_code.get(one.text.lstrip("0")) or 0)
        unit = one.card.unit if one.card else ""
        qty = quantity_of(one.qty_text, unit, packs.get(one.card.id, {}) if one.card else {}) if one.qty_text else ZERO
        if qty is None:
            one.faults.append(Fault("portal.qty_unreadable", f"lines.{no}.qty", {"text": one.qty_text, "product": one.text}))
        one.qty = qty or ZERO
    return asked


def unscoped_packs(product_ids: Iterable[int]) -> dict[int, dict[str, Decimal]]:
    """The packs of products the caller was shown: product id → name → base units. One statement."""
    found: dict[int, dict[str, Decimal]] = {}
    for product_id, name, name_en, factor in Pack.unscoped.filter(product_id__in=list(product_ids)).values_list("product_id", "name", "name_en", "factor"):
        names = found.setdefault(product_id, {})
        names |= {n: factor for n in (name, name_en) if n}
    return found


def similar(actor: Actor, text: str, limit: int = 3) -> list[Product]:
    """Products like a typed code: by its longest beginning that meets any."""
    for length in range(len(text), 1, -1):
        found = list(products(actor, state="active").filter(Q(code__istartswith=text[:length]) | Q(name__icontains=text[:length]))[:limit])
        if found:
            return found
    return []


@dataclass
class Look:
    """What an order would come to: priced lines by number, every fault, totals, credit, the stock told, the approvals it needs."""

    trade: Trade
    asked: list[Asked]
    lines: dict[int, PricedLine]
    faults: list[Fault]
    stock: dict[int, Available]
    credit: CreditCard | None
    approvers: list[str]
    net: Decimal = ZERO
    tax: Decimal = ZERO
    gross: Decimal = ZERO


def look(actor: Actor, trade: Trade, asked: list[Asked], requested_on: date | None = None) -> Look:
    """Price and check an order as placing would, without placing it; about ten statements, whatever the number of lines."""
    today = clock.today()
    placing = Placing(trade.seller_id, trade.buyer_id, [a.new_line for a in asked], requested_on)
    terms = unscoped_terms_of([trade.agreement_id]).get(trade.agreement_id)
    faults = [f for a in asked for f in a.faults]
    unread = {f.field for f in faults}
    faults += [f for f in rules.shape_faults(placing, today) if f.field not in unread]
    faults += rules.side_faults(terms, today)
    ids = sorted({a.card.id for a in asked if a.card})
    cards = {a.card.id: a.card for a in asked if a.card}
    refused = unscoped_refused(trade.agreement_id, ids, today) if ids else set()
    items = [Item(no, a.card.id, a.qty) for no, a in enumerate(asked, 1) if a.card and a.qty > 0]
    quotes = unscoped_quote(trade.agreement_id, items, today)
    known = {f.field for f in faults}
    faults += [f for f in rules.line_faults(placing.lines, cards, refused, quotes, today) if f.field not in known]
    priced = {
        no: rules.price_order([one.new_line], cards, {1: quotes[no]})[0]
        for no, one in enumerate(asked, 1)
        if one.card and no in quotes and one.qty > 0
    }  # fmt: skip
    for one in asked:
        if one.text and not one.card:
            one.similar = similar(actor, one.text)
    net, tax, gross = rules.totals(list(priced.values()))
    stock = available_for(actor, trade.agreement_id, ids) if ids and actor.can("inventory.view") else {}
    credit = unscoped_card(trade.agreement_id) if actor.can("funds.view") else None
    return Look(trade, asked, priced, faults, stock, credit, approvers(actor, trade, gross), net, tax, gross)


def approvers(actor: Actor, trade: Trade, gross: Decimal) -> list[str]:
    """The roles that must sign an order of this amount; a buyer is told only that the seller does. One statement."""
    rules_here = unscoped_rules_for(trade.seller_id, "orders.order", gross)
    if actor.org_id != trade.seller_id:
        return [_("The seller")] if rules_here else []
    return [by_language(rule.role_name, rule.role_name_en) for rule in rules_here]
