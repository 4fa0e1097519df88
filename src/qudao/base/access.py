"""Who acts, and which rows they may see. One policy per model answers list, detail, search, export and API alike."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.apps import apps
from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string

from qudao.kernel.errors import Forbidden, NotFound

M = TypeVar("M", bound=Model)


class Scope(enum.StrEnum):
    """How far an actor sees: own work, own organisation, own branch of the network, everything in this install."""

    SELF = "self"
    ORG = "org"
    BRANCH = "branch"
    ALL = "all"


class Channel(enum.StrEnum):
    """Through what a person or system acts; kept with every action."""

    PAGE = "page"
    PHONE = "phone"
    API = "api"
    FILE = "file"
    EDI = "edi"
    SCAN = "scan"
    MAIL = "mail"
    COMMAND = "command"
    SYSTEM = "system"


@dataclass(frozen=True)
class Actor:
    """Who acts, built once per request, token or job. `cause` is the event that made the system act.

    `stands_for`: the outside sellers that its organisation keeps and that have nobody here, so that its own people write down what those do.
    """

    user_id: int | None
    membership_id: int | None
    org_id: int
    org_path: str
    org_kind: str
    name: str
    verbs: frozenset[str]
    scope: Scope
    fields: frozenset[str] = frozenset()
    channel: Channel = Channel.PAGE
    kind: str = "person"
    cause: int | None = None
    language: str = "zh-hans"
    #: in which the person reads clock times; "": that of the installation
    time_zone: str = ""
    token_id: int | None = None
    stands_for: frozenset[int] = frozenset()
    role_id: int | None = None

    def can(self, verb: str) -> bool:
        """Whether the verb is granted; the system may do everything."""
        return self.kind == "system" or verb in self.verbs

    def sees(self, field: str) -> bool:
        """Whether a guarded field class ("trade.downstream_prices") is granted."""
        return self.kind == "system" or field in self.fields

    def acts_as(self, org_id: int) -> bool:
        """Whether the actor may act for an organisation: its own, an outside one that it stands for; the system for all."""
        return self.kind == "system" or org_id == self.org_id or org_id in self.stands_for

    def through(self, channel: Channel) -> Actor:
        """The same actor on another channel."""
        return replace(self, channel=channel)


def system_actor(*, cause: int | None = None, channel: Channel = Channel.SYSTEM) -> Actor:
    """The system itself, because of event `cause` or a schedule. Never handed to a person's request."""
    return Actor(
        user_id=None, membership_id=None, org_id=0, org_path="/", org_kind="system", name="", verbs=frozenset(),
        scope=Scope.ALL, channel=channel, kind="system", cause=cause,
    )  # fmt: skip


class Policy:
    """Which rows of `model` an actor may see and touch. Override `rows`; `may` follows from it.

    `people`: the ways from a row to those whose work it is ("placed_by"), for who sees own work only. None: what everybody of an organisation needs to
    work at all (products, prices, terms, places), and what is a person's own by its `rows`. Nobody's: nothing is shown with that scope.
    """

    model: type[Model]
    view_verb: str
    people: tuple[str, ...] | None = ()

    def rows(self, actor: Actor, verb: str) -> Q:
        """The rows on which `actor` may use `verb`, however narrow its scope. Default: none."""
        return Q(pk__in=[])

    def mine(self, actor: Actor) -> Q:
        """The rows that are the actor's own work; only asked of a table whose rows are people's."""
        found = Q(pk__in=[])
        for way in self.people or ():
            found |= Q(**{way: actor.user_id})
        return found

    def reach(self, actor: Actor, verb: str) -> Q:
        """`rows`, and with the scope of own work only those among them that are the actor's own. Everything that reads or acts goes through here."""
        found = self.rows(actor, verb)
        return found if actor.scope != Scope.SELF or self.people is None else found & self.mine(actor)

    def may(self, actor: Actor, verb: str, obj: Model) -> bool:
        """Whether `actor` may use `verb` on `obj`: the verb is granted and the row is in `rows`."""
        return actor.can(verb) and visible(actor, type(obj), verb).filter(pk=obj.pk).exists()


