"""Reads of orders. `Trade` is the locked picture of one order that the actions of upper modules work on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from qudao.base.access import Actor, get_visible, visible
from qudao.base.db import ONE_PLAN, rows
from qudao.base.models import ActionLog
from qudao.base.subject import Subject
from qudao.funds.queries import AGREEMENTS, BESIDE, SHARED, unscoped_what_if
from qudao.funds.rules import Part, uses_credit
from qudao.kernel import clock
from qudao.kernel.errors import Fault, NotFound
from qudao.orders import rules
from qudao.orders.models import Line, Order
from qudao.orders.rules import TWIN_MINUTES, Destination, Held, Placing, PricedLine
from qudao.orders.states import Kind, Status
from qudao.pricing.queries import unscoped_lacking_rates
from qudao.quotas.queries import SCARCE


@dataclass
class TradeLine:
    """One line of a trade; counters in base units. `wanted` = ordered less given up; `billable` = delivered and staying delivered."""

    id: int
    no: int
    product_id: int
    unit: str
    qty: Decimal
    unit_price: Decimal
    tax_rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    shipped: Decimal
    received: Decimal
    settled_short: Decimal
    given_up: Decimal
    invoiced: Decimal
    backordered: Decimal
    by_receipt: bool

    @property
    def wanted(self) -> Decimal:
        return self.qty - self.given_up

    @property
    def open(self) -> Decimal:
        """What is still to be shipped."""
        return self.qty - self.given_up - self.shipped

    @property
    def ready(self) -> Decimal:
        """What is reserved and can be shipped: open and not backordered."""
        return self.open - self.backordered

    @property
    def billable(self) -> Decimal:
        """What will be invoiced in the end: all that is wanted, less what got lost when the invoice follows the receipt."""
        return self.wanted - self.settled_short if self.by_receipt else self.wanted

    @property
    def to_invoice(self) -> Decimal:
        """What may be invoiced now: received (or shipped, by the terms) and not yet invoiced."""
        return (self.received if self.by_receipt else self.shipped) - self.invoiced


@dataclass
class Trade:
    """An order with its lines as they stand in the database (locked when an action asked for it)."""

    id: int
    number: str
    seller_id: int
    buyer_id: int
    agreement_id: int
    place_id: int
    currency: str
    net: Decimal
    tax: Decimal
    gross: Decimal
    invoiced: Decimal
    paid: Decimal
    status: str
    fulfilment: str
    billing: str
    payment: str
    payment_days: int
    invoice_on: str
    ordered_on: date
    state_since: datetime
    more_places: str
    splits: bool
    kind: str
    lines: list[TradeLine]
    #: what the reader asked besides (`unscoped_trades`)
    also: bool = False

    @property
    def outside(self) -> bool:
        """Whether its seller has nobody here (`Order.outside`)."""
        return self.kind == Kind.EXTERNAL

    @property
    def places(self) -> tuple[int, ...]:
        """The places that it may be served from, in their order."""
        return (self.place_id, *rules.places_in(self.more_places))

    @property
    def subject(self) -> Subject:
        return Subject("orders.order", self.id, self.seller_id, self.buyer_id, self.number)

    def line(self, line_id: int) -> TradeLine:
        """The line with this id; NotFound when the order has none."""
        if line_id not in self._by_id:
            raise NotFound("base.not_found")
        return self._by_id[line_id]

    @cached_property
    def _by_id(self) -> dict[int, TradeLine]:
        return {line.id: line for line in self.lines}


HEAD = """o.id, coalesce(o.number, ''), o.seller_id, o.buyer_id, o.agreement_id, o.place_id, o.currency, o.net, o.tax, o.gross, o.invoiced, o.paid,
    o.status, o.fulfilment, o.billing, o.payment, o.payment_days, o.invoice_on, o.ordered_on, o.state_since, o.more_places, o.splits,
    o.kind"""
LINE = """l.id, l.no, l.product_id, l.unit, l.qty, l.unit_price, l.tax_rate, l.net, l.tax, l.gross, l.shipped, l.received, l.settled_short,
    l.given_up, l.invoiced, l.backordered, o.invoice_on = 'receipt'"""
HEAD_LENGTH = 23


def unscoped_trades(order_ids: Iterable[int], *, lock: bool = False, also: str = "") -> list[Trade]:
    """Orders with their lines, sorted by id. One statement; `lock` locks the orders (the caller notes the rank and has locked nothing above).

    `also`: a condition on the order `o`, in the words of the module that asks; its answer stands in `Trade.also`.
    """
    wanted = sorted(set(order_ids))
    found = rows(
        # the sort happens before the lock, so rows are locked in id order; a locked order's lines are changed by nobody else
        f"SELECT {HEAD}, {LINE}, {also or 'false'} FROM orders_order o JOIN orders_line l ON l.order_id = o.id WHERE o.id = ANY(%s) ORDER BY o.id, l.no"
        + (" FOR UPDATE" if lock else ""),
        (wanted,),
    )
    trades: dict[int, Trade] = {}
    for row in found:
        trade = trades.get(row[0]) or trades.setdefault(row[0], Trade(*row[:HEAD_LENGTH], lines=[], also=row[-1]))
        trade.lines.append(TradeLine(*row[HEAD_LENGTH:-1]))
    if len(trades) != len(wanted):
        raise NotFound("base.not_found")
    return list(trades.values())


@dataclass(frozen=True)
class Begun:
    """What an order begins with: the one its client id already made, its own new id, where its goods go (None: no such address of the buyer)."""

    known: Order | None
    id: int
    ship: Destination | None


SHIP = """CASE WHEN d.address_id IS NULL OR a.id IS NOT NULL THEN ARRAY[
        coalesce(a.recipient, b.name, ''), coalesce(a.phone, b.phone, ''),
        coalesce(trim(a.street || ' ' || a.postcode), b.address, '')] END"""
SHIP_FROM = """LEFT JOIN network_organisation b ON b.id = d.buyer_id
    LEFT JOIN network_address a ON a.organisation_id = d.buyer_id AND a.active
        AND CASE WHEN d.address_id IS NULL THEN a.is_default ELSE a.id = d.address_id END"""
BEGIN = f"""SELECT (SELECT o.id FROM orders_order o WHERE o.buyer_id = d.buyer_id AND o.client_id = d.client_id),
        nextval(pg_get_serial_sequence('orders_order', 'id')), {SHIP}, {ONE_PLAN}
    FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[]) WITH ORDINALITY d(buyer_id, client_id, address_id, i) {SHIP_FROM} ORDER BY i"""


def unscoped_begin(asked: Sequence[tuple[Placing, UUID | str | None]]) -> list[Begun]:
    """How the order of each (placing, client id) begins. One statement, another when one of them is known."""
    started = rows(BEGIN, ([p.buyer_id for p, _key in asked], [str(key) if key else None for _p, key in asked], [p.address_id for p, _key in asked]))
    ids = [known for known, *_rest in started if known]
    orders_made = Order.unscoped.in_bulk(ids) if ids else {}
    return [Begun(orders_made.get(known), new, Destination(*ship) if ship else None) for known, new, ship, _plan in started]


def unscoped_destination(buyer_id: int, address_id: int | None) -> Destination | None:
    """Where goods for a buyer go: to one of its addresses in use, without an id to its default; None when it has no such address. One statement."""
    found = rows(f"SELECT {SHIP} FROM (SELECT %s::bigint buyer_id, %s::bigint address_id) d {SHIP_FROM}", (buyer_id, address_id))
    return Destination(*found[0][0]) if found[0][0] else None


def orders(actor: Actor, *, side: str = "") -> QuerySet[Order]:
    """The orders an actor may see, newest first, with their two sides; `side`: those in which the own organisation stands there."""
    return visible(actor, Order, side=side).select_related("seller", "buyer").order_by("-id")


def sales(actor: Actor) -> QuerySet[Order]:
    """What the actor's own organisation sells."""
    return orders(actor, side="seller")


