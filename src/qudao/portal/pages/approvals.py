"""The inbox of approvals: list, the case with its one number that matters, decided by a key or a tap, and the next one opens by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from qudao.approvals.actions import add_signer, delegate, send_back
from qudao.approvals.queries import Node, choices_of_colleagues, proposed_to, signed_before, unscoped_steps
from qudao.approvals.states import LABELS
from qudao.base.html import figures
from qudao.base.html.forms import Form
from qudao.base.html.pages import FormPage, door, go, wanted
from qudao.base.html.tables import by_language
from qudao.base.sentences import say
from qudao.funds.pages import meter_of
from qudao.inventory.states import Short
from qudao.kernel.errors import DomainError, Forbidden, NotFound, Refused
from qudao.orders.actions import approve_order, reject_order, return_order
from qudao.orders.rules import lacks_credit
from qudao.orders.states import Status
from qudao.portal.queries import Case, Task, case, pending
from qudao.portal.queries.inbox import TOP, Tasks

#: the kinds of documents that can be decided here, with the module's own actions
DECIDE = {"orders.order": {"approval": approve_order, "rejection": reject_order}}
DONE = {"approval": gettext_lazy("{number} approved."), "rejection": gettext_lazy("{number} rejected.")}
#: the same of a transfer
ANSWERED = {"approval": gettext_lazy("{number} accepted."), "rejection": gettext_lazy("{number} declined.")}
KEPT = gettext_lazy("{number} approved; it waits for credit.")
#: what a rejection mostly says: one tap
REASONS = (
    gettext_lazy("The credit limit does not suffice."),
    gettext_lazy("Overdue invoices are to be paid first."),
    gettext_lazy("The prices are not agreed."),
    gettext_lazy("The quantities are not plausible."),
)
DECLINES = (gettext_lazy("We need these goods ourselves."), gettext_lazy("We have not got these goods."), gettext_lazy("The price does not suit us."))


@dataclass(frozen=True)
class Headline:
    """The one number that matters: word, figure, whether it is wrong."""

    word: str
    figure: str
    wrong: bool = False


def headline(task: Task) -> Headline:
    """What to look at first: how far beyond the credit, else the amount."""
    if task.beyond:
        return Headline(_("Beyond the limit"), figures.money(task.beyond, task.currency), True)
    return Headline(_("Transfer") if task.transfer else pgettext("amount", "Order"), figures.money(task.amount, task.currency))


def flag(task: Task) -> tuple[str, bool]:
    """The same in a row of the list, in words: (text, whether it is wrong)."""
    if task.beyond:
        return _("{amount} beyond the limit").format(amount=figures.money(task.beyond, task.currency)), True
    if task.short:
        return ngettext("{n} line is short", "{n} lines are short", task.short).format(n=task.short), True
    if task.overdue_days:
        return ngettext("overdue {n} day", "overdue {n} days", task.overdue_days).format(n=task.overdue_days), True
    amount = figures.money(task.amount, task.currency)
    if task.transfer:
        return _("transfer {amount}").format(amount=amount), False
    return (_("first order {amount}").format(amount=amount) if task.first else amount), False


def because(task: Task) -> str:
    """Why this person is asked: by which rule, or by whom."""
    node = task.node
    if node is None:
        return _("{name} asks you to pass these goods on to {receiver}, who pays you for them.").format(name=task.arranger, receiver=task.party)
    if node.added and node.given_by:
        return _("{name} asks you to sign, too.").format(name=node.given_by.name)
    if node.given_by:
        return _("{name} handed this on to you.").format(name=node.given_by.name)
    if node.amount_from:
        told = {"amount": figures.money(node.amount_from, task.currency, 0), "role": task.step}
        return _("Orders of {amount} or more need a signature: {role}.").format(**told)
    return _("Every order needs a signature: {role}.").format(role=task.step)


def shown(task: Task, found: Case) -> dict[str, Any]:
    """What the templates of a case need, on the inbox and on the page of a mail's link alike."""
    meter = meter_of(found.credit, found.order.gross) if found.credit else None
    return {
        "chosen": task, "case": found, "meter": meter, "headline": headline(task), "because": because(task), "reasons": DECLINES if task.transfer else REASONS,
        "top": found.lines[:TOP], "rest": found.lines[TOP:], "history": found.history,
        "may_back": bool(task.node and signed_before(found.course, task.node)),
        "nodes": [(node, by_language(node.role.name, node.role.name_en)) for node in found.course],
        "after_me": [node.signer.name if node.signer else by_language(node.role.name, node.role.name_en) for node in found.later],
    }  # fmt: skip


