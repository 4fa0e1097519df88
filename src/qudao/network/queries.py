"""Reads of organisations: cards for the modules above, lists for pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from qudao.base.access import Actor, Scope, get_visible, visible
from qudao.base.db import rows
from qudao.base.html.tables import by_language
from qudao.kernel.clock import end_of
from qudao.network.models import Address, FormerPlace, Organisation
from qudao.network.rules import ids_of
from qudao.network.states import OrgKind, OrgState


@dataclass(frozen=True)
class OrgCard:
    """What other modules need to know of an organisation."""

    id: int
    code: str
    name: str
    name_en: str
    path: str
    state: str
    kind: str
    tier: int

    @property
    def active(self) -> bool:
        """Whether it may start new business (an order, a delivery on credit)."""
        return self.state == OrgState.ACTIVE

    def name_in(self, language: str | None) -> str:
        """The name for a reader of a language ("en", "zh-hans")."""
        return self.name_en if self.name_en and (language or "").startswith("en") else self.name


CARD = ("id", "code", "name", "name_en", "path", "state", "kind", "tier")


def unscoped_cards(ids: Iterable[int]) -> dict[int, OrgCard]:
    """Cards by id; ids that do not exist are missing. One statement."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(CARD)} FROM network_organisation WHERE id = ANY(%s)", [wanted])
        return {row[0]: OrgCard(*row) for row in cursor.fetchall()}


def unscoped_cards_by_code(codes: Iterable[str]) -> dict[str, OrgCard]:
    """Cards by code in upper case (codes are unique whatever their case). One statement."""
    wanted = sorted({code.strip().lower() for code in codes})
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(CARD)} FROM network_organisation WHERE lower(code) = ANY(%s)", [wanted])
        return {row[1].upper(): OrgCard(*row) for row in cursor.fetchall()}


def organisations(actor: Actor) -> QuerySet[Organisation]:
    """What the actor sees, in the order of the tree."""
    return visible(actor, Organisation).select_related("parent").order_by("path")


def organisation(actor: Actor, pk: int, verb: str | None = None) -> Organisation:
    """One organisation; NotFound when the actor does not see it."""
    return get_visible(actor, Organisation, pk, verb)


def line_above(actor: Actor, org: Organisation) -> list[Organisation]:
    """The organisations above one, from the root down, as far as the actor sees them. One statement."""
    return list(visible(actor, Organisation).filter(pk__in=ids_of(org.path)[:-1]).order_by("path"))


#: under whom each organisation stood at the end of the day %(on)s: where it was then, else where it is now
_STOOD = """coalesce((SELECT f.parent_id FROM network_formerplace f WHERE f.organisation_id = o.id AND f.since <= %(on)s AND %(on)s < f.until), o.parent_id)"""


def line_above_on(actor: Actor, org: Organisation, on: date) -> list[Organisation]:
    """The organisations above one at the end of a day, from the root down, as far as the actor sees them; none before it was registered. Two statements."""
    if org.created_at >= end_of(on):
        return []
    found = rows(
        f"""WITH RECURSIVE line AS (
                SELECT o.id, 0 AS step, {_STOOD} AS parent_id FROM network_organisation o WHERE o.id = %(id)s
                UNION ALL SELECT o.id, line.step + 1, {_STOOD} FROM line JOIN network_organisation o ON o.id = line.parent_id)
            SELECT id FROM line WHERE step > 0 ORDER BY step DESC""",
        {"id": org.pk, "on": on},
    )
    seen = visible(actor, Organisation).in_bulk([pk for (pk,) in found])
    return [seen[pk] for (pk,) in found if pk in seen]


def directly_below_on(actor: Actor, org: Organisation, on: date) -> QuerySet[Organisation]:
    """The organisations that stood directly under one at the end of a day, as far as the actor sees them."""
    then = FormerPlace.unscoped.filter(since__lte=on, until__gt=on)
    there = then.filter(parent=org).values("organisation_id")
    here = Q(parent=org) & ~Q(pk__in=then.values("organisation_id"))
    known = visible(actor, Organisation).filter(Q(pk__in=there) | here)
    return known.filter(created_at__lt=end_of(on)).order_by("kind", "code")


def former_places(actor: Actor, org: Organisation) -> list[FormerPlace]:
    """Where an organisation stood before, newest first; the name of whom the actor does not see is left out (`parent` None). Two statements."""
    found = list(visible(actor, FormerPlace).filter(organisation=org).order_by("-pk")[:50])
    seen = visible(actor, Organisation).in_bulk({one.parent_id for one in found}) if found else {}
    for one in found:
        one.above = seen.get(one.parent_id)  # type: ignore[attr-defined]
    return found


def directly_below(actor: Actor, org: Organisation) -> QuerySet[Organisation]:
    """The organisations directly under one that the actor sees."""
    return visible(actor, Organisation).filter(parent=org).order_by("kind", "code")


def possible_parents(actor: Actor, verb: str) -> QuerySet[Organisation]:
    """The organisations under which an actor may put another: its branch, without what can have nothing below it."""
    below = visible(actor, Organisation, verb).exclude(state=OrgState.CLOSED)
    return below.exclude(kind__in=[OrgKind.SUPPLIER, OrgKind.CUSTOMER]).order_by("path")


def unscoped_keeper_of(org_id: int) -> QuerySet[Organisation, dict[str, int]]:
    """Who keeps an outside seller, as a sub-query; nothing for any other organisation."""
    return Organisation.unscoped.filter(pk=org_id, kind=OrgKind.SUPPLIER).values("parent_id")  # type: ignore[return-value]


def unscoped_parties(ids: QuerySet) -> QuerySet[Organisation]:
    """The organisations of a sub-query of ids, by code: the parties of documents that the caller may see."""
    return Organisation.unscoped.filter(pk__in=ids).order_by("code")


def knows_fully(actor: Actor, path: str) -> bool:
    """Whether an actor may read everything about the organisation of a path, or only its code and name (the line above)."""
    if actor.scope == Scope.ALL:
        return True
    return path.startswith(actor.org_path) if actor.scope == Scope.BRANCH else path == actor.org_path


def addresses(actor: Actor, org_id: int) -> QuerySet[Address]:
    """The addresses in use of an organisation that the actor may see, the default first."""
    return visible(actor, Address).filter(organisation_id=org_id, active=True).order_by("-is_default", "pk")


def address_of(actor: Actor, pk: int, verb: str | None = None) -> Address:
    """One address; NotFound when the actor does not see it."""
    return get_visible(actor, Address, pk, verb)


#: so many organisations stand in a list to choose from; of more one is typed
FEW = 200


def place_words(place: Organisation, own: int = 0) -> str:
    """An organisation among others: what it is, its name and its code; of the own one without what it is."""
    name = f"{by_language(place.name, place.name_en)} ({place.code})"
    return name if place.pk == own else _("{kind}: {name}").format(kind=place.get_kind_display(), name=name)
