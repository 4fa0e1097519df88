"""What a buyer may put into a basket, with the own price, the stock told, what was bought last; and what is in the basket, priced as an order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, Decimal

from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, TextField

from qudao.agreements.models import Authorisation
from qudao.agreements.queries import unscoped_hidden_under
from qudao.base.access import Actor, visible
from qudao.base.db import rows
from qudao.base.html.figures import bare
from qudao.base.html.figures import unit as unit_word
from qudao.base.html.tables import by_language
from qudao.baskets.models import Basket, Line
from qudao.baskets.queries import basket_under, lines_of
from qudao.baskets.rules import Entry, pack_in, shown_qty
from qudao.catalog.models import Audience, Category, Pack, Product
from qudao.catalog.queries import ProductCard, products
from qudao.inventory.queries import Available
from qudao.kernel import clock
from qudao.kernel.errors import Fault
from qudao.kernel.money import ZERO
from qudao.orders.models import Order
from qudao.orders.queries import purchases
from qudao.orders.rules import PricedLine
from qudao.portal.queries.desk import NO_REST, UNDONE, Asked, Bought, Instead, Look, Rest, Trade, last_bought, look, meant, read_lines, told, trades
from qudao.portal.rules import quantity_of
from qudao.pricing.queries import unscoped_breaks, unscoped_has_price
from qudao.quotas.queries import LEFT, LEFT_COLUMNS, Left, keys_for, left_of

#: how many of the newest orders say what is bought before
RECENT = 300


def buying(actor: Actor) -> list[Trade]:
    """The agreements under which the actor's own organisation buys today. One statement."""
    return trades(actor, buyer_id=actor.org_id)


def _valid(today: object) -> Q:
    return Q(valid_from__lte=today) & (Q(valid_to=None) | Q(valid_to__gte=today))


def _authorised(trade: Trade, allowed: bool) -> Q:
    """The products that authorisations of the agreement cover: by themselves, by a category above them, or all where one names neither.

    Three sets that are worked out once, not a question asked of every product.
    """
    grants = Authorisation.unscoped.filter(_valid(clock.today()), agreement_id=trade.agreement_id, allowed=allowed)
    above = grants.filter(category__isnull=False).annotate(below=ExpressionWrapper(OuterRef("path"), output_field=TextField()))
    branches = Category.unscoped.filter(Exists(above.filter(below__startswith=F("category__path"))))
    named = grants.filter(product__isnull=False).values("product_id")
    return Q(Exists(grants.filter(product=None, category=None))) | Q(pk__in=named) | Q(category_id__in=branches.values("pk"))


def orderable(actor: Actor, trade: Trade, *, search: str = "", category_id: int | None = None) -> QuerySet[Product]:
    """What can be ordered under an agreement today: carried by the seller and shown to the buyer, authorised, active, with a price; to read the first of."""
    opened = Audience.unscoped.filter(viewer_id=trade.seller_id).values("owner_id")
    found = products(actor, search=search, state="active", category_id=category_id, few=True).filter(Q(owner_id=trade.seller_id) | Q(owner__in=opened))
    found = found.filter(~unscoped_hidden_under(trade.agreement_id), unscoped_has_price(trade.agreement_id, clock.today()), _authorised(trade, True))
    return found.exclude(_authorised(trade, False))


def unscoped_bought(trade: Trade) -> list[int]:
    """The products of the newest orders of a trade that the actor is a side of. One statement."""
    found = rows(
        """SELECT DISTINCT l.product_id FROM orders_line l WHERE l.order_id IN (
           SELECT id FROM orders_order WHERE buyer_id = %s AND seller_id = %s AND status <> ALL(%s) ORDER BY id DESC LIMIT %s)""",
        (trade.buyer_id, trade.seller_id, UNDONE, RECENT),
    )
    return [pk for (pk,) in found]


def newest_order(actor: Actor, trade: Trade) -> Order | None:
    """The last order of the own organisation under an agreement, to order again. One statement."""
    return purchases(actor).filter(agreement_id=trade.agreement_id).exclude(status__in=UNDONE).order_by("-id").first()


@dataclass(frozen=True)
class Break:
    """The next price break: with `more` of it, `qty` base units in all, a piece costs `price`."""

    qty: Decimal
    more: Decimal
    price: Decimal


class PackName(str):
    """The name of a pack, by which it is kept, and what readers of English call it."""

    name_en: str

    def __new__(cls, name: str, name_en: str) -> PackName:
        made = super().__new__(cls, name)
        made.name_en = name_en
        return made

    @property
    def shown(self) -> str:
        """In the reader's language."""
        return by_language(str(self), self.name_en)


