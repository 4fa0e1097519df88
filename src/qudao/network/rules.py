"""Pure decisions about organisations: what a card must hold, who stands under whom, which state follows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stdnum.cn import uscc

from qudao.kernel.errors import Fault, Refused
from qudao.network.states import OWN_FIELDS, PARENTS, TIERED, TRANSITIONS, OrgKind, OrgState


@dataclass(frozen=True)
class OrgFacts:
    """What people write about an organisation; `code` and `name` are required, the rest may stay empty."""

    code: str = ""
    name: str = ""
    name_en: str = ""
    currency: str = "CNY"
    tax_no: str = ""
    area_code: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""
    gs1_prefix: str = ""

    def clean(self) -> OrgFacts:
        """The same facts without stray blanks; codes in upper case, as they are printed and scanned."""
        kept = {name: value.strip() for name, value in vars(self).items()}
        kept["code"] = kept["code"].upper()
        kept["currency"] = kept["currency"].upper()
        kept["tax_no"] = re.sub(r"[\s-]", "", kept["tax_no"]).upper()
        kept["email"] = kept["email"].lower()
        kept["gs1_prefix"] = re.sub(r"[\s-]", "", kept["gs1_prefix"])
        return OrgFacts(**kept)


@dataclass(frozen=True)
class AddressFacts:
    """What people write about a delivery address; recipient, phone and street are required."""

    recipient: str = ""
    phone: str = ""
    street: str = ""
    label: str = ""
    area_code: str = ""
    postcode: str = ""

    def clean(self) -> AddressFacts:
        """The same facts without stray blanks."""
        return AddressFacts(**{name: value.strip() for name, value in vars(self).items()})


def check_address(facts: AddressFacts) -> list[Fault]:
    """Everything that is wrong with the (clean) facts of an address."""
    faults = [Fault("network.address_incomplete", name) for name in ("recipient", "phone", "street") if not getattr(facts, name)]
    return faults + _check_area(facts.area_code)


def _check_area(area_code: str) -> list[Fault]:
    known = not area_code or re.fullmatch(r"\d{6}|\d{12}", area_code)
    return [] if known else [Fault("network.area_code", "area_code", {"area_code": area_code})]


def check_facts(facts: OrgFacts) -> list[Fault]:
    """Everything that is wrong with the (clean) facts."""
    faults = []
    if not facts.code:
        faults.append(Fault("network.code_missing", "code"))
    if not facts.name:
        faults.append(Fault("network.name_missing", "name"))
    # Older and foreign numbers have other lengths and no check character we know.
    if len(facts.tax_no) == 18 and not uscc.is_valid(facts.tax_no):
        faults.append(Fault("network.tax_no", "tax_no", {"tax_no": facts.tax_no}))
    # 04 (as 20 to 29) is for numbers inside one company: GS1 gives it to nobody.
    if facts.gs1_prefix and not re.fullmatch(r"(?!04|2)[0-9]{7,10}", facts.gs1_prefix):
        faults.append(Fault("network.gs1_prefix", "gs1_prefix"))
    return faults + _check_area(facts.area_code)


def check_parent(kind: str, parent_kind: str | None) -> list[Fault]:
    """Whether a kind may stand under another (None: at the root)."""
    allowed = PARENTS[kind]
    if parent_kind is None:
        # Suppliers and customers without a parent belong to nobody and would be seen by nobody.
        return [] if not allowed else [Fault("network.parent_missing", "parent", {"kind": OrgKind(kind).label})]
    if parent_kind not in allowed:
        return [Fault("network.parent_kind", "parent", {"kind": OrgKind(kind).label, "parent_kind": OrgKind(parent_kind).label})]
    return []


def tier_under(kind: str, parent_tier: int) -> int:
    """Steps of selling from the brand: 0 for the brand and its regions, 1 for its dealers, 2 for theirs."""
    if kind == OrgKind.SUPPLIER:
        return 0
    return parent_tier + 1 if kind in TIERED else parent_tier


def next_state(state: str, verb: str, name: str) -> str:
    """The state after a verb; raises Refused `network.state`."""
    after = TRANSITIONS.get((state, verb))
    if after is None:
        raise Refused("network.state", name=name, state=OrgState(state).label)
    return after


def not_own(changed: Iterable[str]) -> list[Fault]:
    """The fields an organisation may not change about itself."""
    return [Fault("network.own_field", field) for field in sorted(set(changed) - OWN_FIELDS)]


def ids_of(path: str) -> list[int]:
    """The organisations on a path "/1/5/", from the root down to the organisation itself."""
    return [int(part) for part in path.split("/") if part]
