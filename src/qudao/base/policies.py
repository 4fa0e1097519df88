"""Who sees the toolkit's own rows: the log follows its sides, the machinery is for those who run the system."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base import models
from qudao.base.access import EVERY_ROW, Actor, Policy, Scope, register
from qudao.base.importing import kinds_of

VERBS = {
    "base.view_log": _("See the log of actions"),
    "base.export": _("Export lists"),
    "base.files": _("See the files of documents"),
    "base.print": _("Print documents"),
    "base.runs": _("Work on many rows at once"),
    "base.views": _("Save views of lists"),
    "base.start_views": _("Say with which view lists open for a role"),
    "base.imports": _("Import files of records"),
    "base.operate": _("Run the system: events, jobs, health"),
}
FIELDS = {
    "trade.downstream_prices": _("See prices between two dealers below"),
}


@register
class ActionLogPolicy(Policy):
    """Lines about documents of which the actor's organisation is a side, and what its own people did that has no sides; all with scope all."""

    model = models.ActionLog
    view_verb = "base.view_log"
    people = ("actor_user",)

    def rows(self, actor: Actor, verb: str) -> Q:
        if actor.scope == Scope.ALL:
            return Q()
        return Q(seller_id=actor.org_id) | Q(buyer_id=actor.org_id) | Q(actor_org=actor.org_id, seller_id=None, buyer_id=None)


@register
class StoredFilePolicy(Policy):
    """Files of documents of which the actor's organisation is a side: an attachment may name prices."""

    model = models.StoredFile
    view_verb = "base.files"
    people = ("by_user",)

    def rows(self, actor: Actor, verb: str) -> Q:
        if actor.kind == "system":
            return EVERY_ROW
        return Q(seller_id=actor.org_id) | Q(buyer_id=actor.org_id)


@register
class RunPolicy(Policy):
    """One's own work only, and only in the organisation one did it for."""

    model = models.Run
    view_verb = "base.runs"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return EVERY_ROW if actor.kind == "system" else Q(user_id=actor.user_id, org_id=actor.org_id)


@register
class RunFaultPolicy(Policy):
    """The refusals of one's own work."""

    model = models.RunFault
    view_verb = "base.runs"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return EVERY_ROW if actor.kind == "system" else Q(run__user_id=actor.user_id, run__org_id=actor.org_id)


@register
class ImportRunPolicy(Policy):
    """The imports of the own organisation, of what the person may import: a file of credit limits is not for the warehouse."""

    model = models.ImportRun
    view_verb = "base.imports"
    people = ("user_id",)

    def rows(self, actor: Actor, verb: str) -> Q:
        return EVERY_ROW if actor.kind == "system" else Q(org_id=actor.org_id, kind__in=kinds_of(actor))


@register
class ImportedRowPolicy(Policy):
    """The records of an import are seen with it."""

    model = models.ImportedRow
    view_verb = "base.imports"
    people = ("run__user_id",)

    def rows(self, actor: Actor, verb: str) -> Q:
        return EVERY_ROW if actor.kind == "system" else Q(run__org_id=actor.org_id, run__kind__in=kinds_of(actor))


@register
class SavedViewPolicy(Policy):
    """One's own views and those shared in the organisation; changed by their owner only."""

    model = models.SavedView
    view_verb = "base.views"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if actor.kind == "system":
            return EVERY_ROW
        own = Q(user_id=actor.user_id, org_id=actor.org_id)
        return own | Q(shared=True, org_id=actor.org_id) if verb == self.view_verb else own


@register
class ViewChoicePolicy(Policy):
    """One's own choices."""

    model = models.ViewChoice
    view_verb = "base.views"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return EVERY_ROW if actor.kind == "system" else Q(user_id=actor.user_id, org_id=actor.org_id)


@register
class ViewStartPolicy(Policy):
    """Those of one's own organisation."""

    model = models.ViewStart
    view_verb = "base.views"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return EVERY_ROW if actor.kind == "system" else Q(org_id=actor.org_id)


class _Machinery(Policy):
    view_verb = "base.operate"

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q() if actor.scope == Scope.ALL else Q(pk__in=[])


@register
class EventPolicy(_Machinery):
    model = models.Event


@register
class DeliveryPolicy(_Machinery):
    model = models.Delivery


@register
class SeriesPolicy(_Machinery):
    model = models.Series


@register
class CallPolicy(_Machinery):
    model = models.Call


@register
class StoredAnswerPolicy(_Machinery):
    model = models.StoredAnswer


@register
class HeartbeatPolicy(_Machinery):
    model = models.Heartbeat


@register
class SearchEntryPolicy(_Machinery):
    """An entry is shown to nobody: it leads to rows that the policy of their own kind shows."""

    model = models.SearchEntry