@dataclass(frozen=True)
class Step:
    """How a stepper counts: one click adds `qty` base units, shown as `name` of `factor` each ("" = base unit); the first click adds `first`."""

    qty: Decimal
    first: Decimal
    name: str = ""
    factor: Decimal | None = None

    @property
    def word(self) -> str:
        """The name in the reader's language."""
        return self.name.shown if isinstance(self.name, PackName) else self.name


@dataclass
class Card:
    """A product as the catalogue shows it to one buyer."""

    product: Product
    price: Decimal | None
    next_break: Break | None
    stock: Available | None
    bought: Bought | None
    packs: list[tuple[PackName, Decimal]]
    favourite: bool
    held: Decimal = ZERO
    held_pack: str = ""
    #: what is left for the buyer of a scarce product
    left: Left | None = None

    @property
    def step(self) -> Step:
        return step_of(self.product, self.packs)

    @property
    def typed(self) -> str:
        """What is in the basket, as its owner typed it: "3 箱", "12"; "" for nothing."""
        return typed_of(self.held, self.held_pack, dict(self.packs), self.product.unit) if self.held else ""


def typed_of(qty: Decimal, pack: str, packs: Mapping[PackName, Decimal], unit: str) -> str:
    """A quantity in the words in which it may be typed again."""
    name, factor = next(((name.shown, factor) for name, factor in packs.items() if name == pack), (pack, None))
    number, name = shown_qty(qty, name, factor)
    return f"{number.normalize():f} {name or unit_word(unit, number)}"


def step_of(product: Product | ProductCard, packs: Sequence[tuple[PackName, Decimal]]) -> Step:
    """One click is the smallest pack that is a whole number of steps, else a step."""
    multiple = product.pack_multiple if isinstance(product, Product) else product.multiple
    name, factor = next(((name, factor) for name, factor in packs if multiple <= 0 or factor % multiple == 0), ("", None))
    one = factor or (multiple if multiple > 0 else Decimal(1))
    return Step(one, max(one, (product.min_qty / one).to_integral_value(ROUND_CEILING) * one), name, factor)


def unscoped_packs_in_order(product_ids: Iterable[int]) -> dict[int, list[tuple[PackName, Decimal]]]:
    """(name, base units) of the packs of products the actor was shown, smallest first. One statement."""
    found: dict[int, list[tuple[PackName, Decimal]]] = {}
    asked = Pack.unscoped.filter(product_id__in=list(product_ids)).order_by("factor", "id")
    for product_id, name, name_en, factor in asked.values_list("product_id", "name", "name_en", "factor"):
        found.setdefault(product_id, []).append((PackName(name, name_en), factor))
    return found


def breaks(
    trade: Trade, asked: Mapping[int, Decimal], together: Mapping[int, Mapping[str, Decimal]] | None = None
) -> tuple[dict[int, Decimal], dict[int, Break]]:
    """(price, next break) by product for quantities in base units; `together`: by product and code of a list whose breaks count several products, how
    much of them all the order has. One statement.
    """
    prices, more = unscoped_breaks(trade.agreement_id, asked, clock.today(), together or {})
    return prices, {pk: Break(asked[pk] + missing, missing, price) for pk, (missing, price) in more.items()}


def together_of(priced: PricedLine) -> dict[str, Decimal]:
    """By code of a list whose breaks count several products: how much of them all the order has, as the price of a line tells."""
    return {step["code"]: Decimal(step["together"]) for step in priced.steps if "together" in step}


_HELD = f"""SELECT p.id, l.qty, coalesce(l.pack, ''), f.id IS NOT NULL,
        ARRAY(SELECT name FROM catalog_pack k WHERE k.product_id = p.id ORDER BY factor, id),
        ARRAY(SELECT name_en FROM catalog_pack k WHERE k.product_id = p.id ORDER BY factor, id),
        ARRAY(SELECT factor FROM catalog_pack k WHERE k.product_id = p.id ORDER BY factor, id),
        x.*
    FROM unnest(%(products)s::bigint[]) p(id)
    LEFT JOIN baskets_basket b ON b.user_id = %(user)s AND b.agreement_id = %(agreement)s AND b.buyer_id = %(org)s
    LEFT JOIN baskets_line l ON l.basket_id = b.id AND l.product_id = p.id
    LEFT JOIN baskets_favourite f ON f.user_id = %(user)s AND f.org_id = %(org)s AND f.product_id = p.id
    LEFT JOIN ({LEFT}) x({LEFT_COLUMNS}) ON x.product_id = p.id"""


