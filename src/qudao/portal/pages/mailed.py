"""The page behind the link of a mail: one document, approve or reject, without signing in. Looking changes nothing; only a POST decides.

The link stands for one person, one step and 72 hours. Everything is asked again each time: is the person still active here, does the step still wait
for this person, is it still the step of the link. The page is small (own style sheet, no script), because it is opened on phones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from qudao.approvals.actions import decide_proposal
from qudao.approvals.pages.proposals import card_of
from qudao.approvals.queries import Link, Signature, unscoped_decision, unscoped_link, unscoped_member_of, unscoped_proposals_for
from qudao.approvals.states import DECIDED_BY, PROPOSED
from qudao.base.access import Actor, Channel
from qudao.base.sentences import say
from qudao.base.work import unit
from qudao.kernel import clock
from qudao.kernel.errors import DomainError, Fault, Forbidden, NotFound, Refused
from qudao.orders.rules import lacks_credit
from qudao.people.queries import unscoped_actor_of_membership
from qudao.people.rules import hash_of
from qudao.portal.pages.approvals import DECIDE, shown
from qudao.portal.queries import Task, case, pending_step

#: what the person may do and see here at most; never more than what the person may anyway
VERBS = frozenset(
    {
        "orders.view",
        "orders.approve",
        "funds.view",
        "inventory.view",
        "ledger.view",
        "payments.view",
        "approvals.view",
        "messages.view",
        "base.files",
        "approvals.sign",
    }
)
#: looks and decisions from one address in ten minutes (per process: a brake; nobody guesses 256 bits)
MOST, SECONDS = 60, 600
ASKED = {"approve": "approval", "reject": "rejection"}


def _guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A brake, and headers that keep the secret: not stored, not sent on, not indexed."""

    @wraps(view)
    def enter(request: HttpRequest, token: str) -> HttpResponse:
        key = f"portal.mailed.{request.META.get('REMOTE_ADDR', '')}"
        cache.add(key, 0, SECONDS)
        try:
            often = cache.incr(key) > MOST
        except ValueError:  # it ended just now
            often = False
        answer = _sorry(request, 429, Fault("base.too_many_requests")) if often else view(request, token)
        answer["Referrer-Policy"], answer["X-Robots-Tag"] = "no-referrer", "noindex"
        return answer

    return enter


def _sorry(request: HttpRequest, status: int, fault: Fault | None = None) -> HttpResponse:
    """Nothing about the document: the link is used up, expired, wrong, or not this person's any more."""
    return render(request, "portal/approvals_mailed.html", {"sorry": say(fault or Fault("approvals.link"))}, status=status)


def _actor_of(link: Link) -> Actor | None:
    """The person of the link as far as this page lets act; None when the person may not act for the seller (any more)."""
    member = unscoped_member_of(link.user_id, link.node.request.seller_id or 0)
    actor = unscoped_actor_of_membership(member, Channel.MAIL) if member else None
    return replace(actor, verbs=actor.verbs & VERBS) if actor and actor.can(DECIDED_BY.get(link.node.request.subject_kind, "")) else None


def _task_of(link: Link, actor: Actor) -> Task | None:
    """The step of the link, while it waits for the person and the link lives."""
    if link.ended_at is not None or link.expires_at <= clock.now():
        return None
    task = pending_step(actor, link.node_id)
    return task if task and task.subject_kind in DECIDED_BY else None


# The secret in the address is what a forged request from another site does not know; a cookie would add nothing but failures in mail apps.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@_guarded
def mailed(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the card, POST decides; a second POST shows what was decided."""
    link = unscoped_link(hash_of(token)) if len(token) < 200 else None
    actor = _actor_of(link) if link else None
    if link is None or actor is None:
        return _sorry(request, 409)
    with translation.override(actor.language):
        task = _task_of(link, actor)
        if task is None:
            decided = unscoped_decision(link.node_id)
            return _decided(request, link, decided) if decided else _sorry(request, 409)
        return _decide(request, link, task, actor) if request.method == "POST" else _card(request, task, actor)


def _decide(request: HttpRequest, link: Link, task: Task, actor: Actor) -> HttpResponse:
    verb = ASKED.get(request.POST.get("decision", ""))
    if verb is None:
        return _card(request, task, actor)
    reason = request.POST.get("quick") or request.POST.get("reason", "")

    kept = {"may_wait": True} if verb == "approval" and request.POST.get("may_wait") else {}

    def once() -> Signature:
        if task.subject_kind in PROPOSED:
            decide_proposal(task.subject_id, request.POST["decision"], reason, actor=actor)
        else:
            DECIDE[task.subject_kind][verb](task.subject_id, reason=reason, **kept, actor=actor)
        decided = unscoped_decision(link.node_id)
        if decided is None or decided.user_id != actor.user_id:  # the step moved between the look and the lock, and another one was signed: undo
            raise Refused("approvals.link")
        return decided

    try:
        return _decided(request, link, unit(once))
    except (Forbidden, NotFound):
        return _sorry(request, 409)
    except DomainError as error:
        return _card(request, task, actor, error)


def _card(request: HttpRequest, task: Task, actor: Actor, error: DomainError | None = None) -> HttpResponse:
    """The card; with what was refused, and the way to keep an order that lacks only credit."""
    if task.subject_kind in PROPOSED:
        made = unscoped_proposals_for(actor).select_related("asked_by").get(pk=task.subject_id)
        told = {"proposal": made, "card": card_of(made), "chosen": task, "faults": [say(f) for f in error.faults] if error else [], "person": actor.name}
        return render(request, "portal/approvals_mailed.html", told, status=error.status if error else 200)
    may_wait = task.may_wait or bool(error and lacks_credit(error.faults))
    told = {"faults": [say(f) for f in error.faults] if error else [], "person": actor.name, "may_wait": may_wait}
    context: dict[str, Any] = {**shown(task, case(actor, task)), **told}
    return render(request, "portal/approvals_mailed.html", context, status=error.status if error else 200)


def _decided(request: HttpRequest, link: Link, decided: Signature) -> HttpResponse:
    """What became of the step: by whom, when, why."""
    words = {"approve": _("{number} is approved."), "reject": _("{number} is rejected."), "return": _("{number} is sent back.")}
    words["back"] = words["return"]
    told = words[decided.decision].format(number=link.node.request.number)
    return render(request, "portal/approvals_mailed.html", {"decided": decided, "told": told, "number": link.node.request.number})


routes = [path("a/<str:token>/", mailed, name="approval_mailed")]
