"""The page that shares out what is scarce by purchases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html.pages import ActionPage
from qudao.orders import actions
from qudao.orders.forms import MonthsForm
from qudao.quotas.queries import quotas


class Purchases(ActionPage):
    """Shares in proportion to what each bought."""

    verb = "quotas.set"
    query = quotas
    form = MonthsForm
    title = submit = gettext_lazy("Share by purchases")
    said = gettext_lazy("The shares are set.")
    above = "quota"

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.share_by_purchases(obj.pk, cleaned["months"], actor=self.actor, client_id=client_id)

    def says(self, obj: Any) -> Any:
        return _("What groups do not have is shared among buyers in proportion to what they bought, in whole packs. It replaces the shares of single buyers.")
