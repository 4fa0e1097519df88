"""A notice belongs to one person; nobody else reads it, whatever the scope."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, Policy, register
from qudao.messages.models import Notice, Preference

VERBS = {
    "messages.view": _("Read the own notices"),
}
FIELDS: dict[str, str] = {}


class _Own(Policy):
    view_verb = "messages.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        return Q(user_id=actor.user_id) if actor.user_id is not None else Q(pk__in=[])


@register
class NoticePolicy(_Own):
    model = Notice


@register
class PreferencePolicy(_Own):
    model = Preference
