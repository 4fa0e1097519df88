"""Pages of credit: the accounts, one account with what uses it, and a page per verb of finance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
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
from qudao.base.html.pages import ActionPage, Button, DetailPage, Form, FormPage, Head, ListPage, Panel, import_buttons
from qudao.base.subject import Subject
from qudao.funds import actions, queries
from qudao.funds.forms import HandForm, LimitForm, ReasonForm, RulesForm, patience_of, terms_of
from qudao.funds.models import Account
from qudao.funds.states import MEANS, PREPAID, REMEDIES, SENTENCES, TONES, Bucket, State
from qudao.funds.tables import AccountTable, name_of, state_of
from qudao.kernel import clock
from qudao.kernel.errors import Fault
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
        rules = Button(_("Rules"), reverse("fund_rules"), icon="settings", verb="funds.set_rules", ask=True)
        return [rules, *import_buttons("funds.limits", self.actor)]


def meter_of(card: queries.CreditCard, this: Decimal = ZERO) -> Meter:
    """The meter of an account with the order that is being decided; what is overdue stands apart from what is invoiced.

    Of a prepaid account: how much of the balance is frozen.
    """
    p = card.position
    notes = notes_of(card)
    if p.prepaid:
        held = {"invoiced": p.invoiced, "shipped": p.shipped, "ordered": p.ordered}
        return Meter(limit=p.unapplied, this=this, currency=card.currency, prepaid=True, notes=notes, **held)
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
        notes=notes,
    )


def notes_of(card: queries.CreditCard) -> list[tuple[str, str, str]]:
    """What the state of an account means and why, wherever its meter stands: (tone, meaning, reasons); nothing of a good one."""
    standing = card.standing
    why = " ".join(said_of(fault, card.currency) for fault in standing.reasons)
    return [] if standing.state == State.OK else [(TONES[standing.state], str(MEANS[standing.state]), why)]


def said_of(fault: Fault, currency: str) -> str:
    """A reason in words, its amounts with their currency."""
    figured = {name: figures.money(value, currency) if isinstance(value, Decimal) else value for name, value in fault.params.items()}
    return str(SENTENCES[fault.code]).format(**figured)


def title_of(card: queries.CreditCard) -> str:
    """What the account is called where its meter stands."""
    return _("Prepaid balance") if card.position.prepaid else _("Credit")


def credit_panel(request: HttpRequest, account: Account) -> Panel | None:
    """Limit or balance, what uses it, what is free."""
    card = queries.unscoped_card(account.agreement_id)
    return Panel(title_of(card), "parts/panel_credit.html", {"meter": replace(meter_of(card), notes=())}) if card else None


def state_panel(request: HttpRequest, account: Account) -> Panel | None:
    """The state as of now, what it means, every reason with what clears it, and what a person wants."""
    card = queries.unscoped_card(account.agreement_id)
    if card is None:
        return None
    standing = card.standing
    found = [(said_of(fault, card.currency), REMEDIES.get(fault.code, "")) for fault in standing.reasons]
    hand = ""
    if card.position.by_hand:
        until = _("until {day}").format(day=figures.day(account.by_hand_until)) if account.by_hand_until else _("until somebody ends it")
        hand = f"{account.by_hand_reason} ({until})"
    context = {"badge": figures.badge(standing.state.label, TONES[standing.state]), "means": MEANS[standing.state], "reasons": found, "hand": hand}
    return Panel(_("State"), "funds/state.html", context)


def changes_panel(request: HttpRequest, account: Account) -> Panel:
    """The states the account went through, with the reasons of their time."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entries = []
    for change in queries.changes_of(actor, account.pk)[:NEWEST]:
        why = " ".join(said_of(Fault(code, "", _figured(params)), account.currency) for code, params in change.reasons)
        what = f"{State(change.before).label} → {State(change.after).label}"
        entries.append({"who": change.who or _("System"), "at": change.at, "what": what, "reason": f"{change.note} {why}".strip()})
    return Panel(_("States so far"), "parts/panel_timeline.html", {"entries": entries}, aside=True)


def _figured(params: dict[str, Any]) -> dict[str, Any]:
    """Amounts come back from their row as texts."""
    return {name: Decimal(value) if isinstance(value, str) else value for name, value in params.items()}


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
        (_("Stop after days overdue"), str(account.stop_days) if account.stop_days is not None else ""),
        (_("Watch from % of the limit"), str(account.watch_percent or "")),
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
    panels = (state_panel, credit_panel, items_panel, entries_panel, due_panel, terms_panel, changes_panel, timeline_panel)

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
        if obj.by_hand:
            found.append(Button(_("Let pass again"), reverse("fund_unfreeze", args=[obj.pk]), icon="lock-open", verb="funds.unfreeze", ask=True))
        freeze = _("Change hold or stop") if obj.by_hand else _("Hold or stop")
        found.append(Button(freeze, reverse("fund_freeze", args=[obj.pk]), icon="ban", verb="funds.freeze", ask=True, danger=True))
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
            "stop_days": obj.stop_days,
            "watch_percent": obj.watch_percent,
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


class FundUnfreeze(_Verb):
    """A hold or stop by hand ends."""

    verb = "funds.unfreeze"
    action = actions.unfreeze
    title = submit = gettext_lazy("Let pass again")
    said = gettext_lazy("The rules count again.")


class FundRules(FormPage):
    """The rules of the own organisation for its accounts."""

    verb = "funds.set_rules"
    form = RulesForm
    title = gettext_lazy("Rules of credit")
    submit = gettext_lazy("Save")
    said = gettext_lazy("The rules are saved.")

    @property
    def back(self) -> str:  # type: ignore[override]
        return reverse("funds")

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
    path("funds/<int:pk>/freeze", FundFreeze.as_view(), name="fund_freeze"),
    path("funds/<int:pk>/unfreeze", FundUnfreeze.as_view(), name="fund_unfreeze"),
]
