"""Exchange rates by date. What was priced keeps the rate it was priced with: orders carry a copy in the explanation of their prices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from qudao.base.access import Actor, visible
from qudao.base.action import action, record
from qudao.base.subject import Subject
from qudao.catalog import queries as products
from qudao.kernel.errors import Fault, Invalid, NotFound, raise_if_any
from qudao.pricing.models import Rate
from qudao.pricing.rules import RateDraft, rate_faults


@action("pricing.rates")
def set_rate(owner_id: int, draft: RateDraft, *, actor: Actor) -> Rate:
    """Say what a currency is worth in another from a day on; one of the same day is overwritten (the log keeps it). Raises Invalid at the field."""
    return _set(owner_id, [draft], [""], actor)[0]


@action("pricing.rates")
def set_rates(owner_id: int, drafts: Sequence[RateDraft], *, actor: Actor) -> list[Rate]:
    """Enter many rates, all or none, in a fixed number of statements. Raises Invalid with every fault at "rows.<n>.<field>"."""
    return _set(owner_id, drafts, [f"rows.{n}." for n in range(len(drafts))], actor) if drafts else []


def _set(owner_id: int, drafts: Sequence[RateDraft], at: Sequence[str], actor: Actor) -> list[Rate]:
    products.require_acting(actor, owner_id, "pricing.rates")
    faults = [fault for draft, where in zip(drafts, at, strict=True) for fault in rate_faults(draft, where)]
    keys = [(draft.from_currency, draft.to_currency, draft.day) for draft in drafts]
    faults += [Fault("pricing.rate_twice", f"{where}day") for n, where in enumerate(at) if keys[n] in keys[:n]]
    raise_if_any(faults, Invalid)
    known = {(r.from_currency, r.to_currency, r.day): r.rate for r in Rate.unscoped.filter(owner_id=owner_id, day__in={key[2] for key in keys})}
    made = Rate.unscoped.bulk_create(
        [Rate(owner_id=owner_id, **asdict(draft)) for draft in drafts],
        update_conflicts=True, unique_fields=["owner", "from_currency", "to_currency", "day"], update_fields=["rate"],
    )  # fmt: skip
    told = [[key[0], key[1], str(key[2]), str(known[key]) if key in known else None, str(one.rate)] for key, one in zip(keys, made, strict=True)]
    record(_subject(owner_id), detail={"rates": told})
    return made


@action("pricing.rates")
def remove_rates(rate_ids: Iterable[int], *, actor: Actor) -> None:
    """Let rates disappear that were entered by mistake; the one before counts again. The log keeps them. Raises NotFound."""
    wanted = set(rate_ids)
    found = list(visible(actor, Rate, "pricing.rates").filter(pk__in=wanted))
    if len(found) != len(wanted):
        raise NotFound("base.not_found")
    Rate.unscoped.filter(pk__in=wanted).delete()
    for owner_id in sorted({one.owner_id for one in found}):
        told = [[one.from_currency, one.to_currency, str(one.day), str(one.rate), None] for one in found if one.owner_id == owner_id]
        record(_subject(owner_id), detail={"rates": told})


def _subject(owner_id: int) -> Subject:
    """Rates are told of their owner as a whole."""
    return Subject("pricing.rates", owner_id, owner_id, None, "")
