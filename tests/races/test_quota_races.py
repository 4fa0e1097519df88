"""Many orders at once on one share, and more of them than it has: exactly what fits passes, whichever way they come."""

from decimal import Decimal as D

import pytest

from qudao.kernel.errors import DomainError
from qudao.orders.actions import Amendment, amend_order, cancel_order, place_order
from qudao.orders.models import Line
from qudao.orders.tests.make import assert_sound, make_world, place, placing
from qudao.quotas.models import Quota, Share
from qudao.quotas.tests.make import make_quota

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]


def test_a_share_is_never_overdrawn_by_orders_and_changes_at_once(race):
    world = make_world([100, 100, 100])
    make_quota(world.cast.lh, world.products[0].pk, 50, {world.cast.d001: 9})
    first, other = place(world, 2), place(world, 1)
    line = Line.unscoped.get(order=first).pk
    bodies = [lambda: place_order(placing(world, 2), actor=world.dealer) for _x in range(5)]
    bodies += [lambda: amend_order(first.pk, Amendment({line: D(4)}), actor=world.dealer), lambda: cancel_order(other.pk, reason="no", actor=world.dealer)]
    found = race(bodies)
    refused = [one for one in found if isinstance(one, Exception)]
    assert all(isinstance(one, DomainError) and one.faults[0].code == "quotas.over" for one in refused), refused
    assert 2 <= len(refused) <= 3
    held = sum(Line.unscoped.exclude(order__status="cancelled").values_list("qty", flat=True))
    assert Share.unscoped.get().taken == Quota.unscoped.get().taken == held <= 9
    assert_sound()
