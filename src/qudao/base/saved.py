"""Saved views: a list's address under a name, private or shared in the organisation, one of them the list's first page for a person or for a role.

A view says where to look. What is seen there is decided by the reader's own rights each time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import QueryDict
from django.utils.module_loading import import_string

from qudao.base.access import Actor, visible
from qudao.base.action import action, record
from qudao.base.models import SavedView, ViewChoice, ViewStart
from qudao.base.subject import Subject
from qudao.kernel import clock
from qudao.kernel.errors import Invalid, NotFound, Refused

#: parameters that are no part of a view
PASSING = ("page", "export", "view")


@dataclass(frozen=True)
class ViewFacts:
    """Name, whether colleagues see it, and whether the list opens with it for the person."""

    name: str
    shared: bool = False
    first: bool = False


def tidy(query: str) -> str:
    """A query without what is no part of a view, its parameters in one order, so that two addresses of one view are equal."""
    found, kept = QueryDict(query.lstrip("?").replace("\x00", "")), QueryDict(mutable=True)
    for name in sorted(found):
        values = [value for value in found.getlist(name) if value]
        if values and name not in PASSING:
            kept.setlist(name, values)
    return kept.urlencode()


def views(actor: Actor, place: str) -> QuerySet[SavedView]:
    """The views of a list that the person may open: own ones and shared ones, with `first` where the list opens with it, because the person chose it
    (`mine`) or, without a choice, as it does for the person's role.
    """
    return _with_first(actor, visible(actor, SavedView).filter(place=place)).order_by("name", "pk")


def _with_first(actor: Actor, found: QuerySet[SavedView]) -> QuerySet[SavedView]:
    choices = ViewChoice.unscoped.filter(user_id=actor.user_id, org_id=actor.org_id)
    starts = ViewStart.unscoped.filter(view=OuterRef("pk"), role_id=actor.role_id, org_id=actor.org_id)
    mine = Exists(choices.filter(view=OuterRef("pk")))
    return found.annotate(mine=mine, first=mine | (Exists(starts) & ~Exists(choices.filter(place=OuterRef("place")))))


def own_views(actor: Actor) -> QuerySet[SavedView]:
    """The views that the person may change: own ones."""
    return _with_first(actor, visible(actor, SavedView).filter(user_id=actor.user_id, org_id=actor.org_id))


def own_view(actor: Actor, pk: int) -> SavedView:
    """A view of the person's own, locked; NotFound for anybody else's."""
    found = own_views(actor).select_for_update().filter(pk=pk).first()
    if found is None:
        raise NotFound("base.not_found")
    return found


def _subject(view: SavedView) -> Subject:
    return Subject("base.view", view.pk, number=view.name)


def _prefer(view: SavedView, first: bool, actor: Actor) -> None:
    key: dict[str, Any] = {"user_id": actor.user_id, "org_id": actor.org_id, "place": view.place}
    if first:
        ViewChoice.unscoped.update_or_create(**key, defaults={"view": view})
    else:
        ViewChoice.unscoped.filter(**key, view=view).delete()


@action("base.views")
def save_view(place: str, query: str, facts: ViewFacts, *, actor: Actor) -> SavedView:
    """Keep a list's address under a name; one's own view of that name is overwritten. Locks that view."""
    if actor.user_id is None:
        raise Refused("base.no_person")
    if not facts.name.strip():
        raise Refused("base.savedview_has_name", field="name")
    key: dict[str, Any] = {"user_id": actor.user_id, "org_id": actor.org_id, "place": place[:120], "name": facts.name.strip()[:60]}
    view, _new = SavedView.unscoped.update_or_create(**key, defaults={"query": tidy(query)[:4000], "shared": facts.shared, "at": clock.now()})
    _prefer(view, facts.first, actor)
    record(_subject(view), after="shared" if view.shared else "private")
    return view


@action("base.views")
def change_view(view_id: int, facts: ViewFacts, *, actor: Actor) -> SavedView:
    """Rename one's own view, share it or take it back, let the list open with it. Locks it."""
    view = own_view(actor, view_id)
    if not facts.name.strip():
        raise Refused("base.savedview_has_name", field="name")
    view.name, view.shared = facts.name.strip()[:60], facts.shared
    view.save(update_fields=["name", "shared"])
    if not view.shared:
        ViewStart.unscoped.filter(view=view).delete()
    _prefer(view, facts.first, actor)
    record(_subject(view), after="shared" if view.shared else "private")
    return view


@action("base.views")
def remove_view(view_id: int, *, actor: Actor) -> SavedView:
    """Forget one's own view; what it showed is untouched. Locks it. Returns what it was, so that it can be saved again."""
    view = own_view(actor, view_id)
    pk = view.pk
    record(_subject(view), after="removed")
    view.delete()
    view.pk = pk
    return view


@action("base.views")
def prefer_view(view_id: int, first: bool, *, actor: Actor) -> SavedView:
    """Let a list open with a view, also a colleague's shared one, or no longer."""
    view = visible(actor, SavedView).filter(pk=view_id).first()
    if view is None:
        raise NotFound("base.not_found")
    _prefer(view, first, actor)
    record(_subject(view), after="first" if first else "not_first")
    return view


def started_roles(view: SavedView, *, actor: Actor) -> list[int]:
    """The roles of the own organisation for whose people the list opens with a view."""
    return list(visible(actor, ViewStart).filter(view=view).order_by("role_id").values_list("role_id", flat=True))


@action("base.start_views")
def start_roles(view_id: int, role_ids: Iterable[int], *, actor: Actor) -> SavedView:
    """Let a list open with a shared view for the people of just these roles, instead of the view that they had; what a person chose goes before it.

    Locks the view. Raises NotFound for a view that is not shared, Invalid for a role that nobody of the organisation has.
    """
    view = visible(actor, SavedView).select_for_update().filter(pk=view_id, shared=True, org_id=actor.org_id).first()
    if view is None:
        raise NotFound("base.not_found")
    wanted, names = sorted(set(role_ids)), dict(import_string(settings.ROLES_OF)(actor.org_id))
    if not names.keys() >= set(wanted):
        raise Invalid("base.invalid", field="roles")
    place = {"org_id": actor.org_id, "place": view.place}
    ViewStart.unscoped.filter(view=view).exclude(role_id__in=wanted).delete()
    for role_id in wanted:
        ViewStart.unscoped.update_or_create(**place, role_id=role_id, defaults={"view": view})
    record(_subject(view), after="start", detail={"roles": [str(names[role_id]) for role_id in wanted]})
    return view
