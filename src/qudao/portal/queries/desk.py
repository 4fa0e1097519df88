"""What an order would come to: agreements one may order under, typed lines read, priced and checked without placing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from qudao.agreements.models import Agreement
from qudao.agreements.queries import Terms, unscoped_hidden_under, unscoped_refused, unscoped_terms_of
from qudao.approvals.queries import Case, signers_of, unscoped_rules_for
from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.base.html.figures import bare
from qudao.base.html.tables import by_language
from qudao.catalog.models import Pack, Product
from qudao.catalog.queries import ProductCard, products, unscoped_cards, unscoped_equivalents
from qudao.catalog.rules import initials
from qudao.fulfilment.queries import unscoped_expected
from qudao.funds.queries import CreditCard, unscoped_card
from qudao.inventory.queries import Available, unscoped_available, unscoped_supplies, unscoped_told
from qudao.kernel import clock
from qudao.kernel.errors import Fault
from qudao.kernel.gs1 import scanned
from qudao.kernel.money import ZERO
from qudao.orders import rules
from qudao.orders.queries import unscoped_facts, unscoped_why_no_price
from qudao.orders.rules import NewLine, Placing, PricedLine
from qudao.orders.states import FREE_OF_MINIMUM, Kind, Status
from qudao.portal.rules import Nearest, folded, quantity_of
from qudao.pricing.queries import Item, unscoped_quote
from qudao.quotas.queries import unscoped_ration
from qudao.quotas.rules import Ask, Pot

#: suggestions for one code that is not known, and for how many of them in one reading
SIMILAR, MOST_SIMILAR = 3, 200
#: products up to which a code is compared with all of them; beyond, only with those that begin like it
COMPARED = 5_000
#: orders that count for nothing
UNDONE = [str(one) for one in (Status.DRAFT, Status.REJECTED, Status.CANCELLED)]

# The newest orders of the pair, not more than some thousand lines of them, whatever the history: bounded, and by index alone.
LAST = """WITH newest AS (
        SELECT id, number, ordered_on, line_count, sum(line_count) OVER (ORDER BY id DESC) - line_count AS before FROM (
            SELECT id, number, ordered_on, line_count FROM orders_order WHERE buyer_id = %s AND seller_id = %s AND currency = %s AND status <> ALL(%s)
            ORDER BY id DESC LIMIT 200) o
    )
    SELECT DISTINCT ON (l.product_id) l.product_id, l.qty, l.unit_price, o.ordered_on, o.number, o.id
    FROM newest o JOIN orders_line l ON l.order_id = o.id
    WHERE o.before < 5000 AND l.product_id = ANY(%s) ORDER BY l.product_id, o.id DESC"""


@dataclass(frozen=True)
class Trade:
    """An agreement under which this person may order, seen from the own side."""

    agreement_id: int
    seller_id: int
    buyer_id: int
    label: str
    currency: str
    code: str = ""
    #: what the order is for, and the surcharge of an emergency in percent
    kind: str = "regular"
    surcharge: Decimal = ZERO


def meant(trade: Trade, kind: str) -> Trade:
    """A trade for an order of a type; one statement more for an emergency, whose surcharge is the agreement's."""
    if kind not in Kind.values or trade.kind == Kind.EXTERNAL:
        return trade
    supply = unscoped_supplies([trade.agreement_id], ()).get(trade.agreement_id) if kind == Kind.EMERGENCY else None
    return replace(trade, kind=kind, surcharge=supply.surcharge if supply else ZERO)


def _tradeable(actor: Actor) -> QuerySet[Agreement]:
    """The agreements under which the actor may order today, with both sides, and whether the two have `several`, each in a currency of its own."""
    today = clock.today()
    mine = Q(buyer_id=actor.org_id) | Q(seller_id=actor.org_id) if actor.can("orders.place_for") else Q(buyer_id=actor.org_id)
    alive = Q(Q(valid_to=None) | Q(valid_to__gte=today), state="active", transfers=False, valid_from__lte=today)
    twin = Agreement.unscoped.filter(alive, seller=OuterRef("seller"), buyer=OuterRef("buyer")).exclude(pk=OuterRef("pk"))
    found = visible(actor, Agreement).filter(mine, alive).annotate(several=Exists(twin))
    return found.select_related("seller", "buyer").order_by("buyer__code", "seller__code", "currency", "id")


def _trade(actor: Actor, row: Agreement) -> Trade:
    other = row.seller if row.buyer_id == actor.org_id else row.buyer
    kind = Kind.EXTERNAL if row.seller_id in actor.stands_for else Kind.REGULAR
    label = f"{by_language(other.name, other.name_en)} ({other.code})" + (f" · {row.currency}" if row.several else "")  # type: ignore[attr-defined]
    return Trade(row.pk, row.seller_id, row.buyer_id, label, row.currency, other.code, kind)