def purchases(actor: Actor) -> QuerySet[Order]:
    """What the actor's own organisation buys."""
    return orders(actor, side="buyer")


def order_of(actor: Actor, order_id: int, verb: str | None = None) -> Order:
    """One order for an actor: NotFound when hidden, Forbidden when the verb does not reach it. Sides are loaded."""
    return get_visible(actor, Order, order_id, verb)


def unscoped_family(order: Order) -> tuple[list[Order], list[Order]]:
    """The orders that an order was taken out of (none or one), and those that were taken out of it. One statement; they have the same sides."""
    found = list(Order.unscoped.filter(Q(pk=order.split_from_id) | Q(split_from=order)).only("number").order_by("pk"))
    return [one for one in found if one.pk == order.split_from_id], [one for one in found if one.pk != order.split_from_id]


def unscoped_lines_of(order: Order) -> QuerySet[Line]:
    """The lines of an order the actor was shown, with their products."""
    return Line.unscoped.filter(order=order).select_related("product").order_by("no")


def unscoped_to_hold(order_ids: Iterable[int], on: date) -> dict[int, list[Held]]:
    """By order the lines to hold credit and stock for, and whether they are scarce on a day. One statement."""
    asked = list(order_ids)
    held: dict[int, list[Held]] = {pk: [] for pk in asked}
    scarce = SCARCE.format("o.seller_id", "l.product_id", "%s")
    found = rows(
        f"""SELECT l.order_id, l.id, l.no, l.product_id, l.qty, l.net, l.gross, l.given_up, {scarce}
            FROM orders_line l JOIN orders_order o ON o.id = l.order_id WHERE l.order_id = ANY(%s) ORDER BY l.id""",
        (on, asked),
    )
    for pk, *line in found:
        held[pk].append(Held(*line))
    return held


