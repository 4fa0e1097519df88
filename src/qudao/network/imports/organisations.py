"""Organisations from a file: new codes are registered under their parents, known ones get the facts of the file. So a file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, differences, parted, touched_by
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network import queries, rules
from qudao.network.actions import (
    NewOrganisation,
    change_faults,
    change_organisations,
    move_organisation,
    new_faults,
    register_organisations,
    remove_organisations,
)
from qudao.network.models import Organisation
from qudao.network.rules import OrgFacts
from qudao.network.states import OrgKind, OrgState

COLUMN = {"parent": "under"}


class Organisations(Kind):
    """The network below the actor. `under` is the code of the organisation above, which may be an earlier row of the same file."""

    name, label, icon, verb, place = "network.organisations", _("Organisations"), "sitemap", "network.register", "organisations"
    about = _("A row with a new code registers an organisation, one with a known code changes its facts, and hangs it under another one today.")
    model = Organisation
    columns = (
        Column("code", _("Code"), required=True, most=32, example=SAMPLE, also=("dealer code", "customer code", "经销商编码", "客户编码", "编号")),
        Column("kind", _("Kind"), "choice", choices=OrgKind, help=_("Needed for a new one."), example=_("Dealer"), also=("type", "类型", "客户类型")),
        Column("name", _("Name"), most=120, help=_("Needed for a new one."), example=_("Lakeside Appliances"), also=("dealer", "经销商", "客户名称")),
        Column("name_en", _("English name"), most=160, also=("英文名",)),
        Column(
            "under", _("Under"), most=32, help=_("The code of the organisation above; empty: as it is."), example="D-001", also=("parent", "上级", "上级编码")
        ),
        Column("currency", _("Currency"), most=3, example="CNY", also=("币别",)),
        Column("tax_no", _("Tax number"), most=32, also=("USCC", "VAT number", "统一社会信用代码", "税号")),
        Column("area_code", _("Area code"), most=12, help=_("6 or 12 digits of GB/T 2260."), example="330106", also=("行政区划代码",)),
        Column("address", _("Address"), most=240, also=("street", "详细地址")),
        Column("phone", _("Phone"), most=40, also=("telephone", "mobile", "手机", "联系电话")),
        Column("email", _("E-mail"), most=120, also=("mail", "邮箱")),
        Column("gs1_prefix", _("GS1 company prefix"), most=20, help=_("7 to 10 digits; pallet labels (SSCC) begin with it."), also=("厂商识别代码",)),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Three statements."""
        codes = {row.text(name).upper() for row in rows for name in ("code", "under")}
        self.known = {one.code.upper(): one for one in queries.organisations(self.actor).filter(code__in=codes).select_related("parent")}
        self.movable = set(visible(self.actor, Organisation, "network.move").filter(code__in=codes).values_list("pk", flat=True))
        self.mine = set(visible(self.actor, Organisation, self.verb).filter(code__in=codes).values_list("pk", flat=True))
        self.coming: dict[str, Organisation] = {}

    def entry(self, row: Cells) -> Entry:
        code, under = row.text("code").upper(), row.text("under").upper()
        org = self.known.get(code)
        usual = {name: getattr(org, name) for name in asdict(OrgFacts())} if org else asdict(OrgFacts())
        facts = OrgFacts(**{name: row.text(name, value) for name, value in usual.items()}).clean()
        faults = [*self._known_faults(org, facts), *self._move_faults(org, under)] if org else self._new_faults(row, facts, under)
        raise_if_any([replace(fault, field=COLUMN.get(fault.field, fault.field)) for fault in faults], Invalid)
        label = f"{facts.code} {facts.name}"
        if org is None:
            # who comes with this file, for the rows below it
            self.coming[code] = Organisation(code=code, kind=row.text("kind"), name=facts.name, state=OrgState.ACTIVE)
            return Entry(row.no, label, NEW, NewOrganisation(row.text("kind"), facts, under))
        was = org.parent.code if org.parent else ""
        moves = bool(under) and under != was.upper()
        changes = differences(usual, asdict(facts)) + ((("under", was, under),) if moves else ())
        return Entry(row.no, label, CHANGED if changes else SAME, (org.pk, facts, under if moves else ""), changes)

    def _known_faults(self, org: Organisation, facts: OrgFacts) -> list[Fault]:
        return change_faults(org, facts, self.actor) if org.pk in self.mine else [Fault("network.code_taken", "code")]

    def _move_faults(self, org: Organisation, under: str) -> list[Fault]:
        """Why a known one cannot hang under another: nothing where it hangs there already."""
        if not under or (org.parent and org.parent.code.upper() == under):
            return []
        parent = self.known.get(under)
        target = parent if parent and parent.pk in self.movable else self.coming.get(under)
        if target is None:
            return [Fault("network.unknown", "under")]
        if org.pk not in self.movable or org.pk == self.actor.org_id:
            return [Fault("network.own_organisation" if org.pk == self.actor.org_id else "base.forbidden", "under", {"verb": "network.move"})]
        if parent and parent.path.startswith(org.path):
            return [Fault("network.parent_below", "under", {"name": org.name})]
        faults = rules.check_parent(org.kind, target.kind)
        return [*faults, Fault("network.parent_closed", "under", {"parent": target.name})] if target.state == OrgState.CLOSED else faults

    def _new_faults(self, row: Cells, facts: OrgFacts, under: str) -> list[Fault]:
        known = self.known.get(under)
        parent = known if known and known.pk in self.mine else self.coming.get(under)
        if under and parent is None:
            return [Fault("network.unknown", "under")]
        return new_faults(row.text("kind"), facts, parent)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        new, old = parted(entries)
        made = register_organisations([e.data for e in new], actor=self.actor)
        facts = change_organisations({pk: e.data[1] for pk, e in old.items()}, actor=self.actor) if old else {}
        changed: dict[int, dict[str, Sequence[Any]]] = {pk: dict(pairs) for pk, pairs in facts.items()}
        self._move({pk: e.data[2] for pk, e in old.items() if e.data[2]}, _now("Import of a file"))
        for pk, e in old.items():
            if e.data[2]:
                changed[pk] = {**changed.get(pk, {}), "under": next((was, now) for name, was, now in e.changes if name == "under")}
        return touched_by(new, made, old, changed)

    def _move(self, under: Mapping[int, str], reason: str) -> None:
        """Hang these under the organisations of these codes, each by itself: agreements and prices stay."""
        wanted = queries.organisations(self.actor).filter(code__in=set(under.values())) if under else ()
        parents = {one.code.upper(): one.pk for one in wanted}
        for pk, code in under.items():
            move_organisation(pk, parents[code.upper()], reason, actor=self.actor)

    def now(self, keys: Sequence[int]) -> dict[int, dict[str, Any]]:
        found = queries.organisations(self.actor).filter(pk__in=keys).select_related("parent")
        return {one.pk: {**vars(one), "under": one.parent.code if one.parent else ""} for one in found}

    def take_back(self, touched: Sequence[Touched]) -> None:
        now = self.now([t.key for t in touched if not t.is_new])
        facts = {
            t.key: {one.name: now[t.key][one.name] for one in fields(OrgFacts)} | {name: value for name, value in t.before.items() if name != "under"}
            for t in touched
            if not t.is_new
        }
        if facts:
            change_organisations({pk: OrgFacts(**one) for pk, one in facts.items()}, actor=self.actor)
        self._move({t.key: t.before["under"] for t in touched if "under" in t.before}, _now("Import undone"))
        remove_organisations([t.key for t in touched if t.is_new], actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        """The branch below the own organisation, from the top."""
        below = visible(self.actor, Organisation, self.verb).exclude(pk=self.actor.org_id).exclude(state=OrgState.CLOSED)
        for one in below.select_related("parent").order_by("path").iterator(chunk_size=2000):
            yield {**{name: getattr(one, name) for name in asdict(OrgFacts())}, "kind": one.kind, "under": one.parent.code if one.parent else ""}
