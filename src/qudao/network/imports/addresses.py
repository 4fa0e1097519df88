"""Delivery addresses from a file, known by what people call them, or by who takes the goods where. A file may come twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from django.utils.translation import gettext_lazy as _

from qudao.base.access import visible
from qudao.base.import_sheets import SAMPLE, Cells, Column
from qudao.base.importing import CHANGED, NEW, SAME, Entry, Kind, Touched, by_row, changed_since, differences
from qudao.kernel.errors import Fault, Invalid, raise_if_any
from qudao.network import rules
from qudao.network.actions import add_address, change_address, make_address_default, retire_address
from qudao.network.models import Address, Organisation
from qudao.network.rules import AddressFacts

FACTS = tuple(one.name for one in fields(AddressFacts))


def _facts(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FACTS}


def _called(facts: Mapping[str, Any]) -> str:
    """By what an address of an organisation is known."""
    return facts["label"] or f"{facts['recipient']} {facts['street']}"


class Addresses(Kind):
    """Where goods for the organisations of the own branch go."""

    name, label, icon, verb, place = "network.addresses", _("Delivery addresses"), "truck-delivery", "network.address", "organisations"
    about = _("A row gives an organisation an address, or changes the one of this label (without one: of this recipient and street). Nothing is retired.")
    model = Address
    columns = (
        Column("organisation", _("Organisation"), required=True, most=32, help=_("Its code."), example=SAMPLE, also=("dealer code", "经销商编码", "客户编码")),
        Column("label", _("Label"), most=40, help=_("What people call the address."), example=_("East depot"), also=("address name", "地址名称", "简称")),
        Column("recipient", _("Recipient"), most=80, required=True, example=_("Li Lei"), also=("contact", "收货人", "联系人")),
        Column("phone", _("Phone"), most=40, required=True, example="13800000000", also=("telephone", "mobile", "手机", "联系电话")),
        Column("street", _("Address"), most=240, required=True, also=("street", "详细地址", "收货地址")),
        Column("area_code", _("Area code"), most=12, help=_("6 or 12 digits of GB/T 2260."), also=("行政区划代码",)),
        Column("postcode", _("Postcode"), most=12, also=("zip", "邮编")),
        Column("is_default", _("Default"), "flag", help=_("Yes: used where none is chosen."), also=("默认", "默认地址")),
    )

    def open(self, rows: Sequence[Cells]) -> None:
        """Two statements."""
        codes = {row.text("organisation").upper() for row in rows}
        self.orgs = dict(visible(self.actor, Organisation, self.verb).filter(code__in=codes).values_list("code", "pk"))
        self.known = {(one.organisation_id, _called(_facts(one))): one for one in self._in_use().filter(organisation__in=self.orgs.values())}

    def _in_use(self) -> Any:
        return visible(self.actor, Address, self.verb).filter(active=True).order_by("pk")

    def key(self, row: Cells) -> Any:
        return row.text("organisation").upper(), _called({name: row.text(name) for name in FACTS})

    def entry(self, row: Cells) -> Entry:
        org = self.orgs.get(row.text("organisation").upper())
        known = self.known.get((org or 0, self.key(row)[1]))
        before = _facts(known) if known else asdict(AddressFacts())
        facts = AddressFacts(**{name: row.text(name, before[name]) for name in FACTS}).clean()
        faults = rules.check_address(facts)
        faults += [] if org else [Fault("network.unknown", "organisation")]
        raise_if_any(faults, Invalid)
        default = bool(row.get("is_default")) and not (known and known.is_default)
        label = f"{row.text('organisation').upper()} {_called(asdict(facts))}"
        changes = (differences(before, asdict(facts)) if known else ()) + ((("is_default", False, True),) if default else ())
        return Entry(row.no, label, NEW if known is None else CHANGED if changes else SAME, (org, known and known.pk, facts, default), changes)

    def write(self, entries: Sequence[Entry]) -> Sequence[Touched]:
        touched = []
        for e in entries:
            org, pk, facts, default = e.data
            made = change_address(pk, facts, actor=self.actor) if pk else add_address(org, facts, actor=self.actor)
            if default:
                make_address_default(made.pk, actor=self.actor)
            was, now = ({name: pair[n] for name, *pair in e.changes if name in FACTS} for n in (0, 1))
            touched.append(Touched(e.row, made.pk, e.label, pk is None, was, now))
        return touched

    def hindered(self, touched: Sequence[Touched]) -> dict[int, Fault]:
        """One statement. Documents keep a copy of what they were sent to, so nothing is built on an address."""
        now = {one.pk: _facts(one) for one in self._in_use().filter(pk__in=[t.key for t in touched])}
        return by_row(touched, lambda one: changed_since(one, now[one.key]) if one.key in now else Fault("base.import_gone"))

    def take_back(self, touched: Sequence[Touched]) -> None:
        """New ones are retired, changed ones are as before; which one is the default stays."""
        now = {one.pk: _facts(one) for one in self._in_use().filter(pk__in=[t.key for t in touched])}
        for one in touched:
            if one.is_new:
                retire_address(one.key, actor=self.actor)
            else:
                change_address(one.key, AddressFacts(**{**now[one.key], **one.before}), actor=self.actor)

    def standing(self) -> Iterator[Mapping[str, Any]]:
        for one in self._in_use().select_related("organisation").order_by("organisation__path", "-is_default", "pk"):
            yield {"organisation": one.organisation.code, **_facts(one), "is_default": one.is_default}
