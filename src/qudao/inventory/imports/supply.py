"""Terms of supply from a file: out of which warehouse an agreement is supplied, how soon, and what becomes of orders that are short or urgent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.agreements.queries import PARTNER, Agreement, Sold, agreements
from qudao.agreements.states import AgreementState
from qudao.base.access import Actor, visible
from qudao.base.import_sheets import Cells, Column
from qudao.base.importing import CHANGED, SAME, Entry, Kind, Touched, by_row, changed_since, differences, kept
from qudao.inventory import actions
from qudao.inventory.models import Place, SupplyPlace
from qudao.inventory.states import MOST_KEEPS_DAYS, MOST_LEAD_DAYS, MOST_PRIORITY, MOST_RECEIPT_DAYS, MOST_RESERVE_DAYS, PlaceKind, Short, Shows
from qudao.kernel.errors import Fault, Invalid, raise_if_any

#: by column the most it may say, and what is said of more
MOST = {
    "lead_days": (MOST_LEAD_DAYS, "inventory.lead_days"),
    "priority": (MOST_PRIORITY, "inventory.short_unknown"),
    "reserve_days": (MOST_RESERVE_DAYS, "inventory.reserve_days"),
    "keeps_days": (MOST_KEEPS_DAYS, "inventory.keeps"),
    "keeps_percent": (100, "inventory.keeps"),
    "receipt_days": (MOST_RECEIPT_DAYS, "inventory.receipt_days"),
    "surcharge": (100, "inventory.surcharge"),
}
STAYS = _("Empty: as it is.")
#: what one action sets, in the order they are called
TOGETHER = (
    ("place_id", "shows", "lead_days"),
    ("short", "priority"),
    ("surcharge",),
    ("reserve_days",),
    ("keeps_days", "keeps_percent"),
    ("receipt_days", "photos"),
)
TERMS = tuple(name for names in TOGETHER for name in names)


class SupplyTerms(Kind):
    """What the page of supply says of an agreement. A row changes what its cells say, so a file may come twice."""

    name, label, icon, verb, place = "inventory.supply", _("Terms of supply"), "truck", "inventory.manage_places", "agreements"
    about = _("A row says out of which warehouse a buyer's agreement is supplied, how soon, and what becomes of orders that are short; for new orders.")
    most_at_once = 200
    columns = (
        *PARTNER,
        Column("place", _("Warehouse"), help=_("Its code; empty: as it is."), example="MAIN", also=("warehouse code", "发货仓")),
        Column("lead_days", _("Lead time"), "number", help=_("Working days until goods leave."), example="2", also=("lead days", "交期", "备货天数")),
        Column("shows", _("The buyer is told"), "choice", choices=Shows, help=STAYS, also=("stock shown", "库存展示")),
        Column("short", _("If goods are short"), "choice", choices=Short, help=STAYS, also=("shortage", "缺货处理")),
        Column("priority", _("Served when goods come in"), "number", help=_("The highest number first."), example="0", also=("priority", "优先级")),
        Column("surcharge", _("Surcharge of emergencies (%)"), "number", help=STAYS, example="5", also=("surcharge", "紧急加价")),
        Column("reserve_days", _("Goods are kept for days"), "number", help=_("0: until they are picked."), example="14", also=("reserve days", "保留天数")),
        Column("keeps_days", _("Lots keep for days more"), "number", help=STAYS, example="30", also=("keeps days", "剩余效期天数")),
        Column("keeps_percent", _("Or for % of the shelf life"), "number", help=STAYS, example="0", also=("keeps percent", "剩余效期比例")),
        Column("receipt_days", _("Received by itself after days"), "number", help=_("0: never."), example="7", also=("receipt days", "自动收货天数")),
        Column("photos", _("Damaged or wrong goods need a photo"), "flag", help=STAYS, also=("photos", "破损须拍照")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Four statements."""
        self.sold = Sold(self.actor, rows)
        self.places = _warehouses(self.actor)
        self.closed = set(visible(self.actor, Place).filter(pk__in=self.places.values(), closed=True).values_list("pk", flat=True))
        self.known = _terms(self.actor, self.sold.ids, self.places.get("MAIN"))

    def key(self, row: Cells) -> Any:
        return Sold.key(row)

    def entry(self, row: Cells) -> Entry:
        agreement, wanted, faults = self.sold.of(row), {}, []
        for name, (most, code) in MOST.items():
            said = row.get(name)
            if said is None:
                continue
            if not 0 <= said <= most or (name != "surcharge" and said != int(said)):
                faults.append(Fault(code, name, {"most": most}))
            wanted[name] = said if name == "surcharge" else int(said) or (None if name == "reserve_days" else 0)
        if row.text("place"):
            wanted["place_id"] = self.places.get(row.text("place").upper())
            faults += [] if wanted["place_id"] else [Fault("inventory.no_place", "place")]
            if wanted["place_id"] in self.closed and wanted["place_id"] != self.known[agreement.pk]["place_id"]:
                faults.append(Fault("inventory.place_closed", "place", {"place": row.text("place").upper()}))
        raise_if_any(faults, Invalid)
        wanted |= {name: str(row.get(name)) for name in ("shows", "short") if row.get(name) is not None}
        wanted |= {} if row.get("photos") is None else {"photos": row.get("photos")}
        before = self.known[agreement.pk]
        changes = differences({name: before[name] for name in wanted}, wanted)
        codes = {pk: code for code, pk in self.places.items()}
        told = tuple(("place", codes.get(a, ""), codes[b]) if name == "place_id" else (name, a, b) for name, a, b in changes)
        changed = {name: wanted[name] for name, _a, _b in changes}
        return Entry(row.no, f"{agreement.buyer.code} {agreement.code}", CHANGED if changes else SAME, (agreement.pk, before, changed), told)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for e in entries:
            agreement_id, before, changed = e.data
            self._set(agreement_id, {**before, **changed}, changed)
            told = ({name: kept(before[name]) for name in changed}, {name: kept(value) for name, value in changed.items()})
            touched.append(Touched(e.row, agreement_id, e.label, False, *told))
        return touched

    def _set(self, agreement_id: int, facts: Mapping[str, Any], changed: Iterable[str]) -> None:
        """What differs, by the action that sets it."""
        doing = (actions.set_supply_place, actions.set_shortage, actions.set_surcharge, actions.set_reserve_days, actions.set_keeps, actions.set_receiving)
        for names, action in zip(TOGETHER, doing, strict=True):
            if not set(names).isdisjoint(changed):
                action(agreement_id, *(facts[name] for name in names), actor=self.actor)  # type: ignore[operator]

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Two statements."""
        return _terms(self.actor, keys, _warehouses(self.actor).get("MAIN"))

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Two statements. Orders keep what they were placed with, so nothing is built on it."""
        now = self.now([one.key for one in touched])
        return by_row(touched, lambda one: changed_since(one, now[one.key]) if one.key in now else Fault("base.import_gone"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        known = self.now([one.key for one in touched])
        for one in touched:
            was = {name: Decimal(value) if name == "surcharge" else value for name, value in one.before.items()}
            self._set(one.key, {**known[one.key], **was}, was)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        """What counts for every agreement in force under which the own organisation sells."""
        places = _warehouses(self.actor)
        codes, sold = {pk: code for code, pk in places.items()}, _sold(self.actor)
        known = _terms(self.actor, [one.pk for one in sold], places.get("MAIN"))
        for one in sold:
            facts = known[one.pk]
            said = {"place": codes.get(facts["place_id"], ""), "reserve_days": facts["reserve_days"] or 0}
            yield {"buyer": one.buyer.code, "agreement": one.code, **facts, **said}


def _sold(actor: Actor) -> list[Agreement]:
    """The agreements in force under which the own organisation sells, by buyer. One statement."""
    mine = agreements(actor).filter(seller_id=actor.org_id, transfers=False, state=AgreementState.ACTIVE)
    return list(mine.order_by("buyer__code", "code"))


def _warehouses(actor: Actor) -> dict[str, int]:
    """The own warehouses, code → id. One statement."""
    return dict(visible(actor, Place).filter(owner_id=actor.org_id, kind=PlaceKind.STOCK).order_by().values_list("code", "pk"))


def _terms(actor: Actor, agreement_ids: Iterable[int], main: int | None) -> dict[int, dict[str, Any]]:
    """By agreement what is set, else what counts without. One statement."""
    asked = list(agreement_ids)
    found = {one.agreement_id: one for one in visible(actor, SupplyPlace).filter(agreement_id__in=asked)}
    plain = SupplyPlace(place_id=main)
    return {pk: {name: getattr(found.get(pk, plain), name) for name in TERMS} for pk in asked}
