"""Price lists, and who pays by them, from files. What is so already stays, so a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.agreements import queries as agreements
from qudao.agreements.rules import channel_of
from qudao.agreements.states import AgreementState
from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, differences, parted, touched_by
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network import queries as network
from qudao.network.states import OrgKind
from qudao.pricing import queries, rules
from qudao.pricing.actions import ListDraft, assign_list, assign_wide, change_list, create_list, remove_lists, unassign_list, unassign_wide
from qudao.pricing.models import PriceList
from qudao.pricing.rules import Wide

FACTS = ("code", "name", "name_en", "currency", "tax_inclusive", "is_base", "mixes")
#: the bounds of a priority in a file
MOST_PRIORITY = 32_767


def _facts(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FACTS}


class Lists(Kind):
    """The price lists of the actor's organisation."""

    name, label, icon, verb, place = "pricing.lists", _("Price lists"), "list", "pricing.edit", "price_lists"
    about = _("A row with a new code makes an empty list, one with a known code renames it or makes it the base list; an empty cell keeps what is there.")
    model = PriceList
    columns = (
        Column("code", _("Code"), required=True, most=64, example=SAMPLE, also=("list code", "price list", "价目表", "价格表编码")),
        Column("name", _("Name"), most=120, help=_("Needed for a new list."), example=_("Wholesale"), also=("价目表名称",)),
        Column("name_en", _("English name"), most=120, also=("英文名",)),
        Column("currency", _("Currency"), most=3, help=_("Three letters; empty: CNY. It stays."), example="CNY", also=("币种", "币别")),
        Column("tax_inclusive", _("Prices include tax"), "flag", help=_("Empty: yes. It stays."), example=_("yes"), also=("tax inclusive", "含税")),
        Column("is_base", _("Base list"), "flag", help=_("Everybody without a list pays by it; one a currency."), example=_("no"), also=("base", "基础价目表")),
        Column(
            "mixes",
            _("Mixed quantities"),
            "flag",
            help=_("Quantity prices count all products of the list in an order together."),
            example=_("no"),
            also=("mix", "混批"),
        ),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """One statement."""
        self.known = {one.code: one for one in self._own()}
        self.bases = {one.currency: one.code for one in self.known.values() if one.is_base}

    def _own(self) -> Any:
        return queries.price_lists(self.actor).filter(owner_id=self.actor.org_id)

    def key(self, row: Cells) -> Any:
        return row.text("code")

    def entry(self, row: Cells) -> Entry:
        known = self.known.get(row.text("code"))
        before = _facts(known) if known else asdict(ListDraft(row.text("code"), ""))
        said = {name: row.get(name, before[name]) for name in FACTS}
        draft = ListDraft(**said | {"currency": str(said["currency"]).strip().upper()})
        faults = rules.list_faults(draft.code, draft.name.strip(), draft.currency)
        if known:
            faults += [Fault("pricing.list_stays", name) for name in ("currency", "tax_inclusive") if getattr(draft, name) != before[name]]
        if known and known.is_base and not draft.is_base and not row.faults:
            self.bases.pop(draft.currency, None)  # an earlier row takes the mark off for a later one
        base = self.bases.setdefault(draft.currency, draft.code) if draft.is_base else draft.code
        if base != draft.code:
            faults.append(Fault("pricing.base_exists", "is_base", {"list": base, "currency": draft.currency}))
        raise_if_any(faults, Invalid)
        label = f"{draft.code} {draft.name}"
        if known is None:
            return Entry(row.no, label, NEW, draft)
        changes = differences(before, asdict(draft))
        return Entry(row.no, label, CHANGED if changes else SAME, (known.pk, draft, before), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        changed = {}
        for pk, e in sorted(old.items(), key=lambda one: one[1].data[1].is_base):  # the mark comes off before it is put on
            after = _facts(change_list(pk, e.data[1], actor=self.actor))
            changed[pk] = {name: pair for name, *pair in differences(e.data[2], after)}
        made = [create_list(self.actor.org_id, e.data, actor=self.actor) for e in new]
        return touched_by(new, made, old, changed)

    def now(self, keys: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
        return {one.pk: _facts(one) for one in self._own().filter(pk__in=keys)}

    def take_back(self, touched: Sequence[Touched]) -> None:
        remove_lists([t.key for t in touched if t.is_new], actor=self.actor)
        now = self.now([t.key for t in touched if not t.is_new])
        for one in sorted((t for t in touched if not t.is_new), key=lambda t: bool(t.before.get("is_base"))):
            change_list(one.key, ListDraft(**{**now[one.key], **one.before}), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        return (_facts(one) for one in self._own())


class Assignments(Kind):
    """Who pays by which list of the actor's organisation: the buyer of an agreement, a group, or a region, area and channel."""

    name, label, icon, verb, place = "pricing.assignments", _("Who pays by which list"), "users", "pricing.assign", "price_lists"
    about = _("A row lets the buyer of an agreement, a group, or a region, area and channel pay by a list; a known one gets the priority of the row.")
    columns = (
        Column("list", _("Price list"), required=True, help=_("The code of a list that exists."), example=SAMPLE, also=("list code", "价目表", "价格表编码")),
        Column("agreement", _("Agreement"), help=_("Its code; or one of the next four."), example="A-001", also=("agreement code", "协议编码", "协议号")),
        Column("group", _("Group of buyers"), help=_("Its code."), also=("grade", "客户组", "等级")),
        Column("region", _("Region"), help=_("Its code; with all below it."), also=("大区",)),
        Column("area_code", _("Area code"), help=_("The first digits are enough: 33 is all of Zhejiang."), also=("area", "行政区划")),
        Column("channel", _("Channel"), help=_("As it stands on agreements."), also=("销售渠道",)),
        Column("priority", _("Priority"), "number", help=_("The larger goes first; empty: as it is, or 0."), example="0", also=("优先级",)),
    )
    NAMED = ("agreement", "group", "region", "area_code", "channel")

    def open(self, rows: Sequence[Cells]) -> None:
        """Six statements."""
        mine = queries.price_lists(self.actor).filter(owner_id=self.actor.org_id)
        self.lists = {one.code: one for one in mine}
        deals = agreements.agreements(self.actor, side="seller").filter(code__in={row.text("agreement") for row in rows}).exclude(state=AgreementState.ENDED)
        self.agreements = {one.code: one for one in deals}
        self.groups = dict(agreements.groups(self.actor).filter(owner_id=self.actor.org_id).values_list("code", "pk"))
        self.regions = dict(network.organisations(self.actor).filter(kind=OrgKind.REGION).values_list("code", "pk"))
        self.known = dict(_standing(self.actor))
        #: of the pairs of currencies that occur, whether there is a rate: one statement each
        self.rates: dict[tuple[str, str], bool] = {}

    def key(self, row: Cells) -> Any:
        return row.text("list"), *(row.text(name) for name in self.NAMED)

    def entry(self, row: Cells) -> Entry:
        found, place, faults = self.lists.get(row.text("list")), self._place(row), list[Fault]()
        if found is None:
            faults.append(Fault("pricing.list_unknown", "list"))
        for name, code in (("agreement", "pricing.agreement_unknown"), ("group", "pricing.group_unknown"), ("region", "network.unknown")):
            if row.text(name) and place[name] is None:
                faults.append(Fault(code, name))
        wide = Wide(place["group"], place["region"], row.text("area_code"), channel_of(row.text("channel")))
        named = any((wide.group_id, wide.region_id, wide.area_code, wide.channel))
        if not faults and (named if place["agreement"] else not wide.clear):
            faults.append(Fault("pricing.assign_unclear", "agreement"))
        deal = self.agreements.get(row.text("agreement"))
        if found and deal and found.currency != deal.currency:
            pair, today = (found.currency, deal.currency), clock.today()
            if pair not in self.rates:
                self.rates[pair] = queries.unscoped_rate(found.owner_id, *pair, today) is not None
            if not self.rates[pair]:
                faults.append(Fault("pricing.rate_missing", "list", {"source": pair[0], "target": pair[1], "day": today}))
        priority = row.get("priority")
        if priority is not None and (priority != int(priority) or abs(priority) > MOST_PRIORITY):
            faults.append(Fault("base.import_number", "priority", {"text": row.typed.get("priority", "")}))
        raise_if_any(faults, Invalid)
        assert found is not None
        at = (found.pk, place["agreement"], wide)
        known = self.known.get(at)
        after = int(priority) if priority is not None else known[1] if known else 0
        label = " ".join(part for part in self.key(row) if part)
        changes = differences({"priority": known[1]}, {"priority": after}) if known else ()
        return Entry(row.no, label, NEW if known is None else CHANGED if changes else SAME, (at, after, known and known[1]), changes)

    def _place(self, row: Cells) -> dict[str, int | None]:
        deal = self.agreements.get(row.text("agreement"))
        return {"agreement": deal.pk if deal else None, "group": self.groups.get(row.text("group")), "region": self.regions.get(row.text("region"))}

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for e in entries:
            (list_id, agreement_id, wide), after, before = e.data
            if agreement_id:
                assign_list(agreement_id, list_id, after, actor=self.actor)
            else:
                assign_wide(list_id, wide, after, actor=self.actor)
            of = {"agreement": agreement_id, **asdict(wide), "priority": after}
            touched.append(Touched(e.row, list_id, e.label, e.what == NEW, {} if before is None else {"priority": before}, of))
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Two statements. Orders keep their prices, so nothing is built on an assignment."""
        known = dict(_standing(self.actor))

        def fault(one: Touched) -> Fault | None:
            now = known.get(_at(one))
            return changed_since(one, {**one.after, "priority": now[1]}) if now else Fault("base.import_gone")

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        known = dict(_standing(self.actor))
        for one in touched:
            list_id, agreement_id, wide = _at(one)
            if not one.is_new:
                was = one.before["priority"]
                assign_list(agreement_id, list_id, was, actor=self.actor) if agreement_id else assign_wide(list_id, wide, was, actor=self.actor)
            elif agreement_id:
                unassign_list(agreement_id, list_id, actor=self.actor)
            else:
                unassign_wide(known[_at(one)][0], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        lists = dict(visible(self.actor, PriceList, self.verb).values_list("pk", "code"))
        own = {pk for pk, owner in queries.price_lists(self.actor).values_list("pk", "owner_id") if owner == self.actor.org_id}
        for one in queries.assignments(self.actor).exclude(agreement__state=AgreementState.ENDED):
            if one.list_id in own and one.list_id in lists and one.agreement.seller_id == self.actor.org_id:
                yield {"list": one.list.code, "agreement": one.agreement.code, "priority": one.priority}
        for wide in queries.levels(self.actor):
            if wide.list_id in own:
                yield {
                    "list": wide.list.code, "group": wide.group and wide.group.code, "region": wide.region and wide.region.code,
                    "area_code": wide.area_code, "channel": wide.channel, "priority": wide.priority,
                }  # fmt: skip


def _standing(actor: Any) -> Iterator[tuple[tuple[int, int | None, Wide], tuple[int, int]]]:
    """(list, agreement, or else whom) → (id of the assignment, priority). Two statements."""
    for one in queries.assignments(actor):
        yield (one.list_id, one.agreement_id, Wide()), (one.pk, one.priority)
    for wide in queries.levels(actor):
        yield (wide.list_id, None, Wide(wide.group_id, wide.region_id, wide.area_code, wide.channel)), (wide.pk, wide.priority)


def _at(one: Touched) -> tuple[int, int | None, Wide]:
    of = one.after
    return one.key, of["agreement"], Wide(of["group_id"], of["region_id"], of["area_code"], of["channel"])
