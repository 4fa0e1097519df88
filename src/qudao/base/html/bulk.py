"""What can be done with many rows: declared by a list page, weighed row-set by row-set before it happens, done by `base.runs` one row after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.core import signing
from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, policy_of
from qudao.base.html.forms import Form
from qudao.base.runs import MOST
from qudao.kernel.errors import Invalid, NotFound

#: the first reason of every bulk: the row is seen, but the verb does not reach it
NOT_YOURS = _("You cannot do this with these rows")
#: the reason of rows that are not what they were when somebody looked at them
CHANGED = _("They were changed after you looked at them: read what they say now, then decide")
#: the number of that reason
ANEW = -1


@dataclass(frozen=True)
class Skip:
    """Rows that are left out: a condition, and why, as a short clause ("already confirmed")."""

    q: Q | Callable[[Actor], Q]
    says: Any


@dataclass(frozen=True)
class Bulk:
    """`action(pk, **form's data, actor=…)` for each chosen row that no `skips` leaves out. `says` is what will happen; `form` asks for what all rows share.

    `versions(pks)` tells which version of each row is there now (0: none): rows that are another one than was looked at are left out, and the action is
    told by `seen=` what was looked at.
    """

    name: str
    label: Any
    action: Callable[..., Any]
    verb: str
    skips: Sequence[Skip] = ()
    says: Any = ""
    form: type[Form] | None = None
    icon: str = ""
    primary: bool = False
    danger: bool = False
    versions: Callable[[Sequence[int]], Mapping[int, int]] | None = None

    def asking(self, data: QueryDict | None, actor: Actor, initial: dict[str, Any] | None = None) -> Form:
        """The bulk's form; without fields when it asks nothing."""
        return (self.form or Form)(data, actor=actor, initial=initial or {})

    def bound(self, given: dict[str, Any], actor: Actor) -> Callable[[int], Any]:
        """The action for one row, with what was typed. Raises Invalid when that can no longer be read."""
        data = QueryDict(mutable=True)
        seen: Mapping[str, int] = given.get("seen", {})
        data.update({name: value for name, value in given.items() if name != "seen"})
        form = self.asking(data, actor)
        if not form.is_valid():
            raise Invalid("base.invalid", message=" ".join(str(e) for errors in form.errors.values() for e in errors))
        if self.versions is None:
            return lambda pk: self.action(pk, **form.cleaned_data, actor=actor)
        return lambda pk: self.action(pk, **{**form.cleaned_data, "seen": seen.get(str(pk), 0)}, actor=actor)


@dataclass(frozen=True)
class Weighed:
    """What would happen: the rows that would be done, and those left out with the number of the reason (0: `NOT_YOURS`, `ANEW`: `CHANGED`, n: the bulk's
    n-th skip); and the version of each, where the bulk tells them.
    """

    ready: list[int]
    skipped: list[tuple[int, int]] = field(default_factory=list)
    versions: Mapping[int, int] = field(default_factory=dict)

    @property
    def seen(self) -> dict[str, Any]:
        """What a run keeps of the versions, beside what was typed."""
        return {"seen": {str(pk): self.versions[pk] for pk in self.ready if self.versions.get(pk)}} if self.versions else {}

    def frozen(self) -> str:
        """The rows with their versions, signed, for the form that follows."""
        return signing.dumps([[pk, self.versions.get(pk, 0)] for pk in (*self.ready, *(pk for pk, _why in self.skipped))], salt="rows", compress=True)

    def groups(self, bulk: Bulk) -> list[tuple[Any, list[int]]]:
        """(reason, rows) of those left out."""
        found: dict[int, list[int]] = defaultdict(list)
        for pk, reason in self.skipped:
            found[reason].append(pk)
        return [(reason_of(bulk, reason), pks) for reason, pks in sorted(found.items())]


def reason_of(bulk: Bulk, number: int) -> Any:
    """The words of a reason."""
    if number == ANEW:
        return CHANGED
    return bulk.skips[number - 1].says if 0 < number <= len(bulk.skips) else NOT_YOURS


def thawed(raw: str) -> dict[int, int]:
    """The rows that a preview showed, by `Weighed.frozen`: nothing that came to match meanwhile is added. Raises NotFound for what is not ours."""
    try:
        return {int(pk): int(version) for pk, version in signing.loads(raw, salt="rows")}
    except signing.BadSignature as error:
        raise NotFound("base.not_found") from error


def told(raw: Iterable[str]) -> dict[int, int]:
    """The versions that a list said it shows, as "row.version" each; what cannot be read is left out."""
    pairs = (one.split(".") for one in raw)
    return {int(pair[0]): int(pair[1]) for pair in pairs if len(pair) == 2 and all(part.isdecimal() and len(part) < 19 for part in pair)}


def weigh(bulk: Bulk, rows: QuerySet, actor: Actor, looked: Mapping[int, int] | None = None) -> Weighed:
    """What `bulk` would do with these rows (what the actor sees, at most `runs.MOST`), of which these versions were looked at. Three statements however
    many rows there are, one more with versions.
    """
    chosen = list(rows.values_list("pk", flat=True)[:MOST])
    among = rows.model._default_manager.filter(pk__in=chosen)
    reach = set(among.filter(policy_of(rows.model).reach(actor, bulk.verb)).values_list("pk", flat=True)) if actor.can(bulk.verb) else set()
    whens = [When(one.q(actor) if callable(one.q) else one.q, then=Value(n)) for n, one in enumerate(bulk.skips, 1)]
    reasons: dict[int, int | None] = {}
    if whens:
        seen = rows.order_by().filter(pk__in=chosen)  # the page's own query: a condition may name what it annotates
        reasons = dict(seen.annotate(bulk_reason=Case(*whens, default=None, output_field=IntegerField())).values_list("pk", "bulk_reason"))
    versions = dict(bulk.versions(chosen)) if bulk.versions else {}
    anew = {pk: version for pk, version in (looked or {}).items() if bulk.versions and version and versions.get(pk, 0) != version}
    why = {pk: reasons.get(pk) or (ANEW if pk in anew else None) for pk in chosen if pk in reach}
    ready = [pk for pk in chosen if pk in reach and not why[pk]]
    return Weighed(ready, [(pk, why.get(pk) or 0) for pk in chosen if pk not in reach or why[pk]], versions | anew)
