"""Pages of credit: the accounts, one account with what uses it, and a page per verb of finance."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from qudao.base.access import Actor, Scope, all_verbs
from qudao.base.audit import timeline
from qudao.base.html import figures
from qudao.base.html.meters import Meter
from qudao.base.html.pages import ActionPage, Button, DetailPage, Form, Head, ListPage, Panel, import_buttons
from qudao.base.subject import Subject
from qudao.funds import actions, queries
from qudao.funds.forms import LimitForm, ReasonForm, terms_of
from qudao.funds.models import Account
from qudao.funds.states import PREPAID, Bucket
from qudao.funds.tables import AccountTable, name_of, state_of
from qudao.kernel import clock
from qudao.kernel.money import ZERO
from qudao.ledger.queries import PartyAccount, ageing_of, open_items
from qudao.ledger.states import Bucket as Age
from qudao.ledger.states import Side

NEWEST = 20


class FundList(ListPage):
    """Credit given and taken."""

    verb = "funds.view"
    query = queries.accounts
    table = AccountTable
    title = gettext_lazy("Credit")

    def buttons(self) -> Sequence[Button]:
        return import_buttons("funds.limits", self.actor)


def meter_of(card: queries.CreditCard, this: Decimal = ZERO) -> Meter:
    """The meter of an account with the order that is being decided; what is overdue stands apart from what is invoiced.

    Of a prepaid account: how much of the balance is frozen.
    """
    p = card.position
    if p.prepaid:
        held = {"invoiced": p.invoiced, "shipped": p.shipped, "ordered": p.ordered}
        return Meter(limit=p.unapplied, this=this, currency=card.currency, prepaid=True, **held)
    overdue = min(p.overdue, p.invoiced)
    return Meter(
        limit=p.limit,
        temp_limit=card.limit - p.limit,
        temp_until=p.temp_until,
        overdue=overdue,
        invoiced=p.invoiced - overdue,
        shipped=p.shipped,
        ordered=p.ordered,
        unapplied=p.unapplied,
        this=this,
        currency=card.currency,
    )


def title_of(card: queries.CreditCard) -> str:
    """What the account is called where its meter stands."""
    return _("Prepaid balance") if card.position.prepaid else _("Credit")


def credit_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Limit or balance, what uses it, what is free."""
    card = queries.unscoped_card(account.agreement_id)
    return Panel(title_of(card), "parts/panel_credit.html", {"meter": meter_of(card)}) if card else None


def entries_panel(request: HttpRequest, account: Account) -> Panel:
    """The newest changes."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    items = []
    for entry in queries.entries_of(actor, account.pk)[:NEWEST]:
        facts = [entry.get_kind_display(), figures.moment(entry.at), *([entry.note] if entry.note else [])]
        word = PREPAID[Bucket(entry.bucket)] if account.prepaid else Bucket(entry.bucket).label
        label = f"{word} {entry.number}".strip()
        items.append({"label": label, "facts": facts, "end": figures.amount(entry.amount)})
    empty = _("Nothing has been paid in or frozen yet.") if account.prepaid else _("Nothing has used this credit yet.")
    return Panel(_("What changed it"), "parts/panel_items.html", {"items": items, "empty": empty})


def books_of(actor: Actor, account: Account) -> PartyAccount | None:
    """The account in the books that the actor may read about this credit; None without the right to books."""
    if not actor.can("ledger.view"):
        return None
    if actor.org_id == account.buyer_id and actor.org_id != account.seller_id:
        return PartyAccount(account.buyer_id, account.seller_id, Side.PAYABLE, account.currency)
    if actor.org_id == account.seller_id or actor.scope == Scope.ALL:
        return PartyAccount(account.seller_id, account.buyer_id, Side.RECEIVABLE, account.currency)
    return None


def due_panel(request: HttpRequest, account: Account) -> Panel | None:
    """What is open by days past due, from the reader's own side of the books."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    books = books_of(actor, account)
    if books is None:
        return None
    row = ageing_of(actor, books, clock.today())
    facts: list[tuple[Any, Any]] = [(bucket.label, figures.amount(row.buckets[bucket])) for bucket in Age if row.buckets[bucket]] if row else []
    if row:
        facts += [(_("Total"), figures.amount(row.total)), (_("Not applied"), figures.amount(row.unapplied) if row.unapplied else "")]
    return Panel(_("Due"), "parts/panel_facts.html", {"facts": facts or [(_("Open"), _("Everything is paid."))]}, aside=True)


def items_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Open documents, oldest due date first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    books = books_of(actor, account)
    if books is None:
        return None
    found = open_items(actor, books.org_id, side=books.side, counterparty_id=books.counterparty_id).filter(currency=books.currency)[:NEWEST]
    today = clock.today()
    items = [
        {
            "label": item.number,
            "state": (_("Overdue"), "wrong") if item.due_on < today else None,
            "facts": [_("due {day}").format(day=figures.day(item.due_on))],
            "end": figures.amount(item.open_amount),
        }
        for item in found
    ]
    return Panel(_("Open documents"), "parts/panel_items.html", {"items": items, "empty": _("Everything is paid.")})


