"""The inbox of approvals: list, the case with its one number that matters, approve or reject in two taps, then the next one opens."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from qudao.base.html.pages import door, go
from qudao.base.html.tables import by_language
from qudao.base.sentences import Said, say
from qudao.kernel.errors import DomainError, Forbidden, NotFound
from qudao.orders.actions import approve_order, reject_order
from qudao.portal.queries import Task, case, pending
from qudao.portal.tables import meter_of

#: the kinds of documents that can be decided here, with the module's own actions
DECIDE = {"orders.order": {"approval": approve_order, "rejection": reject_order}}


def _show(request: HttpRequest, tasks: list[Task], wanted: Task | None, faults: list[Said] | None = None, status: int = 200) -> HttpResponse:
    actor = request.actor  # type: ignore[attr-defined]
    opened = request.GET.get("open") or request.method == "POST"
    chosen = wanted or (tasks[0] if tasks else None)
    context: dict[str, Any] = {
        "title": _("Approvals"), "tasks": tasks, "chosen": chosen, "faults": faults or [], "reason": request.POST.get("reason", ""),
        "alone": bool(opened and chosen), "back": reverse("approvals") if opened else "",
    }  # fmt: skip
    if chosen:
        found = case(actor, chosen)
        at = tasks.index(chosen) if chosen in tasks else 0
        meter = meter_of(found.credit, found.order.gross) if found.credit else None
        context |= {
            "case": found, "meter": meter, "position": at + 1,
            "lines": [(by_language(line.product.name, line.product.name_en), line) for line in found.lines],
            "before": tasks[at - 1] if at else None, "after": tasks[at + 1] if at + 1 < len(tasks) else None,
            "nodes": [(node, by_language(node.role.name, node.role.name_en)) for node in found.course],
        }  # fmt: skip
    return render(request, "portal/approvals.html", context, status=status)


@door("orders.approve")
def approvals(request: HttpRequest) -> HttpResponse:
    """The inbox; `?open=<id>` opens one case (on a phone the list and the case are two screens)."""
    tasks = pending(request.actor)  # type: ignore[attr-defined]
    return _show(request, tasks, next((t for t in tasks if str(t.subject_id) == request.GET.get("open")), None))


@door("orders.approve")
def decide(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Approve or reject the order `pk`, then open the next case; a refusal comes back with the case and the typed reason."""
    actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return go(request, f"{reverse('approvals')}?open={pk}")
    tasks = pending(actor)
    task = next((t for t in tasks if t.subject_id == pk and t.subject_kind in DECIDE), None)
    if task is None:
        messages.warning(request, _("This does not wait for you any more."))
        return go(request, reverse("approvals"))
    try:
        DECIDE[task.subject_kind][verb](task.subject_id, reason=request.POST.get("reason", ""), actor=actor)
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        return _show(request, tasks, task, [say(f) for f in error.faults], status=error.status)
    at = tasks.index(task)
    rest = [*tasks[at + 1 :], *tasks[:at]]
    said = _("{number} approved.") if verb == "approval" else _("{number} rejected.")
    return go(request, reverse("approvals") + (f"?open={rest[0].subject_id}" if rest else ""), said.format(number=task.number))


routes = [
    path("approvals/", approvals, name="approvals"),
    path("approvals/<int:pk>/approval", decide, {"verb": "approval"}, name="approval_approve"),
    path("approvals/<int:pk>/rejection", decide, {"verb": "rejection"}, name="approval_reject"),
]
