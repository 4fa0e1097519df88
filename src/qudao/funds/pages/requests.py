"""Pages of requests for limits: the list, asking, granting, declining, taking back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor
from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, Form, ListPage, Panel, import_buttons
from qudao.funds import actions, queries
from qudao.funds.forms import GrantForm, ReasonForm, WantedForm, wanted_of
from qudao.funds.models import Account, LimitRequest
from qudao.funds.states import REQUEST_TONES, RequestState
from qudao.funds.tables import RequestTable, granted_cell, name_of, wanted_cell
from qudao.kernel.money import ZERO

NEWEST = 10


class RequestList(ListPage):
    """What is asked for, and what became of it."""

    verb = "funds.view"
    query = queries.requests
    table = RequestTable
    title = gettext_lazy("Requests for credit")
    above = "funds"

    def buttons(self) -> list[Button]:
        return list(import_buttons("funds.requests", self.actor))


def requests_panel(request: HttpRequest, account: Account) -> Panel | None:
    """What was asked for on this account, with who decided and how; what waits can be decided here."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items = []
    for one in queries.requests(actor, account_id=account.pk)[:NEWEST]:
        facts: list[Any] = [one.asked_name, figures.moment(one.asked_at), one.reason]
        if one.decided_at:
            facts += [one.decided_name, figures.moment(one.decided_at), granted_cell(one) if one.state == RequestState.GRANTED else "", one.answer]
        state = (one.get_state_display(), REQUEST_TONES[RequestState(one.state)])
        items.append({"label": wanted_cell(one), "state": state, "facts": [fact for fact in facts if fact], "buttons": _verbs(one, actor)})
    return Panel(_("Requests for credit"), "parts/panel_items.html", {"items": items}) if items else None


def _verbs(one: LimitRequest, actor: Actor) -> list[Button]:
    """What the actor may do with a request that waits."""
    if one.state != RequestState.REQUESTED:
        return []
    found = []
    if actor.org_id == one.account.seller_id and one.asked_by != actor.user_id:
        found.append(Button(_("Grant"), reverse("limit_grant", args=[one.pk]), icon="check", verb="funds.set_limit", ask=True))
        found.append(Button(_("Decline"), reverse("limit_decline", args=[one.pk]), icon="ban", verb="funds.set_limit", ask=True, danger=True))
    if actor.org_id == one.org_id:
        found.append(Button(_("Withdraw"), reverse("limit_withdrawal", args=[one.pk]), icon="arrow-back-up", verb="funds.ask_limit", ask=True))
    return [button for button in found if actor.can(button.verb)]


class Ask(ActionPage):
    """Ask for another limit of an account."""

    verb = "funds.ask_limit"
    query = queries.accounts
    form = WantedForm
    title = submit = gettext_lazy("Ask for credit")
    said = gettext_lazy("It is asked for.")
    above = "fund"

    def says(self, obj: Account) -> Any:
        return _("The finance of {seller} decides; it cannot be the person who asks.").format(seller=name_of(obj.seller))

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.ask_limit(obj.pk, wanted_of(cleaned), cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class _Decision(ActionPage):
    """A verb on a request."""

    query = queries.requests
    form: type[Form] = ReasonForm

    @property
    def back(self) -> str:
        return reverse("fund", args=[self.find(**self.kwargs).account_id])

    def done(self, result: LimitRequest) -> str:
        return reverse("fund", args=[result.account_id])

    def says(self, obj: LimitRequest) -> Any:
        said = _("{name} asks for {wanted} for {buyer}: {reason}")
        return said.format(name=obj.asked_name or _("System"), wanted=wanted_cell(obj), buyer=name_of(obj.account.buyer), reason=obj.reason)


class Grant(_Decision):
    """As it was asked, or less."""

    verb = "funds.set_limit"
    form = GrantForm
    title = submit = gettext_lazy("Grant credit")
    said = gettext_lazy("It is granted.")

    def initial(self, obj: LimitRequest) -> dict[str, Any]:
        return {"limit": obj.limit_amount, "temp_limit": obj.temp_limit or None, "temp_until": obj.temp_until}

    def says(self, obj: LimitRequest) -> Any:
        now = figures.money(max(obj.account.limit_amount, ZERO), obj.account.currency)
        return f"{super().says(obj)} {_('The limit is {limit} now; it counts as soon as it is granted.').format(limit=now)}"

    def perform(self, obj: LimitRequest, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.grant_limit(obj.pk, wanted_of(cleaned), cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Decline(_Decision):
    """With a reason."""

    verb = "funds.set_limit"
    title = submit = gettext_lazy("Decline credit")
    said = gettext_lazy("It is declined.")
    danger = True

    def perform(self, obj: LimitRequest, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.decline_limit(obj.pk, cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class Withdrawal(_Decision):
    """It is not asked for any more."""

    verb = "funds.ask_limit"
    form = Form
    action = actions.withdraw_limit
    title = submit = gettext_lazy("Withdraw the request")
    said = gettext_lazy("It is withdrawn.")


routes = [
    path("funds/requests/", RequestList.as_view(), name="limit_requests"),
    path("funds/<int:pk>/limit-requests", Ask.as_view(), name="limit_request"),
    path("limit-requests/<int:pk>/grant", Grant.as_view(), name="limit_grant"),
    path("limit-requests/<int:pk>/decline", Decline.as_view(), name="limit_decline"),
    path("limit-requests/<int:pk>/withdraw", Withdrawal.as_view(), name="limit_withdrawal"),
]