def _show(request: HttpRequest, tasks: list[Task], task: Task | None, error: DomainError | None = None, said: str = "") -> HttpResponse:
    """The inbox with `task` open, or the region of it that was asked for; with what was refused, or what was done."""
    status = error.status if error else 200
    actor = request.actor  # type: ignore[attr-defined]
    opened = request.GET.get("open") or request.method == "POST"
    chosen = task or (tasks[0] if tasks else None)
    context: dict[str, Any] = {
        "title": _("Approvals"), "rows": [(one, *flag(one)) for one in tasks], "tasks": tasks, "chosen": chosen,
        "faults": [say(f) for f in error.faults] if error else [],
        "may_wait": bool(chosen and (chosen.may_wait or (error and lacks_credit(error.faults)))),
        "reason": "" if said else request.POST.get("reason", ""), "alone": bool(opened and chosen), "back": reverse("approvals") if opened else "",
        "asked": [(one, LABELS[one.request.subject_kind]) for one in (tasks.asked if isinstance(tasks, Tasks) else proposed_to(actor))],
        "swapped": wanted(request) == "inbox",
    }  # fmt: skip
    if chosen and chosen.short:
        context |= {"short_choices": Short.choices, "short": request.POST.get("short") or chosen.if_short}
    rights = {"may_send_back": "approvals.send_back", "may_delegate": "approvals.delegate", "may_signer": "approvals.add_signer", "may_return": "orders.return"}
    context |= {name: actor.can(verb) and not (chosen and chosen.transfer) for name, verb in rights.items()}
    if chosen:
        at = tasks.index(chosen) if chosen in tasks else 0
        context |= shown(chosen, case(actor, chosen))
        context |= {"position": at + 1, "before": tasks[at - 1] if at else None, "after": tasks[at + 1] if at + 1 < len(tasks) else None}
    if not context["swapped"]:
        return render(request, "portal/approvals.html", context, status=status)
    answer = render(request, "portal/approvals_case.html", context, status=status)
    answer["HX-Push-Url"] = reverse("approvals") + (f"?open={chosen.subject_id}" if chosen else "")
    if said:
        answer["HX-Trigger"] = json.dumps({"q-say": said})
    return answer


@door("orders.approve")
def approvals(request: HttpRequest) -> HttpResponse:
    """The inbox; `?open=<id>` opens one case (on a phone the list and the case are two screens)."""
    asked = request.GET.get("open", "")
    tasks = pending(request.actor, int(asked) if asked.isdecimal() and len(asked) < 19 else None)  # type: ignore[attr-defined]
    return _show(request, tasks, next((t for t in tasks if str(t.subject_id) == asked), None))


def _next(tasks: list[Task], task: Task) -> list[Task]:
    """What is left after a decision, beginning with the one that stood below."""
    at = tasks.index(task)
    return [*tasks[at + 1 :], *tasks[:at]]