def unscoped_bought(seller_id: int, product_id: int, since: date) -> dict[int, Decimal]:
    """What each buyer has ordered of a seller's product since a day, samples apart, less what was given up. One statement."""
    found = rows(
        """SELECT o.buyer_id, sum(l.qty - l.given_up) FROM orders_order o JOIN orders_line l ON l.order_id = o.id
           WHERE o.seller_id = %s AND l.product_id = %s AND o.ordered_on >= %s AND o.kind <> 'sample'
             AND o.status IN ('confirmed', 'in_fulfilment', 'delivered', 'closed', 'closed_short')
           GROUP BY 1 HAVING sum(l.qty - l.given_up) > 0 ORDER BY 1""",
        (seller_id, product_id, since),
    )
    return dict(found)


def unscoped_signer(order: Order) -> tuple[str, str, datetime, list[str]] | None:
    """Who signs an order next: the role's name, its English name, since when it waits, and the people who have the role. One statement.

    For the seller's own people; None when nothing waits.
    """
    found = rows(
        """SELECT r.name, r.name_en, n.entered_at,
                  (SELECT array_agg(u.name ORDER BY u.id) FROM people_membership m JOIN people_user u ON u.id = m.user_id
                    WHERE m.org_id = q.seller_id AND m.role_id = r.id AND m.state = 'active' AND u.is_active)
           FROM approvals_request q JOIN approvals_node n ON n.request_id = q.id JOIN people_role r ON r.id = n.role_id
           WHERE q.subject_kind = 'orders.order' AND q.subject_id = %s AND n.state = 'current' ORDER BY n.id LIMIT 1""",
        (order.pk,),
    )
    return (*found[0][:3], found[0][3] or []) if found else None