def terms_panel(request: HttpRequest, account: Account) -> Panel:
    """What finance has set."""
    facts = [
        (_("Agreement"), account.agreement.code),
        (_("Seller"), name_of(account.seller)),
        (_("Buyer"), name_of(account.buyer)),
        (_("Days of grace"), str(account.grace_days)),
        (_("Overdue tolerated"), figures.money(account.tolerance, account.currency) if account.tolerance else ""),
        (_("Frozen because"), account.frozen_reason),
    ]
    return Panel(_("Terms"), "parts/panel_facts.html", {"facts": facts}, aside=True)


def timeline_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Who set what, for the seller's people."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if actor.org_id != account.seller_id:
        return None
    verbs = all_verbs()
    subject = Subject("funds.account", account.pk)
    entries = [
        {
            "who": line.actor_name or _("System"),
            "at": line.at,
            "what": f"{verbs.get(line.verb, line.verb)} {line.before} → {line.after}",
            "reason": line.reason,
        }
        for line in timeline(subject).reverse()[:NEWEST]
    ]
    return Panel(_("What happened"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


class FundDetail(DetailPage):
    """One credit account."""

    verb = "funds.view"
    query = queries.accounts
    kind = "funds.account"
    panels = (credit_panel, items_panel, entries_panel, due_panel, terms_panel, timeline_panel)

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("funds")

    def head(self, obj: Account) -> Head:
        other = obj.seller if self.actor.org_id == obj.buyer_id else obj.buyer
        return Head(other.code, None, name_of(other), facts=[state_of(obj), obj.agreement.code])

    def buttons(self, obj: Account) -> Sequence[Button]:
        if self.actor.org_id != obj.seller_id:
            return []
        to = reverse("fund_limit", args=[obj.pk])
        found = [Button(_("Set patience") if obj.prepaid else _("Set limit"), to, icon="pencil", primary=not obj.prepaid, verb="funds.set_limit", key="e")]
        if obj.frozen:
            found.append(Button(_("Unfreeze"), reverse("fund_unfreeze", args=[obj.pk]), icon="lock-open", verb="funds.unfreeze", ask=True))
        else:
            found.append(Button(_("Freeze"), reverse("fund_freeze", args=[obj.pk]), icon="ban", verb="funds.freeze", ask=True, danger=True))
        return found


class _Verb(ActionPage):
    """A verb of finance on an account, with its reason."""

    query = queries.accounts
    form: type[Form] = ReasonForm

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("fund", args=[self.kwargs["pk"]])


class FundLimit(_Verb):
    """The limits and the patience."""

    verb = "funds.set_limit"
    form = LimitForm
    title = submit = gettext_lazy("Set limit")
    said = gettext_lazy("The limit is set.")

    def initial(self, obj: Account) -> dict[str, Any]:
        return {
            "limit": obj.limit_amount,
            "temp_limit": obj.temp_limit or None,
            "temp_until": obj.temp_until,
            "grace_days": obj.grace_days,
            "tolerance": obj.tolerance or None,
        }

    def says(self, obj: Account) -> Any:
        if obj.prepaid:
            said = _("{name} pays before he orders, so there is no limit to set. Overdue invoices of other terms may be tolerated.")
            return said.format(name=name_of(obj.buyer))
        exposure = figures.money(max(obj.exposure, ZERO), obj.currency)  # type: ignore[attr-defined]
        return _("{name} uses {exposure} now. A limit below that stops new orders; what is confirmed goes on.").format(
            name=name_of(obj.buyer), exposure=exposure
        )

    def perform(self, obj: Account, cleaned: dict[str, Any], client_id: UUID) -> Any:
        return actions.set_limit(obj.pk, terms_of(cleaned), cleaned["reason"], actor=self.actor, client_id=client_id)


class FundFreeze(_Verb):
    """No further order passes."""

    verb = "funds.freeze"
    action = actions.freeze
    title = submit = gettext_lazy("Freeze")
    said = gettext_lazy("The account is frozen.")
    danger = True

    def says(self, obj: Account) -> Any:
        return _("No further order of {name} passes and nothing more is shipped until the account is unfrozen.").format(name=name_of(obj.buyer))


class FundUnfreeze(_Verb):
    """Orders pass again."""

    verb = "funds.unfreeze"
    action = actions.unfreeze
    title = submit = gettext_lazy("Unfreeze")
    said = gettext_lazy("Orders pass again.")


routes = [
    path("funds/", FundList.as_view(), name="funds"),
    path("funds/<int:pk>/", FundDetail.as_view(), name="fund"),
    path("funds/<int:pk>/limit", FundLimit.as_view(), name="fund_limit"),
    path("funds/<int:pk>/freeze", FundFreeze.as_view(), name="fund_freeze"),
    path("funds/<int:pk>/unfreeze", FundUnfreeze.as_view(), name="fund_unfreeze"),
]
