"""Special prices from a file: what is granted already stays untouched, another price of the same day is granted anew and counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.agreements import queries as agreements
from qudao.agreements.states import AgreementState
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, kept
from qudao.catalog import queries as catalog
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.pricing import queries, rules
from qudao.pricing.actions import grant_special_prices, remove_special_prices
from qudao.pricing.rules import SpecialDraft
from qudao.pricing.states import Source

TOLD = ("amount", "valid_to")


class Specials(Kind):
    """What single buyers pay, by agreement, product, quantity break and first day."""

    name, label, icon, verb, place = "pricing.specials", _("Special prices"), "star", "pricing.grant", "agreements"
    about = _("A row gives the buyer of an agreement a price of its own; it goes before every list. One that is granted already stays as it is.")
    columns = (
        Column("agreement", _("Agreement"), required=True, help=_("Its code."), example=SAMPLE, also=("agreement code", "协议编码", "协议号")),
        Column("product", _("Product"), required=True, help=_("Its code."), example="P-100", also=("SKU", "product code", "商品编码", "产品编码")),
        Column("amount", _("Price"), "number", required=True, help=_("Of one base unit."), example="189.00", also=("special price", "特价", "单价", "价格")),
        Column("min_qty", _("From quantity"), "number", help=_("Of a quantity break; empty: from the first."), also=("break", "MOQ", "起订量", "数量")),
        Column("valid_from", pgettext_lazy("validity", "From"), "day", help=_("The first day; empty: today."), also=("start", "生效日期", "开始日期")),
        Column("valid_to", pgettext_lazy("validity", "To"), "day", help=_("The last day; empty: until ended."), also=("end", "失效日期", "结束日期")),
        Column("reason", _("Reason"), most=500, also=("note", "原因", "说明")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        self.today = clock.today()
        deals = agreements.agreements(self.actor, side="seller").filter(code__in={row.text("agreement") for row in rows}).exclude(state=AgreementState.ENDED)
        self.agreements = dict(deals.values_list("code", "pk"))
        self.products = catalog.unscoped_carried_by_code(self.actor.org_id, {row.text("product") for row in rows})
        # of several of one day that was granted last counts
        granted = queries.all_special_prices(self.actor).filter(agreement__in=self.agreements.values()).order_by("pk")
        self.known = {(one.agreement_id, one.product_id, one.min_qty, one.valid_from): one for one in granted}

    def key(self, row: Cells) -> Any:
        return row.text("agreement"), row.text("product"), row.get("min_qty", Decimal(0)), row.get("valid_from", self.today)

    def entry(self, row: Cells) -> Entry:
        _agreement, _product, min_qty, since = self.key(row)
        agreement, product = self.agreements.get(row.text("agreement"), 0), self.products.get(row.text("product"), 0)
        reason = row.text("reason") or _now("Import of a file")
        draft = SpecialDraft(agreement, product, row.get("amount", Decimal(0)), since, row.get("valid_to"), min_qty, Source.IMPORT, reason=reason)
        faults = rules.price_faults(draft)
        faults += [] if agreement else [Fault("pricing.agreement_unknown", "agreement")]
        faults += [] if product else [Fault("pricing.product_unknown", "product")]
        raise_if_any(faults, Invalid)
        known = self.known.get((agreement, product, min_qty, since))
        changes = tuple((name, was, now) for name in TOLD if (was := getattr(known, name)) != (now := getattr(draft, name))) if known else ()
        return Entry(row.no, f"{row.text('agreement')} · {row.text('product')}", NEW if known is None else CHANGED if changes else SAME, draft, changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        made = grant_special_prices([e.data for e in entries], actor=self.actor)
        return [Touched(e.row, one.pk, e.label, True, {}, {name: kept(getattr(one, name)) for name in TOLD}) for e, one in zip(entries, made, strict=True)]

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement. Orders keep the price they were placed with, so nothing is built on a grant."""
        known = {one.pk: one for one in queries.all_special_prices(self.actor).filter(pk__in=[t.key for t in touched])}

        def fault(one: Touched) -> Fault | None:
            return changed_since(one, {name: getattr(known[one.key], name) for name in TOLD}) if one.key in known else Fault("base.import_gone")

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        remove_special_prices([t.key for t in touched], _now("Import undone"), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        """What counts now or later; a grant of a document is that document's."""
        mine = queries.all_special_prices(self.actor).filter(agreement__seller_id=self.actor.org_id, subject_kind="")
        alive = mine.exclude(valid_to__lt=clock.today()).exclude(agreement__state=AgreementState.ENDED).order_by("agreement__code", "product__code", "pk")
        last = {(one.agreement_id, one.product_id, one.min_qty, one.valid_from): one for one in alive}
        for one in last.values():
            named = {name: getattr(one, name) for name in ("amount", "min_qty", "valid_from", "valid_to", "reason")}
            yield {"agreement": one.agreement.code, "product": one.product.code, **named}