_policies: dict[type[Model], Policy] = {}


def register(policy: type[Policy]) -> type[Policy]:
    """Class decorator: the one policy of its model."""
    if policy.model in _policies and type(_policies[policy.model]) is not policy:
        raise RuntimeError(f"{policy.model.__name__} has two policies")
    _policies[policy.model] = policy()
    return policy


def policy_of(model: type[Model]) -> Policy:
    """The policy of a model; LookupError when it has none (the house test forbids that)."""
    if model not in _policies:
        raise LookupError(f"{model.__name__} has no policy")
    return _policies[model]


def visible(actor: Actor, model: type[Model], verb: str | None = None, *, side: str = "") -> QuerySet:
    """The rows of `model` on which `actor` may use `verb` (view by default); `side` ("seller") keeps those where the own organisation stands there.

    Raises Forbidden when the verb is not granted at all.
    """
    policy = policy_of(model)
    verb = verb or policy.view_verb
    if not actor.can(verb):
        raise Forbidden("base.forbidden", verb=verb)
    reach = policy.reach(actor, verb)
    if side:
        mine = own(actor, side)
        # of "seller is me or buyer is me, and seller is me" PostgreSQL sees no index, so what the one implies is left out
        reach = mine if _implied(reach, actor, side) else reach & mine
    return model._default_manager.filter(reach)


def _implied(reach: Q, actor: Actor, side: str) -> bool:
    """Whether a condition holds for every row in whose column `side` the actor's own organisation stands: one of its alternatives says just that."""
    held = ((f"{side}_id", actor.org_id), (f"{side}__path__startswith", actor.org_path))
    return reach == EVERY_ROW or (reach.connector == Q.OR and not reach.negated and any(one in held for one in reach.children))


def get_visible(actor: Actor, model: type[M], pk: object, verb: str | None = None) -> M:
    """The row `pk`: NotFound when the actor may not even see it, Forbidden when it is visible but the verb does not reach it."""
    policy = policy_of(model)
    found = visible(actor, model).filter(pk=pk).first()
    if found is None:
        raise NotFound("base.not_found")
    if verb and verb != policy.view_verb:
        if not actor.can(verb) or not model._default_manager.filter(policy.reach(actor, verb), pk=pk).exists():
            raise Forbidden("base.forbidden", verb=verb)
    return found


def check_move(actor: Actor, verb: str, mine: bool, row: tuple[type[Model], object]) -> None:
    """A move on a row (table, id) that only the side makes whose move it is (`mine`): else NotFound when the actor does not even see the row, Forbidden
    when it does. The good case, which nearly every move is, needs no statement.
    """
    if not mine or actor.scope == Scope.SELF:
        get_visible(actor, *row)
    if not mine:
        raise Forbidden("base.forbidden", verb=verb)


#: all rows; not an empty Q, which vanishes when it is combined with another by "or"
EVERY_ROW = Q(pk__isnull=False)


def within(actor: Actor, *org_fields: str) -> Q:
    """Rows one of whose organisation columns lies in the actor's scope: own organisation, its branch, or all. (Own work is narrowed by `Policy.reach`.)"""
    if actor.scope == Scope.ALL:
        return EVERY_ROW
    condition = Q(pk__in=[])
    for name in org_fields:
        if actor.scope == Scope.BRANCH:
            condition |= Q(**{f"{name}__path__startswith": actor.org_path})
        else:
            condition |= Q(**{f"{name}_id": actor.org_id})
    return condition


def own(actor: Actor, *org_fields: str) -> Q:
    """Rows one of whose organisation columns is the actor's own organisation: what one may act on, however far one sees. The system: all."""
    if actor.kind == "system":
        return EVERY_ROW
    condition = Q(pk__in=[])
    for name in org_fields:
        condition |= Q(**{f"{name}_id": actor.org_id})
    return condition