def unscoped_life(subjects: Iterable[Subject]) -> list[ActionLog]:
    """The log lines of documents the actor was shown, oldest first. One statement."""
    about = Q(pk__in=[])
    for subject in subjects:
        about |= Q(subject_kind=subject.kind, subject_id=subject.id)
    return list(ActionLog.unscoped.filter(about).order_by("at", "id"))


def unscoped_before(order: Order) -> int:
    """How many orders wait for credit of the same account for longer than this one. One statement, on an index of nothing else."""
    same = {"seller_id": order.seller_id, "buyer_id": order.buyer_id, "currency": order.currency, "status": Status.SUBMITTED}
    return Order.unscoped.filter(**same, placed_at__lt=order.placed_at).count()


def unscoped_held(sides: Iterable[tuple[int, int]]) -> list[list[int]]:
    """The orders that wait for the credit of these (seller, buyer), by account, or together for a limit that several share. One statement."""
    sellers, buyers = map(list, zip(*sorted(set(sides)), strict=True))
    sql = f"""SELECT array_agg(o.id) FROM ({SHARED}) JOIN orders_order o ON o.agreement_id = g.id AND o.status = 'submitted'
        WHERE a.id IN ({BESIDE}) GROUP BY coalesce(-a.shared_id, a.id)"""
    return [found for (found,) in rows(sql, (sellers, buyers))]


@dataclass(frozen=True)
class Waiting:
    """A line that waits for goods in a place."""

    line_id: int
    product_id: int
    place_id: int
    order_id: int
    seller_id: int
    buyer_id: int
    number: str

    @property
    def subject(self) -> Subject:
        return Subject("orders.order", self.order_id, self.seller_id, self.buyer_id, self.number)


def unscoped_waiting(keys: Iterable[tuple[int, int]]) -> list[Waiting]:
    """Who waits for goods at these (place, product): by the agreement's priority, then the oldest confirmed first. One statement."""
    wanted = list(keys)
    found = rows(
        """SELECT l.id, l.product_id, d.place_id, o.id, o.seller_id, o.buyer_id, coalesce(o.number, '')
           FROM unnest(%s::bigint[], %s::bigint[]) d(place_id, product_id)
           JOIN orders_line l ON l.product_id = d.product_id AND l.backordered > 0
           JOIN orders_order o ON o.id = l.order_id AND (o.place_id = d.place_id
                OR o.more_places <> '' AND d.place_id = ANY(string_to_array(o.more_places, ',')::bigint[]))
           LEFT JOIN inventory_supplyplace s ON s.agreement_id = o.agreement_id
           WHERE o.allocation <> 'lapsed' ORDER BY coalesce(s.priority, 0) DESC, o.waits_since, o.id, l.no""",
        ([place for place, _product in wanted], [product for _place, product in wanted]),
    )
    return [Waiting(*row) for row in found]


def unscoped_overdue(on: date) -> list[int]:
    """The orders whose goods are kept until a day or an earlier one. One statement, on an index of nothing else."""
    return list(Order.unscoped.filter(status=Status.CONFIRMED, reserved_until__lte=on).order_by("reserved_until", "id").values_list("pk", flat=True))


#: what confirmed orders use of an account by product until they are invoiced (`rules.use_of`)
OPEN_USE = uses_credit(
    f"""SELECT NULL::bigint, NULL::smallint, NULL::numeric, l.product_id,
            sum(round(l.gross * greatest(l.qty - l.given_up - l.settled_short - l.invoiced, 0) / l.qty, 2))
        FROM orders_order o JOIN orders_line l ON l.order_id = o.id
        WHERE o.agreement_id IN {AGREEMENTS} AND o.status NOT IN ('draft', 'submitted', 'in_review', 'rejected', 'cancelled') AND o.billing <> 'full'
            AND l.id <> ALL(%(without)s) GROUP BY l.product_id"""
)


def unscoped_parts(order: Order) -> Iterator[Part]:
    """What each line of an order that is not confirmed would use of its credit; read only when somebody asks. One statement."""
    for line in Line.unscoped.filter(order=order):
        yield line.pk, line.product_id, rules.kept(line)[2]


