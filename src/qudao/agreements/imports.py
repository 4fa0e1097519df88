"""Members of groups from a file: a row puts a buyer into a group; who is in it already stays. So a file may come twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.agreements import queries
from qudao.agreements.actions import add_members, remove_members
from qudao.agreements.models import GroupMember
from qudao.agreements.rules import overlaps
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import NEW, SAME, Entry, Kind, Touched, by_row
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network import queries as network


class Members(Kind):
    """Who is in the groups of buyers of the actor's organisation."""

    name, label, icon, verb, place = "agreements.members", _("Members of groups"), "users", "agreements.group", "buyer_groups"
    about = _("A row puts a buyer into a group of buyers from a day on; who is in it already stays as it is.")
    model = GroupMember
    columns = (
        Column("group", _("Group"), required=True, help=_("The code of a group that exists."), example=SAMPLE, also=("grade", "客户组", "分组", "等级")),
        Column("buyer", _("Buyer"), required=True, help=_("The code of the organisation."), example="D001", also=("dealer", "code", "经销商", "客户编码")),
        Column("valid_from", _("From"), "day", help=_("The first day; empty: today."), also=("start", "生效日期", "开始日期")),
        Column("valid_to", _("To"), "day", help=_("The last day; empty: until taken out."), also=("end", "失效日期", "结束日期")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        self.today = clock.today()
        mine = queries.groups(self.actor).filter(owner_id=self.actor.org_id, code__in={row.text("group") for row in rows})
        self.groups = {one.code: one.pk for one in mine}
        codes = {row.text("buyer").upper() for row in rows}
        self.buyers = dict(network.organisations(self.actor).filter(code__in=codes).order_by().values_list("code", "pk"))
        self.known: dict[tuple[int, int], list[GroupMember]] = {}
        for one in queries.members(self.actor).filter(group_id__in=self.groups.values(), buyer_id__in=self.buyers.values()):
            self.known.setdefault((one.group_id, one.buyer_id), []).append(one)

    def key(self, row: Cells) -> Any:
        return row.text("group"), row.text("buyer").upper()

    def entry(self, row: Cells) -> Entry:
        group, buyer = self.groups.get(row.text("group")), self.buyers.get(row.text("buyer").upper())
        first, last = row.get("valid_from", self.today), row.get("valid_to")
        faults = [] if group else [Fault("agreements.group_unknown", "group")]
        if buyer is None:
            faults.append(Fault("agreements.member_unknown", "buyer", {"code": row.text("buyer")}))
        if last is not None and last < first:
            faults.append(Fault("agreements.span_wrong", "valid_to"))
        raise_if_any(faults, Invalid)
        assert group is not None and buyer is not None
        label = f"{row.text('group')} {row.text('buyer').upper()}"
        there = next((one for one in self.known.get((group, buyer), ()) if overlaps((first, last), (one.valid_from, one.valid_to))), None)
        if there is None:
            return Entry(row.no, label, NEW, (group, buyer, first, last))
        if there.valid_to == last and (there.valid_from <= first or row.get("valid_from") is None):
            return Entry(row.no, label, SAME)
        raise Invalid("agreements.member_already", field="buyer", since=there.valid_from)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for group in sorted({e.data[0] for e in entries}):
            some = [e for e in entries if e.data[0] == group]
            made = add_members(group, {e.data[1]: (e.data[2], e.data[3]) for e in some}, actor=self.actor)
            touched += [Touched(e.row, one.pk, e.label, True) for e, one in zip(some, made, strict=True)]
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement."""
        there = set(queries.members(self.actor).filter(pk__in=[one.key for one in touched]).values_list("pk", flat=True))
        return by_row(touched, lambda one: None if one.key in there else Fault("base.import_gone"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        remove_members([one.key for one in touched], actor=self.actor)


KINDS = (Members,)