def acting(actor: Actor, *org_fields: str) -> Q:
    """`own`, and rows of the outside organisations that the actor stands for: what its people write down for them. Lists of "mine" use `own`."""
    condition = own(actor, *org_fields)
    if actor.stands_for:
        for name in org_fields:
            condition |= Q(**{f"{name}_id__in": sorted(actor.stands_for)})
    return condition


def sees_prices(actor: Actor, seller_id: int, buyer_id: int) -> bool:
    """Whether prices and amounts of a trade may be shown: to its two sides, and by the grant to see prices between others."""
    return actor.kind == "system" or actor.org_id in (seller_id, buyer_id) or actor.sees("trade.downstream_prices")


def priced(actor: Actor, seller: str = "seller", buyer: str = "buyer") -> Q:
    """`sees_prices` as a condition: the rows whose amounts the actor may see, and so may see the sum of."""
    return EVERY_ROW if actor.sees("trade.downstream_prices") else own(actor, seller, buyer)


def modules() -> list[str]:
    """The names of our installed modules, lowest first."""
    # settings list them highest first, so that templates of an upper module win
    return [c.name.removeprefix("qudao.") for c in reversed([*apps.get_app_configs()]) if c.name.startswith("qudao.")]


def _collect(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in modules():
        try:
            policies = import_module(f"qudao.{module}.policies")
        except ModuleNotFoundError as missing:
            if missing.name != f"qudao.{module}.policies":
                raise
            continue
        found.update(getattr(policies, name, {}))
    return found


@cache
def all_verbs() -> dict[str, Any]:
    """Every verb of the product with its label (each module's `policies.VERBS`)."""
    return _collect("VERBS")


@cache
def granted(patterns: tuple[str, ...], scope: str) -> frozenset[str]:
    """The verbs that a role gives with a scope: with own work only, none that are about an organisation as a whole (each module's `policies.WHOLE`)."""
    verbs = expand(patterns)
    return verbs - frozenset(_collect("WHOLE")) if scope == Scope.SELF else verbs


@cache
def all_fields() -> dict[str, Any]:
    """Every guarded field class with its label (each module's `policies.FIELDS`)."""
    return _collect("FIELDS")


@cache
def expand(patterns: tuple[str, ...], *, fields: bool = False) -> frozenset[str]:
    """The verbs (or field classes) that match the patterns of a role ("orders.*", "!orders.approve" takes away)."""
    names = all_fields() if fields else all_verbs()
    chosen: set[str] = set()
    for pattern in patterns:
        if pattern.startswith("!"):
            chosen -= {n for n in chosen if fnmatchcase(n, pattern[1:])}
        else:
            chosen |= {n for n in names if fnmatchcase(n, pattern)}
    return frozenset(chosen)


def zone_of(actor: Actor | None) -> tzinfo:
    """In which zone clock times are shown to somebody. The dates of documents follow the installation's calendar, for both sides alike."""
    try:
        return ZoneInfo(actor.time_zone) if actor and actor.time_zone else timezone.get_default_timezone()
    except (ZoneInfoNotFoundError, ValueError):  # one that this machine's tables do not know any more locks nobody out
        return timezone.get_default_timezone()


class ActorMiddleware:
    """Sets `request.actor` (None when nobody is signed in) by the resolver named in settings.ACTOR_OF_REQUEST."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.resolve = import_string(settings.ACTOR_OF_REQUEST)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        by_token = request.headers.get("Authorization", "").startswith("Bearer ")
        actor = request.actor = None if by_token else self.resolve(request)  # type: ignore[attr-defined]
        # To the next request of this thread: a file is written while it is sent, after the answer was given.
        timezone.activate(zone_of(actor))
        return self.get_response(request)


def channel_of(request: HttpRequest) -> Channel:
    """Page or phone, by what the browser says of itself."""
    mobile = request.headers.get("Sec-CH-UA-Mobile") == "?1" or "Mobile" in request.headers.get("User-Agent", "")
    return Channel.PHONE if mobile else Channel.PAGE