_FACTS = """
    SELECT NOT EXISTS (SELECT FROM orders_order o WHERE o.seller_id = %s AND o.buyer_id = %s AND o.status NOT IN ('draft', 'rejected', 'cancelled')),
           ARRAY(SELECT DISTINCT c.code FROM catalog_product p JOIN catalog_category k ON k.id = p.category_id
                   JOIN catalog_category c ON starts_with(k.path, c.path) WHERE p.id = ANY(%s)),
           ARRAY(SELECT g.code FROM agreements_groupmember m JOIN agreements_group g ON g.id = m.group_id
                  WHERE g.owner_id = %s AND m.buyer_id = %s AND m.valid_from <= %s AND (m.valid_to IS NULL OR m.valid_to >= %s))
"""


def unscoped_facts(trade: tuple[int, int, int], lines: Sequence[PricedLine], names: set[str]) -> dict[str, Any]:
    """What an approval flow asks of an order beyond its amount; `trade` = (seller, buyer, agreement). One statement, and one for credit if asked."""
    seller, buyer, agreement_id = trade
    found: dict[str, Any] = {"discount": rules.discount_of(lines)} if "discount" in names else {}
    if names & {"first", "categories", "groups"}:
        today = clock.today()
        first, categories, groups = rows(_FACTS, (seller, buyer, [x.product_id for x in lines], seller, buyer, today, today))[0]
        found |= {"first": first, "categories": frozenset(categories), "groups": frozenset(groups)}
    if "credit" in names:
        found["credit"] = "hold" if unscoped_what_if(agreement_id, rules.totals(lines)[2], ((0, x.product_id, x.gross) for x in lines)) else "pass"
    return found


def unscoped_why_no_price(faults: Sequence[Fault], agreement_id: int, on: date, rates: Callable[..., Any] = unscoped_lacking_rates) -> list[Fault]:
    """Faults of lines, each without a price followed by the exchange rates whose lack keeps lists from answering. One statement; none when all have a price."""
    unpriced = any(fault.code == "orders.no_price" for fault in faults)
    lacking = rates(agreement_id, on) if unpriced else []
    found = []
    for fault in faults:
        found.append(fault)
        if fault.code == "orders.no_price":
            found += [Fault("pricing.rate_missing", fault.field, {"source": source, "target": target, "day": on}) for source, target in lacking]
    return found


def unscoped_twin(placing: Placing) -> str:
    """The number of an order of the same two sides for the same products and quantities, placed minutes ago and still alive; "" when there is none.

    One statement: the newest orders of a buyer are few within minutes, and only one with as many lines is compared.
    """
    sides, wanted = (placing.buyer_id, placing.seller_id), dict[int, Decimal]()
    for line in placing.lines:
        wanted[line.product_id or 0] = wanted.get(line.product_id or 0, Decimal(0)) + line.qty
    found = rows(
        """SELECT coalesce(o.number, '') FROM orders_order o
           WHERE o.buyer_id = %s AND o.seller_id = %s AND o.placed_at > %s AND o.status NOT IN ('draft', 'rejected', 'cancelled') AND o.line_count = %s
             AND %s IN ('', o.currency)
             AND NOT EXISTS (
                SELECT FROM (SELECT product_id, sum(qty) AS qty FROM orders_line WHERE order_id = o.id GROUP BY 1) l
                FULL JOIN unnest(%s::bigint[], %s::numeric[]) d(product_id, qty) USING (product_id) WHERE l.qty IS DISTINCT FROM d.qty)
           ORDER BY o.id DESC LIMIT 1""",
        (*sides, clock.now() - timedelta(minutes=TWIN_MINUTES), len(placing.lines), placing.currency, list(wanted), list(wanted.values())),
    )
    return found[0][0] if found else ""
