"""Prices of lists from a file: a price that is already so stays untouched, another one begins on its day. So a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, parted, touched_by
from qudao.catalog import queries as catalog
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.pricing import queries, rules
from qudao.pricing.actions import load_prices, remove_rates, restore_prices, set_rates
from qudao.pricing.models import Price, PriceList, Rate
from qudao.pricing.rules import PriceDraft, RateDraft, Restored


class Prices(Kind):
    """The prices of the actor's own lists, by list, product and quantity break."""

    name, label, icon, verb, place = "pricing.prices", _("Prices"), "receipt-2", "pricing.edit", "price_lists"
    about = _("A row gives a product a price in a list from a day on; the price in force ends the day before.")
    model = PriceList
    columns = (
        Column("list", _("Price list"), required=True, help=_("The code of a list that exists."), example=SAMPLE, also=("list code", "价目表", "价格表编码")),
        Column("product", _("Product"), required=True, help=_("Its code."), example="P-100", also=("SKU", "product code", "商品编码", "产品编码")),
        Column("amount", _("Price"), "number", required=True, help=_("Of one base unit."), example="199.00", also=("unit price", "amount", "单价", "价格")),
        Column("min_qty", _("From quantity"), "number", help=_("Of a quantity break; empty: from the first."), also=("break", "MOQ", "起订量", "数量")),
        Column(
            "valid_from",
            pgettext_lazy("validity", "From"),
            "day",
            help=_("The first day; empty: today."),
            example="2026-12-01",
            also=("start", "来源", "开始日期"),
        ),
        Column(
            "valid_to",
            pgettext_lazy("validity", "To"),
            "day",
            help=_("The last day; empty: until the next price."),
            also=("end", "valid to", "去向", "结束日期"),
        ),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements, two more for each list that the file names."""
        self.today = clock.today()
        mine = visible(self.actor, PriceList, self.verb).filter(code__in={row.text("list") for row in rows})
        self.lists = {one.code: one for one in mine.order_by("owner_id")}
        named = {row.text("product") for row in rows}
        found = list(catalog.products(self.actor).filter(code__in=named).order_by("pk").values_list("code", "pk", "owner_id"))
        self.products: dict[int, dict[str, int]] = {}
        for owner in {one.owner_id for one in self.lists.values()}:
            carried = catalog.unscoped_carried(owner, [pk for _code, pk, _owner in found])
            mine_last = sorted((one for one in found if one[1] in carried), key=lambda one: one[2] == owner)
            self.products[owner] = {code: pk for code, pk, _owner in mine_last}
        self.in_force: dict[tuple[int, int, Decimal], list[rules.Standing]] = {}
        for price_list in self.lists.values():
            drafts = [self._draft(row) for row in rows if row.text("list") == price_list.code]
            pairs = list({(draft.product_id, draft.min_qty) for draft in drafts if draft.product_id})
            if pairs:
                standing = queries.unscoped_standing(price_list.pk, pairs, min(draft.valid_from for draft in drafts))
                self.in_force |= {(price_list.pk, *pair): prices for pair, prices in standing.items()}

    def key(self, row: Cells) -> Any:
        return row.text("list"), row.text("product"), row.get("min_qty", Decimal(0))

    def _draft(self, row: Cells) -> PriceDraft:
        price_list = self.lists.get(row.text("list"))
        product = self.products[price_list.owner_id].get(row.text("product"), 0) if price_list else 0
        dates = row.get("valid_from", self.today), row.get("valid_to")
        return PriceDraft(product, row.get("amount", Decimal(0)), *dates, row.get("min_qty", Decimal(0)))

    def entry(self, row: Cells) -> Entry:
        price_list, draft = self.lists.get(row.text("list")), self._draft(row)
        faults = rules.price_faults(draft)
        if price_list is None:
            faults.append(Fault("pricing.list_unknown", "list"))
        elif not draft.product_id:
            faults.append(Fault("pricing.product_unknown", "product"))
        raise_if_any(faults, Invalid)
        assert price_list is not None
        standing = self.in_force.get((price_list.pk, draft.product_id, draft.min_qty), ())
        plan = rules.plan_price(standing, draft)
        placed = plan.overwrites[1] if plan.overwrites else plan.inserts[0]
        now = next((one for one in standing if one.valid_from <= draft.valid_from and (one.valid_to is None or one.valid_to >= draft.valid_from)), None)
        label = f"{price_list.code} {row.text('product')}"
        if now is None:
            return Entry(row.no, label, NEW, (price_list.pk, draft))
        lasts = now.valid_to is None or (placed.valid_to is not None and now.valid_to >= placed.valid_to)
        if now.amount == draft.amount and lasts:
            return Entry(row.no, label, SAME)
        changes = (("amount", now.amount, draft.amount),) if now.amount != draft.amount else (("valid_to", now.valid_to, placed.valid_to),)
        return Entry(row.no, label, CHANGED, (price_list.pk, draft), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for list_id, group in groupby(sorted(entries, key=lambda e: e.data[0]), key=lambda e: e.data[0]):
            some = list(group)
            since = rules.eve(e.data[1] for e in some)
            for e, (before, after) in zip(some, load_prices(list_id, [e.data[1] for e in some], actor=self.actor), strict=True):
                of = {"product": e.data[1].product_id, "min_qty": str(e.data[1].min_qty), "since": since.isoformat(), "prices": rules.spans_told(after)}
                touched.append(Touched(e.row, list_id, e.label, e.what == NEW, {"prices": rules.spans_told(before)}, of))
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement a list."""
        found: dict[int, Fault] = {}
        for (list_id, since), some in _by_list(touched):
            standing = queries.unscoped_standing(list_id, [_pair(one) for one in some], since)
            for one in some:
                if rules.spans_told(rules.spans(standing.get(_pair(one), ()))) != one.after["prices"]:
                    found[one.row] = Fault("base.import_changed_since")
        return found

    def take_back(self, touched: Sequence[Touched]) -> None:
        for (list_id, since), some in _by_list(touched):
            back = [Restored(*_pair(one), rules.spans_read(one.after["prices"]), rules.spans_read(one.before["prices"])) for one in some]
            restore_prices(list_id, since, back, actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        """The price in force of each product and break, or where none is the next one."""
        mine = visible(self.actor, Price, self.verb).exclude(valid_to__lt=clock.today()).select_related("list", "product")
        first = mine.order_by("list__code", "list_id", "product__code", "product_id", "min_qty", "valid_from")
        found = first.distinct("list__code", "list_id", "product__code", "product_id", "min_qty")
        for one in found.iterator(chunk_size=2000):
            yield {"list": one.list.code, "product": one.product.code, **{name: getattr(one, name) for name in ("amount", "min_qty", "valid_from", "valid_to")}}


def _by_list(touched: Sequence[Touched]) -> list[tuple[tuple[int, date], list[Touched]]]:
    """The rows of each list, with the day from which on its prices were looked at."""

    def place(one: Touched) -> tuple[int, date]:
        return one.key, date.fromisoformat(one.after["since"])

    return [(at, list(some)) for at, some in groupby(sorted(touched, key=place), key=place)]


def _pair(one: Touched) -> tuple[int, Decimal]:
    return one.after["product"], Decimal(one.after["min_qty"])


class Rates(Kind):
    """The exchange rates of the actor's organisation."""

    name, label, icon, verb, place = "pricing.rates", _("Exchange rates"), "coins", "pricing.rates", "rates"
    about = _("A row says what a currency is worth in another from a day on; one of the same day is overwritten.")
    model = Rate
    columns = (
        Column("from_currency", _("From currency"), required=True, help=_("Three letters."), example="USD", also=("from", "currency", "外币", "币种", "原币")),
        Column("to_currency", _("To currency"), required=True, help=_("Three letters."), example="CNY", also=("to", "本币", "目标币种")),
        Column("day", _("Day"), "day", help=_("The first day; empty: today."), example="2026-12-01", also=("date", "日期", "生效日期")),
        Column("rate", _("Exchange rate"), "number", required=True, help=_("Up to six decimals."), example="7.123456", also=("rate", "汇率")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        self.today = clock.today()
        days = {row.get("day", self.today) for row in rows}
        mine = queries.rates(self.actor).filter(owner_id=self.actor.org_id, day__in=days)
        self.known = {(one.from_currency, one.to_currency, one.day): one for one in mine}

    def key(self, row: Cells) -> Any:
        return row.text("from_currency").upper(), row.text("to_currency").upper(), row.get("day", self.today)

    def entry(self, row: Cells) -> Entry:
        source, target, day = self.key(row)
        draft = RateDraft(source, target, day, row.get("rate", Decimal(0)))
        raise_if_any(rules.rate_faults(draft), Invalid)
        label = f"{draft.from_currency}-{draft.to_currency} {draft.day}"
        known = self.known.get(self.key(row))
        if known is None:
            return Entry(row.no, label, NEW, draft)
        same = known.rate == draft.rate
        return Entry(row.no, label, SAME if same else CHANGED, (known.pk, draft, known.rate), () if same else (("rate", known.rate, draft.rate),))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = set_rates(self.actor.org_id, [e.data for e in new], actor=self.actor)
        set_rates(self.actor.org_id, [e.data[1] for e in old.values()], actor=self.actor)
        return touched_by(new, made, old, {pk: {"rate": [e.data[2], e.data[1].rate]} for pk, e in old.items()})

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {one.pk: {"rate": one.rate} for one in queries.rates(self.actor).filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        rows = {one.pk: one for one in queries.rates(self.actor).filter(pk__in=[t.key for t in touched if not t.is_new])}
        back = {t.key: Decimal(t.before["rate"]) for t in touched if not t.is_new}
        drafts = [RateDraft(one.from_currency, one.to_currency, one.day, back[pk]) for pk, one in rows.items()]
        set_rates(self.actor.org_id, drafts, actor=self.actor)
        remove_rates([t.key for t in touched if t.is_new], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.rates(self.actor).filter(owner_id=self.actor.org_id):
            yield {name: getattr(one, name) for name in ("from_currency", "to_currency", "day", "rate")}
