"""Sharing out what is scarce by what each buyer has bought: the orders know who bought what."""

from __future__ import annotations

from decimal import Decimal

from qudao.base.access import Actor
from qudao.base.action import action
from qudao.catalog.queries import unscoped_cards
from qudao.kernel import clock
from qudao.kernel.errors import Refused
from qudao.kernel.money import ZERO
from qudao.orders.queries import unscoped_bought
from qudao.quotas import actions as quotas
from qudao.quotas.queries import Quota, quota, unscoped_shares
from qudao.quotas.rules import Holder, fair, months_before


@action("quotas.set")
def share_by_purchases(quota_id: int, months: int, *, actor: Actor) -> Quota:
    """Give buyers what groups do not have of a quota, in proportion to what they bought in the last months, in whole packs; who bought nothing loses his.

    As `quotas.set_shares`. Raises Refused quotas.nobody_bought.
    """
    found = quota(actor, quota_id, "quotas.set")
    bought = unscoped_bought(found.seller_id, found.product_id, months_before(clock.today(), months))
    shares = unscoped_shares(found.pk)
    rest = found.total - sum((one.qty for one in shares if one.group_id), ZERO)
    card = unscoped_cards([found.product_id])[found.product_id]
    parts = fair(rest, bought, card.multiple or Decimal(1))
    if not parts:
        raise Refused("quotas.nobody_bought")
    wanted = {Holder(buyer_id=one.buyer_id): ZERO for one in shares if one.buyer_id}
    wanted |= {Holder(buyer_id=buyer): qty for buyer, qty in parts.items()}
    return quotas.set_shares(quota_id, wanted, actor=actor)
