"""What was made by mistake and nothing came of goes again: the way back of a file. The log keeps it."""

from __future__ import annotations

from collections.abc import Iterable

from qudao.base.access import Actor, visible
from qudao.base.action import action, record
from qudao.base.built import built_on, erase
from qudao.base.lock import Rank, lock_rows
from qudao.kernel.errors import Fault, NotFound, Refused, raise_if_any
from qudao.pricing.actions.lists import agreement_subject, subject_of
from qudao.pricing.models import PriceList, SpecialPrice


@action("pricing.edit")
def remove_lists(list_ids: Iterable[int], *, actor: Actor) -> None:
    """Let price lists disappear that have no prices and that nobody pays by. Locks them.

    Raises Refused `pricing.list_used` at "rows.<id>" for every list that is used, NotFound.
    """
    wanted = set(list_ids)
    if visible(actor, PriceList, "pricing.edit").filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("base.not_found")
    locked = lock_rows(PriceList, wanted, rank=Rank.NETWORK)
    used = built_on(PriceList, wanted)
    raise_if_any([Fault("pricing.list_used", f"rows.{one.pk}", {"list": one.code}) for one in locked if one.pk in used], Refused)
    for one in locked:
        record(subject_of(one), after="removed")
    erase(PriceList, wanted, "")


@action("pricing.grant")
def remove_special_prices(special_ids: Iterable[int], reason: str, *, actor: Actor) -> None:
    """Let special prices disappear that were granted by mistake; orders keep the price they were placed with. Locks them. Raises NotFound."""
    wanted = set(special_ids)
    if visible(actor, SpecialPrice, "pricing.grant").filter(pk__in=wanted).count() != len(wanted):
        raise NotFound("base.not_found")
    lock_rows(SpecialPrice, wanted, rank=Rank.NETWORK)
    for one in SpecialPrice.unscoped.filter(pk__in=wanted).select_related("agreement"):
        facts = {name: str(getattr(one, name)) for name in ("product_id", "min_qty", "amount", "valid_from", "valid_to")}
        record(agreement_subject(one.agreement), reason=reason, detail={"special_price_removed": facts})
    SpecialPrice.unscoped.filter(pk__in=wanted).delete()