def cards(actor: Actor, trade: Trade, shown: Sequence[Product]) -> list[Card]:
    """Products with all that the catalogue says of them; about eight statements whatever their number."""
    ids = [one.pk for one in shown]
    if not ids:
        return []
    scarce = keys_for([(trade.seller_id, trade.buyer_id, pk) for pk in ids], clock.today())
    found = rows(_HELD, {**scarce, "user": actor.user_id, "agreement": trade.agreement_id, "org": actor.org_id})
    mine = {row[0]: row[1:4] for row in found}
    packs = {row[0]: list(zip(map(PackName, row[4], row[5]), row[6], strict=True)) for row in found}
    left = {row[0]: left_of(row[7:]) for row in found if row[7] is not None}
    asked = {one.pk: mine[one.pk][0] or step_of(one, packs.get(one.pk, [])).first for one in shown}
    prices, more = breaks(trade, asked)
    stock, bought = told(actor, trade, asked), last_bought(trade, ids)
    return [
        Card(one, prices.get(one.pk), more.get(one.pk), stock.get(one.pk), bought.get(one.pk), packs.get(one.pk, []),
             mine[one.pk][2], mine[one.pk][0] or ZERO, mine[one.pk][1], left.get(one.pk))
        for one in shown
    ]  # fmt: skip


def unscoped_branches(trade: Trade) -> list[Category]:
    """The categories of the catalogues that the seller of a trade carries, in tree order. One statement."""
    opened = Audience.unscoped.filter(viewer_id=trade.seller_id).values("owner_id")
    return list(Category.unscoped.filter(Q(owner_id=trade.seller_id) | Q(owner__in=opened)).order_by("path"))


@dataclass
class Row:
    """One line of the basket with its price and all there is to say of it."""

    no: int
    line: Line
    asked: Asked
    packs: list[tuple[PackName, Decimal]] = field(default_factory=list)
    priced: PricedLine | None = None
    stock: Available | None = None
    faults: list[Fault] = field(default_factory=list)
    next_break: Break | None = None
    instead: list[Instead] = field(default_factory=list)

    @property
    def typed(self) -> str:
        """The quantity as it was typed."""
        line = self.line
        if line.typed or not line.product:
            return line.typed or (f"{line.qty.normalize():f}" if line.qty else "")
        return typed_of(line.qty, line.pack, dict(self.packs), line.product.unit)

    @property
    def short(self) -> Decimal:
        """How much of it is missing, as far as the buyer is told."""
        return max(self.asked.qty - self.stock.qty, ZERO) if self.stock and self.stock.qty is not None else ZERO


@dataclass
class Filled:
    """A basket as an order: its lines with prices, totals, credit and the approvals it will need. `looked` is None while it is empty."""

    trade: Trade
    basket: Basket | None
    rows: list[Row] = field(default_factory=list)
    looked: Look | None = None
    #: lines that are not read here, and how many of them are wrong
    others: int = 0
    others_wrong: int = 0

    @property
    def wrong(self) -> int:
        return sum(bool(row.faults) for row in self.rows) + self.others_wrong

    @property
    def number(self) -> int:
        return len(self.rows) + self.others

    @property
    def known(self) -> str:
        """What a page keeps of it, so that after one change of a long basket only that is priced (`known.before`)."""
        one = self.looked
        return f"{self.version}:{self.number}:{self.wrong}:{one.net}:{one.tax}:{one.gross}" if one else ""

    @property
    def version(self) -> int:
        return self.basket.version if self.basket else 0


def filled(actor: Actor, trade: Trade, near: Callable[[Line], bool] = lambda line: True) -> Filled:
    """The actor's basket under an agreement, priced and checked as an order; some fifteen statements, whatever the number of lines.

    `near`: the lines for which the next price break is looked for.
    """
    basket = basket_under(actor, trade.agreement_id)
    lines = list(lines_of(actor, basket.pk)) if basket else []
    return tell_breaks(read_basket(actor, trade, basket, lines), near) if basket and lines else Filled(trade, basket)


def tell_breaks(found: Filled, near: Callable[[Line], bool]) -> Filled:
    """Say the next price break at some lines. One statement at most."""
    good = {row.line.product_id: row.line.qty for row in found.rows if row.line.product_id and row.line.qty > 0 and near(row.line)}
    together = {row.priced.product_id: together_of(row.priced) for row in found.rows if row.priced}
    more = breaks(found.trade, good, together)[1] if good else {}
    for row in found.rows:
        row.next_break = more.get(row.line.product_id or 0)
    return found


