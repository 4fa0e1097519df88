"""When an organisation works: reminders and time-outs of its flows count these hours, if they say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time

from qudao.approvals.models import Calendar
from qudao.approvals.states import MOST_DAYS
from qudao.base.access import Actor
from qudao.base.action import action, record
from qudao.base.subject import Subject
from qudao.kernel.errors import Fault, Forbidden, Invalid, raise_if_any


@dataclass(frozen=True)
class CalendarDraft:
    """Monday is 0. `holidays` are free, `workdays` are worked, whatever the weekday."""

    weekdays: tuple[int, ...]
    begins: time
    ends: time
    holidays: tuple[date, ...] = ()
    workdays: tuple[date, ...] = ()


@action("approvals.edit_rules")
def keep_hours(org_id: int, draft: CalendarDraft, *, actor: Actor) -> Calendar:
    """Say when the organisation works; what waits already counts by it from now on, too. The unique constraint refuses two at once. Raises Invalid."""
    if actor.kind != "system" and org_id != actor.org_id:
        raise Forbidden("base.forbidden", verb="approvals.edit_rules")
    faults = [] if draft.begins < draft.ends else [Fault("approvals.hours_wrong", "ends")]
    if not draft.weekdays or not set(draft.weekdays) <= set(range(7)):
        faults.append(Fault("approvals.weekdays_missing", "weekdays"))
    faults += [Fault("approvals.too_many_days", name, {"most": MOST_DAYS}) for name in ("holidays", "workdays") if len(getattr(draft, name)) > MOST_DAYS]
    raise_if_any(faults, Invalid)
    found = Calendar.unscoped.filter(org_id=org_id).first() or Calendar(org_id=org_id)
    told = {"weekdays": sorted(set(draft.weekdays)), "begins": draft.begins, "ends": draft.ends}
    told |= {name: sorted(set(getattr(draft, name))) for name in ("holidays", "workdays")}
    changed = {name: [getattr(found, name), value] for name, value in told.items() if getattr(found, name) != value}
    if changed:
        for name, value in told.items():
            setattr(found, name, value)
        found.save()
        record(Subject("approvals.calendar", found.pk, org_id, None, ""), detail={name: [str(was), str(now)] for name, (was, now) in changed.items()})
    return found
