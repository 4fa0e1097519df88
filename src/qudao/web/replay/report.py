"""What came of a replay, counted in the database and held against the files: totals exact and rounded, lines that differ, what was assumed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from qudao.base.access import Channel, system_actor
from qudao.base.invariants import all_checks
from qudao.inventory.queries import on_hand
from qudao.kernel.money import ZERO, round_to
from qudao.orders.queries import Trade, unscoped_trades
from qudao.orders.states import Status
from qudao.pricing.queries import special_prices
from qudao.pricing.states import Source as PriceSource
from qudao.web import verify
from qudao.web.progress import Progress
from qudao.web.replay.life import Played
from qudao.web.replay.source import Order, Source

SYSTEM = system_actor(channel=Channel.FILE)


@dataclass(frozen=True)
class Difference:
    """A line whose amount was rounded: `rounded` is what is owed, `difference` = rounded − exact."""

    order: str
    product: str
    qty: Decimal
    price: Decimal
    discount: Decimal
    exact: Decimal
    rounded: Decimal
    difference: Decimal


@dataclass(frozen=True)
class Note:
    """Something the files do not say, or a rule that was not asked, with the orders it touched."""

    what: str
    orders: int


@dataclass
class Report:
    """All figures of a replay; amounts in the currency of the files. `faults` is empty when files and database agree."""

    orders: int = 0
    lines: int = 0
    dealers: int = 0
    products: int = 0
    closed: int = 0
    exact: Decimal = ZERO
    rounded: Decimal = ZERO
    invoiced: Decimal = ZERO
    paid: Decimal = ZERO
    special_prices: int = 0
    differing: list[Difference] = field(default_factory=list)
    rules_off: list[Note] = field(default_factory=list)
    assumed: list[Note] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)
    found: int = 0
    events: int = 0
    seconds: float = 0.0
    checks: int = 0
    broken: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.faults and not self.broken

    @property
    def placed_now(self) -> int:
        return self.steps.get("place", 0)

    @property
    def orders_per_second(self) -> float:
        return round(self.placed_now / self.seconds, 1) if self.seconds and self.placed_now else 0.0

    def plain(self) -> dict[str, Any]:
        """For JSON; amounts as text, so that nothing is lost."""
        return {"ok": self.ok, **asdict(self), "exact_rounded": str(round_to(self.exact)), "orders_per_second": self.orders_per_second}


def make(data: Source, played: Played) -> Report:
    """Count what the database holds of the played orders, compare it with the files line by line, and run every invariant."""
    assert played.cast is not None
    cast = played.cast
    trades = {trade.id: trade for trade in unscoped_trades(played.ids.values())}
    report = Report(
        orders=len(trades),
        lines=sum(len(trade.lines) for trade in trades.values()),
        dealers=len(cast.dealers),
        products=len(cast.products),
        closed=sum(trade.status == Status.CLOSED for trade in trades.values()),
        invoiced=sum((trade.invoiced for trade in trades.values()), ZERO),
        paid=sum((trade.paid for trade in trades.values()), ZERO),
        steps=played.done,
        found=played.found,
        events=played.delivered,
        seconds=round(played.seconds, 1),
    )
    for order in data.orders:
        _compare(order, trades[played.ids[order.client_id]], cast.products, report)
    for dealer in cast.dealers.values():
        report.special_prices += special_prices(SYSTEM, dealer.agreement_id).filter(source=PriceSource.IMPORT).count()
    _sums(data, report)
    _stock(data, played, report)
    report.assumed = list(_assumed(data))
    with Progress("checks") as bar:
        modules = verify.verify(all_checks(), bar)
    report.checks = sum(len(one.checks) for one in modules)
    report.broken = [check.name for one in modules for check in one.broken]
    return report


def _compare(order: Order, trade: Trade, products: dict[str, int], report: Report) -> None:
    """Each line of the file is the line of the order: product, quantity, price, and the amount rounded once."""
    for line, kept in zip(order.lines, trade.lines, strict=True):
        report.exact += kept.qty * kept.unit_price
        report.rounded += kept.gross
        if (kept.product_id, kept.qty, kept.unit_price) != (products[line.product], line.qty, line.net_price):
            report.faults.append(f"{order.key}: the line of product {line.product} is not as in the file")
        if kept.gross != round_to(line.exact):
            report.faults.append(f"{order.key}: product {line.product} costs {kept.gross}, by the file {round_to(line.exact)}")
        if kept.gross != line.exact:
            amounts = (line.exact.normalize(), kept.gross, (kept.gross - line.exact).normalize())
            report.differing.append(Difference(order.key, line.product, line.qty, line.price, line.discount, *amounts))


def _sums(data: Source, report: Report) -> None:
    """Σ lines = invoices = payments, and the control totals that come with the files."""
    if report.exact - report.rounded != -sum((one.difference for one in report.differing), ZERO):
        report.faults.append("the differences of the lines do not explain the difference of the totals")
    for name, amount in (("invoiced", report.invoiced), ("paid", report.paid)):
        if amount != report.rounded:
            report.faults.append(f"{amount} is {name}, the lines sum to {report.rounded}")
    if report.special_prices < report.lines:
        report.faults.append(f"{report.lines} lines, but only {report.special_prices} special prices with the source import")
    if not data.whole or not data.totals:
        return
    found = {"Orders": report.orders, "Order Details": report.lines, "Customers": report.dealers, "Products": report.products}
    wanted = {name: data.totals[name] for name in found if name in data.totals}
    report.faults += [f"{name}: {found[name]} here, {count} in the control totals" for name, count in wanted.items() if found[name] != count]
    revenue = Decimal(str(data.totals.get("net_revenue", round_to(report.exact))))
    if round_to(report.exact) != revenue:
        report.faults.append(f"net revenue {round_to(report.exact)} here, {revenue} in the control totals")


def _stock(data: Source, played: Played, report: Report) -> None:
    """What is left on the shelf is the stock of the file, and what the orders not played would take."""
    assert played.cast is not None
    left = dict(played.cast.demand)
    for order in data.orders:
        for line in order.lines:
            left[line.product] -= line.qty
    there = dict(on_hand(SYSTEM, place_id=played.cast.place_id).values_list("product_id", "on_hand"))
    for product in data.products:
        wanted, found = product.in_stock + left.get(product.key, ZERO), there.get(played.cast.products[product.key], ZERO)
        if wanted != found:
            report.faults.append(f"{product.code}: {found} on hand, {wanted} expected")


def _assumed(data: Source) -> Iterable[Note]:
    """What the files do not say. No rule is switched off: prices, credit, stock, authorisation, pack, date and person are all asked."""
    gone = {product.key for product in data.products if product.discontinued}
    yield Note("no day of dispatch in the file: shipped on the day it was wanted for", sum(order.shipped_on is None for order in data.orders))
    yield Note("received 3 days after dispatch, invoiced the same day, paid 28 days later: the file has no such days", len(data.orders))
    yield Note("credit limit = the dealer's own peak, up to the next thousand: the file has no limits", len(data.orders))
    yield Note("holds a product that was discontinued later", sum(any(line.product in gone for line in order.lines) for order in data.orders))


def text(report: Report, *, lines: bool = False) -> str:
    """The report for a person."""
    rate = f", {report.orders_per_second} orders/s" if report.orders_per_second else ""
    said = [
        f"{report.orders} orders with {report.lines} lines of {report.dealers} dealers and {report.products} products; {report.closed} are settled.",
        f"  exact      {round_to(report.exact):>16,}  ({report.exact.normalize():,})",
        f"  by lines   {report.rounded:>16,}  ({len(report.differing)} lines rounded, {(report.rounded - report.exact).normalize():+f} in all)",
        f"  invoiced   {report.invoiced:>16,}",
        f"  paid       {report.paid:>16,}",
        f"{report.special_prices} special prices with source import.",
        "Rules switched off: none." if not report.rules_off else "Rules switched off:",
        *(f"  {note.what}: {note.orders} orders" for note in report.rules_off),
        "Not in the files:",
        *(f"  {note.what}: {note.orders} orders" for note in report.assumed),
        f"{sum(report.steps.values())} steps done now, {report.found} found done, {report.events} events delivered, {report.seconds} s{rate}.",
        f"{report.checks - len(report.broken)} of {report.checks} checks hold.",
        *(f"  broken: {name}" for name in report.broken),
        *(f"  differs: {fault}" for fault in report.faults),
    ]
    if lines:
        said += [_told(one) for one in report.differing]
    return "\n".join(said)


def _told(one: Difference) -> str:
    return f"  {one.order} product {one.product}: {one.qty} × {one.price} − {one.discount:%} = {one.exact}, owed {one.rounded} ({one.difference:+f})"
