"""What who leads the dealers and who audits look at: who has stopped ordering, which prices are about to change, what one person did twice, whose credit
is stopped. Each is one statement over at most `MOST` rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q

from qudao.base.access import Actor, Scope, visible
from qudao.base.db import rows
from qudao.base.html.tables import by_language
from qudao.funds.models import Account
from qudao.funds.states import State
from qudao.kernel import clock
from qudao.payments.models import Payment
from qudao.payments.queries import unscoped_by_one_hand
from qudao.pricing.models import PriceChange
from qudao.pricing.queries import changes
from qudao.pricing.states import ChangeState

#: so many agreements, the oldest, and so many payments, the newest, are looked at
MOST = 1000
#: a dealer orders within so many days, and is quiet after so many
ORDERS, QUIET = 30, 45


@dataclass(frozen=True)
class Dealer:
    """A buyer and the day of its newest order; None: it has never ordered."""

    party_id: int
    name: str
    last: date | None


@dataclass(frozen=True)
class Dealers:
    """The buyers with an active agreement: how many, how many of them ordered lately, who is quiet; `more`: there are others who were not looked at."""

    number: int = 0
    ordering: int = 0
    quiet: Sequence[Dealer] = ()
    more: bool = False


# The newest order of each is found from the end of the buyer's own index.
LAST = """WITH looked AS (
        SELECT buyer_id, min(valid_from) AS since FROM (
            SELECT buyer_id, valid_from FROM agreements_agreement WHERE seller_id = %(org)s AND state = 'active' AND NOT transfers ORDER BY id LIMIT %(most)s
        ) a GROUP BY buyer_id
    )
    SELECT b.id, b.name, b.name_en, o.ordered_on, l.since FROM looked l JOIN network_organisation b ON b.id = l.buyer_id
    LEFT JOIN LATERAL (
        SELECT x.ordered_on FROM orders_order x WHERE x.buyer_id = b.id AND x.seller_id = %(org)s AND x.status NOT IN ('draft', 'rejected', 'cancelled')
        ORDER BY x.id DESC LIMIT 1) o ON true
    ORDER BY o.ordered_on DESC NULLS LAST, b.id"""


def dealers(actor: Actor) -> Dealers:
    """The buyers of the own organisation by their newest order. The quiet ones: first who has stopped last, then who has never begun."""
    if not actor.can("orders.view") or actor.scope == Scope.SELF:
        return Dealers()
    today = clock.today()
    found = rows(LAST, {"org": actor.org_id, "most": MOST})
    ordering = sum(1 for row in found if row[3] and row[3] > today - timedelta(days=ORDERS))
    late = today - timedelta(days=QUIET)
    quiet = [Dealer(pk, by_language(name, name_en), last) for pk, name, name_en, last, since in found if (last or since) < late]
    return Dealers(len(found), ordering, quiet, len(found) >= MOST)


def coming_changes(actor: Actor, limit: int = 3) -> list[PriceChange]:
    """Changes of prices that wait for a signature or for their day, as far as the actor keeps these lists."""
    if not actor.can("pricing.view"):
        return []
    planned = Q(state=ChangeState.RELEASED, valid_from__gt=clock.today(), stands=True)
    return list(changes(actor).filter(planned | Q(state=ChangeState.DRAFT, waits=True), list__owner_id=actor.org_id).order_by("valid_from", "pk")[:limit])


def by_one_hand(actor: Actor) -> int:
    """In how many of the newest payments one person did two duties."""
    if not actor.can("payments.view"):
        return 0
    newest = visible(actor, Payment).order_by("-pk").values("pk")[:MOST]
    return visible(actor, Payment).filter(unscoped_by_one_hand(), pk__in=newest).order_by().count()


def stopped(actor: Actor) -> list[str]:
    """The buyers of the own organisation whose credit is stopped, by name; the longest first, `MOST` at most."""
    if not actor.can("funds.view"):
        return []
    found = visible(actor, Account).filter(seller_id=actor.org_id, state=State.STOP).order_by("state_since", "pk").values_list("buyer__name", "buyer__name_en")
    return [by_language(*names) for names in found[:MOST]]
