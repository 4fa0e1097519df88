"""Transfers between two buyers from a file: the rows of one giver and one receiver are one transfer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.agreements.queries import agreements
from qudao.agreements.states import AgreementState
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import NEW, Entry, Kind, Touched, by_row
from qudao.catalog.queries import unscoped_carried_by_code
from qudao.inventory.states import Short
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.kernel.money import ZERO
from qudao.orders import actions, queries
from qudao.orders.rules import NewLine, Placing
from qudao.orders.states import Status

#: the columns of the faults of an order: its sides, and what stands for a whole transfer
AT = {"seller": "giver", "buyer": "receiver", "address": "receiver", "requested_on": "requested_on", "currency": "currency"}
#: a row, with the ids of its giver, its receiver and its product
Told = tuple[Cells, tuple[int, int, int]]


class Transfers(Kind):
    """Transfers that the actor's organisation arranges between its buyers. A row is a line."""

    name, label, icon, verb, place = "orders.transfers", _("Transfers"), "transfer", "orders.arrange", "orders"
    about = _("A row is a line: who gives, who gets, what and how many; all rows of the same two are one transfer, which the giver is asked to accept.")
    adds = True
    most_at_once = 200
    columns = (
        Column("giver", _("Who gives the goods"), required=True, help=_("The code of the organisation."), example=SAMPLE, also=("giver", "from", "调出方")),
        Column("receiver", _("Who gets the goods"), required=True, help=_("The code of the organisation."), example="D002", also=("receiver", "to", "调入方")),
        Column("product", _("Product"), required=True, help=_("Its code."), example="AC-35G", also=("SKU", "product code", "商品编码")),
        Column("qty", _("Quantity"), "number", required=True, help=_("In the base unit."), example="6", also=("qty", "数量")),
        Column("requested_on", _("Requested"), "day", help=_("Once for each transfer."), also=("requested on", "要货日期", "期望到货日")),
        Column("short", _("If goods are short"), "choice", choices=Short, help=_("Empty: it is refused."), also=("shortage", "缺货处理")),
        Column("currency", _("Currency"), most=3, help=_("Only for a receiver with agreements in several."), also=("币种", "币别")),
        Column("note", _("Note"), help=_("Once for each transfer."), also=("remark", "备注")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements, and what arranging costs for each transfer: it is tried and undone."""
        sold = agreements(self.actor, state=AgreementState.ACTIVE, side="seller", transfers=False).order_by()
        self.buyers = {code.upper(): pk for code, pk in sold.values_list("buyer__code", "buyer_id")}
        self.products = unscoped_carried_by_code(self.actor.org_id, {row.text("product") for row in rows})
        self.rows: dict[tuple[str, str], list[Cells]] = {}
        for row in rows:
            self.rows.setdefault(self._sides(row), []).append(row)
        self.faults: dict[int, list[Fault]] = {}
        for sides, some in self.rows.items():
            if not any(self._row_faults(row) for row in some) and sides[0] != sides[1]:
                self._try([(row, self._named(row)) for row in some])

    def _try(self, told: Sequence[Told]) -> None:
        """Keep why the transfer of these rows would be refused, at the row and column it is about."""
        for fault in actions.transfer_faults(_placing(told), actor=self.actor):
            parts = fault.field.split(".")
            of_line = parts[0] == "lines" and len(parts) == 3
            at, name = (told[int(parts[1]) - 1][0], parts[2]) if of_line else (told[0][0], AT.get(fault.field, ""))
            self.faults.setdefault(at.no, []).append(Fault(fault.code, name, fault.params))

    @staticmethod
    def _sides(row: Cells) -> tuple[str, str]:
        return row.text("giver").upper(), row.text("receiver").upper()

    def _row_faults(self, row: Cells) -> list[Fault]:
        """What is wrong with a row by itself."""
        found = [Fault("orders.transfer_unknown", name) for name in ("giver", "receiver") if row.text(name).upper() not in self.buyers]
        if row.text("product") not in self.products:
            found.append(Fault("orders.unknown_product", "product", {"product": row.text("product")}))
        if row.get("qty", ZERO) <= 0:
            found.append(Fault("orders.qty_not_positive", "qty"))
        if len(set(self._sides(row))) == 1:
            found.append(Fault("orders.same_sides", "receiver"))
        return found

    def _named(self, row: Cells) -> tuple[int, int, int]:
        giver, receiver = self._sides(row)
        return self.buyers[giver], self.buyers[receiver], self.products[row.text("product")]

    def key(self, row: Cells) -> Any:
        return *self._sides(row), row.text("product")

    def entry(self, row: Cells) -> Entry:
        raise_if_any(self._row_faults(row) or self.faults.get(row.no, []), Invalid)
        giver, receiver = self._sides(row)
        return Entry(row.no, f"{giver} → {receiver} {row.text('product')}", NEW, (row, self._named(row)))

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        """One transfer for each two organisations; of rows that are left out the others go."""
        taken: dict[tuple[str, str], list[Told]] = {}
        for e in entries:
            taken.setdefault(self._sides(e.data[0]), []).append(e.data)
        touched = []
        for (_giver, receiver), told in taken.items():
            made = actions.arrange_transfer(_placing(told), actor=self.actor)
            touched.append(Touched(told[0][0].no, made.pk, f"{made.number} {receiver}", True))
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One that was answered stays. One statement."""
        open_ = set(queries.orders(self.actor).filter(pk__in=[one.key for one in touched], status=Status.IN_REVIEW).values_list("pk", flat=True))
        return by_row(touched, lambda one: None if one.key in open_ else Fault("orders.transfer_answered"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        for one in touched:
            actions.cancel_order(one.key, reason=_now("Import undone"), actor=self.actor)


def _placing(told: Sequence[Told]) -> Placing:
    """The transfer of these rows; what is said once for all stands in any of them."""

    def said(name: str) -> Any:
        return next((row.get(name) for row, _named in told if row.get(name) is not None), None)

    giver, receiver, _product = told[0][1]
    lines = [NewLine(product, row.get("qty"), row.text("product")) for row, (_giver, _receiver, product) in told]
    texts: dict[str, Any] = {name: str(said(name) or "") for name in ("note", "short")} | {"currency": str(said("currency") or "").upper()}
    return Placing(giver, receiver, lines, said("requested_on"), **texts)


KINDS = (Transfers,)