def trades(actor: Actor, *, buyer_id: int | None = None) -> list[Trade]:
    """The agreements under which the actor may order: as the buyer, or as the seller's clerk for a buyer; of one buyer only. One statement."""
    return [_trade(actor, row) for row in _tradeable(actor).filter(**({} if buyer_id is None else {"buyer": buyer_id}))]


def trade_of(actor: Actor, agreement_id: str) -> Trade | None:
    """The agreement of this id, when the actor may order under it. One statement."""
    row = _tradeable(actor).filter(pk=agreement_id).first() if agreement_id.isdigit() else None
    return _trade(actor, row) if row else None


def trade_between(actor: Actor, seller_id: int, buyer_id: int, currency: str) -> Trade | None:
    """The agreement between two sides in a currency, when the actor may order under it. One statement."""
    row = _tradeable(actor).filter(seller=seller_id, buyer=buyer_id, currency=currency).first()
    return _trade(actor, row) if row else None


def only_trade(actor: Actor) -> Trade | None:
    """The one agreement of somebody who has no choice. One statement."""
    found = _tradeable(actor)[:2]
    return _trade(actor, found[0]) if len(found) == 1 else None


@lru_cache(maxsize=50_000)
def _initials(name: str) -> str:
    return initials(name)


def find_trades(actor: Actor, words: str, limit: int = 8) -> list[Trade]:
    """The agreements whose other side is meant by what was typed: code, name or pinyin initials, the best first. Two statements."""
    text = words.strip().upper()
    names = _tradeable(actor).values_list("pk", "buyer_id", "seller__code", "seller__name", "seller__name_en", "buyer__code", "buyer__name", "buyer__name_en")
    ranked = []
    for pk, buyer_id, *names_of in names:
        code, name, name_en = (str(x).upper() for x in (names_of[:3] if buyer_id == actor.org_id else names_of[3:]))
        short = _initials(name).upper()
        within = all(word in f"{code} {name} {name_en}" for word in text.split())
        ways = (text in (code, name), code.startswith(text), short.startswith(text), name.startswith(text), within, text in short)
        rank = next((n for n, met in enumerate(ways) if met), None)
        if rank is not None:
            ranked.append((rank, code, pk))
    best = [pk for _rank, _code, pk in sorted(ranked)[:limit]]
    found = {row.pk: _trade(actor, row) for row in _tradeable(actor).filter(pk__in=best)} if best else {}
    return [found[pk] for pk in best if pk in found]


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
    """What typed (code, quantity) pairs mean, in three statements whatever their number; a code may be a GTIN, or hold one as GS1 writes it.
    Faults are at `lines.<no>`.
    """
    asked = [Asked(folded(scanned(code)), qty) for code, qty in typed]
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
        qty = quantity_of(bare(one.qty_text, unit), unit, packs.get(one.card.id, {}) if one.card else {}) if one.qty_text else ZERO
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