@door("orders.approve")
def decide(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Approve or reject the order `pk`, then open the next case; a refusal comes back with the case and the typed reason."""
    actor = request.actor  # type: ignore[attr-defined]
    if request.method != "POST":
        return go(request, f"{reverse('approvals')}?open={pk}")
    tasks = pending(actor, pk)
    task = next((t for t in tasks if t.subject_id == pk and t.subject_kind in DECIDE), None)
    if task is None:
        messages.warning(request, _("This does not wait for you any more."))
        return go(request, reverse("approvals"))
    said_too: dict[str, Any] = {"may_wait": bool(request.POST.get("may_wait")), "short": request.POST.get("short", "")} if verb == "approval" else {}
    said_too["seen"] = _seen(request, "seen")
    try:
        order = DECIDE[task.subject_kind][verb](task.subject_id, reason=request.POST.get("quick") or request.POST.get("reason", ""), **said_too, actor=actor)
    except (Forbidden, NotFound):
        raise
    except DomainError as error:
        return _show(request, tasks, task, error)
    words = KEPT if order.status == Status.SUBMITTED else (ANSWERED if task.transfer else DONE)[verb]
    rest, said = _next(tasks, task), str(words).format(number=task.number)
    if wanted(request) != "inbox":
        return go(request, reverse("approvals") + (f"?open={rest[0].subject_id}" if rest else ""), said)
    left = {one.subject_id for one in rest}
    return _show(request, [one for one in tasks if one.subject_id in left], rest[0] if rest else None, said=said)


def _seen(request: HttpRequest, name: str) -> int:
    """The approval request that the page showed; 0 when it says nothing of it."""
    said = request.POST.get(name, "")
    return int(said) if said.isdecimal() and len(said) < 19 else 0


class SeenForm(Form):
    """A question about what the page showed: the approval request that waited then."""

    seen = forms.IntegerField(required=False, label="", widget=forms.HiddenInput)


class ColleagueForm(SeenForm):
    """Who else, and why."""

    user_id = forms.TypedChoiceField(
        label=gettext_lazy("Colleague"), coerce=int, help_text=gettext_lazy("People who may approve and have not submitted or signed this.")
    )
    reason = forms.CharField(label=gettext_lazy("Remark"), required=False, max_length=500)

    def offer(self, task: Task, node: Node) -> ColleagueForm:
        """Fill in whom one may choose for this document."""
        found = choices_of_colleagues(self.actor, task.subject_kind, node.request_id)
        self.fields["user_id"].choices = [(one.id, f"{one.name} ({by_language(role, role_en)})") for one, role, role_en in found]  # type: ignore[attr-defined]
        return self


class SignerForm(ColleagueForm):
    """Who else signs, and when."""

    when = forms.ChoiceField(label=gettext_lazy("When"), choices=(("before", gettext_lazy("before me")), ("after", gettext_lazy("after me"))))
    field_order = ("user_id", "when", "reason")


class ReasonForm(SeenForm):
    """What is to be changed."""

    reason = forms.CharField(label=gettext_lazy("What is to be changed"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class _About(FormPage):
    """A question about one document that waits for this person; afterwards the next case opens."""

    template = "form.html"

    @property
    def back(self) -> str:
        return f"{reverse('approvals')}?open={self.kwargs['pk']}"

    def find(self, **kwargs: Any) -> Task:
        self.tasks = pending(self.actor, kwargs["pk"])
        task = next((t for t in self.tasks if t.subject_id == kwargs["pk"] and t.subject_kind in DECIDE), None)
        if task is None or task.node is None:
            raise NotFound("base.not_found")
        self.task, self.node = task, task.node
        return task

    def initial(self, obj: Any) -> dict[str, Any]:
        return {"seen": self.node.request_id}

    def asked(self, cleaned: dict[str, Any]) -> int:
        """The approval request, as long as it is the one that the page showed. Raises Refused when the document was changed since."""
        if cleaned.pop("seen") not in (None, self.node.request_id):
            raise Refused("approvals.changed", number=self.task.number)
        return self.node.request_id

    def done(self, result: Any) -> str:
        rest = _next(self.tasks, self.task)
        return reverse("approvals") + (f"?open={rest[0].subject_id}" if rest else "")


class _Ask(_About):
    """A question that offers colleagues."""

    asks: type[ColleagueForm] = ColleagueForm

    def form(self, *args: Any, **kwargs: Any) -> ColleagueForm:  # type: ignore[override]
        """The form with whom one may choose for this document; the page found the document before."""
        return self.asks(*args, **kwargs).offer(self.task, self.node)


class Delegation(_Ask):
    """Hand one request on."""

    verb = "approvals.delegate"
    title = submit = gettext_lazy("Hand on")
    said = gettext_lazy("Handed on. Your colleague is told.")

    def perform(self, obj: Task, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return delegate(self.asked(cleaned), cleaned["user_id"], cleaned["reason"], actor=self.actor, client_id=client_id)


class Signers(_Ask):
    """Ask a colleague to sign, too."""

    verb = "approvals.add_signer"
    asks = SignerForm
    title = submit = gettext_lazy("Ask a colleague to sign, too")
    said = gettext_lazy("Your colleague is asked.")

    def perform(self, obj: Task, cleaned: dict[str, Any], client_id: UUID) -> Any:
        before = cleaned["when"] == "before"
        return add_signer(self.asked(cleaned), cleaned["user_id"], before, cleaned["reason"], actor=self.actor, client_id=client_id)


class Return(_About):
    """Send an order back to who submitted it."""

    verb = "orders.return"
    form = ReasonForm
    title = submit = gettext_lazy("Send back for change")
    said = gettext_lazy("Sent back. The buyer is told what to change.")

    def initial(self, obj: Any) -> dict[str, Any]:
        return {**super().initial(obj), "reason": self.request.GET.get("reason", "")[:500]}

    def perform(self, obj: Task, cleaned: dict[str, Any], client_id: UUID) -> Any:
        seen = self.asked(cleaned)
        return return_order(obj.subject_id, reason=cleaned["reason"], seen=seen, actor=self.actor, client_id=client_id)


class BackForm(ReasonForm):
    """To which signature, and why."""

    position = forms.TypedChoiceField(
        label=gettext_lazy("Back to"), coerce=int, help_text=gettext_lazy("It and all after it are asked again; what was signed stays in the history.")
    )
    field_order = ("position", "reason")


class Back(_About):
    """Send a document back to a signature it has already got."""

    verb = "approvals.send_back"
    title = submit = gettext_lazy("Send back to an earlier signature")
    said = gettext_lazy("Sent back. Who signs there is told.")

    def form(self, *args: Any, **kwargs: Any) -> BackForm:  # type: ignore[override]
        """The form with the signatures that this document has got."""
        found = BackForm(*args, **kwargs)
        steps = signed_before(unscoped_steps(self.node.request), self.node)
        found.fields["position"].choices = [(one.position, _signed(one)) for one in reversed(steps)]  # type: ignore[attr-defined]
        return found

    def perform(self, obj: Task, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return send_back(self.asked(cleaned), cleaned["position"], cleaned["reason"], actor=self.actor, client_id=client_id)


def _signed(node: Node) -> str:
    """A step by whom it asks, and who signed it."""
    role = by_language(node.role.name, node.role.name_en)
    people = ", ".join(one.user.name for one in node.signatures.all())
    return f"{node.position}. {role}: {people}" if people else f"{node.position}. {role}"


routes = [
    path("approvals/", approvals, name="approvals"),
    path("approvals/<int:pk>/approval", decide, {"verb": "approval"}, name="approval_approve"),
    path("approvals/<int:pk>/rejection", decide, {"verb": "rejection"}, name="approval_reject"),
    path("approvals/<int:pk>/return", Return.as_view(), name="approval_return"),
    path("approvals/<int:pk>/back", Back.as_view(), name="approval_back"),
    path("approvals/<int:pk>/delegation", Delegation.as_view(), name="approval_delegation"),
    path("approvals/<int:pk>/signers", Signers.as_view(), name="approval_signers"),
]
