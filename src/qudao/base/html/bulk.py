"""What can be done with many rows: declared by a list page, weighed row-set by row-set before it happens, done by `base.runs` one row after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from qudao.base.access import Actor, policy_of
from qudao.base.html.forms import Form
from qudao.base.runs import MOST
from qudao.kernel.errors import Invalid

#: the first reason of every bulk: the row is seen, but the verb does not reach it
NOT_YOURS = _("You cannot do this with these rows")


@dataclass(frozen=True)
class Skip:
    """Rows that are left out: a condition, and why, as a short clause ("already confirmed")."""

    q: Q | Callable[[Actor], Q]
    says: Any


@dataclass(frozen=True)
class Bulk:
    """`action(pk, **form's data, actor=…)` for each chosen row that no `skips` leaves out. `says` is what will happen; `form` asks for what all rows share."""

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

    def asking(self, data: QueryDict | None, actor: Actor, initial: dict[str, Any] | None = None) -> Form:
        """The bulk's form; without fields when it asks nothing."""
        return (self.form or Form)(data, actor=actor, initial=initial or {})

    def bound(self, given: dict[str, Any], actor: Actor) -> Callable[[int], Any]:
        """The action for one row, with what was typed. Raises Invalid when that can no longer be read."""
        data = QueryDict(mutable=True)
        data.update(given)
        form = self.asking(data, actor)
        if not form.is_valid():
            raise Invalid("base.invalid", message=" ".join(str(e) for errors in form.errors.values() for e in errors))
        return lambda pk: self.action(pk, **form.cleaned_data, actor=actor)


@dataclass(frozen=True)
class Weighed:
    """What would happen: the rows that would be done, and those left out with the number of the reason (0: `NOT_YOURS`, n: the bulk's n-th skip)."""

    ready: list[int]
    skipped: list[tuple[int, int]] = field(default_factory=list)

    def groups(self, bulk: Bulk) -> list[tuple[Any, list[int]]]:
        """(reason, rows) of those left out."""
        found: dict[int, list[int]] = defaultdict(list)
        for pk, reason in self.skipped:
            found[reason].append(pk)
        return [(reason_of(bulk, reason), pks) for reason, pks in sorted(found.items())]


def reason_of(bulk: Bulk, number: int) -> Any:
    """The words of a reason."""
    return bulk.skips[number - 1].says if 0 < number <= len(bulk.skips) else NOT_YOURS


def weigh(bulk: Bulk, rows: QuerySet, actor: Actor) -> Weighed:
    """What `bulk` would do with these rows (what the actor sees, at most `runs.MOST`). Three statements however many rows there are."""
    chosen = list(rows.values_list("pk", flat=True)[:MOST])
    among = rows.model._default_manager.filter(pk__in=chosen)
    reach = set(among.filter(policy_of(rows.model).reach(actor, bulk.verb)).values_list("pk", flat=True)) if actor.can(bulk.verb) else set()
    whens = [When(one.q(actor) if callable(one.q) else one.q, then=Value(n)) for n, one in enumerate(bulk.skips, 1)]
    reasons = {}
    if whens:
        seen = rows.order_by().filter(pk__in=chosen)  # the page's own query: a condition may name what it annotates
        reasons = dict(seen.annotate(bulk_reason=Case(*whens, default=None, output_field=IntegerField())).values_list("pk", "bulk_reason"))
    ready = [pk for pk in chosen if pk in reach and not reasons.get(pk)]
    return Weighed(ready, [(pk, reasons.get(pk) or 0) for pk in chosen if pk not in reach or reasons.get(pk)])
