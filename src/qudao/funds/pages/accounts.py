"""Pages of credit: the accounts, one account with what uses it, and a page per verb of finance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.html import figures
from qudao.base.html.pages import ActionPage, Button, DetailPage, Form, FormPage, Head, ListPage, import_buttons
from qudao.funds import actions, queries
from qudao.funds.forms import DepositForm, DepositMoneyForm, HandForm, LimitForm, LineForm, ReasonForm, RulesForm, patience_of, terms_of
from qudao.funds.models import Account
from qudao.funds.pages.panels import (
    changes_panel,
    credit_panel,
    deposit_panel,
    due_panel,
    entries_panel,
    items_panel,
    lines_panel,
    state_panel,
    terms_panel,
    timeline_panel,
    whatif_panel,
)
from qudao.funds.pages.requests import requests_panel
from qudao.funds.rules import NO_LIMIT
from qudao.funds.states import State
from qudao.funds.tables import AccountTable, name_of, state_of
from qudao.kernel import clock
from qudao.kernel.money import ZERO


class FundList(ListPage):
    """Credit given and taken."""

    verb = "funds.view"
    query = queries.accounts
    table = AccountTable
    title = gettext_lazy("Credit")

    def buttons(self) -> Sequence[Button]:
        rules = Button(_("Rules"), reverse("fund_rules"), icon="settings", verb="funds.set_rules", ask=True)
        lines = [replace(one, label=_("Import product lines")) for one in import_buttons("funds.lines", self.actor)]
        asked = Button(_("Requests"), reverse("limit_requests"), icon="list")
        shared = Button(_("Shared limits"), reverse("shared_limits"), icon="building")
        return [asked, shared, rules, *import_buttons("funds.limits", self.actor), *lines]


class FundDetail(DetailPage):
    """One credit account."""

    verb = "funds.view"
    query = queries.accounts
    kind = "funds.account"
    panels = (
        *(state_panel, credit_panel, requests_panel, lines_panel, whatif_panel, deposit_panel, items_panel, entries_panel),
        *(due_panel, terms_panel, changes_panel, timeline_panel),
    )
    above = "funds"

    def head(self, obj: Account) -> Head:
        other = obj.seller if self.actor.org_id == obj.buyer_id else obj.buyer
        return Head(other.code, None, name_of(other), facts=[state_of(obj), obj.currency])

    def buttons(self, obj: Account) -> Sequence[Button]:
        ask = Button(_("Ask for credit"), reverse("limit_request", args=[obj.pk]), icon="coins", verb="funds.ask_limit", ask=True)
        asks = [ask] if not obj.prepaid and self.actor.org_id in (obj.seller_id, obj.buyer_id) else []
        if self.actor.org_id != obj.seller_id:
            return asks
        to = reverse("fund_limit", args=[obj.pk])
        found = [Button(_("Set patience") if obj.prepaid else _("Set limit"), to, icon="pencil", primary=not obj.prepaid, verb="funds.set_limit", key="e")]
        if not obj.prepaid:
            found.append(Button(_("Limit of a product line"), reverse("fund_lines", args=[obj.pk]), icon="list", verb="funds.set_limit", ask=True))
        found.append(Button(_("Ask for a deposit"), reverse("fund_deposit", args=[obj.pk]), icon="settings", verb="funds.deposit", ask=True))
        found.append(Button(_("Take in a deposit"), reverse("fund_deposit_in", args=[obj.pk]), icon="cash", verb="funds.deposit", ask=True))
        if obj.deposit_held:
            found.append(Button(_("Send deposit back"), reverse("fund_deposit_out", args=[obj.pk]), icon="arrow-back-up", verb="funds.deposit", ask=True))
            found.append(Button(_("Pay a debt from it"), reverse("fund_deduction", args=[obj.pk]), icon="check", verb="payments.deduct", ask=True))
        if obj.by_hand:
            found.append(Button(_("Let pass again"), reverse("fund_unfreeze", args=[obj.pk]), icon="lock-open", verb="funds.unfreeze", ask=True))
        found += asks
        freeze = _("Change hold or stop") if obj.by_hand else _("Hold or stop")
        found.append(Button(freeze, reverse("fund_freeze", args=[obj.pk]), icon="ban", verb="funds.freeze", ask=True, danger=True))
        return found


class _Verb(ActionPage):
    """A verb of finance on an account, with its reason."""

    query = queries.accounts
    form: type[Form] = ReasonForm
    above = "fund"


class FundLimit(_Verb):
    """The limits and the patience."""

    verb = "funds.set_limit"
    form = LimitForm
    title = submit = gettext_lazy("Set limit")
    said = gettext_lazy("The limit is set.")

    def initial(self, obj: Account) -> dict[str, Any]:
        return {
            "limit": None if obj.limit_amount == NO_LIMIT else obj.limit_amount,
            "temp_limit": obj.temp_limit or None,
            "temp_until": obj.temp_until,
            "grace_days": obj.grace_days,
            "tolerance": None if obj.tolerance == NO_LIMIT else obj.tolerance or None,
            "stop_days": obj.stop_days,
            "watch_percent": obj.watch_percent,
        }

    def says(self, obj: Account) -> Any:
        if obj.prepaid:
            said = _("{name} pays before he orders, so there is no limit to set. Overdue invoices of other terms may be tolerated.")
            return said.format(name=name_of(obj.buyer))
        if obj.shared_id:
            return _("{name} shares a limit, which counts instead of this one until it is left out.").format(name=name_of(obj.buyer))
        exposure = figures.money(max(obj.exposure, ZERO), obj.currency)  # type: ignore[attr-defined]
        return _("{name} uses {exposure} now. A limit below that stops new orders; what is confirmed goes on.").format(
            name=name_of(obj.buyer), exposure=exposure
        )

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_limit(obj.pk, terms_of(cleaned), cleaned["reason"], actor=self.actor, client_id=client_id)


class FundLines(_Verb):
    """What a product line may use of the limit."""

    verb = "funds.set_limit"
    form = LineForm
    title = submit = gettext_lazy("Limit of a product line")
    said = gettext_lazy("The limit is set.")

    def initial(self, obj: Account) -> dict[str, Any]:
        return {}

    def says(self, obj: Account) -> Any:
        return _("An order must pass the limit of the account and that of each of its product lines.")

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        limits = {cleaned["category_id"]: cleaned["amount"]}
        return actions.set_line_limits(obj.pk, limits, cleaned["reason"], actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class FundDeposit(_Verb):
    """How large a deposit is asked for."""

    verb = "funds.deposit"
    form = DepositForm
    title = submit = gettext_lazy("Ask for a deposit")
    said = gettext_lazy("It is asked for.")

    def initial(self, obj: Account) -> dict[str, Any]:
        return {"required": obj.deposit_required, "first": obj.deposit_first}

    def says(self, obj: Account) -> Any:
        held = figures.money(obj.deposit_held, obj.currency)
        return _("A deposit is held beside all trade: it pays nothing and gives no credit. {held} are held now.").format(held=held)

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        asked = (cleaned["required"], cleaned["first"], cleaned["reason"])
        return actions.set_deposit(obj.pk, *asked, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class FundDepositIn(_Verb):
    """Money of a deposit came."""

    verb = "funds.deposit"
    form = DepositMoneyForm
    title = submit = gettext_lazy("Take in a deposit")
    said = gettext_lazy("The deposit is booked.")

    def initial(self, obj: Account) -> dict[str, Any]:
        return {"amount": max(obj.deposit_required - obj.deposit_held, ZERO) or None, "day": clock.today()}

    def says(self, obj: Account) -> Any:
        return _("Both books show it on accounts of their own.")

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        money = (cleaned["amount"], cleaned["reason"], cleaned["day"])
        return actions.pay_deposit(obj.pk, *money, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


class FundDepositOut(FundDepositIn):
    """A deposit, or a part of it, goes back."""

    title = submit = gettext_lazy("Send deposit back")
    said = gettext_lazy("It is sent back.")

    def initial(self, obj: Account) -> dict[str, Any]:
        return {"amount": obj.deposit_held, "day": clock.today()}

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        money = (cleaned["amount"], cleaned["reason"], cleaned["day"])
        return actions.refund_deposit(obj.pk, *money, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]


def held_again(account: Account) -> Button:
    """Puts back the hold or stop that an account had by hand."""
    fields = {"state": account.by_hand, "reason": account.by_hand_reason, **({"until": account.by_hand_until} if account.by_hand_until else {})}
    return Button(_("Undo"), reverse("fund_freeze", args=[account.pk]), verb="funds.freeze", fields=fields)


class FundFreeze(_Verb):
    """New orders wait, or nothing passes."""

    verb = "funds.freeze"
    form = HandForm
    title = submit = gettext_lazy("Hold or stop")
    said = gettext_lazy("It counts from now on.")
    danger = True

    def initial(self, obj: Account) -> dict[str, Any]:
        return {"state": obj.by_hand or State.HOLD, "until": obj.by_hand_until, "reason": obj.by_hand_reason}

    def says(self, obj: Account) -> Any:
        return _("It counts whatever the rules say, until its last day or until somebody ends it. {name} reads the reason.").format(name=name_of(obj.buyer))

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        asked = {"state": cleaned["state"], "until": cleaned["until"]}
        return actions.freeze(obj.pk, cleaned["reason"], **asked, actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def undo(self, obj: Account, result: Any) -> Button:
        free = Button(_("Undo"), reverse("fund_unfreeze", args=[obj.pk]), verb="funds.unfreeze", fields={"reason": _("Undone")})
        return held_again(obj) if obj.by_hand else free


class FundUnfreeze(_Verb):
    """A hold or stop by hand ends."""

    verb = "funds.unfreeze"
    action = actions.unfreeze
    title = submit = gettext_lazy("Let pass again")
    said = gettext_lazy("The rules count again.")

    def undo(self, obj: Account, result: Any) -> Button | None:
        return held_again(obj) if obj.by_hand else None


class FundRules(FormPage):
    """The rules of the own organisation for its accounts."""

    verb = "funds.set_rules"
    form = RulesForm
    title = gettext_lazy("Rules of credit")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The rules are saved.")
    above = "funds"

    def initial(self, obj: Any) -> dict[str, Any]:
        return asdict(queries.house(self.actor))

    def perform(self, obj: Any, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_rules(patience_of(cleaned), actor=self.actor, client_id=client_id)  # type: ignore[call-arg]

    def done(self, result: Any) -> str:
        return self.back


routes = [
    path("funds/", FundList.as_view(), name="funds"),
    path("funds/rules", FundRules.as_view(), name="fund_rules"),
    path("funds/<int:pk>/", FundDetail.as_view(), name="fund"),
    path("funds/<int:pk>/limit", FundLimit.as_view(), name="fund_limit"),
    path("funds/<int:pk>/deposit-terms", FundDeposit.as_view(), name="fund_deposit"),
    path("funds/<int:pk>/deposit/receipts", FundDepositIn.as_view(), name="fund_deposit_in"),
    path("funds/<int:pk>/deposit/refunds", FundDepositOut.as_view(), name="fund_deposit_out"),
    path("funds/<int:pk>/line-limit", FundLines.as_view(), name="fund_lines"),
    path("funds/<int:pk>/freeze", FundFreeze.as_view(), name="fund_freeze"),
    path("funds/<int:pk>/unfreeze", FundUnfreeze.as_view(), name="fund_unfreeze"),
]
