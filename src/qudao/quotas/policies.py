"""A quota is seen and kept by who acts for its seller; a buyer is told only what is left for it (`queries.lefts`)."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, register
from qudao.catalog.policies import acting
from qudao.quotas.models import Quota, Share, Taken

VERBS = {
    "quotas.view": _("See quotas of scarce goods"),
    "quotas.set": _("Set quotas of scarce goods and their shares"),
}


@register
class QuotaPolicy(Policy):
    model = Quota
    view_verb = "quotas.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "seller")


@register
class SharePolicy(Policy):
    model = Share
    view_verb = "quotas.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "quota__seller")


@register
class TakenPolicy(Policy):
    model = Taken
    view_verb = "quotas.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return acting(actor, "quota__seller")