def similar(actor: Actor, texts: Iterable[str], limit: int = SIMILAR, *, agreement_id: int | None = None) -> dict[str, list[Product]]:
    """Products like each of some typed texts, the most alike first, of those that an agreement shows. At most three statements, whatever the number."""
    wanted = list(dict.fromkeys(text for text in texts if len(text) > 1))[:MOST_SIMILAR]
    if not wanted:
        return {}
    known = products(actor, state="active").filter(~unscoped_hidden_under(agreement_id)).order_by()
    facts = list(known.values_list("pk", "code", "name", "initials")[: COMPARED + 1])
    if len(facts) > COMPARED:
        begins = Q(pk__in=[])
        for start in {text[: max(2, len(text) - 2)] for text in wanted} | {text[: max(2, len(text) // 2)] for text in wanted}:
            begins |= Q(code__istartswith=start)
        facts = list(known.filter(begins).values_list("pk", "code", "name", "initials")[:COMPARED])
    nearest = Nearest({pk: (code, name, short) for pk, code, name, short in facts})
    ids = {text: nearest.to(text, limit) for text in wanted}
    found = known.in_bulk({pk for some in ids.values() for pk in some})
    return {text: [found[pk] for pk in some] for text, some in ids.items()}


@dataclass(frozen=True)
class Bought:
    """When this buyer last ordered a product of this seller: quantity in base units, price per base unit."""

    qty: Decimal
    price: Decimal
    on: date
    number: str
    order_id: int


def last_bought(trade: Trade, product_ids: Sequence[int]) -> dict[int, Bought]:
    """The last order of each product among the newest orders of a trade the actor was shown. One statement."""
    found = rows(LAST, (trade.buyer_id, trade.seller_id, trade.currency, UNDONE, list(product_ids))) if product_ids else []
    return {product_id: Bought(*rest) for product_id, *rest in found}


@dataclass(frozen=True)
class Instead:
    """A product that can stand in for another and is there in full, with its price for the quantity asked for."""

    code: str
    name: str
    price: Decimal


@dataclass(frozen=True)
class Rest:
    """The lines of the same order that are not asked anew: their number and what they came to."""

    lines: int = 0
    net: Decimal = ZERO
    tax: Decimal = ZERO
    gross: Decimal = ZERO
    #: whether `Whole` is raised where the flow of approvals depends on lines that are not here
    whole: bool = False


NO_REST = Rest()


class Whole(Exception):
    """Some lines do not say who must sign, or what the others cost: all are needed."""


@dataclass
class Look:
    """What an order would come to: priced lines by number, every fault, totals, credit, the stock told, the approvals it needs.

    `bought` = when each product was last ordered; `instead` = what could stand in for each product that is short; `scarce` = what is left for the
    buyer of what has a quota; totals include the lines that were not asked anew. `leaves` = the day the last of the goods can leave and how many lines
    have none yet; None where not all lines were asked or nothing is told.
    """

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
    bought: dict[int, Bought] = field(default_factory=dict)
    instead: dict[int, list[Instead]] = field(default_factory=dict)
    scarce: dict[int, Pot] = field(default_factory=dict)
    terms: Terms | None = None
    partial: bool = False

    @property
    def to_minimum(self) -> Decimal:
        """What is missing to the smallest order, before tax."""
        return self.terms.lacks(self.net) if self.terms and self.trade.kind not in FREE_OF_MINIMUM else ZERO

    @property
    def leaves(self) -> tuple[date | None, int] | None:
        promises = [self.stock[one.card.id].promise for one in self.asked if one.card and one.card.id in self.stock]
        days = [day for parts in promises for day, _qty in parts]
        if self.partial or not days:
            return None
        return max((day for day in days if day), default=None), sum(any(day is None for day, _qty in parts) for parts in promises)


def look(actor: Actor, trade: Trade, asked: list[Asked], requested_on: date | None = None, rest: Rest = NO_REST) -> Look:
    """Price and check an order as placing would, without placing it; about ten statements, whatever the number of lines."""
    today = clock.today()
    placing = Placing(trade.seller_id, trade.buyer_id, [a.new_line for a in asked], requested_on)
    terms = unscoped_terms_of([trade.agreement_id]).get(trade.agreement_id)
    faults = [f for a in asked for f in a.faults]
    unread = {f.field for f in faults}
    faults += [f for f in rules.shape_faults(placing, today) if f.field not in unread]
    if rest.lines + len(asked) > rules.MAX_LINES >= len(asked):
        faults.append(Fault("orders.too_many_lines", "lines", {"limit": rules.MAX_LINES}))
    faults += rules.side_faults(terms, today)
    cards = {a.card.id: a.card for a in asked if a.card}
    ids = sorted(cards)
    refused = unscoped_refused(trade.agreement_id, ids, today) if ids else {}
    quotes = unscoped_quote(trade.agreement_id, [Item(no, a.card.id, a.qty) for no, a in enumerate(asked, 1) if a.card and a.qty > 0], today)
    if rest.whole and any(quote.mixed for quote in quotes.values()):
        raise Whole
    known = {f.field for f in faults}
    unasked = {f"lines.{no}.product" for no, a in enumerate(asked, 1) if a.qty <= 0}  # without a quantity there is no price to miss
    more = rules.line_faults(placing.lines, cards, refused, quotes, today)
    told_of = [f for f in more if f.field not in known and not (f.code == "orders.no_price" and f.field in unasked)]
    faults += unscoped_why_no_price(told_of, trade.agreement_id, today)
    numbers = [no for no, one in enumerate(asked, 1) if one.card and no in quotes and one.qty > 0]
    made = rules.price_order([asked[no - 1].new_line for no in numbers], cards, {n: quotes[no] for n, no in enumerate(numbers, 1)}, trade.kind, trade.surcharge)
    priced = {no: replace(line, no=no) for no, line in zip(numbers, made, strict=True)}
    alike = similar(actor, (one.text for one in asked if one.text and not one.card), agreement_id=trade.agreement_id)
    for one in asked:
        one.similar = alike.get(one.text, []) if one.card is None else []
    net, tax, gross = (a + b for a, b in zip(rules.totals(list(priced.values())), (rest.net, rest.tax, rest.gross), strict=True))
    credit = unscoped_card(trade.agreement_id) if actor.can("funds.view") else None
    wanted = dict.fromkeys(ids, ZERO)
    for one in asked:
        if one.card:
            wanted[one.card.id] += one.qty
    asks = [Ask(trade.seller_id, trade.buyer_id, one.card.id, no, no, one.qty) for no, one in enumerate(asked, 1) if one.card and one.qty > 0]
    ration = unscoped_ration(asks, today)
    faults += ration.faults(asks)
    case = Case(gross, trade.kind, tier=terms.buyer.tier if terms else None)
    signers = approvers(actor, trade, case, None if rest.whole else list(priced.values()))
    found = Look(trade, asked, priced, faults, told(actor, trade, wanted, requested_on), credit, signers, net, tax, gross)
    found.scarce = {product: pot for (_seller, _buyer, product), pot in ration.pots.items()}
    found.bought, found.terms, found.partial = last_bought(trade, ids), terms, rest.lines > 0
    found.instead = instead(actor, trade, {pk: wanted[pk] for pk, one in found.stock.items() if is_short(one)}, ids)
    return found


def is_short(stock: Available) -> bool:
    """Whether a part of what is asked for has no day on which it leaves."""
    return any(day is None for day, _qty in stock.promise)


def instead(actor: Actor, trade: Trade, short: Mapping[int, Decimal], taken: Iterable[int]) -> dict[int, list[Instead]]:
    """What could stand in for products that are short, the best first: orderable under the trade, in the same unit, there in full, not `taken` yet.

    No statement when nothing is short, one when nothing can stand in, else seven at most.
    """
    today, used = clock.today(), set(taken)
    alike = unscoped_equivalents(short, today) if short else {}
    pairs = {(pk, other) for pk, others in alike.items() for other in others if other not in used}
    if not pairs:
        return {}
    known = {one.pk: one for one in products(actor).filter(pk__in=[*short, *(other for _pk, other in pairs)])}
    refused = unscoped_refused(trade.agreement_id, sorted({other for _pk, other in pairs}), today)
    pairs = {(pk, other) for pk, other in pairs if pk in known and other in known and other not in refused and known[pk].unit == known[other].unit}
    asked = {other: max(short[pk] for pk, one in pairs if one == other) for _pk, other in pairs}
    stock = told(actor, trade, asked)
    quotes = unscoped_quote(trade.agreement_id, [Item(pair, pair[1], short[pair[0]], alone=True) for pair in pairs], today)
    found: dict[int, list[Instead]] = {}
    for pk, others in alike.items():
        fits = [other for other in others if (pk, other) in pairs and (pk, other) in quotes and other in stock and not is_short(stock[other])]
        prices = [rules.of_kind(quotes[pk, other], trade.kind, trade.surcharge)[0] for other in fits[:SIMILAR]]
        made = [Instead(known[pk].code, by_language(known[pk].name, known[pk].name_en), price) for pk, price in zip(fits, prices, strict=False)]
        found |= {pk: made} if made else {}
    return found


def told(actor: Actor, trade: Trade, asked: Mapping[int, Decimal], wanted_on: date | None = None) -> dict[int, Available]:
    """The stock that supplies a trade and when quantities of it can leave, by product, as its buyer is told; the seller's own people see the
    quantity. At most three statements, two more where something is short.
    """
    if not asked or not actor.can("inventory.view") or trade.kind == Kind.EXTERNAL:  # what an outside seller has is in no books
        return {}
    if actor.org_id != trade.seller_id:
        found = unscoped_told(trade.agreement_id, asked, wanted_on)
    else:
        supply = unscoped_supplies([trade.agreement_id], asked).get(trade.agreement_id)
        found = unscoped_available(supply, asked, wanted_on) if supply else {}  # of a seller without a warehouse nothing is known
    days = unscoped_expected(trade.seller_id, {pk: one.lacks for pk, one in found.items() if one.lacks})
    return found | {pk: replace(found[pk], expected=day) for pk, day in days.items()}


def _refuse(_asked: set[str]) -> Mapping[str, object]:
    raise Whole


def approvers(actor: Actor, trade: Trade, case: Case, lines: list[PricedLine] | None) -> list[str]:
    """Who must sign such an order; a buyer is told only that the seller does. One statement, one for the names, and those of what the flow asks.

    Raises Whole when the lines decide and are None.
    """
    more = partial(unscoped_facts, (trade.seller_id, trade.buyer_id, trade.agreement_id), lines) if lines is not None else _refuse
    house = trade.buyer_id if trade.kind == Kind.EXTERNAL else trade.seller_id
    needed = unscoped_rules_for(house, "orders.order", case, more)
    if actor.org_id != house:
        return [_("The seller")] if needed else []
    return signers_of(one.step for one in needed.asked)
