"""Who sees credit: the two sides of the account, and who may see the prices of the whole install; only the seller changes it."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from qudao.base.access import EVERY_ROW, Actor, Policy, Scope, acting, own, register
from qudao.funds.models import Account, DepositEntry, Entry, House, LimitRequest, SharedLimit, StateChange, SubLimit

VERBS = {
    "funds.view": _("See credit limits and what uses them"),
    "funds.open_account": _("Open credit accounts"),
    "funds.set_limit": _("Set credit limits"),
    "funds.ask_limit": _("Ask for credit limits"),
    "funds.freeze": _("Put credit accounts on hold or stop them"),
    "funds.unfreeze": _("Let credit accounts on hold or stopped by hand pass again"),
    "funds.deposit": _("Ask for deposits, take them in and send them back"),
    "funds.set_rules": _("Set the rules by which credit is watched, held and stopped"),
}


def _sees_all(actor: Actor) -> bool:
    """Credit is amounts only, so seeing far is not enough: it takes the grant to see prices between others."""
    return actor.scope == Scope.ALL and (actor.kind == "system" or actor.sees("trade.downstream_prices"))


@register
class AccountPolicy(Policy):
    model = Account
    view_verb = "funds.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == "funds.ask_limit":
            return own(actor, "seller", "buyer")
        if verb != self.view_verb:
            return acting(actor, "seller")
        return EVERY_ROW if _sees_all(actor) else own(actor, "seller", "buyer")


class _WithAccount(Policy):
    view_verb = "funds.view"

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == self.view_verb and _sees_all(actor):
            return EVERY_ROW
        return Q(account_id__in=Account.unscoped.filter(own(actor, "seller", "buyer")).values("pk"))


@register
class EntryPolicy(_WithAccount):
    """An entry is seen with its account."""

    model = Entry


@register
class StateChangePolicy(_WithAccount):
    """What happened to an account is seen with it."""

    model = StateChange
    people = None


@register
class SubLimitPolicy(_WithAccount):
    """A limit for a product line is seen with its account."""

    model = SubLimit
    people = None


@register
class LimitRequestPolicy(_WithAccount):
    """A request is seen with its account by both sides; the seller decides, and who asked takes it back."""

    model = LimitRequest
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb == "funds.ask_limit":
            return own(actor, "org")
        if verb == "funds.set_limit":
            return Q(account_id__in=Account.unscoped.filter(acting(actor, "seller")).values("pk"))
        return super().rows(actor, verb)


@register
class DepositEntryPolicy(_WithAccount):
    """What happened to a deposit is seen with its account."""

    model = DepositEntry


@register
class SharedLimitPolicy(Policy):
    """A shared limit is seen by its seller and the head office; who shares it reads on its own account what is free."""

    model = SharedLimit
    view_verb = "funds.view"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        if verb != self.view_verb:
            return acting(actor, "seller")
        return EVERY_ROW if _sees_all(actor) else own(actor, "seller", "head")


@register
class HousePolicy(Policy):
    """The rules of a seller are its own affair: a buyer sees what they make of its account."""

    model = House
    view_verb = "funds.set_rules"
    people = None

    def rows(self, actor: Actor, verb: str) -> Q:
        return own(actor, "seller")
