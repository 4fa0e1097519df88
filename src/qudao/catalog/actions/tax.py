"""Tax classes and their rates by date. The rate kept on each product follows its class; what is ordered keeps the rate of its order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from qudao.base.access import Actor, get_visible
from qudao.base.action import action, record
from qudao.base.db import run
from qudao.base.lock import Rank, lock_one
from qudao.base.subject import Subject
from qudao.catalog import queries
from qudao.catalog.models import TaxClass, TaxRate
from qudao.catalog.rules import VAT, BrandDraft, TaxClassDraft
from qudao.kernel import clock
from qudao.kernel.errors import Fault, Invalid, Refused, raise_if_any

_FOLLOW = """
    update catalog_product p set tax_rate = t.rate
      from (select distinct on (r.tax_class_id) r.tax_class_id, r.rate from catalog_taxrate r where r.valid_from <= %s
             order by r.tax_class_id, r.valid_from desc) t
     where t.tax_class_id = p.tax_class_id and p.tax_rate <> t.rate"""


@action("catalog.edit")
def register_tax_class(owner_id: int, draft: TaxClassDraft, *, actor: Actor) -> TaxClass:
    """Add a tax class with its first rate. Raises Invalid at the field."""
    queries.require_acting(actor, owner_id, "catalog.edit")
    code, name = draft.code.strip(), draft.name.strip()
    faults = [Fault("catalog.tax_class_incomplete", field) for field, text in (("code", code), ("name", name)) if not text]
    if code and TaxClass.unscoped.filter(owner_id=owner_id, code=code).exists():
        faults.append(Fault("catalog.tax_class_taken", "code", {"taken": code}))
    raise_if_any([*faults, *_rate_faults(draft.rate, draft.exempt)], Invalid)
    made = TaxClass.unscoped.create(owner_id=owner_id, code=code, name=name, name_en=draft.name_en.strip(), exempt=draft.exempt)
    TaxRate.unscoped.create(tax_class=made, valid_from=draft.valid_from, rate=draft.rate)
    record(_subject(made), detail={"rate": str(draft.rate), "valid_from": str(draft.valid_from)})
    return made


@action("catalog.edit")
def adopt_vat(owner_id: int, *, actor: Actor) -> list[TaxClass]:
    """Register the classes of Chinese VAT (13, 9, 6, 0 %, exempt) that an owner does not have yet, from the start of the year on. Convergent."""
    queries.require_acting(actor, owner_id, "catalog.edit")
    known, since = set(TaxClass.unscoped.filter(owner_id=owner_id).values_list("code", flat=True)), clock.today().replace(month=1, day=1)
    missing = [TaxClassDraft(code, name, name_en, rate, since, exempt) for code, name, name_en, rate, exempt in VAT if code not in known]
    return [register_tax_class(owner_id, draft, actor=actor) for draft in missing]


@action("catalog.edit")
def change_tax_class(class_id: int, draft: BrandDraft, *, actor: Actor) -> TaxClass:
    """Give a class another code and other names; its rates stay. Locks it. Raises Invalid at the field."""
    get_visible(actor, TaxClass, class_id, "catalog.edit")
    tax_class = lock_one(TaxClass, class_id, rank=Rank.NETWORK)
    values = {name: getattr(draft, name).strip() for name in ("code", "name", "name_en")}
    faults = [Fault("catalog.tax_class_incomplete", name) for name in ("code", "name") if not values[name]]
    if values["code"] != tax_class.code and TaxClass.unscoped.filter(owner_id=tax_class.owner_id, code=values["code"]).exists():
        faults.append(Fault("catalog.tax_class_taken", "code", {"taken": values["code"]}))
    raise_if_any(faults, Invalid)
    changed = {name: [was, value] for name, value in values.items() if (was := getattr(tax_class, name)) != value}
    for name, (_was, value) in changed.items():
        setattr(tax_class, name, value)
    if changed:
        tax_class.save(update_fields=list(changed))
        record(_subject(tax_class), detail=changed)
    return tax_class


@action("catalog.edit")
def set_tax_rate(class_id: int, rate: Decimal, valid_from: date, *, actor: Actor) -> TaxClass:
    """Change the rate of a class from a day on; one of the same day is overwritten. Locks the class. Raises Invalid, Refused for an exempt class."""
    get_visible(actor, TaxClass, class_id, "catalog.edit")
    tax_class = lock_one(TaxClass, class_id, rank=Rank.NETWORK)
    if tax_class.exempt:
        raise Refused("catalog.tax_exempt", field="rate")
    raise_if_any(_rate_faults(rate, False), Invalid)
    TaxRate.unscoped.update_or_create(tax_class=tax_class, valid_from=valid_from, defaults={"rate": rate})
    run(f"{_FOLLOW} and p.tax_class_id = %s", [clock.today(), class_id])
    record(_subject(tax_class), detail={"rate": str(rate), "valid_from": str(valid_from)})
    return tax_class


@action("catalog.edit")
def follow_tax_rates(*, actor: Actor) -> int:
    """Let each product show the rate its class has today; how many changed. Convergent; for the nightly job."""
    return run(_FOLLOW, [clock.today()])


def _rate_faults(rate: Decimal, exempt: bool) -> list[Fault]:
    if exempt and rate:
        return [Fault("catalog.tax_exempt", "rate")]
    return [] if 0 <= rate < 1 else [Fault("catalog.tax_rate_wrong", "rate")]


def _subject(tax_class: TaxClass) -> Subject:
    return Subject("catalog.tax_class", tax_class.pk, tax_class.owner_id, None, tax_class.code)
