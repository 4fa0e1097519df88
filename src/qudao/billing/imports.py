"""When goods are invoiced together, from a file: one row for each agreement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.agreements.queries import PARTNER, Sold
from qudao.base.import_sheets import Cells, Column
from qudao.base.importing import CHANGED, SAME, Entry, Kind, Touched, by_row, changed_since
from qudao.billing import queries, rules
from qudao.billing.actions import end_cycle, set_cycle
from qudao.billing.states import Often
from qudao.kernel.errors import Fault, Invalid, raise_if_any


class Cycles(Kind):
    """When what the actor's organisation delivered is invoiced."""

    name, label, icon, verb, place = "billing.cycles", _("Invoicing"), "file-text", "billing.set_cycle", "collective_invoices"
    about = _("A row says how often the deliveries under an agreement are invoiced together, and on which day.")
    columns = (
        *PARTNER,
        Column("every", _("Invoices"), "choice", required=True, choices=Often, example=Often.MONTH.label, also=("cycle", "how often", "开票周期")),
        Column("day", _("Day"), "number", help=_("1 (Monday) to 7 of a week, 1 to 31 of a month."), example="25", also=("开票日",)),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        self.sold = Sold(self.actor, rows)
        self.kept = queries.cycles_of(self.actor, self.sold.ids)
        self.waiting = queries.unscoped_waiting(self.kept)

    def key(self, row: Cells) -> Any:
        return Sold.key(row)

    def entry(self, row: Cells) -> Entry:
        agreement, every, day = self.sold.of(row), row.get("every"), row.get("day")
        fixed = every in (Often.EACH, Often.HALF)
        wanted = ("" if every == Often.EACH else str(every), 0 if fixed else int(day) if day is not None and day == int(day) else -1)
        raise_if_any(rules.cycle_faults(*wanted) if wanted[0] else [], Invalid)
        before, label = self.kept.get(agreement.pk, ("", 0)), f"{agreement.buyer.code} {agreement.code}"
        if before == wanted:
            return Entry(row.no, label, SAME, (agreement.pk, wanted, before))
        if not wanted[0] and agreement.pk in self.waiting:
            raise Invalid("billing.cycle_waits", field="every")
        changes = (("every", _said(before), _said(wanted)),)
        return Entry(row.no, label, CHANGED, (agreement.pk, wanted, before), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for e in entries:
            agreement_id, wanted, before = e.data
            self._set(agreement_id, wanted)
            touched.append(Touched(e.row, agreement_id, e.label, False, {"cycle": list(before)}, {"cycle": list(wanted)}))
        return touched

    def _set(self, agreement_id: int, wanted: Sequence[Any]) -> None:
        every, day = wanted
        if every:
            set_cycle(agreement_id, every, day, actor=self.actor)
        else:
            end_cycle(agreement_id, actor=self.actor)

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        """How often, and on which day; "" for each delivery at once."""
        kept = queries.cycles_of(self.actor, keys)
        return {key: {"cycle": list(kept.get(key, ("", 0)))} for key in keys}

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """Where deliveries wait for the invoice together, it is not ended without it. Two statements."""
        now, waiting = self.now([one.key for one in touched]), queries.unscoped_waiting([one.key for one in touched])

        def fault(one: Touched) -> Fault | None:
            if not one.before["cycle"][0] and one.key in waiting:
                return Fault("billing.cycle_waits")
            return changed_since(one, now[one.key])

        return by_row(touched, fault)

    def take_back(self, touched: Sequence[Touched]) -> None:
        for one in touched:
            self._set(one.key, one.before["cycle"])

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in queries.own_cycles(self.actor):
            buyer, day = one.agreement.buyer.code, None if one.every == Often.HALF else one.day
            yield {"buyer": buyer, "agreement": one.agreement.code, "every": one.every, "day": day}


def _said(cycle: tuple[str, int]) -> str:
    every, day = cycle
    return f"{Often(every or Often.EACH).label} {day or ''}".strip()


KINDS = (Cycles,)
