"""What goods cost the organisation that sells them: its own figure by day, which nobody else reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from qudao.base.access import Actor, get_visible, visible
from qudao.base.action import action, record
from qudao.base.subject import Subject
from qudao.catalog.models import Cost, Product
from qudao.catalog.rules import CostDraft
from qudao.kernel.errors import Fault, Forbidden, Invalid, NotFound, raise_if_any
from qudao.network.queries import organisation

FIELD = "trade.cost"


def _require_sight(actor: Actor) -> None:
    """Who may not read costs does not write them: the refusal of a wrong one would tell what stands there."""
    if not actor.sees(FIELD):
        raise Forbidden("base.forbidden", verb="catalog.keep_costs")


@action("catalog.keep_costs")
def set_costs(drafts: Sequence[CostDraft], *, actor: Actor) -> list[Cost]:
    """Say what products cost the actor's organisation from their days on; a cost of the same day is overwritten. All or none, five statements.

    Raises Invalid with every fault at "rows.<n>.<field>", Forbidden without the grant to see costs.
    """
    _require_sight(actor)
    known = visible(actor, Product).in_bulk({draft.product_id for draft in drafts})
    faults = [Fault("catalog.product_unknown", f"rows.{n}.product_id") for n, draft in enumerate(drafts) if draft.product_id not in known]
    faults += [Fault("catalog.cost_negative", f"rows.{n}.amount") for n, draft in enumerate(drafts) if draft.amount < 0]
    raise_if_any(faults, Invalid)
    last = {(draft.product_id, draft.valid_from): draft for draft in drafts}
    currency = organisation(actor, actor.org_id).currency
    wanted = [Cost(owner_id=actor.org_id, product_id=pk, valid_from=day, amount=one.amount, currency=currency) for (pk, day), one in sorted(last.items())]
    days = {draft.valid_from for draft in drafts}
    before = {(c.product_id, c.valid_from): c.amount for c in Cost.unscoped.filter(owner_id=actor.org_id, product__in=known, valid_from__in=days)}
    made = Cost.unscoped.bulk_create(
        wanted, update_conflicts=True, unique_fields=["owner", "product", "valid_from"], update_fields=["amount", "currency"], batch_size=5000
    )
    for one in made:
        was = before.get((one.product_id, one.valid_from))
        if was != one.amount:
            _log(one, known[one.product_id].code, {"valid_from": str(one.valid_from), "changed": was is not None})
    return made


@action("catalog.keep_costs")
def set_cost(draft: CostDraft, *, actor: Actor) -> Cost:
    """`set_costs` of one product, with faults at its own fields."""
    _require_sight(actor)
    get_visible(actor, Product, draft.product_id)
    raise_if_any([Fault("catalog.cost_negative", "amount")] if draft.amount < 0 else [], Invalid)
    return set_costs([draft], actor=actor)[0]


@action("catalog.keep_costs")
def remove_costs(cost_ids: Iterable[int], *, actor: Actor) -> None:
    """Take costs back, all or none, as if they had never been said; the cost before them counts on. Two statements. Raises NotFound."""
    _require_sight(actor)
    wanted = set(cost_ids)
    found = list(visible(actor, Cost, "catalog.keep_costs").filter(pk__in=wanted).select_related("product"))
    if len(found) != len(wanted):
        raise NotFound("base.not_found")
    for one in found:
        _log(one, one.product.code, {"valid_from": str(one.valid_from), "removed": True})
    Cost.unscoped.filter(pk__in=wanted).delete()


def _log(cost: Cost, code: str, detail: dict[str, object]) -> None:
    """Without the amounts: who sees the whole network's log, or a log but no costs, reads them there no more than elsewhere."""
    record(Subject("catalog.cost", cost.pk, cost.owner_id, cost.owner_id, code), detail=detail)