def read_basket(actor: Actor, trade: Trade, basket: Basket, lines: Sequence[Line], rest: Rest = NO_REST) -> Filled:
    """Lines of a basket priced and checked as `filled` does, without breaks; `rest`: what the lines come to that are not among them."""
    trade = meant(trade, basket.kind)
    asked = [_asked(no, line) for no, line in enumerate(lines, 1)]
    looked = look(actor, trade, asked, basket.requested_on, rest)
    packs = unscoped_packs_in_order({line.product_id for line in lines if line.product_id})
    made = [Row(no, line, one, packs.get(line.product_id or 0, [])) for no, (line, one) in enumerate(zip(lines, asked, strict=True), 1)]
    for fault in looked.faults:
        if fault.field.startswith("lines."):
            row = made[int(fault.field.split(".")[1]) - 1]
            if fault.code not in {one.code for one in row.faults}:
                row.faults.append(fault)
    for row in made:
        row.priced, row.instead = looked.lines.get(row.no), looked.instead.get(row.line.product_id or 0, [])
        row.stock = looked.stock.get(row.line.product_id or 0)
    return Filled(trade, basket, made, looked)


def _asked(no: int, line: Line) -> Asked:
    """A line of the basket as the order desk reads lines."""
    product = line.product
    if product is None:
        return Asked(line.code, line.typed, None, line.qty)
    card = ProductCard(
        product.pk,
        product.code,
        product.name,
        product.name_en,
        product.unit,
        product.tax_rate,
        product.state,
        product.min_qty,
        product.pack_multiple,
        product.max_qty,
    )
    one = Asked(product.code, line.typed, card, line.qty)
    if line.typed:
        one.faults.append(Fault("portal.qty_unreadable", f"lines.{no}.qty", {"text": line.typed, "product": product.code}))
    return one


def typed_entry(product: Product | ProductCard, text: str, packs: Sequence[tuple[PackName, Decimal]]) -> Entry:
    """A typed quantity of a known product; "" and 0 take it out, what cannot be read is kept as typed."""
    pk, text = product.pk if isinstance(product, Product) else product.id, text.strip()
    named = {word: factor for name, factor in packs for word in (str(name), name.name_en) if word}
    qty = quantity_of(bare(text, product.unit), product.unit, named) if text else ZERO
    if qty is None:
        return Entry(pk, ZERO, typed=text)
    kept = {name.name_en: str(name) for name, _factor in packs if name.name_en}
    meant = pack_in(text, [str(name) for name, _factor in packs]) or kept.get(pack_in(text, list(kept)), "")
    return Entry(pk, qty, pack=meant)


def read_entries(actor: Actor, trade: Trade, typed: Sequence[tuple[str, str, int | None]]) -> list[Entry]:
    """What typed or scanned (code, quantity, row of the file) mean; five statements whatever their number. Nothing is lost.

    The barcode of a pack counts in packs. Without a quantity one click's worth is meant. A code that is not known stays as it was typed.
    """
    asked = read_lines(actor, trade.seller_id, [(code, qty) for code, qty, _row in typed])
    boxes = _scanned_packs(actor, [one.text for one in asked if one.card is None])
    packs = unscoped_packs_in_order({one.card.id for one in asked if one.card} | {pack.product_id for pack in boxes.values()})
    found = []
    for one, (code, qty, row) in zip(asked, typed, strict=True):
        box = boxes.get(one.text)
        if one.card:
            of_it = packs.get(one.card.id, [])
            entry = typed_entry(one.card, qty, of_it) if qty.strip() else Entry(one.card.id, step_of(one.card, of_it).first, str(step_of(one.card, of_it).name))
        elif box:
            number = quantity_of(qty, "", {}) if qty.strip() else Decimal(1)
            entry = Entry(box.product_id, number * box.factor, box.name) if number is not None else typed_entry(box.product, qty, packs.get(box.product_id, []))
        else:
            number = quantity_of(qty, "", {}) if qty.strip() else ZERO
            entry = Entry(None, number or ZERO, code=code.strip() or "?", typed=qty.strip() if number is None else "")
        found.append(replace(entry, file_row=row))
    return found


def _scanned_packs(actor: Actor, texts: Sequence[str]) -> dict[str, Pack]:
    """The packs whose barcode was scanned, by the text. One statement; none when nothing looks like a barcode."""
    wanted = {text.zfill(14): text for text in texts if text.isdigit() and 8 <= len(text) <= 14}
    found = visible(actor, Pack).filter(gtin__in=wanted, product__state="active").select_related("product") if wanted else ()
    return {wanted[one.gtin]: one for one in found}
