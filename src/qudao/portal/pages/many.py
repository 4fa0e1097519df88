"""Many approvals in one go: what waits for this person as one table, exceptions first; decided with a preview and a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.approvals.actions import delegate
from qudao.approvals.queries import choices_of_colleagues, pending_for
from qudao.base.access import Actor
from qudao.base.html.pages import Bulk, ListPage, Skip, door
from qudao.base.html.tables import Column, Table, by_language, join
from qudao.kernel.errors import Refused
from qudao.orders.actions import approve_order, reject_order, return_order
from qudao.orders.forms import ReasonForm, RemarkForm
from qudao.orders.pages import versions
from qudao.orders.queries import orders
from qudao.portal.pages.approvals import DECIDE, ColleagueForm, flag
from qudao.portal.queries import Task, pending
from qudao.portal.queries.inbox import offers

#: the keys of approving, rejecting, sending back, handing on: those of a single card
KEYS = ("e", "r", "b", "d")


class ManyForm(RemarkForm):
    """A remark, and whether what lacks only credit is kept for it."""

    may_wait = forms.BooleanField(label=gettext_lazy("If only credit is missing, keep the order; it is confirmed by itself when money arrives"), required=False)


class HandOnForm(ColleagueForm):
    """Which colleague signs instead, and why."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["seen"]
        found = choices_of_colleagues(self.actor, "orders.order")
        self.fields["user_id"].choices = [(one.id, f"{one.name} ({by_language(role, role_en)})") for one, role, role_en in found]  # type: ignore[attr-defined]


def hand_on(order_id: int, user_id: int, reason: str, seen: int, *, actor: Actor) -> Any:
    """Hand on the request of an order that was looked at. Raises Refused when it has none any more."""
    if not seen:
        raise Refused("approvals.none", number=str(order_id))
    return delegate(seen, user_id, reason, actor=actor)


def _not_asked(actor: Actor) -> Q:
    """The orders that do not wait for this person."""
    steps = pending_for(actor).filter(request__subject_kind="orders.order").order_by()
    return ~Q(pk__in=steps.values("request__subject_id")) & ~Q(pk__in=offers(actor).order_by().values("pk"))


class OrderTable(Table):
    """Orders as a preview and a report name them."""

    columns = (Column("gross", gettext_lazy("Amount (incl. tax)"), cell="amount", total=True, sum="gross"),)
    order = ("state_since", "pk")

    def url(self, row: Any) -> str:
        return reverse("order", args=[row.pk])


class Many(ListPage):
    """The orders that decisions are made on; shown as `many`, with what `pending` says of each."""

    verb = "orders.approve"
    query = orders
    table = OrderTable
    title = gettext_lazy("Approvals")
    shows_runs = False

    @cached_property
    def tasks(self) -> dict[int, Task]:
        """order → what waits for the actor now, exceptions first."""
        return {task.subject_id: task for task in pending(self.actor) if task.subject_kind in DECIDE}

    def label(self, row: Any) -> Any:
        task = self.tasks.get(row.pk)
        return join(str(row), *((task.party, flag(task)[0]) if task else (by_language(row.buyer.name, row.buyer.name_en),)))

    def odd(self, pks: Sequence[int]) -> list[int]:
        chosen = set(pks)
        return [pk for pk, task in self.tasks.items() if pk in chosen and task.exceptional]

    def _those(self, which: Any) -> Any:
        """A condition: the orders whose task is such; asked for only when rows are weighed."""
        return lambda actor: Q(pk__in=[pk for pk, task in self.tasks.items() if which(task)])

    def bulk(self) -> Sequence[Bulk]:
        gone = Skip(_not_asked, _("they do not wait for you any more"))
        transfer = Skip(self._those(lambda task: task.transfer), _("a transfer is accepted or declined"))
        return [
            Bulk(
                "approve", _("Approve"), approve_order, "orders.approve", icon="check", primary=True, form=ManyForm, versions=versions,
                skips=[
                    gone, Skip(self._those(lambda task: task.stuck and task.frozen), _("the credit account is frozen")),
                    Skip(self._those(lambda task: task.stuck and task.lacks), _("not enough stock to reserve")),
                ],
                says=_("After the last signature credit is held, stock is reserved and the order goes to the warehouse."),
            ),
            Bulk(
                "reject", _("Reject"), reject_order, "orders.approve", icon="x", danger=True, form=ReasonForm, versions=versions, skips=[gone],
                says=_("Each buyer reads the reason."),
            ),
            Bulk(
                "return", _("Send back"), return_order, "orders.return", icon="arrow-back-up", form=ReasonForm, versions=versions, skips=[gone, transfer],
                says=_("They become drafts again; each buyer is told what to change."),
            ),
            Bulk(
                "hand_on", _("Hand on"), hand_on, "approvals.delegate", icon="user", form=HandOnForm, versions=versions, skips=[gone, transfer],
                says=_("From now on your colleague alone signs them."),
            ),
        ]  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A decision that waits, in the table of many: what stands out, why it cannot be approved now ("" = it can), and whether it is chosen."""

    task: Task
    flag: str
    wrong: bool
    stuck: str
    chosen: bool

    @property
    def version(self) -> str:
        """Which version of the order is shown, as the kit's preview reads it."""
        return f"{self.task.subject_id}.{self.task.node.request_id if self.task.node else 0}"


def _row(task: Task, picked: set[str]) -> Row:
    stuck = ""
    if task.stuck and not task.may_wait:
        stuck = _("the credit account is frozen") if task.frozen else _("not enough stock to reserve")
    chosen = str(task.subject_id) in picked if picked else not task.exceptional
    return Row(task, *flag(task), stuck, chosen)


@door("orders.approve")
def bulk(request: HttpRequest) -> HttpResponse:
    """All that waits, exceptions first, and what can be done with many; the chosen ones (what is as usual, when none is named) are ticked."""
    page = Many.standing_for(request.actor)  # type: ignore[attr-defined]
    rows = [_row(task, set(request.GET.getlist("pick"))) for task in page.tasks.values()]
    chosen = [row for row in rows if row.chosen]
    context = {
        "title": _("Approvals"), "back": reverse("approvals"), "rows": rows, "chosen": len(chosen), "odd": sum(1 for row in rows if row.task.exceptional),
        "bulk": [(one, key) for one, key in zip(page.bulk(), KEYS, strict=True) if page.actor.can(one.verb)], "mark": Many.signed_path(),
    }  # fmt: skip
    return render(request, "portal/approvals_bulk.html", context)


routes = [path("approvals/bulk", bulk, name="approvals_bulk")]
