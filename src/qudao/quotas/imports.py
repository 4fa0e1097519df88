"""Shares of quotas from a file: who may order how much of a scarce product in the period of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences, parted, touched_by
from qudao.base.lock import Rank
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO
from qudao.quotas import actions, queries
from qudao.quotas.models import Share
from qudao.quotas.rules import Holder


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


KINDS = (Shares,)
