"""What a person has decided: every signature of one's own and every transfer one answered, newest first, with what was said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.approvals.queries import decided_by
from qudao.base.html.pages import Button, ListPage
from qudao.network.queries import unscoped_cards
from qudao.portal.queries.inbox import answered
from qudao.portal.tables import AnsweredTable, DecidedTable


class Decided(ListPage):
    """One's own decisions."""

    verb = "orders.approve"
    query = decided_by
    table = DecidedTable
    title = gettext_lazy("Decided by me")
    template = "portal/decided.html"

    def buttons(self) -> Sequence[Button]:
        return [Button(_("What waits for me"), reverse("approvals"), icon="checklist", primary=True)]

    def prepare(self, rows: list[Any]) -> list[Any]:
        cards = unscoped_cards(row.request.buyer_id for row in rows if row.request.buyer_id)
        for row in rows:
            card = cards.get(row.request.buyer_id)
            row.party = card.name_in(self.actor.language) if card else ""
        return rows


class Answered(ListPage):
    """The transfers one has accepted or declined."""

    verb = "orders.approve"
    query = answered
    table = AnsweredTable
    #: which tab of the template is on
    transfers = True
    title = gettext_lazy("Decided by me")
    template = "portal/decided.html"

    def buttons(self) -> Sequence[Button]:
        return [Button(_("What waits for me"), reverse("approvals"), icon="checklist", primary=True)]


routes = [
    path("approvals/decided", Decided.as_view(), name="approvals_decided"),
    path("approvals/decided/transfers", Answered.as_view(), name="approvals_answered"),
]
