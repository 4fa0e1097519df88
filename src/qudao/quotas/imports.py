"""Quotas and their shares from files: what is scarce from when to when, and who may order how much of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, differences, parted, touched_by
from qudao.base.lock import Rank
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO
from qudao.quotas import actions, queries, rules
from qudao.quotas.models import Quota, Share
from qudao.quotas.rules import Holder, QuotaDraft
from qudao.quotas.states import Unused


class Quotas(Kind):
    """Which products of the actor's organisation are scarce, from which day to which."""

    name, label, icon, verb, place = "quotas.quotas", _("Quotas of scarce goods"), "list", "quotas.set", "quotas"
    about = _("A row declares a product scarce from a day to a day; the same product and first day again changes that quota.")
    model, rank = Quota, Rank.QUOTA
    columns = (
        Column("product", _("Product"), required=True, help=_("The code of a product you sell."), example=SAMPLE, also=("code", "sku", "商品编码")),
        Column("valid_from", pgettext_lazy("quota", "From"), "day", required=True, example="2026-12-01", also=("start", "开始日期")),
        Column("valid_to", pgettext_lazy("quota", "To"), "day", help=_("The last day; needed for a new one."), example="2026-12-31", also=("end", "结束日期")),
        Column("total", _("Quantity"), "number", help=_("In the base unit; needed for a new one."), example="500", also=("qty", "quota", "配额", "数量")),
        Column("unused", _("What is unused"), "choice", choices=Unused, help=_("Empty: it lapses."), also=("rest", "未用部分")),
        Column("release_on", _("Released on"), "day", help=_("Only if it is released."), also=("开放日期",)),
    )
    FACTS = ("valid_to", "total", "unused", "release_on")

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements."""
        codes = {row.text("product") for row in rows}
        self.products = queries.own_products(self.actor, codes)
        self.known: dict[int, list[Quota]] = {}
        for one in queries.quotas(self.actor).filter(seller_id=self.actor.org_id, product__in=self.products.values()):
            self.known.setdefault(one.product_id, []).append(one)
        self.new: dict[int, list[tuple[date, date]]] = {}

    def key(self, row: Cells) -> Any:
        return row.text("product"), row.get("valid_from")

    def entry(self, row: Cells) -> Entry:
        product, first = self.products.get(row.text("product")), row.get("valid_from")
        if product is None:
            raise Invalid("quotas.product_unknown", field="product", code=row.text("product"))
        of, label = self.known.get(product, []), f"{row.text('product')} {first or ''}"
        known = next((one for one in of if one.valid_from == first), None)
        facts = {name: row.get(name, getattr(known, name, None)) for name in self.FACTS}
        facts["unused"] = facts["unused"] or Unused.LAPSES
        if facts["unused"] != Unused.RELEASED and row.get("release_on") is None:
            facts["release_on"] = None
        absent = [name for name in ("valid_to", "total") if facts[name] is None]
        raise_if_any([Fault("base.import_empty", name) for name in [*absent, *([] if first else ["valid_from"])]], Invalid)
        draft = QuotaDraft(product, first, facts["valid_to"], facts["total"], facts["unused"], facts["release_on"])
        spans = [(one.valid_from, one.valid_to) for one in of if one is not known] + self.new.setdefault(product, [])
        faults = rules.draft_faults(draft)
        if not faults and any(a <= draft.valid_to and first <= b for a, b in spans):
            faults.append(Fault("quotas.quota_no_overlap", "valid_from"))
        if known and draft.total is not None and draft.total + known.carried < known.taken:
            faults.append(Fault("quotas.below_taken", "total", {"taken": known.taken}))
        raise_if_any(faults, Invalid)
        if known is None:
            self.new[product].append((first, draft.valid_to))
            return Entry(row.no, label, NEW, draft)
        changes = differences({name: getattr(known, name) for name in self.FACTS}, facts)
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, draft), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = [actions.declare_quota(self.actor.org_id, e.data, actor=self.actor) for e in new]
        for pk, e in sorted(old.items()):
            actions.change_quota(pk, e.data[1], actor=self.actor)
        return touched_by(new, made, old, {pk: {name: (was, now) for name, was, now in e.changes} for pk, e in old.items()})

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """The quotas that are still there."""
        return {one.pk: {name: getattr(one, name) for name in self.FACTS} for one in Quota.unscoped.filter(pk__in=keys)}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Whoever ordered of a quota, or has a share of it, keeps it. Three statements."""
        keys = [one.key for one in touched]
        there, shared = {one.pk: one for one in Quota.unscoped.filter(pk__in=keys)}, queries.unscoped_shared(keys)
        now = self.now(keys)

        def fault(one: Touched) -> Fault | None:
            if one.key not in there:
                return Fault("base.import_gone")
            quota, shares = there[one.key], shared.get(one.key)
            if one.is_new:
                if shares is not None:
                    return Fault("base.import_built_on", "", {"where": _now("Shares")})
                return Fault("quotas.below_taken", "", {"taken": quota.taken}) if quota.taken else None
            total = Decimal(str(one.before.get("total", quota.total)))
            if total + quota.carried < quota.taken:
                return Fault("quotas.below_taken", "", {"taken": quota.taken})
            if total < (shares or ZERO):
                return Fault("quotas.shares_beyond", "", {"shares": shares, "total": total})
            return changed_since(one, now[one.key])

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        read, quotas = {column.name: column for column in self.columns}, Quota.unscoped.in_bulk([one.key for one in touched])
        for one in touched:
            if one.is_new:
                actions.remove_quota(one.key, actor=self.actor)
                continue
            quota = quotas[one.key]
            was = {name: read[name].read(str(value))[0] if value is not None else None for name, value in one.before.items()}
            facts = {name: getattr(quota, name) for name in self.FACTS} | was
            actions.change_quota(one.key, QuotaDraft(quota.product_id, quota.valid_from, **facts), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.quotas(self.actor).filter(seller_id=self.actor.org_id):
            yield {"product": one.product.code, "valid_from": one.valid_from, **{name: getattr(one, name) for name in self.FACTS}}


class Shares(Kind):
    """Shares of the quotas of the actor's organisation."""

    name, label, icon, verb, place = "quotas.shares", _("Shares of scarce goods"), "users", "quotas.set", "quotas"
    about = _("A row sets the share of a group of buyers or of a buyer in the quota of a product on a day; 0 takes it away.")
    model, rank = Share, Rank.QUOTA
    columns = (
        Column("product", _("Product"), required=True, help=_("The code of a scarce product."), example=SAMPLE, also=("code", "sku", "商品编码")),
        Column("day", _("Day"), "day", help=_("Any day of the period; empty: today."), also=("month", "date", "日期", "期间")),
        Column(
            "holder",
            pgettext_lazy("quota", "Who"),
            required=True,
            help=_("The code of a group or a buyer."),
            example="D001",
            also=("dealer", "经销商", "客户组"),
        ),
        Column("qty", _("Share"), "number", required=True, help=_("In the base unit."), example="100", also=("quantity", "quota", "配额", "数量")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        self.today = clock.today()
        self.holders = queries.holders(self.actor, {row.text("holder") for row in rows})
        self.quotas = list(queries.quotas(self.actor).filter(seller_id=self.actor.org_id, product__code__in={row.text("product") for row in rows}))
        shares = Share.unscoped.filter(quota__in=[one.pk for one in self.quotas])
        self.known = {(one.quota_id, Holder(one.group_id, one.buyer_id)): one for one in shares}

    def _quota(self, row: Cells) -> Any:
        day = row.get("day", self.today)
        return next((one for one in self.quotas if one.product.code == row.text("product") and one.valid_from <= day <= one.valid_to), None)

    def key(self, row: Cells) -> Any:
        quota = self._quota(row)
        return quota.pk if quota else row.text("product"), row.text("holder")

    def entry(self, row: Cells) -> Entry:
        quota, who, qty = self._quota(row), self.holders.get(row.text("holder")), row.get("qty")
        faults = [] if quota else [Fault("quotas.none_on_day", "product", {"product": row.text("product"), "day": row.get("day", self.today)})]
        if who is None:
            faults.append(Fault("quotas.buyer_unknown", "holder", {"code": row.text("holder")}))
        if qty is None or qty < 0:
            faults.append(Fault("quotas.total_wrong", "qty"))
        raise_if_any(faults, Invalid)
        assert quota is not None and who is not None
        label = f"{quota.product.code} {row.text('holder')}"
        one = self.known.get((quota.pk, who))
        data = (quota.pk, who, qty, row.text("holder"))
        if one is None:
            return Entry(row.no, label, NEW if qty else SAME, data)
        changes = differences({"qty": one.qty}, {"qty": qty})
        return Entry(row.no, label, CHANGED if changes else SAME, (one.pk, *data), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        by_quota: dict[int, dict[Holder, tuple[Decimal, str]]] = {}
        for e in [*new, *old.values()]:
            quota_id, who, qty, code = e.data[-4:]
            by_quota.setdefault(quota_id, {})[who] = qty, code
        for quota_id, wanted in by_quota.items():
            names = {who: code for who, (_qty, code) in wanted.items()}
            actions.set_shares(quota_id, {who: qty for who, (qty, _code) in wanted.items()}, names=names, actor=self.actor)
        found = {(one.quota_id, Holder(one.group_id, one.buyer_id)): one for one in Share.unscoped.filter(quota__in=by_quota)}
        made = [found[e.data[0], e.data[1]] for e in new]
        return touched_by(new, made, old, {pk: {name: (was, now) for name, was, now in e.changes} for pk, e in old.items()})

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        """The shares that are still there."""
        return {one.pk: {"qty": one.qty} for one in Share.unscoped.filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        shares = Share.unscoped.in_bulk([one.key for one in touched])
        for one in touched:
            share = shares[one.key]
            qty = ZERO if one.is_new else Decimal(str(one.before["qty"]))
            actions.set_shares(share.quota_id, {Holder(share.group_id, share.buyer_id): qty}, actor=self.actor)


KINDS = (Quotas, Shares)
