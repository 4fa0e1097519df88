"""What a flow of approvals asks of credit limits and of deposits that are sent back, and how they look to who signs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from qudao.approvals.actions import Asking
from qudao.base.access import Actor, get_visible
from qudao.base.html import figures
from qudao.base.html.tables import by_language
from qudao.base.subject import Subject
from qudao.funds.models import Account, LimitRequest, SharedLimit
from qudao.funds.rules import LimitTerms, SharedDraft, Wanted
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.network.queries import unscoped_cards

LIMIT, OUT = "funds.limit", "payments.out"


def _about(account: Account) -> Subject:
    return Subject("funds.account", account.pk, account.seller_id, account.buyer_id, account.buyer.code)


def limit_asks(account_id: int, terms: LimitTerms, reason: str, *, actor: Actor) -> Asking:
    """What the limits would come to together."""
    account = get_visible(actor, Account, account_id, "funds.set_limit")
    return _compared(_about(account), account.terms, terms, account.currency)


def _compared(about: Subject, before: LimitTerms, after: LimitTerms, currency: str) -> Asking:
    most = after.limit + after.temp_limit
    return Asking(about, most, currency, "raise" if most > before.limit + before.temp_limit else "lower")


def shared_asks(draft: SharedDraft, reason: str, *, actor: Actor) -> Asking:
    """What a shared limit would come to."""
    kept = SharedLimit.unscoped.filter(seller_id=draft.seller_id, head_id=draft.head_id, currency=draft.currency).first()
    about = Subject("funds.sharedlimit", kept.pk if kept else 0, draft.seller_id, draft.head_id)
    return _compared(about, kept.terms if kept else LimitTerms(ZERO), draft.terms, draft.currency)


def shared_card(draft: SharedDraft, reason: str) -> list[tuple[Any, Any]]:
    """The head office, how many share it, and the limit."""
    head = unscoped_cards([draft.head_id]).get(draft.head_id)
    told: list[tuple[Any, Any]] = [(_("Head office"), by_language(head.name, head.name_en) if head else ""), (_("Who shares it"), len(set(draft.buyer_ids)))]
    return [*told, (_("Limit"), figures.money(draft.limit + draft.temp_limit, draft.currency)), (_("Reason"), reason)]


def limit_card(account_id: int, terms: LimitTerms, reason: str) -> list[tuple[Any, Any]]:
    """The limit now and then."""
    account = Account.unscoped.select_related("buyer").get(pk=account_id)
    told = _buyer(account) + [
        (_("Limit now"), figures.money(account.limit_amount, account.currency)),
        (_("Limit"), figures.money(terms.limit, account.currency)),
    ]
    if terms.temp_limit and terms.temp_until:
        until = _("{amount} until {day}").format(amount=figures.money(terms.temp_limit, account.currency), day=figures.day(terms.temp_until))
        told.append((_("Temporary limit"), until))
    return [*told, (_("Reason"), reason)]


def grant_asks(request_id: int, granted: Wanted | None = None, answer: str = "", *, actor: Actor) -> Asking:
    """As `limit_asks`, of what would be granted."""
    request = get_visible(actor, LimitRequest, request_id, "funds.set_limit")
    account = request.account
    return _compared(_about(account), account.counting, _granted(request, granted), account.currency)


def grant_card(request_id: int, granted: Wanted | None = None, answer: str = "") -> list[tuple[Any, Any]]:
    """As `limit_card`, with who asked."""
    request = LimitRequest.unscoped.select_related("account").get(pk=request_id)
    return [*limit_card(request.account_id, _granted(request, granted), answer or request.reason), (_("Asked by"), request.asked_name)]


def _granted(request: LimitRequest, granted: Wanted | None) -> LimitTerms:
    return (granted or request.wanted).on(request.account.counting, clock.today())


def limits_asks(terms: Mapping[int, LimitTerms], reason: str, *, actor: Actor) -> Asking | None:
    """The largest of many limits."""
    account = get_visible(actor, Account, next(iter(terms)), "funds.set_limit") if terms else None
    return Asking(_about(account), max(one.limit + one.temp_limit for one in terms.values()), account.currency, "raise") if account else None


def limits_card(terms: Mapping[int, LimitTerms], reason: str) -> list[tuple[Any, Any]]:
    """Each account with its limit; at most 50."""
    found = Account.unscoped.select_related("buyer").filter(pk__in=terms).order_by("buyer__code")[:50]
    rows = [(by_language(one.buyer.name, one.buyer.name_en), figures.money(terms[one.pk].limit, one.currency)) for one in found]
    return [*rows, (_("Reason"), reason)]


def lines_asks(account_id: int, limits: Mapping[int, Decimal | None], reason: str, *, actor: Actor) -> Asking:
    """The largest limit of a product line."""
    account = get_visible(actor, Account, account_id, "funds.set_limit")
    return Asking(_about(account), max((one for one in limits.values() if one), default=ZERO), account.currency, "lines")


def lines_card(account_id: int, limits: Mapping[int, Decimal | None], reason: str) -> list[tuple[Any, Any]]:
    """How many product lines."""
    account = Account.unscoped.select_related("buyer").get(pk=account_id)
    return [*_buyer(account), (_("Product lines"), len(limits)), (_("Reason"), reason)]


def deposit_asks(account_id: int, amount: Decimal, reason: str, day: date | None = None, *, actor: Actor) -> Asking:
    """A deposit, or a part of it, back to the buyer."""
    account = get_visible(actor, Account, account_id, "funds.deposit")
    return Asking(_about(account), amount, account.currency, "deposit")


def deposit_card(account_id: int, amount: Decimal, reason: str, day: date | None = None) -> list[tuple[Any, Any]]:
    """To whom, and what is held."""
    account = Account.unscoped.select_related("buyer").get(pk=account_id)
    return [*_buyer(account), (_("Deposit held"), figures.money(account.deposit_held, account.currency)), (_("Reason"), reason)]


def _buyer(account: Account) -> list[tuple[Any, Any]]:
    return [(_("Buyer"), by_language(account.buyer.name, account.buyer.name_en))]
