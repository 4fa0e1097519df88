"""A notice belongs to one person; a conversation to the two sides of its document; an internal note to the side that wrote it. No scope reads another's."""

from __future__ import annotations

from functools import cache

from django.apps import apps
from django.db.models import Model, Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, Scope, policy_of, register, visible
from qudao.messages.models import Message, Note, Notice, Preference, Task, Thread, Wording
from qudao.messages.states import DOCUMENTS

VERBS = {
    "messages.view": _("Read the own notices, conversations and tasks"),
    "messages.write": _("Write in conversations of documents"),
    "messages.assign": _("Give tasks, finish and reopen them"),
    "messages.edit_texts": _("Write the own organisation’s texts of notices"),
}
FIELDS: dict[str, str] = {}


@cache
def document_model(kind: str) -> type[Model] | None:
    """The table of a kind of document one can talk about; None for any other kind, or when its module is not installed."""
    try:
        return apps.get_model(kind) if kind in DOCUMENTS.values() else None
    except LookupError:
        return None


def readable_kinds(actor: Actor) -> list[str]:
    """The kinds of documents whose rows the actor may see at all: who may not see invoices reads no talk about them."""
    models = {kind: document_model(kind) for kind in DOCUMENTS.values()}
    return [kind for kind, model in models.items() if model is not None and actor.can(policy_of(model).view_verb)]


def about_own_work(actor: Actor, path: str = "") -> Q:
    """What is about documents that the actor sees, for whom not all of the organisation's are shown."""
    found = Q(pk__in=[])
    for kind in readable_kinds(actor):
        model = document_model(kind)
        assert model is not None
        found |= Q(**{f"{path}subject_kind": kind, f"{path}subject_id__in": visible(actor, model).order_by().values("pk")})
    return found


class _Own(Policy):
    view_verb = "messages.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q(user_id=actor.user_id) if actor.user_id is not None else Q(pk__in=[])


@register
class NoticePolicy(_Own):
    model = Notice


@register
class PreferencePolicy(_Own):
    model = Preference


@register
class WordingPolicy(Policy):
    """The own organisation's texts, whatever the scope: others' people are told in others' words."""

    model = Wording
    view_verb = "messages.edit_texts"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q(org_id=actor.org_id)


@register
class ThreadPolicy(Policy):
    """The two sides of the document; nobody above them: what they say may name prices."""

    model: type[Model] = Thread
    view_verb = "messages.view"
    path = ""

    def mine(self, actor: Actor) -> Q:
        return about_own_work(actor, self.path)

    def rows(self, actor: Actor, verb: str) -> Q:
        side = Q(**{f"{self.path}seller_id": actor.org_id}) | Q(**{f"{self.path}buyer_id": actor.org_id})
        return side & Q(**{f"{self.path}subject_kind__in": readable_kinds(actor)})


@register
class MessagePolicy(ThreadPolicy):
    model = Message
    path = "thread__"


@register
class NotePolicy(Policy):
    """The organisation that wrote it, and nobody else: not the other side, not headquarters, not the administrator of the system."""

    model = Note
    view_verb = "messages.view"

    def mine(self, actor: Actor) -> Q:
        return about_own_work(actor)

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q(org_id=actor.org_id, subject_kind__in=readable_kinds(actor))


@register
class TaskPolicy(Policy):
    """The organisation that gave it and the one whose person it is for; with the own work only, one's own."""

    model = Task
    view_verb = "messages.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        mine = Q(assignee_id=actor.user_id) | Q(by_user_id=actor.user_id) if actor.scope == Scope.SELF else Q()
        return (Q(org_id=actor.org_id) | Q(by_org_id=actor.org_id)) & Q(subject_kind__in=readable_kinds(actor)) & mine
