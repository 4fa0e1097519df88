"""Organisations from a file: new codes are registered under their parents, known ones get the facts of the file. So a file may come twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor
from qudao.base.action import unit
from qudao.base.sentences import Said, say
from qudao.kernel.errors import Fault
from qudao.network import queries, rules
from qudao.network.actions import change_organisation, register_organisation
from qudao.network.models import Organisation
from qudao.network.rules import OrgFacts
from qudao.network.states import PARENTS


@dataclass(frozen=True)
class Entry:
    """A good row: the organisation it describes, None for a new one, and the code it stands under."""

    org_id: int | None
    kind: str
    facts: OrgFacts
    parent: str


class Organisations:
    """The network below the actor. `under` is the code of the organisation above, which may be an earlier row of the same file."""

    columns: Sequence[tuple[str, Any, bool]] = (
        ("code", _("Code"), True),
        ("kind", _("Kind"), True),
        ("name", _("Name"), True),
        ("name_en", _("English name"), False),
        ("under", _("Under"), True),
        ("currency", _("Currency"), False),
        ("tax_no", _("Tax number"), False),
        ("area_code", _("Area code"), False),
        ("address", _("Address"), False),
        ("phone", _("Phone"), False),
        ("email", _("E-mail"), False),
    )

    @staticmethod
    def check(rows: Sequence[dict[str, str]], *, actor: Actor) -> tuple[list[Entry], list[tuple[int, str, Said]]]:
        """The good rows, and by row and column what is wrong with the others. One statement for any number of rows; writes nothing."""
        codes = {row[name].strip().upper() for row in rows for name in ("code", "under")}
        known = {one.code: one for one in queries.organisations(actor).filter(code__in=codes)}
        kinds = {code: one.kind for code, one in known.items()}
        good, faults, seen = [], [], set()
        for n, row in enumerate(rows):
            line = int(row.get("row") or n + 2)
            entry = _entry(row, known)
            wrong = _faults(entry, kinds, known.get(entry.facts.code))
            if entry.facts.code in seen:
                wrong.append(Fault("network.code_taken", "code"))
            seen.add(entry.facts.code)
            if entry.kind in PARENTS:
                kinds.setdefault(entry.facts.code, entry.kind)
            faults += [(line, {"parent": "under"}.get(fault.field, fault.field), say(fault)) for fault in wrong]
            if not wrong:
                good.append(entry)
        return good, faults

    @staticmethod
    def perform(entries: Sequence[Entry], *, actor: Actor, client_id: UUID | None = None) -> int:
        """Write the good rows in one transaction, all or none; return how many organisations were looked at. Raises what the actions raise."""

        def body() -> int:
            ids = {code: card.id for code, card in queries.unscoped_cards_by_code([entry.parent for entry in entries if entry.parent]).items()}
            for entry in entries:
                if entry.org_id is not None:
                    change_organisation(entry.org_id, entry.facts, actor=actor)
                else:
                    ids[entry.facts.code] = register_organisation(entry.kind, entry.facts, ids.get(entry.parent), actor=actor).pk
            return len(entries)

        return unit(body)


def _entry(row: dict[str, str], known: dict[str, Organisation]) -> Entry:
    """A row as facts; an empty cell keeps what a known organisation has."""
    org = known.get(row["code"].strip().upper())
    values = {}
    for one in fields(OrgFacts):
        usual = getattr(org, one.name) if org else one.default
        values[one.name] = row.get(one.name, "").strip() or str(usual)
    return Entry(org.pk if org else None, row["kind"].strip().lower(), OrgFacts(**values).clean(), row["under"].strip().upper())


def _faults(entry: Entry, kinds: dict[str, str], known: Organisation | None) -> list[Fault]:
    """Kind and place in the tree only of a new one: a file does not move organisations."""
    wrong = list(rules.check_facts(entry.facts))
    if known is not None:
        return wrong
    if entry.kind not in PARENTS:
        return [*wrong, Fault("network.kind", "kind")]
    if entry.parent and entry.parent not in kinds:
        return [*wrong, Fault("network.unknown", "parent")]
    return wrong + rules.check_parent(entry.kind, kinds.get(entry.parent))


KINDS = {"network.organisations": Organisations}
